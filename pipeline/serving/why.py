"""Where an answer came from: the recorded impression, and the provenance of its release. Needs no MLflow."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import LandingError, ReleaseError
from pipeline.releases.release import Release, open_release, release_ids
from pipeline.serving.impressions import lines_with, segments_at
from pipeline.serving.provenance import provenance

_ALWAYS = dt.timedelta(days=36_500)


def answer_at(landing: Path, token: str, at: dt.datetime) -> dict[str, Any] | None:
    """Return the last answer that a listener got up to a time: its event; None if none was recorded.

    Args:
        landing: the landing folder.
        token: the listener's.
        at: the time.
    """
    wanted = b'"listener_id":' + json.dumps(token).encode() + b","
    for path in segments_at(landing, at, before=_ALWAYS):
        found = [event for event in lines_with(path, wanted) if dt.datetime.fromisoformat(event["at"]) <= at]
        if found:
            return max(found, key=lambda event: str(event["at"]))
    return None


def why(landing: Path, releases: Path, token: str, at: dt.datetime) -> dict[str, Any]:
    """Return the answer that a listener got, with the names of its items and where its release comes from.

    Returns:
        The impression's event without the listener, `items` as id and name (null if the release is not kept), and
        `provenance` (see `pipeline.serving.provenance`; None if the release is not kept).

    Raises:
        LandingError: no answer was recorded up to that time.
    """
    event = answer_at(landing, token, at)
    if event is None:
        raise LandingError(
            f"no answer to this listener up to {at.isoformat()} in {landing}",
            expected="a recorded impression",
            fix="Answers are recorded by `netgain serve`; see `netgain lookup` for what is served now.",
        )
    event.pop("listener_id")
    release = find_release(releases, str(event["release"]))
    names = {} if release is None else _names(release, event)
    items = [{"item_id": item, "item_name": names.get(item)} for item in event["items"]]
    return event | {"items": items, "provenance": None if release is None else provenance(release)}


def find_release(releases: Path, name: str) -> Release | None:
    """Return a release by its id, or by an id that it had before listeners were erased from it; None if it is gone."""
    try:
        return open_release(releases, name)
    except ReleaseError:
        return next((each for each in _readable(releases) if name in each.manifest["origin"].get("was", ())), None)


def _readable(releases: Path) -> Iterator[Release]:
    for name in release_ids(releases):
        try:
            yield open_release(releases, name)
        except ReleaseError:
            continue


def _names(release: Release, event: dict[str, Any]) -> dict[str, str]:
    import pyarrow.parquet as pq

    wanted = set(event["items"])
    found: dict[str, str] = {}
    for path in (release.model / "items.parquet", release.fallback):
        try:
            columns = pq.read_table(path, columns=["item_id", "item_name"]).to_pydict()
        except (OSError, ValueError):
            continue
        found |= {i: n for i, n in zip(columns["item_id"], columns["item_name"], strict=True) if i in wanted}
    return found
