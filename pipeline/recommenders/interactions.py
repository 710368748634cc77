"""The listener-item matrix that recommenders learn from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.errors import ValidationFailed
from pipeline.recommenders.order import Follows


@dataclass(frozen=True)
class Interactions:
    """Recency-weighted plays; validated on construction.

    Attributes:
        weights: CSR float32 of shape (n_listeners, n_items), Σ plays · 2^(−age / half-life); column indexes sorted
            within each row, every stored value > 0.
        age_days: int32, aligned with `weights.data`: whole days from the last play to the end of the window.
        order: what was played after what, for families that declare `needs_order`; None where it is not kept.
        tuning: the same listeners' plays cut at an earlier day, for families that declare `needs_tuning`; None for all
            others.
        royalties: float64 of shape (n_items,), ≥ 0, what a play of each item costs [currency]; None where all cost the
            same, and for families that do not declare `needs_royalties`.

    Raises:
        ValidationFailed: a weight is not a positive number, a row's columns are not in order or not distinct, or ages
            are below 0 or not one for each weight.
    """

    weights: sp.csr_matrix
    age_days: npt.NDArray[np.int32]
    tuning: "Tuning | None" = None
    royalties: npt.NDArray[np.float64] | None = None
    order: Follows | None = None

    def __post_init__(self) -> None:
        if fault := _fault(self.weights, self.age_days):
            raise ValidationFailed(
                f"interactions with {fault}",
                expected="one positive finite weight for each listener and item, in order, with its age ≥ 0",
                fix="Make them again from counted plays: run the stage split.",
            )

    @property
    def n_listeners(self) -> int:
        return int(self.weights.shape[0])

    @property
    def n_items(self) -> int:
        return int(self.weights.shape[1])


@dataclass(frozen=True)
class Tuning:
    """Data to tune on: plays before the tuning window, and relevant items within it. Both precede the decision window.

    Attributes:
        interactions: plays before the tuning window. Rows and columns have their own ids, not those of the interactions
            that this belongs to.
        relevant: CSR bool of the same shape, items that each listener played in the tuning window.
        n_relevant: int32 of shape (n_listeners,), number of relevant items, including items without earlier plays,
            which no list can contain.
        only_new: whether lists leave out what a listener has heard before.
    """

    interactions: Interactions
    relevant: sp.csr_matrix
    n_relevant: npt.NDArray[np.int32]
    only_new: bool


def _fault(weights: sp.csr_matrix, age_days: npt.NDArray[np.int32]) -> str | None:
    good = np.isfinite(weights.data) & (weights.data > 0)
    if not good.all():
        first = int(np.argmin(good))
        row = int(np.searchsorted(weights.indptr, first, side="right")) - 1
        return f"a weight of {weights.data[first]} (listener {row}, item {weights.indices[first]})"
    if not weights.has_canonical_format:
        return "columns out of order or repeated within a row"
    if age_days.shape != weights.data.shape:
        return f"{age_days.size} ages of {weights.nnz} weights"
    if age_days.min(initial=0) < 0:
        return f"an age of {age_days.min()} days"
    return None
