"""The server follows CURRENT: promotions, rollbacks, erasures and damage; something whole is served as long as there is
something."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.erasure.releases import change_releases
from pipeline.erasure.requests import erased, request
from pipeline.erasure.tables import without
from pipeline.identity.tokens import OPEN_KEY, fingerprint, token_of
from pipeline.releases.rollback import roll_back
from pipeline.serving.erased import announce
from pipeline.serving.watch import Watch
from tests.serving.made import make_release

ANN = token_of("ann", OPEN_KEY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "releases"


def served(watch: Watch) -> str | None:
    watch.refresh()
    return None if watch.state.snapshot is None else watch.state.snapshot.id


def test_a_promotion_and_a_rollback_are_followed_and_nothing_is_mapped_twice(tmp_path: Path, root: Path) -> None:
    first = make_release(root, tmp_path, "2026-02-12")
    watch = Watch(root, OPEN_KEY)
    assert served(watch) == first.id
    mapped = watch.state.snapshot
    assert not watch.refresh()
    assert watch.state.snapshot is mapped
    second = make_release(root, tmp_path, "2026-02-13", mark="b")
    assert served(watch) == second.id
    roll_back(root, tmp_path / "ledger", to=None, by="ann", reason="r")
    assert served(watch) == first.id
    assert watch.state.ready


@pytest.mark.parametrize("damage", ["index cut", "index byte count", "index gone", "manifest", "folder gone"])
def test_a_damaged_release_is_answered_by_the_one_before_it(tmp_path: Path, root: Path, damage: str) -> None:
    first = make_release(root, tmp_path, "2026-02-12")
    second = make_release(root, tmp_path, "2026-02-13", mark="b")
    watch = Watch(root, OPEN_KEY)
    index = second.folder / "serving" / "index.bin"
    kept = index.read_bytes()
    if damage == "index cut":
        index.write_bytes(kept[:100])
    elif damage == "index byte count":
        index.write_bytes(kept + b"x")
    elif damage == "index gone":
        index.unlink()
    elif damage == "manifest":
        (second.folder / "manifest.json").write_text("{")
    else:
        shutil.rmtree(second.folder)
    assert served(watch) == first.id
    assert watch.state.ready
    assert watch.state.why


def test_a_release_that_is_damaged_while_it_is_served_is_left_and_taken_up_again_when_it_is_repaired(
    tmp_path: Path, root: Path
) -> None:
    first = make_release(root, tmp_path, "2026-02-12")
    second = make_release(root, tmp_path, "2026-02-13", mark="b")
    watch = Watch(root, OPEN_KEY)
    assert served(watch) == second.id
    snapshot = watch.state.snapshot
    assert snapshot is not None
    index = second.folder / "serving" / "index.bin"
    kept = index.read_bytes()
    index.write_bytes(bytes(len(kept)))
    watch.report(snapshot)
    assert served(watch) == first.id
    assert not watch.refresh()
    index.write_bytes(kept)
    assert served(watch) == second.id


def test_with_no_whole_release_in_current_the_last_one_is_served_and_it_is_not_ready(
    tmp_path: Path, root: Path
) -> None:
    watch = Watch(root, OPEN_KEY)
    assert served(watch) is None
    assert not watch.state.ready
    first = make_release(root, tmp_path, "2026-02-12")
    assert served(watch) == first.id
    (root / "CURRENT").unlink()
    assert served(watch) == first.id
    assert not watch.state.ready
    fresh = Watch(root, OPEN_KEY)
    assert served(fresh) == first.id
    assert not fresh.state.ready


def test_an_erased_listener_is_known_from_the_moment_it_is_announced_and_gone_from_the_release_made_anew(
    tmp_path: Path, root: Path
) -> None:
    release, ledger = make_release(root, tmp_path), tmp_path / "ledger"
    watch = Watch(root, OPEN_KEY)
    assert served(watch) == release.id
    request(ledger, ["ann"], key=OPEN_KEY, by="dpo", reason="r")
    who = erased(ledger)
    assert who is not None
    announce(root, who)
    assert served(watch) == release.id
    assert watch.state.erased is not None
    assert watch.state.erased.among(["ann"], OPEN_KEY)
    assert (root / "ERASED.json").stat().st_mode & 0o077 == 0
    renamed = change_releases(root, ledger, without({ANN}))
    assert served(watch) == renamed[release.id]
    snapshot = watch.state.snapshot
    assert snapshot is not None
    assert snapshot.index.find(ANN) is None
    entry = snapshot.index.find(token_of("bob", OPEN_KEY))
    assert entry is not None
    assert json.loads(b"[%b]" % entry.ids)
    for path in snapshot.release.folder.rglob("*"):
        assert not path.is_file() or ANN.encode() not in path.read_bytes()
    assert ANN not in favourites(snapshot.release.folder)


def favourites(release: Path) -> list[str]:
    return [str(name) for name in pq.read_table(release / "favourites.parquet")["listener_id"].to_pylist()]


def test_a_release_under_another_key_is_not_served(tmp_path: Path, root: Path) -> None:
    first = make_release(root, tmp_path, "2026-02-12")
    watch = Watch(root, OPEN_KEY)
    assert served(watch) == first.id
    make_release(root, tmp_path, "2026-02-13", mark="b", key=b"k" * 16)
    assert served(watch) == first.id
    assert "another NETGAIN_ID_KEY" in watch.state.why


def test_listeners_who_are_renamed_keep_their_lists_and_favourites(tmp_path: Path, root: Path) -> None:
    names = tuple(f"L{n:02d}" for n in range(20))
    release, key = make_release(root, tmp_path, listeners=names), b"k" * 16
    before = Watch(root, OPEN_KEY)
    served(before)
    new = {token_of(name, OPEN_KEY): token_of(name, key) for name in names}
    change_releases(
        root, tmp_path / "ledger", lambda old: old.replace_strict(new, default=old), id_key=fingerprint(key)
    )
    after = Watch(root, key)
    assert served(after) not in (None, release.id)
    was, now = before.state.snapshot, after.state.snapshot
    assert was is not None
    assert now is not None
    for old, fresh in new.items():
        entry, same = was.index.find(old), now.index.find(fresh)
        assert entry is not None
        assert same is not None
        assert (entry.items, entry.favourites) == (same.items, same.favourites)
        assert same.favourites
