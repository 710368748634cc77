"""One person's listens as ListenBrainz writes them, one folder for each: exports (JSON lines), submissions (JSON)."""

import json
from typing import Any

import polars as pl

from pipeline.logs.contents import split_lines
from pipeline.logs.jsonarray import raw_json
from pipeline.logs.jsonlines import parse_json
from pipeline.logs.listenbrainz import settle_listens
from pipeline.logs.reading import ReadResult, Reason, Source, UnreadableFileError

NAME = "listenbrainz-export"
OWN_FOLDERS = True
# What else an export holds: settings, loves and hates, pins.
EXCEPT = ("user.json*", "feedback.json*", "pinned_recording*")
PATTERNS = tuple(f"*{kind}{packed}" for kind in (".jsonl", ".json") for packed in ("", ".gz", ".zst"))


def parse(data: bytes, source: Source) -> ReadResult:
    """Lines of listens, or `{"listen_type", "payload": [listen, …]}`. The listener is the folder (`Source.listener`).

    What is playing now has not been played yet: it is put aside.

    Raises:
        UnreadableFileError: a submission is no JSON (NaN is none), or holds no list of listens.
    """
    if source.path.removesuffix(".gz").removesuffix(".zst").endswith(".jsonl"):
        return settle_listens(split_lines(data), source, format=NAME, listener=source.listener)
    listens, playing = _listens(data)
    # As lines they are read by the same rules.
    lines = split_lines(b"".join(json.dumps(listen).encode() + b"\n" for listen in listens))
    return settle_listens(
        lines,
        source,
        format=NAME,
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
        raise UnreadableFileError("payload is no list")
    return payload, submission.get("listen_type") == "playing_now"
