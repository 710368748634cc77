"""One person's listens as ListenBrainz writes them, a folder per listener: exports (JSON lines), submissions (JSON)."""

import json
from typing import Any

import polars as pl

from pipeline.logs.contents import bare_name, split_lines
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonarray import raw_json
from pipeline.logs.jsonlines import LINE_REASONS, parse_json
from pipeline.logs.listens import settle_listens
from pipeline.logs.reading import ReadResult, Source, UnreadableFileError
from pipeline.logs.reasons import Reason

_LINES = (".jsonl", ".ndjson")


def read(data: bytes, source: Source) -> ReadResult:
    """Read listens of one person, whose listener is `Source.listener`.

    They may be lines, an array, a submission `{"listen_type", "payload": [listen, …]}`, or a page of the API
    `{"payload": {"listens": [listen, …]}}`. A track that is playing now has not been played yet and goes to quarantine.

    Raises:
        UnreadableFileError: it has another shape; NaN is not JSON.
    """
    listens = _listens(data, by_line=bare_name(source.path).endswith(_LINES))
    if listens is None:
        return settle_listens(split_lines(data), source, listener=source.listener)
    # Written as lines, they are read by the same rules.
    lines = split_lines(b"".join(json.dumps(listen).encode() + b"\n" for listen, _ in listens))
    playing = [Reason.PLAYING_NOW.value if now else None for _, now in listens]
    return settle_listens(
        lines,
        source,
        listener=source.listener,
        reason=pl.Series(playing, dtype=pl.String),
        raw=lambda i: raw_json(listens[i][0]),
    )


def _listens(data: bytes, *, by_line: bool) -> list[tuple[Any, bool]] | None:
    """Return the listens of a document, each with whether it is playing now; None if there is one on each line."""
    try:
        found = parse_json(data.decode())
    except ValueError as err:
        first = data.lstrip().split(b"\n", maxsplit=1)[0]
        if by_line or (first.startswith(b"{") and b'"payload"' not in first and first.rstrip().endswith(b"}")):
            return None
        raise UnreadableFileError(str(err)) from err
    if isinstance(found, dict) and "payload" not in found and "track_metadata" in found:
        return None
    if by_line and not (isinstance(found, dict) and "payload" in found) and not isinstance(found, list):
        return None
    payload = found.get("payload") if isinstance(found, dict) else found
    all_playing = isinstance(found, dict) and found.get("listen_type") == "playing_now"
    listens = payload.get("listens") if isinstance(payload, dict) else payload
    if not isinstance(listens, list):
        raise UnreadableFileError("no list of listens")
    return [(listen, all_playing or _plays_now(listen)) for listen in listens]


def _plays_now(listen: Any) -> bool:
    return isinstance(listen, dict) and listen.get("playing_now") is True


def _recognises(head: Head) -> bool | None:
    if not head.keys:
        return None
    return bool({"track_metadata", "listen_type", "payload"} & head.keys)


FORMAT = Format(
    name="listenbrainz-export",
    description=(
        "one person's listens: lines or an array of an export,"
        ' a submission `{"listen_type", "payload": […]}`, or a page of the API'
        ' `{"payload": {"listens": […]}}`'
    ),
    patterns=("*.jsonl", "*.ndjson", "*.json"),
    exceptions=("user.json*", "feedback.json*", "pinned_recording*"),  # settings, loves and hates, pins
    reader=read,
    recognises=_recognises,
    by_content=True,
    reasons=LINE_REASONS | {Reason.PLAYING_NOW},
    listener_folders=True,
    listener="the folder",
    played_at="`timestamp`, else `listened_at`, Unix time",
    cannot_know=("whose listens they are", "how long a play lasted: the duration in it is the track's"),
)
