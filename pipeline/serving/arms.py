"""The arms of a release's experiments: what the server says of them, and which listener is in which one."""

from pathlib import Path

from pipeline.errors import ReleaseError
from pipeline.serving.arms_about import ABOUT
from pipeline.serving.layout import MAX_ARMS
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import ARMS
from pipeline.storage.tables import read_table

TABLE = "arms.parquet"
"""ARMS, in a release that has experiments."""
_FIELDS = ("experiment", "arm", "propensity", "recipe")


class Arms:
    """The arms of a release.

    Attributes:
        about: the entries of ABOUT.
    """

    def __init__(self, table: Path) -> None:
        """Read ARMS.

        Raises:
            TableError: it cannot be read.
            ReleaseError: it has more arms than an index can hold.
        """
        found = read_table(table, ARMS)
        rows = list(zip(*(found[name].to_pylist() for name in _FIELDS), strict=True))
        distinct = sorted(set(rows))
        if len(distinct) > MAX_ARMS:
            raise ReleaseError(f"{len(distinct)} arms", expected=f"at most {MAX_ARMS}", fix="Close some experiments.")
        numbers = {row: number for number, row in enumerate(distinct, start=1)}
        self.about = [dict(zip(_FIELDS, row, strict=True)) for row in distinct]
        self._of = {
            name: (numbers[row], team.encode("ascii"))
            for name, row, team in zip(found["listener_id"].to_pylist(), rows, found["team"].to_pylist(), strict=True)
        }

    def of(self, name: str) -> tuple[int, bytes]:
        """Return the number of a listener's arm, 0 for none, and the teams of the listener's items."""
        return self._of.get(name, (0, b""))

    def write(self, folder: Path) -> None:
        """Write ABOUT beside the index."""
        write_json(folder / ABOUT, {"arms": self.about})


def arms_beside(folder: Path) -> Arms | None:
    """Return the arms of a folder with a release's tables; None if it has no experiments."""
    return Arms(folder / TABLE) if (folder / TABLE).exists() else None
