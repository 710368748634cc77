"""No group of listeners may be harmed while the average gains.

Slices are pooled over nights like the whole. A slice stops a challenger that is shown to harm it; a slice with too few
listeners to show anything does not, and says what it could have shown.
"""

from functools import partial

from scipy.special import ndtri

from pipeline.gate.candidates import contrast
from pipeline.gate.comparison import Comparison
from pipeline.gate.guardrail import GUARDRAIL_ALPHA, Case, Finding, Guardrail, undecided
from pipeline.metrics.slices import SLICES

_LEVEL = GUARDRAIL_ALPHA / len(SLICES)


def _check(name: str, case: Case) -> Finding:
    if int(case.cells.slices[name].sum()) < 2:
        return undecided()
    return harm(
        contrast(case.challenger, case.champion, case.cells, part=name, earlier=case.earlier),
        case.params.max_slice_loss,
    )


def harm(comparison: Comparison, max_loss: float) -> Finding:
    """Return what a comparison on a slice shows.

    Args:
        comparison: on the slice.
        max_loss: the largest loss, relative to the champion's mean.
    """
    bound = -max_loss * comparison.champion_mean
    power = float(-ndtri(_LEVEL) - ndtri(0.2)) * comparison.se
    return Finding(comparison.delta, bound, shown=comparison.upper(_LEVEL) < 0, detectable=max(power, -bound))


GUARDRAILS = tuple(
    Guardrail(
        f"slice_{name}",
        label=f"{name} listeners",
        explanation=(
            f"Gain among {name} listeners, pooled over nights; a loss beyond `max_slice_loss` stops the challenger if "
            "one is shown."
        ),
        kind="relative",
        side="not worse than",
        unit="metric",
        check=partial(_check, name),
        lanes=("upgrade",),
        place=50,
        by_the_log=True,
    )
    for name in sorted(SLICES)
)
