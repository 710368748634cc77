"""Closes the loop in worlds whose answers are known, and compares what Netgain learned with what is true.

    python -m bench.loop              # a quarter of an hour on 2 cores
    python -m bench.loop --scale 0.1  # a tenth of the repetitions
    python -m bench.loop --circle     # and three real nights with the real server between them

Long horizons take short cuts, each stated in its module: no models are fitted, and what nights would measure offline
is drawn. Experiments are estimated, watched and learned from by the functions of the nights. Into
bench/results/loop.json.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.loop import circle, deciding, harmless, incumbent, learning, ratios, story
from bench.loop.incumbent import LockIn
from pipeline.configuration import Params, load_params, with_hours
from pipeline.recommenders.registry import FAMILIES
from pipeline.storage.json_files import write_json

ROOT = Path(__file__).resolve().parents[2]
SEED = 20260101


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the number of repetitions")
    parser.add_argument("--circle", action="store_true", help="run real nights with the real server, too")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "loop.json")
    given = parser.parse_args()
    params, started = load_params(ROOT / "params.yaml"), time.monotonic()
    for family in FAMILIES:
        params = with_hours(params, family)

    def tell(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", flush=True)

    found = measure(params, given.scale, tell)
    found["story"] = story.tell_story(params, np.random.default_rng(SEED), tell)
    if given.circle:
        found["circle"] = circle.run(tell)
    found["seconds"] = round(time.monotonic() - started)
    found["cores"] = os.cpu_count()
    write_json(given.out, found)
    tell(f"{given.out}")


def measure(params: Params, scale: float, tell: Any) -> dict[str, Any]:
    """Return the table of properties; `tell` gets a line for each."""
    rng, found = np.random.default_rng(SEED), dict[str, Any]()

    def n(repetitions: int) -> int:
        return max(4, round(repetitions * scale))

    loops = [learning.loop(params.economics, n_listeners=3_000, rng=rng) for _ in range(n(200))]
    found["covered, listeners simulated"] = learning.covered(loops).as_dict()
    tell(f"the belief covers ε, 3,000 listeners simulated: {learning.covered(loops)}")
    loops = [learning.drawn(params.economics, rng=rng) for _ in range(n(400))]
    found["covered"] = learning.covered(loops).as_dict()
    found["width of the belief by that of the prior"] = learning.narrowed(loops, params.economics)
    tell(f"the belief covers ε, 100,000 listeners drawn: {learning.covered(loops)}")
    tell(f"its width is {100 * learning.narrowed(loops, params.economics):.1f} % of the prior's")

    better = {
        f"+{100 * gain:.1f} %": incumbent.lock_in(gain=gain, caused=0.1, q=0.2, n_listeners=5_000, n=n(200), rng=rng)
        for gain in (0.056, 0.1)
    }
    for name, each in better.items():
        found[f"incumbent {name}"] = _locked(each)
        tell(
            f"truly {name}, 10 % caused by lists: raw log reads {100 * each.raw.gain:+.1f} %, better {each.raw.proven}"
        )
        tell(f"  withheld pairs read {100 * each.withheld.gain:+.1f} %, better {each.withheld.proven}")
        tell(f"  without feedback, same SE: {100 * each.without_feedback.gain:+.1f} %, better "
             f"{each.without_feedback.proven}")  # fmt: skip
    understated = float(np.mean([each.true_gain - each.raw.gain for each in better.values()]))

    nights = (
        ("60 nights, experiments for the first 28, 100,000 listeners", (5.0, 5.0), deciding.LEARNED_FROM),
        ("60 nights after the experiments, 100,000 listeners", (5.0, 5.0), 1),
        ("60 nights after the experiments, 10⁵ to 10⁷ listeners", (5.0, 7.0), 1),
    )
    for name, sizes, learned_from in nights:
        sixty = deciding.decide_all(
            loops[: n(200)],
            params.gate,
            params.economics,
            pulled_down=understated,
            withheld_se=1.0,
            log10_listeners=sizes,
            learned_from=learned_from,
            rng=rng,
        )
        more = deciding.difference(sixty, "learned", "assumed", rng)
        gates = {
            each: {
                "captured": deciding.captured(sixty, each),
                "promoted": account.promoted,
                "wrong": account.wrong / sixty.n_candidates,
            }
            for each, account in sixty.accounts.items()
        }
        found[name] = {"gates": gates, "learned − assumed": more, "n_candidates": sixty.n_candidates}
        for each, figures in gates.items():
            tell(f"{name}, {each}: {100 * figures['captured']:.1f} % of the oracle's value, "
                 f"{100 * figures['wrong']:.2f} % of candidates promoted wrongly")  # fmt: skip
        tell(f"  learned − assumed: {100 * more[0]:+.1f} points ({100 * more[1]:+.1f} to {100 * more[2]:+.1f})")

    watched = {
        harm: harmless.watch(harm, n=n(runs), n_listeners=1_500, rng=rng) for harm, runs in ((0.0, 200), (0.1, 50))
    }
    found["A/A"] = {"called": watched[0.0].called.as_dict(), "stopped": watched[0.0].stopped.as_dict()}
    tell(f"A/A: called {watched[0.0].called}; stopped as harmful {watched[0.0].stopped}")
    harm = watched[0.1]
    found["−10 % of plays"] = {"stopped": harm.stopped.as_dict(), "listener_days": harm.listener_days}
    tell(f"−10 % of plays: stopped {harm.stopped}, after {harm.listener_days:,.0f} listener-days at the median")
    for lost in (0.0, 0.1, 0.2):
        share = ratios.found(lost, n=n(200), n_listeners=20_000, rng=rng)
        found[f"sample ratio, {lost:.0%} of an arm lost"] = share.as_dict()
        tell(f"sample ratio, {lost:.0%} of an arm of 10,000 lost: found {share}")
    return found


def _locked(each: LockIn) -> dict[str, Any]:
    compared = {"raw": each.raw, "withheld": each.withheld, "without feedback": each.without_feedback}
    return {
        name: {"gain": one.gain, "se": one.se, "proven": one.proven.as_dict()} for name, one in compared.items()
    } | {"true_gain": each.true_gain}


if __name__ == "__main__":
    main()
