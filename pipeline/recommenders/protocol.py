"""What every family of recommenders offers."""

from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.topk import TopK
from pipeline.recommenders.interactions import Interactions


class Recommender(Protocol):
    """A model family with its hyperparameters; after `fit` or `load`, a model.

    Ties in score are broken by the family's own rule, where it has one, and then by the lower item_idx, so that lists
    do not depend on the order of work. A list is rather short than padded with items that nothing speaks for.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """Learn from interactions, from scratch: a second call forgets the first."""
        ...

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """The best k items for each listener.

        Args:
            user_idx: int32 of shape (n_users,), rows of the matrix that the model was fitted on.
            k: length of each list.
            exclude: CSR of shape (n_users, n_items); the stored entries of row i are kept out of list i.

        Returns:
            TopK of shape (n_users, k).
        """
        ...

    def save(self, folder: Path) -> None:
        """Write arrays (.npy) and JSON, never a pickle; the same model gives the same bytes."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        ...


@runtime_checkable
class FoldsIn(Protocol):
    """A family that can answer for listeners and plays that came after the fit, as long as the items stay."""

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """A model of these listeners, its items as they were fitted; this one stays as it is.

        Nothing is drawn at random, and no row depends on what the model knew of a listener: who is not in `weights`
        is not in the model.

        Args:
            weights: CSR float32 of shape (n_listeners, n_items), as `Interactions.weights`: any listeners, by the
                model's own items.
        """
        ...


def folds_in(model: Recommender) -> bool:
    """Whether a model, and each member of an ensemble, can be folded into."""
    members: dict[str, Recommender] = getattr(model, "members", {})
    return isinstance(model, FoldsIn) and all(folds_in(member) for member in members.values())
