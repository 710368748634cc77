"""NumPy arrays on disk."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class _Plain:
    """A file that NumPy does not take for one: it writes to a real one by itself, and a full disk is then an OSError
    without a number that would say so."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        return int(self._file.write(data))


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as .npy, never a pickle.

    Raises:
        OSError: it cannot be written; ENOSPC if the disk is full.
    """
    with path.open("wb") as file:
        np.lib.format.write_array(_Plain(file), np.asanyarray(array), allow_pickle=False)
