"""Plots a metric over nights as inline SVG: the curve, its bounds, and the nights that broke them."""

from collections.abc import Sequence
from typing import Protocol

from markupsafe import Markup, escape

from pipeline.monitoring.judging import JudgedValue
from pipeline.reports.svg import plot_axis

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 190, 62, 14, 12, 150


class Tick(Protocol):
    """Formats a value; more digits tell closer values apart."""

    def __call__(self, value: float, *, digits: int = 1) -> str: ...


def history(nights: Sequence[str], found: Sequence[JudgedValue], *, title: str, tick: Tick) -> Markup:
    """Return the plot of one metric over nights.

    Args:
        nights: dates, oldest first.
        found: the metric of each night; an undefined value leaves a gap.
        title: the plot's description, for screen readers.
        tick: formats a value.
    """
    values = [v for each in found for v in (each.value, each.low, each.high) if v is not None]
    ticks, y = plot_axis([*values, 0.0], BOTTOM, TOP)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(nights) - 1)
    xs = [LEFT + step * i for i in range(len(nights))]
    parts = []
    for value, text in zip(ticks, tick_texts(ticks, tick), strict=True):
        at = y(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" class="tick" text-anchor="end">{escape(text)}</text>')
    for bound in ("low", "high"):
        parts += _lines(
            [(x, v if v is None else y(v)) for x, v in zip(xs, (getattr(f, bound) for f in found), strict=True)], "rule"
        )
    parts += _lines(
        [(x, f.value if f.value is None else y(f.value)) for x, f in zip(xs, found, strict=True)], "curve strong"
    )
    for x, each, night in zip(xs, found, nights, strict=True):
        if each.value is not None:
            kind = "mark" if each.breached else "dot strong"
            note = f"{night}: {tick(each.value)}" + (", out of bounds" if each.breached else "")
            size = 4.5 if each.breached else 2.5
            dot = f'<circle cx="{x:.1f}" cy="{y(each.value):.1f}" r="{size}" class="{kind}">'
            parts.append(f"{dot}<title>{escape(note)}</title></circle>")
    for at, anchor, night in ((LEFT, "start", nights[0]), (WIDTH - RIGHT, "end", nights[-1])):
        parts.append(f'<text x="{at}" y="{BOTTOM + 22}" class="tick" text-anchor="{anchor}">{escape(night)}</text>')
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704  every text in it was escaped


def tick_texts(ticks: Sequence[float], tick: Tick) -> list[str]:
    """Return the texts of an axis, with the fewest digits that tell all of them apart."""
    texts: list[str] = []
    for digits in range(1, 7):
        texts = [tick(value, digits=digits) for value in ticks]
        if len(set(texts)) == len(texts):
            break
    return texts


def _lines(points: Sequence[tuple[float, float | None]], kind: str) -> list[str]:
    """Return polylines through the defined points; a gap ends a line."""
    runs: list[list[str]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append(f"{x:.1f},{y:.1f}")
    return [f'<polyline points="{" ".join(run)}" class="{kind}" fill="none"/>' for run in runs if len(run) > 1]
