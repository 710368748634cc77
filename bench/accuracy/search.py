"""Hyperparameters for the published split, found on its valid part only."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.accuracy.measure import measure
from bench.accuracy.split import Split
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import parse_recipe
from pipeline.recommenders.search_space import OneOf, Real, Space, Whole
from pipeline.tuning.proposing import Proposer

GOAL = "ndcg_at_20"
SEED = 1

SPACES: Mapping[str, Space] = {
    "item_knn": {"neighbours": Whole(10, 1000, log=True), "weighting": OneOf(("bm25", "cosine"))},
    "rp3beta": {"neighbours": Whole(10, 1000, log=True), "alpha": Real(0.2, 2.0), "beta": Real(0.0, 1.0)},
    "als": {
        "regularization": Real(1.0, 200.0, log=True),
        "confidence": Real(1.0, 50.0, log=True),
        "iterations": Whole(5, 25),
    },
    "ials": {
        "regularization": Real(0.01, 0.15, log=True),
        "exponent": Real(0.5, 1.0),
        "unobserved": Real(0.03, 0.3, log=True),
        "discount": Real(0.0, 0.4),
        "iterations": Whole(8, 40),
    },
    "ease": {"regularization": Real(1.0, 500.0, log=True), "dropout": Real(0.0, 0.8)},
    "bpr": {"regularization": Real(0.001, 0.05, log=True), "iterations": Whole(100, 1000, log=True)},
}
"""The search spaces; all other fields keep their values of recipes.yaml."""


def search(name: str, start: FamilyParams, split: Split, *, n_trials: int) -> Iterator[tuple[FamilyParams, float]]:
    """Yield recipes in the order of their trials, with their NDCG@20 on valid; the first is the start."""
    proposer = Proposer(SPACES[start.family], start, seed=SEED)
    recipe = start
    for _ in range(n_trials):
        found = float(measure(recipe, split, split.valid, seed=SEED).values[GOAL].mean())
        proposer.tell(recipe, found)
        yield recipe, found
        asked = proposer.ask(1)
        if not asked:
            return
        recipe = asked[0]


def recipes_of(raw: Mapping[str, Mapping[str, Any]]) -> dict[str, FamilyParams]:
    """Recipes by name, as YAML has them.

    Raises:
        pydantic.ValidationError: a field is unknown, missing or out of range.
    """
    return {name: parse_recipe(fields) for name, fields in raw.items()}
