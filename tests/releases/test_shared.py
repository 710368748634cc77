"""Releases on a store: machines that share it see the same, whole releases, and one of two writers wins."""

import dataclasses
import itertools
from pathlib import Path

import pytest

from pipeline.errors import ReleaseError
from pipeline.releases.current import mark_stale, set_current, stale_mark
from pipeline.releases.publishing import publish
from pipeline.releases.release import current, release_ids, verify
from pipeline.releases.retention import retire
from pipeline.releases.rollback import roll_back
from pipeline.releases.shared import ReleasesMoved, give, take
from pipeline.settings import Settings, load_settings
from pipeline.storage.stores.open import open_store
from pipeline.storage.stores.store import StoreAway
from tests.releases.test_releases import contents
from tests.storage.object_store import missing, store, variables

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    if (why := missing()) is not None:
        pytest.skip(why)
    with store(tmp_path_factory.mktemp("weed")) as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def uri(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return (tmp_path / "store").as_uri()
    for name, value in variables(request.getfixturevalue("endpoint")).items():
        monkeypatch.setenv(name, value)
    return f"s3://netgain/releases-{next(_NUMBERS)}"


@pytest.fixture
def machine(tmp_path, uri):
    """Makes the settings of machines that share the store and no disk."""

    def make(name: str) -> Settings:
        return load_settings({"NETGAIN_RELEASES": uri}, workspace=tmp_path / name)

    return make


def published(settings: Settings, tmp_path: Path, night: int):
    take(settings)
    release, _ = publish(settings.releases, contents(tmp_path, f"2026-01-1{night}", f"night {night}"))
    give(settings)
    return release


def test_another_machine_serves_what_was_published_with_the_same_bytes(machine, tmp_path):
    a, b = machine("a"), machine("b")
    release = published(a, tmp_path, 0)
    assert take(b, served_only=True)
    there = current(b.releases)
    verify(there)
    assert there.id == release.id
    assert not take(b, served_only=True)
    published(a, tmp_path, 1)
    assert take(b, served_only=True)
    assert current(b.releases).id == current(a.releases).id


def test_nothing_is_served_before_current_moves(machine, tmp_path):
    a, b = machine("a"), machine("b")
    first = published(a, tmp_path, 0)
    publish(a.releases, contents(tmp_path, "2026-01-11", "night 1"))
    take(b)
    assert current(b.releases).id == first.id
    # Looking at the store meanwhile must not take back what is about to be given.
    take(a)
    give(a)
    take(b)
    assert current(b.releases).id == current(a.releases).id != first.id


def test_a_rollback_on_one_machine_is_one_on_all(machine, tmp_path):
    a, b = machine("a"), machine("b")
    first, _ = published(a, tmp_path, 0), published(a, tmp_path, 1)
    take(b)
    roll_back(b.releases, b.state, to=None, by="ann", reason="worse")
    give(b)
    take(a)
    assert current(a.releases).id == first.id


def test_of_two_machines_that_publish_at_once_the_later_one_is_told(machine, tmp_path):
    a, b = machine("a"), machine("b")
    take(a)
    take(b)
    one, _ = publish(a.releases, contents(tmp_path, "2026-01-10", "one"))
    publish(b.releases, contents(tmp_path, "2026-01-10", "two"))
    give(a)
    with pytest.raises(ReleasesMoved, match=one.id):
        give(b)
    take(b)
    assert current(b.releases).id == one.id


def test_what_retention_removes_is_gone_from_the_store_and_from_other_copies(machine, tmp_path):
    a, b = machine("a"), machine("b")
    for night in range(4):
        published(a, tmp_path, night)
    take(b)
    gone = retire(a.releases, keep=2, spare=current(a.releases).id)
    take(a)  # a look at the store must not bring back what is about to go
    give(a)
    take(b)
    kept = {key.split("/")[0] for key in open_store(a.releases_uri).names() if "/lists.parquet" in key}
    assert gone
    assert set(release_ids(b.releases)) == set(release_ids(a.releases)) == kept
    assert not kept & set(gone)


def test_a_failed_night_is_told_to_other_machines(machine, tmp_path):
    import datetime as dt

    a, b = machine("a"), machine("b")
    published(a, tmp_path, 0)
    mark_stale(a.releases, night=dt.date(2026, 1, 11), stage="fit", why="no memory")
    give(a)
    take(b)
    assert stale_mark(b.releases).stage == "fit"
    published(a, tmp_path, 1)
    take(b)
    assert stale_mark(b.releases) is None


def test_a_damaged_release_on_the_store_is_not_served(machine, tmp_path):
    a, b = machine("a"), machine("b")
    first = published(a, tmp_path, 0)
    take(b)
    second = published(a, tmp_path, 1)
    open_store(a.releases_uri).write(f"{second.id}/lists.parquet", b"damaged")
    with pytest.raises(ReleaseError, match=r"changed bytes in lists\.parquet"):
        take(b)
    assert current(b.releases).id == first.id
    assert release_ids(b.releases) == [first.id]


def test_a_copy_stays_as_it_is_while_the_store_is_away(machine, tmp_path, monkeypatch):
    a = machine("a")
    release = published(a, tmp_path, 0)
    away = dataclasses.replace(a, releases_uri="s3://netgain/x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with pytest.raises(StoreAway):
        take(away)
    assert current(a.releases).id == release.id
    set_current(a.releases, release.id)
