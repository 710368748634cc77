"""What the nights of one pair prove: the pooled estimate and its lower bound at tonight's boundary."""

import math
from dataclasses import dataclass

from scipy.special import ndtr

from pipeline.gate.boundary import boundaries
from pipeline.gate.comparison import Comparison, SeedVariance, pooled
from pipeline.gate.pooling import Pool
from pipeline.gate.spending import analysis_alpha
from pipeline.params.gate import GateParams


@dataclass(frozen=True)
class Proof:
    """What is proven about a challenger's gain.

    Attributes:
        comparison: pooled over the nights of its clock.
        boundary: z of tonight's analysis; NaN if it is not analysed.
        alpha: the probability beyond it, at which the lower bound holds; 0 without an analysis.
        lower_bound: L, the lower bound of Δ.
    """

    comparison: Comparison
    boundary: float
    alpha: float
    lower_bound: float


def prove(
    found: Pool, champion_seeds: SeedVariance, challenger_seeds: SeedVariance, gate: GateParams, *, analysed: bool
) -> Proof:
    """Return what some nights of a pair prove.

    Args:
        found: the nights of the challenger's clock, each of them an analysis.
        champion_seeds: ŝ² of the champion.
        challenger_seeds: ŝ² of the challenger.
        gate: α and the number of entrants.
        analysed: whether tonight is one of its analyses.
    """
    comparison = pooled(found, champion_seeds, challenger_seeds)
    if not analysed:
        return Proof(comparison, math.nan, 0.0, comparison.lower(0.0))
    alphas = [analysis_alpha(gate.alpha, gate.max_entrants)] * len(found.champion)
    covariance = found.covariance((champion_seeds.value, challenger_seeds.value))
    # Nights that do not vary, or vary by an unknown amount, have no joint distribution: tonight stands alone.
    boundary = float(boundaries(covariance if comparison.se > 0 else None, alphas)[-1])
    alpha = float(ndtr(-boundary))
    return Proof(comparison, boundary, alpha, comparison.lower(alpha))
