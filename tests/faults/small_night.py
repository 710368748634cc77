"""The smallest night that is a whole one: its workspace, its stages, and what it comes to."""

import datetime as dt
import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from pipeline.graph import read_stages
from pipeline.releases.release import current, verify
from pipeline.state.backup import lines
from pipeline.state.location import FILE
from tests.contents import COST_MATTERS_NOT
from tests.faults.warm import Ended, Warm
from tests.workspace import make_workspace

START, DAYS = dt.date(2026, 1, 1), 12
AS_OF = START + dt.timedelta(days=DAYS)
RECIPES = ["popular", "als", "item_knn", "rp3beta", "blend"]
PARAMS = {
    **COST_MATTERS_NOT,
    "split.decision_days": 3,
    "split.tuning_days": 3,
    "gate.min_eligible_listeners": 20,
    "gate.seeds": 2,
    "recipes.als.factors": 8,
    "recipes.als.iterations": 3,
}
ENGINE = {"NETGAIN_ENGINE": "inprocess"}
WORLD = ("ledger", "mlflow", "releases", "reports")
"""What effects act on."""


def small_workspace(folder: Path, *, days: int = DAYS, recipes: list[str] | None = None) -> Path:
    """A workspace with landed logs in which no night was run."""
    kept = recipes or RECIPES
    params = {name: value for name, value in PARAMS.items() if not name.startswith("recipes.") or "als" in kept}
    return make_workspace(folder, recipes=kept, params=params, listeners=40, days=days, start=START.isoformat())


def stage(warm: Warm, workspace: Path, name: str) -> Ended:
    """Run a stage or an effect undisturbed.

    Raises:
        AssertionError: it failed.
    """
    ended = warm.run(workspace, "stage", *name.split("@"), **ENGINE)
    assert ended.status == 0, ended.said
    return ended


def open_night(warm: Warm, workspace: Path) -> None:
    """Open it, or open it again."""
    opened = warm.run(workspace, "open", "--as-of", AS_OF.isoformat())
    assert opened.status == 0, opened.said


def run_pure(warm: Warm, workspace: Path) -> dict[str, float]:
    """Open the night and run every stage of dvc.yaml; seconds by stage."""
    open_night(warm, workspace)
    names = [each.name for each in read_stages(workspace / "dvc.yaml")]
    return {name: stage(warm, workspace, name).seconds for name in names}


def remove_outs(workspace: Path, name: str) -> None:
    """As DVC does before it runs a stage."""
    outs = next(each.outs for each in read_stages(workspace / "dvc.yaml") if each.name == name)
    for out in outs:
        shutil.rmtree(workspace / out) if (workspace / out).is_dir() else (workspace / out).unlink(missing_ok=True)


def redate(workspace: Path, as_of: dt.date) -> None:
    """Give what is ready to be published to another night: a release of its own."""
    (workspace / "night" / "night.yaml").write_text(yaml.safe_dump({"as_of": as_of.isoformat()}), encoding="utf-8")


def assert_served_is_whole(root: Path) -> None:
    """CURRENT names a complete release with the checksums of its manifest, or there is none yet."""
    if (root / "CURRENT").exists():
        verify(current(root))


def files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file under a folder by its path, without hidden ones (locks, what kills left), the
    state database (see `state`) and times of removals."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(b"" if path.parent.name == "removed" else path.read_bytes()).hexdigest()
        for name, path in found.items()
        if "/." not in f"/{name}" and not path.name.startswith(FILE)
    }


def state(ledger: Path) -> list[tuple[str, dict[str, object]]]:
    """Return the rows of the state database by table, without leases and the times at which rows were made."""
    rows = [(table, json.loads(text)["row"]) for table, text in lines(ledger) if table != "leases"]
    return [(table, {k: v for k, v in row.items() if k != "when"} | _body(row)) for table, row in rows]


def _body(row: dict[str, Any]) -> dict[str, object]:
    body = row.get("body")
    return {} if body is None else {"body": {k: v for k, v in body.items() if k != "when"}}


def world(workspace: Path) -> dict[str, object]:
    """Return what effects act on: files by checksum, rows of state, and MLflow's content without times and ids."""
    return {
        **{name: files(workspace / name) for name in ("ledger", "releases", "reports")},
        "state": state(workspace / "ledger"),
        "mlflow": _mlflow(workspace / "mlflow" / "mlflow.db"),
    }


def keep_world(workspace: Path, folder: Path) -> None:
    """A copy of what effects act on, for `restore_world`."""
    for name in WORLD:
        shutil.rmtree(folder / name, ignore_errors=True)
        if (workspace / name).exists():
            shutil.copytree(workspace / name, folder / name)


def restore_world(workspace: Path, folder: Path) -> None:
    keep_world(folder, workspace)


def _mlflow(database: Path) -> object:
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as store:
        told = [
            "select name, status, (select count(*) from latest_metrics m where m.run_uuid = r.run_uuid),"
            " (select count(*) from params p where p.run_uuid = r.run_uuid)"
            " from runs r where lifecycle_stage = 'active' order by 1, 2",
            "select v.version, t.value, r.status from model_versions v join runs r on r.run_uuid = v.run_id"
            " join model_version_tags t on t.version = v.version and t.key = 'netgain.model'"
            " where v.current_stage != 'Deleted_Internal' order by 2",
            "select alias, t.value from registered_model_aliases a join model_version_tags t"
            " on t.version = a.version and t.key = 'netgain.model' order by 1",
        ]
        return [store.execute(query).fetchall() for query in told]
