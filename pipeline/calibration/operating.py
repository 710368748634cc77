"""Error rate and power of the gate beside those of naive rules, on drawn nights."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pipeline.calibration.clocks import Nights, Rule, best_possible, first_promotions, screened, tonight
from pipeline.calibration.moments import Moments
from pipeline.calibration.rates import rate
from pipeline.calibration.refits import Floats
from pipeline.calibration.sums import Sums, World, draw
from pipeline.gate.candidates import Candidate
from pipeline.gate.guardrail import GUARDRAIL_ALPHA
from pipeline.gate.spending import ANALYSES, Clock, Entrant, clocks

Pair = tuple[Candidate, Candidate]
T_TEST, HIGHER = "paired t-test at 5 %", "the higher number wins"
GATE, NO_DAYS = "gate", "gate without a term for days"
QUARTERS = 4
BATCH = 1000


def run(
    moments: Moments,
    world: World,
    rule: Rule,
    *,
    gains: Floats,
    n_clocks: int,
    pair: Pair,
    rng: np.random.Generator,
) -> dict[str, Nights]:
    """Return, for the gate and for naive rules, the first night on which each clock's challenger is promoted; −1 if it
    never is. Arguments are those of `draw` and `first_promotions`."""
    found: dict[str, list[Nights]] = {}
    for start in range(0, n_clocks, BATCH):
        sums = draw(moments, world, n_clocks=min(BATCH, n_clocks - start), gains=gains, rng=rng)
        for name, nights in {GATE: first_promotions(sums, rule, pair=pair), **naive(sums)}.items():
            found.setdefault(name, []).append(nights)
    return {name: np.concatenate(each) for name, each in found.items()}


def naive(sums: Sums) -> dict[str, Nights]:
    """Return the same for rules that look at each night alone."""
    difference = sums.parts.sum(axis=2)
    listeners = np.sqrt(sums.moments.covariance(1)[0, 0] / sums.world.n_listeners)
    return {T_TEST: _first(difference > -ndtri(0.05) * listeners), HIGHER: _first(difference > 0)}


def _first(promoted: npt.NDArray[np.bool_]) -> Nights:
    found: Nights = np.where(promoted.any(axis=1), promoted.argmax(axis=1), -1)
    return found


def false_promotions(
    moments: Moments,
    world: World,
    rule: Rule,
    *,
    n_quarters: int,
    n_entrants: int,
    shipped: int,
    pair: Pair,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return how often challengers that are no better are promoted, in a quarter and in a year.

    Each challenger has a clock of its own; challengers are drawn independently of each other, as if each had a champion
    of its own, which errs most.

    Args:
        moments: of the pair; whatever one gains over the other is removed.
        world: the service.
        rule: the parameters of the gate.
        n_quarters: simulated quarters; four are a year.
        n_entrants: challengers of a quarter.
        shipped: how many of them a night as shipped has.
        pair: their costs.
        rng: draws the nights.

    Returns:
        `quarter`, `year` and `shipped`: for each rule, the share with a promotion; `shipped`, of quarters with as many
        challengers as a night as shipped has.
    """
    nights = run(moments, world, rule, gains=np.zeros(ANALYSES), n_clocks=n_quarters * n_entrants, pair=pair, rng=rng)
    by_quarter = {name: (each >= 0).reshape(n_quarters, n_entrants) for name, each in nights.items()}
    of_years = {
        name: each[: n_quarters // QUARTERS * QUARTERS].reshape(-1, QUARTERS * n_entrants)
        for name, each in by_quarter.items()
    }
    return {
        "champion": moments.champion,
        "challenger": moments.challenger,
        "listeners": world.n_listeners,
        "shock_sd": world.shock_sd,
        "entrants": n_entrants,
        "shipped": {name: _any(each[:, :shipped]) for name, each in by_quarter.items()},
        "quarter": {name: _any(each) for name, each in by_quarter.items()},
        "year": {name: _any(each) for name, each in of_years.items()},
    }


def _any(promoted: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of rows with a promotion."""
    rows = promoted.any(axis=1)
    return rate(int(np.sum(rows)), len(promoted))


def power(
    moments: Moments,
    world: World,
    rule: Rule,
    *,
    gains: Sequence[float],
    n_runs: int,
    pair: Pair,
    rng: np.random.Generator,
    n_nights: int = ANALYSES,
) -> dict[str, Any]:
    """Return how often a true, costless gain is promoted.

    Returns:
        `gains`: for each, `within_7` and `within_28`, each rule's share of challengers that are promoted by then;
        `by_night`, the gate's cumulative share after each night; `ceiling_7` and `ceiling_28`, see `best_possible`.
    """
    rows = []
    for gain in gains:
        found = run(moments, world, rule, gains=np.full(n_nights, gain), n_clocks=n_runs, pair=pair, rng=rng)
        seen = found[GATE]
        row: dict[str, Any] = {"gain": gain}
        for within in (7, 28):
            counted = {name: int(((each >= 0) & (each < within)).sum()) for name, each in found.items()}
            row[f"within_{within}"] = {name: rate(count, n_runs) for name, count in counted.items()}
            se = moments.relative_se(world.n_listeners, within, world.n_fits, world.shock_sd)
            row[f"ceiling_{within}"] = best_possible(gain, se, rule.gate.alpha)
        row["by_night"] = [float(((seen >= 0) & (seen <= night)).mean()) for night in range(n_nights)]
        rows.append(row)
    return {
        "champion": moments.champion,
        "challenger": moments.challenger,
        "listeners": world.n_listeners,
        "shock_sd": world.shock_sd,
        "k": world.n_fits,
        "gains": rows,
    }


def best_of_many(
    moments: Moments,
    world: World,
    rule: Rule,
    *,
    n_variants: int,
    n_runs: int,
    pair: Pair,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Try variants that are no better on a week of nights, enter the best, and judge it as its clock allows.

    Returns:
        `promoted`: the share of best variants that the gate promotes; `peeking`: the same if it were judged at once, on
        the nights that chose it; `waits`: nights between entering and the first analysis.
    """
    tried, waits = 7, nights_of_waiting(moments.n_days)
    begins = tried - 1 + waits
    chosen: list[Sums] = []
    for _ in range(n_runs):
        sums = draw(moments, world, n_clocks=n_variants, gains=np.zeros(begins + ANALYSES), rng=rng)
        best = int(sums.parts[:, :tried].sum(axis=(1, 2)).argmax())
        chosen.append(_only(sums, best))
    both = {
        name: _joined([_from(each, start) for each in chosen]) for name, start in (("promoted", begins), ("peeking", 0))
    }
    found = {name: first_promotions(sums, rule, pair=pair) for name, sums in both.items()}
    shares = {name: rate(int((nights >= 0).sum()), n_runs) for name, nights in found.items()}
    return {"variants": n_variants, "waits": waits, **shares}


def nights_of_waiting(n_days: int) -> int:
    """Return how many nights after its definition was first known a challenger is analysed, as the ledger's clocks say.

    Args:
        n_days: length of the decision window.
    """
    entered = dt.date(2026, 2, 1)
    ledger: list[dict[str, Any]] = [_entry(entered - dt.timedelta(days=10), {})]
    for night in range(100):
        as_of = entered + dt.timedelta(days=night)
        clock = _clock(ledger, as_of, n_days)
        if clock.status == "running":
            return night
        ledger.append(_entry(as_of, {"best": clock}))
    raise AssertionError("the challenger is never analysed")


def _clock(ledger: list[dict[str, Any]], as_of: dt.date, n_days: int) -> Clock:
    return clocks(
        ledger,
        {"best": Entrant("pair", "best")},
        as_of=as_of,
        inputs="",
        decision_from=as_of - dt.timedelta(days=n_days),
        max_entrants=10,
    )["best"]


def _entry(as_of: dt.date, found: dict[str, Clock]) -> dict[str, Any]:
    pairs = {name: {"key": "pair", "clock": {"status": c.status, "analysis": c.analysis}} for name, c in found.items()}
    return {
        "as_of": as_of.isoformat(),
        "inputs": as_of.isoformat(),
        "definitions": {n: n for n in found},
        "pairs": pairs,
    }


def late_entry(
    moments: Moments, world: World, rule: Rule, *, gain: float, n_runs: int, pair: Pair, rng: np.random.Generator
) -> dict[str, Any]:
    """Return how often a challenger that enters on night 60 of a quarter is promoted before its end, on night 90."""
    waits = nights_of_waiting(moments.n_days)
    analysed = 90 - 60 - waits
    found = run(moments, world, rule, gains=np.full(min(analysed, ANALYSES), gain), n_clocks=n_runs, pair=pair, rng=rng)
    se = moments.relative_se(world.n_listeners, analysed, world.n_fits, world.shock_sd)
    return {
        "gain": gain,
        "waits": waits,
        "analyses": analysed,
        "promoted": rate(int((found[GATE] >= 0).sum()), n_runs),
        "ceiling": best_possible(gain, se, rule.gate.alpha),
    }


def gone(moments: Moments, world: World, *, n_runs: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return what happens to a challenger that gained 3 % for 21 nights and then loses 2 %: how often it would be
    promoted on the first night of its loss, with and without the check that tonight agrees."""
    gains = np.concatenate([np.full(21, 0.03), np.full(1, -0.02)])
    sums = draw(moments, world, n_clocks=n_runs, gains=gains, rng=rng)
    proven = screened(sums)[:, -1] >= 3
    stopped = [tonight(sums, clock, len(gains)).upper(GUARDRAIL_ALPHA) < 0 for clock in range(n_runs)]
    se = moments.relative_se(world.n_listeners, 1, world.n_fits, world.shock_sd)
    return {
        "pool_still_proves": rate(int(proven.sum()), n_runs),
        "stopped": rate(int(np.sum(stopped)), n_runs),
        "ceiling": best_possible(0.02, se, GUARDRAIL_ALPHA),
    }


def _only(sums: Sums, clock: int) -> Sums:
    chosen = slice(clock, clock + 1)
    return replace(sums, parts=sums.parts[chosen], factor=sums.factor[chosen], spreads=sums.spreads[:, chosen])


def _from(sums: Sums, night: int) -> Sums:
    """Return the ANALYSES nights from one on. Cross-products are those of a sample of the same covariance."""
    nights = slice(night, night + ANALYSES)
    products = sums.factor @ sums.factor.transpose(0, 2, 1)
    values, vectors = np.linalg.eigh(products[:, nights, nights])
    factor = vectors * np.sqrt(np.clip(values, 0.0, None))[:, None, :]
    return replace(
        sums, base=sums.base[nights], parts=sums.parts[:, nights], factor=factor, spreads=sums.spreads[:, :, nights]
    )


def _joined(each: list[Sums]) -> Sums:
    parts, factor = (np.concatenate([getattr(sums, name) for sums in each]) for name in ("parts", "factor"))
    return replace(each[0], parts=parts, factor=factor, spreads=np.concatenate([sums.spreads for sums in each], axis=1))
