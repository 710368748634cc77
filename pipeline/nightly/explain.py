"""A decision for a terminal: the sentence, then the figures."""

import math
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.gate.guardrail import Gate
from pipeline.gate.record_model import Challenger, DecisionRecord
from pipeline.gate.record_reader import parse_record
from pipeline.gate.wording import chance, percent, required_chance, small_share, whole

Document = Mapping[str, Any]
"""What a decision.json holds, of any schema."""


def explained(document: Document) -> Group:
    """Return the sentence, each challenger's gain and cost, and the guardrails of the one the sentence is about."""
    record = parse_record(document)
    spoken = next((c for c in record.challengers if c.recipe == record.challenger), None)
    parts: list[RenderableType] = [Text(record.sentence, style="bold"), ""]
    parts += [Text(f"- {fault}") for fault in (*record.faults, *record.notes)]
    if record.challengers:
        parts += [gain_table(record), "", money_table(record), ""]
    if spoken is not None:
        parts += [gate_table(record, spoken), "", flip_table(spoken)]
    return Group(*parts)


def compared(before: Document, after: Document) -> Group:
    """Return what was decided, and what other assumptions would have led to."""
    same = before["verdict"] == after["verdict"] and before["serve"] == after["serve"]
    changed = parse_record(after)
    return Group(
        Text(f"as decided   {before['sentence']}"),
        Text(f"what if      {changed.sentence}", style="bold"),
        Text("the verdict stays" if same else f"{before['verdict']} becomes {after['verdict']}", style="dim"),
        "",
        Group(gain_table(changed), "", money_table(changed)) if changed.challengers else "",
    )


def gain_table(record: DecisionRecord) -> Table:
    """Return a row for each challenger: its gain, relative to the champion's mean, and what it had to be."""
    lane = record.lanes.upgrade
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("challenger", no_wrap=True)
    for head in ("gain (95 %)", "proven", "needed", "detectable", "verdict"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in record.challengers:
        base, (low, high) = each.comparison.champion_mean, each.interval
        table.add_row(
            each.recipe,
            f"{each.comparison.delta / base:+.1%} ({low / base:+.1%} to {high / base:+.1%})",
            f"{each.lower_bound / base:+.1%}",
            percent(each.balance.needed_gain / base, sign=True),
            percent(each.detectable_gain / base, sign=True),
            each.verdict,
        )
    table.caption = (
        f"Over {record.champion}, in {lane.quarter}; α = {lane.alpha:.5f} for each analysis.\n"
        "proven: lower bound of the gain. needed: the gain that would have been\n"
        "promoted tonight. detectable: the true gain that is found in 4 of 5 nights."
    )
    return table


def money_table(record: DecisionRecord) -> Table:
    """Return a row for each challenger: what it costs more, running and once, and what it is expected to bring."""
    economics = record.assumptions
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("challenger", no_wrap=True)
    currency, days = economics.currency, economics.horizon_days
    for head in (f"{currency} a month", f"{currency} once", "measured", f"net benefit, {days} days", "P(it pays)"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in record.challengers:
        balance, look = each.balance, each.balance.outlook
        table.add_row(
            each.recipe,
            whole(balance.monthly_cost, sign=True),
            whole(balance.one_off_cost, sign=True),
            small_share(balance.measured_share),
            f"{whole(look.mean, sign=True)} ({whole(look.low, sign=True)} to {whole(look.high, sign=True)})",
            chance(balance),
        )
    table.caption = (
        f"P(it pays) must reach {required_chance(record.challengers[0].balance)}. "
        "Net benefit: expected, and its 90 % interval.\n"
        "measured: share of the cost that is CPU, memory, storage and energy as\n"
        "measured; the rest is assumed hours of people. Prices, "
        f"{economics.listeners:,} listeners\nand the elasticity {economics.elasticity.median:g} "
        f"({economics.elasticity.provenance}) are assumptions."
    )
    return table


def gate_table(record: DecisionRecord, challenger: Challenger) -> Table:
    """Return the guardrails of one challenger, in the words of the record."""
    described = {guardrail.name: guardrail for guardrail in record.guardrails}
    title = f"{challenger.recipe}: guardrails"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for head in ("guardrail", "found", "bound", "", "what is measured"):
        table.add_column(head, justify="right" if head in {"found", "bound"} else "left")
    for gate in challenger.gates:
        found = described.get(gate.name)
        label, explanation = (gate.name, "") if found is None else (found.label, found.explanation)
        table.add_row(label, _figure(gate.value), _figure(gate.bound), outcome(gate), explanation)
    return table


def outcome(gate: Gate) -> str:
    """Return whether a guardrail passed, for people."""
    return {True: "passed", False: "broken", None: "undecided"}[gate.passed]


def flip_table(challenger: Challenger) -> RenderableType:
    """Return the prices, all of them assumed, and where each would turn the challenger's balance."""
    found = [flip for flip in challenger.prospect.flips if not math.isnan(flip.flips_at)]
    if not found:
        return Text(f"{challenger.recipe}: no single price changes whether it pays.")
    title = f"{challenger.recipe}: where its balance turns"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("assumption")
    table.add_column("assumed", justify="right")
    table.add_column("turns at", justify="right")
    for flip in found:
        table.add_row(flip.price, _figure(flip.assumed), _figure(flip.flips_at))
    table.caption = "Each price alone; no other of them changes it."
    table.caption_justify = "left"
    return table


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.6g}"
