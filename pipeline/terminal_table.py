"""Tables for terminals of any width: nothing is cut off.

Columns stand side by side while they fit; the others follow in further tables that repeat the first column. Where even
two columns do not fit, each row becomes a heading with a line for each column.
"""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, OverflowMethod, RenderableType
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

FOLDED = 30
"""The width down to which a column of prose may be wrapped."""
_SPACE = 2
"""Characters between two columns, and at both edges of a table together."""
_PADDING = (0, 1, 0, 0)  # the box has a character of its own between columns


class FittingTable(Table):
    """A table that splits its columns over several tables where they do not fit. Fill it as any rich table.

    A column of prose may be wrapped to FOLDED characters; no other one is wrapped.
    """

    def __init__(
        self,
        *heads: str,
        right: Sequence[str] = (),
        prose: Sequence[str] = (),
        title: str | None = None,
        caption: str | None = None,
    ) -> None:
        """Make a table.

        Args:
            heads: names of its columns.
            right: which of them are aligned right, as numbers are.
            prose: which of them are prose.
            title: shown above.
            caption: shown below, over the whole width.
        """
        super().__init__(box=box.SIMPLE_HEAD, padding=_PADDING, pad_edge=False, title=title, caption=caption)
        for head in heads:
            overflow: OverflowMethod = "fold" if head in prose else "ellipsis"
            self.add_column(head, justify="right" if head in right else "left", overflow=overflow)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        wanted = sum(self._widths(console, options)) + _SPACE * len(self.columns)
        return Measurement(min(wanted, options.max_width), options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Any:
        if self.title:
            yield Text(str(self.title), style="italic")
        groups = self._groups(console, options)
        yield from map(self._part, groups) if groups else [self._stacked()]
        if self.caption:
            yield Text(str(self.caption), style="dim italic")

    def _widths(self, console: Console, options: ConsoleOptions) -> list[int]:
        endless = options.update(width=10_000)
        widths = []
        for column in self.columns:
            cells: list[RenderableType] = [*column.cells, *([column.header] if self.show_header else [])]
            width = max((Measurement.get(console, endless, cell).maximum for cell in cells), default=0)
            widths.append(min(width, FOLDED) if column.overflow == "fold" else width)
        return widths

    def _groups(self, console: Console, options: ConsoleOptions) -> list[list[Column]]:
        """Return the columns of each table; no table at all if two columns do not fit side by side."""
        first, *others = self._widths(console, options)
        groups: list[list[Column]] = []
        left = 0
        for column, width in zip(self.columns[1:], others, strict=True):
            if width + _SPACE > left:
                groups.append([self.columns[0]])
                left = options.max_width - first - _SPACE
                if width + _SPACE > left:
                    return []
            groups[-1].append(column)
            left -= width + _SPACE
        return groups or [list(self.columns)]

    def _part(self, columns: list[Column]) -> Table:
        part = Table(box=self.box, padding=_PADDING, pad_edge=False, show_header=self.show_header)
        for column in columns:
            whole = column.overflow != "fold"
            part.add_column(
                column.header, justify=column.justify, no_wrap=whole, overflow=column.overflow, style=column.style
            )
        for row, cells in zip(self.rows, zip(*(column.cells for column in columns), strict=True), strict=True):
            part.add_row(*cells, style=row.style)
        return part

    def _stacked(self) -> Table:
        stack = Table.grid(padding=(0, 1))
        stack.add_column(overflow="fold", style="dim")
        stack.add_column(overflow="fold")
        for row, cells in zip(self.rows, zip(*(column.cells for column in self.columns), strict=True), strict=True):
            for column, cell in zip(self.columns, cells, strict=True):
                stack.add_row(column.header, cell, style=row.style)
            stack.add_row()
        return stack
