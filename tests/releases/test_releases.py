"""Releases appear completely or not at all, have one id for one content, and form a chain of predecessors."""

import datetime as dt
from pathlib import Path

import pytest

from pipeline.errors import ReleaseError
from pipeline.identity.tokens import OPEN_FINGERPRINT
from pipeline.releases import publishing
from pipeline.releases.publishing import Contents, publish
from pipeline.releases.release import (
    Release,
    current,
    list_releases,
    open_release,
    served_before,
    snapshot_served,
    verify,
)


def contents(source: Path, as_of: str, text: str, *, sentence: str = "KEPT") -> Contents:
    """Return the contents of a small night; their bytes depend on `text` only."""
    for name in ("lists.parquet", "fallback.parquet", "model/model.json", "heldout/model.json", "heldout/maps/a.npy"):
        path = source / text / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} {text}", encoding="utf-8")
    return Contents(
        files={name: source / text / name for name in ("lists.parquet", "fallback.parquet", "model", "heldout")},
        facts={"as_of": as_of, "recipe": "als", "family": "als", "n_listeners": 2, "id_key": OPEN_FINGERPRINT},
        origin={"verdict": "KEEP", "sentence": sentence, "params": "0", "code": None},
    )


def tree(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file under a folder with its bytes and its time of change."""
    return {
        p.relative_to(root).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns)
        for p in sorted(root.rglob("*"))
        if p.is_file() and p.name != ".lock"
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "releases"


def test_a_published_release_is_served_completely(tmp_path: Path, root: Path) -> None:
    release, served = publish(root, contents(tmp_path, "2026-01-10", "a"))
    assert served
    assert current(root) == release
    assert release.id.startswith("2026-01-10-")
    assert release.lists.read_text(encoding="utf-8") == "lists.parquet a"
    assert (release.heldout / "maps" / "a.npy").exists()
    verify(release)


def test_publishing_the_same_content_changes_nothing_even_if_the_verdict_quotes_another_cost(
    tmp_path: Path, root: Path
) -> None:
    first, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    before = tree(root)
    again, served = publish(root, contents(tmp_path, "2026-01-10", "a", sentence="KEPT, for 2 EUR more"))
    assert (again.id, served) == (first.id, True)
    assert tree(root) == before


def test_a_release_shares_no_bytes_with_its_source(tmp_path: Path, root: Path) -> None:
    night = contents(tmp_path, "2026-01-10", "a")
    release, _ = publish(root, night)
    assert release.lists.stat().st_ino != night.files["lists.parquet"].stat().st_ino
    night.files["lists.parquet"].write_text("overwritten", encoding="utf-8")
    verify(release)


@pytest.mark.parametrize("step", ["_sync", "sync_folder", "set_current"])
@pytest.mark.parametrize("nth", range(4))
def test_a_crash_at_any_step_leaves_the_old_release_served_and_is_repaired_by_running_again(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, step: str, nth: int
) -> None:
    old, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    whole, calls = getattr(publishing, step), []

    def crash(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) > nth:
            raise KeyboardInterrupt
        return whole(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, step, crash)
        try:
            publish(root, contents(tmp_path, "2026-01-11", "b"))
        except KeyboardInterrupt:
            verify(current(root))
            assert current(root).id == old.id
    new, served = publish(root, contents(tmp_path, "2026-01-11", "b"))
    assert served
    assert current(root).id == new.id
    verify(new)
    assert new.previous == old.id
    assert {p.name for p in root.iterdir()} == {"CURRENT", ".lock", old.id, new.id}


def test_a_changed_byte_is_named(tmp_path: Path, root: Path) -> None:
    release, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    (release.model / "model.json").write_text("model/model.json b", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"has changed bytes in model/model\.json"):
        verify(release)
    (release.model / "model.json").unlink()
    with pytest.raises(ReleaseError, match=r"lacks the file model/model\.json"):
        verify(release)


def test_an_unexpected_file_and_an_edited_manifest_are_found(tmp_path: Path, root: Path) -> None:
    release, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    manifest = release.folder / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"als"', '"bpr"'), encoding="utf-8")
    with pytest.raises(ReleaseError, match="was edited"):
        verify(open_release(root, release.id))
    (release.folder / "extra").write_text("", encoding="utf-8")
    with pytest.raises(ReleaseError, match="unexpected file extra"):
        verify(release)


def test_publishing_again_rebuilds_a_damaged_release(tmp_path: Path, root: Path) -> None:
    release, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    release.lists.write_text("torn", encoding="utf-8")
    mended, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    verify(mended)
    assert mended.id == release.id


def test_a_rebuilt_release_keeps_its_predecessor(tmp_path: Path, root: Path) -> None:
    day = dt.date(2026, 1, 12)
    first, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    early, _ = publish(root, contents(tmp_path, "2026-01-11", "b"))
    late, _ = publish(root, contents(tmp_path, "2026-01-11", "c"))
    for text, release in (("c", late), ("b", early)):
        release.lists.write_text("torn", encoding="utf-8")
        mended, _ = publish(root, contents(tmp_path, "2026-01-11", text))
        verify(mended)
        assert mended.previous == release.previous
    assert served_before(root, day) == early  # which was published again last, and follows nothing that follows it
    assert served_before(root, dt.date(2026, 1, 11)) == first


@pytest.mark.parametrize("damage", ["a manifest cut off", "no folder"])
def test_a_served_release_without_a_manifest_is_rebuilt_by_its_night(tmp_path: Path, root: Path, damage: str) -> None:
    first, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    release, _ = publish(root, contents(tmp_path, "2026-01-11", "b"))
    if damage == "no folder":
        release.folder.rename(tmp_path / "elsewhere")
    else:
        (release.folder / "manifest.json").write_text('{"schema"', encoding="utf-8")
    mended, served = publish(root, contents(tmp_path, "2026-01-11", "b"))
    verify(mended)
    assert served
    assert (mended.id, mended.previous) == (release.id, first.id)


def test_the_release_served_before_a_night_is_the_same_before_and_after_that_night_runs_again(
    tmp_path: Path, root: Path
) -> None:
    day = dt.date(2026, 1, 11)
    assert served_before(root, day) is None
    first, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    assert served_before(root, day) == first
    publish(root, contents(tmp_path, "2026-01-11", "b"))
    assert served_before(root, day) == first
    publish(root, contents(tmp_path, "2026-01-11", "c"))  # the same night, with other parameters
    publish(root, contents(tmp_path, "2026-01-11", "b"))  # and back
    assert served_before(root, day) == first
    assert served_before(root, dt.date(2026, 1, 10)) is None


def test_a_backfilled_night_is_kept_but_not_served(tmp_path: Path, root: Path) -> None:
    first, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    last, _ = publish(root, contents(tmp_path, "2026-01-12", "b"))
    between, served = publish(root, contents(tmp_path, "2026-01-11", "c"))
    assert not served
    assert current(root).id == last.id
    assert between.previous == first.id
    assert [r.id for r in list_releases(root)] == [first.id, between.id, last.id]


def test_a_snapshot_of_the_served_release_contains_its_models_and_is_not_rewritten(tmp_path: Path, root: Path) -> None:
    into, day = tmp_path / "night" / "served", dt.date(2026, 1, 11)
    assert snapshot_served(root, day, into) is None
    assert list(tree(into)) == ["served.json"]
    assert '"release": null' in (into / "served.json").read_text(encoding="utf-8")
    publish(root, contents(tmp_path, "2026-01-10", "a"))
    assert isinstance(snapshot_served(root, day, into), Release)
    assert {name: content for name, (content, _) in tree(into).items() if name != "served.json"} == {
        "final/model.json": b"model/model.json a",
        "model/maps/a.npy": b"heldout/maps/a.npy a",
        "model/model.json": b"heldout/model.json a",
    }
    before = tree(into)
    snapshot_served(root, day, into)
    assert tree(into) == before


def test_a_snapshot_refuses_a_heldout_model_that_was_changed(tmp_path: Path, root: Path) -> None:
    release, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    (release.heldout / "model.json").write_text("poison", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"heldout/model\.json"):
        snapshot_served(root, dt.date(2026, 1, 11), tmp_path / "served")


@pytest.mark.parametrize("text", ["", "../../etc", "2026-01-10-000000000000\n", "2026-01-1"])
def test_a_current_that_names_no_release_is_one_clear_error(tmp_path: Path, root: Path, text: str) -> None:
    publish(root, contents(tmp_path, "2026-01-10", "a"))
    (root / "CURRENT").write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError):
        current(root)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema": 1, "release": "{id}"}'])
def test_an_incompatible_manifest_is_one_clear_error(tmp_path: Path, root: Path, text: str) -> None:
    release, _ = publish(root, contents(tmp_path, "2026-01-10", "a"))
    (release.folder / "manifest.json").write_text(text.replace("{id}", release.id), encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"has no readable manifest|has an incompatible manifest"):
        current(root)


def test_nothing_published_is_one_clear_error(root: Path) -> None:
    with pytest.raises(ReleaseError, match="Run a night first"):
        current(root)
    assert list_releases(root) == []


def test_an_unfinished_night_is_refused_and_writes_no_release(tmp_path: Path, root: Path) -> None:
    night = contents(tmp_path, "2026-01-10", "a")
    night.files["lists.parquet"].unlink()
    with pytest.raises(ReleaseError, match=r"no .*lists\.parquet"):
        publish(root, night)
    assert not root.exists()
