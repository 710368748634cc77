"""`make nightly`: its values reach commands as they are, its date, and its status."""

import datetime as dt
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NETGAIN = '#!/bin/bash\nprintf "<%s>" "$@"; echo\nexit "${STATUS:-0}"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose `netgain` prints its arguments."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    command = tmp_path / ".venv" / "bin" / "netgain"
    command.parent.mkdir(parents=True)
    command.write_text(NETGAIN)
    command.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    (tmp_path / "landing").mkdir()
    return tmp_path


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "nightly", *arguments],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "value",
    [
        "x$$(touch owned)",
        "x$(touch owned)",
        "x$(shell touch owned)",
        'x`touch owned`"; touch owned; "',
        "a b/c'd",
        "$(error owned)",
        "${HOME}",
    ],
)
@pytest.mark.parametrize("name", ["LOGS", "FORMAT", "AS_OF", "JSON"])
def test_nothing_in_a_value_is_run(folder: Path, name: str, value: str) -> None:
    for done in (make(folder, f"{name}={value}"), make(folder, **{name: value})):
        assert done.returncode == 0
        assert f"={value}>" in done.stdout
    assert not (folder / "owned").exists()


def test_the_night_is_today_where_logs_are_given_and_else_the_day_after_the_simulated_ones(folder: Path) -> None:
    today = dt.datetime.now(dt.UTC).date()
    assert "<--as-of=2026-02-12>" in make(folder).stdout
    assert f"<--as-of={today}>" in make(folder, "LOGS=exports").stdout
    assert f"<--as-of={today}>" in make(folder, "LOGS=landing").stdout
    assert f"<--as-of={today}>" in make(folder, LOGS="exports").stdout
    assert "<--as-of=2022-04-01>" in make(folder, "LOGS=exports", "AS_OF=2022-04-01").stdout


def test_an_invalid_night_that_serves_lists_is_no_failure_of_make_and_a_crash_is_one(folder: Path) -> None:
    invalid, crash = make(folder, STATUS="3"), make(folder, STATUS="4")
    assert (invalid.returncode, invalid.stderr) == (0, "")
    assert crash.returncode == 2
    assert "Error 4" in crash.stderr
