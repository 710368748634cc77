"""Descriptions of runs in Markdown, which MLflow shows at the top of a run."""

import math

from pipeline.gate.economics import per_month
from pipeline.gate.guardrail import Gate
from pipeline.gate.guardrails.registry import all_guardrails
from pipeline.gate.record_model import Challenger
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.metrics.listener.registry import listener_metrics
from pipeline.tracking.night_files import NightFiles

ABOUT = """\
**Netgain**: nightly music recommendations that promote a model only when it pays.

One run a night, with a child run for each recipe. The night's name says what was decided and which recipe is served.
The model *netgain* has the alias `champion` on what is served and `previous` on what was served before.
"""


def night_note(night: NightFiles) -> str:
    """Return the sentence, the recipes side by side, the counts of rows, and where things are kept."""
    decision, ingest = night.decision, night.ingest
    order = sorted(night.metrics, key=lambda name: -(night.metrics[name].get(night.metric) or 0))
    rows = [_recipe_row(night, recipe) for recipe in order]
    faults = "".join(f"- {fault}\n" for fault in [*decision.faults, *decision.notes])
    currency = decision.assumptions.currency
    return (
        f"> {decision.sentence}\n\n"
        f"| recipe | {metric_title(night.metric)} | gain, 95 % interval | fit CPU s | memory MiB | model MiB "
        f"| {currency} / month more | verdict |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
        + "".join(f"| {' | '.join(row)} |\n" for row in rows)
        + f"\n{faults}\n"
        f"**Rows:** {ingest['read']:,} read = {ingest['accepted']:,} accepted + {ingest['duplicate']:,} duplicate "
        f"+ {ingest['quarantined']:,} quarantined. "
        f"**Decided on** {decision.n_eligible:,} listeners. "
        f"**Release** `{night.release}`.\n\n"
        "Money rests on the assumptions in `decision.json`. Plots are under *Artifacts* in `plots/`; the model "
        "that is served, in `model/`.\n"
    )


def recipe_note(night: NightFiles, recipe: str) -> str:
    """Return what the recipe gains and costs, its accuracy by slice, and its guardrails."""
    measured, challenger, n_fits = night.metrics[recipe], night.challenger(recipe), len(night.fits[recipe])
    parts = [
        f"**{recipe}**, {night.role(recipe)} of the night {night.as_of}: "
        f"{metric_title(night.metric)} {_number(measured.get(night.metric), 4)}, "
        f"{f'mean of {n_fits} fits' if n_fits > 1 else 'one fit'}.\n"
    ]
    if challenger:
        parts.append(f"Against {night.decision.champion}: {_gain(challenger)}, verdict {challenger.verdict}.\n")
    parts.append(f"| slice | listeners | {metric_title(night.metric)} |\n| --- | ---: | ---: |")
    parts += [
        f"| {name} | {means['n']:,} | {_number(means.get(night.metric), 4)} |"
        for name, means in measured["slices"].items()
    ]
    if challenger:
        labels = {guardrail.name: guardrail.label for guardrail in all_guardrails()}
        parts.append("\n| guardrail | found | bound | |\n| --- | ---: | ---: | --- |")
        for gate in challenger.gates:
            figures = f"{_number(gate.value, 4)} | {_number(gate.bound, 4)}"
            parts.append(f"| {labels.get(gate.name, gate.name)} | {figures} | {_passed(gate)} |")
    return "\n".join(parts) + "\n"


def _recipe_row(night: NightFiles, recipe: str) -> list[str]:
    challenger, cost = night.challenger(recipe), mean_cost(night.fits[recipe])
    role = night.role(recipe)
    name = f"**{recipe}**" if recipe == night.decision.serve.recipe else recipe
    return [
        name,
        _number(night.metrics[recipe].get(night.metric), 4),
        _gain(challenger) if challenger else "",
        *_cost_cells(cost),
        f"{per_month(challenger.cost_total, night.decision.assumptions):,.0f}" if challenger else "",
        challenger.verdict if challenger else role if role == "champion" else "INVALID",
    ]


def _cost_cells(cost: Cost) -> list[str]:
    sizes = [None if size is None else size / 2**20 for size in (cost.peak_rss_bytes, cost.model_bytes)]
    return [_number(cost.cpu_seconds, 1), _number(sizes[0], 0), _number(sizes[1], 1)]


def _gain(challenger: Challenger) -> str:
    base, (low, high) = challenger.comparison.champion_mean, challenger.interval
    if not base or math.isnan(base):
        return "undefined"
    delta = challenger.comparison.delta
    return f"{100 * delta / base:+.1f} % ({100 * low / base:+.1f} to {100 * high / base:+.1f})"


def _passed(gate: Gate) -> str:
    return "undecided" if gate.passed is None else "passed" if gate.passed else "**broken**"


def _number(value: float | None, digits: int) -> str:
    return "undefined" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def metric_title(metric: str) -> str:
    """Return the title of a metric, such as NDCG@10 for `ndcg_at_10`."""
    name, _, k = metric.partition("_at_")
    labels = {each.mean_name: each.label for each in listener_metrics()}
    return f"{labels.get(name, name.upper())}@{k}"
