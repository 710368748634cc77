"""Renders calibration.json as a page: error rates of the gate and of naive rules, and every proof with its target."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipeline.reports.render import environment
from pipeline.reports.svg import Curve, Row, curves, dot_plot

Found = Mapping[str, Any]
KINDS = {
    "gate": ("strong", False),
    "gate, no least gain": ("plain", False),
    "paired t-test at 5 %": ("warn", False),
    "the higher number wins": ("warn", True),
}


def render_calibration(found: Found) -> str:
    """Return the page as one self-contained HTML file; the same proofs give the same bytes.

    Args:
        found: what `pipeline.calibration.calibrate.calibrate` returns.
    """
    proofs = {proof["property"]: proof for proof in found["proofs"]}
    plots = [operating_curve(figures) for figures in proofs["power"]["figures"]]
    template = environment().get_template("calibration.html.j2")
    return template.render(
        found=found, proofs=proofs, horizons=false_promotions(proofs["A/A"]["figures"]), curves=plots
    )


def operating_curve(figures: Found) -> tuple[str, Markup]:
    """Return a caption, and a plot of the share of horizons with a promotion against the true gain, for each rule."""
    rows = figures["gains"]
    lines = [
        Curve(name, [row["within"][name]["rate"] for row in rows], *KINDS.get(name, ("plain", False)))
        for name in rows[0]["within"]
    ]
    lines.append(Curve("best possible at this α", [row["ceiling"] for row in rows], "quiet", dashed=True))
    caption = (
        f"{figures['challenger']} over {figures['champion']}, {figures['n']:,} listeners, K = {figures['k']}, "
        f"{figures['looks']} nights"
    )
    plot = curves(
        [row["gain"] for row in rows],
        lines,
        title=f"Operating curve of the gate: {caption}",
        x_axis="true gain in NDCG",
        y_axis="share promoted within those nights",
        tick=lambda v: f"{100 * v:g} %",
    )
    return caption, plot


def false_promotions(figures: Found) -> Markup:
    """Return a plot of the share of A/A horizons with a promotion, for each rule."""
    rows = []
    for name, each in figures["horizons"].items():
        share, low, high = (f"{100 * each[key]:.1f}" for key in ("rate", "low", "high"))
        note = f"{share} % of {each['n']} horizons, 95 %: {low} to {high}"
        rows.append(Row(name, each["rate"], each["low"], each["high"], None, note, name == "gate"))
    axis = f"horizons of {figures['nights_a_horizon']} nights with a false promotion"
    return dot_plot(rows, title="False promotions of each rule", axis=axis, tick=lambda v: f"{v:.0%}", line=0.05)
