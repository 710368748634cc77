"""Plots of a night for MLflow, as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _QUIET, _ACCENT = "#1f2937", "#9ca3af", "#0f766e"
_COLOURS = ("#0f766e", "#b45309", "#4338ca", "#be123c", "#4d7c0f", "#0369a1", "#7c3aed", "#a16207")


def accuracy_against_cost(
    path: Path, *, accuracy: Mapping[str, float], cpu_seconds: Mapping[str, float], served: str, metric: str
) -> None:
    """Plot each recipe's accuracy over its CPU seconds a night [s], on a log axis, with the Pareto front."""
    with _figure(path, f"{metric} against cost") as axes:
        axes.set_xscale("log")
        points = {r: (cpu_seconds[r], accuracy[r]) for r in accuracy}
        front = _pareto(points)
        axes.plot([cpu_seconds[r] for r in front], [accuracy[r] for r in front], color=_QUIET, lw=1, ls="--", zorder=1)
        for recipe, value in accuracy.items():
            chosen = recipe == served
            axes.scatter(
                cpu_seconds[recipe], value, s=90 if chosen else 45, color=_ACCENT if chosen else _INK, zorder=2
            )
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("CPU seconds of one fit and one scoring")
        axes.set_ylabel(metric)
        axes.margins(x=0.22, y=0.15)
        _name_points(axes, points, served)


def accuracy_by_slice(path: Path, *, slices: Mapping[str, Mapping[str, float]], metric: str) -> None:
    """Plot each recipe's accuracy for all listeners and for each slice; `slices` by recipe, then by slice."""
    names = list(next(iter(slices.values())))
    with _figure(path, f"{metric} by slice of listeners") as axes:
        for place, (recipe, values) in enumerate(slices.items()):
            offset = (place - (len(slices) - 1) / 2) * 0.8 / len(slices)
            axes.bar(
                [i + offset for i in range(len(names))],
                [values[name] for name in names],
                width=0.72 / len(slices),
                color=_COLOURS[place % len(_COLOURS)],
                label=recipe,
            )
        axes.set_xticks(range(len(names)), names)
        axes.set_ylabel(metric)
        axes.legend(frameon=False, fontsize=8, ncols=min(5, len(slices)), loc="lower left", bbox_to_anchor=(0, 1))
        axes.set_title(axes.get_title(loc="left"), loc="left", pad=26, color=_INK, fontweight="bold")


def accuracy_by_seed(path: Path, *, seeds: Mapping[str, Sequence[float]], metric: str) -> None:
    """Plot the accuracy of each fit of each recipe: the spread between seeds."""
    with _figure(path, f"{metric} of each fit") as axes:
        for place, values in enumerate(seeds.values()):
            axes.hlines(place, min(values), max(values), color=_QUIET, lw=4, zorder=1)
            axes.scatter(values, [place] * len(values), s=32, color=_COLOURS[place % len(_COLOURS)], zorder=2)
        axes.set_yticks(range(len(seeds)), list(seeds))
        axes.invert_yaxis()
        axes.set_xlabel(metric)
        axes.margins(y=0.15)


def _name_points(axes: "Axes", points: Mapping[str, tuple[float, float]], served: str) -> None:
    """Write a name beside each point, on the first side where it overlaps neither a name nor a point."""
    from matplotlib.transforms import Bbox

    axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # fixes the scale of pixel coordinates
    centres = [axes.transData.transform(point) for point in points.values()]
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in centres]
    for recipe, point in points.items():
        colour, weight = (_ACCENT, "bold") if recipe == served else (_INK, "normal")
        text = f"{recipe} (served)" if recipe == served else recipe
        for x, y, side in ((8, 6, "left"), (8, -15, "left"), (-8, 6, "right"), (-8, -15, "right"), (0, 18, "center")):
            name = axes.annotate(
                text, point, xytext=(x, y), textcoords="offset points", ha=side, color=colour, fontweight=weight
            )
            box = name.get_window_extent()
            if not box.count_overlaps(taken):
                break
            name.remove()
        else:
            name = axes.annotate(text, point, xytext=(8, 6), textcoords="offset points", color=colour)
        taken.append(name.get_window_extent())


def _pareto(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the names on the Pareto front, by rising cost."""
    front: list[str] = []
    for name in sorted(points, key=lambda n: (points[n][0], -points[n][1])):
        if not front or points[name][1] > points[front[-1]][1]:
            front.append(name)
    return front


class _figure:  # noqa: N801  a context manager that reads like a function
    """Axes in Netgain's style, saved on exit. No pyplot: it keeps figures alive and a backend in each process."""

    def __init__(self, path: Path, title: str) -> None:
        self.path, self.title = path, title

    def __enter__(self) -> "Axes":
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(7, 4.2), dpi=110, layout="constrained")
        axes = self.figure.add_subplot()
        axes.set_title(self.title, loc="left", color=_INK, fontweight="bold")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="both", color="#e5e7eb", lw=0.7)
        axes.set_axisbelow(True)
        return axes

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            # The version of matplotlib in the metadata would make bytes depend on it.
            self.figure.savefig(self.path, metadata={"Software": None})
