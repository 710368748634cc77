"""Scatter plots as inline SVG; names stand where they cover neither a dot nor another name."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.reports.svg import AXIS, axis_of, figure, grid_lines, line_of, n, plain

WIDTH, NARROW, TOP, BOTTOM, LEFT = 720, 360, 20, 300, 56
_LETTER, _LINE = 7.6, 16.0
"""The largest usual width of a letter, and the height of a line, at 13 px."""
Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(frozen=True)
class Point:
    """A point of a scatter plot; `low` and `high` end its whisker, `front` marks it as part of the Pareto front."""

    label: str
    x: float
    y: float
    low: float | None
    high: float | None
    front: bool
    strong: bool


def scatter(points: Sequence[Point], *, title: str, x_axis: str, y_axis: str, narrow: bool = False) -> Markup:
    """Return a scatter plot with a log x axis; the Pareto front is joined. A narrow one is for phones."""
    width, right = (NARROW, NARROW - 16) if narrow else (WIDTH, WIDTH - 90)
    x_ticks, x = axis_of([p.x for p in points], LEFT, right, log=True)
    y_ticks, y = axis_of(
        [*(v for p in points for v in (p.y, p.low, p.high) if v is not None), 0.0], BOTTOM, TOP, log=False
    )
    parts = [grid_lines(x_ticks, x, TOP, BOTTOM, plain)]
    for value in y_ticks:
        parts.append(line_of(LEFT, right, y(value), y(value), "grid"))
        parts.append(f'<text x="{LEFT - 8}" y="{n(y(value) + 4)}" class="tick" text-anchor="end">{value:g}</text>')
    front = sorted((p for p in points if p.front), key=lambda p: p.x)
    path = " ".join(f"{n(x(p.x))},{n(y(p.y))}" for p in front)
    parts.append(f'<polyline points="{path}" class="front"/>')
    taken = [_around(x(p.x), y(p.y), 8) for p in points]
    taken += [(x(p.x) - 2, y(p.high), x(p.x) + 2, y(p.low)) for p in points if p.low is not None and p.high is not None]
    for p in sorted(points, key=lambda p: p.y, reverse=True):
        px, py, kind = x(p.x), y(p.y), "strong" if p.strong else "plain"
        if p.low is not None and p.high is not None:
            parts.append(line_of(px, px, y(p.low), y(p.high), f"whisker {kind}"))
        parts.append(f'<circle cx="{n(px)}" cy="{n(py)}" r="6" class="dot {kind}{"" if p.front else " off"}"/>')
        box = place(p.label, (px, py), taken, width)
        taken.append(box)
        if abs((box[1] + box[3]) / 2 - py) > 2 * _LINE:  # far from its dot: a line leads to it
            parts.append(
                f'<line x1="{n(px)}" y1="{n(py)}" x2="{n(box[0])}" y2="{n(box[1] + _LINE / 2)}" class="lead"/>'
            )
        parts.append(f'<text x="{n(box[0])}" y="{n(box[3] - 4)}" class="label {kind}">{escape(p.label)}</text>')
    parts.append(f'<text x="{LEFT}" y="12" class="tick">{escape(y_axis)}</text>')
    return figure(title, x_axis, BOTTOM + AXIS, parts, width=width)


def place(label: str, point: tuple[float, float], taken: Sequence[Box], width: float) -> Box:
    """Return the box of a name: the nearest place at its dot where it covers nothing in `taken` and is not cut off."""
    px, py = point
    length = _LETTER * len(label)
    lefts = (px + 11, px - 11 - length, px - length / 2)
    tops = sorted(
        (py - _LINE / 2 + step * _LINE / 2 for step in range(-14, 15)), key=lambda top: abs(top + _LINE / 2 - py)
    )
    boxes = [(left, top, left + length, top + _LINE) for top in tops for left in lefts]
    inside = [box for box in boxes if box[0] >= LEFT and box[2] <= width and box[1] >= TOP - 6 and box[3] <= BOTTOM]
    free = (box for box in inside if not any(_overlap(box, other) for other in taken))
    return next(free, boxes[0])


def _around(x: float, y: float, radius: float) -> Box:
    return x - radius, y - radius, x + radius, y + radius


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
