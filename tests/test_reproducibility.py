"""The same inputs give the same bytes; a change reruns what depends on it; experiments work as DVC's users expect."""

import datetime as dt
import json
import re
import sys

import pytest
import yaml

from pipeline.releases.release import current
from pipeline.simulation.simulate import simulate
from tests.contents import COST_MATTERS_NOT, contents, differing
from tests.workspace import make_workspace, run

pytestmark = pytest.mark.slow

START, AS_OF = dt.date(2026, 1, 1), dt.date(2026, 1, 15)
PARAMS = {
    **COST_MATTERS_NOT,
    "split.decision_days": 4,
    "split.tuning_days": 4,
    "gate.min_eligible_listeners": 20,
    "gate.seeds": 2,
    "recipes.als.factors": 16,
}
ENGINE = {"NETGAIN_ENGINE": "inprocess"}
RECIPES = ["popular", "item_knn", "rp3beta", "als", "blend"]
BEFORE_FIT = {"ingest", "validate", "prepare", "split"}


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproducibility") / "landing"
    simulate(n_listeners=60, n_days=(AS_OF - START).days, seed=1, start=START, out=folder)
    return folder


@pytest.fixture(scope="module")
def by_night(landing):
    """A workspace after a night, its dvc.lock committed."""
    workspace = _workspace(landing, "by-night")
    netgain(workspace, "night", "--as-of", str(AS_OF), "--logs", str(landing))
    git(workspace, "add", "dvc.lock")
    git(workspace, "commit", "--quiet", "--message", "The night")
    return workspace, contents(workspace)


@pytest.fixture(scope="module")
def by_hand(landing):
    """Another one, in which a person opened the night and ran DVC."""
    workspace = _workspace(landing, "by-hand")
    netgain(workspace, "open", "--as-of", str(AS_OF), "--logs", str(landing))
    dvc(workspace, "repro")
    return workspace, contents(workspace)


@pytest.fixture(scope="module")
def experiment(by_night):
    """`dvc exp run` with one value changed; what ran."""
    workspace, _ = by_night
    done = dvc(workspace, "exp", "run", "--name", "fewer-neighbours", "-S", "recipes.item_knn.neighbours=50")
    return workspace, stages_of(done.stdout)


@pytest.fixture(scope="module")
def more_factors(by_hand):
    """`dvc repro` after another value was changed; what ran."""
    workspace, _ = by_hand
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    params["recipes"]["als"]["factors"] = 24
    (workspace / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return stages_of(dvc(workspace, "repro").stdout)


def test_two_workspaces_make_the_same_bytes_by_netgain_night_and_by_dvc_repro(by_night, by_hand):
    assert differing(by_night[1], by_hand[1]) == set()
    made = {path.split("/")[1] for path in by_night[1]}
    assert {"metrics", "evaluation", "models", "final", "lists.parquet", "fallback.parquet", "decision.json"} <= made


def test_two_workspaces_would_publish_the_same_release(by_night, by_hand):
    for effect in ("record", "promote", "publish"):
        netgain(by_hand[0], "stage", effect)
    assert current(by_hand[0] / "releases").id == current(by_night[0] / "releases").id


def test_nothing_is_stale_after_a_night(by_night):
    workspace, _ = by_night
    assert json.loads(dvc(workspace, "status", "--json").stdout.splitlines()[-1]) == {}
    assert git(workspace, "status", "--porcelain").stdout == ""


def test_a_changed_recipe_reruns_its_fit_and_the_blends_and_no_other(more_factors):
    assert {name for name in more_factors if name.startswith("fit@")} == {"fit@als", "fit@blend"}
    assert {name for name in more_factors if name.startswith("evaluate@")} == {"evaluate@als", "evaluate@blend"}
    assert "decide" in more_factors
    assert not more_factors & BEFORE_FIT


def test_an_experiment_runs_only_the_affected_stages(experiment):
    _, ran = experiment
    assert {name for name in ran if name.startswith("fit@")} == {"fit@item_knn", "fit@blend"}
    assert not ran & BEFORE_FIT


def test_an_experiment_has_metrics_of_its_own(experiment):
    workspace, _ = experiment
    difference = json.loads(dvc(workspace, "metrics", "diff", "HEAD", "--json").stdout.splitlines()[-1])
    assert set(difference["data/metrics/item_knn.json"]) >= {"ndcg_at_10", "recall_at_10"} & set(
        json.loads((workspace / "data" / "metrics" / "item_knn.json").read_text())
    )
    assert "data/metrics/als.json" not in difference
    assert "recipes.item_knn.neighbours" in dvc(workspace, "params", "diff", "HEAD").stdout


def test_an_experiment_is_plotted_beside_its_baseline(experiment):
    workspace, _ = experiment
    drawn = json.loads(dvc(workspace, "plots", "diff", "HEAD", "workspace", "--json").stdout.splitlines()[-1])
    assert set(drawn["data"]) == {"accuracy", "accuracy_against_cost"}
    for (plot,) in drawn["data"].values():
        rows = plot["content"]["data"]["values"]
        assert {(row["rev"], row["recipe"]) for row in rows} == {
            (revision, recipe) for revision in ("HEAD", "workspace") for recipe in RECIPES
        }


def test_an_experiment_is_listed(experiment):
    workspace, _ = experiment
    assert "fewer-neighbours" in dvc(workspace, "exp", "list").stdout


def _workspace(landing, name):
    return make_workspace(landing.parent / name, recipes=RECIPES, params=PARAMS)


def netgain(workspace, *arguments):
    return run(workspace, "netgain", *arguments, **ENGINE)


def dvc(workspace, *arguments):
    people = {f"GIT_{role}_{what}": "test" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return run(workspace, sys.executable, "-m", "dvc", *arguments, **ENGINE, **people)


def git(workspace, *arguments):
    return run(workspace, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments)


def stages_of(output):
    return set(re.findall(r"Running stage '([^']+)'", output))
