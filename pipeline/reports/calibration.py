"""Renders calibration.json as a page: error rates of the gate and of naive rules, and every proof with its target."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipeline.reports.dot_plot import Row, dot_plot
from pipeline.reports.render import environment
from pipeline.reports.svg import Curve, curves

Found = Mapping[str, Any]
GATE = "gate"
KINDS = {GATE: ("strong", False), "paired t-test at 5 %": ("warn", False), "the higher number wins": ("warn", True)}


def render_calibration(found: Found) -> str:
    """Return the page as one self-contained HTML file; the same proofs give the same bytes.

    Args:
        found: what `pipeline.calibration.calibrate.calibrate` returns.
    """
    rows = [
        row for proof in found["proofs"] if proof["property"].startswith("false promotions") for row in proof["figures"]
    ]
    powers = [each for proof in found["proofs"] if proof["property"].startswith("power") for each in proof["figures"]]
    worst = max(rows, key=lambda row: row["quarter"][GATE]["rate"])
    plots = [operating_curve(figures, within) for figures in powers for within in (7, 28)]
    template = environment().get_template("calibration.html.j2")
    return template.render(found=found, worst=worst, horizons=false_promotions(rows), curves=plots)


def operating_curve(figures: Found, within: int) -> tuple[str, Markup]:
    """Return a caption, and a plot of the share of challengers promoted within some nights against their true gain.

    Args:
        figures: of one pair of recipes.
        within: 7 or 28 nights.
    """
    rows = figures["gains"]
    lines = [
        Curve(name, [row[f"within_{within}"][name]["rate"] for row in rows], *KINDS.get(name, ("plain", False)))
        for name in rows[0][f"within_{within}"]
    ]
    lines.append(Curve("one test of everything", [row[f"ceiling_{within}"] for row in rows], "quiet", dashed=True))
    shocks = f"day shocks of {100 * figures['shock_sd']:g} %" if figures["shock_sd"] else "no day shocks"
    caption = (
        f"{figures['challenger']} over {figures['champion']}, {figures['listeners']:,} listeners, K = {figures['k']}, "
        f"{within} nights, {shocks}"
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


def false_promotions(rows: list[Found]) -> Markup:
    """Return a plot of the share of quarters with a false promotion: of the gate for each world, and of naive rules."""
    drawn = []
    for row in rows:
        label = f"{row['challenger']}/{row['champion']}, {_short(row['listeners'])}, {100 * row['shock_sd']:g} %"
        drawn.append(_row(label, row["quarter"][GATE], strong=True))
    naive = [name for name in rows[0]["quarter"] if name != GATE]
    drawn += [_row(name, rows[0]["quarter"][name], strong=False) for name in naive]
    axis = f"quarters with a false promotion, {rows[0]['entrants']} entrants; listeners, day shocks"
    return dot_plot(drawn, title="False promotions", axis=axis, tick=lambda v: f"{v:.0%}", line=0.05)


def _row(label: str, each: Found, *, strong: bool) -> Row:
    share, low, high = (f"{100 * each[key]:.1f}" for key in ("rate", "low", "high"))
    note = f"{share} % of {each['n']} quarters, 95 %: {low} to {high}"
    return Row(label, each["rate"], each["low"], each["high"], None, note, strong)


def _short(listeners: int) -> str:
    return f"{listeners / 1e6:g} M" if listeners >= 1e6 else f"{listeners / 1e3:g} k"
