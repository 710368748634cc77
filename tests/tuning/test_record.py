"""The record of a search, in a real MLflow on SQLite."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.metrics.cost import Cost
from pipeline.settings import load_settings
from pipeline.tracking import tuning as tracking_tuning
from pipeline.tracking.client import EXPERIMENT as NIGHTS
from pipeline.tracking.client import tracking_client
from pipeline.tuning.record import ABOUT, search_record, trial_record
from pipeline.tuning.search import Plan
from pipeline.tuning.trial import Ground, Trial
from tests.stages.small_night import PARAMS

START = PARAMS.recipes["rp3beta"]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return load_settings({}, workspace=tmp_path_factory.mktemp("store"))


@pytest.fixture
def plan(tmp_path):
    ground = Ground(source=tmp_path, cache=tmp_path, version=tmp_path.name, only_new=True, k=10)
    return Plan("rp3beta", START, ground, seed=1, budget_cpu_seconds=60, max_trials=9, batch=2, n_fits=3)


def trial(number):
    recipe = START.model_copy(update={"neighbours": 100 + number})
    cost = Cost(cpu_seconds=1.5, wall_seconds=2.0, peak_rss_bytes=2**30)
    return Trial(f"key-{number}", recipe, np.array([0.1, 0.1]) * (number + 1), cost, None)


def record(settings, plan, n_trials):
    trials = [trial(number) for number in range(n_trials)]
    children = {each.key: trial_record(plan, number, each) for number, each in enumerate(trials)}
    search = search_record(plan, trials, as_of="2026-03-08")
    return tracking_tuning.record_search(settings, plan.key, search, children, about=ABOUT)


def runs(settings, plan):
    """The search's runs, and their children by name."""
    with tracking_client(settings) as client:
        experiment = client.get_experiment_by_name(tracking_tuning.EXPERIMENT).experiment_id
        parents = client.search_runs([experiment], f"tags.`netgain.key` = '{plan.key}'")
        of = f"tags.`mlflow.parentRunId` = '{parents[0].info.run_id}'"
        return parents, sorted(client.search_runs([experiment], of), key=lambda run: run.info.run_name)


def test_a_search_is_a_run_with_a_child_run_for_each_trial(settings, plan):
    assert record(settings, plan, 2) == 2
    assert record(settings, plan, 2) == 0
    assert record(settings, plan, 4) == 2
    [parent], children = runs(settings, plan)
    assert [run.info.run_name for run in children] == [f"trial {n}" for n in range(4)]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["ndcg_at_10"] == pytest.approx(0.4)
    assert parent.data.metrics["start_ndcg_at_10"] == pytest.approx(0.1)
    assert parent.data.metrics["cpu_seconds"] == 4 * 1.5
    assert "neighbours 103" in parent.data.tags["mlflow.note.content"]
    assert children[2].data.params["neighbours"] == "102"
    assert children[2].data.metrics == pytest.approx({"ndcg_at_10": 0.3, "cpu_seconds": 1.5, "peak_rss_mib": 1024})
    with tracking_client(settings) as client:
        assert client.get_experiment_by_name(NIGHTS) is None  # nights have a table of their own


def test_an_unfinished_trial_run_is_recorded_again(settings, plan, monkeypatch):
    def dies_at_the_second(client, experiment, what, end, tags, *, start=tracking_tuning.start_run):
        run = start(client, experiment, what, end, tags)
        if what.name == "trial 1":
            raise KeyboardInterrupt
        return run

    with monkeypatch.context() as patched:
        patched.setattr(tracking_tuning, "start_run", dies_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            record(settings, plan, 3)
    assert record(settings, plan, 3) == 2
    [parent], children = runs(settings, plan)
    assert [run.info.run_name for run in children] == ["trial 0", "trial 1", "trial 2"]
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}


def test_another_seed_is_another_search(settings, plan):
    other = replace(plan, seed=2)
    assert (record(settings, plan, 1), record(settings, other, 1)) == (1, 1)
    assert runs(settings, plan)[0][0].info.run_id != runs(settings, other)[0][0].info.run_id
