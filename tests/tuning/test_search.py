"""A search on a small tuning window, with real fits."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from math import log2
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import RecipeError, TableError
from pipeline.recommenders.families.popular import PopularParams
from pipeline.runtime.inprocess import InProcess
from pipeline.settings import load_settings
from pipeline.storage.json_files import read_json, write_json
from pipeline.tuning.results import Results, best_so_far
from pipeline.tuning.search import search
from pipeline.tuning.show import at_the_edge, results_lines
from pipeline.tuning.trial import Trial, TrialTask, run_trial
from pipeline.tuning.tune import plan_of
from tests.stages import small_night
from tests.workspace import ROOT, environment

N_LISTENERS, N_ITEMS = 60, 40


def write_tuning(folder):
    """Write plays with two tastes: even listeners play even items, also in the tuning window."""
    rng = np.random.default_rng(0)
    own = (np.arange(N_LISTENERS)[:, None] + np.arange(N_ITEMS)[None, :]) % 2 == 0
    played = own & (rng.random(own.shape) < 0.4)
    later = own & ~played & (rng.random(own.shape) < 0.3)

    def named(matrix):
        return {f"l{u:02d}": [f"i{i:02d}" for i in np.flatnonzero(row)] for u, row in enumerate(matrix) if row.any()}

    small_night.write_fold(folder, named(played))
    small_night.write_relevant(folder / "relevant.parquet", named(later))


@pytest.fixture
def context(tmp_path):
    context = small_night.context(tmp_path, k=5)
    write_tuning(context.layout.tuning)  # and nothing else: a search knows neither training nor decision window
    return context


def plan(context, name="rp3beta", *, budget=1e9, trials=9, batch=3):
    return plan_of(context, name, budget_cpu_seconds=budget, max_trials=trials, batch=batch)


def told(trials):
    return [(trial.recipe, trial.ndcg.tolist()) for trial in trials]


def files(plan):
    return {path: path.stat().st_mtime_ns for path in plan.ground.cache.rglob("*.npy")}


def test_a_trial_is_measured_like_a_recipe_of_a_night(tmp_path):
    context = small_night.context(tmp_path, k=2)
    small_night.write_fold(context.layout.tuning, small_night.TRAIN)
    played = {"ann": ["c"], "bob": ["b"], "cay": ["d"], "dan": ["a", "z"], "eve": ["a"]}
    small_night.write_relevant(context.layout.tuning / "relevant.parquet", played)
    ground = plan(context, "popular").ground
    task = TrialTask(ground, PopularParams(family="popular", window_days=14), (0,))
    found = Trial.cached(task, run_trial(task))
    # By popularity without what was heard: ann c, d; bob b; cay d; dan a, c of a and z. No earlier day knows eve.
    assert found.ndcg.tolist() == pytest.approx([1, 1, 1, 1 / (1 + 1 / log2(3))])
    assert found.cost.cpu_seconds > 0


def test_the_first_trial_is_the_recipe_of_params_yaml_and_the_best_is_the_highest(context):
    found = search(plan(context), InProcess())
    assert found.trials[0].recipe == context.params.recipes["rp3beta"]
    assert len({trial.recipe for trial in found.trials}) == 9
    values = [trial.value for trial in found.trials]
    assert found.best[0].value == max(values) == best_so_far(found.trials)[-1]
    assert found.cpu_seconds == pytest.approx(sum(trial.cost.cpu_seconds for trial in found.trials))


def test_the_budget_is_kept_and_a_larger_one_resumes_the_search(context):
    least = search(plan(context, budget=0), InProcess())
    assert [trial.recipe for trial in least.trials] == [context.params.recipes["rp3beta"]]
    assert least.stopped == "the next trial would exceed the budget"
    before = files(plan(context))
    more = search(plan(context, trials=5), InProcess())
    whole = search(plan(context, trials=9), InProcess())
    assert told(whole.trials[:5]) == told(more.trials)
    assert [trial.cost for trial in whole.trials[:5]] == [trial.cost for trial in more.trials]
    after = files(plan(context))
    assert len(after) == 9
    assert after | before == after


def test_a_trial_expected_to_exceed_the_budget_is_not_started(context):
    whole = search(plan(context), InProcess())
    for made in plan(context).ground.cache.glob("*/made.json"):
        kept_then = read_json(made)
        kept_then["result"]["cost"]["cpu_seconds"] = 2.0  # as though each had taken two seconds
        write_json(made, kept_then)
    for budget, n_trials in ((9.9, 4), (10, 5), (11.9, 5), (1e9, 9)):
        bounded = search(plan(context, budget=budget), InProcess())
        assert bounded.cpu_seconds == 2 * n_trials
        assert told(bounded.trials) == told(whole.trials[:n_trials])


def test_a_stochastic_recipe_is_compared_over_several_seeds_within_the_budget(context):
    found = search(plan(context, "als", trials=3), InProcess())
    assert len(found.first) == len(found.best) == context.params.gate.seeds
    assert found.first[0].ndcg.tolist() == found.trials[0].ndcg.tolist()
    assert found.first[1].key not in {trial.key for trial in found.trials}
    fits = {trial.key: trial.cost.cpu_seconds for trial in (*found.trials, *found.first, *found.best)}
    assert found.cpu_seconds == pytest.approx(sum(fits.values()))
    results = Results.of(found)
    if results.comparison is not None:
        assert results.comparison.se > 0


def test_a_recipe_that_cannot_be_fitted_is_a_trial_with_value_zero(context):
    task = plan(context).task(context.params.recipes["spark_als"])  # without a Spark session
    found = Trial.cached(task, run_trial(task))
    assert found.value == 0
    assert "without an active Spark session" in found.failed


def test_other_days_another_seed_or_another_batch_is_another_search(context):
    first = plan(context)
    write_tuning(context.layout.tuning / "again")
    others = [
        replace(first, seed=first.seed + 1),
        replace(first, batch=2),
        replace(first, ground=replace(first.ground, version="other days")),
    ]
    assert len({each.key for each in (first, *others)}) == 4
    assert replace(first, budget_cpu_seconds=1, max_trials=2).key == first.key


def test_too_few_listeners_are_refused_before_fitting(context):
    small_night.write_relevant(context.layout.tuning / "relevant.parquet", {"l01": ["i03"], "zoe": ["i01"]})
    with pytest.raises(RecipeError, match="1 listeners with plays"):
        plan(context)


def test_a_night_without_a_split_is_refused(context):
    shutil.rmtree(context.layout.tuning)
    with pytest.raises(TableError, match="Run `dvc repro split`"):
        plan(context)


def test_the_result_lines_name_the_price_of_further_trials(context):
    found = search(plan(context), InProcess())
    lines = " ".join(results_lines(Results.of(found), cpu_hour=3600, currency="EUR", cpu_seconds=60))
    each = found.cpu_seconds / 9
    assert f"A further trial costs {each:.3g} CPU seconds ({each:.2g} EUR)" in lines
    assert "9 trials" in lines


@pytest.mark.parametrize(
    ("changes", "edge"),
    [
        ({}, []),
        ({"factors": 127}, ["factors"]),
        ({"regularization": 0.11, "iterations": 30}, ["regularization", "iterations"]),
        ({"regularization": 0.0}, ["regularization"]),
    ],
)
def test_values_at_a_bound_of_the_space_are_named(changes, edge):
    als = small_night.PARAMS.recipes["als"]  # factors 16 to 128, regularization 0.1 to 100, iterations 5 to 30
    inside = {"factors": 64, "regularization": 30.0, "iterations": 15}
    assert at_the_edge(als.model_copy(update=inside | changes)) == edge


@pytest.fixture(scope="module")
def spark_tasks(tmp_path_factory):
    from pipeline.runtime.choose import executor_for

    environ = {"NETGAIN_ENGINE": "spark", "NETGAIN_SPARK_MASTER": "local[2]"}
    with executor_for("fits", load_settings(environ, workspace=tmp_path_factory.mktemp("spark"))) as executor:
        yield executor


@pytest.mark.spark
def test_spark_tasks_give_the_same_trials(context, spark_tasks):
    here = search(plan(context), InProcess())
    shutil.rmtree(plan(context).ground.cache)
    there = search(plan(context), spark_tasks)
    assert told(there.trials) == told(here.trials)


@pytest.mark.spark
def test_ctrl_c_interrupts_spark_tasks(spark_tasks):
    ctrl_c = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    ctrl_c.start()
    with pytest.raises(KeyboardInterrupt):
        spark_tasks.map(time.sleep, [20])
    ctrl_c.join()


NETGAIN = str(Path(sys.executable).parent / "netgain")
COMMAND = [NETGAIN, "tune", "als", "--trials", "24", "--batch", "4", "--budget", "100000", "--write", "found.diff"]


def workspace(folder):
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(ROOT / name, folder / name)
    write_tuning(folder / "data" / "tuning")
    (folder / "night").mkdir()
    (folder / "night" / "night.yaml").write_text("as_of: 2026-03-08\n")
    return folder


def start(folder):
    # MLflow is away: nothing listens on port 9.
    variables = environment(ROOT, NETGAIN_ENGINE="inprocess", NETGAIN_MLFLOW_URI="http://127.0.0.1:9")
    return subprocess.Popen(
        COMMAND, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def cached_trials(folder):
    """Each finished trial, with the time at which it was made."""
    return {path.parent.name: path.stat().st_mtime_ns for path in (folder / ".netgain" / "tuning").glob("*/made.json")}


@pytest.mark.slow
def test_a_killed_search_is_resumed_to_the_same_result(tmp_path):
    quiet, disturbed = workspace(tmp_path / "quiet"), workspace(tmp_path / "disturbed")
    undisturbed = start(quiet)
    doomed = start(disturbed)
    until = time.monotonic() + 120
    while len(cached_trials(disturbed)) < 6 and doomed.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.communicate()
    survived = cached_trials(disturbed)
    resumed = start(disturbed)
    outputs = [process.communicate(timeout=120)[0] for process in (undisturbed, resumed)]
    assert [process.returncode for process in (undisturbed, resumed)] == [0, 0], outputs
    assert all("not recorded: MLflow at http://127.0.0.1:9" in output for output in outputs)
    assert 6 <= len(survived) < len(cached_trials(disturbed))
    assert survived.items() <= cached_trials(disturbed).items()
    assert cached_trials(disturbed).keys() == cached_trials(quiet).keys()
    diffs = [(folder / "found.diff").read_text() for folder in (quiet, disturbed)]
    assert diffs[0] == diffs[1] != ""
