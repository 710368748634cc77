"""For any input, no reader crashes, each row is accepted or in quarantine, and accepted rows are as written."""

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.logs import jsonlines, listens
from pipeline.logs.columns import ColumnMap
from pipeline.logs.contents import split_lines
from pipeline.logs.formats import format_names, format_of, netgain
from pipeline.logs.reading import Source
from pipeline.logs.reasons import JUDGED, Reason
from tests.fuzz.dialects import all_dialects

NAMES = {dialect.format: dialect.file("ann", 0) for dialect in all_dialects().values()}
COLUMNS = ColumnMap(played_at="at", artist="artist", track="song")
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=12)
NAME = TEXT.filter(lambda text: bool(text.strip()))
MBID = "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
SECONDS = (1_009_843_200, 4_102_444_799)  # 2002-01-01T00:00:00Z to 2099-12-31T23:59:59Z
MOMENT = st.builds(
    lambda second, micros: dt.datetime.fromtimestamp(second, dt.UTC).replace(microsecond=micros),
    st.integers(*SECONDS),
    st.just(0) | st.integers(0, 999_999),
)
PLAY = st.fixed_dictionaries(
    {
        "listener_id": NAME,
        "played_at": MOMENT,
        "artist_id": NAME,
        "artist_name": NAME,
        "track_id": NAME,
        "track_name": NAME,
        "ms_played": st.none() | st.integers(0, 7 * 86_400_000),
    }
)
NUMBER = st.integers() | st.floats() | st.sampled_from([-0.0, 1e25, 2.0**60, 10**40])
SCALAR = st.none() | st.booleans() | NUMBER | st.text(max_size=6) | st.sampled_from(["[1]", "{", "true", "1.5", "-3"])
ANYTHING = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
DIRT = st.binary(max_size=30) | ANYTHING.map(lambda value: json.dumps(value).encode())


def written(play: dict[str, Any]) -> bytes:
    moment = play["played_at"].isoformat().replace("+00:00", "Z")
    return json.dumps({**play, "played_at": moment}, ensure_ascii=False).encode()


@settings(deadline=None)
@given(st.lists(PLAY | DIRT, max_size=20))
def test_netgain_rows_are_accepted_as_written_or_quarantined(rows: list[Any]) -> None:
    lines = [written(row) if isinstance(row, dict) else row.replace(b"\n", b" ") for row in rows]
    result = format_of("netgain").read(b"".join(line + b"\n" for line in lines), Source("a.jsonl"))
    seen = result.plays["row"].to_pylist() + result.quarantine["row"].to_pylist()
    assert sorted(seen) == [i for i, line in enumerate(lines) if line.strip(b" \t\r\n")]
    plays = {play["row"]: play for play in result.plays.to_pylist()}
    for i, row in enumerate(rows):
        if isinstance(row, dict):
            assert {name: plays[i][name] for name in row} == row
    for row in result.quarantine.to_pylist():
        assert row["raw"] == lines[row["row"]].rstrip(b"\r")[:2000]
        assert row["reason"] in set(Reason)


@pytest.mark.parametrize("format", format_names())
@settings(deadline=None)
@example(data=b"\x28\xb5\x2f\xfd\x00")
@example(data=b"\x1f\x8b\x08\x00")
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_without_a_crash(format: str, data: bytes) -> None:
    result = format_of(format).read(data, Source(NAMES[format], columns=COLUMNS))
    assert result.n_read == result.plays.num_rows + result.quarantine.num_rows
    declared = format_of(format).reasons | JUDGED | {Reason.UNREADABLE}
    assert set(result.quarantine["reason"].to_pylist()) <= declared


@settings(deadline=None)
@given(st.lists(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n"))), max_size=8))
def test_lastfm_lines_are_each_read_once(rows: list[list[str]]) -> None:
    lines = ["\t".join(row) for row in rows]
    result = format_of("lastfm-1k").read("".join(line + "\n" for line in lines).encode(), Source(NAMES["lastfm-1k"]))
    assert result.n_read == sum(bool(line.strip(" \t\r\n")) for line in lines)


@settings(deadline=None)
@given(st.lists(ANYTHING, max_size=10))
def test_spotify_elements_are_each_read_once(rows: list[Any]) -> None:
    text = json.dumps(rows)
    result = format_of("spotify").read(text.encode(), Source(NAMES["spotify"]))
    try:
        json.dumps(rows, allow_nan=False)
        expected = len(rows)
    except ValueError:  # NaN and Infinity are not JSON, so the whole file is unreadable
        expected = 1
    assert result.n_read == expected


# JSON as text: a value that is read and written again loses repeated keys, forms of numbers and escapes.
NUMBERS = ["1.0", "-0", "-0.0", "1E5", "0.1e1", "12.5e-1", "1e-7", "1e25", "1e400", "12345678901234567890", "01", "NaN"]
TEXTS = [r'"\ud800"', r'"\u0000"', r'"\ud83d\ude00"', r'"\u00e9"', '"\t"', '"-1"', '"true"', '"[x"', "tru"]
IDS = [f'"{MBID}"', f'["{MBID}"]', f'[1, "{MBID}"]', "[null]"]
LITERAL = st.sampled_from(NUMBERS + TEXTS + IDS) | ANYTHING.map(json.dumps)


def written_object(fields: list[str], value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    key = st.sampled_from(fields).map(json.dumps)
    return st.lists(st.tuples(key, value).map(": ".join), max_size=5).map(lambda pairs: "{" + ", ".join(pairs) + "}")


MBIDS = written_object(["recording_mbid", "artist_mbids"], LITERAL)
METADATA = written_object(["artist_name", "track_name", "mbid_mapping", "additional_info"], LITERAL | MBIDS)


@pytest.mark.parametrize("module", [netgain, listens])
@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_the_fast_path_gives_what_the_definition_gives(module: Any, data: st.DataObject) -> None:
    schema = module._SCHEMA
    lines = split_lines(data.draw(written_object(list(schema), LITERAL | METADATA)).encode())
    fast = flat(jsonlines.decode(lines, schema))
    slow = flat(jsonlines._one_by_one(lines, list(range(len(lines))), schema))
    assert fast == slow


def flat(frame: pl.DataFrame) -> list[Any]:
    """Return rows as readers use them: an empty struct is null, and of a list only an MBID in first place counts."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            inside = {name: plain(item) for name, item in value.items()}
            return inside if any(item is not None for item in inside.values()) else None
        if isinstance(value, list):
            return value[0] if value[:1] == [MBID] else None
        return value

    return [{name: plain(value) for name, value in row.items()} for row in frame.to_dicts()]
