"""A decision for a terminal: the sentence, then the figures."""

import math
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.gate.economics import per_month
from pipeline.gate.guardrail import Gate
from pipeline.gate.record_model import Challenger, DecisionRecord
from pipeline.gate.record_reader import parse_record

Document = Mapping[str, Any]
"""What a decision.json holds, of any schema."""


def explained(document: Document) -> Group:
    """Return the sentence, each challenger's gain and cost, and the guardrails of the one the sentence is about."""
    record = parse_record(document)
    spoken = next((c for c in record.challengers if c.recipe == record.challenger), None)
    parts: list[RenderableType] = [Text(record.sentence, style="bold"), ""]
    parts += [Text(f"- {fault}") for fault in (*record.faults, *record.notes)]
    if record.challengers:
        parts += [challenger_table(record), ""]
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
        challenger_table(changed) if changed.challengers else "",
    )


def challenger_table(record: DecisionRecord) -> Table:
    """Return a row for each challenger; gains relative to the champion's mean, money a month."""
    economics, lane = record.assumptions, record.lanes.upgrade
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("challenger", no_wrap=True)
    for head in ("gain (95 %)", "proven gain", "needed", "detectable", f"cost {economics.currency}/month"):
        table.add_column(head, justify="right", no_wrap=True)
    for head in ("net, low", "P(net > 0)", "verdict"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in record.challengers:
        base, balance = each.comparison.champion_mean, each.balance
        low, high = each.interval
        pays_from = 0.0 if math.isnan(balance.break_even_gain) else balance.break_even_gain
        table.add_row(
            each.recipe,
            f"{each.comparison.delta / base:+.1%} ({low / base:+.1%} to {high / base:+.1%})",
            f"{each.lower_bound / base:+.1%}",
            f"{max(balance.required_gain, pays_from) / base:+.1%}",
            "–" if math.isnan(each.detectable_gain) else f"{each.detectable_gain / base:+.1%}",
            f"{per_month(balance.cost_total, economics):,.0f}",
            f"{per_month(balance.net_benefit_low, economics):+,.0f}",
            f"{each.prospect.outlook.probability_of_gain:.0%}",
            each.verdict,
        )
    table.caption = (
        f"over {record.champion}, in {lane.quarter}, α = {lane.alpha:.5f} for each analysis; "
        f"assumed: {economics.listeners:,} listeners and the price card"
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


def flip_table(challenger: Challenger) -> Table:
    """Return the prices, all of them assumed, and where each would turn the challenger's balance."""
    title = f"{challenger.recipe}: where its balance turns"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("assumption")
    table.add_column("assumed", justify="right")
    table.add_column("turns at", justify="right")
    for flip in challenger.prospect.flips:
        table.add_row(flip.price, _figure(flip.assumed), _figure(flip.flips_at))
    return table


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.6g}"
