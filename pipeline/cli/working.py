"""Says what a long command is doing: a line that moves on a terminal, a line every few seconds in a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.heartbeat import Heartbeat

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def working(out: "Console", describe: Callable[[float], str], *, every: float) -> Iterator[Callable[[], None]]:
    """Say what is going on until the block ends.

    Args:
        out: a terminal or a file.
        describe: returns a line, for the seconds since something was last said.
        every: the longest silence in a file [s].

    Yields:
        A function to call when the block itself has said something.
    """
    from rich.text import Text

    if not out.is_terminal:
        with Heartbeat(lambda silent: out.print(Text(describe(silent)), soft_wrap=True), every=every) as heart:
            yield heart.said
        return
    with (
        out.status(Text(describe(0.0))) as status,
        Heartbeat(lambda silent: status.update(Text(describe(silent))), every=1.0) as heart,
    ):
        yield heart.said
