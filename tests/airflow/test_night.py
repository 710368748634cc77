"""`airflow dags test` runs a whole night, with the same results as `netgain night`."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from pipeline.graph import EFFECTS, read_stages
from tests.workspace import SMALL, make_workspace, run

pytestmark = [pytest.mark.slow, pytest.mark.spark]

AS_OF = "2026-01-15"
RECIPES = ("popular", "item_knn")
MEASURED = {"decision.json", "decision.html", "recipes.json"}
ENDED = re.compile(r"\[DAG TEST\] end task .*?task_id=([a-z_.]+)")


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> tuple[Path, Path]:
    """Two workspaces with the same landed logs: by hand, by Airflow."""
    folder = tmp_path_factory.mktemp("nights")
    params = SMALL | {"gate.seeds": 1}
    by_hand = make_workspace(folder / "hand", recipes=RECIPES, params=params, listeners=80, days=14, store=migrated)
    by_airflow = make_workspace(folder / "airflow", recipes=RECIPES, params=params, store=migrated)
    shutil.copytree(by_hand / "landing", by_airflow / "landing")
    return by_hand, by_airflow


@pytest.fixture(scope="module")
def airflow_said(workspaces: tuple[Path, Path]) -> str:
    return _airflow(workspaces[1], f"airflow dags test netgain_nightly {AS_OF}")


def test_every_task_of_the_night_succeeds(workspaces: tuple[Path, Path], airflow_said: str) -> None:
    stages = {stage.name.replace("@", ".") for stage in read_stages(workspaces[1] / "dvc.yaml")}
    ended = ENDED.findall(airflow_said)
    assert sorted(ended) == sorted(
        {"open", "spark_start", "spark_stop", "turn", "report", "close", "verdict", *stages, *EFFECTS}
    )
    assert "state=success" in next(line for line in airflow_said.splitlines() if "DagRun Finished" in line)
    assert ended.index("audit") < ended.index("record") < ended.index("promote") < ended.index("publish")


def test_the_night_is_the_logical_date_and_leaves_no_server_running(
    workspaces: tuple[Path, Path], airflow_said: str
) -> None:
    assert f"the night of {AS_OF} is open" in airflow_said
    assert "the Spark server of this folder is running" in airflow_said
    assert not (workspaces[1] / ".netgain" / "spark.json").exists()


def test_models_metrics_and_lists_equal_those_of_a_manual_night(
    workspaces: tuple[Path, Path], airflow_said: str
) -> None:
    by_hand, by_airflow = workspaces
    # In process: the same content, as tests/runtime shows, in half the time.
    run(by_hand, "netgain", "night", "--as-of", AS_OF, NETGAIN_ENGINE="inprocess")
    found, expected = _checksums(by_airflow), _checksums(by_hand)
    assert {"lists.parquet", "metrics/item_knn.json"} <= set(expected)
    assert any(path.startswith("models/item_knn/") for path in expected)
    assert found == expected
    verdicts = [json.loads((w / "data" / "decision.json").read_text())["verdict"] for w in workspaces]
    assert verdicts[0] == verdicts[1]
    assert _served(by_airflow) == _served(by_hand)


def test_a_hostile_date_is_refused_before_a_task_starts(workspaces: tuple[Path, Path], airflow_said: str) -> None:
    conf = json.dumps({"as_of": f"{AS_OF}; touch planted"})
    said = _airflow(workspaces[1], 'airflow dags test netgain_nightly --conf "$CONF" || echo refused', conf=conf)
    assert "Invalid input for param as_of" in said
    assert said.rstrip().endswith("refused")
    assert "DAG TEST" not in said
    assert not (workspaces[1] / "planted").exists()


def test_a_task_of_another_night_than_the_open_one_is_refused(workspaces: tuple[Path, Path], airflow_said: str) -> None:
    said = _airflow(workspaces[1], "airflow tasks test netgain_nightly decide 2026-01-14")
    assert f"the night of {AS_OF} is open" in said
    assert "but this run is for 2026-01-14" in said
    assert "new_state=failed" in said
    assert "Running stage" not in said


def _airflow(workspace: Path, command: str, *, conf: str = "") -> str:
    migrate = '[ -e "$AIRFLOW_HOME/airflow.db" ] || airflow db migrate >migrate.log 2>&1'
    script = f"set -e; . infra/airflow/environment.sh; {migrate}; {command}"
    said = run(workspace, "bash", "-c", script, NO_COLOR="1", CONF=conf).stdout
    return re.sub(r"\x1b\[[0-9;]*m", "", said)


def _checksums(workspace: Path) -> dict[str, str]:
    """Return all outputs of a night except costs and what depends on them."""
    data = workspace / "data"
    files = (path for path in data.rglob("*") if path.is_file() and path.name not in MEASURED)
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if "costs" not in path.parent.name
    }


def _served(workspace: Path) -> str:
    return (workspace / "releases" / "CURRENT").read_text(encoding="utf-8")
