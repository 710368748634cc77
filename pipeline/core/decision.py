"""The gate: is a challenger worth more than it costs, and is the newer fit fit to be served?

Whatever is missing, not finite, out of range or underpowered makes the night INVALID, and nothing is promoted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from pipeline.core.candidates import POPULAR, Candidate, Tonight, champion_of, find_faults
from pipeline.core.comparison import Comparison, upgrade_alpha
from pipeline.core.economics import Money, NightCost, running_cost, switching_cost, unit_value
from pipeline.core.gates import (
    GUARDRAIL_ALPHA,
    Gate,
    contrast,
    limit_gates,
    not_worse,
    quality_gates,
    ratio_gates,
)
from pipeline.params import EconomicsParams, GateParams


class Verdict(StrEnum):
    PROMOTE = "PROMOTE"
    KEEP = "KEEP"
    INVALID = "INVALID"


@dataclass(frozen=True)
class Refresh:
    """The refresh lane: the champion's recipe on newer data against the model being served."""

    verdict: Verdict
    comparison: Comparison
    lower_bound: float
    bound: float
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Upgrade:
    """The upgrade lane, for one challenger.

    Attributes:
        verdict: PROMOTE for the one that is promoted: of those that pass, the one with the highest net benefit.
        passes: whether it may be promoted.
        alpha: probability of a mistake that its bound allows, α / m.
        lower_bound: L.
        required_gain: the bound that L must reach, δ_min · μ0, or less for a challenger that saves money.
        cost: C, over the horizon.
        unit_value: V, over the horizon, by assumption.
        net_benefit_low: NB_low = L · V − C, over the horizon.
        break_even_gain: C / V, the gain that pays for C.
    """

    recipe: str
    family: str
    verdict: Verdict
    passes: bool
    comparison: Comparison
    interval: tuple[float, float]
    alpha: float
    lower_bound: float
    required_gain: float
    gain_proven: bool
    cost: Money
    unit_value: float
    net_benefit_low: float
    break_even_gain: float
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Decision:
    """The verdict and all that led to it.

    Attributes:
        verdict: of the upgrade lane, or INVALID.
        serve_source: `refit`, `serve_recipe` fitted on the whole window; `served`, the release as it is.
    """

    verdict: Verdict
    champion: str
    challenger: str | None
    serve_source: Literal["refit", "served"]
    serve_recipe: str
    n_eligible: int
    refresh: Refresh | None = None
    upgrades: tuple[Upgrade, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def decide(tonight: Tonight, gate: GateParams, economics: EconomicsParams) -> Decision:
    """The verdict on tonight's candidates."""
    champion, notes = champion_of(tonight)
    n_eligible = max((c.ndcg.shape[1] for c in tonight.candidates.values() if c.ndcg.ndim == 2), default=0)

    def invalid(faults: Sequence[str]) -> Decision:
        return Decision(
            Verdict.INVALID, champion, None, "refit", champion, n_eligible, faults=tuple(faults), notes=notes
        )

    faults = find_faults(tonight, gate, champion)
    if faults:
        return invalid(faults)
    served = tonight.served if champion == tonight.served_recipe else None
    refresh = None if served is None else refresh_lane(tonight, served, champion, gate)
    challengers = [name for name in tonight.recipes if name != champion]
    upgrades = tuple(upgrade_lane(tonight, name, champion, gate, economics) for name in challengers)
    not_finite = [u.recipe for u in upgrades if not _finite(u)]
    if not_finite:
        return invalid([f"the figures of {not_finite[0]} are not finite"])
    worth = [u for u in upgrades if u.passes]
    if worth:
        best = max(worth, key=lambda u: u.net_benefit_low)
        upgrades = tuple(replace(u, verdict=Verdict.PROMOTE) if u is best else u for u in upgrades)
        return Decision(
            Verdict.PROMOTE, champion, best.recipe, "refit", best.recipe, n_eligible, refresh, upgrades, (), notes
        )
    closest = max(upgrades, key=_closeness, default=None)
    stale = refresh is not None and refresh.verdict is not Verdict.PROMOTE
    return Decision(
        Verdict.KEEP,
        champion,
        None if closest is None else closest.recipe,
        "served" if stale else "refit",
        champion,
        n_eligible,
        refresh,
        upgrades,
        (),
        notes,
    )


def refresh_lane(tonight: Tonight, served: Candidate, champion: str, gate: GateParams) -> Refresh:
    """Refresh unless it is worse: L > −refresh_margin · μ0, and the guardrails hold. Spends no α."""
    fresh = tonight.candidates[champion]
    comparison = contrast(fresh, served)
    bound = -gate.refresh_margin * comparison.champion_mean
    lower = comparison.lower(GUARDRAIL_ALPHA)
    gates = [
        not_worse("not_worse_than_served", lower, bound),
        *quality_gates(fresh, served, tonight.candidates[POPULAR], tonight.slices, gate),
        *limit_gates(_night(fresh), gate),
    ]
    kept = all(g.passed is not False for g in gates)
    return Refresh(Verdict.PROMOTE if kept else Verdict.KEEP, comparison, lower, bound, tuple(gates))


def upgrade_lane(
    tonight: Tonight, challenger_name: str, champion_name: str, gate: GateParams, economics: EconomicsParams
) -> Upgrade:
    """PROMOTE iff NB_low > 0, the gain is proven and every guardrail passes."""
    challenger, champion = tonight.candidates[challenger_name], tonight.candidates[champion_name]
    comparison = contrast(challenger, champion)
    alpha = upgrade_alpha(gate.alpha, n_challengers=len(tonight.recipes) - 1)
    lower = comparison.lower(alpha)
    cost = switching_cost(
        running_cost(_night(champion), champion.family, economics),
        running_cost(_night(challenger), challenger.family, economics),
        challenger.family,
        economics,
    )
    value = unit_value(economics, comparison.champion_mean)
    net_low = lower * value - cost.total
    saves = cost.total < 0
    required = (-gate.refresh_margin if saves else gate.min_gain) * comparison.champion_mean
    proven = lower > required if saves else lower >= required
    gates = [
        *quality_gates(challenger, champion, tonight.candidates[POPULAR], tonight.slices, gate),
        *limit_gates(_night(challenger), gate),
        *ratio_gates(_night(challenger), _night(champion), gate),
    ]
    passes = net_low > 0 and proven and all(g.passed is not False for g in gates)
    return Upgrade(
        recipe=challenger_name,
        family=challenger.family,
        verdict=Verdict.KEEP,
        passes=passes,
        comparison=comparison,
        interval=comparison.interval(),
        alpha=alpha,
        lower_bound=lower,
        required_gain=required,
        gain_proven=proven,
        cost=cost,
        unit_value=value,
        net_benefit_low=net_low,
        break_even_gain=cost.total / value if value > 0 else math.nan,
        gates=tuple(gates),
    )


def _closeness(upgrade: Upgrade) -> tuple[bool, float]:
    """Of those that are kept out, which to speak of: proven gains by what they would earn, else the highest gain."""
    return upgrade.gain_proven, upgrade.net_benefit_low if upgrade.gain_proven else upgrade.comparison.delta


def _finite(upgrade: Upgrade) -> bool:
    figures = (upgrade.comparison.se, upgrade.lower_bound, upgrade.cost.total, upgrade.unit_value)
    return all(math.isfinite(figure) for figure in (*figures, upgrade.net_benefit_low))


def _night(candidate: Candidate) -> NightCost:
    if candidate.night is None:
        raise ValueError(f"{candidate.recipe} has no measured cost")
    return candidate.night
