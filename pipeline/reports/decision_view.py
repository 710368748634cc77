"""decision.json as the texts and figures that the page shows. What is undefined is a dash, never a number."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipeline.gate.economics import per_month
from pipeline.params.economics import EconomicsParams
from pipeline.recommenders.registry import FAMILIES
from pipeline.reports.svg import Point, Row, dot_plot, scatter

Record = Mapping[str, Any]
DASH = "–"


class View:
    """A record, ready to be shown."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.economics = EconomicsParams.model_validate(record["assumptions"])
        self.currency = self.economics.currency
        self.metric = record["metric"].replace("_at_", "@").upper()
        self.challengers: list[Record] = list(record["challengers"])
        self.spoken: Record | None = next((c for c in self.challengers if c["recipe"] == record["challenger"]), None)
        self.recipes: dict[str, Record] = dict(record["recipes"])
        limits = record["constraints"].items()
        self.outside = sorted(name for name, gates in limits if any(gate["passed"] is False for gate in gates))

    def explained(self, family: str) -> str:
        """Return how well a family can explain its lists; a dash for a family that is no longer there."""
        return FAMILIES[family].reason.summary if family in FAMILIES else DASH

    def month(self, amount: float | None, *, sign: bool = False) -> str:
        """Money over the horizon as money a month."""
        if amount is None:
            return DASH
        return f"{per_month(amount, self.economics):{'+' if sign else ''},.0f} {self.currency}"

    def key_figures(self) -> list[tuple[str, str, str]]:
        """Name, figure and what it means, of the challenger that is spoken of."""
        c = self.spoken
        if c is None:
            return [("Listeners", f"{self.record['n_eligible']:,}", "could be scored tonight")]
        base, balance, look = c["comparison"]["champion_mean"], c["balance"], c["prospect"]["outlook"]
        low, high = (percent(bound / base, sign=True) for bound in c["interval"])
        gain = percent(c["comparison"]["delta"] / base, sign=True)
        needed = max(balance["required_gain"], balance["break_even_gain"] or 0.0)
        earns = f"{self.month(balance['net_benefit_low'], sign=True)} a month"
        proven = percent(c["lower_bound"] / base, sign=True)
        return [
            (f"Gain in {self.metric}", gain, f"{c['recipe']} over {self.record['champion']}; 95 %: {low} to {high}"),
            ("Sure to earn", earns, "after cost, by cautious assumptions"),
            ("Pays from", percent(needed / base, sign=True), f"of proven gain; {proven} is proven"),
            ("Chance that it pays", percent(look["probability_of_gain"], digits=0), "by draws of gain, worth and cost"),
        ]

    def accuracy_against_cost(self) -> Markup | None:
        """Each recipe inside the limits, by the CPU seconds of a night and its accuracy."""
        ends = {c["recipe"]: c for c in self.challengers}
        usable = {n: r for n, r in self.recipes.items() if r["mean"] is not None and r["night"]}
        if not usable:
            return None
        cost = {n: max(r["night"]["cpu_seconds"], 1e-3) for n, r in usable.items()}
        points = []
        for name, figures in usable.items():
            c = ends.get(name)
            better = (o for o in usable if cost[o] <= cost[name] and usable[o]["mean"] > figures["mean"])
            points.append(
                Point(
                    label=name + (" (outside)" if name in self.outside else ""),
                    x=cost[name],
                    y=figures["mean"],
                    low=figures["mean"] + c["interval"][0] - c["comparison"]["delta"] if c else None,
                    high=figures["mean"] + c["interval"][1] - c["comparison"]["delta"] if c else None,
                    front=name not in self.outside and not any(o not in self.outside for o in better),
                    strong=name == self.record["serve"]["recipe"],
                )
            )
        title = f"{self.metric} of each recipe against the CPU seconds of a night"
        return scatter(points, title=title, x_axis="CPU seconds of one fit and one scoring", y_axis=self.metric)

    def net_benefit(self) -> Markup | None:
        """Net benefit of each challenger a month: mean, 90 % interval, and what the gate counts on."""
        if not self.challengers:
            return None
        rows = []
        for c in self.challengers:
            look = c["prospect"]["outlook"]
            sums = (look["mean"], look["low"], look["high"], c["balance"]["net_benefit_low"])
            mean, start, end, cautious = (per_month(amount, self.economics) for amount in sums)
            note = (
                f"mean {mean:,.0f}, 90 % {start:,.0f} to {end:,.0f}, cautious {cautious:,.0f} {self.currency} a month"
            )
            rows.append(Row(c["recipe"], mean, start, end, cautious, note, c["verdict"] == "PROMOTE"))
        return dot_plot(
            rows, title="Net benefit of each challenger", axis=f"{self.currency} a month", tick=_thousands, line=0.0
        )

    def sensitivity(self) -> Markup | None:
        """Where each price turns the balance of the challenger spoken of, by its ratio to what is assumed."""
        if self.spoken is None:
            return None
        flips = self.spoken["prospect"]["flips"]
        ratios = {f["price"]: f["flips_at"] / f["assumed"] if f["flips_at"] and f["assumed"] else None for f in flips}
        if not any(ratios.values()):
            return None
        rows = [
            Row(price, ratio, min(ratio, 1.0), max(ratio, 1.0), None, f"turns at {ratio:.3g} times what is assumed")
            for price, ratio in ratios.items()
            if ratio
        ]
        return dot_plot(
            rows, title="Prices at which the balance turns", axis="times what is assumed", tick=lambda v: f"{v:g}×",
            line=1.0, log=True,
        )  # fmt: skip


def percent(share: float | None, *, sign: bool = False, digits: int = 1) -> str:
    """A share as a percentage."""
    return DASH if share is None else f"{100 * share:{'+' if sign else ''}.{digits}f} %"


def number(value: float | None, digits: int = 4, unit: float = 1.0) -> str:
    """A figure with so many significant digits."""
    if value is None:
        return DASH
    scaled = float(f"{value / unit:.{digits}g}")
    return f"{scaled:,.0f}" if abs(scaled) >= 10 ** (digits - 1) else f"{scaled:g}"


def figure(value: float | None, gate: str) -> str:
    """A guardrail's figure with its unit."""
    if value is None:
        return DASH
    if "memory" in gate or "bytes" in gate:
        return f"{value / 1e6:,.1f} MB" if abs(value) < 1e9 else f"{value / 1e9:,.1f} GB"
    return f"{number(value)} s" if "seconds" in gate else number(value)


def _thousands(value: float) -> str:
    return f"{value / 1000:g} k" if abs(value) >= 1000 else f"{value:g}"
