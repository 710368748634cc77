"""decision.json as the texts and figures that the page shows. What is undefined is a dash, never a number."""

import math

from pipeline.gate.economics import UNIFORM
from pipeline.gate.record_model import Challenger, DecisionRecord
from pipeline.gate.wording import (
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
from pipeline.reports.bill import bill_of
from pipeline.reports.guardrail_view import GuardrailRow, guardrail_rows


class View:
    """A record, ready to be shown.

    Attributes:
        record: of any schema, in today's shape.
        metric: such as NDCG@10.
        challengers: in the order of the record.
        spoken: the challenger that the sentence is about; None without one.
        outside: recipes over a limit.
        guardrails: of the one that is spoken of, broken ones first.
    """

    def __init__(self, record: DecisionRecord) -> None:
        self.record = record
        self.economics = record.economics
        self.currency = self.economics.currency
        self.metric = record.metric.replace("_at_", "@").upper()
        self.challengers = record.challengers
        self.spoken = next((c for c in self.challengers if c.recipe == record.challenger), None)
        limits = record.constraints.items()
        self.outside = sorted(name for name, gates in limits if any(gate.passed is False for gate in gates))
        self.guardrails: list[GuardrailRow] = [] if self.spoken is None else guardrail_rows(record, self.spoken.gates)

    def money(self, amount: float, *, sign: bool = False) -> str:
        """Return an amount with its currency."""
        return money(amount, self.economics, sign=sign)

    @property
    def source(self) -> str:
        """Return where the belief about the elasticity comes from."""
        return {
            "assumed": "assumed",
            "published": "from published figures (Netflix, arXiv 2511.07280)",
            "measured": "measured in experiments on this service"
            + (f", with {self.record.worth.listeners:,} listeners" if self.record.worth else ""),
        }[self.economics.elasticity.provenance]

    def key_figures(self) -> list[tuple[str, str, str]]:
        """Return name, figure and meaning of the figures of the challenger that the sentence is about."""
        c = self.spoken
        if c is None:
            return [("Listeners", f"{self.record.n_eligible:,}", "could be scored tonight")]
        base, balance, look = c.comparison.champion_mean, c.balance, c.balance.outlook
        low, high = (percent(bound / base, sign=True) for bound in c.interval)
        gain = percent(c.comparison.delta / base, sign=True)
        days = self.economics.horizon_days
        once, monthly = (self.money(cost, sign=True) for cost in (balance.one_off_cost, balance.monthly_cost))
        return [
            (f"Gain in {self.metric}", gain, f"{c.recipe} over {self.record.champion}; 95 %: {low} to {high}"),
            ("Running cost, a month", monthly, f"added to that of {self.record.champion}"),
            ("One-off cost", once, "for the switch"),
            (f"Net benefit, {days} days", self.money(look.mean, sign=True), f"expected; 90 %: {self.interval(c)}"),
            ("Chance that it pays", chance(balance), f"{required_chance(balance)} is required"),
        ]

    def interval(self, challenger: Challenger) -> str:
        """Return the 90 % interval of the net benefit."""
        look = challenger.balance.outlook
        return f"{whole(look.low, sign=True)} to {self.money(look.high, sign=True)}"

    def bill(self, challenger: Challenger) -> list[tuple[str, str]]:
        """Return the net benefit as lines that add up, the sum last; empty if it is undefined."""
        bill = bill_of(challenger.balance, self.economics)
        if bill is None:
            return []
        lines = [*bill.lines(challenger.balance, self.economics), ("expected net benefit", bill.net)]
        return [(what, self.money(amount, sign=True)) for what, amount in lines]

    def measured_and_assumed(self, challenger: Challenger) -> str:
        """Return which share of a challenger's cost was measured, and which is assumed."""
        share = challenger.balance.measured_share
        if math.isnan(share):
            return f"{challenger.recipe} costs as much as {self.record.champion}."
        return (
            f"Of the added cost of {challenger.recipe}, {small_share(share)} was measured (CPU time, memory, storage, "
            "energy); the rest is assumed hours of people, for upkeep and the switch"
            f"{self._royalties(challenger)}. All prices are assumed. How much a gain is worth is a belief, "
            f"{self.source}."
        )

    def _royalties(self, challenger: Challenger) -> str:
        if not challenger.balance.cost.content:
            return ""
        plays = f"{self.economics.list_plays_per_listener_day:g}"
        return f", and royalties, at an assumed number of plays from lists ({plays} a listener and day)"

    def next_experiment(self) -> str:
        """Return the experiment that would be worth most, in words; empty where none is worth its cost."""
        c = self.spoken
        return "" if c is None or c.prospect.experiment is None else next_experiment(c, self.economics)

    def royalty(self, recipe: str) -> float:
        """Return the expected royalty of 1,000 plays from a recipe's lists [currency]."""
        content = self.record.evidence.measured[recipe].content or UNIFORM
        return 1000 * content.per_play(self.economics.prices.royalty_per_play)

    def worth(self) -> str:
        """Return what experiments have taught about the worth of a gain, in words; empty without experiments."""
        found, before = self.record.worth, self.record.assumptions.elasticity
        if found is None:
            return ""
        n = len(found.experiments)
        low, high = (f"{each:.3g}" for each in found.interval)
        return (
            f"{n} experiment{'s' if n > 1 else ''} with {found.listeners:,} listeners "
            f"({', '.join(found.experiments)}): the elasticity is {found.median:.3g}, 95 % between {low} and {high}. "
            f"Before, it was believed to be {before.median:g}, 90 % between {before.low:g} and {before.high:g} "
            f"({before.provenance})."
        )

    def would_take(self, challenger: Challenger) -> list[str]:
        """Return sentences on what would change the verdict: the gain, a price, a guardrail."""
        return [each for each in (*self._broken(), self.power(challenger), self.turning(challenger)) if each]

    def _broken(self) -> list[str]:
        broken = [row.label for row in self.guardrails if row.passed is False]
        if not broken:
            return []
        which = "Guardrails are broken" if len(broken) > 1 else "A guardrail is broken"
        return [f"{which}: {', '.join(broken)}. No gain and no price outweighs that."]

    def power(self, challenger: Challenger) -> str:
        """Return what the night could find, and what was needed, in words."""
        base, balance, found = challenger.comparison.champion_mean, challenger.balance, challenger.comparison
        if not challenger.clock.analysis:
            return f"{challenger.recipe} was compared, but not judged: {clock_words(challenger.clock)}."
        if math.isnan(balance.needed_gain):
            return f"No gain of {challenger.recipe} would have been promoted."
        needed, true = (percent(gain / base, sign=True) for gain in (balance.needed_gain, challenger.detectable_gain))
        nights = "one night" if found.n_nights == 1 else f"{found.n_nights} nights"
        return (
            f"A gain above {needed}, measured over {nights}, would have been promoted, if no guardrail was broken; a "
            f"true gain of {true} is found in four of five such nights."
        )

    def turning(self, challenger: Challenger) -> str:
        """Return the one condition under which a challenger's balance turns, in words."""
        condition = turning(challenger.prospect.flips, self.economics)
        pays = challenger.balance.pays
        if condition is None:
            return f"No single price changes that it {'pays' if pays else 'does not pay'}."
        return f"{challenger.recipe} {'would not pay' if pays else 'would pay'} {condition}."

    def uncertainty(self, challenger: Challenger) -> str:
        """Return what limits the precision of the gain; empty if it has no error."""
        found = challenger.comparison
        parts = {"listeners": found.se_listeners, "days": found.se_days, "fits": found.se_fits}
        shares = ", ".join(f"{100 * part**2 / found.se**2:.0f} % by {name}" for name, part in parts.items() if found.se)
        return f"The uncertainty of the gain is caused {shares}." if shares else ""
