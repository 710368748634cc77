"""Nearest neighbours between items."""

from typing import Literal, Self

import numpy as np
import scipy.sparse as sp

from pipeline.params.base import Count
from pipeline.recommenders.family import Family, FamilyParams, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import FoldingNeighbourModel, nearest
from pipeline.recommenders.search_space import OneOf, Whole

BM25_K1 = 1.2
BM25_B = 0.75


class ItemKnnParams(FamilyParams):
    """Nearest neighbours between items."""

    family: Literal["item_knn"] = "item_knn"
    neighbours: Count
    """Neighbours kept for each item."""
    weighting: Literal["bm25", "cosine"]
    """How interactions are weighted before items are compared."""


class ItemKnn(FoldingNeighbourModel[ItemKnnParams]):
    """Similarity of items by the cosine of their listeners (Sarwar et al. 2001).

    Plays are dampened by log1p. With `bm25` they are weighted by Okapi BM25 first (Robertson & Zaragoza 2009), an item
    being the document and its listeners the terms: a listener who plays everything says little, and so does an item
    with many plays.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        from implicit.nearest_neighbours import bm25_weight

        self.profiles = self._profiles(interactions.weights)
        of_items = sp.csr_matrix(self.profiles.T)
        if self.recipe.weighting == "bm25" and of_items.nnz:
            of_items = sp.csr_matrix(bm25_weight(of_items, BM25_K1, BM25_B))
        directions = _unit_rows(of_items)
        self.similarity = nearest(directions, sp.csr_matrix(directions.T), k=self.recipe.neighbours)
        return self


def _unit_rows(rows: sp.csr_matrix) -> sp.csr_matrix:
    """Scale rows to Euclidean length 1: CSR float32; rows of zeros stay."""
    length = np.sqrt(np.asarray(rows.power(2).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return sp.csr_matrix(sp.diags(scale) @ rows, dtype=np.float32)


FAMILY = Family(
    ItemKnn,
    ItemKnnParams,
    stochastic=False,
    reason=Reason("“because you heard X”: nearest items"),
    hours=Hours(upkeep=8, switching=4),
    search_space={"neighbours": Whole(20, 1000, log=True), "weighting": OneOf(("bm25", "cosine"))},
    start=ItemKnnParams(neighbours=200, weighting="bm25"),
)
