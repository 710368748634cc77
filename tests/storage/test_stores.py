"""The contract of stores, for a folder and for a real S3-compatible store."""

import hashlib
import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import SettingsError
from pipeline.places import require_store
from pipeline.storage.stores.open import open_store
from pipeline.storage.stores.store import StoreAway, StoreRefused
from tests.storage.object_store import PLAIN, missing, store, variables

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    if (why := missing()) is not None:
        pytest.skip(why)
    with store(tmp_path_factory.mktemp("weed")) as address:
        yield address


@pytest.fixture
def credentials(endpoint, monkeypatch):
    for name, value in variables(endpoint).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", "s3"])
def kept(request, tmp_path):
    """An empty store of each kind."""
    if request.param == "folder":
        return open_store((tmp_path / "store").as_uri())
    request.getfixturevalue("credentials")
    return open_store(f"s3://netgain/test-{next(_NUMBERS)}")


def test_what_was_written_is_read_and_what_was_not_is_none(kept):
    assert kept.read("a/b.txt") is None
    kept.write("a/b.txt", b"one")
    assert kept.read("a/b.txt").data == b"one"
    kept.write("a/b.txt", b"two")
    assert kept.read("a/b.txt").data == b"two"


def test_a_file_goes_in_and_comes_out_with_its_checksum(kept, tmp_path):
    data = b"0123456789" * 1_500_000  # more than one part of an upload
    (tmp_path / "in").write_bytes(data)
    kept.write("big", tmp_path / "in")
    assert kept.fetch("big", tmp_path / "out" / "big") == hashlib.sha256(data).hexdigest()
    assert (tmp_path / "out" / "big").read_bytes() == data
    assert kept.fetch("other", tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_of_several_creators_one_is_first(kept):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: kept.create("one", b"%d" % n), range(8)))
    assert sum(made) == 1
    assert kept.read("one").data == b"%d" % made.index(True)


def test_a_swap_needs_the_version_that_was_read(kept):
    assert kept.swap("CURRENT", b"first", expected=None)
    assert not kept.swap("CURRENT", b"again", expected=None)
    version = kept.read("CURRENT").version
    assert kept.swap("CURRENT", b"second", expected=version)
    assert not kept.swap("CURRENT", b"third", expected=version)
    assert kept.read("CURRENT").data == b"second"
    assert not kept.swap("absent", b"x", expected=version)


def test_of_several_swaps_from_one_version_one_succeeds(kept):
    kept.write("CURRENT", b"start")
    version = kept.read("CURRENT").version
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: kept.swap("CURRENT", b"%d" % n, expected=version), range(8)))
    assert sum(done) == 1
    assert kept.read("CURRENT").data == b"%d" % done.index(True)


def test_keys_are_listed_in_order_below_a_prefix(kept):
    assert list(kept.names()) == []
    for key in ("b/2", "a", "b/1", "b/c/3", "bc", "day=2026-01-01/part-000.parquet"):
        kept.write(key, b"x")
    assert list(kept.names()) == ["a", "b/1", "b/2", "b/c/3", "bc", "day=2026-01-01/part-000.parquet"]
    assert list(kept.names("b/")) == ["b/1", "b/2", "b/c/3"]
    assert list(kept.names("b")) == ["b/1", "b/2", "b/c/3", "bc"]
    kept.delete("b/1")
    kept.delete("b/1")
    assert list(kept.names("b/")) == ["b/2", "b/c/3"]


def test_a_reader_never_sees_half_of_an_object(kept):
    sizes = (1, 200_000)
    kept.write("x", b"x" * sizes[0])
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(lambda: [kept.write("x", b"x" * size) for size in sizes * 15])
        seen = set()
        while not writing.done():
            seen.add(len(kept.read("x").data))
        writing.result()
    assert seen <= set(sizes)


def test_a_store_that_is_away_or_refuses_is_one_line(credentials, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", PLAIN)  # which may not make a bucket, nor learn whether there is one
    for act in (lambda there: there.write("a", b"x"), lambda there: there.read("a"), lambda there: list(there.names())):
        with pytest.raises(StoreRefused, match=r"no such bucket|no bucket nowhere"):
            act(open_store("s3://nowhere/x"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreRefused, match="refuses these credentials"):
        open_store("s3://netgain/x").write("a", b"x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreAway, match="does not answer"):
        open_store("s3://netgain/x").read("a")


@pytest.mark.parametrize(
    "uri", ["gs://bucket", "s3://", "s3:///x", "s3://key:secret@bucket/x", "file://host/x", "file:x", "s3://b?x=1"]
)
def test_an_address_that_is_no_store_is_refused_without_its_password(uri):
    with pytest.raises(SettingsError, match="NETGAIN_RELEASES is an address") as refused:
        require_store(uri, named="NETGAIN_RELEASES")
    assert "secret" not in str(refused.value)
