"""Properties of the DAG's tasks; tests/test_graph.py compares its edges with DVC."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.graph import EFFECTS, read_stages
from pipeline.releases.publishing import publish
from tests.releases.test_releases import contents
from tests.workspace import ROOT, environment

pytestmark = pytest.mark.slow

STAGES = {stage.name.replace("@", ".") for stage in read_stages(ROOT / "dvc.yaml")}
DESCRIBE = """
import json, sys
sys.path.insert(0, 'dags')
import netgain_nightly as n, netgain_rollback as r
from pipeline.scheduling.tasks import command
from pathlib import Path
def ends(shell):
    task = command('x', shell, workspace=Path.cwd(), variables={}, minutes=1)
    try:
        return ['passed', task.execute({})]
    except Exception as err:
        return [type(err).__name__, str(err)]
from pipeline.scheduling.alerts import task_failed
from types import SimpleNamespace as Has
for name, as_of in json.loads(sys.argv[3]):
    failed = {'task': Has(task_id=name, env={'AS_OF': as_of}), 'ti': Has(log_url='http://127.0.0.1/log')}
    task_failed(Path(sys.argv[2]))(failed | {'exception': ValueError('half a file')})
fields = ('bash_command', 'env', 'append_env', 'cwd', 'skip_on_exit_code')
print(json.dumps({
    'dag': {'active': n.dag.max_active_tasks, 'catchup': n.dag.catchup},
    'ends': {shell: ends(shell) for shell in json.loads(sys.argv[1])},
    'tasks': {t.task_id: {f: str(getattr(t, f, None)) for f in fields} | {
        'retries': t.retries, 'minutes': t.execution_timeout and t.execution_timeout.total_seconds() / 60,
        'before': sorted(t.upstream_task_ids), 'setup': t.is_setup, 'teardown': t.is_teardown,
        'rule': str(t.trigger_rule), 'doc': t.doc_md or ''} for t in (*n.dag.tasks, *r.dag.tasks)}}))
"""


ENDS = {
    "echo fine": ["passed", "fine"],
    "echo netgain: MLflow is away; exit 75": ["AirflowException", "MLflow is away (status 75)"],
    "kill -9 $$": ["AirflowException", " (status -9)"],
    "exit 143": ["AirflowException", " (status 143)"],
    "echo netgain: as_of is no date; exit 2": ["AirflowFailException", "as_of is no date (status 2)"],
    "exit 4": ["AirflowFailException", " (status 4)"],
    "exit 1": ["AirflowFailException", " (status 1)"],
}
"""Commands with the end of their task: an AirflowFailException is not retried, an AirflowException is."""
PYTHON = {"turn", "verdict"}
FAILED = [("ingest", "2026-01-12"), ("report", "2026-01-13"), ("rollback", None), ("turn", "{{ params.as_of }}")]
"""Tasks that fail for good, with the night that each was of."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release is served."""
    folder = tmp_path_factory.mktemp("workspace")
    publish(folder / "releases", contents(folder, "2026-01-10", "a"))
    return folder


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, workspace: Path) -> dict[str, Any]:
    home = str(tmp_path_factory.mktemp("airflow"))
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE, json.dumps(list(ENDS)), str(workspace), json.dumps(FAILED)],
        cwd=ROOT,
        env=environment(ROOT, AIRFLOW_HOME=home, AIRFLOW__CORE__LOAD_EXAMPLES="False"),
        capture_output=True,
        text=True,
        check=True,
    )
    return {**json.loads(done.stdout.splitlines()[-1]), "alerts": done.stdout + done.stderr}


@pytest.fixture(scope="module")
def tasks(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: t for name, t in described["tasks"].items() if name not in PYTHON}


def test_no_command_contains_a_template_or_shell_syntax_beyond_words(tasks: dict[str, dict[str, Any]]) -> None:
    for name, task in tasks.items():
        assert re.fullmatch(r'(netgain|dvc)( ([a-z0-9_@-]+|"\$[A-Z_]+"))+', task["bash_command"]), name


def test_values_that_a_run_may_choose_are_passed_in_the_environment_only(tasks: dict[str, dict[str, Any]]) -> None:
    for name, task in tasks.items():
        assert "{{ params." + ("by" if name == "rollback" else "as_of") in task["env"]
        assert task["append_env"] == "True"
        assert "{{" not in task["cwd"] + task["bash_command"]


def test_each_task_has_a_timeout_and_only_status_0_succeeds(tasks: dict[str, dict[str, Any]]) -> None:
    for task in tasks.values():
        assert 0 < task["minutes"] <= 120
        assert task["skip_on_exit_code"] == "[]"


@pytest.mark.parametrize("shell", ENDS)
def test_a_task_is_retried_if_that_can_help_and_fails_for_good_otherwise(shell: str, described: dict[str, Any]) -> None:
    assert described["ends"][shell] == ENDS[shell]


def test_effects_have_more_retries_than_stages_and_a_rollback_has_none(tasks: dict[str, dict[str, Any]]) -> None:
    assert {tasks[name]["retries"] for name in STAGES} == {2}
    assert {tasks[name]["retries"] for name in EFFECTS} == {3}
    assert tasks["rollback"]["retries"] == 0


def test_every_task_is_documented(described: dict[str, Any]) -> None:
    assert [name for name, task in described["tasks"].items() if not task["doc"]] == []


def test_spark_is_stopped_however_the_stages_end(tasks: dict[str, dict[str, Any]]) -> None:
    assert tasks["spark_start"]["setup"]
    stop = tasks["spark_stop"]
    assert stop["teardown"]
    assert {"audit", "spark_start"} <= set(stop["before"])
    assert stop["rule"].lower().endswith("all_done_setup_success")


def test_pages_are_written_however_the_stages_end_but_not_for_a_night_that_was_never_opened(
    tasks: dict[str, dict[str, Any]],
) -> None:
    assert tasks["report"]["rule"].lower().endswith("all_done_min_one_success")
    assert tasks["report"]["before"] == ["audit", "open"]


def test_a_failed_task_marks_the_release_as_stale_and_its_alert_gives_the_age(
    workspace: Path, described: dict[str, Any]
) -> None:
    mark = json.loads((workspace / "releases" / "STALE.json").read_text(encoding="utf-8"))
    assert (mark["night"], mark["stage"], mark["why"]) == ("2026-01-12", "ingest", "half a file")
    told = f"Still served: release {mark['release']} of the night 2026-01-10, 2 nights old."
    assert described["alerts"].count(told) == len(FAILED)


def test_the_tasks_of_a_run_are_one_night_that_releases_the_workspace_however_it_ends(
    tasks: dict[str, dict[str, Any]],
) -> None:
    owners = {
        name: "'NETGAIN_OWNER': '{{ dag_run.dag_id }} {{ dag_run.run_id }}'" in t["env"] for name, t in tasks.items()
    }
    assert [name for name, owned in owners.items() if not owned] == ["rollback"]
    assert tasks["close"]["rule"].lower().endswith("all_done")
    assert tasks["close"]["before"] == [EFFECTS[-1], "report"]


def test_tasks_run_one_at_a_time_without_catching_up_on_past_nights(described: dict[str, Any]) -> None:
    assert described["dag"]["active"] == 1
    assert described["dag"]["catchup"] is False
    assert described["tasks"]["verdict"]["before"] == [EFFECTS[-1], "report"]
    assert described["tasks"]["open"]["before"] == ["turn"]


@pytest.mark.parametrize(
    "as_of", ["2026-01-31; touch planted", "$(touch planted)", '" && touch planted "', "--help\n", ""]
)
def test_a_hostile_date_is_refused_by_open_and_not_executed(
    as_of: str, tasks: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    done = subprocess.run(
        ["bash", "-c", tasks["open"]["bash_command"]],
        cwd=tmp_path,
        env=environment(ROOT, AS_OF=as_of, LOG_FORMAT="netgain"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("netgain: as_of = ")
    # The lock that keeps two nights apart is taken before the date is read; a night is not opened.
    assert {path.name for path in tmp_path.rglob("*")} <= {".netgain", "night.lock"}
