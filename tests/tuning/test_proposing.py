import pytest

from pipeline.errors import RecipeError
from pipeline.recommenders.families.item_knn import ItemKnnParams
from pipeline.recommenders.families.repeat import RepeatParams
from pipeline.recommenders.families.rp3beta import Rp3BetaParams
from pipeline.recommenders.registry import FAMILIES
from pipeline.recommenders.search_space import OneOf, Whole
from pipeline.tuning.proposing import Proposer
from pipeline.tuning.spaces import effort, space_of, start_of
from tests.stages.small_night import PARAMS

RP3BETA = Rp3BetaParams(family="rp3beta", neighbours=200, alpha=1.0, beta=0.3)
REPEAT = RepeatParams(family="repeat", half_life_days=30.0)  # not where lists hold what is new, as those of PARAMS do
KNN = ItemKnnParams(family="item_knn", neighbours=200, weighting="bm25")


def searched(seed, n_batches=6, n=3):
    """Recipes that are proposed where the best alpha is 0.5."""
    proposer, found = Proposer(space_of(RP3BETA), RP3BETA, seed=seed), []
    proposer.tell(RP3BETA, 0.5)
    for _ in range(n_batches):
        asked = proposer.ask(n)
        for recipe in asked:
            proposer.tell(recipe, 1 - abs(recipe.alpha - 0.5))
        found += asked
    return found


def test_the_same_results_give_the_same_proposals_without_repeats():
    first = searched(seed=1)
    assert first == searched(seed=1)
    assert first != searched(seed=2)
    assert len(set(first)) == len(first) == 18


def test_proposals_improve_with_results():
    found = searched(seed=1, n_batches=14)
    assert sum(abs(r.alpha - 0.5) for r in found[-15:]) < sum(abs(r.alpha - 0.5) for r in found[:15])


def test_proposed_values_are_rounded_before_they_are_measured():
    assert all(recipe.alpha == float(f"{recipe.alpha:.3g}") for recipe in searched(seed=1))


def test_a_small_space_is_exhausted():
    proposer = Proposer({"weighting": OneOf(("bm25", "cosine"))}, KNN, seed=0)
    proposer.tell(KNN, 0.1)
    assert [recipe.weighting for recipe in proposer.ask(4)] == ["cosine"]
    assert proposer.ask(4) == []


def test_a_start_outside_the_space_is_accepted():
    proposer = Proposer({"neighbours": Whole(20, 100)}, KNN, seed=0)
    proposer.tell(KNN, 0.1)
    assert all(20 <= recipe.neighbours <= 100 for recipe in proposer.ask(3))


def test_twice_the_factors_and_iterations_of_als_are_four_times_the_effort():
    als = PARAMS.recipes["als"]
    twice = als.model_copy(update={"factors": 2 * als.factors, "iterations": 2 * als.iterations})
    assert effort(space_of(als), twice) == pytest.approx(4 * effort(space_of(als), als))


def test_the_recipe_of_params_yaml_is_the_start_and_else_that_of_the_family():
    assert start_of(PARAMS, "als") == PARAMS.recipes["als"]
    assert start_of(PARAMS, "ials") == FAMILIES["ials"].start


@pytest.mark.parametrize("name", ["alz", "blend", "spark_als"])
def test_a_family_without_a_space_is_refused_with_the_possible_ones(name):
    with pytest.raises(RecipeError, match=r"expected one of popular, item_knn, rp3beta, als, .* Name one of them"):
        start_of(PARAMS, name)


def test_a_start_whose_lists_would_be_empty_is_not_offered():
    with pytest.raises(RecipeError, match="no recipe 'repeat'"):
        start_of(PARAMS, "repeat")
    any_item = PARAMS.model_copy(update={"split": PARAMS.split.model_copy(update={"target": "any"})})
    assert start_of(any_item, "repeat") == REPEAT
