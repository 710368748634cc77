"""A decision for a terminal: the sentence, then the figures."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.gate.decision import Refresh
from pipeline.gate.record_model import Challenger, DecisionRecord
from pipeline.gate.record_reader import parse_record
from pipeline.gate.wording import chance, next_experiment, percent, required_chance, small_share, source, whole
from pipeline.reports.bill import bill_of
from pipeline.reports.guardrail_view import far_line, guardrail_rows
from pipeline.terminal_table import FittingTable

Document = Mapping[str, Any]
"""What a decision.json holds, of any schema."""
_NOT_JUDGED = "not judged: too few listeners; counts neither for nor against."


def explained(document: Document, *, wide: bool = False) -> Group:
    """Return the sentence, each challenger's gain and cost, and the guardrails of the one the sentence is about.

    Args:
        document: the record.
        wide: whether guardrails are all shown, with what each measures.
    """
    record = parse_record(document)
    spoken = next((c for c in record.challengers if c.recipe == record.challenger), None)
    parts: list[RenderableType] = [Text(record.sentence, style="bold"), ""]
    parts += [Text(f"- {each}") for each in (*record.faults, *record.left_out.values(), *record.notes)]
    if record.lanes.refresh is not None:
        parts += [refresh_table(record.lanes.refresh), ""]
    if record.challengers:
        parts += [gain_table(record), "", money_table(record), ""]
    if spoken is not None:
        parts += [bill_table(record, spoken), "", gate_table(record, spoken, wide=wide), "", flip_table(spoken)]
        parts += ["", Text(next_experiment(spoken, record.economics))] if spoken.prospect.experiment else []
    return Group(*parts)


def compared(before: Document, after: Document) -> Group:
    """Return what was decided, and what other assumptions would have led to."""
    same = before["verdict"] == after["verdict"] and before["serve"] == after["serve"]
    changed = parse_record(after)
    spoken = next((c for c in changed.challengers if c.recipe == changed.challenger), None)
    return Group(
        Text(f"as decided   {before['sentence']}"),
        Text(f"what if      {changed.sentence}", style="bold"),
        Text("the verdict stays" if same else f"{before['verdict']} becomes {after['verdict']}", style="dim"),
        "",
        Group(gain_table(changed), "", money_table(changed)) if changed.challengers else "",
        Group("", bill_table(changed, spoken)) if spoken is not None else "",
    )


def gain_table(record: DecisionRecord) -> FittingTable:
    """Return a row for each challenger: verdict and gain in percent of the champion's mean, and what it had to be."""
    lane = record.lanes.upgrade
    table = _table("verdict", "gain, %", "(95 %)", "proven", "needed", "detectable")
    for each in record.challengers:
        base, (low, high) = each.comparison.champion_mean, each.interval
        table.add_row(
            each.recipe,
            each.verdict,
            _points(each.comparison.delta / base),
            f"{_points(low / base)} to {_points(high / base)}",
            _points(each.lower_bound / base) if each.clock.analysis else each.clock.status,
            _points(each.balance.needed_gain / base),
            _points(each.detectable_gain / base),
        )
    table.caption = (
        f"over {record.champion}, with the 95 % interval; α = {lane.alpha:.5f} for each analysis "
        f"of {lane.quarter}\n"
        "proven: the lower bound; needed: what would have been promoted tonight;\n"
        "detectable: the true gain that is found in 4 of 5 such nights"
    )
    return table


def refresh_table(refresh: Refresh) -> FittingTable:
    """Return a row for each comparison of the newer fit with what is served."""
    heads = ("nights", "change", "at most")
    table = FittingTable("newer fit against what is served", *heads, right=heads)
    for each in refresh.changes:
        table.add_row(
            each.what, str(each.n_nights), percent(each.change, sign=True), percent(each.upper_bound, sign=True)
        )
    return table


def money_table(record: DecisionRecord) -> FittingTable:
    """Return a row for each challenger: what it costs more, running and once, and what it is expected to bring."""
    economics = record.economics
    table = _table("a month", "once", f"net, {economics.horizon_days} d", "(90 %)", "it pays", "measured")
    for each in record.challengers:
        balance, look = each.balance, each.balance.outlook
        net, low, high = (whole(amount, sign=True) for amount in (look.mean, look.low, look.high))
        table.add_row(
            each.recipe,
            whole(balance.monthly_cost, sign=True),
            whole(balance.one_off_cost, sign=True),
            net,
            f"{low} to {high}",
            chance(balance),
            small_share(balance.measured_share),
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


def bill_table(record: DecisionRecord, challenger: Challenger) -> RenderableType:
    """Return the net benefit of one challenger as a sum: the worth of its gain, less each cost."""
    economics, bill = record.economics, bill_of(challenger.balance, record.economics)
    if bill is None:
        return Text(f"{challenger.recipe}: its net benefit is undefined.")
    title = f"{challenger.recipe}: net benefit over {economics.horizon_days} days"
    table = FittingTable("", economics.currency, right=(economics.currency,), title=title)
    for what, amount in bill.lines(challenger.balance, economics):
        table.add_row(what, whole(amount, sign=True))
    table.add_row("expected net benefit", whole(bill.net, sign=True), style="bold")
    return table


def _table(*heads: str) -> FittingTable:
    return FittingTable("challenger", *heads, right=[head for head in heads if head != "verdict"])


def _points(share: float) -> str:
    return percent(share, sign=True).removesuffix(" %")


def gate_table(record: DecisionRecord, challenger: Challenger, *, wide: bool = False) -> Group:
    """Return the guardrails of one challenger, in the words of the record; broken ones are explained.

    Args:
        record: what describes the guardrails.
        challenger: whose they are.
        wide: whether limits that are far are shown as well, and what every guardrail measures.
    """
    rows = guardrail_rows(record, challenger.gates)
    heads = ("guardrail", "result", "found", "bound", *(["what is measured"] if wide else []))
    title = f"{challenger.recipe}: guardrails"
    table = FittingTable(*heads, right=("found", "bound"), prose=("what is measured",), title=title)
    for row in rows:
        if wide or not row.far:
            style = None if row.passed else "yellow" if row.passed is False else "dim"
            more = (row.explanation,) if wide else ()
            table.add_row(row.label, row.result, row.found, row.bound, *more, style=style)
    lines = [] if wide else [f"{row.label}: {row.explanation}" for row in rows if row.passed is False]
    lines += [f"{row.label}: {_NOT_JUDGED}" for row in rows if row.passed is None]
    lines += [] if wide else [line for line in (far_line(rows), "What each one measures: --wide.") if line]
    return Group(table, *(Text(line, style="dim italic") for line in lines))


def flip_table(challenger: Challenger) -> RenderableType:
    """Return the prices, all of them assumed, and where each would turn the challenger's balance."""
    found = [flip for flip in challenger.prospect.flips if not math.isnan(flip.flips_at)]
    if not found:
        return Text(f"{challenger.recipe}: no single price changes whether it pays.")
    heads = ("assumed", "turns at")
    table = FittingTable("assumption", *heads, right=heads, title=f"{challenger.recipe}: where its balance turns")
    for flip in found:
        table.add_row(flip.price, _figure(flip.assumed), _figure(flip.flips_at))
    table.caption = "Each price alone; no other of them changes it."
    return table


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.6g}"
