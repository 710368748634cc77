"""What a gain is worth, learned from experiments: the posterior of the elasticity ε.

    y_j = ε · ln(1 + g_j) + u_j + e_j

y_j is the effect on plays that experiment j found, with variance e_j²; g_j the gain that was measured offline, with an
error of its own; u_j ~ N(0, τ²) what offline does not explain (the model of random-effects meta-regression, Higgins &
Thompson 2009). ε is lognormal before any experiment, τ half-normal (Gelman 2006). The posterior is computed on a grid:
two unknowns need no sampler, and the same experiments give the same figures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pipeline.json_values import Number
from pipeline.online.results import ExperimentResult
from pipeline.params.economics import EconomicsParams, Elasticity

_Z95 = float(ndtri(0.95))
_REACH = 6.0
"""The grid of ln ε ends so many prior standard deviations from the median."""
_N_ELASTICITY, _N_UNEXPLAINED = 1201, 80
_LEAST_DF = 4.0
"""Fewer degrees of freedom count as these: the variance of Student's t is infinite at 2."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """What one experiment says about ε."""

    effect: float
    """y, the relative effect on plays."""
    variance: float
    """Of y."""
    log_gain: float
    """ln(1 + g)."""
    log_gain_variance: float
    """Of ln(1 + g): (SE of g / (1 + g))²."""
    listeners: int
    experiment: str


@dataclass(frozen=True)
class LearnedWorth:
    """The belief about ε after experiments."""

    median: Number
    low: Number
    """5 % of the belief lies below."""
    high: Number
    """5 % of the belief lies above."""
    interval: tuple[Number, Number]
    """The central 95 %."""
    unexplained: Number
    """Root mean square of τ after the experiments: the effect that offline does not explain, relative to plays."""
    provenance: str
    """`measured`, or where the prior comes from without an experiment."""
    listeners: int
    """Listeners that the experiments measured, summed over experiments."""
    experiments: tuple[str, ...]
    """Their ids."""


def lessons(results: Sequence[ExperimentResult]) -> tuple[Lesson, ...]:
    """Return what experiments say about ε: of those with a valid effect on plays and a known offline gain.

    An estimate with few degrees of freedom has the variance of Student's t, SE² · df / (df − 2).
    """
    found = []
    for each in results:
        gain, gain_se = each.offline_gain, each.offline_gain_se
        if not each.measures_plays or gain is None or gain_se is None or gain <= -1:
            continue
        assert each.effect is not None  # measures_plays says so
        found.append(
            Lesson(
                effect=each.effect,
                variance=effect_variance(each),
                log_gain=math.log1p(gain),
                log_gain_variance=(gain_se / (1 + gain)) ** 2,
                listeners=each.listeners,
                experiment=each.id,
            )
        )
    return tuple(found)


def effect_variance(result: ExperimentResult) -> float:
    """Return the variance of a measured effect, with its degrees of freedom."""
    assert result.effect_se is not None
    df = math.inf if result.effect_df is None else max(result.effect_df, _LEAST_DF)
    return result.effect_se**2 * (df / (df - 2) if math.isfinite(df) else 1.0)


def learn(economics: EconomicsParams, taught: Sequence[Lesson]) -> LearnedWorth:
    """Return the belief about ε after experiments; without any, the prior as it is.

    Args:
        economics: the prior of ε, and the scale of τ.
        taught: what experiments say.

    Examples:
        A holdback of 95,000 listeners: lists that are 80 % better offline had 3 % more plays, with an SE of .4 %.

        >>> from pathlib import Path
        >>> from pipeline.configuration import load_params
        >>> economics = load_params(Path("params.yaml")).economics
        >>> lesson = Lesson(0.03, 0.004**2, math.log(1.8), 0.01**2, 95_000, "holdback-1")
        >>> found = learn(economics, [lesson])
        >>> round(found.median, 3), found.low > economics.elasticity.low, found.high < economics.elasticity.high
        (0.049, True, True)
    """
    prior = economics.elasticity
    if not taught:
        z = float(ndtri(0.975)) / _Z95
        spread = math.log(prior.high / prior.low) / 2
        interval = (prior.median * math.exp(-z * spread), prior.median * math.exp(z * spread))
        unexplained = economics.unexplained_sd
        return LearnedWorth(prior.median, prior.low, prior.high, interval, unexplained, prior.provenance, 0, ())
    grid, scale = _grid(prior), _half_normal(economics.unexplained_sd)
    posterior = _posterior(grid, scale, prior, taught)
    running = np.cumsum(posterior.sum(axis=1))
    low95, low, median, high, high95 = (
        float(np.exp(np.interp(p, running - posterior.sum(axis=1) / 2, grid))) for p in (0.025, 0.05, 0.5, 0.95, 0.975)
    )
    return LearnedWorth(
        median=median,
        low=low,
        high=high,
        interval=(low95, high95),
        unexplained=math.sqrt(float((posterior.sum(axis=0) * scale**2).sum())),
        provenance="measured",
        listeners=sum(each.listeners for each in taught),
        experiments=tuple(each.experiment for each in taught),
    )


def learned(economics: EconomicsParams, found: LearnedWorth) -> EconomicsParams:
    """Return the assumptions with the belief about ε replaced by what was learned; unchanged without experiments."""
    if not found.experiments:
        return economics
    belief = Elasticity(median=found.median, low=found.low, high=found.high, provenance="measured")
    return economics.model_copy(update={"elasticity": belief})


def _grid(prior: Elasticity) -> Floats:
    """Return values of ln ε, shape (_N_ELASTICITY,); a prior without spread has a little all the same."""
    sigma = max(math.log(prior.high / prior.low) / (2 * _Z95), 1e-6)
    grid: Floats = math.log(prior.median) + sigma * np.linspace(-_REACH, _REACH, _N_ELASTICITY)
    return grid


def _half_normal(scale: float) -> Floats:
    """Return values of τ of equal prior probability: quantiles of a half-normal distribution."""
    middle = (np.arange(_N_UNEXPLAINED) + 0.5) / _N_UNEXPLAINED
    values: Floats = scale * ndtri((1 + middle) / 2)
    return values


def _posterior(grid: Floats, unexplained: Floats, prior: Elasticity, taught: Sequence[Lesson]) -> Floats:
    """Return probabilities of shape (len(grid), len(unexplained)), of sum 1.

    The true ln(1 + g) is integrated out: y has the mean ε · ln(1 + g) and the variance ε² · Var + τ² + e².
    """
    sigma = (grid[-1] - grid[0]) / (2 * _REACH)
    log = np.broadcast_to(-0.5 * ((grid[:, None] - math.log(prior.median)) / sigma) ** 2, (len(grid), len(unexplained)))
    elasticity = np.exp(grid)[:, None]
    for each in taught:
        variance = elasticity**2 * each.log_gain_variance + unexplained**2 + each.variance
        log = log - 0.5 * (np.log(variance) + (each.effect - elasticity * each.log_gain) ** 2 / variance)
    weight = np.exp(log - log.max())
    normed: Floats = weight / weight.sum()
    return normed
