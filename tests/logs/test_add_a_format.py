"""docs/how-to/add-a-format.md: following its steps, and nothing else, adds a format that ingests a file."""

import json
import re
import shutil
from pathlib import Path

import pytest

from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.storage.schemas import PLAYS, QUARANTINED
from pipeline.storage.tables import read_table
from tests.workspace import ROOT, make_workspace, run

PAGE = ROOT / "docs" / "how-to" / "add-a-format.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def named_blocks(language: str) -> dict[str, str]:
    """Return the blocks of a language by the path in their first line, without that line."""
    blocks = (text.split("\n", 1) for found, text in BLOCKS if found == language)
    return {first.removeprefix("# "): rest for first, rest in blocks}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the files of the page were added."""
    workspace = make_workspace(tmp_path_factory.mktemp("clone"))
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tests" / "fuzz", workspace / "tests" / "fuzz", ignore=ignored)
    for path, text in named_blocks("python").items():
        assert not (workspace / path).exists()
        (workspace / path).write_text(text, encoding="utf-8")
    (workspace / "logs").mkdir()
    for path, text in named_blocks("text").items():
        (workspace / "logs" / path).write_text(text, encoding="utf-8")
    return workspace


def test_the_page_adds_one_format_and_one_dialect() -> None:
    assert set(named_blocks("python")) == {"pipeline/logs/formats/acme.py", "tests/fuzz/dialects/acme.py"}


def test_a_format_without_a_dialect_fails(clone: Path) -> None:
    dialect = clone / "tests" / "fuzz" / "dialects" / "acme.py"
    dialect.rename(clone / "away.py")
    try:
        done = run(clone, "pytest", "-q", "-p", "no:cacheprovider", "tests/fuzz/test_dialects.py", check=False)
    finally:
        (clone / "away.py").rename(dialect)
    assert done.returncode == 1
    assert "test_every_format_has_a_dialect" in done.stdout


def test_the_commands_of_the_page_test_the_format_and_ingest_a_file(clone: Path) -> None:
    (commands,) = (text for language, text in BLOCKS if language == "sh")
    done = run(clone, "bash", "-euc", commands, AS_OF="2026-02-02", LOGS="logs")
    assert re.search(r"^\d+ passed", done.stdout, flags=re.MULTILINE)
    plays = read_table(clone / "data" / "plays", PLAYS)
    ann, bob = (token_of(name, OPEN_KEY) for name in ("ann", "bob"))
    assert plays.select(["listener_id", "artist_name", "track_name", "source"]).to_pylist() == [
        {"listener_id": ann, "artist_name": "Sigur Rós", "track_name": "Hoppípolla", "source": "acme"},
        {"listener_id": bob, "artist_name": "Björk", "track_name": "Jóga", "source": "acme"},
    ]
    (bad,) = read_table(clone / "data" / "quarantine.parquet", QUARANTINED).to_pylist()
    assert (bad["row"], bad["reason"]) == (2, "bad timestamp")
    report = json.loads((clone / "data" / "ingest.json").read_text(encoding="utf-8"))
    assert (report["format"], report["read"], report["accepted"]) == ("acme", 3, 2)


def test_the_command_line_names_the_new_format(clone: Path) -> None:
    assert "acme" in run(clone, "netgain", "open", "--help").stdout
