"""Listeners named on the command line, or in a file."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import ParamsError


def read_ids(listeners: Sequence[str] | None, file: Path | None) -> list[str]:
    """Return the ids of arguments and of a file with one id a line; blank lines do not count.

    White space around an id belongs to it, as in logs.

    Raises:
        ParamsError: there is no id, one is empty, or the file cannot be read.
    """
    ids = list(listeners or ())
    if file is not None:
        try:
            ids += [line for line in file.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
        except (OSError, UnicodeDecodeError) as err:
            raise ParamsError(f"{file} cannot be read: {err}", expected="one id a line", fix="Check the file.") from err
    if not ids or not all(each.strip() for each in ids):
        raise ParamsError(
            "no listener", expected="ids of listeners", fix="Name them, or give a file with an id a line."
        )
    return ids
