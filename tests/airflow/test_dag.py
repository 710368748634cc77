"""What the DAG promises of its tasks. Its edges are held against DVC in tests/test_graph.py."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.graph import EFFECTS, read_stages
from tests.workspace import ROOT, environment

pytestmark = pytest.mark.slow

STAGES = {stage.name.replace("@", ".") for stage in read_stages(ROOT / "dvc.yaml")}
DESCRIBE = """
import json, sys
sys.path.insert(0, 'dags')
import netgain_nightly as n
fields = ('bash_command', 'env', 'append_env', 'cwd', 'skip_on_exit_code')
print(json.dumps({
    'dag': {'active': n.dag.max_active_tasks, 'catchup': n.dag.catchup, 'judges': sorted(n.JUDGES)},
    'tasks': {t.task_id: {f: str(getattr(t, f, None)) for f in fields} | {
        'retries': t.retries, 'minutes': t.execution_timeout and t.execution_timeout.total_seconds() / 60,
        'before': sorted(t.upstream_task_ids), 'setup': t.is_setup, 'teardown': t.is_teardown,
        'rule': str(t.trigger_rule)} for t in n.dag.tasks}}))
"""


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = str(tmp_path_factory.mktemp("airflow"))
    out = subprocess.run(
        [sys.executable, "-c", DESCRIBE],
        cwd=ROOT,
        env=environment(ROOT, AIRFLOW_HOME=home, AIRFLOW__CORE__LOAD_EXAMPLES="False"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return dict(json.loads(out.splitlines()[-1]))


@pytest.fixture(scope="module")
def tasks(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: t for name, t in described["tasks"].items() if name != "verdict"}


def test_no_command_carries_a_template_and_none_more_of_the_shell_than_words(tasks: dict[str, dict[str, Any]]) -> None:
    for name, task in tasks.items():
        assert re.fullmatch(r'(netgain|dvc)( ([a-z0-9_@-]+|"\$[A-Z_]+"))+', task["bash_command"]), name


def test_what_a_run_may_choose_travels_in_the_environment_alone(tasks: dict[str, dict[str, Any]]) -> None:
    for task in tasks.values():
        assert "{{ params.as_of" in task["env"]
        assert task["append_env"] == "True"
        assert "{{" not in task["cwd"] + task["bash_command"]


def test_each_task_has_a_timeout_and_passes_with_status_0_alone(tasks: dict[str, dict[str, Any]]) -> None:
    for task in tasks.values():
        assert 0 < task["minutes"] <= 120
        assert task["skip_on_exit_code"] == "[]"


def test_judgements_and_bad_input_are_not_tried_again_effects_more_often_than_stages(
    tasks: dict[str, dict[str, Any]], described: dict[str, Any]
) -> None:
    judges = set(described["dag"]["judges"])
    assert judges <= STAGES
    assert {tasks[name]["retries"] for name in {"open"} | judges} == {0}
    assert {tasks[name]["retries"] for name in STAGES - judges} == {1}
    assert {tasks[name]["retries"] for name in EFFECTS} == {3}


def test_spark_is_stopped_after_whatever_the_stages_did(tasks: dict[str, dict[str, Any]]) -> None:
    assert tasks["spark_start"]["setup"]
    stop = tasks["spark_stop"]
    assert stop["teardown"]
    assert {"audit", "spark_start"} <= set(stop["before"])
    assert stop["rule"].lower().endswith("all_done_setup_success")


def test_tasks_run_one_at_a_time_and_past_nights_are_not_caught_up_with(described: dict[str, Any]) -> None:
    assert described["dag"]["active"] == 1
    assert described["dag"]["catchup"] is False
    assert described["tasks"]["verdict"]["before"] == [EFFECTS[-1]]


@pytest.mark.parametrize(
    "as_of", ["2026-01-31; touch planted", "$(touch planted)", '" && touch planted "', "--help\n", ""]
)
def test_a_hostile_night_is_refused_by_open_and_nothing_of_it_is_executed(
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
