"""`netgain --version` and shell completion."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NETGAIN = Path(sys.executable).parent / "netgain"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    return subprocess.run(
        [NETGAIN, *arguments], capture_output=True, text=True, check=False, env=os.environ | environment
    )


def test_the_version_is_that_of_pyproject() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    ended = run("--version")
    assert (ended.stdout, ended.stderr, ended.returncode) == (f"netgain {declared}\n", "", 0)


def test_without_a_command_the_help_is_printed() -> None:
    ended = run()
    assert "Usage: netgain" in ended.stdout + ended.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_names_the_variable_that_asks_for_completions(shell: str) -> None:
    # Typer names the shell by its parent process, which is no shell under a test runner, unless detection is off.
    ended = run("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert ended.returncode == 0
    assert "_NETGAIN_COMPLETE" in ended.stdout


def test_bash_completes_the_start_of_a_command() -> None:
    ended = run(_NETGAIN_COMPLETE="complete_bash", COMP_WORDS="netgain roll", COMP_CWORD="1")
    assert ended.stdout.split() == ["rollback"]
