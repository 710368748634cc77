"""The beginning of a landed file, by which formats recognise their own."""

import codecs
import contextlib
import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.logs.contents import bare_name, codec_of

HEAD_BYTES = 65_536
"""How much of a file is read to recognise it."""
HEADER_LINES = 20
"""A header stands within the first lines of a file: services write comments above it."""

_KEY = re.compile(r'"((?:[^"\\]|\\.){1,64})"\s*:')


@dataclass(frozen=True)
class Head:
    """Attributes:
    name: the file's name in lower case, without the ending of a compressed file.
    text: the first HEAD_BYTES of its content, decompressed; what is not UTF-8 is replaced. Empty for Parquet.
    columns: names of the columns, if it is Parquet.
    whole: whether `text` is all of it.
    """

    name: str
    text: str
    columns: frozenset[str] = frozenset()
    whole: bool = False

    @classmethod
    def of(cls, path: str, data: bytes) -> "Head":
        """Return the head of a file from its content, decompressed."""
        return cls(bare_name(path), _decoded(data[:HEAD_BYTES]), whole=len(data) <= HEAD_BYTES)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Return the texts that stand in the place of a key of a JSON object, at any depth."""
        return frozenset(_KEY.findall(self.text))

    @cached_property
    def lines(self) -> Sequence[str]:
        """Return the first lines that are not blank, without their line ends; a line that is cut off is left out."""
        found = self.text.split("\n")
        return [line.rstrip("\r") for line in (found if self.whole else found[:-1]) if line.strip()]

    @property
    def is_cut(self) -> bool:
        """Return whether a JSON file ends within its first object, so that its keys tell nothing of its format."""
        return self.whole and self.text.lstrip()[:1] in ("[", "{") and "}" not in self.text

    def is_array(self) -> bool:
        """Return whether it starts as a JSON array of objects, or of nothing."""
        return bool(re.match(r"\s*\[\s*[{\]]", self.text))

    def rows(self, delimiter: str) -> list[list[str]]:
        """Return the first lines as records of a CSV; broken quotes cost the records from there on."""
        found: list[list[str]] = []
        with contextlib.suppress(csv.Error):
            found.extend(csv.reader(self.lines[: 2 * HEADER_LINES], delimiter=delimiter))
        return found

    def first_object(self) -> dict[str, Any]:
        """Return the object in the first line; empty without one."""
        try:
            found = json.loads(self.lines[0]) if self.lines else {}
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def read_head(file: IO[bytes], name: str) -> Head | None:
    """Return the beginning of a file; None if it cannot be decompressed, is empty, or is damaged Parquet.

    Args:
        file: its bytes, from the start; Parquet needs one that can seek.
        name: its name, whose ending names the compression.

    Raises:
        OSError: it cannot be read.
    """
    bare = bare_name(name)
    try:
        if bare.endswith(".parquet"):
            return Head(bare, "", frozenset(pq.read_schema(pa.PythonFile(file, mode="r")).names))
        codec = codec_of(name)
        stream = file if codec is None else pa.CompressedInputStream(pa.PythonFile(file, mode="r"), codec)
        data = bytes(stream.read(HEAD_BYTES))
    except pa.ArrowException:
        return None
    except OSError as err:
        if err.errno is None:  # Arrow's own, of damaged archives
            return None
        raise
    return Head(bare, _decoded(data), whole=len(data) < HEAD_BYTES) if data else None


def _decoded(data: bytes) -> str:
    """Return text in the encoding that its byte order mark names, else UTF-8."""
    codec = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return data.decode(codec, "replace")
