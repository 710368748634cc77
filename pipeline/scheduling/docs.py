"""What each task does and what to do when it fails, as Airflow's page shows it."""

_MLFLOW = (
    "While MLflow is away it waits in the outbox, and the night goes on (`netgain outbox`). Doing it again changes "
    "nothing."
)

DOCS = {
    "turn": "Waits until no other run is at work in the workspace: it holds one night at a time, and Airflow "
    "counts the runs of a backfill apart from those of the schedule.",
    "open": "`netgain open`: fixes the night's inputs in night/. Fails once on a bad date, parameter or landing "
    "folder; nothing was written then.",
    "spark_start": "`netgain spark start`: one Spark server for all stages.",
    "spark_stop": "`netgain spark stop`, however the stages ended.",
    "stages": "`netgain repro`: all stages of dvc.yaml that are stale. What ran before a failure is kept.",
    "effects": "`netgain effects`: account, record, promote, publish, monitor, erase. What is done is not done again.",
    "account": "Enters the landed files and the look at challengers into the ledger.",
    "record": f"Enters the night into MLflow. {_MLFLOW}",
    "promote": f"Lets the registry's alias `champion` follow what is served. {_MLFLOW}",
    "publish": "Makes the release and serves it. One of an earlier night than what is served is kept, not served. "
    "Releases beyond NETGAIN_KEEP_RELEASES are removed.",
    "monitor": "Scores the lists served before this night against what listeners then played; warnings never stop a "
    "night. See the button *monitor* of the task `verdict`.",
    "erase": "Completes what listeners who leave have asked for, with a certificate in reports/erasures/.",
    "report": "`netgain report`: the pages of the night, Data Docs as far as it came and its decision. Runs however "
    "the stages ended: a night that was stopped is the one to look at.",
    "close": "`netgain close`: gives the workspace back, however the night ended. Without it a run that failed would "
    "keep others waiting for NETGAIN_LEASE_MINUTES.",
    "verdict": "The night in a sentence; skipped where the verdict is INVALID: lists are served, nothing was decided. "
    "The button *decision page* shows every figure.",
}
"""Markdown by task; stages have theirs in dvc.yaml."""
