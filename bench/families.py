"""Measures every family on one simulated night: the table that the gate decides on.

    python -m bench.families                     # 20,000 listeners, 30,000 artists, 60 days: two hours on 2 cores
    python -m bench.families --place FOLDER      # in the workspace of `python -m bench.night --place FOLDER`

The recipes are those of params.yaml and those that docs/reference/recommenders.md offers to paste, except those whose
lists would be empty where only new items count. The night is Netgain's own: fits, lists and meters are those of
`netgain night`.
Into bench/results/families.json and families.png.
"""

import argparse
import datetime as dt
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.night.place import ROOT, START, environment, night, prepare
from pipeline.configuration import Params, load_params
from pipeline.gate.comparison import DETERMINISTIC, compare, seed_variance
from pipeline.params.split import suits
from pipeline.recommenders.registry import FAMILIES
from pipeline.reports.plots import accuracy_against_cost
from pipeline.simulation.simulate import simulate
from pipeline.stages.layout import Layout
from pipeline.storage.evaluation_table import read_listeners, read_metric
from pipeline.storage.json_files import read_json

COLUMNS = ("recipe", "NDCG", "95 % interval", "fits", "fit CPU s", "lists CPU s", "peak MiB", "model MB", "lists/s")


def offered(text: str) -> dict[str, Any]:
    """Return the recipes of docs/reference/recommenders.md, the first block of YAML in it."""
    block = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]
    return dict(yaml.safe_load(block)["recipes"])


def add_recipes(place: Path) -> None:
    """Paste them into a workspace's params.yaml; the night writes its dvc.yaml."""
    recipes = offered((ROOT / "docs" / "reference" / "recommenders.md").read_text(encoding="utf-8"))
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["interactions"]["order"] = True
    target = params["split"]["target"]
    recipes = {name: each for name, each in recipes.items() if suits(FAMILIES[each["family"]].needs_target, target)}
    params["recipes"] |= recipes
    (place / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def table(place: Path) -> list[dict[str, Any]]:
    """Return a row for each recipe of the night in a workspace, best first."""
    params, layout = load_params(place / "params.yaml"), Layout(place)
    rows = [row(name, params, layout) for name in params.recipes]
    return sorted(rows, key=lambda each: -float(each["ndcg"]))


def row(name: str, params: Params, layout: Layout) -> dict[str, Any]:
    """Means over fits; the interval of 95 % is over listeners and fits."""
    listeners = read_listeners(layout.evaluation(name))
    values = read_metric(layout.evaluation(name), "ndcg", listeners)
    seeds = seed_variance(values, deterministic=not FAMILIES[params.recipes[name].family].stochastic)
    alone = compare(values, np.zeros((1, len(listeners))), challenger_seeds=seeds, champion_seeds=DETERMINISTIC)
    fits, lists = read_json(layout.fit_cost(name))["fits"], read_json(layout.score_cost(name))["scorings"]
    return {
        "recipe": name,
        "ndcg": alone.delta,
        "interval": alone.interval(),
        "by_fit": values.mean(1).tolist(),
        "n_listeners": len(listeners),
        "fit_cpu_seconds": _mean(fits, "cpu_seconds"),
        "list_cpu_seconds": _mean(lists, "cpu_seconds"),
        "peak_rss_bytes": max(each["peak_rss_bytes"] or 0 for each in (*fits, *lists)),
        "model_bytes": _mean(fits, "model_bytes"),
        "lists_per_second": _mean(lists, "scored_per_second"),
    }


def _mean(costs: Sequence[Mapping[str, float]], field: str) -> float:
    return float(np.mean([cost[field] for cost in costs]))


def show(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table in Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join("---" for _ in COLUMNS) + " |"]
    for each in rows:
        low, high = each["interval"]
        cells = (
            f"`{each['recipe']}`", f"{each['ndcg']:.4f}", f"{low:.4f} to {high:.4f}", len(each["by_fit"]),
            f"{each['fit_cpu_seconds']:.1f}", f"{each['list_cpu_seconds']:.1f}",
            f"{each['peak_rss_bytes'] / 2**20:,.0f}", f"{each['model_bytes'] / 1e6:.1f}",
            f"{each['lists_per_second']:,.0f}",
        )  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=20_000)
    parser.add_argument("--artists", type=int, default=30_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--place", type=Path, help="a workspace of bench.night, whose logs and last night are taken")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "families.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as scratch:
        place = given.place / "night" if given.place else Path(scratch) / "night"
        if not given.place:
            prepare(place)
            out = place / "landing"
            simulate(
                n_listeners=given.listeners, n_days=given.days, seed=1, start=START, out=out, n_artists=given.artists
            )
        rows, served = measure(place)
    print(show(rows))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    accuracy_against_cost(
        given.out.with_suffix(".png"),
        accuracy={each["recipe"]: each["ndcg"] for each in rows},
        cpu_seconds={each["recipe"]: each["fit_cpu_seconds"] + each["list_cpu_seconds"] for each in rows},
        served=served,
        metric=f"NDCG@{load_params(ROOT / 'params.yaml').evaluation.k}",
    )


def measure(place: Path) -> tuple[list[dict[str, Any]], str]:
    """Run the night with all recipes on the landed logs of a workspace; return its table and the served recipe."""
    add_recipes(place)
    last = max(path.name for path in (place / "landing").glob("*.jsonl.gz")).split("plays-")[1][:10]
    as_of = dt.date.fromisoformat(last) + dt.timedelta(days=1)
    ended = subprocess.run(night(as_of), cwd=place, env=environment(place), check=False).returncode
    if ended not in {0, 3}:  # 3: a night that could not decide
        raise SystemExit(ended)
    return table(place), read_json(Layout(place).decision)["serve"]["recipe"]


if __name__ == "__main__":
    main()
