"""Faults in the inputs that make a night INVALID."""

import math

import numpy as np

from pipeline.gate.candidates import POPULAR, Candidate, Tonight
from pipeline.gate.economics import NightCost
from pipeline.metrics.slices import SLICES
from pipeline.params.gate import GateParams


def find_faults(tonight: Tonight, gate: GateParams, champion: str) -> list[str]:
    """Return the faults that make the night INVALID, the most informative first."""
    missing = [f"{recipe} was not measured" for recipe in tonight.recipes if recipe not in tonight.candidates]
    if tonight.history.look < 1:
        return [f"the ledger gives this night the number {tonight.history.look}"]
    if missing or tonight.faults or POPULAR not in tonight.candidates:
        return [*tonight.faults, *missing] or ["the popular list was not measured"]
    ndcg = tonight.candidates[POPULAR].ndcg
    if ndcg.ndim != 2:
        return ["the popular list was not measured for each fit and listener"]
    faults, n = [], ndcg.shape[1]
    if n < gate.min_eligible_listeners:
        faults.append(f"{n} listeners can be scored, {gate.min_eligible_listeners} are needed")
    faults += [f"the slice {s} is missing" for s in SLICES if s not in tonight.slices]
    faults += [f"the slice {s} covers other listeners" for s, m in tonight.slices.items() if m.shape != (n,)]
    faults += _history_faults(tonight, n)
    for candidate in (tonight.candidates[recipe] for recipe in tonight.recipes):
        faults += _candidate_faults(candidate, n, candidate.recipe, needs_night=True)
    if not tonight.candidates[champion].ndcg.any():
        faults.append(f"{champion}, the champion, finds nothing that listeners played: no gain is relative to that")
    if champion == tonight.served_recipe:
        if tonight.served is None:
            faults.append("the served model was not measured")
        else:
            faults += _candidate_faults(tonight.served, n, "the served model", needs_night=False)
    return faults


def _history_faults(tonight: Tonight, n: int) -> list[str]:
    faults = []
    for name, looks in (tonight.history.pairs or {}).items():
        sums = (looks.champion_mean, looks.challenger_mean, looks.champion_shares, looks.challenger_shares)
        influence = tonight.influence.get(name)
        if looks.n_looks < 1 or not all(math.isfinite(figure) and figure >= 0 for figure in sums):
            faults.append(f"the earlier looks at {name} do not add up")
        elif influence is None or len(influence) < n or not np.isfinite(influence).all():
            faults.append(f"the earlier looks at {name} lack listeners")
    return faults


def _candidate_faults(candidate: Candidate, n: int, name: str, *, needs_night: bool) -> list[str]:
    ndcg = candidate.ndcg
    if ndcg.ndim != 2 or ndcg.shape[0] < 1 or ndcg.shape[1] != n:
        return [f"{name} was measured on other listeners"]
    faults = []
    if not (np.isfinite(ndcg).all() and (ndcg >= 0).all() and (ndcg <= 1).all()):
        faults.append(f"{name} has NDCG that is not between 0 and 1")
    if not (math.isfinite(candidate.seeds.value) and candidate.seeds.value >= 0 and candidate.seeds.df > 0):
        faults.append(f"{name} varies from fit to fit by an unknown amount")
    shares = {
        "catalogue coverage": candidate.coverage,
        "top 1 % share": candidate.top_share,
        "churn between fits": candidate.churn_between_fits,
        "churn since the served lists": 0.0 if candidate.churn_since_served is None else candidate.churn_since_served,
    }
    for what, share in shares.items():
        if not 0 <= share <= 1:
            faults.append(f"{name} has a {what} of {share}")
    if candidate.n_invalid_lists < 0:
        faults.append(f"{name} has {candidate.n_invalid_lists} invalid lists")
    if needs_night and not (candidate.night is not None and _measured(candidate.night)):
        faults.append(f"{name} has no measured cost")
    return faults


def _measured(night: NightCost) -> bool:
    figures = (
        night.cpu_seconds,
        night.batch_seconds,
        night.memory_gib_seconds,
        night.peak_rss_bytes,
        night.model_bytes,
        night.energy_kwh,
    )
    return night.n_listeners > 0 and all(math.isfinite(figure) and figure >= 0 for figure in figures)
