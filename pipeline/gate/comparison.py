"""The paired comparison of two recipes, with variance between listeners and between fits.

A paired test over listeners alone finds two fits of the same recipe different far too often, because one seed affects
all listeners at once. So the standard error has a term for each recipe's seeds (docs/explanation/decision.md).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.gate.pooling import Earlier, influence
from pipeline.json_values import Number

Floats = npt.NDArray[np.float64]

WORST = -1.0
"""The lowest possible difference of a metric in [0, 1]: the lower bound at α = 0."""


@dataclass(frozen=True)
class SeedVariance:
    """ŝ², the variance from fit to fit that all listeners of a recipe share."""

    value: Number
    """ŝ²; NaN where it cannot be estimated from a single fit."""
    df: Number
    """Degrees of freedom of the estimate; infinite for a deterministic recipe."""
    of_means: Number = 0.0
    """Variance of the fits' means, which includes listener noise."""


@dataclass(frozen=True)
class EarlierSeeds:
    """Variance between an earlier night's fits of a recipe."""

    relative_variance: Number
    """ŝ² divided by the square of that night's mean; below 0 where the fits differed less than by chance."""
    df: Number
    """Its degrees of freedom, the number of fits less one."""
    of_means: Number
    """Variance of the fits' means, divided by the same square."""


DETERMINISTIC = SeedVariance(0.0, math.inf)


@dataclass(frozen=True)
class Comparison:
    """Challenger − champion on the listeners they share."""

    n: int
    """Tonight's listeners."""
    n_looks: int
    """Nights that the figures below are means over, including tonight."""
    champion_mean: Number
    """μ0, the champion's mean of the metric over listeners and fits."""
    challenger_mean: Number
    """The challenger's mean of the metric."""
    delta: Number
    """Δ, the mean of the listeners' differences d_u."""
    se: Number
    """Standard error of Δ; with one night, √(s²(d_u)/n + ŝ²_champion/K + ŝ²_challenger/K)."""
    se_listeners: Number
    """The part of `se` that more listeners would reduce; with one night, √(s²(d_u)/n)."""
    se_fits: Number
    """The part of `se` that more fits would reduce."""
    df: Number
    """Degrees of freedom of `se` (Welch 1947, Satterthwaite 1946); infinite where nothing varies."""

    def quantile(self, alpha: float) -> float:
        """Return t_{1−α, df}; it exceeds the normal quantile if `se` was estimated from few fits."""
        from scipy.special import stdtrit

        return float(-stdtrit(self.df, alpha))

    def lower(self, alpha: float) -> float:
        """Return L = Δ − t_{1−α} · SE, the lower confidence bound of the difference at level 1 − α; at least WORST."""
        if alpha <= 0:
            return WORST
        return max(self.delta - self.quantile(alpha) * self.se if self.se else self.delta, WORST)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided confidence interval for Δ."""
        half = self.quantile((1 - level) / 2) * self.se if self.se else 0.0
        return self.delta - half, self.delta + half

    def detectable(self, alpha: float, *, bound: float, power: float = 0.8) -> float:
        """Return the smallest true difference whose lower bound exceeds `bound` with probability `power`.

        NaN if `alpha` is 0.
        """
        if alpha <= 0:
            return math.nan
        return bound + (self.quantile(alpha) + self.quantile(1 - power)) * self.se if self.se else bound

    def shrunk(self, gain_sd: float) -> float:
        """Return Δ · τ²/(τ² + SE²), the difference corrected for selection (winner's curse).

        The prior is normal with mean 0 and standard deviation τ = `gain_sd` (James & Stein 1961).
        """
        total = gain_sd**2 + self.se**2
        return self.delta * gain_sd**2 / total if total > 0 else self.delta


def compare(
    challenger: Floats,
    champion: Floats,
    *,
    challenger_seeds: SeedVariance,
    champion_seeds: SeedVariance,
    earlier: Earlier | None = None,
) -> Comparison:
    """Compare two recipes on the same listeners, pooled with earlier comparisons of the two.

    Args:
        challenger: shape (n_fits, n_listeners), values of the metric; columns are the same listeners in both arrays.
        champion: shape (n_fits, n_listeners); the number of fits may differ.
        challenger_seeds: ŝ² of the challenger, see `seed_variance`.
        champion_seeds: ŝ² of the champion.
        earlier: see `pipeline.gate.pooling`; every comparison has the same weight.

    Raises:
        ValueError: the numbers of listeners differ or are below two.

    Examples:
        Differences of 0.1, 0.2, 0.3 and 0.2: their mean is 0.2, and its standard error √(0.02 / 3 / 4).

        >>> champion = np.array([[0.1, 0.1, 0.2, 0.4]])
        >>> challenger = champion + np.array([[0.1, 0.2, 0.3, 0.2]])
        >>> found = compare(challenger, champion, challenger_seeds=DETERMINISTIC, champion_seeds=DETERMINISTIC)
        >>> round(found.delta, 4), round(found.se, 4), found.df
        (0.2, 0.0408, 3.0)
        >>> [round(bound, 3) for bound in found.interval(0.95)]
        [0.07, 0.33]
    """
    n = challenger.shape[1]
    if champion.shape[1] != n or n < 2:
        raise ValueError(f"{n} listeners against {champion.shape[1]}")
    means = np.array([champion.mean(), challenger.mean()])
    shares = np.array([1 / len(champion), 1 / len(challenger)])
    total, looks = influence(challenger, champion), 1
    if earlier is not None:
        before = earlier.looks
        means += before.champion_mean, before.challenger_mean
        shares += before.champion_shares, before.challenger_shares
        total = np.concatenate([total + earlier.influence[:n], earlier.influence[n:]])
        looks += before.n_looks
    means, shares = means / looks, shares / looks**2
    clusters = len(total)
    listeners = float(np.square(total).sum()) * clusters / (clusters - 1) / looks**2
    seeds = (champion_seeds, challenger_seeds)
    fits = math.fsum(s.value * share for s, share in zip(seeds, shares, strict=True))
    # ŝ² is a difference of two variances: its uncertainty is mostly that of the larger one, the variance of the means.
    unsure = [
        (listeners, clusters - 1.0),
        *((max(s.value, s.of_means) * share, s.df) for s, share in zip(seeds, shares, strict=True)),
    ]
    return Comparison(
        n=n,
        n_looks=looks,
        champion_mean=float(means[0]),
        challenger_mean=float(means[1]),
        delta=float(means[1] - means[0]),
        se=math.sqrt(listeners + fits),
        se_listeners=math.sqrt(listeners),
        se_fits=math.sqrt(fits),
        df=_satterthwaite(listeners + fits, unsure),
    )


def _satterthwaite(total: float, parts: Sequence[tuple[float, float]]) -> float:
    """Return ν = total² / Σ v²/ν_i, the degrees of freedom of a sum of mean squares v (Satterthwaite 1946).

    Args:
        total: the sum.
        parts: v and ν_i of each mean square.
    """
    if not total > 0:
        return math.inf
    # Dividing before squaring: squares of tiny variances would underflow.
    unsure = math.fsum((v / total) ** 2 / df for v, df in parts)
    return 1 / unsure if unsure > 0 else math.inf


def seed_variance(values: Floats, *, deterministic: bool, earlier: Sequence[EarlierSeeds] = ()) -> SeedVariance:
    """Return ŝ², the variance component of a recipe's fits in the two-way layout of fits and listeners.

    ŝ² = var(means) − MS/n, where MS is the residual mean square (Searle, Casella & McCulloch 1992, chapter 4). MS/n is
    subtracted because s²(d_u) contains the noise of single listeners already.

    The estimate is pooled over tonight and earlier nights, Σ df · v / Σ df, and is at least 0. Variances of earlier
    nights are stored relative to the squared mean of their night and rescaled to tonight's.

    Args:
        values: shape (n_fits, n_listeners), the metric.
        deterministic: whether every seed gives the same model.
        earlier: estimates of the same recipe from earlier nights.

    Returns:
        The variance; NaN with a single fit and no earlier night.

    Examples:
        Two fits that differ by 0.1 for each listener alike: the variance of the means 0.1 and 0.2 is 0.005.

        >>> found = seed_variance(np.array([[0.0, 0.2], [0.1, 0.3]]), deterministic=False)
        >>> round(found.value, 6), found.df
        (0.005, 1.0)
    """
    if deterministic:
        return DETERMINISTIC
    square = float(values.mean()) ** 2
    known = [(e.relative_variance * square, e.of_means * square, e.df) for e in earlier]
    if len(values) > 1:
        known.append((*variance_components(values), len(values) - 1.0))
    df = math.fsum(d for *_, d in known)
    if not df:
        return SeedVariance(math.nan, 0.0, math.nan)
    value, of_means = (math.fsum(each[i] * each[2] for each in known) / df for i in (0, 1))
    return SeedVariance(max(value, 0.0) if math.isfinite(value) else value, df, of_means)


def variance_components(values: Floats) -> tuple[float, float]:
    """Return the variance component of the fits, which may be negative, and the variance of the fits' means.

    Args:
        values: shape (n_fits, n_listeners), at least two fits. Of a single listener, all variance is between fits.
    """
    n_fits, n = values.shape
    means = values.mean(axis=1)
    rest = values - means[:, None] - values.mean(axis=0)[None, :] + values.mean()
    mean_square = float(np.square(rest).sum()) / ((n_fits - 1) * max(n - 1, 1))
    of_means = float(means.var(ddof=1))
    return of_means - mean_square / n, of_means
