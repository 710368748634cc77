"""ListenBrainz's dump of listens: one JSON object per line."""

from pipeline.logs.contents import join_lines, split_lines
from pipeline.logs.format import Format, with_compressed
from pipeline.logs.jsonlines import LINE_REASONS
from pipeline.logs.listens import settle_listens
from pipeline.logs.reading import ReadResult, Source


def read(data: bytes, source: Source) -> ReadResult:
    """Read lines of `{"user_id", "user_name", "timestamp", "track_metadata": {…}}`."""
    return settle_listens(split_lines(data), source)


FORMAT = Format(
    name="listenbrainz",
    description="JSON lines",
    patterns=with_compressed("*.jsonl", "*.listens"),
    reader=read,
    reasons=LINE_REASONS,
    assemble=join_lines,
    listener="`user_id`, else `user_name`",
    played_at="`timestamp`, else `listened_at`, Unix time",
    cannot_know=("how long a play lasted: the duration in it is the track's",),
)
