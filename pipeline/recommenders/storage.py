"""A model on disk: model.json and arrays, never a pickle. The same model gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import RecipeError, TableError
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.protocol import Recommender
from pipeline.recommenders.registry import FAMILIES, parse_recipe
from pipeline.recommenders.row_bounds import row_bounds
from pipeline.storage.arrays import write_array
from pipeline.storage.json_files import read_json, write_json

if TYPE_CHECKING:
    import scipy.sparse as sp

FORMAT_VERSION = 1
_PARTS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class StoredModel:
    """The content of a model's folder.

    Attributes:
        recipe: family and hyperparameters.
        n_listeners: rows of the matrix that the model was fitted on.
        n_items: its columns.
        arrays: by name, saved as NAME.npy.
        matrices: by name, CSR, saved as NAME.data.npy, NAME.indices.npy and NAME.indptr.npy.
    """

    recipe: FamilyParams
    n_listeners: int
    n_items: int
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    matrices: Mapping[str, sp.csr_matrix] = field(default_factory=dict)


PER_LISTENER = ("listener_factors", "profiles")
"""Arrays and matrices whose rows are listeners. Erasure empties a listener's row."""


def forget_rows(folder: Path, rows: Sequence[int]) -> None:
    """Empty listeners' rows in every model at or below a folder; an empty row gets an empty list.

    Raises:
        RecipeError: a model is damaged.
    """
    for described in sorted(folder.rglob("model.json")):
        model = read_model(described.parent)
        arrays, matrices = dict(model.arrays), dict(model.matrices)
        for name in PER_LISTENER:
            if name in arrays:
                arrays[name][rows] = 0
            if name in matrices:
                matrices[name] = _without_rows(matrices[name], rows)
        write_model(described.parent, replace(model, arrays=arrays, matrices=matrices))


def write_model(folder: Path, model: StoredModel) -> None:
    """Write a model into a folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in model.arrays.items():
        write_array(folder / f"{name}.npy", np.ascontiguousarray(array))
    for name, matrix in model.matrices.items():
        # No .npz: the bytes of an archive depend on the version of Python, those of .npy do not.
        for part in _PARTS:
            write_array(folder / f"{name}.{part}.npy", getattr(matrix, part))
    write_json(
        folder / "model.json",
        {
            "format": FORMAT_VERSION,
            "family": model.recipe.family,
            "params": model.recipe.model_dump(exclude={"family"}),
            "n_listeners": model.n_listeners,
            "n_items": model.n_items,
            "arrays": {name: _declare(array) for name, array in model.arrays.items()},
            "matrices": {name: _declare(matrix) for name, matrix in model.matrices.items()},
        },
    )


def load_recommender(folder: Path) -> Recommender:
    """Load the model in a folder, of any family.

    Raises:
        RecipeError: the folder holds no model, or one of another format.
    """
    return FAMILIES[read_recipe(folder).family].recommender.load(folder)


def read_recipe(folder: Path) -> FamilyParams:
    """Return family and hyperparameters of the model in a folder.

    Raises:
        RecipeError: the folder holds no model of this format.
    """
    with _damage_named(folder):
        return _recipe(_read_description(folder))


def read_model(folder: Path) -> StoredModel:
    """Read a model, and check that its arrays are those that model.json declares.

    Raises:
        RecipeError: something is missing, damaged, of another format, or would have to be unpickled.
    """
    with _damage_named(folder):
        raw = _read_description(folder)
        return StoredModel(
            _recipe(raw),
            int(raw["n_listeners"]),
            int(raw["n_items"]),
            arrays={name: _read_array(folder, name, declared) for name, declared in raw["arrays"].items()},
            matrices={name: _read_matrix(folder, name, declared) for name, declared in raw["matrices"].items()},
        )


def stored_bytes(folder: Path) -> int:
    """Return the size [B] of a model's own files, model.json and arrays, including those of a blend's members."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in {".json", ".npy"})


def _without_rows(matrix: sp.csr_matrix, rows: Sequence[int]) -> sp.csr_matrix:
    lengths = np.diff(matrix.indptr)
    kept = np.repeat(~np.isin(np.arange(matrix.shape[0]), rows), lengths)
    lengths[rows] = 0
    return type(matrix)((matrix.data[kept], matrix.indices[kept], row_bounds(lengths)), shape=matrix.shape)


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except (TableError, OSError, ValueError, TypeError, KeyError, AttributeError, EOFError) as err:
        reason = " ".join(str(err).split())[:300]
        raise RecipeError(
            f"{folder} holds no model: {reason}", expected=f"one of format {FORMAT_VERSION}", fix="Fit it again."
        ) from err


def _read_description(folder: Path) -> dict[str, Any]:
    raw: dict[str, Any] = read_json(folder / "model.json")
    if raw["format"] != FORMAT_VERSION:
        raise ValueError(f"format {raw['format']!r}")
    return raw


def _recipe(raw: Mapping[str, Any]) -> FamilyParams:
    return parse_recipe({"family": raw["family"], **raw["params"]})


def _declare(array: npt.NDArray[Any] | sp.csr_matrix) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": str(array.dtype)}


def _read_array(folder: Path, name: str, declared: Mapping[str, Any]) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(folder / f"{_plain(name)}.npy", allow_pickle=False)
    if _declare(array) != declared:
        raise ValueError(f"{name} is {_declare(array)}, declared as {declared}")
    return array


def _read_matrix(folder: Path, name: str, declared: Mapping[str, Any]) -> sp.csr_matrix:
    import scipy.sparse as sp

    parts = tuple(np.load(folder / f"{_plain(name)}.{part}.npy", allow_pickle=False) for part in _PARTS)
    matrix = sp.csr_matrix(parts, shape=tuple(declared["shape"]))
    matrix.check_format(full_check=True)
    if _declare(matrix) != declared:
        raise ValueError(f"{name} is {_declare(matrix)}, declared as {declared}")
    return matrix


def _plain(name: str) -> str:
    if not name.isidentifier():
        raise ValueError(f"{name!r} is not a name of an array")
    return name
