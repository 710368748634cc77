"""Measures the blending of members' lists: pooled candidates beside a scan of the catalogue.

    python -m bench.blend                       # 70,000 listeners, 25,000 items, 200 candidates of two members
    python -m bench.blend --listeners 7000 --rounds 1    # smaller

Lists are drawn from the marginals of `bench.speed.made`: popular items are on many lists. Both ways must give the same
items and scores. Into bench/results/blend.json.
"""

import argparse
import json
import resource
from pathlib import Path

import numpy as np

from bench.speed.made import ITEM_TAIL
from pipeline.metrics.ranking import top_k
from pipeline.metrics.topk import TopK
from pipeline.recommenders.blending import blend, normalised
from pipeline.recommenders.scoring import block_rows

ROOT = Path(__file__).resolve().parents[1]
TARGET = 0.6
"""CPU of pooled candidates relative to a scan, at most."""


def lists_of(n_listeners: int, n_items: int, depth: int, *, seed: int) -> TopK:
    """Draw lists of distinct items, popular ones more often, with descending scores of some equal values."""
    rng = np.random.default_rng(seed)
    of_rank = rng.permutation(n_items).astype(np.int32)
    items = np.empty((n_listeners, depth), dtype=np.int32)
    places = np.arange(depth)
    for start in range(0, n_listeners, 4096):
        some = items[start : start + 4096]
        share = (places + rng.random(some.shape, dtype=np.float32)) / depth
        ranks = np.minimum(n_items * share**ITEM_TAIL, n_items - depth + places).astype(np.int64)
        ranks = np.maximum.accumulate(ranks - places, axis=1) + places  # ascending, each once
        some[:] = of_rank[rng.permuted(ranks, axis=1)]
    scores = -np.sort(-np.round(rng.standard_exponential((n_listeners, depth)), 3), axis=1)
    return TopK(items, scores.astype(np.float32))


def scan(members: list[TopK], weights: list[float], *, n_items: int, k: int) -> TopK:
    """Blend by scoring the whole catalogue for a block of listeners at a time, as Netgain did before."""
    values = [np.float32(weight) * normalised(lists) for lists, weight in zip(members, weights, strict=True)]
    parts, size = [], block_rows(n_items)
    for start in range(0, len(members[0].items), size):
        block = slice(start, start + size)
        scores = np.full((len(members[0].items[block]), n_items), -np.inf, dtype=np.float32)
        for lists, value in zip(members, values, strict=True):
            rows, places = np.nonzero(lists.items[block] >= 0)
            columns = lists.items[block][rows, places]
            scores[rows, columns] = np.maximum(scores[rows, columns], 0) + value[block][rows, places]
        parts.append(top_k(scores, k=k))
    return TopK(np.concatenate([part.items for part in parts]), np.concatenate([part.scores for part in parts]))


def cpu_seconds() -> float:
    """Return the CPU time of this process and its threads so far [s]."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure both ways in turn; the fastest round of each counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=70_000)
    parser.add_argument("--items", type=int, default=25_000)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "blend.json")
    given = parser.parse_args()
    members = [lists_of(given.listeners, given.items, given.candidates, seed=seed) for seed in (1, 2)]
    few = [TopK(each.items[:1], each.scores[:1]) for each in members]
    blend(few, [0.5, 0.5], n_items=given.items, k=given.k)  # loads the compiled code
    took: dict[str, list[float]] = {"pooled": [], "scan": []}
    found = {}
    for _ in range(given.rounds):
        for name, way in (("pooled", blend), ("scan", scan)):
            before = cpu_seconds()
            found[name] = way(members, [0.6, 0.4], n_items=given.items, k=given.k)
            took[name].append(cpu_seconds() - before)
    same = (found["pooled"].items == found["scan"].items).all() and (
        found["pooled"].scores == found["scan"].scores
    ).all()
    ratio = min(took["pooled"]) / min(took["scan"])
    result = {
        "listeners": given.listeners,
        "items": given.items,
        "cpu_seconds": took,
        "ratio": ratio,
        "same": bool(same),
    }
    met = "met" if ratio <= TARGET and same else "NOT MET"
    print(
        f"{given.listeners:,} listeners, {given.items:,} items: pooled {min(took['pooled']):.2f} CPU s, scan "
        f"{min(took['scan']):.2f} CPU s, ratio {ratio:.2f} (target {TARGET}: {met}); same lists: {same}"
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
