"""Converts a night's record to an entry of the outbox, and back."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.state.location import Where
from pipeline.state.outbox import Waiting, put
from pipeline.tracking.records import ModelRecord, RunRecord, TrainingData

_MODEL = "model"


@dataclass(frozen=True)
class NightRecord:
    """The MLflow record of a night.

    Attributes:
        key: identifies the night; records with the same key are the same night.
        night: the run of the night.
        recipes: its child runs.
        model: the model version to register.
        about: the experiment's description, Markdown.
        metric: the metric of the saved view of runs.
        at_ms: when the night was recorded [ms since 1970]; the end time of its runs, however late they are delivered.
    """

    key: str
    night: RunRecord
    recipes: tuple[RunRecord, ...]
    model: ModelRecord
    about: str
    metric: str
    at_ms: int


def put_record(where: Where, record: NightRecord) -> Waiting:
    """Put a record, with copies of its artifacts, into the outbox.

    Raises:
        SettingsError: the disk is full or not writable.
    """
    files = {_MODEL: record.model.folder}
    runs = []
    for number, run in enumerate((record.night, *record.recipes)):
        inside = [f"files/{number}-{place}/{path.name}" for place, (path, _) in enumerate(run.artifacts)]
        files |= {name: path for name, (path, _) in zip(inside, run.artifacts, strict=True)}
        folders = [folder for _, folder in run.artifacts]
        runs.append(_plain(run) | {"artifacts": list(zip(inside, folders, strict=True))})
    body = {name: getattr(record, name) for name in ("key", "about", "metric", "at_ms")}
    body |= {"runs": runs, "model": _plain(record.model) | {"folder": _MODEL}}
    return put(where, "record", record.key, body, files)


def read_record(entry: Waiting) -> NightRecord:
    """Return the record of an entry; its artifacts are the entry's copies.

    Raises:
        TableError: the entry is damaged.
    """
    body = entry.body()
    night, *recipes = (_run(raw, entry.folder) for raw in body["runs"])
    model = ModelRecord(**body["model"] | {"folder": entry.folder / body["model"]["folder"]})
    values = {name: body[name] for name in ("key", "about", "metric", "at_ms")}
    return NightRecord(night=night, recipes=tuple(recipes), model=model, **values)


def _plain(record: RunRecord | ModelRecord) -> dict[str, Any]:
    return {f.name: _value(getattr(record, f.name)) for f in dataclasses.fields(record)}


def _value(value: Any) -> Any:
    if isinstance(value, TrainingData):
        return dataclasses.asdict(value)
    return dict(value) if isinstance(value, Mapping) else value


def _run(raw: Mapping[str, Any], folder: Path) -> RunRecord:
    return RunRecord(
        **{
            **raw,
            "series": {name: tuple(values) for name, values in raw["series"].items()},
            "artifacts": tuple((folder / path, place) for path, place in raw["artifacts"]),
            "data": None if raw["data"] is None else TrainingData(**raw["data"]),
        }
    )
