"""Guardrails: a figure, its bound, and by how much it keeps it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.gate.candidates import Candidate
from pipeline.gate.comparison import Comparison, compare
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import Earlier
from pipeline.params.gate import GateParams

Bools = npt.NDArray[np.bool_]

GUARDRAIL_ALPHA = 0.05
"""Probability of a mistake that each guardrail's own bound allows; it is no part of α."""


@dataclass(frozen=True)
class Gate:
    """One guardrail.

    Attributes:
        value: what was found; NaN where it could not be computed.
        bound: what it is held against.
        margin: by how much the bound is kept; negative where it is broken.
        passed: None where too few listeners leave it undecided, which is reported and is no pass.
    """

    name: str
    value: float
    bound: float
    margin: float
    passed: bool | None


def contrast(
    challenger: Candidate, champion: Candidate, among: Bools | None = None, earlier: Earlier | None = None
) -> Comparison:
    """Compare two candidates, on all eligible listeners or among some; on all, with earlier looks at the two.

    The variance from fit to fit is that of the whole: a slice's own would rest on a few fits of few listeners.
    """
    chosen = slice(None) if among is None else among
    return compare(
        challenger.ndcg[:, chosen],
        champion.ndcg[:, chosen],
        challenger_seeds=challenger.seeds,
        champion_seeds=champion.seeds,
        earlier=earlier,
    )


def quality_gates(
    challenger: Candidate, champion: Candidate, popular: Candidate, slices: Mapping[str, Bools], params: GateParams
) -> list[Gate]:
    """What a list must not lose while its average gains; the first two are hard."""
    gates = [at_most("lists_valid", challenger.n_invalid_lists, 0.0)]
    if challenger.family != popular.family:
        gates.append(above("beats_popular", contrast(challenger, popular).lower(GUARDRAIL_ALPHA), 0.0))
    gates += [
        at_least("coverage", challenger.coverage, params.min_coverage_ratio * champion.coverage),
        at_most("top_1_percent_share", challenger.top_share, champion.top_share + params.max_top_share_increase),
    ]
    return gates + slice_gates(challenger, champion, slices, params)


def slice_gates(
    challenger: Candidate, champion: Candidate, slices: Mapping[str, Bools], params: GateParams
) -> list[Gate]:
    """A gate for each slice. Those of few listeners are undecided: nothing is known of them, alone or together; their
    pool is shown beside them, and is no pass either."""
    gates = [_slice_gate(f"slice_{s}", challenger, champion, slices[s], params) for s in sorted(slices)]
    small = [s for s in sorted(slices) if int(slices[s].sum()) < params.min_slice_listeners]
    if len(small) < 2:
        return gates
    pool = np.logical_or.reduce([slices[s] for s in small])
    return [*gates, replace(_slice_gate("slices_pooled", challenger, champion, pool, params), passed=None)]


def _slice_gate(name: str, challenger: Candidate, champion: Candidate, members: Bools, params: GateParams) -> Gate:
    n = int(members.sum())
    if n < 2:
        return Gate(name, math.nan, math.nan, math.nan, None)
    comparison = contrast(challenger, champion, members)
    bound = -params.max_slice_loss * comparison.champion_mean
    gate = not_worse(name, comparison.lower(GUARDRAIL_ALPHA), bound)
    return gate if n >= params.min_slice_listeners else Gate(name, gate.value, gate.bound, gate.margin, None)


def limit_gates(night: NightCost, params: GateParams) -> list[Gate]:
    """Hard limits: what breaks one is out of the design space before any money is counted."""
    return [
        at_most("batch_seconds_limit", night.batch_seconds, params.max_batch_seconds),
        at_most("memory_limit", night.peak_rss_bytes, params.max_memory_bytes),
        at_most("model_bytes_limit", night.model_bytes, params.max_model_bytes),
    ]


def ratio_gates(challenger: NightCost, champion: NightCost, params: GateParams) -> list[Gate]:
    """Cost relative to the champion's. Below the free amounts a ratio says nothing: the popular list costs next to
    nothing, and every real model would break its multiple."""
    batch = max(params.free_batch_seconds, params.max_batch_seconds_ratio * champion.batch_seconds)
    memory = max(params.free_memory_bytes, params.max_memory_ratio * champion.peak_rss_bytes)
    size = max(params.free_model_bytes, params.max_model_bytes_ratio * champion.model_bytes)
    return [
        at_most("batch_seconds", challenger.batch_seconds, batch),
        at_most("memory", challenger.peak_rss_bytes, memory),
        at_most("model_bytes", challenger.model_bytes, size),
    ]


def at_least(name: str, value: float, bound: float) -> Gate:
    return Gate(name, value, bound, value - bound, value >= bound)


def at_most(name: str, value: float, bound: float) -> Gate:
    return Gate(name, float(value), bound, bound - value, value <= bound)


def above(name: str, value: float, bound: float) -> Gate:
    return Gate(name, value, bound, value - bound, value > bound)


def not_worse(name: str, value: float, bound: float) -> Gate:
    """Above the bound; or not below 0, no loss even where the bound is 0 because the champion finds nothing."""
    return Gate(name, value, bound, value - bound, value > bound or value >= 0)
