"""The interface of recommenders."""

from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.topk import TopK
from pipeline.recommenders.interactions import Interactions


class Recommender(Protocol):
    """A model family with its hyperparameters; after `fit` or `load`, a model.

    Ties in score are broken by the family's own rule, if it has one, and then by the lower item_idx, so that lists do
    not depend on the order of work. A list is short rather than padded with items without evidence.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """Fit to interactions, discarding any earlier fit, and return self. All randomness comes from `rng`."""
        ...

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """Return the best k items for each listener.

        Args:
            user_idx: int32 of shape (n_users,), rows of the matrix that the model was fitted on.
            k: length of each list.
            exclude: CSR of shape (n_users, n_items); items with a stored entry in row i are excluded from list i.

        Returns:
            TopK of shape (n_users, k).
        """
        ...

    def save(self, folder: Path) -> None:
        """Write arrays (.npy) and JSON, never a pickle; the same model gives the same bytes."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model that `save` wrote to a folder."""
        ...


@runtime_checkable
class FoldsIn(Protocol):
    """A recommender that can take listeners and plays that it was not fitted on; its items stay the same."""

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """Return a model of these listeners, with this model's fitted items; this model does not change.

        Deterministic. Rows do not depend on what the model knew of a listener: it keeps no listener that is not in
        `weights`.

        Args:
            weights: CSR float32 of shape (n_listeners, n_items), like `Interactions.weights`, for any listeners and
                the model's own items.
        """
        ...


def folds_in(model: Recommender) -> bool:
    """Return whether a model can fold in new listeners; an ensemble can if all of its members can."""
    members: dict[str, Recommender] = getattr(model, "members", {})
    return isinstance(model, FoldsIn) and all(folds_in(member) for member in members.values())
