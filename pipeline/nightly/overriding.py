"""Overrides: a person decides against the gate, with a name and a reason, until a date."""

import datetime as dt
from typing import Any

from pipeline.errors import ParamsError
from pipeline.gate.champion import is_carried
from pipeline.nightly.dvc import Report
from pipeline.nightly.running import run_night
from pipeline.settings import Settings
from pipeline.stages.context import open_context
from pipeline.state.ledger import add_override
from pipeline.storage.tables import read_json


def override(
    settings: Settings, *, recipe: str | None, by: str, reason: str, until: dt.date, report: Report
) -> dict[str, Any]:
    """Record an override and carry it out: the open night is run again from its decision on.

    The verdict stays what the gate found. The override's recipe is served in this night and in later ones up to
    `until`. After that the gate's own choice is served again, unless the recipe has proven itself.

    Args:
        recipe: what to serve; None for the challenger of tonight's decision.
        by: who decides.
        reason: why.
        until: the last night that it holds for.

    Returns:
        The night's facts.

    Raises:
        ParamsError: no name, no reason, a date that has passed, or no such recipe.
    """
    context = open_context(settings)
    record, landing = read_json(context.layout.decision), read_json(context.layout.landing)
    chosen = recipe if recipe is not None else record["challenger"]
    known = [name for name in context.params.recipes if not is_carried(name)]
    if chosen not in known:
        raise ParamsError(
            f"an override for {chosen!r}",
            expected=f"one of {', '.join(known)}",
            fix="Name a recipe of params.yaml with --recipe.",
        )
    for name, value in (("--by", by), ("--reason", reason)):
        if not value.strip() or "\n" in value:
            raise ParamsError(
                f"{name} {value!r}", expected="a line of text", fix="An override is signed and explained."
            )
    if until < context.as_of:
        raise ParamsError(f"--until {until}", expected=f"{context.as_of} or later", fix="Give the last night of it.")
    if record["verdict"] == "INVALID":
        raise ParamsError(
            "an override of an INVALID night",
            expected="a night that was measured",
            fix="See its faults: netgain explain.",
        )
    told = {"recipe": chosen, "by": by.strip(), "reason": reason.strip()}
    add_override(settings.state, {**told, "since": context.as_of.isoformat(), "until": until.isoformat()})
    logs = settings.workspace / landing["root"]
    return run_night(settings, as_of=context.as_of, log_format=landing["format"], logs=logs, report=report)
