"""The declaration of a metric. Schemas, names in files, pages, MLflow and the reference are derived from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

Direction = Literal["higher", "lower", "neither"]
"""Which values of a metric are better."""

LAST = 100
"""Place of a metric that does not say where it belongs: after those that do."""


@dataclass(frozen=True)
class ListenerMetric:
    """A metric with a value for each listener; its mean over listeners is written as `{mean_name}_at_{k}`.

    Attributes:
        name: column of the evaluation table.
        mean_name: name of the mean, such as `map` for `average_precision`.
        label: for people, such as `MAP`.
        description: one sentence for people.
        values: returns float64 of shape (n_users,) from hits, bool of shape (n_users, k), and the number of relevant
            items, int32 of shape (n_users,). NaN where a listener has no relevant item.
        unit: of a value.
        direction: which values are better.
        place: position among columns and on pages; then by name.
    """

    name: str
    mean_name: str
    label: str
    description: str
    values: Callable[[Bools, npt.NDArray[np.int32]], Floats]
    unit: str = "share"
    direction: Direction = "higher"
    place: int = LAST

    def key(self, k: int) -> str:
        """Return the name of its mean for lists of length k, such as `map_at_10`."""
        return f"{self.mean_name}_at_{k}"

    @property
    def record_name(self) -> str:
        """Its name in a decision record, which states k once for all metrics."""
        return self.mean_name

    def title(self, k: int) -> str:
        """Return its label for lists of length k, such as `MAP@10`."""
        return f"{self.label}@{k}"


@dataclass(frozen=True)
class Shown:
    """The lists of one fit, aggregated over listeners.

    Attributes:
        exposure: shape (n_items,), how many lists hold each item.
        popularity: int32 of shape (n_items,), training listeners of each item.
        n_listeners: listeners in training.
    """

    exposure: Counts
    popularity: npt.NDArray[np.int32]
    n_listeners: int


@dataclass(frozen=True)
class CatalogueMetric:
    """A metric of all lists together.

    Attributes:
        name: in data/metrics/RECIPE.json, the decision record and MLflow.
        label: for people.
        description: one sentence for people.
        value: returns the figure, NaN where it is undefined.
        unit: of the figure.
        direction: which values are better.
        place: position on pages; then by name.
    """

    name: str
    label: str
    description: str
    value: Callable[[Shown], float]
    unit: str = "share"
    direction: Direction = "neither"
    place: int = LAST

    def key(self, k: int) -> str:
        """Return its name, which does not depend on k."""
        return self.name

    @property
    def record_name(self) -> str:
        """Its name in a decision record."""
        return self.name

    def title(self, k: int) -> str:
        """Return its label, which does not depend on k."""
        return self.label


Metric = ListenerMetric | CatalogueMetric
