"""Accuracy on a published split, tuned on its valid part alone, beside the published figures.

python -m bench.accuracy                          # fits recipes.yaml; into bench/results/accuracy.json and .html
python -m bench.accuracy --tune ials --trials 80  # what recipes.yaml has been found by: trials on valid, best last
"""

import argparse
import json
from pathlib import Path

import yaml

from bench.accuracy.measure import measure
from bench.accuracy.page import render
from bench.accuracy.search import recipes_of, search
from bench.accuracy.split import Split, read_split
from bench.accuracy.table import METRICS, row
from pipeline.recommenders.registry import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"ndcg_at_20": 0.263, "recall_at_10": 0.189}


def main() -> None:
    """Fit the recipes and print their accuracy, or tune them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "lastfm-lightgcnpp")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tune", metavar="RECIPE")
    parser.add_argument("--trials", type=int, default=80)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results")
    given = parser.parse_args()
    split = read_split(given.data)
    if given.tune:
        tune(given.tune, split, n_trials=given.trials)
    else:
        show(split, n_seeds=given.seeds, out=given.out)


def recipes() -> dict:
    """Return the recipes of recipes.yaml."""
    return recipes_of(yaml.safe_load((Path(__file__).parent / "recipes.yaml").read_text(encoding="utf-8")))


def tune(name: str, split: Split, *, n_trials: int) -> None:
    """Print each trial that is better than all before it."""
    best = float("-inf")
    for number, (recipe, found) in enumerate(search(name, recipes()[name], split, n_trials=n_trials)):
        if found > best:
            best = found
            print(f"{number:4}  NDCG@20 on valid {found:.5f}  {recipe.model_dump(mode='json')}", flush=True)


def show(split: Split, *, n_seeds: int, out: Path) -> None:
    """Fit every recipe, print the table, write JSON and page."""
    fits = {}
    for name, recipe in recipes().items():
        seeds = range(n_seeds if FAMILIES[recipe.family].stochastic else 1)
        fits[name] = [measure(recipe, split, split.test, seed=seed) for seed in seeds]
        print(f"{name:<10}" + "".join(f"  {m} {fits[name][0].values[m].mean():.4f}" for m in METRICS), flush=True)
    best = max(fits, key=lambda name: sum(fit.values["ndcg_at_20"].mean() for fit in fits[name]) / len(fits[name]))
    rows = [row(name, recipe, fits[name], fits[best], recipes()[best]) for name, recipe in recipes().items()]
    rows.sort(key=lambda each: -each["metrics"]["ndcg_at_20"]["mean"])
    for each in rows:
        shown = each["metrics"]["ndcg_at_20"]
        print(
            f"{each['name']:<10} fit {each['fit_cpu_seconds']:7.2f} CPU s   NDCG@20 {shown['mean']:.4f}"
            f" ({shown['interval'][0]:.4f} to {shown['interval'][1]:.4f})"
            f"   Recall@10 {each['metrics']['recall_at_10']['mean']:.4f}"
        )
    for metric, target in TARGETS.items():
        found = rows[0]["metrics"][metric]["mean"]
        print(f"{metric} of {rows[0]['name']}: {found:.4f}, target {target}: {'met' if found >= target else 'NOT MET'}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "accuracy.json").write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")
    page = render(rows, n_items=split.train.shape[1], n_seeds=n_seeds)
    (out / "accuracy.html").write_text(page, encoding="utf-8")
    print(f"see {out / 'accuracy.html'}")


if __name__ == "__main__":
    main()
