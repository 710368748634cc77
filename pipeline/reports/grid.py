"""Tables of pages. On a narrow screen each row becomes lines, `label: value`, so that nothing has to be scrolled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Cells = Sequence[str]


@dataclass(frozen=True)
class Grid:
    """A table, drawn by the macro `grid` of grid.html.j2; cells are escaped unless they are Markup.

    Attributes:
        label: what it shows, for screen readers.
        heads: the heads of its columns; the first column names the row.
        rows: their cells.
        prose: heads of columns with sentences, which may be wrapped.
        strong: names of the rows that are emphasised.
    """

    label: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: frozenset[str] = field(default_factory=frozenset)
    strong: frozenset[str] = field(default_factory=frozenset)


def grid(
    label: str, heads: Sequence[str], rows: Iterable[Cells], *, prose: Sequence[str] = (), strong: Sequence[str] = ()
) -> Grid:
    """Return a table.

    Raises:
        ValueError: a row has more or fewer cells than there are heads.
    """
    found = tuple(tuple(row) for row in rows)
    if any(len(row) != len(heads) for row in found):
        raise ValueError(f"{label}: a row does not have {len(heads)} cells")
    return Grid(label, tuple(heads), found, frozenset(prose), frozenset(strong))
