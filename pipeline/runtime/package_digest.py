"""A digest of the whole package, by which a process tells whether the code that it loaded has changed since."""

import hashlib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of `pipeline` that this interpreter imports."""


def package_digest(package: Path = PACKAGE) -> str:
    """SHA-256 of every file of a package by path and content, without what Python and Numba cache there."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.parent.name != "__pycache__" and path.is_file():
            digest.update(f"{path.relative_to(package)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
