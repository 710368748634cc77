"""Random dirty landing folders, each with the expected result, known by construction."""

import datetime as dt
import gzip
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from pipeline.logs.reasons import Reason, Repair
from tests.fuzz.dialect import WRITTEN_AT, Dialect, Play, Record
from tests.fuzz.dialects import all_dialects

_FIRST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_NAMES = ("Sigur Rós", 'The "Quoted"', "平井 堅", "A/B\\C", "Motörhead 🎸", "x' OR 1=1", "line\u2028separator")


@dataclass
class Expected:
    """What ingest must find in a file: rows, quarantine by reason, repairs, and plays."""

    n_rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    plays: Counter[Play] = field(default_factory=Counter)


def make_landing(root: Path, seed: int, *, only: str | None = None) -> tuple[Dialect, dict[str, Expected]]:
    """Write a landing folder; return its dialect and what ingest must find in each file, by name."""
    rng = random.Random(seed)
    dialect = all_dialects()[only or rng.choice(sorted(all_dialects()))]
    pool = [_play(rng) for _ in range(rng.randrange(1, 25))]
    files: dict[str, Expected] = {}
    for number in range(rng.randrange(1, 5)):
        listener = rng.choice("abc")
        path = dialect.file(listener, number)
        files |= _make_file(rng, dialect, root, path, listener, pool)
    (root / "README").write_text("not a log")
    if dialect.columns:
        (root / "columns.yaml").write_text(yaml.safe_dump(dict(dialect.columns)))
    return dialect, files


def _play(rng: random.Random) -> Play:
    return Play(
        listener=rng.choice("abc"),
        played_at=_FIRST + dt.timedelta(minutes=rng.randrange(60 * 24 * 3)),
        artist=rng.choice(_NAMES),
        track=rng.choice(_NAMES),
        ms=rng.choice([0, 29_999, 30_000, 86_400_000]),
    )


def _make_file(
    rng: random.Random, dialect: Dialect, root: Path, path: str, listener: str, pool: list[Play]
) -> dict[str, Expected]:
    expected, records = Expected(), list[Record]()
    for _ in range(rng.choice([0, 1, 5, 40])):
        play = rng.choice(pool)  # often drawn twice, within a file and across files
        if dialect.by_folder:
            play = Play(listener, play.played_at, play.artist, play.track, play.ms)
        record, kind = dialect.record(play), rng.random()
        if kind < 0.3:
            reason, spoil = rng.choice(dialect.dirt)
            record = spoil(record)
            expected.reasons[reason] += 1
        else:
            expected.plays[play] += 1
            if kind < 0.4 and dialect.mends:
                repair, mend = rng.choice(dialect.mends)
                record = mend(record)
                expected.repairs[repair] += 1
        expected.n_rows += 1
        records.append(record)
        if dialect.blanks and rng.random() < 0.05:
            records.append(rng.choice([b"", b"  \t", b"\r"]))
    data = dialect.encode(records)
    if dialect.text:
        data, whole = _rewritten(rng, data, clean=not expected.reasons, can_wrap=dialect.blanks)
        if whole and expected.plays.total():
            expected.repairs[whole] += expected.plays.total()
    if dialect.packs and rng.random() < 0.5:
        ending = rng.choice(dialect.packs)
        path, data = path + ending, _packed(data, ending)
        if rng.random() < 0.2:
            data = data[: rng.randrange(len(data))]
            expected = _unreadable()
    elif not dialect.blanks and rng.random() < 0.1:  # half an array or half a Parquet file is unreadable
        data = data[: rng.randrange(len(data))]
        expected = _unreadable()
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(data)
    os.utime(root / path, (WRITTEN_AT.timestamp(),) * 2)
    return {path: expected}


def _rewritten(rng: random.Random, data: bytes, *, clean: bool, can_wrap: bool) -> tuple[bytes, Repair | None]:
    """Return the same text with other line ends, a byte order mark or another encoding, and the repair needed."""
    kind = rng.random()
    if can_wrap and kind < 0.15:
        data = data.replace(b"\n", b"\r\n")
    if can_wrap and kind < 0.05:
        data = data.removesuffix(b"\r\n")
    if 0.2 < kind < 0.3:
        return b"\xef\xbb\xbf" + data, Repair.BYTE_ORDER_MARK
    if clean and 0.3 < kind < 0.4:
        text = data.decode("utf-8")
        return ("\ufeff" + text).encode(rng.choice(["utf-16-le", "utf-16-be"])), Repair.UTF_16
    return data, None


def _packed(data: bytes, ending: str) -> bytes:
    return gzip.compress(data, mtime=0) if ending == ".gz" else pa.compress(data, codec="zstd", asbytes=True)


def _unreadable() -> Expected:
    return Expected(1, Counter({Reason.UNREADABLE: 1}))


def play_of(row: dict[str, Any]) -> Play:
    """Return the play in a row of the play table."""
    return Play(row["listener_id"], row["played_at"], row["artist_name"], row["track_name"], row["ms_played"])
