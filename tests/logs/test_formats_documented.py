"""The documentation and the command line list every format."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.cli.options import LOG_FORMATS
from pipeline.logs.formats import format_names, format_of

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "formats.md"


@pytest.mark.parametrize("name", format_names())
def test_the_table_of_formats_has_its_row(name: str) -> None:
    assert format_of(name).docs_row() in DOCS.read_text(encoding="utf-8").splitlines()


def test_the_table_of_formats_has_no_other_row() -> None:
    section = DOCS.read_text(encoding="utf-8").split("## The formats\n")[1].split("\n\n")[0]
    assert sorted(re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)) == list(format_names())


def test_the_command_line_names_every_format() -> None:
    assert all(name in LOG_FORMATS for name in format_names())


def test_the_command_formats_lists_every_format_with_what_it_cannot_know() -> None:
    done = CliRunner().invoke(app, ["formats"])
    assert done.exit_code == 0
    shown = done.output.splitlines()
    for name in format_names():
        start = shown.index(f"{name}  {format_of(name).files}")
        assert shown[start + 5] == f"  cannot know: {'; '.join(format_of(name).cannot_know)}"
