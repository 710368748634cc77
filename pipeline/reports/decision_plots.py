"""The plots of the decision page, each in two sizes: for pages, and for phones."""

import math

from markupsafe import Markup

from pipeline.gate.decision import Verdict
from pipeline.gate.wording import chance, whole
from pipeline.reports.decision_view import View
from pipeline.reports.dot_plot import Row, both_sizes
from pipeline.reports.scatter import Point, scatter

Sizes = tuple[Markup, Markup]


def accuracy_against_cost(view: View) -> Sizes | None:
    """Draw each recipe by the CPU seconds of a night and its accuracy; None without a measured recipe."""
    recipes = view.record.recipes
    usable = {n: r for n, r in recipes.items() if r.mean is not None and not math.isnan(r.mean) and r.night}
    if not usable:
        return None
    cost = {n: max(r.night.cpu_seconds, 1e-3) for n, r in usable.items() if r.night}
    challengers = {c.recipe: c for c in view.challengers}
    points = []
    for name, figures in usable.items():
        c = challengers.get(name)
        better = (o for o in usable if cost[o] <= cost[name] and usable[o].mean > figures.mean)
        points.append(
            Point(
                label=name + (" (outside)" if name in view.outside else ""),
                x=cost[name],
                y=figures.mean,
                low=figures.mean + c.interval[0] - c.comparison.delta if c else None,
                high=figures.mean + c.interval[1] - c.comparison.delta if c else None,
                front=name not in view.outside and not any(o not in view.outside for o in better),
                strong=name == view.record.serve.recipe,
            )
        )
    title = f"{view.metric} of each recipe against the CPU seconds of a night"
    wide, narrow = (
        scatter(points, title=title, x_axis="CPU seconds of one fit and one scoring", y_axis=view.metric, narrow=each)
        for each in (False, True)
    )
    return wide, narrow


def net_benefit(view: View) -> Sizes | None:
    """Draw the expected net benefit of each challenger and its 90 % interval, over the horizon."""
    rows = []
    for c in view.challengers:
        look = c.balance.outlook
        if not all(map(math.isfinite, (look.mean, look.low, look.high))):
            continue
        note = (
            f"expected {whole(look.mean)}, 90 % {whole(look.low)} to {whole(look.high)} {view.currency}, "
            f"pays with a probability of {chance(c.balance)}"
        )
        rows.append(Row(c.recipe, look.mean, look.low, look.high, None, note, c.verdict is Verdict.PROMOTE))
    if not rows:
        return None
    axis = f"{view.currency} over {view.economics.horizon_days} days"
    return both_sizes(rows, title="Net benefit of each challenger", axis=axis, tick=_thousands, line=0.0)


def sensitivity(view: View) -> Sizes | None:
    """Draw where each assumption turns the balance of the challenger spoken of, relative to its assumed value."""
    flips = () if view.spoken is None else view.spoken.prospect.flips
    ratios = {f.price: f.flips_at / f.assumed for f in flips if f.assumed and math.isfinite(f.flips_at)}
    rows = [
        Row(price, ratio, min(ratio, 1.0), max(ratio, 1.0), None, f"turns at {ratio:.3g} times what is assumed")
        for price, ratio in ratios.items()
        if ratio > 0
    ]
    if not rows:
        return None
    return both_sizes(
        rows, title="Prices at which the balance turns", axis="times what is assumed", tick=lambda v: f"{v:g}×",
        line=1.0, log=True,
    )  # fmt: skip


def _thousands(value: float) -> str:
    return f"{value / 1000:g} k" if abs(value) >= 1000 else f"{value:g}"
