"""The paired comparison of two recipes, with variance between listeners, between days and between fits.

A paired test over listeners alone finds two fits of the same recipe different far too often, because one seed affects
all listeners at once, and so does what happens on a day. So the standard error has a term for each
(docs/explanation/decision.md).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.gate.days import DayVariance
from pipeline.gate.pooling import EVERYONE, Cells, Earlier, Pool, Sample, pair_night, pool
from pipeline.json_values import Number

Floats = npt.NDArray[np.float64]

OUTLIER_ALPHA = 0.05
"""How often sound fits are taken for fits of another spread than the registry's: then only power is lost."""

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
    n_nights: int
    """Nights that the figures below are means over, including tonight."""
    champion_mean: Number
    """μ0, the champion's mean of the metric over listeners and fits."""
    challenger_mean: Number
    """The challenger's mean of the metric."""
    delta: Number
    """Δ, the mean of the listeners' differences d_u."""
    se: Number
    """Standard error of Δ; NaN where a part of it cannot be estimated."""
    se_listeners: Number
    """The part of `se` that more listeners would reduce; with one night, √(s²(d_u)/n)."""
    se_days: Number
    """The part of `se` that more days would reduce: shocks that all listeners share on a day."""
    se_fits: Number
    """The part of `se` that more fits would reduce; with one night, √(ŝ²_champion/K + ŝ²_challenger/K)."""
    df: Number
    """Degrees of freedom of `se` (Welch 1947, Satterthwaite 1946); infinite where nothing varies."""

    def quantile(self, alpha: float) -> float:
        """Return t_{1−α, df}; it exceeds the normal quantile if `se` was estimated from few fits."""
        from scipy.special import stdtrit

        return float(-stdtrit(self.df, alpha))

    def lower(self, alpha: float) -> float:
        """Return L = Δ − t_{1−α} · SE, the lower confidence bound of the difference at level 1 − α; at least WORST."""
        if alpha <= 0 or math.isnan(self.se):
            return WORST
        return max(self.delta - self.quantile(alpha) * self.se if self.se else self.delta, WORST)

    def upper(self, alpha: float) -> float:
        """Return Δ + t_{1−α} · SE, the upper confidence bound of the difference at level 1 − α; NaN if SE is."""
        return self.delta + self.quantile(alpha) * self.se if self.se else self.delta

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
    challenger: Sample,
    champion: Sample,
    cells: Cells,
    *,
    challenger_seeds: SeedVariance,
    champion_seeds: SeedVariance,
    earlier: Earlier | None = None,
    part: str = EVERYONE,
) -> Comparison:
    """Compare two recipes on the same listeners, pooled with earlier comparisons of the two; nights weigh the same.

    Args:
        challenger: its figures of tonight.
        champion: its figures of tonight; the number of fits may differ.
        cells: whose figures they are.
        challenger_seeds: ŝ² of the challenger, see `seed_variance`.
        champion_seeds: ŝ² of the champion.
        earlier: earlier comparisons of the two; none by default.
        part: of `pipeline.gate.pooling.PARTS`, whose listeners are compared.

    Raises:
        ValueError: the numbers of listeners differ or are below two.

    Examples:
        Differences of 0.1, 0.2, 0.3 and 0.2: their mean is 0.2. The two days are alike, so that its standard error is
        that of the listeners, √(0.02 / 3 / 4):

        >>> from pipeline.gate.groups import group_of
        >>> champion = np.array([[0.1, 0.1, 0.2, 0.4]])
        >>> challenger = champion + np.array([[0.1, 0.2, 0.3, 0.2]])
        >>> samples = [Sample(each, np.repeat(each / 2, 2, axis=0)) for each in (challenger, champion)]
        >>> everyone = np.ones(4, dtype=bool)
        >>> cells = Cells(
        ...     ("2026-02-01", "2026-02-02"), group_of("abcd"), {"light": everyone, "heavy": everyone, "new": everyone}
        ... )
        >>> found = compare(*samples, cells, challenger_seeds=DETERMINISTIC, champion_seeds=DETERMINISTIC)
        >>> round(found.delta, 4), round(found.se, 4), found.se_days
        (0.2, 0.0408, 0.0)
    """
    return pooled(tonights_pool(challenger, champion, cells, earlier, part), champion_seeds, challenger_seeds)


def tonights_pool(
    challenger: Sample, champion: Sample, cells: Cells, earlier: Earlier | None = None, part: str = EVERYONE
) -> Pool:
    """Return tonight's comparison pooled with earlier ones; arguments and errors are those of `compare`."""
    chosen = cells.members(part)
    ours, theirs = challenger.ndcg[:, chosen], champion.ndcg[:, chosen]
    n = theirs.shape[1]
    if ours.shape[1] != n or n < 2:
        raise ValueError(f"{ours.shape[1]} listeners against {n}")
    night, influences = pair_night(challenger, champion, cells, as_of="")
    if earlier is None or not earlier.nights:
        found = pool([night], influences[None], part, None if earlier is None else earlier.days)
        exact = (ours.mean(axis=0) - theirs.mean(axis=0)).var(ddof=1) / n
        return replace(found, listeners=np.array([[exact]]), n_clusters=n)
    return pool([*earlier.nights, night], np.concatenate([earlier.influence, influences[None]]), part, earlier.days)


@dataclass(frozen=True)
class Estimate:
    """A linear combination of nights' differences, with its variance by source."""

    value: float
    listeners: float
    days: float
    fits: float
    df: float

    @property
    def variance(self) -> float:
        return self.listeners + self.days + self.fits

    def upper(self, alpha: float) -> float:
        """Return the upper confidence bound at level 1 − α; NaN if a variance is."""
        from scipy.special import stdtrit

        if not self.variance > 0:
            return self.value + 0.0 * self.variance
        return self.value - float(stdtrit(self.df, alpha)) * math.sqrt(self.variance)


def compare_on_listeners(
    challenger: Floats, champion: Floats, *, challenger_seeds: SeedVariance, champion_seeds: SeedVariance
) -> Comparison:
    """Compare two recipes on one night's listeners, leaving out how much days vary: for choosing, not for promoting.

    Args:
        challenger: shape (n_fits, n_listeners), values of the metric; columns are the same listeners in both arrays.
        champion: shape (n_fits, n_listeners); the number of fits may differ.
        challenger_seeds: ŝ² of the challenger, see `seed_variance`.
        champion_seeds: ŝ² of the champion.

    Raises:
        ValueError: the numbers of listeners differ or are below two.
    """
    n = champion.shape[1]
    if challenger.shape[1] != n or n < 2:
        raise ValueError(f"{challenger.shape[1]} listeners against {n}")
    variance = (challenger.mean(axis=0) - champion.mean(axis=0)).var(ddof=1) / n
    found = Pool(
        n=n,
        champion=np.array([champion.mean()]),
        challenger=np.array([challenger.mean()]),
        listeners=np.array([[variance]]),
        n_clusters=n,
        exposure=np.zeros((1, 0)),
        days=DayVariance(0.0, math.inf),
        fits=np.array([[1 / len(champion)], [1 / len(challenger)]]),
    )
    return pooled(found, champion_seeds, challenger_seeds)


def combination(found: Pool, weights: Floats, champion_seeds: SeedVariance, challenger_seeds: SeedVariance) -> Estimate:
    """Return Σ w_t Δ_t of the nights of a pool.

    Args:
        found: the nights.
        weights: w, shape (n_nights,).
        champion_seeds: ŝ² of the champion, see `seed_variance`.
        challenger_seeds: ŝ² of the challenger.
    """
    listeners = float(weights @ found.listeners @ weights)
    shared = float(np.square(weights @ found.exposure).sum())
    shares = found.fits @ np.square(weights)
    seeds = (champion_seeds, challenger_seeds)
    fits = math.fsum(s.value * share for s, share in zip(seeds, shares, strict=True))
    days = found.days.value * shared
    # ŝ² is a difference of two variances: its uncertainty is mostly that of the larger one.
    unsure = [
        (listeners, found.n_clusters - 1.0),
        (days, found.days.df),
        *((max(s.value, s.of_means) * share, s.df) for s, share in zip(seeds, shares, strict=True)),
    ]
    df = _satterthwaite(listeners + days + fits, unsure)
    return Estimate(float(weights @ found.differences), listeners, days, fits, df)


def pooled(found: Pool, champion_seeds: SeedVariance, challenger_seeds: SeedVariance) -> Comparison:
    """Return the comparison that the nights of a pool come to; each has the same weight."""
    nights = len(found.champion)
    weights = np.full(nights, 1 / nights)
    estimate = combination(found, weights, champion_seeds, challenger_seeds)
    return Comparison(
        n=found.n,
        n_nights=nights,
        champion_mean=float(weights @ found.champion),
        challenger_mean=float(weights @ found.challenger),
        delta=estimate.value,
        se=_root(estimate.variance),
        se_listeners=_root(estimate.listeners),
        se_days=_root(estimate.days),
        se_fits=_root(estimate.fits),
        df=estimate.df,
    )


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance >= 0 else math.nan


def _satterthwaite(total: float, parts: Sequence[tuple[float, float]]) -> float:
    """Return ν = total² / Σ v²/ν_i, the degrees of freedom of a sum of mean squares v (Satterthwaite 1946).

    Args:
        total: the sum.
        parts: v and ν_i of each mean square.
    """
    if not total > 0:
        return math.inf
    # Dividing before squaring: squares of tiny variances would underflow.
    # A part that is estimated with its noise can exceed the sum; it cannot be more uncertain than its own ν.
    unsure = math.fsum(min(v / total, 1.0) ** 2 / df for v, df in parts if v)
    return 1 / unsure if unsure > 0 else math.inf


def seed_variance(values: Floats, *, deterministic: bool, earlier: Sequence[EarlierSeeds] = ()) -> SeedVariance:
    """Return ŝ², the variance component of a recipe's fits in the two-way layout of fits and listeners.

    ŝ² = var(means) − MS/n, where MS is the residual mean square (Searle, Casella & McCulloch 1992, chapter 4). MS/n is
    subtracted because s²(d_u) contains the noise of single listeners already.

    The estimate is pooled over tonight and earlier nights, Σ df · v / Σ df, and is at least 0. Variances of earlier
    nights are stored relative to the squared mean of their night and rescaled to tonight's. If tonight's fits differ by
    more than earlier ones explain (an F test at OUTLIER_ALPHA), tonight's variance counts alone: one of them failed.

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
    tonight = _tonights(values) if len(values) > 1 else None
    return pooled_seeds(tonight, earlier, square)


def pooled_seeds(tonight: EarlierSeeds | None, earlier: Sequence[EarlierSeeds], square: float) -> SeedVariance:
    """Return ŝ² from the variances of nights.

    Args:
        tonight: of tonight's fits, in units of the metric; None from a single fit.
        earlier: those of earlier nights, relative to the square of their night's mean.
        square: the square of tonight's mean.
    """
    known = [(e.relative_variance * square, e.of_means * square, e.df) for e in earlier]
    if tonight is not None:
        known.append((tonight.relative_variance, tonight.of_means, tonight.df))
    df = math.fsum(d for *_, d in known)
    if not df:
        return SeedVariance(math.nan, 0.0, math.nan)
    if tonight is not None and earlier and _exceeds(known[-1], known[:-1]):
        known, df = known[-1:], known[-1][2]
    value, of_means = (math.fsum(each[i] * each[2] for each in known) / df for i in (0, 1))
    return SeedVariance(max(value, 0.0) if math.isfinite(value) else value, df, of_means)


def _tonights(values: Floats) -> EarlierSeeds:
    value, of_means = variance_components(values)
    return EarlierSeeds(value, len(values) - 1.0, of_means)


def _exceeds(tonight: tuple[float, float, float], before: Sequence[tuple[float, float, float]]) -> bool:
    """Return whether the variance of tonight's means is larger than that of earlier nights explains."""
    from scipy.special import fdtrc

    df = math.fsum(d for *_, d in before)
    usual = math.fsum(of_means * d for _, of_means, d in before) / df
    if not usual > 0:
        return tonight[1] > 0
    return bool(fdtrc(tonight[2], df, tonight[1] / usual) < OUTLIER_ALPHA)


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
