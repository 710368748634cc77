"""A decision for a terminal: the sentence, then the figures."""

import math
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.gate.decision import Refresh
from pipeline.gate.economics import per_month
from pipeline.gate.guardrail import Gate
from pipeline.gate.record_model import Challenger, DecisionRecord
from pipeline.gate.record_reader import parse_record
from pipeline.gate.wording import chance, next_experiment, percent, required_chance, small_share, source, whole

Document = Mapping[str, Any]
"""What a decision.json holds, of any schema."""


def explained(document: Document) -> Group:
    """Return the sentence, each challenger's gain and cost, and the guardrails of the one the sentence is about."""
    record = parse_record(document)
    spoken = next((c for c in record.challengers if c.recipe == record.challenger), None)
    parts: list[RenderableType] = [Text(record.sentence, style="bold"), ""]
    parts += [Text(f"- {each}") for each in (*record.faults, *record.left_out.values(), *record.notes)]
    if record.lanes.refresh is not None:
        parts += [refresh_table(record.lanes.refresh), ""]
    if record.challengers:
        parts += [gain_table(record), "", money_table(record), ""]
    if spoken is not None:
        parts += [gate_table(record, spoken), "", flip_table(spoken)]
        parts += ["", Text(next_experiment(spoken, record.economics))] if spoken.prospect.experiment else []
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
    """Return a row for each challenger: its gain in percent of the champion's mean, and what it had to be."""
    lane = record.lanes.upgrade
    table = _table("gain, %", "proven", "needed", "detectable", "verdict")
    for each in record.challengers:
        base, (low, high) = each.comparison.champion_mean, each.interval
        table.add_row(
            each.recipe,
            f"{_points(each.comparison.delta / base)} ({_points(low / base)} to {_points(high / base)})",
            _points(each.lower_bound / base) if each.clock.analysis else each.clock.status,
            _points(each.balance.needed_gain / base),
            _points(each.detectable_gain / base),
            each.verdict,
        )
    table.caption = (
        f"over {record.champion}, with the 95 % interval; α = {lane.alpha:.5f} for each analysis "
        f"of {lane.quarter}\n"
        "proven: the lower bound; needed: what would have been promoted tonight;\n"
        "detectable: the true gain that is found in 4 of 5 such nights"
    )
    return table


def refresh_table(refresh: Refresh) -> Table:
    """Return a row for each comparison of the newer fit with what is served."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("newer fit against what is served")
    for head in ("nights", "change", "at most"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in refresh.changes:
        table.add_row(
            each.what, str(each.n_nights), percent(each.change, sign=True), percent(each.upper_bound, sign=True)
        )
    return table


def money_table(record: DecisionRecord) -> Table:
    """Return a row for each challenger: what it costs more, running and once, and what it is expected to bring."""
    economics = record.economics
    priced = any(each.balance.cost.content for each in record.challengers)
    heads = ("a month", *(["of it royalties"] if priced else []), "once", "measured")
    table = _table(*heads, f"net, {economics.horizon_days} days", "it pays")
    for each in record.challengers:
        balance, look = each.balance, each.balance.outlook
        net, low, high = (whole(amount, sign=True) for amount in (look.mean, look.low, look.high))
        table.add_row(
            each.recipe,
            whole(balance.monthly_cost, sign=True),
            *([whole(per_month(balance.cost.content, economics), sign=True)] if priced else []),
            whole(balance.one_off_cost, sign=True),
            small_share(balance.measured_share),
            f"{net} ({low} to {high})",
            chance(balance),
        )
    belief = economics.elasticity
    table.caption = (
        f"{economics.currency}: added cost a month and once; net benefit, expected and 90 % interval\n"
        "measured: share of the cost that was measured (CPU, memory, storage, energy);\n"
        "the rest is assumed hours of people. All prices are assumed.\n"
        f"it pays: probability; {required_chance(record.challengers[0].balance)} is required. "
        f"Elasticity {belief.median:.3g} ({source(record)}), {economics.listeners:,} listeners"
    )
    return table


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("challenger", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right")
    return table


def _points(share: float) -> str:
    return percent(share, sign=True).removesuffix(" %")


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
