"""Proofs that challengers which are no better are not promoted."""

from typing import Any

import numpy as np

from pipeline.calibration.operating import GATE, best_of_many, false_promotions, gone
from pipeline.calibration.operating import run as run_clocks
from pipeline.calibration.proof import OTHER, SAME, SHIPPED, SHOCKS, SIZES, Ground, percent, proof
from pipeline.calibration.rates import rate
from pipeline.calibration.sums import World
from pipeline.calibration.worth import poor_fit
from pipeline.gate.spending import ANALYSES

LIMIT, UPPER = 0.05, 0.061


def error_rates(pair: tuple[str, str], ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """False promotions of a pair whose gain is removed, a quarter and a year, at all sizes, with and without shocks."""
    found, entrants = ground.moments(pair), ground.plain.gate.max_entrants
    rows = [
        false_promotions(
            found,
            World(n, ground.k, shock),
            ground.dear,
            n_quarters=ground.times(1000),
            n_entrants=entrants,
            shipped=SHIPPED,
            pair=ground.costs(pair),
            rng=rng,
        )
        for shock in SHOCKS
        for n in SIZES
    ]
    worst = max(rows, key=lambda row: row["quarter"][GATE]["rate"])["quarter"][GATE]
    shipped = max(row["shipped"][GATE]["rate"] for row in rows)
    year = max(row["year"][GATE]["rate"] for row in rows)
    summary = (
        f"at worst {percent(worst['rate'])} of quarters with {entrants} entrants "
        f"(upper bound {percent(worst['high'])}), {percent(shipped)} with {SHIPPED}; {percent(year)} of years"
    )
    met = worst["rate"] <= LIMIT and worst["high"] <= UPPER
    target = "a false promotion in at most 5 % of quarters, upper bound at most 6.1 %: shocks of 0 and 2 %, three sizes"
    return proof(f"false promotions, {pair[1]} over {pair[0]}", target, met=met, summary=summary, figures=rows)


def experiments(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """The best of 100 null variants, chosen in experiments."""
    figures = best_of_many(
        ground.moments(OTHER),
        World(20_000, ground.k),
        ground.dear,
        n_variants=100,
        n_runs=ground.times(400),
        pair=ground.costs(OTHER),
        rng=rng,
    )
    allowed = ground.plain.gate.alpha / ground.plain.gate.max_entrants
    found = figures["promoted"]
    summary = (
        f"promoted in {percent(found['rate'])} (upper bound {percent(found['high'])}; an entrant is allowed "
        f"{percent(allowed)}); judged on the nights that chose it: {percent(figures['peeking']['rate'])}"
    )
    met = found["low"] <= allowed and found["rate"] <= LIMIT
    target = "the best of 100 null variants, entered: α held"
    return proof("experiments", target, met=met, summary=summary, figures=figures)


def poor_fits(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """One poor fit of the champion: tonight's, and rare ones on any night."""
    alone = poor_fit(ground.refits, "als", ground.dear, n_runs=ground.times(100), rng=rng)
    n_clocks = ground.times(2000)
    nights = run_clocks(
        ground.moments(SAME),
        World(20_000, ground.k, failures=1 / 84),
        ground.dear,
        gains=np.zeros(ANALYSES),
        n_clocks=n_clocks,
        pair=ground.costs(SAME),
        rng=rng,
    )
    rare = rate(int((nights[GATE] >= 0).sum()), n_clocks)
    allowed = ground.plain.gate.alpha / ground.plain.gate.max_entrants
    summary = (
        f"tonight: {percent(alone['proven']['rate'])} proven; one in 28 nights: {percent(rare['rate'])} of entrants "
        f"promoted (allowed {percent(allowed)})"
    )
    met = alone["proven"]["rate"] <= allowed and rare["low"] <= allowed
    target = "a fit of the champion that reaches only 80 %: no equal challenger gains by it"
    return proof("one poor fit", target, met=met, summary=summary, figures={"tonight": alone, "rare": rare})


def gone_gain(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """A gain that has gone."""
    figures = gone(ground.moments(OTHER), World(20_000, ground.k), n_runs=ground.times(400), rng=rng)
    summary = f"stopped on the first such night in {percent(figures['stopped']['rate'])}"
    target = "+3 % for 21 nights, then −2 %: stopped on the first night in at least 80 %"
    bound = f"one test of that night at 5 %: {percent(figures['ceiling'])}"
    met = figures["stopped"]["rate"] >= 0.8
    return proof(
        "a gain that has gone",
        target,
        met=met,
        summary=summary,
        figures=figures,
        bound=bound,
        limited=figures["ceiling"] < 0.8,
    )
