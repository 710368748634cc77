"""ListenBrainz's dump of listens: one JSON object per line."""

from pipeline.logs.contents import join_lines, split_lines
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonlines import LINE_REASONS
from pipeline.logs.listens import settle_listens
from pipeline.logs.reading import ReadResult, Source


def read(data: bytes, source: Source) -> ReadResult:
    """Read lines of `{"user_id", "user_name", "timestamp", "track_metadata": {…}}`."""
    return settle_listens(split_lines(data), source)


def _recognises(head: Head) -> bool | None:
    if not head.keys:
        return None
    return {"user_id", "track_metadata"} <= head.keys and not {"payload", "listens"} & head.keys and not head.is_array()


FORMAT = Format(
    name="listenbrainz",
    description="JSON lines",
    patterns=("*.jsonl", "*.listens"),
    reader=read,
    recognises=_recognises,
    reasons=LINE_REASONS,
    assemble=join_lines,
    listener="`user_id`, else `user_name`",
    played_at="`timestamp`, else `listened_at`, Unix time",
    cannot_know=("how long a play lasted: the duration in it is the track's",),
)
