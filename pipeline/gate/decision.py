"""The gate: is a challenger worth more than it costs, and is the champion's newer fit good enough to be served?

Missing, non-finite, out-of-range or underpowered inputs make the night INVALID, and nothing is promoted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from pipeline.gate.balance import Balance, weigh
from pipeline.gate.candidates import POPULAR, Candidate, Tonight, champion_of, contrast
from pipeline.gate.comparison import Comparison
from pipeline.gate.faults import find_faults
from pipeline.gate.guardrail import GUARDRAIL_ALPHA, Case, Gate, Guardrail
from pipeline.gate.guardrails.registry import all_guardrails, lane_gates, limit_gates
from pipeline.gate.sensitivity import Flip, flips
from pipeline.gate.spending import Override, look_alpha
from pipeline.json_values import Number
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams


class Verdict(StrEnum):
    PROMOTE = "PROMOTE"
    KEEP = "KEEP"
    INVALID = "INVALID"


@dataclass(frozen=True)
class Refresh:
    """The refresh lane: the champion's recipe on newer data compared with the model being served."""

    verdict: Verdict
    comparison: Comparison
    lower_bound: Number
    bound: Number
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Upgrade:
    """The upgrade lane's result for one challenger."""

    recipe: str
    family: str
    verdict: Verdict
    """PROMOTE for the one that is promoted: of those that pass, the one with the highest expected net benefit."""
    passes: bool
    """Whether it may be promoted."""
    outside: bool
    """Whether it breaks a hard limit; such recipes are excluded before costs are compared."""
    comparison: Comparison
    interval: tuple[Number, Number]
    """95 % interval of Δ."""
    alpha: Number
    """Probability of a false promotion that its bound allows, α_t / m."""
    lower_bound: Number
    """L, the lower bound of Δ at `alpha`."""
    balance: Balance
    """Its gain against its cost."""
    detectable_gain: Number
    """The smallest true Δ that would have been proven and paid for with a power of 80 %."""
    shrunk_gain: Number
    """Δ, corrected for selection (winner's curse)."""
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Prospect:
    """What a challenger's balance hangs on: computed for the record, and decides nothing."""

    flips: tuple[Flip, ...]


@dataclass(frozen=True)
class Decision:
    """The verdict and everything that led to it."""

    verdict: Verdict
    """Of the upgrade lane, or INVALID."""
    champion: str
    challenger: str | None
    serve_source: Literal["refit", "served"]
    """`refit`, `serve_recipe` fitted on the whole window; `served`, the release as it is."""
    serve_recipe: str
    n_eligible: int
    refresh: Refresh | None = None
    upgrades: tuple[Upgrade, ...] = ()
    constraints: Mapping[str, tuple[Gate, ...]] = field(default_factory=dict)
    """For each recipe, the hard limits."""
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    override: Override | None = None
    """The override that determined `serve_recipe`; None without one in effect."""
    gate_recipe: str = POPULAR
    """The recipe that the gate would serve without an override."""


def decide(
    tonight: Tonight, gate: GateParams, economics: EconomicsParams, rule: Sequence[Guardrail] | None = None
) -> Decision:
    """Return the verdict on tonight's candidates.

    Args:
        tonight: candidates and history.
        gate: thresholds.
        economics: assumptions.
        rule: the guardrails to apply; all of the registry by default.

    Examples:
        `als` doubles the popular list's NDCG of 0.1 for each of 1,000 listeners, at the same measured cost.

        >>> import numpy as np
        >>> from pathlib import Path
        >>> from pipeline.gate.candidates import COVERAGE, TOP_SHARE
        >>> from pipeline.gate.comparison import DETERMINISTIC
        >>> from pipeline.gate.economics import NightCost
        >>> from pipeline.metrics.slices import SLICES
        >>> from pipeline.configuration import load_params
        >>> night = NightCost(1.0, 1.0, 1.0, 1.0, 1.0, 0.0, n_listeners=1000)
        >>> shares = {COVERAGE: 0.5, TOP_SHARE: 0.5}
        >>> def candidate(recipe: str, ndcg: float) -> Candidate:
        ...     return Candidate(recipe, recipe, np.full((1, 1000), ndcg), DETERMINISTIC, shares, 0, night)
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
    rule = all_guardrails() if rule is None else rule
    champion, notes = champion_of(tonight)
    n_eligible = max((c.ndcg.shape[1] for c in tonight.candidates.values() if c.ndcg.ndim == 2), default=0)
    undecided = Decision(
        Verdict.INVALID,
        champion,
        challenger=None,
        serve_source="refit",
        serve_recipe=champion,
        n_eligible=n_eligible,
        notes=notes,
        gate_recipe=champion,
    )
    faults = find_faults(tonight, gate, champion)
    if faults:
        return replace(undecided, faults=tuple(faults))
    served = tonight.served if champion == tonight.served_recipe else None
    refresh = None if served is None else refresh_lane(tonight, served, champion, gate, rule)
    constraints = {name: limit_gates(rule, _case(tonight, c, c, gate)) for name, c in tonight.candidates.items()}
    challengers = [name for name in tonight.recipes if name != champion]
    upgrades = tuple(upgrade_lane(tonight, name, champion, gate, economics, rule=rule) for name in challengers)
    not_finite = [u.recipe for u in upgrades if not _finite(u)]
    if not_finite:
        return replace(undecided, faults=(f"the figures of {not_finite[0]} are not finite",))
    decided = replace(undecided, verdict=Verdict.KEEP, refresh=refresh, constraints=constraints, upgrades=upgrades)
    passing = [u for u in upgrades if u.passes]
    if passing:
        best = max(passing, key=lambda u: u.balance.outlook.mean)
        promoted = replace(
            decided,
            verdict=Verdict.PROMOTE,
            challenger=best.recipe,
            serve_recipe=best.recipe,
            gate_recipe=best.recipe,
            upgrades=tuple(replace(u, verdict=Verdict.PROMOTE) if u is best else u for u in upgrades),
        )
        return overridden(promoted, tonight)
    closest = max(upgrades, key=_closeness, default=None)
    stale = refresh is not None and refresh.verdict is not Verdict.PROMOTE
    kept = replace(
        decided, challenger=None if closest is None else closest.recipe, serve_source="served" if stale else "refit"
    )
    return overridden(kept, tonight)


def overridden(decision: Decision, tonight: Tonight) -> Decision:
    """Return the decision with an override applied, if one is in force: it changes what is served, not the verdict."""
    override = tonight.history.override
    if override is None:
        return decision
    if override.recipe not in tonight.candidates:
        note = f"the override by {override.by} names {override.recipe}, which is not in params.yaml: it has no effect"
        return replace(decision, notes=(*decision.notes, note))
    if override.recipe == decision.serve_recipe and decision.serve_source == "refit":
        return replace(decision, override=override)
    return replace(decision, override=override, serve_source="refit", serve_recipe=override.recipe)


def refresh_lane(
    tonight: Tonight, served: Candidate, champion: str, gate: GateParams, rule: Sequence[Guardrail]
) -> Refresh:
    """Return the result of the refresh lane: PROMOTE if all its guardrails pass, including `not_worse_than_served`.

    The lane spends no α.

    Args:
        tonight: the inputs of the decision.
        served: the served model, scored on tonight's decision window.
        champion: name of the champion's recipe.
        gate: thresholds.
        rule: the guardrails.
    """
    fresh = tonight.candidates[champion]
    comparison = contrast(fresh, served)
    gates = lane_gates(rule, "refresh", _case(tonight, fresh, served, gate))
    kept = all(g.passed is not False for g in gates)
    return Refresh(
        verdict=Verdict.PROMOTE if kept else Verdict.KEEP,
        comparison=comparison,
        lower_bound=comparison.lower(GUARDRAIL_ALPHA),
        bound=-gate.refresh_margin * comparison.champion_mean,
        gates=gates,
    )


def upgrade_lane(
    tonight: Tonight,
    challenger_name: str,
    champion_name: str,
    gate: GateParams,
    economics: EconomicsParams,
    *,
    rule: Sequence[Guardrail],
) -> Upgrade:
    """Return the upgrade lane's result for one challenger.

    It passes if its gain is proven, P(NB > 0) reaches π and all guardrails of the lane pass. `verdict` is KEEP:
    `decide` then promotes one of those that pass.
    """
    challenger, champion = tonight.candidates[challenger_name], tonight.candidates[champion_name]
    comparison = contrast(challenger, champion, earlier=tonight.earlier(challenger_name, champion_name))
    alpha = look_alpha(gate.alpha, tonight.history.look, n_challengers=len(tonight.recipes) - 1)
    lower = comparison.lower(alpha)
    balance = weigh(comparison, lower, (challenger, champion), gate, economics)
    case = _case(tonight, challenger, champion, gate)
    gates, limits = lane_gates(rule, "upgrade", case), limit_gates(rule, case)
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
        # What must be measured knows α already, so no more is added for it.
        detectable_gain=comparison.detectable(0.5, bound=balance.needed_gain),
        shrunk_gain=comparison.shrunk(gate.true_gain_sd * comparison.champion_mean),
        gates=gates,
    )


def prospect(
    upgrade: Upgrade, pair: tuple[Candidate, Candidate], gate: GateParams, economics: EconomicsParams
) -> Prospect:
    """Return the prices at which a challenger's balance turns; `pair` is challenger and champion."""
    return Prospect(flips(upgrade.comparison, upgrade.lower_bound, pair, gate, economics))


def _case(tonight: Tonight, challenger: Candidate, champion: Candidate, gate: GateParams) -> Case:
    return Case(challenger, champion, tonight.candidates[POPULAR], tonight.slices, gate)


def _closeness(upgrade: Upgrade) -> tuple[bool, float]:
    """Return a sort key for challengers that were not promoted.

    Proven gains come first, by expected net benefit; then the others, by gain.
    """
    balance = upgrade.balance
    return balance.gain_proven, balance.outlook.mean if balance.gain_proven else upgrade.comparison.delta


def _finite(upgrade: Upgrade) -> bool:
    balance = upgrade.balance
    figures = (upgrade.comparison.se, upgrade.lower_bound, balance.cost_total, balance.outlook.mean)
    return all(math.isfinite(figure) for figure in figures)
