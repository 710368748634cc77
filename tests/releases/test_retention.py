"""Retention removes older releases, but not the served one, the rollback target or a predecessor in use."""

import datetime as dt
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.effects import publish as stage
from pipeline.errors import ReleaseError, SettingsError
from pipeline.releases import retention
from pipeline.releases.publishing import publish
from pipeline.releases.release import (
    Release,
    current,
    list_releases,
    previous_release,
    release_ids,
    served_before,
    verify,
)
from pipeline.releases.retention import retire, surplus
from pipeline.releases.rollback import roll_back, withdrawn
from pipeline.settings import load_settings
from tests.releases.test_releases import contents
from tests.stages.nights import plant_night


def ids(releases: list[Release]) -> list[str]:
    return [release.id for release in releases]


def test_the_latest_releases_are_kept_and_the_predecessor_of_the_oldest(root: Path, five: list[Release]) -> None:
    assert retire(root, keep=2, spare="") == ids(five[:2])
    assert release_ids(root) == ids(five[2:])
    assert served_before(root, five[3].as_of) == five[2]
    assert served_before(root, five[2].as_of) is None


def test_nothing_is_removed_twice_and_nothing_if_all_are_kept(root: Path, five: list[Release]) -> None:
    assert surplus(root, keep=0) == surplus(root, keep=5) == []
    retire(root, keep=2, spare="")
    assert retire(root, keep=2, spare="") == []


def test_the_rollback_target_is_kept_however_old_it_is(tmp_path: Path, root: Path, five: list[Release]) -> None:
    roll_back(root, tmp_path / "ledger", to=five[1].id, by="ann", reason="r")
    assert retire(root, keep=1, spare="") == ids(five[2:4])
    assert roll_back(root, tmp_path / "ledger", to=None, by="ann", reason="r")[1] == five[0]


def test_a_rollback_beyond_the_kept_releases_is_one_clear_error(
    tmp_path: Path, root: Path, five: list[Release]
) -> None:
    retire(root, keep=1, spare="")
    assert roll_back(root, tmp_path / "ledger", to=None, by="ann", reason="r")[1] == five[3]
    with pytest.raises(ReleaseError, match="is the oldest kept release"):
        roll_back(root, tmp_path / "ledger", to=None, by="ann", reason="r")
    with pytest.raises(ReleaseError, match=f"{five[0].id} was removed by retention"):
        roll_back(root, tmp_path / "ledger", to=five[0].id, by="ann", reason="r")


def test_a_release_missing_without_a_record_is_an_error_and_nothing_is_removed(root: Path, five: list[Release]) -> None:
    shutil.rmtree(five[3].folder)
    with pytest.raises(ReleaseError, match=f"{five[3].id} has no readable manifest"):
        served_before(root, five[4].as_of)
    with pytest.raises(ReleaseError, match="no readable manifest"):
        retire(root, keep=1, spare="")
    assert release_ids(root) == ids([*five[:3], five[4]])


def test_a_record_of_a_removal_that_was_cut_off_still_counts_and_without_it_what_is_missing_is_an_error(
    root: Path, five: list[Release]
) -> None:
    retire(root, keep=3, spare="")
    (gone,) = (root / "removed").iterdir()
    assert gone.stem == five[0].id
    gone.write_text("{", encoding="utf-8")
    assert previous_release(root, five[1]) is None
    gone.unlink()
    with pytest.raises(ReleaseError, match=f"{five[0].id} has no readable manifest"):
        previous_release(root, five[1])
    assert release_ids(root) == ids(five[1:])


@pytest.mark.parametrize("step", ["enter_removed", "sync_folder", "shutil"])
def test_a_crash_at_any_step_leaves_each_release_complete_or_removed_and_is_repaired_by_running_again(
    tmp_path: Path, root: Path, five: list[Release], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dies:
        def __call__(self, *_: object, **__: object) -> None:
            raise KeyboardInterrupt

        rmtree = __call__

    with monkeypatch.context() as patch:
        patch.setattr(retention, step, Dies())
        with pytest.raises(KeyboardInterrupt):
            retire(root, keep=2, spare="")
    for release in list_releases(root):
        verify(release)
        served_before(root, release.as_of)
    publish(root, contents(tmp_path, "2026-01-14", "night 4"))
    retire(root, keep=2, spare="")
    assert {path.name for path in root.iterdir()} == {"CURRENT", ".lock", "removed", *ids(five[2:])}
    assert {path.stem for path in (root / "removed").iterdir()} == set(ids(five[:2]))


def test_a_night_reports_the_removal_of_older_releases_and_keeps_its_own_backfill(tmp_path: Path) -> None:
    for day in (10, 11, 12, 13):
        night = plant_night(tmp_path, f"2026-02-{day}")
        said = stage.run(replace(night, settings=replace(night.settings, keep_releases=1)))
    assert said.endswith("; 1 older removed")
    backfilled = plant_night(tmp_path, "2026-02-09")
    said = stage.run(replace(backfilled, settings=replace(backfilled.settings, keep_releases=1)))
    assert said.endswith("is kept, not served: a later night's is")
    kept = [release.as_of.day for release in list_releases(night.settings.releases)]
    assert kept == [9, 12, 13]


def test_a_night_that_cannot_remove_releases_still_serves_its_lists(tmp_path: Path) -> None:
    for day in (10, 11, 12):
        night = plant_night(tmp_path, f"2026-02-{day}")
        stage.run(night)
    damaged = list_releases(night.settings.releases)[1]
    (damaged.folder / "manifest.json").unlink()
    night = plant_night(tmp_path, "2026-02-13")
    said = stage.run(replace(night, settings=replace(night.settings, keep_releases=3)))
    assert f"; older ones could not be removed: release {damaged.id} has no readable manifest" in said
    assert current(night.settings.releases).as_of == dt.date(2026, 2, 13)
    assert len(release_ids(night.settings.releases)) == 4


@pytest.mark.parametrize("text", ["few", "-1", "1.5", "²"])
def test_the_number_of_kept_releases_must_be_an_integer(text: str) -> None:
    assert load_settings({}).keep_releases == 30
    with pytest.raises(SettingsError, match="a whole number of releases"):
        load_settings({"NETGAIN_KEEP_RELEASES": text})


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 9)),
        st.tuples(st.just("back"), st.just(0)),
        st.tuples(st.just("back to"), st.integers(0, 30)),
        st.tuples(st.just("retire"), st.integers(1, 3)),
    ),
    min_size=3,
    max_size=14,
)


@dataclass
class Twins:
    """Two folders of releases with the same history; of one, older releases are removed."""

    folder: Path
    n_made: int = 0
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[Path, Path]:
        return self.folder / "kept" / "releases", self.folder / "all" / "releases"

    def publish(self, day: int) -> None:
        self.n_made += 1
        night = contents(self.folder, f"2026-01-0{day}", f"content {self.n_made}")
        for root in self.roots:
            publish(root, night, withdrawn=withdrawn(root.parent))

    def back(self, to: str | None) -> None:
        served = current(self.roots[0])
        target = to or ((link := previous_release(self.roots[0], served)) and link.id)
        if target not in (None, served.id):
            for root in self.roots:
                roll_back(root, root.parent, to=target, by="ann", reason="r")

    def check(self, keep: int | None) -> None:
        """Served release and rollback target are complete; kept nights have the same predecessors as before."""
        less, full = self.roots
        served = current(less)
        assert served.id == current(full).id
        verify(served)
        target = previous_release(less, served)
        if target is not None:
            verify(target)
        for name in release_ids(less)[-(keep or 1) :]:
            night = dt.date.fromisoformat(name[:10])
            now, ever = served_before(less, night), served_before(full, night)
            assert (now and now.id) == (ever and ever.id)


@given(Steps)
@settings(max_examples=25)
def test_after_any_publishing_rollback_and_removal_the_served_release_and_its_past_are_complete(
    steps: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        twins = Twins(Path(folder))
        twins.publish(5)
        for what, n in steps:
            keep = None
            if what == "publish":
                served, there = current(twins.roots[0]), len(release_ids(twins.roots[0]))
                twins.publish(n)
                new = current(twins.roots[0])
                assert new.id == served.id or new.previous == served.id
                assert len(release_ids(twins.roots[0])) == there + 1
            elif what == "back":
                twins.back(None)
            elif what == "back to":
                names = release_ids(twins.roots[0])
                twins.back(names[n % len(names)])
            else:
                keep = n
                retire(twins.roots[0], keep=keep, spare="")
            twins.check(keep)
