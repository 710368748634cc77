"""The gate: is a challenger worth more than it costs, and is the newer fit fit to be served?

Whatever is missing, not finite, out of range or underpowered makes the night INVALID, and nothing is promoted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from pipeline.gate.balance import Balance, measured, weigh
from pipeline.gate.candidates import POPULAR, Candidate, Tonight, champion_of, find_faults
from pipeline.gate.comparison import Comparison
from pipeline.gate.guardrails import (
    GUARDRAIL_ALPHA,
    Gate,
    at_most,
    contrast,
    limit_gates,
    not_worse,
    quality_gates,
    ratio_gates,
)
from pipeline.gate.sensitivity import Flip, flips
from pipeline.gate.spending import Override, look_alpha
from pipeline.gate.valuation import Outlook, outlook
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
        outside: whether it breaks a hard limit: it is out of the design space before any money is counted.
        interval: 95 % interval of Δ.
        alpha: probability of a mistake that its bound allows, α_t / m.
        lower_bound: L.
        balance: its gain against its cost.
        detectable_gain: the smallest true Δ that would have been proven and paid for with a probability of 80 %.
        shrunk_gain: Δ, less what the winner of several owes to luck.
    """

    recipe: str
    family: str
    verdict: Verdict
    passes: bool
    outside: bool
    comparison: Comparison
    interval: tuple[float, float]
    alpha: float
    lower_bound: float
    balance: Balance
    detectable_gain: float
    shrunk_gain: float
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Prospect:
    """What a challenger's balance hangs on: computed for the record, and decides nothing."""

    outlook: Outlook
    flips: tuple[Flip, ...]


@dataclass(frozen=True)
class Decision:
    """The verdict and all that led to it.

    Attributes:
        verdict: of the upgrade lane, or INVALID.
        serve_source: `refit`, `serve_recipe` fitted on the whole window; `served`, the release as it is.
        constraints: for each recipe, the hard limits.
        override: the one that put `serve_recipe` in the place of what the gate would serve; None where none did.
        gate_recipe: what the gate itself would serve.
    """

    verdict: Verdict
    champion: str
    challenger: str | None
    serve_source: Literal["refit", "served"]
    serve_recipe: str
    n_eligible: int
    refresh: Refresh | None = None
    upgrades: tuple[Upgrade, ...] = ()
    constraints: Mapping[str, tuple[Gate, ...]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    override: Override | None = None
    gate_recipe: str = POPULAR


def decide(tonight: Tonight, gate: GateParams, economics: EconomicsParams) -> Decision:
    """The verdict on tonight's candidates.

    Examples:
        `als` doubles the popular list's NDCG of 0.1 for each of 1,000 listeners, at the same measured cost.

        >>> import numpy as np
        >>> from pathlib import Path
        >>> from pipeline.gate.comparison import DETERMINISTIC
        >>> from pipeline.gate.economics import NightCost
        >>> from pipeline.metrics.slices import SLICES
        >>> from pipeline.params import load_params
        >>> night = NightCost(1.0, 1.0, 1.0, 1.0, 1.0, 0.0, n_listeners=1000)
        >>> def candidate(recipe: str, ndcg: float) -> Candidate:
        ...     return Candidate(recipe, recipe, np.full((1, 1000), ndcg), DETERMINISTIC, 0.5, 0.5, 0, night)
        >>> tonight = Tonight(
        ...     recipes=("popular", "als"),
        ...     candidates={"popular": candidate("popular", 0.1), "als": candidate("als", 0.2)},
        ...     slices={name: np.ones(1000, dtype=bool) for name in SLICES},
        ...     served_recipe=None,
        ...     served=None,
        ... )
        >>> params = load_params(Path("params.yaml"))
        >>> found = decide(tonight, params.gate, params.economics)
        >>> found.verdict.value, found.champion, found.serve_recipe
        ('PROMOTE', 'popular', 'als')

        Too few listeners cannot carry a decision:

        >>> strict = params.gate.model_copy(update={"min_eligible_listeners": 2000})
        >>> decide(tonight, strict, params.economics).faults
        ('1000 listeners can be scored, 2000 are needed',)
    """
    champion, notes = champion_of(tonight)
    n_eligible = max((c.ndcg.shape[1] for c in tonight.candidates.values() if c.ndcg.ndim == 2), default=0)

    def kept(verdict: Verdict, **more: Any) -> Decision:
        return Decision(verdict, champion, n_eligible=n_eligible, notes=notes, gate_recipe=champion, **more)

    def invalid(faults: Sequence[str]) -> Decision:
        told: dict[str, Any] = {
            "challenger": None,
            "serve_source": "refit",
            "serve_recipe": champion,
            "faults": tuple(faults),
        }
        return kept(Verdict.INVALID, **told)

    faults = find_faults(tonight, gate, champion)
    if faults:
        return invalid(faults)
    served = tonight.served if champion == tonight.served_recipe else None
    refresh = None if served is None else refresh_lane(tonight, served, champion, gate)
    constraints = {name: tuple(limit_gates(measured(c), gate)) for name, c in tonight.candidates.items()}
    challengers = [name for name in tonight.recipes if name != champion]
    upgrades = tuple(upgrade_lane(tonight, name, champion, gate, economics) for name in challengers)
    not_finite = [u.recipe for u in upgrades if not _finite(u)]
    if not_finite:
        return invalid([f"the figures of {not_finite[0]} are not finite"])
    told: dict[str, Any] = {"refresh": refresh, "constraints": constraints}
    worth = [u for u in upgrades if u.passes]
    if worth:
        best = max(worth, key=lambda u: u.balance.net_benefit_low)
        upgrades = tuple(replace(u, verdict=Verdict.PROMOTE) if u is best else u for u in upgrades)
        told |= {"challenger": best.recipe, "serve_source": "refit", "serve_recipe": best.recipe, "upgrades": upgrades}
        return overridden(replace(kept(Verdict.PROMOTE, **told), gate_recipe=best.recipe), tonight)
    closest = max(upgrades, key=_closeness, default=None)
    stale = refresh is not None and refresh.verdict is not Verdict.PROMOTE
    told |= {"challenger": closest and closest.recipe, "serve_source": "served" if stale else "refit"}
    return overridden(kept(Verdict.KEEP, **told, serve_recipe=champion, upgrades=upgrades), tonight)


def overridden(decision: Decision, tonight: Tonight) -> Decision:
    """The decision as it is carried out: an override in force serves its recipe, and leaves the verdict as it is."""
    override = tonight.history.override
    if override is None:
        return decision
    if override.recipe not in tonight.candidates:
        note = f"the override by {override.by} names {override.recipe}, which is not in params.yaml: it has no effect"
        return replace(decision, notes=(*decision.notes, note))
    if override.recipe == decision.serve_recipe and decision.serve_source == "refit":
        return replace(decision, override=override)
    return replace(decision, override=override, serve_source="refit", serve_recipe=override.recipe)


def refresh_lane(tonight: Tonight, served: Candidate, champion: str, gate: GateParams) -> Refresh:
    """Refresh unless it is worse: L > −refresh_margin · μ0, and the guardrails hold. Spends no α."""
    fresh = tonight.candidates[champion]
    comparison = contrast(fresh, served)
    bound = -gate.refresh_margin * comparison.champion_mean
    lower = comparison.lower(GUARDRAIL_ALPHA)
    gates = [
        not_worse("not_worse_than_served", lower, bound),
        *quality_gates(fresh, served, tonight.candidates[POPULAR], tonight.slices, gate),
        *limit_gates(measured(fresh), gate),
    ]
    if fresh.churn_since_served is not None:
        gates.append(at_most("churn_since_served", fresh.churn_since_served, gate.max_churn))
    kept = all(g.passed is not False for g in gates)
    return Refresh(Verdict.PROMOTE if kept else Verdict.KEEP, comparison, lower, bound, tuple(gates))


def upgrade_lane(
    tonight: Tonight, challenger_name: str, champion_name: str, gate: GateParams, economics: EconomicsParams
) -> Upgrade:
    """PROMOTE iff NB_low > 0, the gain is proven and every guardrail passes."""
    challenger, champion = tonight.candidates[challenger_name], tonight.candidates[champion_name]
    comparison = contrast(challenger, champion, earlier=tonight.earlier(challenger_name, champion_name))
    alpha = look_alpha(gate.alpha, tonight.history.look, n_challengers=len(tonight.recipes) - 1)
    lower = comparison.lower(alpha)
    balance = weigh(comparison, lower, (challenger, champion), gate, economics)
    limits = limit_gates(measured(challenger), gate)
    gates = [
        *quality_gates(challenger, champion, tonight.candidates[POPULAR], tonight.slices, gate),
        at_most("churn_between_fits", challenger.churn_between_fits, gate.max_churn),
        *limits,
        *ratio_gates(measured(challenger), measured(champion), gate),
    ]
    pays_from = max(balance.required_gain, balance.break_even_gain if balance.cost_high > 0 else -math.inf)
    return Upgrade(
        recipe=challenger_name,
        family=challenger.family,
        verdict=Verdict.KEEP,
        passes=balance.pays and all(g.passed is not False for g in gates),
        outside=any(g.passed is False for g in limits),
        comparison=comparison,
        interval=comparison.interval(),
        alpha=alpha,
        lower_bound=lower,
        balance=balance,
        detectable_gain=comparison.detectable(alpha, bound=pays_from),
        shrunk_gain=comparison.shrunk(gate.true_gain_sd * comparison.champion_mean),
        gates=tuple(gates),
    )


def prospect(
    upgrade: Upgrade, pair: tuple[Candidate, Candidate], gate: GateParams, economics: EconomicsParams
) -> Prospect:
    """What may come of a challenger, and at which prices its balance turns; `pair` is challenger and champion."""

    def weigh_at(assumed: EconomicsParams) -> Balance:
        return weigh(upgrade.comparison, upgrade.lower_bound, pair, gate, assumed)

    return Prospect(outlook(upgrade.comparison, upgrade.balance.cost, economics), flips(weigh_at, economics))


def _closeness(upgrade: Upgrade) -> tuple[bool, float]:
    """Of those that are kept out, which to speak of: proven gains by what they would earn, else the highest gain."""
    balance = upgrade.balance
    return balance.gain_proven, balance.net_benefit_low if balance.gain_proven else upgrade.comparison.delta


def _finite(upgrade: Upgrade) -> bool:
    balance = upgrade.balance
    figures = (upgrade.comparison.se, upgrade.lower_bound, balance.cost_high, balance.unit_value)
    return all(math.isfinite(figure) for figure in (*figures, balance.net_benefit_low))
