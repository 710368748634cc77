"""The MLflow records of hyperparameter searches, in an experiment of their own."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.settings import Settings
from pipeline.tracking.client import experiment_id, tracking_client
from pipeline.tracking.records import RunRecord
from pipeline.tracking.runs import KEY, start_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "netgain tuning"


def record_search(
    settings: Settings, key: str, search: RunRecord, trials: Mapping[str, RunRecord], *, about: str
) -> int:
    """Record a search, with a child run for each trial so far.

    Args:
        settings: the machine's settings.
        key: identifies the search; its run is updated.
        search: the run of the search.
        trials: the runs of trials by key; a recorded trial is skipped, an unfinished one of a crash recorded again.
        about: the experiment's description, Markdown.

    Returns:
        The number of newly recorded trials.

    Raises:
        TrackingAway: MLflow does not answer.
    """
    with tracking_client(settings) as client:
        experiment = experiment_id(client, settings, about, name=EXPERIMENT)
        end = int(time.time() * 1000)
        found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'")
        parent = found[0] if found else start_run(client, experiment, search, end, {KEY: key})
        run_id = parent.info.run_id
        whole = _whole_children(client, experiment, run_id)
        new = {each: record for each, record in trials.items() if each not in whole}
        for each, record in new.items():
            tags = {KEY: each, "mlflow.parentRunId": run_id}
            child = start_run(client, experiment, record, end, tags)
            client.set_terminated(child.info.run_id, "FINISHED", end)
        if new and found:
            _bring_up_to_date(client, parent, search, end)
        client.set_terminated(run_id, "FINISHED", end)
    return len(new)


def _whole_children(client: "MlflowClient", experiment: str, run_id: str) -> set[str]:
    """Return the keys of the recorded trials; unfinished runs of a crash are deleted."""
    whole = set()
    page: str | None = None
    while True:
        runs = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'", page_token=page)
        for run in runs:
            if run.info.status == "FINISHED":
                whole.add(run.data.tags[KEY])
            else:
                client.delete_run(run.info.run_id)
        page = runs.token
        if not page:
            return whole


def _bring_up_to_date(client: "MlflowClient", run: "Run", search: RunRecord, end: int) -> None:
    from mlflow.entities import Metric

    run_id = run.info.run_id
    client.log_batch(run_id, metrics=[Metric(name, value, end, 0) for name, value in search.metrics.items()])
    client.set_tag(run_id, "mlflow.note.content", search.note)
