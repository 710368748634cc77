"""Recipes that are made of others: what their models do with the models of their members."""

from collections.abc import Mapping

import scipy.sparse as sp

from pipeline.errors import RecipeError
from pipeline.recommenders.protocol import FoldsIn, Recommender


def fold_in_members(members: Mapping[str, Recommender], weights: sp.csr_matrix) -> dict[str, Recommender]:
    """Return each member with listeners folded in, see `FoldsIn.fold_in`; the members stay as they are.

    Raises:
        RecipeError: a member cannot be folded into.
    """
    folded: dict[str, Recommender] = {}
    for name, member in members.items():
        if not isinstance(member, FoldsIn):
            raise RecipeError(f"{name}, of a family that cannot fold in", expected="one that can", fix="Fit it again.")
        folded[name] = member.fold_in(weights)
    return folded
