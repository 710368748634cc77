"""The table of what groups of listeners contribute to each night's comparisons."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.storage.schemas import INFLUENCE
from pipeline.storage.tables import read_table

Floats = npt.NDArray[np.float64]


def influence_table(nights: Mapping[tuple[str, str], Floats], parts: Sequence[str]) -> pa.Table:
    """Return a table of INFLUENCE.

    Args:
        nights: for challenger and night, shape (len(parts), n_groups).
        parts: names of the rows of each array.
    """
    tables = []
    for (challenger, as_of), values in sorted(nights.items()):
        for part, row in sorted(zip(parts, values, strict=True), key=lambda each: each[0]):
            groups = np.flatnonzero(row)
            names = ([text] * len(groups) for text in (challenger, as_of, part))
            tables.append(pa.table([*names, groups.astype(np.int16), row[groups]], schema=INFLUENCE))
    return pa.concat_tables(tables) if tables else INFLUENCE.empty_table()


def read_influence(
    path: Path, nights: Mapping[str, Sequence[str]], parts: Sequence[str], n_groups: int
) -> dict[str, Floats]:
    """Return, for each challenger, float64 of shape (n_nights, len(parts), n_groups).

    Args:
        path: a table of INFLUENCE.
        nights: for each challenger, its nights in the order of the result; one without rows has only zeros.
        parts: names of the parts, in the order of the result.
        n_groups: number of groups.

    Raises:
        TableError: the file is missing or has other columns.
        ValueError: a group or a part is not among those.
    """
    table = read_table(path, INFLUENCE)
    found = {}
    for challenger, days in nights.items():
        mine = table.filter(pc.equal(table["challenger"], challenger))
        mine = mine.filter(pc.is_in(mine["as_of"], pa.array(list(days), pa.string())))
        night, part = (
            pc.index_in(mine[name], pa.array(list(order), pa.string())).to_numpy()
            for name, order in (("as_of", days), ("part", parts))
        )
        group = mine["group"].to_numpy()
        if np.isnan(part.astype(np.float64)).any() or (
            mine.num_rows and not 0 <= group.min() <= group.max() < n_groups
        ):
            raise ValueError(f"a part or a group of {challenger} is unknown")
        values = np.zeros((len(days), len(parts), n_groups))
        values[night.astype(np.intp), part.astype(np.intp), group] = mine["influence"].to_numpy()
        found[challenger] = values
    return found
