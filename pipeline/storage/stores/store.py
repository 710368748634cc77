"""The interface of stores: objects under keys, each of which appears whole or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import NetgainError, TransientError


class StoreAway(TransientError):
    """The store does not answer."""


class StoreRefused(NetgainError):
    """The store does not know the bucket, or not these credentials."""


@dataclass(frozen=True)
class Stored:
    """An object as it was read: its bytes, and the version to name in a `swap`."""

    data: bytes
    version: str


class Store(Protocol):
    """Objects under keys such as `2026-02-12-0123456789ab/lists.parquet`: parts of letters, digits and `._-=`.

    Every method raises `StoreAway` if the store does not answer and `StoreRefused` if it refuses access.
    """

    uri: str
    """The address, without a password."""

    def read(self, key: str) -> Stored | None:
        """Return an object; None if it does not exist."""
        ...

    def write(self, key: str, source: bytes | Path) -> None:
        """Write an object, in the place of an earlier one: readers see the old one or the new one."""
        ...

    def create(self, key: str, source: bytes | Path) -> bool:
        """Write an object unless there is one; of several callers, one gets True."""
        ...

    def swap(self, key: str, data: bytes, *, expected: str | None) -> bool:
        """Replace an object if it is still of the version `expected`, None for one that must not exist.

        Returns:
            Whether it was replaced; False if another caller was first.
        """
        ...

    def fetch(self, key: str, into: Path) -> str | None:
        """Write an object to a file, and return the SHA-256 of its bytes; None, and no file, if it does not exist."""
        ...

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with a prefix, sorted; objects that are not complete have no key."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object, if it exists."""
        ...
