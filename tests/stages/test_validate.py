"""The night stops on bad data and says why, without a listener's id or a title."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from pipeline.configuration import load_params
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import read_landing
from pipeline.runtime.inprocess import InProcess
from pipeline.stages import validate as stage
from pipeline.stages.ingest import ingest
from pipeline.storage.json_files import write_json
from pipeline.validation.files import file_facts, worst_file

DAY = dt.date(2026, 1, 2)
PARAMS = load_params(Path(__file__).parents[2] / "params.yaml").validation


def rows(n: int, *, artist: str = "Secret Artist") -> list[str]:
    return [
        json.dumps(
            {
                "listener_id": f"secret-listener-{i}",
                "played_at": f"2026-01-01T00:{i // 60:02d}:{i % 60:02d}Z",
                "artist_name": artist,
                "track_name": "Secret Title",
                "ms_played": i,
            }
        )
        for i in range(n)
    ]


def validated(
    folder: Path, files: dict[str, list[str]], *, as_of: dt.date = DAY, min_plays: int = 1, max_share: float = 0.02
) -> dict[str, Any]:
    (folder / "in").mkdir()
    for name, lines in files.items():
        (folder / "in" / name).write_text("\n".join(lines))
    write_json(folder / "landing.json", take_inventory(folder / "in", "netgain"))
    paths = {"plays": folder / "plays", "report": folder / "ingest.json"}
    again = {"days": folder / "days.json", "cache": folder / "cache"}
    landing = read_landing(folder / "landing.json", workspace=folder)
    ingest(landing, executor=InProcess(), n_buckets=1, quarantine=folder / "quarantine.parquet", **paths, **again)
    report, _ = stage.validate(
        plays=paths["plays"],
        ingest_report=paths["report"],
        **again,
        as_of=as_of,
        decision_from=as_of - dt.timedelta(days=7),
        params=PARAMS.model_copy(update={"min_plays": min_plays}),
        max_quarantine_share=max_share,
    )
    return report


def test_good_data_passes(tmp_path: Path) -> None:
    report = validated(tmp_path, {"a.jsonl": rows(100)}, min_plays=100)
    assert report["failures"] == []
    assert (report["plays"], report["days"], report["quarantine_share"]) == (100, 1, 0.0)
    assert all(suite["n_rows"] and suite["n_expectations"] for suite in report["suites"])


def test_a_log_without_durations_passes(tmp_path: Path) -> None:
    lines = [json.dumps({**json.loads(row), "ms_played": None}) for row in rows(3)]
    assert validated(tmp_path, {"a.jsonl": lines})["failures"] == []


def test_no_play_before_the_night_never_passes(tmp_path: Path) -> None:
    report = validated(tmp_path, {"a.jsonl": rows(10)}, as_of=dt.date(2026, 1, 1))
    assert report["failures"] == [
        "night: at least 1 plays before the night (there are 0)",
        "days: the frame has no rows",
    ]


def test_too_few_plays_stop_the_night(tmp_path: Path) -> None:
    (failure,) = validated(tmp_path, {"a.jsonl": rows(9)}, min_plays=10)["failures"]
    assert failure == "night: at least 10 plays before the night (there are 9)"


def test_too_much_in_quarantine_names_the_file_and_the_reason(tmp_path: Path) -> None:
    files = {"good.jsonl": rows(90), "bad.jsonl": [*rows(7), "{", "{", "[]"]}
    (failure,) = validated(tmp_path, files)["failures"]
    assert failure == (
        "night: at most 2.00% of rows in quarantine (it is 3.00%; most in bad.jsonl: 3 of 10, most often 'not JSON')"
    )


def test_a_file_of_which_nothing_can_be_read_is_named(tmp_path: Path) -> None:
    (failure,) = validated(tmp_path, {"a.jsonl": rows(99), "lost.jsonl": ["{"]})["failures"]
    assert failure == "landed files: each file has readable rows (not met by path lost.jsonl)"


def test_rows_that_are_not_music_are_not_a_fault_of_the_logs() -> None:
    aside = {"path": "a.json", "read": 10, "accepted": 5, "duplicate": 0, "quarantined": 5, "reasons": {"not music": 5}}
    faulty = {**aside, "path": "b.json", "reasons": {"not music": 3, "bad timestamp": 2}}
    podcasts = {**aside, "path": "c.json", "accepted": 0, "quarantined": 10, "reasons": {"not music": 10}}
    assert worst_file({"files": [aside, podcasts]}) == ""
    assert worst_file({"files": [aside, faulty]}) == ("; most in b.json: 2 of 10, most often 'bad timestamp'")
    assert [file["lost"] for file in file_facts({"files": [aside, faulty, podcasts]})] == [0, 0, 0]


def test_unknown_artists_are_counted_by_name(tmp_path: Path) -> None:
    (failure,) = validated(tmp_path, {"a.jsonl": rows(94) + rows(100, artist="Unknown Artist")[94:]})["failures"]
    assert failure == "night: at most 5.00% of plays by an unknown artist (it is 6.00%)"


def test_no_listener_artist_or_title_is_in_the_report(tmp_path: Path) -> None:
    report = validated(tmp_path, {"a.jsonl": [*rows(50), "{"]}, min_plays=1000)
    assert report["failures"]
    assert "ecret" not in json.dumps(report)
