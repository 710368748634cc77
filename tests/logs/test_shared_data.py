"""Real logs are read as docs/reference/formats.md says, file by file."""

import os
import shutil
from pathlib import Path

import pytest

from tests.stages.test_ingest import run

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "formats.md"
FIXTURES = SHARED / "listenbrainz" / "fixtures"
COLUMNS = "{played_at: timeMs, time: unix, artist: artist, track: track}"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")

_OF_FIXTURES = {
    "librefm.csv": "librefm",
    "spotify_streaming_2023.json": "spotify-extended",
    "panoscrobbler.jsonl": "table",
}
_TAKEN_AS = {"spotify_streaming_2023.json": "Streaming_History_Audio_2023.json"}


def row(what: str, source: Path, format: str, out: Path) -> str:
    """Ingest a log and return its row of the table: rows read, accepted, duplicate, quarantined, and reasons."""
    root = source
    if source.is_file():  # a fixture: copied to where it would land
        root = out / "landing"
        root.mkdir(parents=True)
        shutil.copy(source, root / _TAKEN_AS.get(source.name, source.name))
        os.utime(root / _TAKEN_AS.get(source.name, source.name))
        if format == "table":
            (root / "columns.yaml").write_text(COLUMNS)
    report = run(root, out, format=format)
    found = {**report["reasons"], **report["repairs"]}
    why = ", ".join(f"{n:,} {text}" for text, n in found.items()) or "–"
    counts = " | ".join(f"{report[name]:,}" for name in ("read", "accepted", "duplicate", "quarantined"))
    return f"| {what} | `{format}` | {counts} | {why} |"


def fixtures() -> list[Path]:
    return sorted(FIXTURES.iterdir()) if FIXTURES.is_dir() else []


@pytest.mark.parametrize("path", fixtures(), ids=lambda path: path.name)
def test_each_fixture_of_listenbrainz_ends_as_documented(path: Path, tmp_path: Path) -> None:
    expected = row(f"`{path.name}`", path, _OF_FIXTURES.get(path.name, "listenbrainz-export"), tmp_path)
    assert expected in DOCS.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("what", "folder", "format"),
    [
        *(
            (f"Spotify export of listener-{n}", f"spotify-exports/listener-{n}", "spotify")
            for n in range(1, 7)
        ),
        ("ListenBrainz, 100 consecutive listens", "listenbrainz/listens.jsonl", "listenbrainz"),
        ("ListenBrainz, a full dump", "listenbrainz/full-dump-1", "listenbrainz-spark"),
        *(
            (f"ListenBrainz, incremental dump {n}", f"listenbrainz/incremental-dump-{n}", "listenbrainz-spark")
            for n in range(2, 6)
        ),
        ("Last.fm 1K, its first 5,000 rows", "lastfm-1k-sample", "lastfm-1k"),
    ],
)  # fmt: skip
def test_each_log_ends_as_documented(what: str, folder: str, format: str, tmp_path: Path) -> None:
    assert row(what, SHARED / folder, format, tmp_path) in DOCS.read_text(encoding="utf-8").splitlines()
