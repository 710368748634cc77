"""Back to an earlier release in one step, by hand. Trigger it with who decides and why.

It needs neither MLflow nor Spark, does not wait for a night that is running, and is on record in
the state database. The release that was rolled back from is not served again by publishing the same content; the
next night's release takes its place.
"""

import datetime as dt
import os
from pathlib import Path

from airflow.sdk import DAG, Param

from pipeline.scheduling.alerts import task_failed
from pipeline.scheduling.tasks import command

WORKSPACE = Path(os.environ.get("NETGAIN_WORKSPACE", Path(__file__).resolve().parents[1]))

with DAG(
    dag_id="netgain_rollback",
    description="Serve an earlier release again",
    doc_md=__doc__,
    schedule=None,
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    max_active_runs=1,
    is_paused_upon_creation=False,  # it is for the worst of nights: nobody should have to look for a switch first
    default_args={"on_failure_callback": task_failed(WORKSPACE), "retries": 0},
    params={
        "release": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-\d{2}-\d{2}-[0-9a-f]{12}$",
            description="The release, as `netgain releases` names it. Default: the one that was served before.",
        ),
        "by": Param(type="string", minLength=1, description="Who decides."),
        "reason": Param(type="string", minLength=1, description="Why."),
    },
    tags=["netgain"],
) as dag:
    command(
        "rollback",
        'netgain rollback --to "$RELEASE" --by "$BY" --reason "$REASON"',
        workspace=WORKSPACE,
        variables={
            "RELEASE": "{{ params.release or '' }}",  # empty: the one before
            "BY": "{{ params.by }}",
            "REASON": "{{ params.reason }}",
        },
        minutes=5,
        doc_md="`netgain rollback`: checksums first, then one rename. Nothing changes if a file is not as published.",
    )
