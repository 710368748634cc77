"""The state of the service: the served release, its age, and how the last night ended. Reads files only; nothing is
written, and no other service is contacted."""

import datetime as dt
import math
from dataclasses import asdict
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.nightly.workspace_lock import state_of
from pipeline.releases.current import nights, stale_mark
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import rollback_entry
from pipeline.settings import Settings
from pipeline.state.lease import Lease, idle_seconds, in_force
from pipeline.state.outbox import waiting

Facts = dict[str, Any]
FRESH_NIGHTS = 1
"""The highest age of a release that counts as fresh [nights]: tonight's release is made during the night."""


def night_status(settings: Settings, *, due: dt.date) -> Facts:
    """Return the state of the service, JSON-able.

    Args:
        settings: the machine's settings.
        due: the night whose release should be served, or is being made.

    Returns:
        `due`; `served` (release, night, recipe, n_listeners, age_nights, and rolled_back, the ledger's entry if a
        rollback led to this release; None if no complete release is served); `stale`, and `why`, one line for each
        reason; `failed` (the content of STALE.json if it applies); `last_night` (night, lease, owner, process, host,
        state, ended, silent_seconds); `outbox` (entries, and the oldest night among them).

    Raises:
        TableError: the ledger's journal of rollbacks is unreadable.
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
        return facts | {"stale": True, "why": [f"no release is served: {err.found}"]}
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
        "rolled_back": rollback_entry(settings.state, release.id),
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
            why.append(f"the night of {last['night']} did not finish")
    if served["age_nights"] > FRESH_NIGHTS:
        why.append(f"the release is {nights(served['age_nights'])} old; the night of {facts['due']} is due")
    return why
