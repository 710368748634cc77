"""The examples in docstrings run, and the functions that other programs call have one."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import pipeline

PACKAGES = ("features", "gate", "metrics", "online", "recommenders")
SHOWN = {
    "average_precision",
    "best_weights",
    "blend",
    "compare",
    "decide",
    "hit_matrix",
    "measure",
    "ndcg",
    "normalised",
    "per_month",
    "precision",
    "recall",
    "reciprocal_rank",
    "relevant_items",
    "seed_variance",
    "split_by_time",
    "switching_cost",
    "top_k",
}
"""Functions that must have an example, wherever they live."""


def modules() -> list[ModuleType]:
    found = [module.name for module in pkgutil.walk_packages(pipeline.__path__, "pipeline.")]
    return [importlib.import_module(name) for name in found if name.split(".")[1] in PACKAGES]


MODULES = modules()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_of_a_module_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_the_functions_that_others_call_have_an_example() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    shown = {test.name.rsplit(".", 1)[1] for module in MODULES for test in finder.find(module) if test.examples}
    assert SHOWN - shown == set()
