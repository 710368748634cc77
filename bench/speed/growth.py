"""Growth of cost and memory in listeners, items, interactions and factors, one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.speed.alone import alone
from bench.speed.made import made, save

FAMILIES = ("als", "ials", "item_knn", "rp3beta")
FACTORISED = ("als", "ials")
ITERATIONS = 1
CPU_LIMIT = 150.0
"""A fit expected to take more CPU seconds, by the exponent of smaller sizes, is skipped; the page shows this."""


@dataclass(frozen=True)
class Axis:
    """The growing dimension and its sizes; the other dimensions stay fixed."""

    name: str
    sizes: tuple[int, ...]
    listeners: int
    items: int
    interactions: int
    factors: int

    def shapes(self) -> list[dict[str, int]]:
        rest = {name: getattr(self, name) for name in ("listeners", "items", "interactions", "factors")}
        return [rest | {self.name: size} for size in self.sizes]


def axes(largest: int) -> tuple[Axis, ...]:
    """Return four sizes for each axis, five for interactions up to `largest`; the other dimensions stay small."""
    tenth = min(2_000_000, largest)
    n, m = max(1000, largest // 200), max(1000, min(50_000, largest // 50))
    some = tuple(largest * share // 200 for share in (1, 4, 16, 64, 200))
    return (
        Axis("interactions", some, n, m, 0, 16),
        Axis("listeners", tuple(tenth // share for share in (64, 32, 16, 8)), 0, m, tenth, 16),
        Axis("items", tuple(max(m // share, 100) for share in (8, 4, 2, 1)), n, 0, tenth, 16),
        Axis("factors", (16, 32, 64, 128), n // 4, m // 2, tenth // 2, 0),
    )


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the exponent p of value ∝ size^p, by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def expected_seconds(sizes: Sequence[float], rows: Sequence[dict[str, Any]], size: float) -> float:
    """Extrapolate CPU seconds to a size from the last two sizes; 0 if fewer are known."""
    if len(rows) < 2:
        return 0.0
    cpu = [max(row["cpu_seconds"], 1e-3) for row in rows[-2:]]
    power = exponent(sizes[len(rows) - 2 : len(rows)], cpu)
    return float(cpu[-1] * (size / sizes[len(rows) - 1]) ** power)


def grow(axis: Axis, scratch: Path) -> dict[str, Any]:
    """CPU seconds and added memory of every family's fit, and of the lists, at each size; and the exponents."""
    found: dict[str, list[dict[str, Any]]] = {}
    for shape in axis.shapes():
        if axis.name != "interactions":  # lists do not depend on how many there are
            lists = {"n_listeners": shape["listeners"] // 8, "n_items": shape["items"], "factors": shape["factors"]}
            found.setdefault("top-20 lists", []).append(alone("bench.speed.topk:lists_work", **lists))
        source = save(scratch / "grown.npz", made(shape["listeners"], shape["items"], shape["interactions"], seed=5))
        for family in FAMILIES if axis.name != "factors" else FACTORISED:
            if expected_seconds(axis.sizes, found.get(family, []), shape[axis.name]) > CPU_LIMIT:
                print(f"  {axis.name} {shape[axis.name]:,}: {family} is left out", flush=True)
                continue
            rank = {"factors": shape["factors"], "iterations": ITERATIONS} if family in FACTORISED else {}
            fit = alone("bench.speed.fits:family_work", family=family, source=str(source), **rank)
            found.setdefault(family, []).append(fit)
            print(f"  {axis.name} {shape[axis.name]:,}: {family} {fit['cpu_seconds']:.1f} s", flush=True)
        source.unlink()
    return {
        "axis": axis.name,
        "shapes": axis.shapes(),
        "families": {
            name: {
                "cpu_seconds": (cpu := [each["cpu_seconds"] for each in rows]),
                "added_bytes": [each["added_bytes"] for each in rows],
                "exponent": exponent(axis.sizes[: len(cpu)], np.maximum(cpu, 1e-3)),
            }
            for name, rows in found.items()
        },
    }


def memory_of_lists(n_items: int = 48_123, factors: int = 64) -> list[dict[str, Any]]:
    """What lists add to a process at two audiences: beside the lists themselves, the same."""
    shapes = [{"n_listeners": n, "n_items": n_items, "factors": factors} for n in (8_192, 32_768)]
    return [shape | alone("bench.speed.topk:lists_work", **shape) for shape in shapes]
