"""Renders speed.json as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bench.speed.growth import CPU_LIMIT
from pipeline.reports.dot_plot import Row, dot_plot
from pipeline.reports.render import environment
from pipeline.reports.svg import Curve, log_curves

KINDS = {"als": "strong", "ials": "warn", "item_knn": "plain", "rp3beta": "quiet", "top-20 lists": "plain"}
TARGET = 1.5
AXES = ("interactions", "listeners", "items", "factors")
Found = Mapping[str, Any]


def render_speed(found: Found) -> str:
    """Return one self-contained HTML file of the parts that were run."""
    parts = {name: part["found"] for name, part in found.items() if name != "machine"}
    text = (Path(__file__).parent / "page.html.j2").read_text(encoding="utf-8")
    template = environment().from_string(text)
    return template.render(
        found=found,
        limit=CPU_LIMIT,
        parts=parts,
        peers=[(rows["factors"], peer_plot(rows)) for rows in parts.get("peers", [])],
        growth=[(parts[name]["shapes"][0], *growth_plots(parts[name])) for name in AXES if name in parts],
    )


def peer_plot(rows: Found) -> Markup:
    """Plot each peer's CPU seconds relative to the fastest sgemm, on a log axis."""
    names = [name for name in rows["times"] if not name.startswith("sgemm")]
    ratios = {name: rows["times"][name]["cpu_ratio"] for name in names}
    if "spark" in rows:
        ratios["Spark (scaled)"] = rows["spark"]["cpu_ratio"]
    dots = [Row(name, ratio, note=f"{ratio:.2f} times sgemm", strong=name == "ours") for name, ratio in ratios.items()]
    return dot_plot(
        sorted(dots, key=lambda row: row.dot or 0),
        title=f"Lists by {rows['factors']} factors, against the bare product",
        axis="times the fastest sgemm of the same run",
        tick=lambda value: f"{value:g}×",
        line=TARGET,
        log=True,
    )


def growth_plots(axis: Found) -> tuple[str, Markup, Markup]:
    """Plot CPU seconds and added memory over the growing dimension."""
    sizes = [shape[axis["axis"]] for shape in axis["shapes"]]
    families = axis["families"].items()
    seconds = [
        Curve(f"{name}: {row['exponent']:.2f}", row["cpu_seconds"], KINDS[name], name == "top-20 lists")
        for name, row in families
    ]
    memory = [
        Curve(name, [max(1, size / 2**20) for size in row["added_bytes"]], KINDS[name], name == "top-20 lists")
        for name, row in families
    ]
    told = f"Growth in {axis['axis']}"
    return (
        axis["axis"],
        log_curves(
            sizes, seconds, title=f"{told}: CPU", x_axis=axis["axis"], y_axis="CPU seconds; exponent at the name"
        ),
        log_curves(sizes, memory, title=f"{told}: memory", x_axis=axis["axis"], y_axis="MiB added by the fit"),
    )
