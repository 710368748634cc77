"""How the difference of two recipes varies between listeners, days, nights and fits: what the refits say about it.

All moments are relative to the champion's mean. The covariance of two nights has two parts, fitted to all pairs of
dates: a day's part of a difference, which nights that share the day have in common as far as their lists do; and the
listeners' tastes, which last.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.calibration.refits import Floats, Refits
from pipeline.gate.comparison import variance_components

Chosen = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Lasting:
    """A covariance that falls geometrically over nights: `now` on the same night, `next` on the next one."""

    now: float
    next: float
    rate: float
    """The factor from each night to the one after, from the next night on."""

    def at(self, lag: npt.NDArray[np.intp]) -> Floats:
        """Return the covariance of two nights, by the number of nights between them."""
        found: Floats = np.where(lag == 0, self.now, self.next * self.rate ** np.maximum(lag - 1, 0))
        return found


@dataclass(frozen=True)
class Moments:
    """Moments of one pair of recipes.

    Attributes:
        champion: its name.
        challenger: its name.
        day: variance over listeners of one day's part of their difference, without their taste.
        taste: variance over listeners of what a whole window's days share.
        profile: shape (n_days,), each day's share of NDCG, by its place in the window; sums to 1.
        fits: ŝ² of a champion's and of a challenger's fit; 0 for a deterministic recipe.
        fit_noise: what listeners add to the variance of a fit's mean, times the number of listeners; of both.
    """

    champion: str
    challenger: str
    day: Lasting
    taste: Lasting
    profile: Floats
    fits: tuple[float, float]
    fit_noise: tuple[float, float]

    @property
    def n_days(self) -> int:
        return len(self.profile)

    @property
    def weights(self) -> Floats:
        """Return the factor on the noise of each day of a window, by its place: noise grows with the root of NDCG."""
        found: Floats = np.sqrt(self.profile * self.n_days)
        return found

    def covariance(self, n_nights: int) -> Floats:
        """Return the covariance, over listeners, of their differences on consecutive nights, (n_nights, n_nights)."""
        nights = np.arange(n_nights)
        lag = np.abs(nights[:, None] - nights[None, :])
        shared = np.array(
            [float(self.weights[each:] @ self.weights[: self.n_days - each]) for each in range(self.n_days)]
        )
        shared = np.concatenate([shared, np.zeros(max(n_nights - self.n_days, 0))])[:n_nights]
        found: Floats = self.taste.at(lag) + shared[lag] * self.day.at(lag)
        return found

    def relative_se(self, n_listeners: int, n_nights: int, n_fits: int, shock_sd: float = 0.0) -> float:
        """Return the standard error of the mean of some nights' differences, if all variances were known."""
        listeners = float(self.covariance(n_nights).mean()) / n_listeners
        seen = np.zeros(n_nights + self.n_days - 1)
        for night in range(n_nights):
            seen[night : night + self.n_days] += self.profile / n_nights
        return float(np.sqrt(listeners + sum(self.fits) / n_fits / n_nights + shock_sd**2 * np.square(seen).sum()))


def moments(refits: Refits, champion: str, challenger: str, *, k: int) -> Moments:
    """Return the moments of a pair of recipes with k fits each; two fits of one recipe are different ones.

    Args:
        refits: the fits.
        champion: its name.
        challenger: its name, or the champion's.
        k: fits that a night averages over.
    """
    parts = differences(refits, champion, challenger, k=k)
    n_days = refits.n_days
    same: dict[int, list[float]] = {}
    other: dict[int, list[float]] = {}
    for (a, first), (b, second) in itertools.product(enumerate(refits.dates), repeat=2):
        lag = second - first
        if lag < 0 or np.isnan(parts[a]).all() or np.isnan(parts[b]).all():
            continue
        between = _covariance(parts[a], parts[b])
        days = np.arange(n_days)
        shared = first + days[:, None] == second + days[None, :]
        if shared.any():
            same.setdefault(lag, []).append(float(between[shared].mean()))
        other.setdefault(lag, []).append(float(between[~shared].mean()))
    taste = {lag: max(float(np.mean(values)), 0.0) * n_days**2 for lag, values in other.items()}
    # What is left for the days makes the variance of a whole night right.
    whole = np.mean([_covariance(p, p).sum() for p in parts if not np.isnan(p).all()])
    day = {lag: float(np.mean(values)) - taste[lag] / n_days**2 for lag, values in same.items()}
    day[0] = max(float(whole) - taste[0], 0.0) / n_days
    fits, noise = zip(*(_fits(refits, name) for name in (champion, challenger)), strict=True)
    profile = np.nanmean(refits.daily[champion], axis=(0, 1, 3))
    return Moments(
        champion,
        challenger,
        _lasting(day),
        _lasting(taste),
        profile / profile.sum(),
        (fits[0], fits[1]),
        (noise[0], noise[1]),
    )


def differences(refits: Refits, champion: str, challenger: str, *, k: int) -> list[Floats]:
    """Return, for each date, each day's and listener's part of challenger − champion, relative to the champion's mean:
    shape (n_days, n_listeners), less each day's mean; NaN on dates without fits."""
    found = []
    for date in range(len(refits.dates)):
        ours, theirs = refits.daily[challenger][:, date], refits.daily[champion][:, date]
        first = theirs[:k]
        second = ours[-k:] if challenger == champion else ours[:k]
        base = float(np.nanmean(first.sum(axis=1)))
        parts = (second.mean(axis=0) - first.mean(axis=0)) / base
        found.append(parts - np.nanmean(parts, axis=1, keepdims=True) if np.isfinite(base) else parts)
    return found


def scaled(found: Moments, *, variance: float) -> Moments:
    """Return the moments of listeners whose differences vary more or less, by a factor on their variance."""
    day, taste = (
        replace(each, now=each.now * variance, next=each.next * variance) for each in (found.day, found.taste)
    )
    return replace(found, day=day, taste=taste)


def _covariance(first: Floats, second: Floats) -> Floats:
    """Return the covariance over the listeners of both, for each pair of days."""
    both = ~np.isnan(first[0]) & ~np.isnan(second[0])
    found: Floats = first[:, both] @ second[:, both].T / max(int(both.sum()), 1)
    return found


def _lasting(by_lag: dict[int, float]) -> Lasting:
    """Fit a geometric fall by least squares on a grid of rates."""
    now = by_lag[0]
    lags = np.array(sorted(lag for lag in by_lag if lag), dtype=np.intp)
    if not len(lags) or not now > 0:
        return Lasting(now, 0.0, 0.0)
    seen = np.array([by_lag[int(lag)] for lag in lags])
    best = (np.inf, 0.0, 0.0)
    for rate in np.linspace(0.5, 0.999, 100):
        shape = rate ** (lags - 1)
        following = min(max(float(shape @ seen / (shape @ shape)), 0.0), now)
        best = min(best, (float(np.square(seen - following * shape).sum()), following, float(rate)))
    return Lasting(now, best[1], best[2])


def _fits(refits: Refits, name: str) -> tuple[float, float]:
    """Return ŝ² of a recipe's fits, and what listeners add to the variance of their means times their number."""
    values, found = refits.daily[name], []
    if len(values) < 2:
        return 0.0, 0.0
    for date in range(len(refits.dates)):
        fits = values[:, date].sum(axis=1)
        fits = fits[:, ~np.isnan(fits[0])]
        if fits.shape[1]:
            value, of_means = variance_components(fits)
            square = float(fits.mean()) ** 2
            found.append((value / square, (of_means - value) * fits.shape[1] / square))
    value, noise = np.mean(found, axis=0)
    return max(float(value), 0.0), float(noise)
