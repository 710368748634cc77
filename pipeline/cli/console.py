"""What commands print with: text of others is made safe for a terminal here, for every command."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

FILE, WIDE = 130, 200
"""Widths where there is no terminal, and of `--wide`."""

Wide = Annotated[
    bool, typer.Option("--wide", help="All columns side by side, whatever the width of the terminal; for `less -S`.")
]


def console(*, wide: bool = False) -> "Console":
    """Return a console as wide as the terminal, or as COLUMNS says; FILE characters where there is neither.

    It prints texts as they are: no markup and no names of emoji in them, and nothing that a terminal would act on.

    Args:
        wide: whether it is WIDE characters wide instead.
    """
    from rich.console import Console
    from rich.segment import Segment

    class Safe(Console):
        def render(self, renderable: Any, options: Any = None) -> Any:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(printable(segment.text), segment.style)

    return Safe(width=WIDE if wide else _width(), markup=False, emoji=False)


def _width() -> int:
    """Return the width that people see; a pager behind a pipe has the terminal that stderr has."""
    if (columns := os.environ.get("COLUMNS", "")).isdigit() and int(columns) > 0:
        return int(columns)
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None and (width := os.get_terminal_size(stream.fileno()).columns) > 0:
                return width
        except (OSError, ValueError):  # not a terminal
            continue
    return FILE


def echo(text: object = "", *, err: bool = False) -> None:
    """Print a text, made safe for a terminal."""
    typer.echo(printable(str(text)), err=err)
