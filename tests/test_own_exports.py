"""Whole nights on people's own exports: lists are served, and the status is 3, for so few can decide nothing."""

import datetime as dt
import os
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.errors import EXIT_INVALID
from pipeline.releases.release import current
from tests.logs.test_as_people_have_them import ROCKBOX, land, packed
from tests.workspace import make_workspace, run

END = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
RECIPES = ["popular", "als", "item_knn", "rp3beta", "blend"]

pytestmark = pytest.mark.slow


def account(plays: list[tuple[dt.datetime, str]]) -> list[dict[str, Any]]:
    """Return plays as Spotify's account export has them."""
    return [
        {"endTime": f"{at:%Y-%m-%d %H:%M}", "artistName": artist, "trackName": f"{artist} song", "msPlayed": 200_000}
        for at, artist in plays
    ]


def night(workspace: Path, logs: dict[str, Any]) -> str:
    """Run a night on the logs; return what it printed."""
    land(workspace / "exports", logs)
    done = run(
        workspace,
        *("netgain", "night", "--as-of", "2026-01-31", "--format", "auto", "--logs", "exports"),
        check=False,
        NETGAIN_ENGINE="inprocess",
    )
    assert done.returncode == EXIT_INVALID, done.stdout[-3000:]
    return done.stdout


def test_one_persons_export_of_new_artists_each_day_ends_with_lists(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, recipes=RECIPES, params={"gate.seeds": 2})
    plays = account([(END - dt.timedelta(hours=8 * n + 1), f"Artist {n}") for n in range(120)])
    said = night(workspace, {"ann/StreamingHistory0.json": plays * 2})
    assert "240 rows read from 1 files = 120 accepted + 120 duplicate + 0 quarantined" in said
    assert "1 listener can be scored, 500 are needed" in said
    shown = run(workspace, "netgain", "lookup", "ann").stdout
    assert shown.count("popular these days") == 1


@pytest.mark.skipif(os.environ.get("NETGAIN_FAULTS") != "all", reason="a second whole night: with `make faults`")
def test_a_folder_of_several_services_exports_ends_with_a_list_for_everybody(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, recipes=RECIPES, params={"gate.seeds": 2})
    rng, logs = random.Random(1), dict[str, Any]()
    for n in range(24):
        taste = rng.sample(range(60), 18)
        plays = sorted(
            (END - dt.timedelta(minutes=rng.randrange(60, 60 * 24 * 40)), f"Artist {rng.choice(taste)}")
            for _ in range(90)
        )
        rows = account(plays) + account([(at, "Unknown Artist") for at, _ in plays[::30]])
        who = f"listener-{n:02}"
        if n % 3 == 0:
            logs[f"{who}/StreamingHistory0.json"] = rows
        elif n % 3 == 1:
            logs[f"{who}/my_spotify_data.zip"] = packed({"MyData/StreamingHistory_music_0.json": rows})
        else:
            lines = [f"{artist}\t\t{artist} song\t1\t200\tL\t{int(at.timestamp())}\t" for at, artist in plays]
            logs[f"{who}/.scrobbler.log"] = ROCKBOX.splitlines()[0] + "\n" + "\n".join(lines) + "\n"
            logs[f"{who}/notes.csv"] = "a,b\n1,2\n"
    said = night(workspace, logs)
    assert "formats by content: 8 rockbox, 16 spotify" in said
    assert "not taken, but look like logs: listener-02/notes.csv" in said
    lists = pl.read_parquet(current(workspace / "releases").lists)
    assert lists["listener_id"].n_unique() == 24
    assert not lists["item_name"].str.contains("Unknown").any()
