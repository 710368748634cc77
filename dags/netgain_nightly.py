"""A night of Netgain: ingest, validate, train, measure, decide, publish.

- **The night** of a run is the end of its data interval: midnight UTC, the first instant that the night may not see.
- **A task is retried** only if a retry can help: its command ended with status 75 (MLflow unavailable, another night
  running, Spark lost), a signal ended it, or its worker was lost. Bad input fails at once.
- **A failed night** leaves the previous release served. Fix the cause, then clear the failed task with all downstream
  tasks.
- **A backfill** runs past nights in date order; it never replaces a newer release by an older night's.

Tasks and edges are read from dvc.yaml. More: docs/how-to/run-on-airflow.md.
"""

# Nothing heavy is imported: Airflow parses this file again and again.
import datetime as dt
import itertools
import os
from functools import partial
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import DAG, Param
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowSkipException

from pipeline.graph import EFFECTS, edges, last_stages, read_stages
from pipeline.places import local_path
from pipeline.scheduling import alerts, turns
from pipeline.scheduling.docs import DOCS
from pipeline.scheduling.links import DecisionPage, MonitorPage
from pipeline.scheduling.tasks import Command, command

WORKSPACE = local_path(
    os.environ.get("NETGAIN_WORKSPACE") or Path(__file__).resolve().parents[1], named="NETGAIN_WORKSPACE"
)
# `stages`: one task for each stage. `phases`: all stages in one task and all effects in another, for small machines.
TASKS = os.environ.get("NETGAIN_AIRFLOW_TASKS", "stages")
CATCH_UP_FROM = os.environ.get("NETGAIN_CATCH_UP_FROM", "")
DUE_HOURS = float(os.environ.get("NETGAIN_DUE_HOURS") or 0)

VARIABLES = {
    # The night is the end of the data interval: the first instant that it may not see.
    "AS_OF": "{{ params.as_of or (dag_run.data_interval_end or dag_run.run_after) | ds }}",
    # The tasks of a run are one night and share one lease (ADR 0012).
    "NETGAIN_OWNER": "{{ dag_run.dag_id }} {{ dag_run.run_id }}",
    "LOG_FORMAT": os.environ.get("NETGAIN_FORMAT", "netgain"),
}

task = partial(command, workspace=WORKSPACE, variables=VARIABLES)


def my_turn(*, ti: Any, **_: Any) -> bool:
    """Return whether this run holds the workspace from now on."""
    return turns.take_turn(WORKSPACE, dag_id=ti.dag_id, run_id=ti.run_id, state_of=ti.get_dagrun_state)


def check_night(context: Any) -> None:
    """Check, before a command runs, that the open night is the run's own."""
    turns.require_night(WORKSPACE, context["task"].env["AS_OF"])


def report_verdict(as_of: str) -> str:
    """Send the verdict of the night, and return it; skip the task if the verdict is INVALID, as lists are served."""
    turns.require_night(WORKSPACE, as_of)
    sentence = alerts.night_ended(WORKSPACE, as_of)
    if sentence.startswith("INVALID"):
        raise AirflowSkipException(sentence)
    return sentence


Ends = tuple[Command, list[Command]]


def by_phases(start: Command) -> Ends:
    """Return the last effect and the last stages, with all stages in one task and all effects in another."""
    pure = task("stages", "netgain repro", retries=2, minutes=600, pre_execute=check_night, doc_md=DOCS["stages"])
    world = task("effects", "netgain effects", retries=3, minutes=60, pre_execute=check_night, doc_md=DOCS["effects"])
    start >> pure >> world
    return world, [pure]


def by_stages(start: Command) -> Ends:
    """Return the last effect and the last stages, with a task for each stage of dvc.yaml and for each effect."""
    stages = read_stages(WORKSPACE / "dvc.yaml")
    between = edges(stages)
    # The stages share one Spark server; it is stopped however the night ends.
    spark_start = task(
        "spark_start", "netgain spark start", retries=2, minutes=5, doc_md=DOCS["spark_start"]
    ).as_setup()
    spark_stop = task("spark_stop", "netgain spark stop", retries=2, minutes=5, doc_md=DOCS["spark_stop"]).as_teardown(
        setups=spark_start
    )
    tasks = {
        stage.name: task(
            stage.name.replace("@", "."),
            # graph.py accepts only plain words as names, so a name cannot contain shell syntax.
            f"netgain repro {stage.name}",
            retries=2,
            minutes=120,
            pre_execute=check_night,
            doc_md=stage.desc,
        )
        for stage in stages
    }
    # Effects depend on services that may be unavailable for a while; repeating one changes nothing.
    effects = [
        task(name, f"netgain stage {name}", retries=3, minutes=30, pre_execute=check_night, doc_md=DOCS[name])
        for name in EFFECTS
    ]
    downstream = {after for _, after in between}
    for before, after in sorted(between):
        tasks[before] >> tasks[after]
    for name, pure in tasks.items():
        if name not in downstream:
            start >> spark_start >> pure
    for name in last_stages(stages):
        tasks[name] >> [effects[0], spark_stop]
    for first, second in itertools.pairwise(effects):
        first >> second
    return effects[-1], [tasks[name] for name in last_stages(stages)]


with DAG(
    dag_id="netgain_nightly",
    description="Ingest, validate, train, measure, decide, publish",
    doc_md=__doc__,
    schedule=os.environ.get("NETGAIN_SCHEDULE", "@daily"),
    start_date=dt.datetime.fromisoformat(CATCH_UP_FROM or "2026-01-01").replace(tzinfo=dt.UTC),
    catchup=bool(CATCH_UP_FROM),
    # One night at a time: the stages share a workspace. There is no timeout for the whole run, as Airflow would then
    # skip the task that stops Spark; each task has its own.
    max_active_runs=1,
    # One task at a time: recipes that run side by side would be charged for each other's CPU seconds (ADR 0005).
    max_active_tasks=1,
    default_args={
        "retry_delay": dt.timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": dt.timedelta(minutes=15),
        "on_failure_callback": alerts.task_failed(WORKSPACE),
    },
    # Measured from when the run was queued, not from its date: a backfilled night is not late because it is old.
    # None by default: in Airflow 3.3.2, `airflow dags test` fails with a traceback if a DAG has a deadline.
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=dt.timedelta(hours=DUE_HOURS),
        callback=SyncCallback(alerts.lists_are_late, {"workspace": str(WORKSPACE), "hours": DUE_HOURS}),
    )
    if DUE_HOURS
    else None,
    params={
        "as_of": Param(
            None, type=["null", "string"], format="date", description="The night, if not the schedule's own."
        )
    },
    tags=["netgain"],
) as dag:
    turn = PythonSensor(
        task_id="turn",
        python_callable=my_turn,
        mode="reschedule",
        poke_interval=20,
        timeout=dt.timedelta(hours=12).total_seconds(),
        retries=2,
        op_kwargs={"as_of": VARIABLES["AS_OF"]},
        doc_md=DOCS["turn"],
    )
    # A bad parameter or landing folder does not improve by waiting; a workspace in use does.
    open_night = task(
        "open", 'netgain open --as-of "$AS_OF" --format "$LOG_FORMAT"', retries=6, minutes=60, doc_md=DOCS["open"]
    )
    verdict = PythonOperator(
        task_id="verdict",
        python_callable=report_verdict,
        op_kwargs={"as_of": VARIABLES["AS_OF"]},
        retries=0,
        doc_md=DOCS["verdict"],
    )
    verdict.operator_extra_links = (DecisionPage(), MonitorPage())
    report = task(
        "report",
        "netgain report",
        retries=2,
        minutes=10,
        trigger_rule="all_done_min_one_success",  # however the stages ended, unless the night was never opened
        pre_execute=check_night,
        doc_md=DOCS["report"],
    )
    last_effect, last_pure = (by_phases if TASKS == "phases" else by_stages)(open_night)
    turn >> open_night
    [open_night, *last_pure] >> report
    close = task("close", "netgain close", retries=2, minutes=5, trigger_rule="all_done", doc_md=DOCS["close"])
    [last_effect, report] >> verdict
    [last_effect, report] >> close
