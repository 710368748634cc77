"""Columns of the Parquet tables, with types, units and order of rows."""

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")

PLAYS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),  # the token, as in every other table
        pa.field("played_at", TIMESTAMP, nullable=False),
        pa.field("artist_id", pa.string(), nullable=False),
        pa.field("track_id", pa.string(), nullable=False),
        pa.field("artist_name", pa.string(), nullable=False),
        pa.field("track_name", pa.string(), nullable=False),
        pa.field("ms_played", pa.int64()),  # null where the source does not say
        pa.field("source", pa.string(), nullable=False),  # the format it was read from
        pa.field("file", pa.string(), nullable=False),  # path of the landed file, relative to the landing root
        pa.field("row", pa.int64(), nullable=False),  # 0-based row (line, array element) in that file
    ]
)
"""One row a play; files `day=YYYY-MM-DD/part-NNN.parquet`, one part a listener bucket, sorted by listener_id,
played_at, artist_id, track_id, file, row."""

QUARANTINE = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),  # -1 where the file as a whole could not be read
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw", pa.binary()),  # the first bytes of the row as found
    ]
)

QUARANTINED = pa.schema([field for field in QUARANTINE if field.name != "raw"])
"""What is stored of the quarantine: no bytes, because a row may hold any name."""

EXCLUDED_LISTENERS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("first_day", pa.date32(), nullable=False),  # first day on which the reason was seen
        pa.field("days", pa.int32(), nullable=False),  # on which it was seen
        pa.field("plays", pa.int64(), nullable=False),  # on those days
    ]
)
"""Listeners who cannot be people, one row each, sorted by listener_id. None of their plays count, on any day."""

DAILY = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("n_plays", pa.int32(), nullable=False),  # counted plays (long enough)
        pa.field("ms_played", pa.int64(), nullable=False),
    ]
)
"""Counted plays by day, listener and item; sorted by day, listener_id, item_id."""

DAILY_FOLLOWS = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("next_id", pa.string(), nullable=False),  # another item, played after it in the same session
        pa.field("distance", pa.int8(), nullable=False),  # by how many items later, 1 for the next; 0 for the next day
        pa.field("n", pa.int32(), nullable=False),  # times
    ]
)
"""What was played after what, by day and listener; sorted by all columns but the last."""

FOLLOWS = pa.schema(
    [
        pa.field("item_idx", pa.int32(), nullable=False),
        pa.field("next_idx", pa.int32(), nullable=False),
        pa.field("distance", pa.int8(), nullable=False),
        pa.field("weight", pa.float32(), nullable=False),  # Σ times · 2^(−age / half-life), over all listeners
    ]
)
"""What was played after what, by all listeners; indexes are rows of the map of items beside it; sorted by the first
three columns."""

ITEMS = pa.schema(
    [pa.field("item_id", pa.string(), nullable=False), pa.field("item_name", pa.string(), nullable=False)]
)
"""Names of items, one row an item, sorted by item_id."""

INTERACTIONS = pa.schema(
    [
        pa.field("listener_idx", pa.int32(), nullable=False),
        pa.field("item_idx", pa.int32(), nullable=False),
        pa.field("weight", pa.float32(), nullable=False),  # Σ plays · 2^(−age / half-life)
        pa.field("n_plays", pa.int32(), nullable=False),
        pa.field("age_days", pa.int32(), nullable=False),  # whole days from the last play to the window's end, ≥ 0
    ]
)
"""Sorted by listener_idx, item_idx; indexes are rows of the id maps beside it."""

LISTENER_MAP = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("n_plays", pa.int64(), nullable=False),
        pa.field("first_day", pa.date32(), nullable=False),  # first counted play in the history
    ]
)
"""Row i is listener_idx i; sorted by listener_id."""

ITEM_MAP = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("item_name", pa.string(), nullable=False),
        pa.field("n_listeners", pa.int32(), nullable=False),
    ]
)
"""Row j is item_idx j; sorted by item_id."""

RELEVANT = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("n_plays", pa.int32(), nullable=False),
        pa.field("first_day", pa.date32(), nullable=False),  # of the plays in the window
    ]
)
"""What each listener played in the decision or the tuning window (with `target: new`, what was new to them); sorted by
both ids."""

RECOMMENDATIONS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("item_ids", pa.list_(pa.string()), nullable=False),
    ]
)
"""The lists of a recipe's first fit for each eligible listener, best items first; sorted by listener_id."""

INFLUENCE = pa.schema(
    [
        pa.field("challenger", pa.string(), nullable=False),
        pa.field("as_of", pa.string(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("group", pa.int16(), nullable=False),
        pa.field("influence", pa.float64(), nullable=False),
    ]
)
"""What groups of listeners contribute to a challenger's gain on a night (pipeline.gate.pooling), in all and in each
slice; sorted by challenger, as_of, part, group. What is not there is 0."""

LISTS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),  # from 1
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("item_name", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""Sorted by listener_id, rank."""

ARMS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("propensity", pa.float64(), nullable=False),
        pa.field("recipe", pa.string(), nullable=False),  # "" for what the night serves
        pa.field("team", pa.string(), nullable=False),  # a letter an item of a drafted list, else ""
    ]
)
"""Listeners in an arm of an experiment, sorted by listener_id."""

FALLBACK = pa.schema(
    [
        pa.field(n, t, nullable=False)
        for n, t in (
            ("rank", pa.int32()),
            ("item_id", pa.string()),
            ("item_name", pa.string()),
            ("score", pa.float32()),
            ("reason", pa.string()),
        )
    ]
)
"""The list for listeners without history, sorted by rank."""

FAVOURITES = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),  # from 1
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("item_name", pa.string(), nullable=False),
        pa.field("n_plays", pa.int32(), nullable=False),
    ]
)
"""What each listener plays most, by recency-weighted plays; sorted by listener_id, rank."""
