"""The console that commands print to."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return a console; if the output is not a terminal, it is 130 columns wide so that tables keep their columns."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=130)
