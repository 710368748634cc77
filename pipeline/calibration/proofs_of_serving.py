"""Proofs of what is served: refreshes, bad data, slices, and the gate's answers to what is made up."""

from typing import Any

import numpy as np

from pipeline.calibration.harm import slices
from pipeline.calibration.lane import DECAY, GOOD, NULL, Lane, bad_data, refreshes
from pipeline.calibration.proof import OTHER, SAME, Ground, percent, proof
from pipeline.calibration.worth import invertibility, mutations, netflix

EXPECTED = ("KEEP", "PROMOTE", "LEFT OUT", "LEFT OUT", "REFUSED")


def good_refreshes(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Refreshes that are 1 % better pass, and so do those that are as good."""
    lane = Lane(ground.refits, "als", ground.plain)
    figures = [
        refreshes(lane, change, n=n, n_nights=28, n_runs=ground.times(20), shock_sd=0.0, rng=rng)
        for change in (GOOD, NULL)
        for n in (1_500, 4_914)
    ]
    summary = "; ".join(f"{e['change']}, {e['listeners']:,}: {percent(e['passed']['rate'])}" for e in figures)
    met = all(each["passed"]["rate"] >= 0.95 for each in figures if each["change"] == GOOD.name)
    target = "refreshes that are 1 % better pass in ≥ 95 % of nights at 1,500 and 4,914 listeners"
    return proof("good refreshes", target, met=met, summary=summary, figures=figures)


def decay(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Decay is stopped."""
    lane = Lane(ground.refits, "als", ground.plain)
    largest = len(ground.refits.here(1))
    figures = [
        refreshes(lane, DECAY, n=min(n, largest), n_nights=16, n_runs=ground.times(30), shock_sd=shock, rng=rng)
        for n in (1_500, 4_914, 20_000)
        for shock in (0.0, 0.02)
    ]
    summary = "; ".join(
        f"{e['listeners']:,}, shocks {percent(e['shock_sd'], 0)}: {percent(e['within']['rate'], 0)}" for e in figures
    )
    bound = "one test of the loss: " + ", ".join(percent(e["ceiling"], 0) for e in figures if not e["shock_sd"])
    met = all(each["within"]["rate"] >= 0.95 for each in figures)
    limited = any(each["ceiling"] < 0.95 for each in figures)
    target = "decay of 0.5 % a night is stopped before −5 % in ≥ 95 %"
    return proof("decay", target, met=met, summary=summary, figures=figures, bound=bound, limited=limited)


def nights_of_bad_data(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Bad data."""
    figures = bad_data(ground.refits, ("als", "item_knn"), ground.dear, n_runs=ground.times(100), rng=rng)
    stays = figures["stays"]
    target = "bad data halve every fresh fit: what is served stays, always"
    summary = (
        f"stays in {stays['n']:,} of {stays['n']:,}" if stays["rate"] == 1 else f"stays in {percent(stays['rate'])}"
    )
    return proof("a night of bad data", target, met=stays["rate"] == 1, summary=summary, figures=figures)


def slice_guards(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Slices."""
    figures = slices(
        ground.refits, ground.moments(OTHER), ground.plain, sizes=(500, 2_000, 5_000), n_runs=ground.times(200), rng=rng
    )
    rows = {(row["listeners"], row["gain"]): row for row in figures["rows"]}
    harmed = rows[500, -0.05]
    nulls = [rows[n, 0.0]["stopped"]["rate"] for n in (500, 2_000, 5_000)]
    summary = (
        f"−5 % in 500 listeners found in {percent(harmed['within_28']['rate'], 0)}, in 5,000 in "
        f"{percent(rows[5_000, -0.05]['within_28']['rate'], 0)}; true 0 stops {', '.join(percent(n) for n in nulls)}"
    )
    met = harmed["within_28"]["rate"] >= 0.8 and max(nulls) <= 0.05 and nulls == sorted(nulls, reverse=True)
    target = "a true −5 % in 500 listeners found in ≥ 80 % within 28 nights; true 0 stops ≤ 5 %; pass rates rise with n"
    return proof(
        "slices", target, met=met, summary=summary, figures=figures,
        bound=f"one test of all nights: {percent(harmed['ceiling'], 0)}", limited=harmed["ceiling"] < 0.8,
    )  # fmt: skip


def flip_prices(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Flip prices."""
    figures = invertibility(ground.refits, SAME, ground.plain, n_flips=ground.times(1000), rng=rng)
    summary = f"{figures['turned']:,} of {figures['n']:,} verdicts turn"
    target = "the verdict flips at each flip price, within ± 0.1 %"
    met = figures["n"] > 0 and figures["turned"] == figures["n"]
    return proof("invertibility", target, met=met, summary=summary, figures=figures)


def mutants(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """Mutations."""
    figures = mutations(ground.refits, "als", ground.dear, rng=rng)
    summary = "; ".join(f"{what}: {verdict}" for what, verdict in figures.items())
    target = "shuffled lists rejected, an oracle promoted, what was not measured left out, a leak refused"
    return proof("mutations", target, met=tuple(figures.values()) == EXPECTED, summary=summary, figures=figures)


def netflix_case(ground: Ground, rng: np.random.Generator) -> dict[str, Any]:
    """The Netflix case."""
    refits = ground.refits
    singles = [name for name in refits.daily if name not in {"blend", "popular"}]
    figures: dict[str, Any] = {}
    # The best single recipe over which the blend's gain is significant in one night.
    for best in sorted(singles, key=lambda name: -refits.mean(name)):
        figures = netflix(refits, best, "blend", ground.plain, rng=rng)
        if figures["significant"]:
            break
    flips = figures["verdicts"] == {"a thousandth below": "KEEP", "a thousandth above": "PROMOTE"}
    listeners = f"{figures['pays_from_listeners']:,.0f} listeners"
    summary = f"{100 * figures['gain']:+.1f} % over {figures['champion']}, {figures['verdict']}; pays from {listeners}"
    target = "a costly blend that is significantly better: KEEP at the default price, PROMOTE above its break-even"
    met = figures["significant"] and figures["verdict"] == "KEEP" and flips
    return proof("Netflix", target, met=met, summary=summary, figures=figures)
