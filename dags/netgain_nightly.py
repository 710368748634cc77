"""The nightly DAG: its tasks and edges are drawn from dvc.yaml.

Imports nothing heavy: the scheduler reads this file again and again. Parameters reach tasks through their environment,
never through the text of a command.
"""

import datetime as dt
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Param
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from pipeline.graph import EFFECTS, edges, last_stages, read_stages

WORKSPACE = Path(os.environ.get("NETGAIN_WORKSPACE", Path(__file__).resolve().parents[1]))
BIN = Path(sys.executable).parent
JUDGES = frozenset({"validate", "split", "audit"})
"""Stages whose failure is a judgement on the data: the same data fail again."""

ENVIRONMENT = {
    "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
    # The night is the end of the data interval: the first instant that it may not see.
    "AS_OF": "{{ params.as_of or (dag_run.data_interval_end or dag_run.run_after) | ds }}",
    "LOG_FORMAT": os.environ.get("NETGAIN_FORMAT", "netgain"),
}


def require_night(as_of: str) -> None:
    """Refuse, without another try, to work on a night that is not the run's own.

    A workspace holds one night. A task of an older run that is cleared would find a later one, and pass for it.
    """
    night = yaml.safe_load((WORKSPACE / "night" / "night.yaml").read_text(encoding="utf-8"))
    if str(night["as_of"]) != as_of:
        raise AirflowFailException(
            f"the night of {night['as_of']} is open in {WORKSPACE}, this run is that of {as_of}: clear the whole run"
        )


def check_night(context: Any) -> None:
    """Airflow's hook ahead of a command that works on the open night."""
    require_night(context["task"].env["AS_OF"])


def command(task_id: str, bash_command: str, *, retries: int, minutes: int, **more: Any) -> BashOperator:
    """A task that runs one command in the workspace; it passes with status 0 and with nothing else.

    Args:
        retries: how often it is tried again.
        minutes: how long a try may take.
    """
    return BashOperator(
        task_id=task_id,
        bash_command=bash_command,
        retries=retries,
        execution_timeout=dt.timedelta(minutes=minutes),
        cwd=str(WORKSPACE),
        env=ENVIRONMENT,
        append_env=True,
        skip_on_exit_code=None,
        **more,
    )


def verdict(as_of: str) -> str:
    """The night in a sentence. A night that could not decide has served its lists, and shows here as skipped."""
    require_night(as_of)
    decision = json.loads((WORKSPACE / "data" / "decision.json").read_text(encoding="utf-8"))
    sentence = f"{decision['verdict']}: {decision['sentence']}"
    if decision["verdict"] == "INVALID":
        raise AirflowSkipException(sentence)
    return sentence


with DAG(
    dag_id="netgain_nightly",
    description="Ingest, validate, train, measure, decide, publish",
    doc_md=__doc__,
    schedule="@daily",
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    # One night at a time: the stages share a workspace. No timeout of the whole: Airflow would skip the task that stops
    # Spark; each task has its own.
    max_active_runs=1,
    # One task at a time: recipes that run beside each other are charged for each other's seconds (ADR 0005).
    max_active_tasks=1,
    default_args={"retry_delay": dt.timedelta(minutes=1), "retry_exponential_backoff": 2.0},
    params={
        "as_of": Param(
            None, type=["null", "string"], format="date", description="The night, where it is not that of the schedule."
        )
    },
    tags=["netgain"],
) as dag:
    stages = read_stages(WORKSPACE / "dvc.yaml")
    between = edges(stages)

    # A bad parameter or landing folder is as bad a minute later.
    open_night = command("open", 'netgain open --as-of "$AS_OF" --format "$LOG_FORMAT"', retries=0, minutes=60)
    # The stages share one Spark server; it is stopped however the night ends.
    spark_start = command("spark_start", "netgain spark start", retries=2, minutes=5).as_setup()
    spark_stop = command("spark_stop", "netgain spark stop", retries=2, minutes=5).as_teardown(setups=spark_start)

    tasks = {
        stage.name: command(
            stage.name.replace("@", "."),
            # graph.py refuses names that are more than a word, so nothing of the shell can be in them.
            f"dvc --wait-for-lock repro --single-item {stage.name}",
            retries=0 if stage.name in JUDGES else 1,
            minutes=120,
            pre_execute=check_night,
            doc_md=stage.desc,
        )
        for stage in stages
    }
    # They act on the world, which may be away for a while; doing them again changes nothing.
    effects = [
        command(name, f"netgain stage {name}", retries=3, minutes=30, pre_execute=check_night) for name in EFFECTS
    ]

    downstream = {after for _, after in between}
    for before, after in sorted(between):
        tasks[before] >> tasks[after]
    for name, pure in tasks.items():
        if name not in downstream:
            open_night >> spark_start >> pure
    for name in last_stages(stages):
        tasks[name] >> [effects[0], spark_stop]
    for first, second in itertools.pairwise(effects):
        first >> second
    effects[-1] >> PythonOperator(
        task_id="verdict", python_callable=verdict, op_kwargs={"as_of": ENVIRONMENT["AS_OF"]}, retries=0
    )
