"""The alias `champion` taken away or moved behind our back, and an empty SQLite opened by sixteen processes at once."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.extent import ALL
from tests.faults.small_night import stage, world
from tests.faults.tally import Tally
from tests.faults.warm import Warm

ALIAS = "alias changed behind our back"
COLD = "SQLite opened cold by 16 processes"
REMOVED = ("delete from registered_model_aliases",)
MOVED = (
    "insert into model_versions (name, version, current_stage, run_id, status, creation_time)"
    " select name, version + 1, current_stage, run_id, status, creation_time from model_versions",
    "update registered_model_aliases set version = version + 1",
)


@pytest.mark.parametrize("change", [MOVED, REMOVED] if ALL else [MOVED])
def test_the_alias_is_what_is_served_again_after_the_same_night(
    warm: Warm, published: Path, change: tuple[str, ...], tally: Tally
) -> None:
    before = world(published)
    with closing(sqlite3.connect(published / "mlflow" / "mlflow.db")) as store, store:
        for statement in change:
            store.execute(statement)
    tally.injected(ALIAS)
    assert world(published) != before
    for name in ("record", "promote"):
        stage(warm, published, name)
    after = world(published)
    assert ("champion", 1) in aliases(published)
    assert {name: after[name] for name in ("ledger", "releases")} == {
        name: before[name] for name in ("ledger", "releases")
    }
    tally.recovered(ALIAS)


def aliases(workspace: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(workspace / "mlflow" / "mlflow.db")) as store:
        return store.execute("select alias, version from registered_model_aliases").fetchall()


@pytest.mark.skipif(not ALL, reason="sixteen processes import MLflow: make faults")
def test_sixteen_processes_bring_an_empty_store_up_together(tmp_path: Path, tally: Tally) -> None:
    code = (
        "import os, pathlib, sys\n"
        "import mlflow.store.tracking.sqlalchemy_store\n"
        "from pipeline.tracking.client import tracking_client\n"
        "from pipeline.settings import load_settings\n"
        "def opens():\n"
        "    with tracking_client(load_settings({}, workspace=pathlib.Path(sys.argv[1]))) as client:\n"
        "        client.search_experiments()\n"
        "children = []\n"
        "for _ in range(16):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        status = 1\n"
        "        try:\n"
        "            opens()\n"
        "            status = 0\n"
        "        finally:\n"
        "            os._exit(status)\n"
        "    children.append(pid)\n"
        "sys.exit(sum(os.waitpid(pid, 0)[1] != 0 for pid in children))\n"
    )
    tally.injected(COLD)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tally.recovered(COLD)
