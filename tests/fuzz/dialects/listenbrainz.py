"""ListenBrainz: its dumps, a person's export, a submission, and its dumps for Spark."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from pipeline.logs.reasons import Reason, Repair
from tests.fuzz.column_dialect import parquet
from tests.fuzz.dialect import MBID, Dialect, Record, bad_times, drop, put
from tests.fuzz.json_dialect import LINE_DIRT, array, bad_values, lines

_ARTIST, _TRACK = ("track_metadata", "artist_name"), ("track_metadata", "track_name")

LISTENBRAINZ = Dialect(
    format="listenbrainz",
    file=lambda _, n: f"{n}.listens",
    record=lambda p: {
        "user_id": p.listener,
        "user_name": "ann",
        "timestamp": int(p.played_at.timestamp()),
        "track_metadata": {"artist_name": p.artist, "track_name": p.track, "additional_info": {}},
    },
    encode=lines,
    dirt=(
        *LINE_DIRT,
        *bad_values(artist=_ARTIST, track=_TRACK),
        *bad_times("timestamp", lambda moment: int(moment.timestamp())),
        (Reason.BEFORE_2002, put("timestamp", value=1.5)),
        (Reason.BAD_TIMESTAMP, put("timestamp", value="1.5 h")),
        (Reason.BAD_TIMESTAMP, drop("timestamp")),
        (Reason.MISSING_ARTIST, put("track_metadata", value=None)),
        (Reason.MISSING_ARTIST, put("track_metadata", "artist_name", value="")),
        (Reason.MISSING_ARTIST, drop("track_metadata")),
        (Reason.MISSING_LISTENER, lambda record: drop("user_id")(drop("user_name")(record))),
    ),
    mends=(
        (Repair.MILLISECONDS, lambda record: {**record, "timestamp": record["timestamp"] * 10**3}),
        (Repair.MICROSECONDS, lambda record: {**record, "timestamp": record["timestamp"] * 10**6}),
        (Repair.NANOSECONDS, lambda record: {**record, "timestamp": record["timestamp"] * 10**9}),
        (Repair.NO_MBID, put("track_metadata", "additional_info", value={"recording_mbid": "none"})),
        (Repair.NO_MBID, put("track_metadata", "additional_info", value={"artist_mbids": ["x" + MBID]})),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
    tells_duration=False,
)

EXPORT = replace(
    LISTENBRAINZ,
    format="listenbrainz-export",
    file=lambda listener, n: f"{listener}/{n}.jsonl",
    dirt=tuple(dirt for dirt in LISTENBRAINZ.dirt if dirt[0] is not Reason.MISSING_LISTENER),
    by_folder=True,
)


def _submission(records: Sequence[Record]) -> bytes:
    return b'{"listen_type": "import", "payload": ' + array(records) + b"}"


SUBMISSION = replace(
    EXPORT,
    file=lambda listener, n: f"{listener}/{n}.json",
    encode=_submission,
    dirt=(
        *bad_values(artist=_ARTIST, track=_TRACK),
        *bad_times("timestamp", lambda moment: int(moment.timestamp())),
        (Reason.NOT_OBJECT, lambda record: [record]),
    ),
    blanks=False,
    packs=(),
)

_SCHEMA = pa.schema(
    [
        ("listened_at", pa.timestamp("us", tz="UTC")),
        ("user_id", pa.int64()),
        ("artist_name", pa.string()),
        ("recording_name", pa.string()),
        ("recording_mbid", pa.string()),
        ("artist_credit_mbids", pa.list_(pa.string())),
    ]
)

SPARK = Dialect(
    format="listenbrainz-spark",
    file=lambda _, n: f"{n}.parquet",
    record=lambda p: {
        "listened_at": p.played_at,
        "user_id": sum(p.listener.encode()),
        "artist_name": p.artist,
        "recording_name": p.track,
        "recording_mbid": None,
        "artist_credit_mbids": None,
    },
    encode=lambda records: parquet(records, _SCHEMA),
    dirt=(
        (Reason.UNSTORABLE, put("artist_name", value="A\x00")),
        (Reason.MISSING_LISTENER, put("user_id", value=None)),
        *(dirt for dirt in bad_times("listened_at", lambda moment: moment) if dirt[0] is not Reason.BAD_TIMESTAMP),
        (Reason.BAD_TIMESTAMP, put("listened_at", value=None)),
        (Reason.MISSING_ARTIST, put("artist_name", value=None)),
        (Reason.MISSING_TRACK, put("recording_name", value="")),
    ),
    mends=((Repair.NO_MBID, put("recording_mbid", value="none")),),
    text=False,
    tells_duration=False,
)

DIALECTS = {
    "listenbrainz": LISTENBRAINZ,
    "listenbrainz-export": EXPORT,
    "listenbrainz submission": SUBMISSION,
    "listenbrainz-spark": SPARK,
}
