import dataclasses
import datetime as dt
import shutil

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from pipeline.errors import RecipeError, TableError
from pipeline.features.interactions import load_interactions
from pipeline.features.model_folder import save_model
from pipeline.features.tuning import load_tuning
from pipeline.metrics.cost import Cost
from pipeline.recommenders.families import als
from pipeline.recommenders.registry import build
from pipeline.recommenders.storage import load_recommender
from pipeline.runtime.inprocess import InProcess
from pipeline.stages import fit as fit_stage
from pipeline.stages.fit import FitTask, entropy, fit, fit_kernel
from pipeline.stages.refit import recipe_to_fit, refit
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.schemas import INTERACTIONS, ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import write_table
from tests.stages import small_night

N_LISTENERS, N_ITEMS = 40, 30


def write_window(folder, seed):
    plays = sp.random(N_LISTENERS, N_ITEMS, density=0.3, random_state=np.random.default_rng(seed), format="csr")
    plays.sort_indices()
    rows = np.repeat(np.arange(N_LISTENERS), np.diff(plays.indptr))
    ones = np.ones(plays.nnz)
    write_table(
        folder / "interactions.parquet",
        pa.table({"listener_idx": rows, "item_idx": plays.indices, "weight": plays.data.astype(np.float32) + 0.1,
                  "n_plays": ones, "age_days": ones}),
        INTERACTIONS,
    )  # fmt: skip
    people = {
        "listener_id": [f"l{i:03d}" for i in range(N_LISTENERS)],
        "n_plays": np.ones(N_LISTENERS, dtype=np.int64),
        "first_day": pa.array([0] * N_LISTENERS, pa.int32()).cast(pa.date32()),
    }
    write_table(folder / "listeners.parquet", pa.table(people), LISTENER_MAP)
    things = {"item_id": [f"i{j:03d}" for j in range(N_ITEMS)], "item_name": ["x"] * N_ITEMS,
              "n_listeners": np.ones(N_ITEMS, dtype=np.int32)}  # fmt: skip
    write_table(folder / "items.parquet", pa.table(things), ITEM_MAP)


@pytest.fixture
def context(tmp_path):
    context = small_night.context(tmp_path)
    write_window(context.layout.train, seed=0)
    write_window(context.layout.window, seed=1)
    write_window(context.layout.tuning, seed=2)
    small_night.write_relevant(
        context.layout.tuning / "relevant.parquet", {f"l{i:03d}": [f"i{j:03d}" for j in range(i % 7)] for i in range(9)}
    )
    return context


def folder_bytes(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_stochastic_recipe_is_fitted_for_every_seed_and_each_fit_is_another(context):
    fit(context, "als", InProcess())
    seeds = sorted(path.name for path in context.layout.model("als").iterdir())
    assert seeds == [f"seed-{s}" for s in range(context.params.gate.seeds)]
    models = {(context.layout.model("als") / s / "item_factors.npy").read_bytes() for s in seeds}
    assert len(models) == context.params.gate.seeds


def test_a_recipe_without_randomness_is_fitted_once(context):
    fit(context, "rp3beta", InProcess())
    assert [path.name for path in context.layout.model("rp3beta").iterdir()] == ["seed-0"]


def test_each_model_holds_what_it_needs_to_answer(context):
    fit(context, "item_knn", InProcess())
    folder = context.layout.model("item_knn") / "seed-0"
    for name in ("listeners.parquet", "items.parquet"):
        assert (folder / name).read_bytes() == (context.layout.train / name).read_bytes()
    lists = load_recommender(folder).recommend(np.arange(N_LISTENERS, dtype=np.int32), k=5)
    assert (lists.items >= 0).any()


def test_what_a_fit_costs_is_written_in_the_agreed_shape(context):
    fit(context, "als", InProcess())
    written = read_json(context.layout.fit_cost("als"))
    assert (written["recipe"], written["family"]) == ("als", "als")
    assert [cost["seed"] for cost in written["fits"]] == [0, 1, 2]
    for raw in written["fits"]:
        cost = Cost.from_dict(raw)
        folder = context.layout.model("als") / f"seed-{raw['seed']}"
        own = [f for f in folder.iterdir() if f.suffix != ".parquet"]
        assert cost.model_bytes == sum(f.stat().st_size for f in own)
        assert cost.wall_seconds > 0
        assert cost.peak_rss_bytes > 0
        assert cost.n_scored is None


def test_a_second_run_gives_the_same_bytes(context):
    fit(context, "als", InProcess())
    first = folder_bytes(context.layout.model("als"))
    shutil.rmtree(context.layout.model("als"))
    fit(context, "als", InProcess())
    assert folder_bytes(context.layout.model("als")) == first


def test_a_task_that_runs_twice_leaves_one_model(context):
    task = FitTask(context.layout.train, context.layout.model("als") / "seed-0", context.params.recipes["als"], (1, 2))
    fit_kernel(task)
    first = folder_bytes(task.model)
    fit_kernel(task)
    assert folder_bytes(task.model) == first
    assert [path.name for path in task.model.parent.iterdir()] == ["seed-0"]


def test_randomness_depends_on_seed_recipe_and_number_alone():
    night = dt.date(2026, 2, 12)
    fits = [(1, "als", 0), (2, "als", 0), (1, "als_wide", 0), (1, "als", 1)]
    drawn = [entropy(*fit, night=night + dt.timedelta(days=day)) for fit in fits for day in (0, 1)]
    assert len(set(drawn)) == len(drawn)
    assert entropy(*fits[0], night=night) == drawn[0]


def test_an_unknown_recipe_is_refused_with_the_known_ones(context):
    with pytest.raises(RecipeError, match="popular"):
        fit(context, "oracle", InProcess())


def test_families_of_the_driver_are_not_sent_to_the_executor(context, monkeypatch):
    sent, here = [], []

    class Recording(InProcess):
        def map(self, kernel, tasks):
            sent.extend(task.recipe.family for task in tasks)
            return super().map(kernel, tasks)

    monkeypatch.setattr(als, "FAMILY", dataclasses.replace(als.FAMILY, runs_in_task=False))
    monkeypatch.setattr(
        fit_stage, "fit_kernel", lambda task, real=fit_kernel: here.append(task.model.name) or real(task)
    )
    fit(context, "als", Recording())
    assert sent == []
    assert here == ["seed-0", "seed-1", "seed-2"]


def test_a_refit_is_on_the_whole_window_with_the_first_seed(context):
    write_json(context.layout.decision, {"serve": {"source": "refit", "recipe": "als"}})
    refit(context, InProcess())
    made = load_recommender(context.layout.final_model)
    expected = type(made)(context.params.recipes["als"]).fit(
        load_interactions(context.layout.window),
        rng=np.random.default_rng(entropy(context.params.seed, "als", 0, night=context.as_of)),
    )
    np.testing.assert_array_equal(made.item_factors, expected.item_factors)
    assert load_recommender(context.layout.fallback_model).recipe.family == "popular"
    cost = read_json(context.layout.refit_cost)
    assert (cost["recipe"], cost["source"]) == ("als", "refit")
    assert [fitted["recipe"] for fitted in cost["fits"]] == ["als", "popular"]


def test_a_blend_is_weighed_on_the_tuning_window_alone_when_it_is_refitted_too(context):
    fit(context, "blend", InProcess())
    held_out = context.layout.model("blend") / "seed-0"
    write_json(context.layout.decision, {"serve": {"source": "refit", "recipe": "blend"}})
    refit(context, InProcess())
    weights = np.load(held_out / "weights.npy")
    np.testing.assert_array_equal(np.load(context.layout.final_model / "weights.npy"), weights)
    assert len(set(weights)) > 1
    assert folder_bytes(context.layout.final_model) != folder_bytes(held_out)
    own = [f for f in held_out.rglob("*") if f.is_file() and f.suffix != ".parquet"]
    assert read_json(context.layout.fit_cost("blend"))["fits"][0]["model_bytes"] == sum(f.stat().st_size for f in own)


def test_the_tuning_window_is_read_for_a_family_that_needs_it_alone(context):
    shutil.rmtree(context.layout.tuning)
    fit(context, "item_knn", InProcess())
    with pytest.raises(TableError, match="tuning"):
        fit(context, "blend", InProcess())


def test_relevant_items_that_the_earlier_days_do_not_know_were_missed_all_the_same(context):
    small_night.write_relevant(
        context.layout.tuning / "relevant.parquet", {"l001": ["i002", "i029", "new"], "zoe": ["i003"]}
    )
    tuning = load_tuning(context.layout.tuning, only_new=True)
    assert tuning.relevant.nonzero()[0].tolist() == [1, 1]
    assert tuning.relevant.nonzero()[1].tolist() == [2, 29]
    assert tuning.n_relevant.tolist() == [0, 3, *[0] * (N_LISTENERS - 2)]


def test_a_refit_of_the_popular_list_gives_both_models(context):
    write_json(context.layout.decision, {"serve": {"source": "refit", "recipe": "popular"}})
    refit(context, InProcess())
    assert folder_bytes(context.layout.final_model) == folder_bytes(context.layout.fallback_model)


def keep(context, recipe, fold):
    """A night that keeps the served model, one of this recipe that was fitted on `fold`."""
    served = context.layout.served / "final"
    model = build(context.params.recipes[recipe]).fit(load_interactions(fold), rng=np.random.default_rng(0))
    save_model(served, model, maps_from=fold)
    write_json(context.layout.decision, {"serve": {"source": "served", "recipe": recipe}})
    return served, refit(context, InProcess())


def test_tonights_listeners_and_plays_are_folded_into_a_model_that_is_kept(context):
    fold = context.layout.data / "earlier"
    taste = {f"l{i:03d}": [f"i{j:03d}" for j in range(i % 2, N_ITEMS, 2) if (i + j) % 3] for i in range(N_LISTENERS)}
    small_night.write_fold(fold, {who: items for who, items in taste.items() if who != "l004"} | {"erased": ["i001"]})
    small_night.write_fold(context.layout.window, taste | {"l007": ["i003", "i009"]})
    served, told = keep(context, "item_knn", fold)
    assert "40 listeners of tonight folded in, 1 of them new" in told
    final = context.layout.final_model
    assert (final / "items.parquet").read_bytes() == (served / "items.parquet").read_bytes()
    assert (final / "listeners.parquet").read_bytes() == (context.layout.window / "listeners.parquet").read_bytes()
    before, after = load_recommender(served), load_recommender(final)
    assert (before.similarity != after.similarity).nnz == 0
    assert after.profiles[7].indices.tolist() == [3, 9]  # l007 is known, and has played other items since
    assert (after.recommend(np.array([4], dtype=np.int32), k=5).items >= 0).all()  # l004 is new
    report = read_json(context.layout.refit_cost)
    assert (report["recipe"], report["family"], report["source"]) == (None, "item_knn", "served")
    assert report["folded_in"] == {"n_listeners": 40, "n_new": 1}
    assert [fitted["recipe"] for fitted in report["fits"]] == [None, "popular"]
    assert Cost.from_dict(report["fits"][0]).model_bytes == sum(
        f.stat().st_size for f in final.iterdir() if f.suffix != ".parquet"
    )


def test_plays_of_items_that_the_kept_model_lacks_are_left_out(context):
    fold = context.layout.data / "earlier"
    small_night.write_fold(fold, {"ann": ["b", "c"], "bob": ["b", "d"], "cay": ["c", "d"]})
    small_night.write_fold(context.layout.window, {"ann": ["a", "b"], "eve": ["a"], "fay": ["d"]})
    keep(context, "item_knn", fold)
    assert load_recommender(context.layout.final_model).profiles.toarray().astype(bool).tolist() == [
        [True, False, False], [False, False, False], [False, False, True],
    ]  # fmt: skip


def test_a_kept_model_of_a_family_that_cannot_fold_is_served_as_it_is(context):
    served = context.layout.served / "final"
    model = build(context.params.recipes["spark_als"])
    model._keep(np.ones((N_LISTENERS, 2), np.float32), np.ones((N_ITEMS, 2), np.float32))
    save_model(served, model, maps_from=context.layout.train)
    write_json(context.layout.decision, {"serve": {"source": "served", "recipe": "spark_als"}})
    assert "takes up no new listeners" in refit(context, InProcess())
    assert folder_bytes(context.layout.final_model) == folder_bytes(served)
    report = read_json(context.layout.refit_cost)
    assert report["folded_in"] is None
    assert [fitted["recipe"] for fitted in report["fits"]] == ["popular"]


@pytest.mark.parametrize("serve", [None, {}, {"source": "refit"}, {"source": "refit", "recipe": 3}, {"source": "x"}])
def test_a_decision_that_names_nothing_to_serve_is_refused(serve):
    with pytest.raises(RecipeError, match=r"decision\.json"):
        recipe_to_fit({"serve": serve})
