"""Section `lists` of params.yaml."""

from typing import Annotated

from pydantic import Field

from pipeline.params.base import Frozen


class ListParams(Frozen):
    """Lengths of the published lists."""

    n_items: Annotated[int, Field(ge=1, le=1000)]
    """Items in a listener's list. Recipes are judged at this length: `evaluation.k` is the same."""
    n_fallback: Annotated[int, Field(ge=1, le=10000)]
    """Items in the list for unknown listeners."""
