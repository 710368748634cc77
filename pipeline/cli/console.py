"""What commands print with: text of others is made safe for a terminal here, for every command."""

import sys
from typing import TYPE_CHECKING, Any

import typer

from pipeline.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return a console; if the output is not a terminal, it is 130 columns wide so that tables keep their columns.

    It prints texts as they are: no markup and no names of emoji in them, and nothing that a terminal would act on.
    """
    from rich.console import Console
    from rich.segment import Segment

    class Safe(Console):
        def render(self, renderable: Any, options: Any = None) -> Any:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(printable(segment.text), segment.style)

    width = None if sys.stdout.isatty() else 130
    return Safe(width=width, markup=False, emoji=False)


def echo(text: object = "", *, err: bool = False) -> None:
    """Print a text, made safe for a terminal."""
    typer.echo(printable(str(text)), err=err)
