"""Reads a published split: train, valid and test files with a listener and its items on each line."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from pipeline.recommenders.interactions import Interactions

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Split:
    """CSR float32 of shape (n_listeners, n_items) each, every stored value 1."""

    train: sp.csr_matrix
    valid: sp.csr_matrix
    test: sp.csr_matrix

    @property
    def interactions(self) -> Interactions:
        """Return the interactions that recommenders are fitted on: train, all rows of the same age."""
        return Interactions(self.train, np.zeros(self.train.nnz, dtype=np.int32))


def read_split(folder: Path) -> Split:
    """The three files of a folder.

    Raises:
        SystemExit: a file is missing.
    """
    missing = [f"{part}.txt" for part in PARTS if not (folder / f"{part}.txt").is_file()]
    if missing:
        raise SystemExit(f"{folder} has no {', '.join(missing)}; expected the published split. Name it with --data.")
    pairs = {part: _pairs(folder / f"{part}.txt") for part in PARTS}
    shape = tuple(1 + max(int(each[axis].max()) for each in pairs.values()) for axis in (0, 1))
    return Split(**{part: _matrix(each, shape) for part, each in pairs.items()})


def _pairs(path: Path) -> np.ndarray:
    """int64 of shape (2, n): listeners and items."""
    rows = [np.array(line.split(), dtype=np.int64) for line in path.read_text(encoding="utf-8").splitlines()]
    return np.concatenate([np.stack([np.full(len(row) - 1, row[0]), row[1:]]) for row in rows if len(row)], axis=1)


def _matrix(pairs: np.ndarray, shape: tuple[int, ...]) -> sp.csr_matrix:
    matrix = sp.csr_matrix((np.ones(pairs.shape[1], dtype=np.float32), tuple(pairs)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
