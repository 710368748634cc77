"""Is one recipe better than another, given that listeners differ and that fits of one recipe differ too?

A paired test over listeners alone calls two fits of the same recipe different far too often, because every listener
shares the luck of the seed. So the standard error has a term for each recipe's seeds (docs/explanation/decision.md).
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
"""No difference of a metric in [0, 1] is below this: what a bound that may never be wrong can promise."""


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
        """t_{1−α, df}: the normal quantile where `se` is well known, more where few fits had to tell."""
        from scipy.special import stdtrit

        return float(-stdtrit(self.df, alpha))

    def lower(self, alpha: float) -> float:
        """L = Δ − t_{1−α} · SE, above which the true difference lies with probability 1 − α; at least WORST."""
        if alpha <= 0:
            return WORST
        return max(self.delta - self.quantile(alpha) * self.se if self.se else self.delta, WORST)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided interval for Δ."""
        half = self.quantile((1 - level) / 2) * self.se if self.se else 0.0
        return self.delta - half, self.delta + half

    def detectable(self, alpha: float, *, bound: float, power: float = 0.8) -> float:
        """The smallest true difference whose lower bound exceeds `bound` with probability `power`; NaN without α."""
        if alpha <= 0:
            return math.nan
        return bound + (self.quantile(alpha) + self.quantile(1 - power)) * self.se if self.se else bound

    def shrunk(self, gain_sd: float) -> float:
        """Δ · τ²/(τ² + SE²): the winner of several is on average not as good as it looked. By a normal prior of mean 0
        and standard deviation τ = `gain_sd` (James & Stein 1961)."""
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
    """Compare two recipes on the same listeners, pooled with the earlier looks at the two, if there are any.

    Args:
        challenger: shape (n_fits, n_listeners), the metric; rows are fits, columns the same listeners in both.
        champion: shape (n_fits, n_listeners); may have another number of fits.
        challenger_seeds: ŝ², see `seed_variance`.
        champion_seeds: ŝ².
        earlier: see `pipeline.gate.pooling`; every look weighs the same.

    Raises:
        ValueError: the listeners are not the same number, or fewer than two.

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
    # What is not sure about a difference of two variances is mostly what is not sure about the larger one.
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
    """ν = total² / Σ v²/ν_i of a variance made from mean squares v with degrees of freedom ν_i."""
    if not total > 0:
        return math.inf
    # Shares, not squares of variances: those of tiny numbers vanish.
    unsure = math.fsum((v / total) ** 2 / df for v, df in parts)
    return 1 / unsure if unsure > 0 else math.inf


def seed_variance(values: Floats, *, deterministic: bool, earlier: Sequence[EarlierSeeds] = ()) -> SeedVariance:
    """ŝ² of a recipe: the fits' component of variance in the two-way layout of fits and listeners, var(means) − MS/n
    with MS the mean square of what neither explains (Searle, Casella & McCulloch 1992, chapter 4). What a listener's
    own luck adds to the means stands in s²(d_u) already, and would be counted twice.

    It is pooled over tonight's fits and those of earlier nights, Σ df · v / Σ df, where the variances of earlier nights
    are relative to their mean, and are brought to tonight's; then it is at least 0.

    Args:
        values: shape (n_fits, n_listeners).
        deterministic: whether another seed gives the same model.
        earlier: the same recipe's nights before this one.

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
    """The component of the fits, which may come out below 0, and the variance of the fits' means.

    Args:
        values: shape (n_fits, n_listeners), more than one of each.
    """
    n_fits, n = values.shape
    means = values.mean(axis=1)
    rest = values - means[:, None] - values.mean(axis=0)[None, :] + values.mean()
    mean_square = float(np.square(rest).sum()) / ((n_fits - 1) * (n - 1))
    of_means = float(means.var(ddof=1))
    return of_means - mean_square / n, of_means
