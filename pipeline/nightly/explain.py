"""A decision for a terminal: the sentence, then the figures."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from pipeline.gate.economics import per_month
from pipeline.params.economics import EconomicsParams

Record = Mapping[str, Any]


def explained(record: Record) -> Group:
    """The sentence, each challenger's gain against its cost, and the guardrails of the one that is spoken of."""
    spoken = next((c for c in record["challengers"] if c["recipe"] == record["challenger"]), None)
    parts: list[Any] = [Text(record["sentence"], style="bold"), ""]
    parts += [Text(f"- {fault}") for fault in (*record["faults"], *record["notes"])]
    if record["challengers"]:
        parts += [challenger_table(record), ""]
    if spoken is not None:
        parts += [gate_table(spoken), "", flip_table(record, spoken)]
    return Group(*parts)


def compared(before: Record, after: Record) -> Group:
    """What was decided, and what would have been."""
    same = before["verdict"] == after["verdict"] and before["serve"] == after["serve"]
    return Group(
        Text(f"as decided   {before['sentence']}"),
        Text(f"what if      {after['sentence']}", style="bold"),
        Text("the verdict stays" if same else f"{before['verdict']} becomes {after['verdict']}", style="dim"),
        "",
        challenger_table(after) if after["challengers"] else "",
    )


def challenger_table(record: Record) -> Table:
    """A row for each challenger; gains by the champion's mean, money a month."""
    economics = EconomicsParams.model_validate(record["assumptions"])
    lane = record["lanes"]["upgrade"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("challenger", no_wrap=True)
    for head in ("gain (95 %)", "sure gain", "needed", "detectable", f"cost {economics.currency}/month"):
        table.add_column(head, justify="right", no_wrap=True)
    for head in ("net, low", "P(net > 0)", "verdict"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in record["challengers"]:
        base, balance = each["comparison"]["champion_mean"], each["balance"]
        low, high = each["interval"]
        needed = max(balance["required_gain"], balance["break_even_gain"] or 0)
        table.add_row(
            each["recipe"],
            f"{each['comparison']['delta'] / base:+.1%} ({low / base:+.1%} to {high / base:+.1%})",
            f"{each['lower_bound'] / base:+.1%}",
            f"{needed / base:+.1%}",
            "–" if each["detectable_gain"] is None else f"{each['detectable_gain'] / base:+.1%}",
            f"{per_month(balance['cost_total'], economics):,.0f}",
            f"{per_month(balance['net_benefit_low'], economics):+,.0f}",
            f"{each['prospect']['outlook']['probability_of_gain']:.0%}",
            each["verdict"],
        )
    table.caption = (
        f"over {record['champion']}, look {lane['look']} of {lane['quarter']}, α = {lane['alpha']:.5f} each; "
        f"assumed: {economics.listeners:,} listeners and the price card"
    )
    return table


def gate_table(challenger: Mapping[str, Any]) -> Table:
    """Guardrails of one challenger."""
    title = f"{challenger['recipe']}: guardrails"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for head in ("guardrail", "found", "bound", ""):
        table.add_column(head, justify="left" if head in {"guardrail", ""} else "right")
    for gate in challenger["gates"]:
        word = {True: "held", False: "broken", None: "undecided"}[gate["passed"]]
        table.add_row(gate["name"], _figure(gate["value"]), _figure(gate["bound"]), word)
    return table


def flip_table(record: Record, challenger: Mapping[str, Any]) -> Table:
    """Prices, all of them assumed, and where each would turn the balance."""
    title = f"{challenger['recipe']}: where its balance turns"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("assumption")
    table.add_column("assumed", justify="right")
    table.add_column("turns at", justify="right")
    for flip in challenger["prospect"]["flips"]:
        table.add_row(flip["price"], _figure(flip["assumed"]), _figure(flip["flips_at"]))
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"
