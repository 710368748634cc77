"""Day shocks: swings of a difference that all listeners share on a day.

They do not average out over listeners. A day's part of the difference, less what the overall gain predicts for it,
varies by chance of its listeners and by the shock; the shocks' variance is what exceeds the chance (method of moments;
Searle, Casella & McCulloch 1992, Variance Components, chapter 4).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.json_values import Number

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DayDifference:
    """One day's part of a difference of two recipes."""

    difference: Number
    """D_j: the day's part of Δ; the days of a night add up to Δ."""
    champion: Number
    """B_j: the day's part of the champion's mean."""
    noise: Number
    """Variance of D_j − g · B_j over listeners, g the night's relative gain."""


@dataclass(frozen=True)
class DayVariance:
    """τ², the variance of a day's shock relative to the champion's part of that day."""

    value: Number
    """τ² and one standard error of it, more than 0; NaN with fewer than two days. A small τ² that was estimated from
    few days is often estimated as 0: without its error, shocks promote more than α allows."""
    df: Number
    """Its degrees of freedom, the number of days less one."""


def day_differences(challenger: Floats, champion: Floats, days: Sequence[str]) -> dict[str, DayDifference]:
    """Return the parts of a night's difference by day; days without any hit are left out.

    Args:
        challenger: shape (n_days, n_listeners), each day's part of the metric.
        champion: of the same shape.
        days: YYYY-MM-DD of each row.

    Examples:
        Two listeners, two days. The challenger gains 10 % on each day and for each listener:

        >>> champion = np.array([[0.1, 0.3], [0.2, 0.2]])
        >>> found = day_differences(1.1 * champion, champion, ["2026-02-01", "2026-02-02"])
        >>> {day: (round(each.difference, 3), round(each.noise, 9)) for day, each in found.items()}
        {'2026-02-01': (0.02, 0.0), '2026-02-02': (0.02, 0.0)}
    """
    n, base = champion.shape[1], float(champion.sum())
    gain = float(challenger.sum() - base) / base if base > 0 else 0.0
    found = {}
    for day, ours, theirs in zip(days, challenger, champion, strict=True):
        if ours.any() or theirs.any():
            rest = ours - (1 + gain) * theirs
            found[day] = DayDifference(
                float(ours.mean() - theirs.mean()), float(theirs.mean()), float(rest.var(ddof=1)) / n
            )
    return found


def day_variance(nights: Sequence[Mapping[str, DayDifference]]) -> DayVariance:
    """Return τ² estimated over all days of some nights; a day that several windows share is taken from the latest.

    Args:
        nights: parts by day of each night, the latest last.

    Examples:
        Four days with equal parts of the champion's mean, whose gains alternate between 0 and 20 %, without noise:

        >>> alternating = {
        ...     f"2026-02-0{j}": DayDifference(0.02 * (j % 2), 0.1, 0.0) for j in (1, 2, 3, 4)
        ... }
        >>> found = day_variance([alternating])
        >>> round(math.sqrt(found.value / (1 + math.sqrt(2 / found.df))), 4), found.df
        (0.1155, 3.0)
    """
    days: dict[str, DayDifference] = {}
    for night in nights:
        days.update(night)
    parts = list(days.values())
    base = math.fsum(part.champion for part in parts)
    squares = math.fsum(part.champion**2 for part in parts)
    if len(parts) < 2 or base <= 0:
        return DayVariance(math.nan, 0.0)
    gain = math.fsum(part.difference for part in parts) / base
    spread = math.fsum((part.difference - gain * part.champion) ** 2 for part in parts) * len(parts) / (len(parts) - 1)
    noise = math.fsum(part.noise for part in parts)
    df = len(parts) - 1.0
    return DayVariance(float(of_shocks(spread, noise, df)) / squares, df)


def of_shocks(spread: float | Floats, noise: float | Floats, df: float) -> float | Floats:
    """Return what of the spread of days is due to shocks, with one standard error of it.

    Args:
        spread: Σ (D_j − g · B_j)², scaled to be unbiased.
        noise: what chance of the listeners adds to it on average.
        df: degrees of freedom of the spread.
    """
    found: float | Floats = np.maximum(spread - noise, 0.0) + spread * math.sqrt(2 / df)
    return found


def exposure(nights: Sequence[Mapping[str, DayDifference]], scale: Sequence[float]) -> Floats:
    """Return how much of each night's estimate lies on each day, float64 of shape (n_nights, n_days).

    With it, shocks of variance τ² contribute τ² · E Eᵀ to the covariance of the nights' estimates.

    Args:
        nights: parts by day of each night.
        scale: a factor for each night.
    """
    days = sorted({day for night in nights for day in night})
    found = np.array([[night[day].champion if day in night else 0.0 for day in days] for night in nights])
    shares: Floats = found.reshape(len(nights), len(days)) * np.asarray(scale, dtype=np.float64)[:, None]
    return shares
