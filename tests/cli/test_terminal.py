"""No command prints what a terminal would act on: text of others passes through one console."""

import ast
import re
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from pipeline.cli import console as console_module
from pipeline.cli.console import console, echo
from pipeline.nightly.progress import Progress
from pipeline.terminal import printable, tell

CLI = Path(console_module.__file__).parent
EVIL = "A\x1b[2J\x1b]0;owned\x07\x9b31m\u202eB\r[/b][red]:smile:"
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def test_text_loses_what_a_terminal_would_act_on_and_nothing_else() -> None:
    assert not ACTS.search(printable(EVIL))
    assert printable("Sigur Rós\t平井 堅 🎸\n") == "Sigur Rós\t平井 堅 🎸\n"


def test_the_console_prints_foreign_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    out = console()
    table = Table(title=EVIL, caption=EVIL)
    table.add_column(EVIL)
    table.add_row(EVIL)
    table.add_row(Text(EVIL, "red"))
    for each in (EVIL, Text(EVIL), table):
        out.print(each)
    progress = Progress(out, lambda: (("ingest",), {}))
    progress("ingest", 1.0, f"a{EVIL}.jsonl")
    progress.stop()
    echo(EVIL)
    echo(EVIL, err=True)
    tell(EVIL)
    printed = capsys.readouterr()
    assert "[/b][red]:smile:" in printed.out
    assert not ACTS.search(printed.out + printed.err)


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_commands_print_through_the_console_alone(path: Path) -> None:
    if path.name == "console.py":
        return
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    printing = {ast.unparse(call) for call in calls}
    assert not printing & {
        "typer.echo",
        "typer.secho",
        "print",
        "Console",
        "click.echo",
        "sys.stdout.write",
        "sys.stderr.write",
    }
