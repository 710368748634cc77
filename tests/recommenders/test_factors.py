import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.errors import RecipeError
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.families.spark_als import SparkAlsParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import FAMILIES, build, parse_recipe
from pipeline.recommenders.scoring import block_rows, recommend_all
from pipeline.recommenders.storage import load_recommender

ROOT = Path(__file__).parents[2]


def als(**changes):
    values = {"factors": 3, "regularization": 1.0, "confidence": 2.0, "iterations": 3} | changes
    return AlsParams(family="als", **values)


def random_interactions(n_listeners=700, n_items=90, *, read_only=False):
    rng = np.random.default_rng(0)
    plays = sp.random(n_listeners, n_items, density=0.1, random_state=rng, format="csr", dtype=np.float32)
    plays.sort_indices()
    for array in (plays.data, plays.indices, plays.indptr):
        array.setflags(write=not read_only)
    return Interactions(plays, np.zeros(plays.nnz, dtype=np.int32))


def test_a_confidence_of_one_is_fitted_on_what_was_read_from_arrow():
    """implicit copies its input for any other confidence, and writes to views that Arrow gives out read-only."""
    data = random_interactions(read_only=True)
    model = build(als(confidence=1.0)).fit(data, rng=np.random.default_rng(0))
    assert np.isfinite(model.recommend(np.arange(700, dtype=np.int32), k=20).scores).all()


def test_a_list_has_the_same_bits_alone_in_a_shuffle_and_among_all():
    data = random_interactions()
    model = build(als(factors=17)).fit(data, rng=np.random.default_rng(0))
    all_lists = recommend_all(model, n_listeners=700, k=20)
    shuffled = np.random.default_rng(1).permutation(700).astype(np.int32)
    lists = model.recommend(shuffled, k=20)
    np.testing.assert_array_equal(lists.items, all_lists.items[shuffled])
    np.testing.assert_array_equal(lists.scores, all_lists.scores[shuffled])
    for listener in (0, 511, 512, 699):
        alone = model.recommend(np.array([listener], dtype=np.int32), k=20)
        np.testing.assert_array_equal(alone.scores[0], all_lists.scores[listener])


def test_blocks_keep_to_their_memory():
    assert block_rows(5_000) == 512
    assert block_rows(100_000) * 100_000 * 4 <= 16 * 2**20
    assert block_rows(10**9) == 1


def test_scores_are_products_of_factors():
    model = build(als(factors=2))
    model._keep(np.array([[1, 2], [0, 0]], dtype=np.float32), np.array([[3, 0], [0, 0], [-1, 0]], dtype=np.float32))
    lists = model.recommend(np.array([0, 1], dtype=np.int32), k=3)
    assert lists.items.tolist() == [[0, 2, -1], [-1, -1, -1]]  # item 1 and listener 1 are unknown
    assert lists.scores[0, :2].tolist() == [3.0, -1.0]


def test_a_fit_that_diverges_is_refused():
    with pytest.raises(RecipeError, match="not finite"):
        build(als())._keep(np.full((1, 3), np.nan, dtype=np.float32), np.ones((1, 3), dtype=np.float32))


def test_spark_als_without_a_session_says_what_to_do():
    recipe = SparkAlsParams(family="spark_als", factors=2, regularization=1.0, confidence=1.0, iterations=1, blocks=1)
    with pytest.raises(RecipeError, match="NETGAIN_ENGINE"):
        build(recipe).fit(random_interactions(), rng=np.random.default_rng(0))


def test_a_model_of_an_unknown_format_is_refused(tmp_path):
    build(als()).fit(random_interactions(), rng=np.random.default_rng(0)).save(tmp_path)
    described = (tmp_path / "model.json").read_text()
    for spoilt in (
        described.replace('"format": 1', '"format": 2'),
        described.replace('"family": "als"', '"family": "oracle"'),
        described.replace('"item_factors"', '"../item_factors"'),
        "[]",
        "{}",
    ):
        (tmp_path / "model.json").write_text(spoilt)
        with pytest.raises(RecipeError, match="holds no model"):
            load_recommender(tmp_path)


def test_a_pickle_in_a_model_folder_is_never_opened(tmp_path):
    build(als()).fit(random_interactions(), rng=np.random.default_rng(0)).save(tmp_path)
    np.save(tmp_path / "item_factors.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(RecipeError, match="holds no model"):
        load_recommender(tmp_path)


def test_families_are_listed_without_importing_them():
    code = (
        "import sys\n"
        "from pipeline.recommenders.registry import FAMILIES\n"
        "assert 'als' in FAMILIES and len(list(FAMILIES)) == len(FAMILIES)\n"
        "found = [m for m in sys.modules if m.startswith('pipeline.recommenders.families.')]\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_params_are_loaded_with_the_families_that_they_name_and_no_others():
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pipeline.configuration import load_params\n"
        "used = {each.family for each in load_params(Path('params.yaml')).recipes.values()}\n"
        "found = {m.rsplit('.', 1)[1] for m in sys.modules if m.startswith('pipeline.recommenders.families.')}\n"
        "assert found == used, found ^ used\n"
        "heavy = {'implicit', 'pyspark', 'pandas', 'mlflow', 'codecarbon', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("name", ["oracle", "", "../als", "__init__", None, ["als"]])
def test_what_is_no_file_of_the_folder_is_no_family(name):
    assert name not in FAMILIES
    with pytest.raises(ValueError, match="is not one of als, blend"):
        parse_recipe({"family": name})
