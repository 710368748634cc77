"""Descriptions of the tasks for Airflow's page: what each does, and what to do when it fails."""

_MLFLOW = (
    "While MLflow is unavailable, the record waits in the outbox and the night goes on (`netgain outbox`). Repeating "
    "the task changes nothing."
)

DOCS = {
    "turn": "Waits until no other run uses the workspace, which holds one night at a time: Airflow counts the runs of "
    "a backfill separately from scheduled runs.",
    "open": "`netgain open`: fixes the night's inputs in night/. Fails without a retry on a bad date, parameter or "
    "landing folder; nothing is written then.",
    "spark_start": "`netgain spark start`: one Spark server for all stages.",
    "spark_stop": "`netgain spark stop`; runs however the stages ended.",
    "stages": "`netgain repro`: all stale stages of dvc.yaml. Stages that finished before a failure are kept.",
    "effects": "`netgain effects`: account, record, promote, publish, monitor, erase. Finished ones are not repeated.",
    "account": "Enters the landed files and the interim analyses of challengers into the ledger.",
    "record": f"Records the night in MLflow. {_MLFLOW}",
    "promote": f"Moves the registry's alias `champion` to the served model. {_MLFLOW}",
    "publish": "Builds the release and serves it. A release of an earlier night than the served one is kept but not "
    "served. Releases beyond NETGAIN_KEEP_RELEASES are removed.",
    "monitor": "Scores the lists served before this night against the plays that followed; warnings never stop a "
    "night. See the button *monitor* of the task `verdict`.",
    "erase": "Completes pending erasure requests and writes a certificate to reports/erasures/.",
    "report": "`netgain report`: the pages of the night: Data Docs of the checkpoints it reached, and its decision. "
    "Runs however the stages ended, as a stopped night needs its pages most.",
    "close": "`netgain close`: releases the workspace however the night ended. Without it, other runs would wait for a "
    "failed run for NETGAIN_LEASE_MINUTES.",
    "verdict": "The night in one sentence; skipped if the verdict is INVALID: lists are served, but nothing was "
    "decided. The button *decision page* shows every figure.",
}
"""Markdown by task; the stages' descriptions are in dvc.yaml."""
