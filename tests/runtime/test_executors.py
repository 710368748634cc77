"""Every stage gives the same content in process, as Spark tasks, and as tasks of a cluster's workers."""

import datetime as dt
import importlib
import shutil
from contextlib import nullcontext

import pytest

from pipeline.errors import LandingError
from pipeline.graph import read_stages
from pipeline.nightly.opening import open_night
from pipeline.runtime.choose import executor_for
from pipeline.runtime.spark_server import serving
from pipeline.settings import load_settings
from pipeline.simulation.simulate import simulate
from tests.contents import COST_MATTERS_NOT, contents, differing
from tests.workspace import PARTS, make_workspace

START, DAYS = dt.date(2026, 1, 1), 16
CLUSTER = "local-cluster[2,1,1024]"
SPARK = ["local[2]", CLUSTER]

PARAMS = {
    **COST_MATTERS_NOT,
    "split.decision_days": 4,
    "gate.min_eligible_listeners": 20,
    "gate.seeds": 2,
    "recipes.als.factors": 16,
    "recipes.spark_als.factors": 8,
    "recipes.spark_als.iterations": 3,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Landed logs and a release of the night before, so that a model is served."""
    root = tmp_path_factory.mktemp("executors")
    simulate(n_listeners=60, n_days=DAYS, seed=1, start=START, out=root / "landing")
    yesterday = make_workspace(root / "yesterday", recipes=["popular", "als"], params=_without_spark_als())
    run_stages(yesterday, "inprocess", "local[2]", as_of=START + dt.timedelta(days=DAYS - 1), effects=("publish",))
    return root


@pytest.fixture(scope="module")
def in_process(folder):
    return contents_after(folder, "inprocess", "local[2]")


@pytest.mark.spark
@pytest.mark.parametrize("master", SPARK)
def test_every_stage_gives_identical_content_under_spark(folder, in_process, master):
    in_spark = contents_after(folder, "spark", master)
    assert differing(in_process, in_spark) == set()


def test_every_stage_has_outputs_that_are_compared(folder, in_process):
    outs = {out for stage in read_stages(folder / "yesterday" / "dvc.yaml") for out in stage.outs}
    empty = {"data/models/carried-champion", "data/follows"}  # the recipe is in params.yaml, and no order is kept
    assert {out for out in outs if not any(path == out or path.startswith(f"{out}/") for path in in_process)} == empty


@pytest.mark.spark
def test_an_error_for_the_user_is_passed_on_by_spark(tmp_path):
    settings = load_settings({"NETGAIN_ENGINE": "spark", "NETGAIN_SPARK_MASTER": "local[1]"}, workspace=tmp_path)
    told = pytest.raises(LandingError, match=r"^gone; expected a file\. Restore it\.$")
    with executor_for("logs", settings) as executor, told:
        executor.map(refuse, [1])


def refuse(_task):
    raise LandingError("gone", expected="a file", fix="Restore it.")


def contents_after(folder, engine, master):
    """Run all stages in a new workspace, and return the comparable content of every file that they wrote."""
    name = f"{engine}-{master.partition('[')[0]}"
    workspace = make_workspace(folder / name, params=PARAMS)
    shutil.copytree(folder / "yesterday" / "ledger", workspace / "ledger")  # the state that goes with the release
    run_stages(workspace, engine, master, as_of=START + dt.timedelta(days=DAYS))
    left_over = {path.name for path in workspace.iterdir()} - {*PARTS, "data", "ledger", "night", ".netgain", ".git"}
    assert left_over == set(), "Spark must leave nothing beside .netgain, where a night leaves its lease in the ledger"
    return contents(workspace)


def run_stages(workspace, engine, master, *, as_of, effects=()):
    environ = {
        "NETGAIN_ENGINE": engine,
        "NETGAIN_SPARK_MASTER": master,
        "NETGAIN_LANDING": str(workspace.parent / "landing"),
        "NETGAIN_RELEASES": str(workspace.parent / "releases"),
    }
    settings = load_settings(environ, workspace=workspace)
    context = open_night(settings, as_of=as_of, log_format="netgain", logs=None)
    with serving(settings) if engine == "spark" else nullcontext():
        for stage in read_stages(workspace / "dvc.yaml"):
            name, _, recipe = stage.name.partition("@")
            run = importlib.import_module(f"pipeline.stages.{name}").run
            run(context, recipe) if recipe else run(context)
        for name in effects:
            importlib.import_module(f"pipeline.effects.{name}").run(context)


def _without_spark_als():
    return {key: value for key, value in PARAMS.items() if "spark_als" not in key}
