"""Small helpers for the generated pages."""

from collections.abc import Iterable, Sequence


def one_line(text: str) -> str:
    """Return a docstring as one line."""
    return " ".join(text.split())


def cell(text: str) -> str:
    """Return a text that cannot end a table's cell."""
    return one_line(text).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
