"""The gate asks, in this order: may a model be served, is a challenger better than the champion, and is it worth it?

A night whose data cannot carry a decision is INVALID: the served model stays. A challenger that cannot be measured is
left out with its reason, and the night goes on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from pipeline.gate.balance import Balance, added_cost, proven_live, weigh
from pipeline.gate.candidates import POPULAR, Candidate, Tonight, champion_of, contrast
from pipeline.gate.comparison import Comparison, tonights_pool
from pipeline.gate.faults import candidate_faults, night_faults
from pipeline.gate.guardrail import Case, Gate, Guardrail
from pipeline.gate.guardrails.registry import all_guardrails, lane_gates, limit_gates
from pipeline.gate.listening import Withheld, listening_notes, shaped, trusted, withheld_of
from pipeline.gate.live import Live, economics_for, live_of
from pipeline.gate.proof import prove
from pipeline.gate.proposal import Proposal, proposal
from pipeline.gate.refresh import Change, change_tonight, changes
from pipeline.gate.sensitivity import Flip, flips
from pipeline.gate.spending import Approval, Clock, Override
from pipeline.gate.valuation import valued_gain
from pipeline.json_values import LEFT_OUT, Number
from pipeline.online.results import ExperimentResult
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
    """PROMOTE unless the newer fit is shown to be worse, or breaks another guardrail."""
    comparison: Comparison
    """Tonight's."""
    changes: tuple[Change, ...]
    """Tonight's, and what refreshing has come to over nights."""
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
    clock: Clock
    """Where it stands in its analyses of the quarter."""
    comparison: Comparison
    """Pooled over the nights of its clock."""
    interval: tuple[Number, Number]
    """95 % interval of Δ."""
    boundary: Number
    """z of tonight's analysis: exact for the joint distribution of its analyses; null if it is not analysed."""
    lower_bound: Number
    """L, the lower bound of Δ at that boundary."""
    balance: Balance
    """Its gain against its cost."""
    detectable_gain: Number
    """The smallest true Δ that would have been proven and paid for with a power of 80 %."""
    shrunk_gain: Number
    """Δ, corrected for selection (winner's curse)."""
    gates: tuple[Gate, ...]
    live: Live | None = field(default=None, metadata=LEFT_OUT)
    """Its effect on listeners; left out where no experiment has measured it."""
    withheld: Withheld | None = field(default=None, metadata=LEFT_OUT)
    """Its gain on withheld pairs; left out without any."""
    trusted: bool = field(default=True, metadata=LEFT_OUT)
    """Whether it may be called worse; false where the served lists shaped a log by which it looks worse, and nothing
    else tells. Left out where true."""


@dataclass(frozen=True)
class Prospect:
    """What a challenger's balance hangs on: computed for the record, and decides nothing."""

    flips: tuple[Flip, ...]
    experiment: Proposal | None = field(default=None, metadata=LEFT_OUT)
    """The experiment that would be worth most; left out where none is worth its cost."""


@dataclass(frozen=True)
class Waiting:
    """A promotion that waits for a person, or was answered by one."""

    recipe: str
    """What the gate would promote."""
    expected: Number
    """Expected net benefit of the switch over the horizon [currency]."""
    probability_of_benefit: Number
    """P(NB > 0)."""
    perfect_information: Number
    """EVPI [currency]."""
    cost_of_a_night: Number
    """What a night of waiting is expected to cost: the net benefit of a day, without the switch itself [currency]."""
    answer: Approval | None = None
    """The answer; None as long as it waits."""


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
    """What made the night INVALID."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """For each challenger that could not be measured, why."""
    notes: tuple[str, ...] = ()
    override: Override | None = None
    """The override that determined `serve_recipe`; None without one in effect."""
    gate_recipe: str = POPULAR
    """The recipe that the gate would serve without an override."""
    approval: Waiting | None = None
    """The promotion that needs a person; None where none does."""


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
        `als` doubles the popular list's NDCG of 0.1 for each of 1,000 listeners on each of seven days, at the same
        measured cost.

        >>> import numpy as np
        >>> from pathlib import Path
        >>> from pipeline.gate.candidates import COVERAGE, TOP_SHARE
        >>> from pipeline.gate.comparison import DETERMINISTIC
        >>> from pipeline.gate.economics import NightCost
        >>> from pipeline.gate.pooling import Cells
        >>> from pipeline.metrics.slices import SLICES
        >>> from pipeline.configuration import load_params
        >>> night = NightCost(1.0, 1.0, 1.0, 1.0, 1.0, 0.0, n_listeners=1000)
        >>> shares = {COVERAGE: 0.5, TOP_SHARE: 0.5}
        >>> def candidate(recipe: str, ndcg: float) -> Candidate:
        ...     all_days = np.full((7, 1000), ndcg / 7)
        ...     return Candidate(recipe, recipe, np.full((1, 1000), ndcg), all_days, DETERMINISTIC, shares, 0, night)
        >>> tonight = Tonight(
        ...     recipes=("popular", "als"),
        ...     candidates={"popular": candidate("popular", 0.1), "als": candidate("als", 0.2)},
        ...     cells=Cells(
        ...         days=tuple(f"2026-02-0{day}" for day in range(1, 8)),
        ...         groups=np.arange(1000, dtype=np.int16),
        ...         slices={name: np.ones(1000, dtype=bool) for name in SLICES},
        ...     ),
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
    nothing_served = tonight.served_recipe is None
    undecided = Decision(
        Verdict.INVALID,
        champion,
        challenger=None,
        serve_source="refit" if nothing_served else "served",
        serve_recipe=tonight.served_recipe or champion,
        n_eligible=n_eligible,
        notes=notes,
        gate_recipe=champion,
    )
    faults = night_faults(tonight, gate, champion)
    if faults:
        return replace(undecided, faults=tuple(faults))
    refresh = None if tonight.served is None else refresh_lane(tonight, tonight.served, champion, gate, rule)
    left_out, upgrades = {}, []
    for name in (each for each in tonight.recipes if each != champion):
        wrong = candidate_faults(tonight, name, n_eligible)
        if not wrong:
            upgrade = upgrade_lane(tonight, name, champion, gate, economics, rule=rule)
            wrong = [] if _finite(upgrade) else [f"the figures of {name} are not finite"]
        if wrong:
            left_out[name] = wrong[0]
        else:
            upgrades.append(upgrade)
    compared = [tonight.candidates[name] for name in tonight.recipes if name not in left_out]
    constraints = {each.recipe: limit_gates(rule, _case(tonight, each, each, gate)) for each in compared}
    decided = replace(
        undecided,
        verdict=Verdict.KEEP,
        notes=(*notes, *listening_notes(tonight.listening, gate)),
        refresh=refresh,
        constraints=constraints,
        upgrades=tuple(upgrades),
        left_out=left_out,
    )
    passing = [u for u in upgrades if u.passes]
    if passing:
        best = max(passing, key=lambda u: u.balance.outlook.mean)
        if gate.approval == "promote":
            decided = replace(decided, approval=waiting(best, tonight.history.approval, economics))
    if passing and may_promote(decided.approval):
        promoted = replace(
            decided,
            verdict=Verdict.PROMOTE,
            challenger=best.recipe,
            serve_source="refit",
            serve_recipe=best.recipe,
            gate_recipe=best.recipe,
            upgrades=tuple(replace(u, verdict=Verdict.PROMOTE) if u is best else u for u in upgrades),
        )
        return overridden(promoted, tonight)
    closest = best if passing else max(upgrades, key=_closeness, default=None)
    stays = champion_is_served(tonight, champion) or (refresh is not None and refresh.verdict is not Verdict.PROMOTE)
    kept = replace(
        decided,
        challenger=None if closest is None else closest.recipe,
        serve_source="served" if stays else "refit",
        serve_recipe=(tonight.served_recipe or champion) if stays else champion,
    )
    return overridden(kept, tonight)


def waiting(best: Upgrade, answer: Approval | None, economics: EconomicsParams) -> Waiting:
    """Return the promotion of a challenger as a person is asked about it.

    An answer about another recipe does not count.
    """
    look, balance = best.balance.outlook, best.balance
    return Waiting(
        recipe=best.recipe,
        expected=look.mean,
        probability_of_benefit=look.probability_of_benefit,
        perfect_information=look.perfect_information,
        cost_of_a_night=(look.mean + balance.one_off_cost) / economics.horizon_days,
        answer=answer if answer is not None and answer.recipe == best.recipe else None,
    )


def may_promote(approval: Waiting | None) -> bool:
    """Return whether a promotion needs no person, or one has granted it."""
    return approval is None or (approval.answer is not None and approval.answer.granted)


def champion_is_served(tonight: Tonight, champion: str) -> bool:
    """Return whether the champion is the served model itself, because its code can no longer be fitted."""
    definition = tonight.champion
    return definition is not None and definition.frozen and definition.name == champion


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
) -> Refresh | None:
    """Return the result of the refresh lane. Newer data are served unless they are shown to be worse.

    The lane spends no α.

    Args:
        tonight: the inputs of the decision.
        served: the served model, scored on tonight's decision window.
        champion: name of the champion's recipe.
        gate: thresholds.
        rule: the guardrails.

    Returns:
        None if the champion is the served model itself, or if an override is what is served: then the two are no fits
        of one recipe.
    """
    if champion_is_served(tonight, champion) or tonight.served_recipe not in {champion, _chosen_as(tonight)}:
        return None
    fresh = tonight.candidates[champion]
    found = changes(tonight, fresh, served)
    gates = lane_gates(rule, "refresh", replace(_case(tonight, fresh, served, gate), changes=found))
    kept = all(g.passed is not False for g in gates)
    return Refresh(
        verdict=Verdict.PROMOTE if kept else Verdict.KEEP,
        comparison=contrast(fresh, served, tonight.cells),
        changes=found,
        gates=gates,
    )


def _chosen_as(tonight: Tonight) -> str | None:
    """Return the name that the champion had when it was chosen, where it is carried under another."""
    return None if tonight.champion is None else tonight.champion.recipe


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

    It passes if its gain is proven at tonight's boundary, P(NB > 0) reaches π and all guardrails of the lane pass.
    `verdict` is KEEP: `decide` then promotes one of those that pass.
    """
    challenger, champion = tonight.candidates[challenger_name], tonight.candidates[champion_name]
    earlier, clock = tonight.earlier(challenger_name), tonight.history.clock(challenger_name)
    found = tonights_pool(challenger.sample, champion.sample, tonight.cells, earlier)
    proof = prove(found, champion.seeds, challenger.seeds, gate, analysed=clock.analysis > 0)
    comparison = proof.comparison
    live = live_of(challenger_name, champion_name, tonight.experiments)
    economics = economics_for(live, tonight.experiments, economics)
    log_is_shaped = shaped(tonight.listening, gate)
    withheld = withheld_of(challenger_name, champion_name, tonight.experiments, log_is_shaped=log_is_shaped)
    balance = weigh(
        comparison, proof.lower_bound, (challenger, champion), gate, economics, live=live, withheld=withheld
    )
    served = tonight.served
    case = replace(
        _case(tonight, challenger, champion, gate),
        earlier=earlier,
        changes=() if served is None else (change_tonight(tonight, challenger, served),),
        required_gain=balance.required_gain,
    )
    gates, limits = lane_gates(rule, "upgrade", case), limit_gates(rule, case)
    if log_is_shaped and proven_live(live, gate):
        by_the_log = {each.name for each in rule if each.by_the_log}
        gates = tuple(replace(g, passed=None) if g.passed is False and g.name in by_the_log else g for g in gates)
    return Upgrade(
        recipe=challenger_name,
        family=challenger.family,
        verdict=Verdict.KEEP,
        passes=(
            (bool(clock.analysis) or proven_live(live, gate))
            and not (live is not None and live.shows_loss)
            and balance.pays
            and all(g.passed is not False for g in gates)
        ),
        outside=any(g.passed is False for g in limits),
        clock=clock,
        comparison=comparison,
        interval=comparison.interval(),
        boundary=proof.boundary,
        lower_bound=proof.lower_bound,
        balance=balance,
        # What must be measured knows α already, so no more is added for it.
        detectable_gain=comparison.detectable(0.5, bound=balance.needed_gain),
        shrunk_gain=comparison.shrunk(gate.true_gain_sd * comparison.champion_mean),
        gates=gates,
        live=live,
        withheld=withheld,
        trusted=trusted(comparison.delta, live, withheld, log_is_shaped=log_is_shaped),
    )


def prospect(
    upgrade: Upgrade,
    pair: tuple[Candidate, Candidate],
    gate: GateParams,
    economics: EconomicsParams,
    *,
    experiments: Sequence[ExperimentResult] = (),
    popular_mean: float = math.nan,
) -> Prospect:
    """Return the prices at which a challenger's balance turns, and the experiment that would be worth most.

    Args:
        upgrade: the lane's result.
        pair: challenger and champion.
        gate: thresholds.
        economics: assumptions, with the prior of ε.
        experiments: what experiments have shown.
        popular_mean: mean NDCG of the popular list; NaN if it was not measured.
    """
    assumed, comparison = economics_for(upgrade.live, experiments, economics), upgrade.comparison
    found = flips(comparison, upgrade.lower_bound, pair, gate, assumed, live=upgrade.live, withheld=upgrade.withheld)
    if upgrade.live is not None or upgrade.verdict is Verdict.PROMOTE:
        return Prospect(found)
    over_popular = comparison.champion_mean / popular_mean - 1 if popular_mean > 0 else math.nan
    gain = valued_gain(comparison, upgrade.withheld, gate.true_gain_sd)
    return Prospect(found, proposal(gain, added_cost(pair, assumed), assumed, over_popular=over_popular))


def _case(tonight: Tonight, challenger: Candidate, champion: Candidate, gate: GateParams) -> Case:
    return Case(challenger, champion, tonight.candidates[POPULAR], tonight.cells, gate)


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
