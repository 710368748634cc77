"""The estimate of one experiment from what its listeners did."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.online.effects import Effect, Flags, Floats, ratio_effect, relative_effect
from pipeline.online.power import detectable, power_for, projected
from pipeline.online.ratio import ALPHA, sample_ratio_p, sequential_p
from pipeline.online.results import ArmResult, ExperimentResult, HarmBound, Pairs, Power, State
from pipeline.online.running import Running
from pipeline.online.sequential import MIN_DAYS, upper_bound

MAX_CONTAMINATED = 0.02
"""Share of exposed listeners in two arms above which no comparison of the arms counts."""


@dataclass(frozen=True)
class Observed:
    """What the exposed listeners of an experiment did, one row a listener, one column a day.

    Attributes:
        arm: each listener's arm.
        seen: the days from the first exposure on.
        plays: shape (n_listeners, n_days).
        before: daily plays in the weeks before the experiment, shape (n_listeners,).
        contaminated: who was shown another arm.
        assigned: listeners of the night in each arm, exposed or not.
        lead: of drafted lists, credit of the treatment less that of the control; of the shape of plays.
        credit: their sum.
    """

    arm: tuple[str, ...]
    seen: Flags
    plays: Floats
    before: Floats
    contaminated: Flags
    assigned: Mapping[str, int]
    lead: Floats
    credit: Floats


def estimate(
    running: Running,
    data: Observed,
    *,
    recipes: Mapping[str, str],
    gain: Effect | None = None,
    pairs: tuple[Pairs, ...] = (),
) -> ExperimentResult:
    """Return the result of an experiment up to a night.

    Args:
        running: the experiment.
        data: what its listeners did.
        recipes: whose lists each arm shows.
        gain: the offline gain, treatment over control; None if it is not known.
        pairs: of withheld pairs.
    """
    arm = np.array(data.arm, dtype=object)
    exposed = {name: int((arm == name).sum()) for name in running.arms}
    kept = ~data.contaminated
    control, treatment = running.compared
    treated = arm[kept] == treatment
    seen, plays = data.seen[kept], data.plays[kept]
    drafts = running.design == "interleave"
    counts, shares = list(exposed.values()), list(running.arms.values())
    effect = None if drafts else relative_effect(plays, seen, treated, data.before[kept])
    preference = ratio_effect(data.lead[kept], data.credit[kept]) if drafts else None
    active = None if drafts else relative_effect((plays > 0).astype(float), seen, treated)
    figures = {"credit": preference} if drafts else {"plays": effect, "active days": active}
    harm = tuple(bound for name, each in figures.items() if (bound := _bound(name, each, running)) is not None)
    n_contaminated = int(data.contaminated.sum())
    state, why = _state(running, exposed, n_contaminated, harm, int(seen[treated].sum()))
    main = preference if drafts else effect
    measured = state != "invalid" and running.design in {"split", "holdback"}
    return ExperimentResult(
        id=running.id,
        design=running.design,
        state=state,
        control=control,
        treatment=treatment,
        arms=tuple(
            ArmResult(
                name=name,
                recipe=recipes[name],
                share=share,
                assigned=data.assigned.get(name, 0),
                exposed=exposed[name],
                plays_per_listener_day=_mean(data, arm == name),
            )
            for name, share in running.arms.items()
        ),
        offline_gain=None if gain is None else gain.value,
        offline_gain_se=None if gain is None else gain.se,
        effect=effect.value if measured and effect is not None else None,
        effect_se=effect.se if measured and effect is not None else None,
        effect_df=effect.df if measured and effect is not None else None,
        effect_days=float(np.sqrt(effect.days)) if measured and effect is not None else None,
        listeners=int(kept.sum()),
        days=int(seen.any(axis=0).sum()),
        srm_p=None if len(counts) < 2 else sample_ratio_p(counts, shares),
        preference=None if preference is None or state == "invalid" else preference.value,
        preference_se=None if preference is None or state == "invalid" else preference.se,
        harm=harm,
        power=None if main is None else _power(running, main),
        contaminated=n_contaminated,
        treated_days=int(seen[treated].sum()),
        pairs=pairs,
        why=why,
    )


def _bound(figure: str, found: Effect | None, running: Running) -> HarmBound | None:
    if found is None or found.n_days < MIN_DAYS:
        return None
    upper = upper_bound(found.value, found.se, found.df)
    return HarmBound.model_validate(
        {"figure": figure, "effect": found.value, "upper": upper, "limit": -running.declared.max_loss}
    )


def _state(
    running: Running, exposed: Mapping[str, int], n_contaminated: int, harm: tuple[HarmBound, ...], treated_days: int
) -> tuple[State, str]:
    """Return the state after a night, and why it is not running."""
    if running.closing and running.closing_state == "invalid":
        return "invalid", running.closing
    n = sum(exposed.values())
    if len(exposed) > 1 and sequential_p(list(exposed.values()), list(running.arms.values())) <= ALPHA:
        found = ", ".join(f"{k:,} in {name}" for name, k in exposed.items())
        planned = ", ".join(f"{n * share:,.0f}" for share in running.arms.values())
        return "invalid", (
            f"its arms do not have the listeners that they were given: {found}, where {planned} were expected. "
            "Listeners of an arm are lost or counted twice, so no difference between the arms can be trusted"
        )
    if n_contaminated > MAX_CONTAMINATED * n:
        return "invalid", (
            f"{n_contaminated:,} of {n:,} listeners were shown another arm than theirs; {MAX_CONTAMINATED:.0%} may be"
        )
    if harms := [each for each in harm if each.harms]:
        worst = min(harms, key=lambda each: each.upper)
        return "stopped", (
            f"its treatment was shown to cost {worst.figure}: {worst.effect:+.1%}, and better than {worst.upper:+.1%} "
            f"is ruled out. It fell back to control; finding the harm took {treated_days:,} listener-days"
        )
    return ("ended", running.closing) if running.closing else ("running", "")


def _power(running: Running, found: Effect) -> Power:
    last = (running.until - running.opened).days
    later, df = projected(found, last)
    effect = running.declared.effect
    return Power(
        detectable=detectable(found.se, found.df),
        at_end=detectable(later, df),
        for_effect=power_for(effect, found.se, found.df),
        effect=effect,
    )


def _mean(data: Observed, mine: Flags) -> float | None:
    days = int(data.seen[mine].sum())
    return float(data.plays[mine][data.seen[mine]].sum() / days) if days else None
