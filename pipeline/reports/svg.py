"""Plots as inline SVG. Colours are CSS variables of the page, so that they follow its light and dark schemes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, AXIS = 720, 34
Scale = Callable[[float], float]


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
    x_ticks, x = axis_of(xs, left, right, log=False)
    _, y = axis_of([0.0, 1.0], bottom, top, log=False)
    parts = [grid_lines(x_ticks, x, top, bottom, tick)]
    for value in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(line_of(left, right, y(value), y(value), "grid"))
        parts.append(f'<text x="{left - 8}" y="{n(y(value) + 4)}" class="tick" text-anchor="end">{value:.0%}</text>')
    free = -math.inf
    for line in sorted(lines, key=lambda line: -line.ys[-1]):
        path = " ".join(f"{n(x(a))},{n(y(b))}" for a, b in zip(xs, line.ys, strict=True))
        parts.append(f'<polyline points="{path}" class="curve {line.kind}{" dashed" if line.dashed else ""}"/>')
        at = free = max(y(line.ys[-1]) + 4, free + 17)
        parts.append(f'<text x="{right + 8}" y="{n(at)}" class="label {line.kind}">{escape(line.label)}</text>')
    parts.append(f'<text x="{left}" y="12" class="tick">{escape(y_axis)}</text>')
    return figure(title, x_axis, bottom + AXIS, parts)


def log_curves(xs: Sequence[float], lines: Sequence[Curve], *, title: str, x_axis: str, y_axis: str) -> Markup:
    """Return curves with a dot at each x; both axes are logarithmic and all values positive; labels as in `curves`.

    A curve may have fewer values than there are x.
    """
    top, bottom, left, right = 22, 300, 64, WIDTH - 190
    x_ticks, x = axis_of(xs, left, right, log=True)
    y_ticks, y = axis_of([value for line in lines for value in line.ys], bottom, top, log=True)
    parts = [grid_lines(x_ticks, x, top, bottom, plain)]
    for value in y_ticks:
        parts.append(line_of(left, right, y(value), y(value), "grid"))
        parts.append(f'<text x="{left - 8}" y="{n(y(value) + 4)}" class="tick" text-anchor="end">{plain(value)}</text>')
    free = -math.inf
    for line in sorted(lines, key=lambda line: -line.ys[-1]):
        places = [(n(x(a)), n(y(b))) for a, b in zip(xs, line.ys, strict=False)]
        path = " ".join(f"{across},{down}" for across, down in places)
        parts.append(f'<polyline points="{path}" class="curve {line.kind}{" dashed" if line.dashed else ""}"/>')
        parts.extend(f'<circle cx="{across}" cy="{down}" r="4" class="dot {line.kind}"/>' for across, down in places)
        at = free = max(y(line.ys[-1]) + 4, free + 17)
        parts.append(f'<text x="{right + 8}" y="{n(at)}" class="label {line.kind}">{escape(line.label)}</text>')
    parts.append(f'<text x="{left}" y="12" class="tick">{escape(y_axis)}</text>')
    return figure(title, x_axis, bottom + AXIS, parts)


def figure(title: str, axis: str, height: float, parts: Sequence[str], *, width: float = WIDTH) -> Markup:
    """Return an SVG of drawn parts, whose texts must be escaped, with the name of the x axis below."""
    body = "".join(parts)
    name = f'<text x="{n(width - 16)}" y="{n(height - 2)}" class="tick" text-anchor="end">{escape(axis)}</text>'
    head = f'<svg viewBox="0 0 {n(width)} {n(height + 4)}" role="img" aria-label="{escape(title)}">'
    return Markup(f"{head}{body}{name}</svg>")  # noqa: S704  every text in it was escaped


def grid_lines(ticks: Sequence[float], scale: Scale, top: float, bottom: float, text: Callable[[float], str]) -> str:
    """Return a vertical line and its text for each tick."""
    return "".join(
        line_of(scale(t), scale(t), top, bottom, "grid")
        + f'<text x="{n(scale(t))}" y="{n(bottom + 16)}" class="tick" text-anchor="middle">{escape(text(t))}</text>'
        for t in ticks
    )


def line_of(x1: float, x2: float, y1: float, y2: float, kind: str) -> str:
    """Return a line of a class of the style sheet."""
    return f'<line x1="{n(x1)}" x2="{n(x2)}" y1="{n(y1)}" y2="{n(y2)}" class="{kind}"/>'


def axis_of(values: Sequence[float], start: float, end: float, *, log: bool) -> tuple[list[float], Scale]:
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
    return axis_of(values, start, end, log=False)


def plain(value: float) -> str:
    """Return a value without needless digits."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def n(value: float) -> str:
    """Return a coordinate."""
    return f"{value:.1f}"
