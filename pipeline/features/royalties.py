"""royalties.csv: what a play of an item costs, where items differ; and the table that stages read it from.

`netgain open` checks the file beside params.yaml and writes it as night/royalties.parquet, so that a night keeps the
prices that it was decided by.
"""

import csv
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import ParamsError
from pipeline.features.lists import rows_of
from pipeline.storage.tables import read_table, write_table

FILE = "royalties.csv"
"""Beside params.yaml, with the columns item_id and royalty_per_play; a service whose items cost the same has none."""

USUAL = ""
"""The item_id of the row with the card's price, for items without a row. It is written where other rows are."""

ROYALTIES = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("royalty_per_play", pa.float64(), nullable=False),  # in the currency of the price card, ≥ 0
    ]
)
"""Sorted by item_id, each once."""

_FIX = "Write a row `item_id,royalty_per_play` for each item, an id as in data/items.parquet and an amount."


def read_csv(path: Path) -> dict[str, float]:
    """Return the royalty of a play [currency] by item; empty without a file.

    Raises:
        ParamsError: the file is not a table of that form, or an item is named twice.
    """
    if not path.exists():
        return {}
    prices: dict[str, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, strict=True)
            if not {"item_id", "royalty_per_play"} <= set(rows.fieldnames or ()):
                found = ", ".join(rows.fieldnames or ()) or "nothing"
                raise ParamsError(f"{path} has the columns {found}", expected="item_id and royalty_per_play", fix=_FIX)
            for row in rows:
                where = f"{path}, line {rows.line_num}"
                item, price = row["item_id"] or "", _amount(row["royalty_per_play"])
                if item == USUAL or price is None:
                    said = f"{item[:60]!r}, {str(row['royalty_per_play'])[:60]!r}"
                    raise ParamsError(f"{where}: {said}", expected="an item and an amount of at least 0", fix=_FIX)
                if item in prices:
                    raise ParamsError(f"{where}: {item[:60]!r} again", expected="one row an item", fix=_FIX)
                prices[item] = price
    except (UnicodeDecodeError, csv.Error, OSError) as err:
        why = " ".join(str(err).split())
        raise ParamsError(f"{path} cannot be read: {why}", expected="a CSV file in UTF-8", fix=_FIX) from err
    return prices


def _amount(text: str | None) -> float | None:
    try:
        amount = float(text or "")
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def write_royalties(path: Path, prices: dict[str, float], *, usual: float) -> None:
    """Write the table; without prices it is empty, whatever is usual.

    Args:
        path: night/royalties.parquet.
        prices: by item [currency / play].
        usual: for items without a price.
    """
    rows = sorted({USUAL: usual, **prices}.items()) if prices else []
    table = {"item_id": [item for item, _ in rows], "royalty_per_play": [price for _, price in rows]}
    write_table(path, pa.table(table, schema=ROYALTIES), ROYALTIES)


def royalties_of(path: Path, item_ids: pa.ChunkedArray) -> npt.NDArray[np.float64] | None:
    """Return the price of each item, float64 of shape (n_items,), NaN without one; None if no item has one.

    Args:
        path: night/royalties.parquet; a night that was opened before there was such a table has none.
        item_ids: the items.

    Raises:
        TableError: the table is damaged.
    """
    if not path.exists():
        return None
    table = read_table(path, ROYALTIES)
    if not table.num_rows:
        return None
    rows = rows_of(item_ids, table["item_id"])
    return np.where(rows >= 0, np.append(table["royalty_per_play"].to_numpy(), np.nan)[rows], np.nan)


def filled_royalties(path: Path, item_ids: pa.ChunkedArray) -> npt.NDArray[np.float64] | None:
    """Return the price of each item, float64 of shape (n_items,), the usual one for items without their own; None if no
    item has one.

    Raises:
        TableError: the table is damaged.
    """
    prices = royalties_of(path, item_ids)
    if prices is None:
        return None
    usual = float(read_table(path, ROYALTIES)["royalty_per_play"][0].as_py())
    return np.where(np.isnan(prices), usual, prices)
