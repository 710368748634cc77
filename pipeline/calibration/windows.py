"""What a longer decision window buys: the standard error of some nights' differences with each length."""

from typing import Any

import numpy as np

from pipeline.calibration.refits import Floats, Refits


def lengths(refits: Refits, pairs: list[tuple[str, str]], *, k: int) -> list[dict[str, Any]]:
    """Return, for each pair of recipes and each length of the window, the relative SE at 20,000 listeners after one
    night, and after 7 and 28 as far as dates apart tell.

    The covariance of two nights is interpolated between the dates that were fitted, and falls to nothing beyond a
    window's length after the last.
    """
    rows = []
    for champion, challenger in pairs:
        row: dict[str, Any] = {"champion": champion, "challenger": challenger}
        for days, ndcg in refits.windows.items():
            kernel = _kernel(refits, ndcg[champion], ndcg[challenger], same=champion == challenger, k=k, days=days)
            row[str(days)] = {str(nights): _se(kernel, nights) for nights in (1, 7, 28)}
        rows.append(row)
    return rows


def _kernel(refits: Refits, champion: Floats, challenger: Floats, *, same: bool, k: int, days: int) -> Floats:
    """Return the covariance of two nights' differences by the nights between them, 0 to 27, relative to the square of
    the champion's mean."""
    found: dict[int, list[float]] = {}
    parts = []
    for date in range(len(refits.dates)):
        theirs, ours = (
            champion[:k, date].mean(axis=0),
            (challenger[-k:] if same else challenger[:k])[:, date].mean(axis=0),
        )
        parts.append((ours - theirs) / np.nanmean(theirs) - np.nanmean(ours - theirs) / np.nanmean(theirs))
    for a, first in enumerate(refits.dates):
        for b, second in enumerate(refits.dates):
            both = ~np.isnan(parts[a]) & ~np.isnan(parts[b])
            if second >= first and both.any():
                found.setdefault(second - first, []).append(float((parts[a] * parts[b])[both].mean()))
    lags = sorted(found)
    values = [max(float(np.mean(found[lag])), 0.0) for lag in lags]
    # Where no dates are so far apart: linear to 0 where two windows share no day any more.
    beyond = max(days, lags[-1] + 1)
    kernel: Floats = np.interp(np.arange(28), [*lags, beyond], [*values, 0.0])
    return kernel


def _se(kernel: Floats, nights: int) -> float:
    lag = np.abs(np.arange(nights)[:, None] - np.arange(nights)[None, :])
    return float(np.sqrt(kernel[lag].mean() / 20_000))
