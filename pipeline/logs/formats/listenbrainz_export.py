"""One person's listens as ListenBrainz writes them, a folder per listener: exports (JSON lines), submissions (JSON)."""

import json
from typing import Any

import polars as pl

from pipeline.logs.contents import split_lines
from pipeline.logs.format import Format, with_compressed
from pipeline.logs.jsonarray import raw_json
from pipeline.logs.jsonlines import LINE_REASONS, parse_json
from pipeline.logs.listens import settle_listens
from pipeline.logs.reading import ReadResult, Source, UnreadableFileError
from pipeline.logs.reasons import Reason


def read(data: bytes, source: Source) -> ReadResult:
    """Read lines of listens, or `{"listen_type", "payload": [listen, …]}`. The listener is `Source.listener`.

    A track that is playing now has not been played yet and goes to quarantine.

    Raises:
        UnreadableFileError: a submission is not JSON (NaN is not), or does not hold a list of listens.
    """
    if source.path.removesuffix(".gz").removesuffix(".zst").endswith(".jsonl"):
        return settle_listens(split_lines(data), source, listener=source.listener)
    listens, playing = _listens(data)
    # Written as lines, they are read by the same rules.
    lines = split_lines(b"".join(json.dumps(listen).encode() + b"\n" for listen in listens))
    return settle_listens(
        lines,
        source,
        listener=source.listener,
        reason=pl.lit(Reason.PLAYING_NOW.value) if playing else None,
        raw=lambda i: raw_json(listens[i]),
    )


def _listens(data: bytes) -> tuple[list[Any], bool]:
    try:
        submission = parse_json(data.decode())
        payload = submission["payload"]
    except (ValueError, KeyError, TypeError) as err:
        raise UnreadableFileError(str(err)) from err
    if not isinstance(payload, list):
        raise UnreadableFileError("payload is not a list")
    return payload, submission.get("listen_type") == "playing_now"


FORMAT = Format(
    name="listenbrainz-export",
    description='one person\'s listens: lines of an export, or a submission `{"listen_type", "payload": […]}`',
    patterns=with_compressed("*.jsonl", "*.json"),
    exceptions=("user.json*", "feedback.json*", "pinned_recording*"),  # settings, loves and hates, pins
    reader=read,
    reasons=LINE_REASONS | {Reason.PLAYING_NOW},
    listener_folders=True,
    listener="the folder",
    played_at="`timestamp`, else `listened_at`, Unix time",
    cannot_know=("whose listens they are", "how long a play lasted: the duration in it is the track's"),
)
