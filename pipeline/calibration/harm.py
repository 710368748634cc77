"""Slices: how often a challenger that harms a slice is found, and one that does no harm is stopped."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.calibration.clocks import Rule, best_possible
from pipeline.calibration.moments import Moments, differences, scaled
from pipeline.calibration.rates import rate
from pipeline.calibration.refits import Refits
from pipeline.calibration.sums import Sums, World, draw
from pipeline.gate.comparison import pooled
from pipeline.gate.guardrail import GUARDRAIL_ALPHA
from pipeline.gate.guardrails.slices import harm
from pipeline.gate.pooling import pool
from pipeline.gate.spending import ANALYSES
from pipeline.metrics.slices import SLICES

NIGHTS = (0, 6, 13, 20, 27)
"""Nights, from 0, on which slices are looked at: a week apart, since nights in between hardly differ."""


def slices(
    refits: Refits, found: Moments, rule: Rule, *, sizes: tuple[int, ...], n_runs: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return how often a slice stops a challenger, by the number of its listeners and the true gain in it.

    The slice is one whose relative differences vary as in the refits' most variable slice.

    Returns:
        `rows`: for each number of listeners and gain, `stopped`, the share of looks on which it stops the challenger;
        `within_28`, the share of challengers that it stops on any look; `ceiling`, the power of one test on all nights.
    """
    spread = variances(refits, found, k=rule.gate.seeds)
    moments = scaled(found, variance=max(spread.values()))
    level = GUARDRAIL_ALPHA / len(SLICES)
    rows = []
    for n in sizes:
        for gain in (-0.05, 0.0, 0.01, 0.05):
            world = World(n, rule.gate.seeds)
            sums = draw(moments, world, n_clocks=n_runs, gains=np.full(ANALYSES, gain), rng=rng)
            stops = np.array([[_stops(sums, run, night + 1, rule) for night in NIGHTS] for run in range(n_runs)])
            se = moments.relative_se(n, ANALYSES, rule.gate.seeds)
            rows.append(
                {
                    "listeners": n,
                    "gain": gain,
                    "stopped": rate(int(stops.sum()), stops.size),
                    "within_28": rate(int(stops.any(axis=1).sum()), n_runs),
                    "ceiling": best_possible(-gain, se, level),
                }
            )
    return {"variance": spread, "rows": rows}


def variances(refits: Refits, found: Moments, *, k: int) -> dict[str, float]:
    """Return how much more the listeners of each slice vary than all listeners, relative to the slice's NDCG."""
    parts = differences(refits, found.champion, found.challenger, k=k)[0].sum(axis=0)
    ndcg = refits.daily[found.champion][:, 0].sum(axis=1).mean(axis=0)
    everyone = float(np.nanvar(parts))
    spread = {}
    for name, members in refits.slices.items():
        chosen = members[0] & ~np.isnan(parts)
        if chosen.sum() > 1:
            level = float(ndcg[chosen].mean() / np.nanmean(ndcg))
            spread[name] = float(parts[chosen].var()) / level**2 / everyone
    return spread


def _stops(sums: Sums, run: int, until: int, rule: Rule) -> bool:
    nights, influences = sums.nights(run, until)
    # The variance of days is that of all listeners, here without shocks: the slice's own days would show its noise.
    steady = []
    for night in nights:
        gain = sum(float(day.difference) for day in night.days.values()) / sum(
            float(d.champion) for d in night.days.values()
        )
        days = {
            name: replace(day, difference=gain * float(day.champion), noise=0.0) for name, day in night.days.items()
        }
        steady.append(replace(night, days=days))
    comparison = pooled(pool(steady, influences), *sums.seeds(run, until))
    finding = harm(comparison, rule.gate.max_slice_loss)
    return bool(finding.value <= finding.bound and finding.value < 0 and finding.shown)
