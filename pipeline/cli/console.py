"""Where commands print."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """The terminal; a log file is none, and is wide enough that tables keep their columns."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=130)
