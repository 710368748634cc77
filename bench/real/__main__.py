"""The week ahead on real listening: every recipe's lists against what people went on to play.

    python -m bench.real                                    # the exports in ../shared/data/spotify-exports
    python -m bench.real --data FOLDER --format auto        # any folder of exports, a folder for each listener
    python -m bench.real --simulated 181 --days 400         # as many simulated listeners, by the same protocol
    python -m bench.real --set interactions.min_listeners_per_item=2 --recipes als item_knn

Days are counted from each listener's first play. Models are fitted to what all listeners played before a day, with the
parameters of params.yaml, and rank all artists for each listener; what the listener played in the seven days from that
day on is what they should have held. One fit for each week. Into bench/results/real.json.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from bench.families import offered
from bench.real.intervals import mean_of
from bench.real.measure import METRICS, Weeks, add_week
from bench.real.plays import exported, from_first_play, simulated
from bench.real.windows import evenly, windows
from pipeline.configuration import Params, load_params
from pipeline.params.split import suits
from pipeline.recommenders.registry import FAMILIES
from pipeline.simulation.catalogue import LONG, SHORT

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure and print the table; write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "spotify-exports")
    parser.add_argument("--format", default="auto")
    parser.add_argument("--simulated", type=int, metavar="LISTENERS")
    parser.add_argument("--days", type=int, default=365, help="of the simulation")
    parser.add_argument("--short-tail", action="store_true", help="of the simulation: the world of `make nightly`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--windows", type=int, default=12, help="weeks ahead, evenly apart")
    parser.add_argument("--first-day", type=int, default=60, help="of the first week ahead")
    parser.add_argument("--last-day", type=int, default=335, help="of the last one")
    parser.add_argument(
        "--recipes", nargs="+", help="names in params.yaml or recommenders.md; default: all that can run"
    )
    parser.add_argument("--params", type=Path, default=ROOT / "params.yaml")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="changes")
    parser.add_argument("--against", help="the recipe that others are compared with; default: the best")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "real.json")
    given = parser.parse_args()
    params = with_recipes(given.params, given.changes, given.recipes)
    with tempfile.TemporaryDirectory(prefix="netgain-real-") as name:
        if given.simulated:
            shape = SHORT if given.short_tail else LONG
            plays = simulated(given.simulated, params.interactions, n_days=given.days, seed=given.seed, shape=shape)
        elif given.data.is_dir():
            plays = exported(given.data, params.interactions, format=given.format, scratch=Path(name))
        else:
            raise SystemExit(f"{given.data} is no folder; expected a folder of exports. Name one with --data.")
        days = evenly(given.windows, first=given.first_day, last=given.last_day)
        found = measure(from_first_play(plays), params, days, k=given.k, seed=given.seed, scratch=Path(name))
    report(found, params, plays, k=given.k, against=given.against, out=given.out)


def with_recipes(path: Path, changes: Sequence[str], names: Sequence[str] | None) -> Params:
    """Return params.yaml with changes, and with the recipes that docs/reference/recommenders.md offers to paste.

    Raises:
        ParamsError: a change is refused.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    raw["recipes"] = offered((ROOT / "docs/reference/recommenders.md").read_text(encoding="utf-8")) | raw["recipes"]
    raw["interactions"]["order"] = True  # of six people's logs it costs next to nothing
    for change in changes:
        dotted, _, value = change.partition("=")
        *sections, last = dotted.split(".")
        at = raw
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = yaml.safe_load(value)
    target = raw["split"]["target"]
    able = [
        name for name, recipe in raw["recipes"].items()
        if (family := FAMILIES[recipe["family"]]).runs_in_task and suits(family.needs_target, target)
    ]  # fmt: skip
    kept = {"popular", *(names or able)}
    members = {member for name in kept for member in raw["recipes"].get(name, {}).get("members", ())}
    raw["recipes"] = {name: recipe for name, recipe in raw["recipes"].items() if name in kept | members}
    if unknown := kept - set(raw["recipes"]):
        raise SystemExit(f"no recipe {', '.join(sorted(unknown))}; expected one of {', '.join(able)}.")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as changed:
        yaml.safe_dump(raw, changed, sort_keys=False)
        changed.flush()
        return load_params(Path(changed.name))


def measure(
    plays: pl.DataFrame, params: Params, days: Sequence[int], *, k: int, seed: int, scratch: Path
) -> dict[str, Weeks]:
    """Return every recipe's weeks ahead."""
    found = {name: Weeks() for name in params.recipes}
    only_new = params.split.target == "new"
    for window in windows(plays, days, interactions=params.interactions, split=params.split, scratch=scratch):
        add_week(found, window, params.recipes, k=k, only_new=only_new, seed=seed)
        n_listeners, n_items = window.interactions.weights.shape
        shown = f"{len(window.rows)} of {n_listeners} listeners judge, {n_items:,} artists"
        print(f"week from day {window.day}: {shown}", flush=True)
    if not any(weeks.listeners for weeks in found.values()):
        raise SystemExit("no listener has plays both before and within a week ahead; expected longer logs.")
    return found


def report(
    found: Mapping[str, Weeks], params: Params, plays: pl.DataFrame, *, k: int, against: str | None, out: Path
) -> None:
    """Print the table, best first, and write it as JSON."""
    best = against or max(found, key=lambda name: mean_of(found[name].listeners, found[name].values["ndcg"]).value)
    rows = [_row(name, weeks, found[best], best) for name, weeks in found.items()]
    rows.sort(key=lambda row: -row["ndcg"]["value"])
    about = {
        "listeners": plays["listener_id"].n_unique(), "plays": plays.height, "artists": plays["item_id"].n_unique(),
        "target": params.split.target, "k": k, "against": best,
        "min_listeners_per_item": params.interactions.min_listeners_per_item,
    }  # fmt: skip
    shown = rows[0]["ndcg"]
    print(
        f"{about['plays']:,} plays of 30 s or more by {about['listeners']} listeners, {about['artists']:,} artists; "
        f"{shown['n_weeks']} listener-weeks of {shown['n_listeners']} listeners. {shown['few']}"
    )
    for row in rows:
        each, less = row["ndcg"], row["difference"]
        print(
            f"{row['recipe']:<14} NDCG@{k} {each['value']:.4f} (listeners {_text(each['over_listeners'])}; weeks "
            f"{_text(each['over_weeks'])})  minus {best} {less['value']:+.4f} ({_text(less['over_listeners'])}; "
            f"{_text(less['over_weeks'])})  new {row['ndcg_new']['value']:.4f} known {row['ndcg_known']['value']:.4f}"
            f" share known {row['share_known']['value']:.2f}  fit {row['fit_cpu_seconds']:.1f} CPU s"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n", encoding="utf-8")


def _row(name: str, weeks: Weeks, best: Weeks, best_name: str) -> dict[str, Any]:
    means = {metric: mean_of(weeks.listeners, weeks.values[metric]) for metric in METRICS}
    paired = [own - other for own, other in zip(weeks.values["ndcg"], best.values["ndcg"], strict=True)]
    less = mean_of(weeks.listeners, paired)
    return {
        "recipe": name,
        **{metric: {**vars(mean), "few": mean.few} for metric, mean in means.items()},
        "difference": {**vars(less), "from": best_name},
        "fit_cpu_seconds": weeks.fit_cpu_seconds,
        "list_cpu_seconds": weeks.list_cpu_seconds,
    }


def _text(ends: Sequence[float]) -> str:
    return " to ".join(f"{end:.4f}" for end in ends)


if __name__ == "__main__":
    main()
