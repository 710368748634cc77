"""Archives and Parquet with changed bytes: never a crash, nothing lost, and memory within bounds.

NETGAIN_FUZZ_FOLDERS sets how many are tried, as in test_landings.py.
"""

import gzip
import io
import os
import random
import resource
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import survey
from pipeline.logs.reading import Source
from pipeline.logs.reasons import Reason
from tests.fuzz.dialect import WRITTEN_AT, Dialect, Play
from tests.fuzz.dialects import all_dialects

N_MUTATIONS = int(os.environ.get("NETGAIN_FUZZ_FOLDERS", "120"))
MIB = 2**20
MOST_MIB = 256
"""Memory that a hostile file of some kilobytes may add to the process [MiB]."""
PLAYS = [Play("a", WRITTEN_AT.replace(day=1, month=2, minute=i % 60), f"A{i % 7}", f"T{i}", 30_000) for i in range(300)]


def encoded(dialect: Dialect) -> bytes:
    return dialect.encode([dialect.record(play) for play in PLAYS])


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return data with some bytes changed, repeated, removed, or cut off."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 8)):
        at, n = rng.randrange(len(changed)), rng.randrange(1, 32)
        kind = rng.randrange(4)
        if kind < 2:
            changed[at] = rng.randrange(256)
        elif kind == 2:
            changed[at : at + n] = changed[at : at + n] * 2
        elif len(changed) > n + 64:
            del changed[at : at + n]
    return bytes(changed if rng.random() < 0.9 else changed[: rng.randrange(1, len(changed))])


@pytest.mark.parametrize("name", ["listenbrainz-spark", "table in Parquet"])
def test_parquet_with_changed_bytes_is_read_or_one_row_of_quarantine(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    dialect, rng = all_dialects()[name], random.Random(1)
    columns = None
    if dialect.columns:
        from pipeline.logs.columns import parse_columns

        columns = parse_columns(dict(dialect.columns))
    whole, before = encoded(dialect), peak_mib()
    for _ in range(N_MUTATIONS):
        result = format_of(dialect.format).read(mutated(rng, whole), Source("a.parquet", columns=columns))
        assert result.n_read in {1, result.plays.num_rows + result.quarantine.num_rows}
    capfd.readouterr()  # Polars reports a panic that it raises
    assert peak_mib() - before < MOST_MIB


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_packed_lines_with_changed_bytes_are_read_or_one_row_of_quarantine(ending: str) -> None:
    dialect, rng = all_dialects()["netgain"], random.Random(2)
    plain = encoded(dialect)
    whole = gzip.compress(plain) if ending == ".gz" else pa.compress(plain, codec="zstd", asbytes=True)
    before = peak_mib()
    for _ in range(N_MUTATIONS):
        result = format_of("netgain").read(mutated(rng, whole), Source(f"a.jsonl{ending}"))
        if result.quarantine["reason"].to_pylist() == [Reason.UNREADABLE]:
            assert result.plays.num_rows == 0
    assert peak_mib() - before < MOST_MIB


def test_archives_with_changed_bytes_are_landed_or_named(tmp_path: Path) -> None:
    rng, out = random.Random(3), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(3):
            archive.writestr(f"MyData/StreamingHistory{n}.json", encoded(all_dialects()["spotify"]))
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "StreamingHistory0.json").write_bytes(encoded(all_dialects()["spotify"]))
    before, shown = peak_mib(), f"{token_of('ann', OPEN_KEY)}.zip"
    for _ in range(N_MUTATIONS):
        (tmp_path / "ann.zip").write_bytes(mutated(rng, out.getvalue()))
        found = survey(tmp_path, "auto")
        paths = [file["path"] for file in found.inventory["files"]]
        assert "bob/StreamingHistory0.json" in paths
        lost = 4 - len(paths)
        assert not lost or any(shown in note for note in found.notes), found
    assert peak_mib() - before < MOST_MIB


def bomb_of_texts() -> bytes:
    """A long text once in the dictionary of a column, and in every row."""
    n, out = 900_000, io.BytesIO()
    long = pa.array(["x" * 100_000]).dictionary_encode().take(pa.array([0] * n))
    table = {
        "listened_at": pa.array([0] * n, pa.timestamp("us")),
        "user_id": pa.array([1] * n),
        "artist_name": long,
        "recording_name": long,
        "recording_mbid": pa.array([None] * n, pa.string()),
        "artist_credit_mbids": pa.array([None] * n, pa.list_(pa.string())),
    }
    pq.write_table(pa.table(table), out, store_schema=False, compression="zstd")
    return out.getvalue()


@pytest.mark.parametrize(
    ("format", "path", "bomb"),
    [
        ("netgain", "a.jsonl.gz", gzip.compress(b"{}\n" * (60 * MIB // 3))),
        ("netgain", "a.jsonl.zst", pa.compress(b" " * 400 * MIB, codec="zstd", asbytes=True)),
        ("listenbrainz-spark", "a.parquet", bomb_of_texts()),
    ],
    ids=["gzip", "zstd", "Parquet"],
)
def test_a_bomb_is_one_row_and_takes_little_memory(format: str, path: str, bomb: bytes) -> None:
    before = peak_mib()
    result = format_of(format).read(bomb, Source(path))
    assert result.quarantine["reason"].to_pylist() == [Reason.UNREADABLE]
    assert peak_mib() - before < MOST_MIB
