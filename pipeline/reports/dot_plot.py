"""Dot plots as inline SVG: a line for each row, over one axis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.reports.svg import AXIS, Scale, axis_of, figure, grid_lines, line_of, n

WIDTH, LABELS, RIGHT, ROW = 720, 190, 36, 30
NARROW, NARROW_ROW = 360, 46


@dataclass(frozen=True)
class Row:
    """A line of a dot plot.

    Attributes:
        label: name of the row.
        dot: position of the filled dot, or None.
        low, high: ends of the whisker, or None.
        mark: position of the hollow diamond, or None.
        note: the row's description, for screen readers.
        strong: whether it is drawn in the accent colour.
    """

    label: str
    dot: float | None
    low: float | None = None
    high: float | None = None
    mark: float | None = None
    note: str = ""
    strong: bool = False


def dot_plot(
    rows: Sequence[Row],
    *,
    title: str,
    axis: str,
    tick: Callable[[float], str],
    line: float,
    log: bool = False,
    narrow: bool = False,
) -> Markup:
    """Return a dot plot over one axis, with a vertical line at `line`; on a log axis all values must be positive.

    A narrow one is for phones: labels stand above their rows.
    """
    width, left, step = (NARROW, 26, NARROW_ROW) if narrow else (WIDTH, LABELS, ROW)
    values = [v for row in rows for v in (row.dot, row.low, row.high, row.mark) if v is not None] + [line]
    ticks, scale = axis_of(values, left, width - (26 if narrow else RIGHT), log=log)
    if narrow:
        ticks = ticks[:: 1 + (len(ticks) - 1) // 4]
    bottom = step * len(rows) + 8
    parts = [grid_lines(ticks, scale, 4, bottom, tick), line_of(scale(line), scale(line), 0, bottom + 4, "rule")]
    for i, row in enumerate(rows):
        y = step * i + (32 if narrow else step / 2 + 6)
        parts.append(_drawn(row, scale, y, (2, y - 14, "start") if narrow else (left - 12, y + 4, "end")))
    return figure(title, axis, bottom + AXIS + 8, parts, width=width)


def both_sizes(rows: Sequence[Row], **how: object) -> tuple[Markup, Markup]:
    """Return a dot plot for pages, and a narrow one for phones; arguments as for `dot_plot`."""
    return dot_plot(rows, **how), dot_plot(rows, **how, narrow=True)  # type: ignore[arg-type]  # passed on as they are


def _drawn(row: Row, scale: Scale, y: float, label: tuple[float, float, str]) -> str:
    kind, (at, base, anchor) = "strong" if row.strong else "plain", label
    parts = [f'<text x="{n(at)}" y="{n(base)}" class="label {kind}" text-anchor="{anchor}">{escape(row.label)}</text>']
    if row.low is not None and row.high is not None:
        parts.append(
            f'<line x1="{n(scale(row.low))}" x2="{n(scale(row.high))}" y1="{y}" y2="{y}" class="whisker {kind}"/>'
        )
    if row.mark is not None:
        parts.append(f'<path d="M{n(scale(row.mark))} {y - 7}l6 7l-6 7l-6 -7z" class="mark"/>')
    if row.dot is not None:
        parts.append(f'<circle cx="{n(scale(row.dot))}" cy="{y}" r="5" class="dot {kind}"/>')
    if row.note:
        parts.append(f"<title>{escape(row.label)}: {escape(row.note)}</title>")
    return f"<g>{''.join(parts)}</g>"
