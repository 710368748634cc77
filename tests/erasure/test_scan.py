"""A token is found in every kind of file, however it is packed, and no other name is taken for it."""

import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from pipeline.erasure.git import objects_with, remove_experiments
from pipeline.erasure.scan import Found, search_everything, search_files
from pipeline.erasure.search import NotSearched, holds
from pipeline.erasure.sought import Sought
from pipeline.settings import load_settings
from tests.erasure.listeners import token

ANN, BOB = token("ann"), token("bob")
SOUGHT = Sought(frozenset({ANN}))
MANY = Sought(frozenset({ANN, *(token(f"L{i}") for i in range(100))}))
TEXT = f'{{"id": "{ANN}"}}'.encode()


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other.txt", "of another")
        archive.writestr(name, data)
    return out.getvalue()


def tarred(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def table(*columns: object, metadata: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    made = pa.table({f"c{i}": column for i, column in enumerate(columns)}).replace_schema_metadata(metadata)
    pq.write_table(made, out, compression="zstd")
    return out.getvalue()


def arrow(column: list[str]) -> bytes:
    out = io.BytesIO()
    feather.write_feather(pa.table({"x": column}), out, compression="zstd")
    return out.getvalue()


def packed(codec: str) -> bytes:
    return bytes(pa.compress(TEXT, codec=codec, asbytes=True))


PACKED = {
    "text": TEXT,
    "escaped": json.dumps(f"\n{ANN}").encode(),
    "capitals": TEXT.upper(),
    "within-a-longer-run": f"00{ANN}ff".encode(),
    "utf-16": TEXT.decode().encode("utf-16"),
    "utf-32-be": TEXT.decode().encode("utf-32-be"),
    "gz": gzip.compress(TEXT),
    "gz-of-two": gzip.compress(b"x") + gzip.compress(TEXT),
    "gz-in-gz": gzip.compress(gzip.compress(TEXT)),
    "half.gz": gzip.compress(os.urandom(999) + TEXT + os.urandom(9999))[:-2000],
    "bz2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zst": packed("zstd"),
    "zlib": zlib.compress(TEXT),
    "zip": zipped("a.txt", TEXT),
    "zip-of-a-name": zipped(f"{ANN}.txt", b""),
    "zip-of-gz": zipped("a.gz", gzip.compress(TEXT)),
    "zip-in-zip": zipped("a.zip", zipped("a.txt", TEXT)),
    "tar": tarred("a.txt", TEXT),
    "tar.gz": gzip.compress(tarred("a.txt", TEXT)),
    "tar-of-gz": tarred("a.gz", gzip.compress(TEXT)),
    "utf-16-in-zip": zipped("a.txt", TEXT.decode().encode("utf-16")),
    "parquet": table(["z" * 99, ANN]),
    "parquet-in-xz": lzma.compress(table(["z" * 99, ANN])),
    "parquet-cell-of-text": table(["z" * 99, f"landing/{ANN}/a.json"]),
    "parquet-bytes": table([None, TEXT]),
    "parquet-metadata": table([1], metadata={"note": f"of {ANN}"}),
    "parquet-dictionary": table(pa.array(["x", ANN]).dictionary_encode()),
    "parquet-struct": table(pa.array([{"a": {"b": ANN}}])),
    "parquet-list": table(pa.array([[{"a": [ANN]}]])),
    "parquet-map": table(pa.array([[(ANN, 1)]], pa.map_(pa.string(), pa.int32()))),
    "parquet-damaged": b"PAR1" + TEXT,
    "feather": arrow(["z" * 99, ANN]),
}


@pytest.mark.parametrize("sought", [SOUGHT, MANY])
@pytest.mark.parametrize("name", PACKED)
def test_a_token_is_found_in_every_kind_of_file(tmp_path: Path, name: str, sought: Sought) -> None:
    (tmp_path / name).write_bytes(PACKED[name])
    assert search_files([tmp_path], sought).files == [tmp_path / name]
    assert search_files([tmp_path], Sought(frozenset({BOB}))).files == []


@pytest.mark.parametrize("edge", [-40, -16, 0])
def test_a_token_across_two_chunks_is_found(tmp_path: Path, edge: int) -> None:
    (tmp_path / "a").write_bytes(b"." * ((4 << 20) + edge) + ANN.encode() + b"." * 100)
    (tmp_path / "b").write_bytes(b"." * ((4 << 20) + 4 * edge) + ANN.encode("utf-32-le") + b"." * 100)
    assert len(search_files([tmp_path], SOUGHT).files) == 2


def test_a_value_of_a_database_that_spans_pages_is_found(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute("create table t (x text)")
        base.executemany("insert into t values (?)", [("." * n + ANN,) for n in range(4000, 4100)])
        base.execute("delete from t where rowid % 7 > 0")
    base.close()
    assert holds(tmp_path / "a.db", SOUGHT)
    assert not holds(tmp_path / "a.db", Sought(frozenset({BOB})))


@pytest.mark.parametrize("path", [f"{ANN}.csv", f"{ANN}/b/c", f"a-{ANN}-b/c"])
def test_names_of_files_count(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("")
    assert search_files([tmp_path], SOUGHT).files == [tmp_path / path]


def test_hard_links_and_links_are_handled_once_each(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(gzip.compress(b"nothing"))
    os.link(tmp_path / "a" / "x", tmp_path / "a" / "y")
    (tmp_path / "b").write_text(ANN)
    (tmp_path / "a" / "z").symlink_to(tmp_path / "b")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    assert search_files([tmp_path / "a"], SOUGHT) == Found()
    os.link(tmp_path / "b", tmp_path / "c")
    assert len(search_files([tmp_path], SOUGHT).files) == 2  # each name of a file with a token has to go


def test_what_cannot_be_unpacked_is_said_and_the_rest_is_searched(tmp_path: Path) -> None:
    (tmp_path / "half.gz").write_bytes(gzip.compress(os.urandom(5000))[:-2000])
    (tmp_path / "broken.zip").write_bytes(zipped("a.txt", os.urandom(5000))[:-500])
    with pytest.raises(NotSearched):
        holds(tmp_path / "half.gz", SOUGHT)
    found = search_files([tmp_path], SOUGHT)
    assert (found.files, sorted(path.name for path in found.unsearched)) == ([], ["broken.zip", "half.gz"])


def test_an_archive_of_zeros_is_searched_in_bounded_memory(tmp_path: Path) -> None:
    import resource

    with gzip.open(tmp_path / "a.gz", "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
        file.write(ANN.encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert holds(tmp_path / "a.gz", SOUGHT)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # [KiB]


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("pack", [False, True])
def test_an_experiment_of_git_is_found_and_removed_with_its_objects(tmp_path: Path, pack: bool) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text(BOB)
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "a")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "a").write_text(ANN)
    git(tmp_path, "commit", "-qam", "experiment")
    git(tmp_path, "update-ref", "refs/exps/12/34/exp-a", "HEAD")
    git(tmp_path, "reset", "-q", "--hard", head)
    git(tmp_path, "reflog", "expire", "--expire=now", "--all")
    if pack:
        git(tmp_path, "repack", "-adq")
    settings = load_settings({}, workspace=tmp_path)
    found = search_everything(settings, SOUGHT, landing=tmp_path / "landing")
    assert (found.files, len(found.objects)) == ([], 1)
    assert remove_experiments(tmp_path, found.objects) == 1
    assert objects_with(tmp_path, SOUGHT) == []
    assert objects_with(tmp_path, Sought(frozenset({BOB}))) != []
    assert git(tmp_path, "for-each-ref", "refs/exps") == ""
