"""The format `table`, in each of its three file types."""

from dataclasses import replace

import pyarrow as pa

from pipeline.logs.reasons import Reason
from tests.fuzz.column_dialect import column, csv_dirt, csv_of, parquet
from tests.fuzz.dialect import BEFORE, Dialect, put
from tests.fuzz.dialects.netgain import NETGAIN

TABLE_LINES = replace(
    NETGAIN,
    format="table",
    file=lambda _, n: f"{n}.jsonl",
    columns={
        "listener": "listener_id",
        "played_at": "played_at",
        "artist": "artist_name",
        "track": "track_name",
        "ms_played": "ms_played",
    },
)

_COLUMNS = {"listener": "who", "artist": "artist", "track": "song", "ms_played": "ms"}

TABLE_CSV = Dialect(
    format="table",
    file=lambda _, n: f"{n}.tsv",
    record=lambda p: [str(int(p.played_at.timestamp())), p.listener, p.artist, p.track, str(p.ms), "a\tnote"],
    encode=csv_of(("when", "who", "artist", "song", "ms", "note"), "\t"),
    dirt=(
        *csv_dirt("\t", time=0, artist=2, track=3),
        (Reason.MISSING_LISTENER, column(1, "")),
        (Reason.NEGATIVE_DURATION, column(4, "-5")),
        (Reason.BAD_DURATION, column(4, "1.5")),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
    columns={**_COLUMNS, "played_at": "when", "time": "unix", "delimiter": "\t"},
)

_SCHEMA = pa.schema(
    [("at", pa.timestamp("ms")), *((name, pa.string()) for name in ("who", "artist", "song")), ("ms", pa.int64())]
)

TABLE_PARQUET = Dialect(
    format="table",
    file=lambda _, n: f"{n}.parquet",
    record=lambda p: {"at": p.played_at, "who": p.listener, "artist": p.artist, "song": p.track, "ms": p.ms},
    encode=lambda records: parquet(records, _SCHEMA),
    dirt=(
        (Reason.UNSTORABLE, put("artist", value="A\x00")),
        (Reason.MISSING_LISTENER, put("who", value=None)),
        (Reason.BAD_TIMESTAMP, put("at", value=None)),
        (Reason.BEFORE_2002, put("at", value=BEFORE)),
        (Reason.MISSING_ARTIST, put("artist", value=" ")),
        (Reason.MISSING_TRACK, put("song", value=None)),
        (Reason.NEGATIVE_DURATION, put("ms", value=-1)),
        (Reason.BAD_DURATION, put("ms", value=10**12)),
    ),
    text=False,
    columns={**_COLUMNS, "played_at": "at"},
)

DIALECTS = {
    "table of JSON lines": TABLE_LINES,
    "table in CSV": TABLE_CSV,
    "table in Parquet": TABLE_PARQUET,
}
