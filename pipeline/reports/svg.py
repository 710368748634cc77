"""Plots as inline SVG. Colours are CSS variables of the page, so that they follow its light and dark schemes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, LABELS, RIGHT, ROW, AXIS = 720, 190, 36, 30, 34
Scale = Callable[[float], float]


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
    rows: Sequence[Row], *, title: str, axis: str, tick: Callable[[float], str], line: float, log: bool = False
) -> Markup:
    """Return a dot plot over one axis, with a vertical line at `line`; on a log axis all values must be positive."""
    values = [v for row in rows for v in (row.dot, row.low, row.high, row.mark) if v is not None] + [line]
    ticks, scale = _axis(values, LABELS, WIDTH - RIGHT, log=log)
    bottom = ROW * len(rows) + 8
    parts = [_grid(ticks, scale, 4, bottom, tick), _line(scale(line), scale(line), 0, bottom + 4, "rule")]
    for i, row in enumerate(rows):
        y, kind = ROW * i + ROW / 2 + 6, "strong" if row.strong else "plain"
        parts.append(
            f'<text x="{LABELS - 12}" y="{y + 4}" class="label {kind}" text-anchor="end">{escape(row.label)}</text>'
        )
        if row.low is not None and row.high is not None:
            parts.append(
                f'<line x1="{_n(scale(row.low))}" x2="{_n(scale(row.high))}" y1="{y}" y2="{y}" class="whisker {kind}"/>'
            )
        if row.mark is not None:
            x = scale(row.mark)
            parts.append(f'<path d="M{_n(x)} {y - 7}l6 7l-6 7l-6 -7z" class="mark"/>')
        if row.dot is not None:
            parts.append(f'<circle cx="{_n(scale(row.dot))}" cy="{y}" r="5" class="dot {kind}"/>')
        if row.note:
            parts.append(f"<title>{escape(row.label)}: {escape(row.note)}</title>")
    return _figure(title, axis, bottom + AXIS + 8, parts)


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


def scatter(points: Sequence[Point], *, title: str, x_axis: str, y_axis: str) -> Markup:
    """Return a scatter plot with a log x axis; the Pareto front is joined, and labels do not overlap."""
    top, bottom, left = 14, 300, 64
    x_ticks, x = _axis([p.x for p in points], left, WIDTH - 90, log=True)
    y_values = [v for p in points for v in (p.y, p.low, p.high) if v is not None]
    y_ticks, y = _axis([*y_values, 0.0], bottom, top, log=False)
    parts = [_grid(x_ticks, x, top, bottom, _plain)]
    for value in y_ticks:
        parts.append(_line(left, WIDTH - 90, y(value), y(value), "grid"))
        parts.append(f'<text x="{left - 8}" y="{_n(y(value) + 4)}" class="tick" text-anchor="end">{value:g}</text>')
    front = sorted((p for p in points if p.front), key=lambda p: p.x)
    path = " ".join(f"{_n(x(p.x))},{_n(y(p.y))}" for p in front)
    parts.append(f'<polyline points="{path}" class="front"/>')
    taken: list[tuple[float, float]] = []
    for p in sorted(points, key=lambda p: p.y, reverse=True):
        px, py, kind = x(p.x), y(p.y), "strong" if p.strong else "plain"
        if p.low is not None and p.high is not None:
            parts.append(
                f'<line x1="{_n(px)}" x2="{_n(px)}" y1="{_n(y(p.low))}" y2="{_n(y(p.high))}" class="whisker {kind}"/>'
            )
        parts.append(f'<circle cx="{_n(px)}" cy="{_n(py)}" r="6" class="dot {kind}{"" if p.front else " off"}"/>')
        at = py + 4
        while any(abs(px - ox) < 90 and abs(at - oy) < 15 for ox, oy in taken):
            at += 15
        taken.append((px, at))
        parts.append(f'<text x="{_n(px + 11)}" y="{_n(at)}" class="label {kind}">{escape(p.label)}</text>')
    parts.append(f'<text x="{left}" y="10" class="tick">{escape(y_axis)}</text>')
    return _figure(title, x_axis, bottom + AXIS, parts)


@dataclass(frozen=True)
class Curve:
    """A line of `curves`: y at each x, a class of the style sheet (strong, plain, warn, quiet), dashed or not."""

    label: str
    ys: Sequence[float]
    kind: str
    dashed: bool = False


def curves(
    xs: Sequence[float], lines: Sequence[Curve], *, title: str, x_axis: str, y_axis: str, tick: Callable[[float], str]
) -> Markup:
    """Return curves over one x axis, y from 0 to 1; each is labelled at its right end, and labels do not overlap."""
    top, bottom, left, right = 22, 300, 64, WIDTH - 190
    x_ticks, x = _axis(xs, left, right, log=False)
    _, y = _axis([0.0, 1.0], bottom, top, log=False)
    parts = [_grid(x_ticks, x, top, bottom, tick)]
    for value in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(_line(left, right, y(value), y(value), "grid"))
        parts.append(f'<text x="{left - 8}" y="{_n(y(value) + 4)}" class="tick" text-anchor="end">{value:.0%}</text>')
    free = -math.inf
    for line in sorted(lines, key=lambda line: -line.ys[-1]):
        path = " ".join(f"{_n(x(a))},{_n(y(b))}" for a, b in zip(xs, line.ys, strict=True))
        parts.append(f'<polyline points="{path}" class="curve {line.kind}{" dashed" if line.dashed else ""}"/>')
        at = free = max(y(line.ys[-1]) + 4, free + 17)
        parts.append(f'<text x="{right + 8}" y="{_n(at)}" class="label {line.kind}">{escape(line.label)}</text>')
    parts.append(f'<text x="{left}" y="12" class="tick">{escape(y_axis)}</text>')
    return _figure(title, x_axis, bottom + AXIS, parts)


def log_curves(xs: Sequence[float], lines: Sequence[Curve], *, title: str, x_axis: str, y_axis: str) -> Markup:
    """Return curves with a dot at each x; both axes are logarithmic and all values positive; labels as in `curves`.

    A curve may have fewer values than there are x.
    """
    top, bottom, left, right = 22, 300, 64, WIDTH - 190
    x_ticks, x = _axis(xs, left, right, log=True)
    y_ticks, y = _axis([value for line in lines for value in line.ys], bottom, top, log=True)
    parts = [_grid(x_ticks, x, top, bottom, _plain)]
    for value in y_ticks:
        parts.append(_line(left, right, y(value), y(value), "grid"))
        parts.append(
            f'<text x="{left - 8}" y="{_n(y(value) + 4)}" class="tick" text-anchor="end">{_plain(value)}</text>'
        )
    free = -math.inf
    for line in sorted(lines, key=lambda line: -line.ys[-1]):
        places = [(_n(x(a)), _n(y(b))) for a, b in zip(xs, line.ys, strict=False)]
        path = " ".join(f"{across},{down}" for across, down in places)
        parts.append(f'<polyline points="{path}" class="curve {line.kind}{" dashed" if line.dashed else ""}"/>')
        parts.extend(f'<circle cx="{across}" cy="{down}" r="4" class="dot {line.kind}"/>' for across, down in places)
        at = free = max(y(line.ys[-1]) + 4, free + 17)
        parts.append(f'<text x="{right + 8}" y="{_n(at)}" class="label {line.kind}">{escape(line.label)}</text>')
    parts.append(f'<text x="{left}" y="12" class="tick">{escape(y_axis)}</text>')
    return _figure(title, x_axis, bottom + AXIS, parts)


def _figure(title: str, axis: str, height: float, parts: Sequence[str]) -> Markup:
    body = "".join(parts)
    name = f'<text x="{WIDTH - RIGHT}" y="{_n(height - 2)}" class="tick" text-anchor="end">{escape(axis)}</text>'
    head = f'<svg viewBox="0 0 {WIDTH} {_n(height + 4)}" role="img" aria-label="{escape(title)}">'
    return Markup(f"{head}{body}{name}</svg>")  # noqa: S704  every text in it was escaped


def _grid(ticks: Sequence[float], scale: Scale, top: float, bottom: float, text: Callable[[float], str]) -> str:
    return "".join(
        _line(scale(t), scale(t), top, bottom, "grid")
        + f'<text x="{_n(scale(t))}" y="{_n(bottom + 16)}" class="tick" text-anchor="middle">{escape(text(t))}</text>'
        for t in ticks
    )


def _line(x1: float, x2: float, y1: float, y2: float, kind: str) -> str:
    return f'<line x1="{_n(x1)}" x2="{_n(x2)}" y1="{_n(y1)}" y2="{_n(y2)}" class="{kind}"/>'


def _axis(values: Sequence[float], start: float, end: float, *, log: bool) -> tuple[list[float], Scale]:
    """Return round ticks, and a scale from values to coordinates."""
    low, high = min(values), max(values)
    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        last = max(last, first + 1)
        step = max(1, (last - first) // 6)
        ticks = [10.0**power for power in range(first, last + 1, step)]
        return ticks, lambda v: start + (math.log10(v) - first) / (last - first) * (end - start)
    span = (high - low) or abs(high) or 1.0
    unit = 10.0 ** math.floor(math.log10(span / 5))
    unit *= next(f for f in (1, 2, 5, 10) if span / (unit * f) <= 6)
    first, last = math.floor(low / unit), math.ceil(high / unit)
    last = max(last, first + 1)
    ticks = [round(unit * i, 12) for i in range(first, last + 1)]
    return ticks, lambda v: start + (v / unit - first) / (last - first) * (end - start)


def plot_axis(values: Sequence[float], start: float, end: float) -> tuple[list[float], Scale]:
    """Return round ticks over the values, and a scale from values to coordinates between `start` and `end`."""
    return _axis(values, start, end, log=False)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _n(value: float) -> str:
    return f"{value:.1f}"
