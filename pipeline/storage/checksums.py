"""Sizes and SHA-256 of files and folders."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseError


def digests(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Return size [B] and SHA-256 of each file, by name; a folder stands for all files below it.

    Raises:
        ReleaseError: a source is missing.
    """
    return {name: fact(source) for name, source in sorted(opened(files))}


def opened(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each file, with folders expanded: `{"model": folder}` gives `("model/factors.npy", …)`.

    Raises:
        ReleaseError: a source is missing.
    """
    for name, source in files.items():
        if source.is_dir():
            for path in source.rglob("*"):
                if path.is_file():
                    yield (f"{name}/" if name else "") + path.relative_to(source).as_posix(), path
        elif source.is_file():
            yield name, source
        else:
            raise ReleaseError(f"no {source}", expected="a finished night", fix="Run the night's stages first.")


def fact(source: Path | bytes) -> dict[str, Any]:
    """Return size [B] and SHA-256 of a file, or of the content of one."""
    if isinstance(source, bytes):
        return {"bytes": len(source), "sha256": hashlib.sha256(source).hexdigest()}
    with source.open("rb") as file:
        return {"bytes": source.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
