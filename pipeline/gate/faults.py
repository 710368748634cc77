"""Faults in the inputs: of the night, which make it INVALID, and of single challengers, which are left out."""

import math
from collections.abc import Mapping

import numpy as np

from pipeline.gate.candidates import POPULAR, Candidate, Tonight
from pipeline.gate.economics import NightCost
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.pooling import PARTS, PairNight
from pipeline.gate.refresh import MEMORY
from pipeline.metrics.slices import SLICES
from pipeline.params.gate import GateParams


def night_faults(tonight: Tonight, gate: GateParams, champion: str) -> list[str]:
    """Return the faults that make the night INVALID, the most informative first."""
    if tonight.faults:
        return list(tonight.faults)
    popular = tonight.candidates.get(POPULAR)
    if popular is None:
        return [tonight.unmeasured.get(POPULAR, "the popular list was not measured")]
    if popular.ndcg.ndim != 2:
        return ["the popular list was not measured for each fit and listener"]
    n = popular.ndcg.shape[1]
    if n < gate.min_eligible_listeners:
        return [few_listeners(n, gate)]
    faults = _cell_faults(tonight, n)
    if champion not in tonight.candidates:
        return [*faults, tonight.unmeasured.get(champion, f"{champion}, the champion, was not measured")]
    for name in dict.fromkeys((POPULAR, champion)):
        faults += candidate_faults(tonight, name, n)
    if not faults and not tonight.candidates[champion].ndcg.any():
        faults.append(f"{champion}, the champion, finds nothing that listeners played: no gain is relative to that")
    if tonight.served_recipe is not None:
        if tonight.served is None:
            faults.append(tonight.unmeasured.get("served", "the served model was not measured"))
        else:
            faults += _faults_of(tonight.served, tonight, n, "the served model", needs_night=False)
    for name in MEMORY:
        faults += _history_faults(tonight, name)
    return faults


def few_listeners(n: int, gate: GateParams) -> str:
    """Return the fault of a night with too few eligible listeners."""
    return f"{n} {'listener' if n == 1 else 'listeners'} can be scored, {gate.min_eligible_listeners} are needed"


def candidate_faults(tonight: Tonight, recipe: str, n: int) -> list[str]:
    """Return why a recipe cannot be compared tonight; nothing if it can.

    Args:
        tonight: the inputs of the decision.
        recipe: its name.
        n: tonight's eligible listeners.
    """
    if recipe not in tonight.candidates:
        return [tonight.unmeasured.get(recipe, f"{recipe} was not measured")]
    found = _faults_of(tonight.candidates[recipe], tonight, n, recipe, needs_night=True)
    return found + _history_faults(tonight, recipe)


def _cell_faults(tonight: Tonight, n: int) -> list[str]:
    cells = tonight.cells
    faults = [f"the slice {s} is missing" for s in SLICES if s not in cells.slices]
    faults += [f"the slice {s} covers other listeners" for s, m in cells.slices.items() if m.shape != (n,)]
    if cells.groups.shape != (n,):
        faults.append("the groups cover other listeners")
    elif n and not (int(cells.groups.min()) >= 0 and int(cells.groups.max()) < N_GROUPS):
        faults.append("a listener is in no group")
    return faults


def _history_faults(tonight: Tonight, name: str) -> list[str]:
    nights, days = tonight.history.pairs.get(name, ()), tonight.history.days.get(name, {}).values()
    if not all(math.isfinite(each) for day in days for each in (day.difference, day.champion, day.noise)):
        return [f"the earlier days of {name} are not finite"]
    if not nights:
        return []
    influence = tonight.influence.get(name)
    if influence is None or influence.shape != (len(nights), len(PARTS), N_GROUPS) or not np.isfinite(influence).all():
        return [f"the earlier nights of {name} lack listeners"]
    return [] if all(_adds_up(night) for night in nights) else [f"the earlier nights of {name} do not add up"]


def _adds_up(night: PairNight) -> bool:
    if set(night.means) != set(PARTS) or night.champion_fits < 1 or night.challenger_fits < 1:
        return False
    everyone = night.means[PARTS[0]]
    days: Mapping[str, object] = night.days
    sums = [everyone.champion, everyone.challenger]
    sums += [figure for day in night.days.values() for figure in (day.champion, day.noise)]
    return bool(days) and all(math.isfinite(figure) and figure >= 0 for figure in sums)


def _faults_of(candidate: Candidate, tonight: Tonight, n: int, name: str, *, needs_night: bool) -> list[str]:
    ndcg, daily = candidate.ndcg, candidate.daily
    if ndcg.ndim != 2 or ndcg.shape[0] < 1 or ndcg.shape[1] != n:
        return [f"{name} was measured on other listeners"]
    faults = []
    if not (np.isfinite(ndcg).all() and (ndcg >= 0).all() and (ndcg <= 1).all()):
        faults.append(f"{name} has NDCG that is not between 0 and 1")
    elif daily.shape != (len(tonight.cells.days), n):
        faults.append(f"{name} was measured on other days")
    elif not np.allclose(daily.sum(axis=0), ndcg.mean(axis=0), rtol=0, atol=1e-9):
        faults.append(f"{name} has days that do not add up to its NDCG")
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
    content = candidate.content
    if content is not None and not (0 <= content.unpriced_share <= 1 and 0 <= content.priced < math.inf):
        faults.append(f"{name} has lists of unknown royalties")
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
