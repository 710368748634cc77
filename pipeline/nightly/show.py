"""The summary of a night for the terminal: a few lines and one table."""

from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from pipeline.gate.wording import whole
from pipeline.terminal_table import FittingTable

_COLOUR = {"PROMOTE": "green", "KEEP": "cyan", "INVALID": "yellow"}


def summary(facts: dict[str, Any]) -> Group:
    """Return the closing summary: rows read, checks, recipes with gain and cost, the verdict and where to look."""
    decision = facts["decision"]
    verdict = Panel(
        Text(decision["sentence"]),
        title=f"{decision['verdict']} · night of {facts['as_of']}",
        title_align="left",
        border_style=_COLOUR[decision["verdict"]],
    )
    return Group(_rows(facts), _checks(facts), "", recipe_table(facts), "", verdict, *_notes(facts), _next(facts))


def _rows(facts: dict[str, Any]) -> Group:
    rows = facts["rows"]
    line = (
        f"{rows['read']:,} rows read from {rows['files']} files = {rows['accepted']:,} accepted "
        f"+ {rows['duplicate']:,} duplicate + {rows['quarantined']:,} quarantined"
    )
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in sorted(rows["reasons"].items(), key=lambda r: -r[1]))
    lines = [Text(line + (f" ({reasons})" if reasons else ""))]
    if later := rows.get("later"):
        what = f"{later:,} of {rows['accepted']:,} plays are from {facts['as_of']} on: this night may not see them"
        lines.append(Text(what, style="yellow"))
    if both := rows.get("in_extended_history"):
        lines.append(Text(f"{both:,} plays are in both of Spotify's exports; the extended history counts"))
    return Group(*lines)


def _checks(facts: dict[str, Any]) -> Group:
    """Return the number of expectations, the excluded listeners and each warning."""
    checks = facts["checks"].values()
    total, undecided = sum(c["n_expectations"] for c in checks), sum(len(c["undecided"]) for c in checks)
    lines = [Text(f"{total} expectations of the data; {undecided} undecided, for lack of data")]
    lines += [Text(f"excluded: {line}") for c in checks for line in c["excluded_listeners"]]
    lines += [Text(f"warning: {line}", style="yellow") for c in checks for line in c["warnings"]]
    lines += [Text(f"monitor: {line}", style="yellow") for line in facts["monitor"]]
    return Group(*lines)


def recipe_table(facts: dict[str, Any]) -> FittingTable:
    """Return a table of the recipes, most accurate first: gain, money and measured cost.

    Its money is what a recipe adds to the champion's cost, as the sentence has it.
    """
    decision = facts["decision"]
    economics = decision["assumptions"]
    metric, currency = decision["metric"].replace("_at_", "@").upper(), economics["currency"]
    heads = (
        metric, "gain, % (95 %)", f"{currency}/month", f"{currency} once", f"net, {economics['horizon_days']} d",
        "recall", "coverage", "CPU s", "peak MiB", "model MiB",
    )  # fmt: skip
    table = FittingTable("recipe", *heads, right=heads)
    for row in facts["recipes"]:
        served = row["recipe"] == facts["release"]["recipe"]
        table.add_row(
            f"{row['recipe']}{' ←' if served else ''}",
            _number(row["ndcg"], "{:.4f}"),
            "champion" if row["role"] == "champion" else _interval(row["gain"]),
            *(_amount(row.get(key)) for key in ("added_per_month", "one_off", "net_benefit")),
            _number(row["recall"], "{:.4f}"),
            _number(row["coverage"], "{:.1%}"),
            _number(row["cpu_seconds"], "{:,.1f}"),
            _number(row["peak_rss_bytes"], "{:,.0f}", 2**20),
            _number(row["model_bytes"], "{:,.1f}", 2**20),
            style="bold" if served else None,
        )
    table.caption = _caption(facts)
    return table


def _caption(facts: dict[str, Any]) -> str:
    economics = facts["decision"]["assumptions"]
    own = next((row["cost_per_month"] for row in facts["recipes"] if row["role"] == "champion"), None)
    runs = "" if own is None else f", which runs for {own:,.0f} {economics['currency']} a month"
    return (
        f"← served from tonight. Gain, cost and net benefit are relative to the champion{runs}; for "
        f"{economics['listeners']:,} listeners, at the prices of params.yaml, royalties and working hours included."
    )


def _notes(facts: dict[str, Any]) -> list[Padding]:
    return [Padding(Text(f"note: {note}", style="dim"), (0, 1)) for note in facts["decision"]["notes"]]


def _next(facts: dict[str, Any]) -> Group:
    release = facts["release"]
    lines = [
        f"Served now: release {release['id']}, recipe {release['recipe']}, {release['n_listeners']:,} listeners"
        + facts.get("newcomers", ""),
        "See: reports/index.html, `netgain explain`, `netgain lookup LISTENER`, `make serve`, `make ui`",
        f"{len(facts['ran'])} stages ran in {facts['seconds']:.0f} s",
    ]
    if facts["decision"]["verdict"] == "INVALID":
        lines.append("The lists are served, but the gate could not decide: the exit status is 3.")
    waits = len(facts["outbox"])
    away = f"{waits} night{'s' if waits > 1 else ''} not yet recorded in MLflow, kept in the outbox: `netgain outbox`"
    return Group(*(Text(line) for line in lines), *([Text(away, style="yellow")] if waits else []))


def _interval(gain: dict[str, float] | None) -> str:
    if gain is None:
        return "–"
    delta, low, high = (f"{100 * gain[key]:+.1f}" for key in ("delta", "low", "high"))
    return f"{delta} ({low} to {high})"


def _amount(amount: float | None) -> str:
    return "–" if amount is None else whole(amount, sign=True)


def _number(value: float | None, form: str, unit: float = 1) -> str:
    return "–" if value is None else form.format(value / unit)
