"""Measures blends whose weights few listeners choose, beside their best member: on the published split of Last.fm.

    python -m bench.blend_few                                      # 20 windows of 150 listeners
    python -m bench.blend_few --members ials rp3beta --judges 500

Members are fitted once, with the recipes of `bench.accuracy`, except `als`, which has 64 factors. Weights are learnt on
`valid` from listeners drawn at random, again and again, and the blend is measured on `test` for all of them. Shrunk
weights are a night's; `best` are those without shrinkage; `equal` have learnt nothing.
Into bench/results/blend_few.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from bench.accuracy.__main__ import recipes
from bench.accuracy.split import read_split
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.topk import TopK
from pipeline.recommenders.blending import best_weights, blend, learnt_weights
from pipeline.recommenders.registry import build

ROOT = Path(__file__).resolve().parents[1]
WORSE = 0.01
"""How much worse than its best member a blend may be, relative to it."""


def main() -> None:
    """Measure, print a row for each kind of weights, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "lastfm-lightgcnpp")
    parser.add_argument("--members", nargs="+", default=["als", "item_knn", "rp3beta"])
    parser.add_argument("--judges", type=int, default=150)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "blend_few.json")
    given = parser.parse_args()
    split, known = read_split(given.data), recipes()
    known["als"] = known["als"].model_copy(update={"factors": 64})
    every = np.arange(split.train.shape[0], dtype=np.int32)
    lists = []
    for name in given.members:
        model = build(known[name]).fit(split.interactions, rng=np.random.default_rng(1))
        lists.append(model.recommend(every, k=given.candidates, exclude=split.train))
    judges = np.flatnonzero(np.diff(split.valid.indptr) > 0)

    def tested(top: TopK) -> float:
        asked = np.flatnonzero(np.diff(split.test.indptr) > 0)
        hits = hit_matrix(top.items[asked, : given.k], split.test[asked])
        return float(ndcg(hits, np.diff(split.test.indptr)[asked].astype(np.int32)).mean())

    alone = {name: tested(each) for name, each in zip(given.members, lists, strict=True)}
    best = max(alone.values())
    rng = np.random.default_rng(1)
    found: dict[str, list[float]] = {"shrunk": [], "best": [], "equal": []}
    weights = []
    for _ in range(given.windows):
        drawn = np.sort(rng.choice(judges, given.judges, replace=False))
        own = [TopK(each.items[drawn], each.scores[drawn]) for each in lists]
        truth, n = split.valid[drawn], np.diff(split.valid.indptr)[drawn].astype(np.int32)
        chosen = {
            "shrunk": learnt_weights(own, truth, n, k=given.k),
            "best": best_weights(own, truth, n, k=given.k),
            "equal": np.full(len(lists), 1 / len(lists)),
        }
        weights.append({name: each.tolist() for name, each in chosen.items()})
        for name, each in chosen.items():
            kept = [(own, float(w)) for own, w in zip(lists, each, strict=True) if w > 0]
            top = blend([own for own, _ in kept], [w for _, w in kept], n_items=split.train.shape[1], k=given.k)
            found[name].append(tested(top))
    for name, value in alone.items():
        print(f"{name:<10} NDCG@{given.k} {value:.4f}")
    for name, values in found.items():
        worst, spread = min(values), np.std([each[name] for each in weights], axis=0).round(2).tolist()
        print(
            f"{name:<10} mean {np.mean(values):.4f}, worst of {given.windows} windows of {given.judges} listeners "
            f"{worst:.4f} = {worst / best - 1:+.1%} of the best member; spread of weights {spread}"
        )
    met = min(found["shrunk"]) >= (1 - WORSE) * best
    print(f"never worse than the best member beyond {WORSE:.0%}: {'met' if met else 'NOT MET'}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"alone": alone, "blends": found, "weights": weights}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
