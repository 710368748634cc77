"""No group of listeners may lose much while the average gains.

Slices with few listeners are undecided. They are also pooled: the pooled result is shown, but does not count as a pass.
"""

from functools import partial

import numpy as np
import numpy.typing as npt

from pipeline.gate.candidates import contrast
from pipeline.gate.guardrail import GUARDRAIL_ALPHA, Case, Finding, Guardrail, undecided
from pipeline.metrics.slices import SLICES


def _check(name: str, case: Case) -> Finding:
    members = case.slices[name]
    return _among(members, case, decided=int(members.sum()) >= case.params.min_slice_listeners)


def _check_pool(case: Case) -> Finding | None:
    small = [name for name in sorted(case.slices) if int(case.slices[name].sum()) < case.params.min_slice_listeners]
    if len(small) < 2:
        return None
    return _among(np.logical_or.reduce([case.slices[name] for name in small]), case, decided=False)


def _among(members: npt.NDArray[np.bool_], case: Case, *, decided: bool) -> Finding:
    if int(members.sum()) < 2:
        return undecided()
    comparison = contrast(case.challenger, case.champion, members)
    bound = -case.params.max_slice_loss * comparison.champion_mean
    return Finding(comparison.lower(GUARDRAIL_ALPHA), bound, decided=decided)


GUARDRAILS = (
    *(
        Guardrail(
            f"slice_{name}",
            label=f"{name} listeners",
            explanation=(
                f"Lower bound of the gain among {name} listeners; their loss is at most `max_slice_loss`. Undecided "
                "with fewer than `min_slice_listeners`."
            ),
            kind="relative",
            side="not worse than",
            unit="metric",
            check=partial(_check, name),
            place=50,
        )
        for name in sorted(SLICES)
    ),
    Guardrail(
        "slices_pooled",
        label="small slices together",
        explanation="Lower bound of the gain among the listeners of all undecided slices; shown, and always undecided.",
        kind="relative",
        side="not worse than",
        unit="metric",
        check=_check_pool,
        place=50,
    ),
)
