"""An answer leads to its release, and from there to model, code, parameters and logs."""

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.effects import publish
from pipeline.erasure.releases import change_releases
from pipeline.erasure.tables import without
from pipeline.errors import LandingError
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.releases.release import current
from pipeline.serving.impressions import Ids, find_impression, time_of
from pipeline.serving.provenance import landed_files, provenance
from pipeline.serving.segments import FOLDER, SUFFIX
from pipeline.serving.snapshot import open_snapshot
from pipeline.serving.why import why
from tests.serving.made import make_release
from tests.stages.nights import plant_night

ANN = token_of("ann", OPEN_KEY)
NIGHT = dt.datetime(2026, 2, 12, 12, tzinfo=dt.UTC)


def record(landing: Path, opened: dt.datetime, *events: dict[str, object]) -> None:
    path = landing / FOLDER / f"{opened:%Y%m%dT%H%M%S.%fZ}-1{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n" for event in events]
    path.write_text("".join(lines), encoding="utf-8")


def impression(number: int, at: dt.datetime, listener: str, release: str) -> dict[str, object]:
    name = f"{int(at.timestamp() * 1000):012x}-{number:016x}"
    return {
        "kind": "impression", "event_id": name, "impression_id": name, "at": at.isoformat(),
        "listener_id": token_of(listener, OPEN_KEY), "release": release, "experiment": None, "arm": None, "lane": "own",
        "k": 2, "items": ["i2", "i3"],
    }  # fmt: skip


def test_the_last_answer_up_to_a_time_is_found_with_its_provenance(tmp_path: Path) -> None:
    release = make_release(tmp_path / "releases", tmp_path / "night")
    hour, landing = dt.timedelta(hours=1), tmp_path / "landing"
    record(landing, NIGHT, impression(1, NIGHT, "ann", release.id), impression(2, NIGHT + hour / 2, "ann", release.id))
    record(landing, NIGHT + hour, impression(3, NIGHT + hour, "bob", release.id))
    record(landing, NIGHT + 30 * hour, impression(4, NIGHT + 30 * hour, "ann", release.id))
    found = why(landing, tmp_path / "releases", ANN, NIGHT + 20 * hour)
    assert found["impression_id"].endswith("2")
    assert "listener_id" not in found
    assert found["items"] == [{"item_id": "i2", "item_name": "The Knife"}, {"item_id": "i3", "item_name": "AC/DC"}]
    assert (found["provenance"]["code"], found["provenance"]["recipe"]) == ("c0ffee", "item_knn")
    with pytest.raises(LandingError, match="no answer to this listener"):
        why(landing, tmp_path / "releases", ANN, NIGHT - hour)
    with pytest.raises(LandingError, match="no answer to this listener"):
        why(landing, tmp_path / "releases", "an", NIGHT + 40 * hour)


def test_an_answer_of_a_release_that_was_made_anew_still_leads_to_it(tmp_path: Path) -> None:
    release = make_release(tmp_path / "releases", tmp_path / "night")
    record(tmp_path / "landing", NIGHT, impression(1, NIGHT, "ann", release.id))
    gone = without({token_of("bob", OPEN_KEY)})
    renamed = change_releases(tmp_path / "releases", tmp_path / "ledger", gone)
    found = why(tmp_path / "landing", tmp_path / "releases", ANN, NIGHT)
    assert found["release"] == release.id
    assert found["provenance"]["release"] == renamed[release.id] != release.id


def test_an_impression_is_found_by_its_id_alone(tmp_path: Path) -> None:
    event = impression(7, NIGHT, "ann", "r")
    record(tmp_path, NIGHT - dt.timedelta(minutes=1), impression(6, NIGHT, "bob", "r"), event)
    assert find_impression(tmp_path, str(event["impression_id"])) == event
    assert find_impression(tmp_path, "0" * 12 + "-" + "0" * 16) is None
    made = [Ids().new() for _ in range(50)] + [(ids := Ids()).new(), ids.new()]
    assert len({name for name, _ in made}) == 52
    name, at = made[-1]
    assert time_of(name) == dt.datetime.fromisoformat(at)


def test_the_manifest_of_a_night_tells_its_parameters_and_its_files_but_no_folder_of_a_listener(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    publish.run(context)
    about = provenance(current(context.settings.releases))
    assert about["hyperparameters"] == context.params.recipes["als"].model_dump(mode="json")
    assert about["landed"]["files"] == [{"path": "plays.jsonl.gz", "bytes": 9, "sha256": "2026-02-12"}]
    own = landed_files(
        {"format": "spotify", "files": [{"path": "ann/StreamingHistory0.json", "bytes": 1, "sha256": "x"}]}
    )
    assert own["files"] == [{"bytes": 1, "sha256": "x"}]
    many = landed_files({"format": "netgain", "files": [{"path": "p", "bytes": 1, "sha256": "x"}] * 2001})
    assert (many["n"], "files" in many) == (2001, False)


def test_the_command_shows_an_answer_and_a_wrong_time_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = make_release(tmp_path / "releases", tmp_path / "night")
    record(tmp_path / "landing", NIGHT, impression(1, NIGHT, "ann", release.id))
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["why", "ann", "--at", "2026-02-12T13:00"])
    assert shown.exit_code == 0, shown.output
    assert release.id in shown.output
    assert "c0ffee" in shown.output
    assert "The Knife" in shown.output
    every = json.loads(CliRunner().invoke(app, ["why", "ann", "--at", "2026-02-12T13:00Z", "--json"]).output)
    assert every["provenance"]["release"] == release.id
    wrong = CliRunner().invoke(app, ["why", "ann", "--at", "noon"])
    assert "expected a time" in str(wrong.exception)


def test_what_the_server_records_is_what_why_reads(tmp_path: Path) -> None:
    release = make_release(tmp_path / "releases", tmp_path / "night")
    snapshot = open_snapshot(tmp_path / "releases", release.id, OPEN_KEY)
    entry = snapshot.index.find(ANN)
    assert entry is not None
    stamp = Ids().new()
    path = tmp_path / "landing" / FOLDER / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%fZ}-1{SUFFIX}"
    path.parent.mkdir(parents=True)
    path.write_bytes(snapshot.impression("own", stamp, f'"{ANN}"', entry.first(2)))
    found = why(tmp_path / "landing", tmp_path / "releases", ANN, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1))
    assert [item["item_id"] for item in found["items"]] == ["i2", "i3"]
