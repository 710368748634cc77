"""Experiments in the state database: what people asked for, and what each night left.

A row of `experiments` is one experiment as one night left it. A night reads the rows of the nights before it, so that
running it again opens, estimates and ends the same experiments.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pipeline.errors import ParamsError
from pipeline.online.results import ExperimentResult
from pipeline.online.running import Running, opened_tonight
from pipeline.params.experiments import Experiment
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import append, snapshot, transaction

TABLE, REQUESTS = "experiments", "experiment_requests"
Entry = dict[str, Any]


def request(where: Where, kind: Literal["open", "close"], experiment: str, *, by: str, reason: str) -> None:
    """Ask the next night to open or to close an experiment."""
    append(where, REQUESTS, {"kind": kind, "experiment": experiment, "by": by, "reason": reason, "when": now()})


def tonights(
    where: Where,
    declared: Mapping[str, Experiment],
    *,
    as_of: dt.date,
    key: tuple[bytes, str],
    definition_of: Callable[[str], str | None],
) -> list[Running]:
    """Return the experiments of a night: those that run, whether or not tonight ends them, and those that it opens.

    Args:
        where: the store.
        declared: of params.yaml.
        as_of: the night.
        key: the workspace's key, and its fingerprint.
        definition_of: the definition of a recipe of params.yaml; None if there is no such recipe.

    Raises:
        ParamsError: one that is asked for is not declared, or does not fit beside the others.
        TableError: the database cannot be read.
    """
    with snapshot(where) as state:
        rows, requests = state.entries(TABLE), state.entries(REQUESTS)
    night = as_of.isoformat()
    latest = {row["experiment"]: row for row in rows if row["as_of"] < night}
    later = {row["experiment"] for row in rows if row["as_of"] > night}
    running = [
        _standing(Running.model_validate(row["running"]), requests, later, as_of=as_of, key=key[1], now=definition_of)
        for row in latest.values()
        if row["result"]["state"] == "running"
    ]
    opened: list[Running] = []
    asked = [(name, 1) for name in _asked(declared, rows, requests, night)]
    for name, draw in [*asked, *_drawn_anew(declared, running, latest, night)]:
        each, going_on = declared[name], [other for other in running if not other.closing]
        definition = None if each.recipe is None else definition_of(each.recipe)
        opened.append(
            opened_tonight(
                name, each, draw=draw, as_of=as_of, beside=[*going_on, *opened], key=key, definition=definition
            )
        )
    return [*running, *opened]


def enter(where: Where, as_of: dt.date, left: Sequence[tuple[Running, ExperimentResult]]) -> None:
    """Enter what a night leaves: each experiment with its result; again, nothing changes."""
    entries = [
        {
            "as_of": as_of.isoformat(),
            "experiment": running.id,
            "running": running.model_dump(mode="json"),
            "result": result.model_dump(mode="json"),
        }
        for running, result in left
    ]
    with transaction(where) as state:
        known = state.entries(TABLE)
        tonights_rows = [row for row in known if row["as_of"] == as_of.isoformat()]
        if tonights_rows != entries:
            state.remove(TABLE, as_of=as_of.isoformat())
            state.append(TABLE, *entries)


def latest_results(where: Where, *, before: dt.date | None = None) -> list[Entry]:
    """Return the last row of each experiment, in the order in which they were opened.

    Args:
        where: the store.
        before: only rows of nights before this one; None for all.
    """
    with snapshot(where) as state:
        rows = state.entries(TABLE)
    kept = [row for row in rows if before is None or row["as_of"] < before.isoformat()]
    return list({row["experiment"]: row for row in sorted(kept, key=lambda row: str(row["as_of"]))}.values())


def requested(where: Where) -> list[Entry]:
    """Return all requests, the oldest first."""
    with snapshot(where) as state:
        return state.entries(REQUESTS)


def _standing(
    running: Running,
    requests: list[Entry],
    later: set[str],
    *,
    as_of: dt.date,
    key: str,
    now: Callable[[str], str | None],
) -> Running:
    """Return an experiment with the reason for which tonight ends it, if there is one."""
    recipe = running.declared.recipe
    last = next((r for r in reversed(requests) if r["experiment"] in {running.id, running.name}), None)
    if running.id_key != key:
        why = "listeners have other tokens since, so their arms are others"
        return running.model_copy(update={"closing": why, "closing_state": "invalid"})
    if last is not None and last["kind"] == "close" and running.id not in later:
        return running.model_copy(update={"closing": f"{last['by']} closed it: {last['reason']}"})
    if as_of >= running.until:
        return running.model_copy(update={"closing": f"its end was {running.until}", "drawn_anew": True})
    if recipe is not None and now(recipe) != running.definition:
        why = f"the recipe {recipe} was changed or removed in params.yaml"
        return running.model_copy(update={"closing": why})
    return running


def _asked(
    declared: Mapping[str, Experiment], rows: Sequence[Entry], requests: Sequence[Entry], night: str
) -> list[str]:
    """Return what tonight opens: names of experiments that were asked for and never ran."""
    first: dict[str, str] = {}
    for row in rows:
        name = row["running"]["name"]
        first[name] = min(row["as_of"], first.get(name, row["as_of"]))
    last = {request["experiment"]: request for request in requests}
    # Run again, a night opens what it opened; an earlier night does not open what a later one has opened.
    asked = [name for name, each in last.items() if each["kind"] == "open" and first.get(name, night) == night]
    for name in asked:
        if name not in declared:
            raise ParamsError(
                f"experiment {name}, which {last[name]['by']} asked to open, is not in params.yaml",
                expected="a declaration under `experiments`",
                fix=f"Declare it, or take the request back: `netgain experiment close {name}`.",
            )
    return asked


def _drawn_anew(
    declared: Mapping[str, Experiment], running: Sequence[Running], latest: Mapping[str, Entry], night: str
) -> list[tuple[str, int]]:
    """Return the holdbacks whose time is over and whose end is not reached, with the number of the next draw."""
    found = []
    for each in running:
        now = declared.get(each.name)
        if each.design == "holdback" and each.drawn_anew and now is not None and now.design == "holdback":
            n_draws = sum(row["running"]["name"] == each.name for row in latest.values())
            if now.end is None or now.end.isoformat() > night:
                found.append((each.name, n_draws + 1))
    return found
