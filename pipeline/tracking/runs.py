"""The MLflow records of nights: runs, datasets, artifacts, the registered model and its aliases.

All functions are idempotent: a run is found by its key, and an unfinished run of a crash is deleted and recorded again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import SettingsError, TrackingAway
from pipeline.settings import Settings
from pipeline.tracking.client import experiment_id, tracking_client
from pipeline.tracking.entries import NightRecord
from pipeline.tracking.peek import alias_of, is_promoted, is_recorded
from pipeline.tracking.probe import probe
from pipeline.tracking.records import ModelRecord, RunRecord
from pipeline.tracking.views import VIEW_TAG, saved_view

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MODEL = "netgain"
KEY = "netgain.key"
MODEL_DIGEST = "netgain.model"
CHAMPION, PREVIOUS = "champion", "previous"


def find_recorded(settings: Settings, key: str, digest: str) -> bool:
    """Return True if the embedded store holds the night and its model; False means unknown."""
    return is_recorded(settings.mlflow_uri, run_tag=(KEY, key), version_tag=(MODEL_DIGEST, digest))


class NotRecorded(SettingsError):
    """The model to be promoted is not in the registry."""


def record_night(settings: Settings, record: NightRecord) -> bool:
    """Record a night with a child run for each recipe, and register its model if it is new.

    Returns:
        Whether anything was recorded; a complete record is left as it is.

    Raises:
        TrackingAway: MLflow does not answer.
    """
    with tracking_client(settings) as client:
        view = (VIEW_TAG, saved_view(record.metric, created_ms=record.at_ms))
        experiment = experiment_id(client, settings, record.about, view=view)
        found = _runs_of(client, experiment, record.key)
        whole = next((run for run in found if run.info.status == "FINISHED"), None)
        for run in found:
            if run is not whole:
                _delete(client, experiment, run)
        if whole is not None:
            _register(client, whole, record.model)
            return False
        end = record.at_ms
        parent = start_run(client, experiment, record.night, end, {KEY: record.key})
        for recipe in record.recipes:
            child = start_run(client, experiment, recipe, end, {"mlflow.parentRunId": parent.info.run_id})
            client.set_terminated(child.info.run_id, "FINISHED", end)
        client.log_artifacts(parent.info.run_id, str(record.model.folder), "model")
        _register(client, parent, record.model)
        # A server that timed out may still have created a run, after the search for it.
        for run in _runs_of(client, experiment, record.key):
            if run.info.run_id != parent.info.run_id:
                _delete(client, experiment, run)
        # Last, so that a run marked FINISHED is complete.
        client.set_terminated(parent.info.run_id, "FINISHED", end)
    return True


def champion_of(settings: Settings, digest: str) -> tuple[str | None, bool]:
    """Return the version that `champion` names, and whether it has this content. The embedded store is only read, not
    created or migrated.

    Raises:
        TrackingAway: MLflow does not answer, or its embedded store does not exist.
    """
    uri = settings.mlflow_uri
    if uri.startswith("sqlite:///"):
        if not Path(uri.removeprefix("sqlite:///")).is_file():
            raise TrackingAway(f"no store at {uri}", expected="MLflow's store", fix="The next night creates it.")
        probe(uri)
        tag = (MODEL_DIGEST, digest)
        known = is_promoted(uri, model=MODEL, alias=CHAMPION, version_tag=tag)
        return known or alias_of(uri, model=MODEL, alias=CHAMPION), known is not None
    probe(uri)
    with tracking_client(settings) as client:
        champion = _champion(client)
    return (None, False) if champion is None else (str(champion.version), champion.tags.get(MODEL_DIGEST) == digest)


def promote_model(settings: Settings, digest: str, as_of: str, *, back: bool = False) -> tuple[str, bool]:
    """Set `champion` to the version with this content, and `previous` to the version before it.

    The alias moves only if the content differs, and to an earlier night's model only with `back`, as it follows the
    served release.

    Returns:
        The version that `champion` names now, and whether it moved.

    Raises:
        TrackingAway: MLflow does not answer.
        NotRecorded: the model was never recorded.
    """
    known = is_promoted(settings.mlflow_uri, model=MODEL, alias=CHAMPION, version_tag=(MODEL_DIGEST, digest))
    if known is not None:
        return known, False
    with tracking_client(settings) as client:
        version = _version_of(client, digest)
        if version is None:
            raise NotRecorded(
                "the night's model is not in the registry",
                expected="a recorded night",
                fix="Run `netgain stage record` first.",
            )
        old = _champion(client)
        later = not back and old is not None and old.tags.get("as_of", "") > as_of
        if old is not None and (old.tags.get(MODEL_DIGEST) == digest or later):
            return str(old.version), False
        # `previous` first: after a crash in between, the old champion is still set, and running again completes it.
        if old is not None:
            client.set_registered_model_alias(MODEL, PREVIOUS, old.version)
        client.set_registered_model_alias(MODEL, CHAMPION, version)
    return version, True


def start_run(client: "MlflowClient", experiment: str, record: RunRecord, end: int, tags: Mapping[str, str]) -> "Run":
    """Create a run with all that a record holds; it is left running."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    source = {"mlflow.source.name": "netgain", "mlflow.source.type": "JOB", "mlflow.user": "netgain"}
    run = client.create_run(
        experiment,
        start_time=end - max(1, round(1000 * record.seconds)),
        tags={**source, **record.tags, **tags, "mlflow.note.content": record.note},
        run_name=record.name,
    )
    run_id = run.info.run_id
    metrics = [Metric(name, value, end, 0) for name, value in record.metrics.items()]
    metrics += [Metric(n, value, end, step) for n, values in record.series.items() for step, value in enumerate(values)]
    params = [Param(name, value) for name, value in record.params.items()]
    for start in range(0, max(len(metrics), len(params)), 100):
        client.log_batch(run_id, metrics=metrics[start : start + 100], params=params[start : start + 100])
    if record.data is not None:
        data = record.data
        dataset = Dataset(
            data.name,
            data.digest[:36],
            "local",
            json.dumps({"uri": data.source}),
            json.dumps({"mlflow_colspec": [{"name": n, "type": t, "required": True} for n, t in data.columns.items()]}),
            json.dumps(dict(data.profile)),
        )
        client.log_inputs(run_id, datasets=[DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    for path, folder in record.artifacts:
        log = client.log_artifacts if path.is_dir() else client.log_artifact
        log(run_id, str(path), folder)
    return run


def _runs_of(client: "MlflowClient", experiment: str, key: str) -> "list[Run]":
    return list(client.search_runs([experiment], f"tags.`{KEY}` = '{key}'"))


def _delete(client: "MlflowClient", experiment: str, run: "Run") -> None:
    """Delete what a crash left of a night: child runs, model versions and the run."""
    for child in client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"):
        client.delete_run(child.info.run_id)
    for version in client.search_model_versions(f"run_id = '{run.info.run_id}'"):
        client.delete_model_version(version.name, version.version)
    client.delete_run(run.info.run_id)


def _register(client: "MlflowClient", run: "Run", model: ModelRecord) -> None:
    """Register a model version from the run's plain files, arrays and JSON; nothing is pickled."""
    from mlflow.exceptions import MlflowException

    if _version_of(client, model.digest) is not None:
        return
    try:
        client.get_registered_model(MODEL)
    except MlflowException:
        client.create_registered_model(MODEL, description="The models of Netgain. `champion` is the served one.")
    client.create_model_version(
        MODEL,
        source=f"{run.info.artifact_uri}/model",
        run_id=run.info.run_id,
        tags={**model.tags, MODEL_DIGEST: model.digest},
        description=model.note,
    )


def _version_of(client: "MlflowClient", digest: str) -> str | None:
    found = client.search_model_versions(f"name = '{MODEL}' and tags.`{MODEL_DIGEST}` = '{digest}'")
    return max((str(version.version) for version in found), key=int, default=None)


def _champion(client: "MlflowClient") -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(MODEL, CHAMPION)
    except MlflowException as err:
        if err.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
