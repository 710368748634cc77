"""The record of a night as plain values, independent of MLflow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainingData:
    """The training table of a run.

    Attributes:
        name: name of the data set.
        digest: fingerprint of the content, at most 36 characters.
        source: URI of the data.
        columns: types by column name.
        profile: summary figures.
    """

    name: str
    digest: str
    source: str
    columns: Mapping[str, str]
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """The content of a run.

    Attributes:
        metrics: finite values by name.
        series: values by step, such as one for each seed.
        note: Markdown, shown at the top of the run's page.
        seconds: the run's duration [s].
        artifacts: pairs of a source and its folder in the run; a source folder is stored without its name.
        data: the training table, if any.
    """

    name: str
    note: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    seconds: float
    series: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    artifacts: tuple[tuple[Path, str], ...] = ()
    data: TrainingData | None = None


@dataclass(frozen=True)
class ModelRecord:
    """The model of a night: its folder, a digest of its content, and its description and tags in the registry."""

    folder: Path
    digest: str
    note: str
    tags: Mapping[str, str]
