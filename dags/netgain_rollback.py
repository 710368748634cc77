"""Serve an earlier release again, by hand. Trigger the DAG with who decides and why.

It needs neither MLflow nor Spark, does not wait for a running night, and is recorded in the state database. The
release that was rolled back from is withdrawn: publishing the same content does not serve it again. The next night's
release replaces the one rolled back to.
"""

import datetime as dt
import os
from pathlib import Path

from airflow.sdk import DAG, Param

from pipeline.places import local_path
from pipeline.scheduling.alerts import task_failed
from pipeline.scheduling.tasks import command

WORKSPACE = local_path(
    os.environ.get("NETGAIN_WORKSPACE") or Path(__file__).resolve().parents[1], named="NETGAIN_WORKSPACE"
)

with DAG(
    dag_id="netgain_rollback",
    description="Serve an earlier release again",
    doc_md=__doc__,
    schedule=None,
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    max_active_runs=1,
    is_paused_upon_creation=False,  # it is for emergencies: no switch to find first
    default_args={"on_failure_callback": task_failed(WORKSPACE), "retries": 0},
    params={
        "release": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-\d{2}-\d{2}-[0-9a-f]{12}$",
            description="The release id, as in `netgain releases`. Default: the release served before.",
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
            "RELEASE": "{{ params.release or '' }}",  # empty: the previous release
            "BY": "{{ params.by }}",
            "REASON": "{{ params.reason }}",
        },
        minutes=5,
        doc_md="`netgain rollback`: verifies the checksums, then renames one file. If a file differs, nothing changes.",
    )
