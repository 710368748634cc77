"""How things stand: what is served, how old it is, and how the last night ended. Computed from what lies there; nothing
is written, and no other service is asked."""

import datetime as dt
import math
from dataclasses import asdict
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.nightly.workspace_lock import state_of
from pipeline.releases.current import nights, stale_mark
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import gone_back_to
from pipeline.settings import Settings
from pipeline.state.lease import Lease, idle_seconds, in_force
from pipeline.state.outbox import waiting

Facts = dict[str, Any]
FRESH_NIGHTS = 1
"""What is served may be so many nights old: tonight's release is made in the course of the night."""


def night_status(settings: Settings, *, due: dt.date) -> Facts:
    """JSON-able facts.

    Args:
        settings: of the machine.
        due: the night whose release should be served, or is being made.

    Returns:
        `due`; `served` (release, night, recipe, n_listeners, age_nights, and rolled_back, the entry of the ledger where
        somebody went back to it; None where nothing whole is served); `stale`, and `why`, a line for each reason;
        `failed` (STALE.json where it counts); `last_night` (night, lease, owner, process, host, state, ended,
        silent_seconds); `outbox` (entries, and the oldest night of them).

    Raises:
        TableError: the ledger's journal of rollbacks cannot be read.
    """
    lease, entries = in_force(settings.state), waiting(settings.state)
    facts: Facts = {
        "due": due.isoformat(),
        "served": None,
        "failed": None,
        "last_night": None if lease is None else _last_night(settings, lease),
        "outbox": {"entries": len(entries), "oldest": min((entry.as_of for entry in entries), default=None)},
    }
    try:
        release, mark = current(settings.releases), stale_mark(settings.releases)
    except ReleaseError as err:
        return facts | {"stale": True, "why": [f"nothing is served: {err.found}"]}
    facts["served"] = _served(settings, release, due=due)
    facts["failed"] = mark and asdict(mark)
    why = _why_stale(facts)
    return facts | {"stale": bool(why), "why": why}


def _served(settings: Settings, release: Release, *, due: dt.date) -> Facts:
    return {
        "release": release.id,
        "night": release.as_of.isoformat(),
        "recipe": release.recipe,
        "n_listeners": release.manifest["n_listeners"],
        "age_nights": max(0, (due - release.as_of).days),
        "rolled_back": gone_back_to(settings.state, release.id),
    }


def _last_night(settings: Settings, lease: Lease) -> Facts:
    state, silent = state_of(settings, lease), idle_seconds(settings.state, lease)
    return {
        "night": lease.as_of,
        "lease": lease.token,
        "owner": lease.owner,
        "process": lease.pid,
        "host": lease.host,
        "state": state,
        "ended": lease.ended,
        "silent_seconds": round(silent) if state != "ended" and math.isfinite(silent) else None,
    }


def _why_stale(facts: Facts) -> list[str]:
    served, failed, last = facts["served"], facts["failed"], facts["last_night"]
    why = []
    if failed is not None:
        why.append(f"the night of {failed['night']} failed at {failed['stage']}: {failed['why']}")
    if last is not None and last["night"] > (failed or served)["night"]:
        if last["ended"] == "failed":
            why.append(f"the night of {last['night']} failed")
        elif last["state"] in ("gone", "silent"):
            why.append(f"the night of {last['night']} did not end")
    if served["age_nights"] > FRESH_NIGHTS:
        why.append(f"it is {nights(served['age_nights'])} old; that of {facts['due']} is due")
    return why
