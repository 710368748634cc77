"""What is recorded of a night, as values: nothing here knows MLflow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainingData:
    """The table that a run learned from.

    Attributes:
        digest: tells tables apart; MLflow takes 36 characters.
        columns: type by name.
        profile: figures of it.
    """

    name: str
    digest: str
    source: str
    columns: Mapping[str, str]
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """What becomes a run.

    Attributes:
        metrics: finite values.
        series: values by step, as one for each seed.
        note: Markdown, shown at the top of the run's page.
        seconds: how long the work took [s]; the run's duration.
        artifacts: sources with the folder in the run that they go to; a folder's files go there without its name.
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
    """The model of a night: its folder, a digest of its content, and what the registry says of it."""

    folder: Path
    digest: str
    note: str
    tags: Mapping[str, str]
