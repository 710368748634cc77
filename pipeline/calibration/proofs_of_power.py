"""Proofs that gains are found, that intervals hold and that gains pay."""

from typing import Any

import numpy as np

from pipeline.calibration.coverage import agreement, coverage, pooled_coverage
from pipeline.calibration.operating import GATE, late_entry, power
from pipeline.calibration.proof import OTHER, SAME, Ground, percent, proof
from pipeline.calibration.sums import World
from pipeline.calibration.worth import value

WANTED = ((0.02, 7, 0.7), (0.02, 28, 0.95), (0.01, 28, 0.5))
"""Gain, nights, share."""


def power_as_shipped(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Power with five challengers: α of an entrant does not depend on the others."""
    gains = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03)
    figures = [_power(ground, pair, 0.0, gains, rng) for pair in (OTHER, SAME)]
    met = all(_reached(figures[0], *each) >= each[2] for each in WANTED)
    limited = any(_ceiling(figures[0], *each[:2]) < each[2] for each in WANTED)
    target = "20,000 listeners, no shocks: +2 % in 7 nights ≥ 70 %, in 28 ≥ 95 %; +1 % in 28 ≥ 50 %"
    return proof(
        "power as shipped",
        target,
        met=met,
        summary=_summary(figures),
        figures=figures,
        bound=_bound(figures),
        limited=limited,
    )


def power_with_shocks(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """The same with day shocks of 2 %."""
    figures = [_power(ground, pair, 0.02, (0.0, 0.01, 0.02, 0.03), rng) for pair in (OTHER, SAME)]
    target = "the same with shocks of 2 % a day, beside what one test of everything would reach"
    return proof(
        "power with day shocks", target, met=True, summary=_summary(figures), figures=figures, bound=_bound(figures)
    )


def entering_late(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """A challenger that enters on night 60 of a quarter."""
    figures = late_entry(
        ground.moments(OTHER), World(20_000, ground.k), ground.dear, gain=0.02, n_runs=ground.times(100),
        pair=ground.costs(OTHER), rng=rng,
    )  # fmt: skip
    found = figures["promoted"]["rate"]
    summary = (
        f"+2 %: {percent(found, 0)}, after {figures['waits']} nights of waiting and {figures['analyses']} analyses"
    )
    target = "entered on night 60, +2 % is promoted by night 90 in at least 70 %"
    return proof(
        "entering late", target, met=found >= 0.7, summary=summary, figures=figures,
        bound=f"one test: {percent(figures['ceiling'], 0)}", limited=figures["ceiling"] < 0.7,
    )  # fmt: skip


def intervals(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Coverage of 95 % intervals: one night of real arrays, and pooled nights that are drawn."""
    pairs = (("popular", "als"), ("als", "item_knn"), OTHER)
    n = ground.times(1000)
    figures = [
        coverage(ground.refits, pair, k=ground.k, shock_sd=shock, n_draws=n, rng=rng)
        for pair in pairs
        for shock in (0.0, 0.02)
    ]
    for pair in (SAME, OTHER):
        found = ground.moments(pair)
        for world in (World(20_000, ground.k), World(20_000, ground.k, 0.02), World(1_000_000, ground.k, 0.02)):
            for nights in (7, 28):
                figures.append(pooled_coverage(found, world, n_nights=nights, n_draws=ground.times(1000), rng=rng))
    lowest, highest = (pick(figures, key=lambda each: each["rate"]) for pick in (min, max))
    summary = f"{percent(lowest['rate'])} ({_which(lowest)}) to {percent(highest['rate'])} ({_which(highest)})"
    met = all(each["low"] <= 0.97 and each["high"] >= 0.93 for each in figures)
    target = "93 to 97 % of 95 % intervals contain the truth, of one night and of pooled nights, shocks of 0 and 2 %"
    return proof("coverage", target, met=met, summary=summary, figures=figures)


def drawn_nights(ground: Ground, _rng: np.random.Generator) -> dict[str, Any]:
    """Whether nights that are drawn are like real ones: standard errors on real arrays beside the moments'."""
    figures = [
        agreement(ground.refits, ground.moments(pair), k=ground.k) for pair in (SAME, ("als", "item_knn"), OTHER)
    ]
    ratios = [each["drawn"] / each["real"] for each in figures] + [
        e["drawn_pooled"] / e["real_pooled"] for e in figures
    ]
    summary = f"ratio of standard errors, drawn to real: {min(ratios):.2f} to {max(ratios):.2f}"
    target = "the standard error of one night and of the pooled dates within 10 % of that on real arrays"
    met = all(0.9 <= each <= 1.1 for each in ratios)
    return proof("drawn nights are like real ones", target, met=met, summary=summary, figures=figures)


def worth(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Captured value at shipped prices."""
    figures = value(ground.plain, n_candidates=ground.times(2000), rng=rng)
    found = next(each for each in figures["frontier"] if each["probability"] == figures["shipped"])
    summary = (
        f"{percent(found['captured'], 0)} of what a risk-neutral Bayes rule expects to earn, "
        f"{percent(found['wrong'])} wrong promotions"
    )
    met = found["captured"] >= 0.75 and found["wrong"] <= 0.03
    target = "at shipped prices ≥ 75 % of a risk-neutral Bayes rule's expectation, wrong promotions ≤ 3 %"
    return proof("value", target, met=met, summary=summary, figures=figures)


def _power(
    ground: Ground, pair: tuple[str, str], shock: float, gains: tuple[float, ...], rng: np.random.Generator
) -> dict[str, Any]:
    world = World(20_000, ground.k, shock)
    return power(
        ground.moments(pair),
        world,
        ground.dear,
        gains=gains,
        n_runs=ground.times(200),
        pair=ground.costs(pair),
        rng=rng,
    )


def _row(figures: dict[str, Any], gain: float) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in figures["gains"] if row["gain"] == gain)
    return row


def _reached(figures: dict[str, Any], gain: float, within: int, _wanted: float) -> float:
    return float(_row(figures, gain)[f"within_{within}"][GATE]["rate"])


def _ceiling(figures: dict[str, Any], gain: float, within: int) -> float:
    return float(_row(figures, gain)[f"ceiling_{within}"])


def _summary(all_figures: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{each['challenger']} over {each['champion']}: "
        + ", ".join(
            f"{100 * gain:+g} % in {within}: {percent(_reached(each, gain, within, 0), 0)}"
            for gain, within, _ in WANTED
        )
        for each in all_figures
    )


def _bound(all_figures: list[dict[str, Any]]) -> str:
    return "one test of everything: " + "; ".join(
        ", ".join(f"{percent(_ceiling(each, gain, within), 0)}" for gain, within, _ in WANTED) for each in all_figures
    )


def _which(each: dict[str, Any]) -> str:
    return (
        f"{each['challenger']} over {each['champion']}, {each['nights']} nights, shocks {percent(each['shock_sd'], 0)}"
    )
