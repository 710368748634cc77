"""The manifest of landed files: counts of every file in every night, and files that changed since."""

import datetime as dt
from pathlib import Path

import pytest

from pipeline.errors import LandingError
from pipeline.logs.inventory import take_inventory
from pipeline.logs.manifest import TABLE, TOTALS, Finding, accept, enter_night, files_in_manifest, findings, refuse
from pipeline.state.rows import entries
from pipeline.storage.json_files import read_json
from tests.stages.test_ingest import PLAY, land, run

ALWAYS = dt.date(2000, 1, 1)


def night(out: Path, root: Path, as_of: str) -> int:
    """Ingest the landed files and enter the night in the manifest."""
    report = run(root, out)
    return enter_night(out / "ledger", as_of=as_of, inventory=read_json(out / "landing.json"), root=root, report=report)


def found(out: Path, root: Path, *, needed_from: dt.date = ALWAYS) -> list[Finding]:
    return findings(out / "ledger", take_inventory(root, "netgain"), root=root, needed_from=needed_from)


def manifest(out: Path, root: Path) -> dict[str, dict[str, object]]:
    return files_in_manifest(entries(out / "ledger", TABLE), root=root.absolute().as_posix(), format="netgain")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return land(tmp_path / "in", {"a.jsonl": [PLAY, PLAY, "{"], "b.jsonl": [{**PLAY, "listener_id": "bob"}]})


def test_a_night_enters_each_file_with_its_counts(tmp_path: Path, root: Path) -> None:
    assert night(tmp_path, root, "2026-01-02") == 2
    (entry,) = entries(tmp_path / "ledger", TABLE)
    assert [entry[name] for name in TOTALS] == [4, 2, 1, 1]
    file = manifest(tmp_path, root)["a.jsonl"]
    assert [file[name] for name in TOTALS] == [3, 1, 1, 1]
    assert (file["reasons"], file["bytes"]) == ({"not JSON": 1}, (root / "a.jsonl").stat().st_size)
    assert (file["first_played_at"], file["last_played_at"]) == ("2026-01-01T10:00:00Z",) * 2


def test_repeating_a_night_enters_nothing_and_the_next_one_enters_new_files(tmp_path: Path, root: Path) -> None:
    night(tmp_path, root, "2026-01-02")
    once = entries(tmp_path / "ledger", TABLE)
    assert night(tmp_path, root, "2026-01-02") == 0
    assert entries(tmp_path / "ledger", TABLE) == once
    land(root, {"c.jsonl": [PLAY, {**PLAY, "listener_id": "cay"}]})
    assert night(tmp_path, root, "2026-01-03") == 1
    entry = entries(tmp_path / "ledger", TABLE)[-1]
    assert [file["path"] for file in entry["files"]] == ["c.jsonl"]
    assert [entry[name] for name in TOTALS] == [6, 3, 2, 1]


def test_the_files_of_the_ledger_add_up_to_each_night(tmp_path: Path, root: Path) -> None:
    for number, name in enumerate(["0.jsonl", "c.jsonl", "d.jsonl"]):
        # 0.jsonl is first by name, so its copies of plays of a.jsonl are the ones accepted from now on
        land(root, {name: [PLAY, {**PLAY, "ms_played": number}]})
        night(tmp_path, root, f"2026-01-0{number + 2}")
        entry = entries(tmp_path / "ledger", TABLE)[-1]
        files = manifest(tmp_path, root).values()
        assert [entry[name] for name in TOTALS] == [sum(int(str(f[name])) for f in files) for name in TOTALS]


def test_a_file_that_changed_is_a_finding_until_it_is_accepted(tmp_path: Path, root: Path) -> None:
    night(tmp_path, root, "2026-01-02")
    assert found(tmp_path, root) == []
    land(root, {"a.jsonl": [PLAY]})
    (finding,) = found(tmp_path, root)
    assert str(finding) == "a.jsonl changed since the night 2026-01-02"
    with pytest.raises(
        LandingError, match=r"a\.jsonl changed since the night 2026-01-02; expected .* as earlier nights read them"
    ):
        refuse([finding])
    signed = {"root": root.absolute().as_posix(), "format": "netgain", "by": "ann", "reason": "cut", "when": "now"}
    accept(tmp_path / "ledger", [finding], **signed)
    assert found(tmp_path, root) == []
    night(tmp_path, root, "2026-01-03")
    assert [manifest(tmp_path, root)["a.jsonl"][name] for name in ("read", "taken")] == [1, "2026-01-03"]
    land(root, {"a.jsonl": [PLAY, PLAY]})
    assert len(found(tmp_path, root)) == 1


def test_a_file_that_is_gone_is_a_finding_while_its_plays_are_needed(tmp_path: Path, root: Path) -> None:
    night(tmp_path, root, "2026-01-02")
    (root / "b.jsonl").unlink()
    assert [str(f) for f in found(tmp_path, root)] == ["b.jsonl is gone since the night 2026-01-02"]
    assert found(tmp_path, root, needed_from=dt.date(2026, 1, 2)) == []
    night(tmp_path, root, "2026-01-03")  # its plays are too old to be needed
    assert entries(tmp_path / "ledger", TABLE)[-1]["withdrawn"] == ["b.jsonl"]
    assert found(tmp_path, root) == []


def test_a_night_on_one_file_leaves_the_others_in_the_manifest(tmp_path: Path, root: Path) -> None:
    night(tmp_path, root, "2026-01-02")
    inventory = take_inventory(root / "a.jsonl", "netgain")
    assert findings(tmp_path / "ledger", inventory, root=root, needed_from=ALWAYS) == []
    assert set(manifest(tmp_path, root)) == {"a.jsonl", "b.jsonl"}


def test_another_landing_root_is_another_matter(tmp_path: Path, root: Path) -> None:
    night(tmp_path, root, "2026-01-02")
    other = land(tmp_path / "other", {"a.jsonl": ["{}"]})
    assert found(tmp_path, other) == []


def test_refusing_many_names_the_first(tmp_path: Path) -> None:
    many = [Finding(f"{n}.jsonl", "2026-01-02", None) for n in range(5)]
    with pytest.raises(LandingError, match=r"2\.jsonl is gone since the night 2026-01-02 and 2 more"):
        refuse(many)
    refuse([])
