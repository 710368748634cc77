"""The gate's standard errors on real arrays of several dates, beside what the moments say."""

import math

import numpy as np

from pipeline.calibration.moments import Moments
from pipeline.calibration.nights import contender, whole
from pipeline.calibration.refits import Refits
from pipeline.gate.comparison import pooled
from pipeline.gate.pooling import pair_night, pool


def pool_of_dates(refits: Refits, found: Moments, *, k: int) -> tuple[float, float, float]:
    """Return three relative standard errors by listeners: of one night on average and of all dates pooled, by the gate;
    and of all dates pooled, by the moments."""
    both = [contender(refits, name) for name in (found.champion, found.challenger)]
    nights, influences = [], []
    for date in range(len(refits.dates)):
        service = whole(refits, date)
        first = service.candidate(found.champion, both[0], np.arange(min(k, len(both[0].daily))))
        last = np.arange(len(both[1].daily))[-k:] if found.challenger == found.champion else np.arange(k)
        second = service.candidate(found.challenger, both[1], last[last < len(both[1].daily)])
        night, rows = pair_night(second.sample, first.sample, service.cells, f"{refits.dates[date]:04d}")
        nights.append(night)
        influences.append(rows)
    seeds = (first.seeds, second.seeds)
    alone = [pooled(pool([night], rows[None]), *seeds) for night, rows in zip(nights, influences, strict=True)]
    one = float(np.mean([each.se_listeners / each.champion_mean for each in alone]))
    together = pooled(pool(nights, np.stack(influences)), *seeds)
    chosen = np.array(refits.dates)
    covariance = found.covariance(int(chosen.max()) + 1)[np.ix_(chosen, chosen)]
    n = float(np.mean([len(refits.here(date)) for date in range(len(refits.dates))]))
    return one, together.se_listeners / together.champion_mean, math.sqrt(float(covariance.mean()) / n)
