"""decision.json as the texts and figures that the page shows. What is undefined is a dash, never a number."""

import math

from markupsafe import Markup

from pipeline.gate.decision import Verdict
from pipeline.gate.economics import UNIFORM, per_month
from pipeline.gate.guardrail import Gate
from pipeline.gate.record_model import Challenger, DecisionRecord, MetricDescription, RecipeFigures
from pipeline.gate.wording import (
    DASH,
    chance,
    clock_words,
    money,
    next_experiment,
    percent,
    required_chance,
    small_share,
    turning,
    whole,
)
from pipeline.recommenders.registry import FAMILIES
from pipeline.reports.svg import Point, Row, dot_plot, scatter


class View:
    """A record, ready to be shown.

    Attributes:
        record: of any schema, in today's shape.
        metric: such as NDCG@10.
        challengers: in the order of the record.
        spoken: the challenger that the sentence is about; None without one.
        recipes: figures by name.
        outside: recipes over a limit.
        guardrails: by name, in the words of the record.
    """

    def __init__(self, record: DecisionRecord) -> None:
        self.record = record
        self.economics = record.economics
        self.currency = self.economics.currency
        self.metric = record.metric.replace("_at_", "@").upper()
        self.challengers = record.challengers
        self.spoken = next((c for c in self.challengers if c.recipe == record.challenger), None)
        self.recipes = record.recipes
        limits = record.constraints.items()
        self.outside = sorted(name for name, gates in limits if any(gate.passed is False for gate in gates))
        self.guardrails = {guardrail.name: guardrail for guardrail in record.guardrails}

    def explained(self, family: str) -> str:
        """Return how well a family can explain its lists; a dash for a family that is no longer there."""
        return FAMILIES[family].reason.summary if family in FAMILIES else DASH

    def money(self, amount: float, *, sign: bool = False) -> str:
        """Return an amount with its currency."""
        return money(amount, self.economics, sign=sign)

    def measured_and_assumed(self, challenger: Challenger) -> str:
        """Return which share of a challenger's cost was measured, and which is assumed."""
        share = challenger.balance.measured_share
        if math.isnan(share):
            return f"{challenger.recipe} costs as much as {self.record.champion}."
        return (
            f"Of the added cost of {challenger.recipe}, {small_share(share)} was measured (CPU time, memory, storage, "
            "energy); the rest is assumed hours of people, for upkeep and the switch. All prices are assumed. How much "
            f"a gain is worth is a belief, {self.source}.{self.royalties(challenger)}"
        )

    def royalties(self, challenger: Challenger) -> str:
        """Return what a challenger's lists cost more in royalties, a month, in words; empty without a difference."""
        more = challenger.balance.cost.content
        if not more:
            return ""
        amount = self.money(abs(per_month(more, self.economics)))
        return (
            f" Its lists {'cost' if more > 0 else 'save'} {amount} of royalties a month, at an assumed "
            f"{self.economics.list_plays_per_listener_day:g} plays from lists a listener and day."
        )

    def next_experiment(self) -> str:
        """Return the experiment that would be worth most, in words; empty where none is worth its cost."""
        c = self.spoken
        return "" if c is None or c.prospect.experiment is None else next_experiment(c, self.economics)

    def royalty(self, recipe: str) -> float:
        """Return the expected royalty of 1,000 plays from a recipe's lists [currency]."""
        content = self.record.evidence.measured[recipe].content or UNIFORM
        return 1000 * content.per_play(self.economics.prices.royalty_per_play)

    @property
    def source(self) -> str:
        """Return where the belief about the elasticity comes from."""
        return {
            "assumed": "assumed",
            "published": "from published figures (Netflix, arXiv 2511.07280)",
            "measured": "measured in experiments on this service"
            + (f", with {self.record.worth.listeners:,} listeners" if self.record.worth else ""),
        }[self.economics.elasticity.provenance]

    def power(self, challenger: Challenger) -> str:
        """Return what the night could find, what was needed, and what limits it, in words."""
        base, balance, found = challenger.comparison.champion_mean, challenger.balance, challenger.comparison
        if not challenger.clock.analysis:
            return f"{challenger.recipe} was compared, but not judged: {clock_words(challenger.clock)}."
        if math.isnan(balance.needed_gain):
            return f"No gain of {challenger.recipe} would have been promoted."
        needed, true = (percent(gain / base, sign=True) for gain in (balance.needed_gain, challenger.detectable_gain))
        parts = {"listeners": found.se_listeners, "days": found.se_days, "fits": found.se_fits}
        shares = ", ".join(f"{100 * part**2 / found.se**2:.0f} % by {name}" for name, part in parts.items() if found.se)
        nights = "one night" if found.n_nights == 1 else f"{found.n_nights} nights"
        return (
            f"A gain above {needed}, measured over {nights}, would have been promoted, if no guardrail was broken; a "
            f"true gain of {true} is found in four of five such nights."
            + (f" Its uncertainty is caused {shares}." if shares else "")
        )

    def interval(self, challenger: Challenger) -> str:
        """Return the 90 % interval of the net benefit."""
        look = challenger.balance.outlook
        return f"{whole(look.low, sign=True)} to {whole(look.high, sign=True)}"

    def turning(self, challenger: Challenger) -> str:
        """Return the one condition under which a challenger's balance turns, in words."""
        condition = turning(challenger.prospect.flips, self.economics)
        if condition is None:
            return "No single price changes this."
        would = "would not pay" if challenger.balance.pays else "would pay"
        return f"{challenger.recipe} {would} {condition}."

    def label(self, gate: Gate) -> str:
        """Return what a guardrail is called."""
        found = self.guardrails.get(gate.name)
        return gate.name.replace("_", " ") if found is None else found.label

    def explanation(self, gate: Gate) -> str:
        """Return what a guardrail measures and what bounds it."""
        found = self.guardrails.get(gate.name)
        return "" if found is None else found.explanation

    def figure(self, value: float, gate: Gate) -> str:
        """Return a guardrail's figure with its unit."""
        found = self.guardrails.get(gate.name)
        return with_unit(value, "" if found is None else found.unit)

    def metric_value(self, recipe: str, metric: MetricDescription) -> str:
        """Return a recipe's value of a metric; a dash where the record lacks it."""
        return with_unit(self.record.evidence.measured[recipe].metrics.get(metric.name, math.nan), metric.unit)

    def worst_slice(self, recipe: str) -> float:
        """Return a recipe's lowest accuracy among slices, relative to that of all listeners; NaN where undefined."""
        slices = [each.ndcg for each in self.record.evidence.measured[recipe].slices.values()]
        defined = [value for value in slices if not math.isnan(value)]
        mean = self.recipes[recipe].mean
        return min(defined) / mean if defined and mean > 0 else math.nan

    def seed_to_seed(self, figures: RecipeFigures) -> float:
        """Return the standard deviation between fits, relative to the mean; NaN where undefined."""
        # NaN is not ≥ 0: an unknown variance stays undefined.
        return math.sqrt(figures.seeds.value) / figures.mean if figures.seeds.value >= 0 < figures.mean else math.nan

    def key_figures(self) -> list[tuple[str, str, str]]:
        """Return name, figure and meaning of the figures of the challenger that the sentence is about."""
        c = self.spoken
        if c is None:
            return [("Listeners", f"{self.record.n_eligible:,}", "could be scored tonight")]
        base, balance, look = c.comparison.champion_mean, c.balance, c.balance.outlook
        low, high = (percent(bound / base, sign=True) for bound in c.interval)
        gain = percent(c.comparison.delta / base, sign=True)
        days = self.economics.horizon_days
        once, monthly = self.money(balance.one_off_cost), self.money(balance.monthly_cost, sign=True)
        return [
            (f"Gain in {self.metric}", gain, f"{c.recipe} over {self.record.champion}; 95 %: {low} to {high}"),
            ("Added cost a month", monthly, f"and {once} once, for the switch"),
            (f"Net benefit, {days} days", self.money(look.mean, sign=True), f"expected; 90 %: {self.interval(c)}"),
            ("Chance that it pays", chance(balance), f"{required_chance(balance)} is required"),
        ]

    def proven(self, challenger: Challenger) -> str:
        """Return the lower bound of a challenger's gain, or why it was not analysed."""
        if not challenger.clock.analysis:
            return challenger.clock.status
        return percent(challenger.lower_bound / challenger.comparison.champion_mean, sign=True)

    def accuracy_against_cost(self) -> Markup | None:
        """Draw each recipe by the CPU seconds of a night and its accuracy; None without a measured recipe."""
        usable = {n: r for n, r in self.recipes.items() if r.mean is not None and not math.isnan(r.mean) and r.night}
        if not usable:
            return None
        cost = {n: max(r.night.cpu_seconds, 1e-3) for n, r in usable.items() if r.night}
        challengers = {c.recipe: c for c in self.challengers}
        points = []
        for name, figures in usable.items():
            c = challengers.get(name)
            better = (o for o in usable if cost[o] <= cost[name] and usable[o].mean > figures.mean)
            points.append(
                Point(
                    label=name + (" (outside)" if name in self.outside else ""),
                    x=cost[name],
                    y=figures.mean,
                    low=figures.mean + c.interval[0] - c.comparison.delta if c else None,
                    high=figures.mean + c.interval[1] - c.comparison.delta if c else None,
                    front=name not in self.outside and not any(o not in self.outside for o in better),
                    strong=name == self.record.serve.recipe,
                )
            )
        title = f"{self.metric} of each recipe against the CPU seconds of a night"
        return scatter(points, title=title, x_axis="CPU seconds of one fit and one scoring", y_axis=self.metric)

    def net_benefit(self) -> Markup | None:
        """Draw the expected net benefit of each challenger and its 90 % interval, over the horizon."""
        if not self.challengers:
            return None
        rows = []
        for c in self.challengers:
            look = c.balance.outlook
            note = (
                f"expected {whole(look.mean)}, 90 % {whole(look.low)} to {whole(look.high)} {self.currency}, "
                f"pays with a probability of {chance(c.balance)}"
            )
            rows.append(Row(c.recipe, look.mean, look.low, look.high, None, note, c.verdict is Verdict.PROMOTE))
        axis = f"{self.currency} over {self.economics.horizon_days} days"
        return dot_plot(rows, title="Net benefit of each challenger", axis=axis, tick=_thousands, line=0.0)

    def sensitivity(self) -> Markup | None:
        """Draw where each assumption turns the balance of the challenger spoken of, relative to its assumed value."""
        if self.spoken is None:
            return None
        flips = self.spoken.prospect.flips
        ratios = {f.price: f.flips_at / f.assumed for f in flips if f.assumed and not math.isnan(f.flips_at)}
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


def number(value: float | None, digits: int = 4, unit: float = 1.0) -> str:
    """Return a figure with so many significant digits."""
    if value is None or math.isnan(value):
        return DASH
    scaled = float(f"{value / unit:.{digits}g}")
    return f"{scaled:,.0f}" if abs(scaled) >= 10 ** (digits - 1) else f"{scaled:g}"


def with_unit(value: float | None, unit: str) -> str:
    """Return a figure with its unit; shares and metrics are plain numbers."""
    if value is None or math.isnan(value):
        return DASH
    match unit:
        case "B":
            return f"{value / 1e6:,.1f} MB" if abs(value) < 1e9 else f"{value / 1e9:,.1f} GB"
        case "s" | "bit":
            return f"{number(value)} {unit}"
        case _:
            return number(value)


def _thousands(value: float) -> str:
    return f"{value / 1000:g} k" if abs(value) >= 1000 else f"{value:g}"
