"""Names that players write in place of an artist whom they do not know."""

from collections.abc import Sequence

import polars as pl

from pipeline.params.interactions import PLACEHOLDERS

_INVISIBLE = r"^[\s\p{Cf}]+|[\s\p{Cf}]+$"  # white space, and what has no width


def is_placeholder(artists: pl.Series, names: Sequence[str] = PLACEHOLDERS) -> pl.Series:
    """Return a mask of the artists that are no artist: in any case, with any white space around, or nothing but that.

    Examples:
        >>> is_placeholder(pl.Series(["Unknown Artist", " <UNKNOWN> ", "Unknown Mortal Orchestra"])).to_list()
        [True, True, False]
    """
    distinct = artists.unique()
    found = distinct.filter(_plain(distinct).is_in(_plain(pl.Series([*names, ""])).implode()))
    return artists.is_in(found.implode())


def _plain(texts: pl.Series) -> pl.Series:
    return texts.str.normalize("NFKC").str.replace_all(_INVISIBLE, "").str.to_lowercase()
