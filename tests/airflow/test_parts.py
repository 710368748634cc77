"""The parts of a night that a scheduler runs: a stage's exit status survives DVC, which always exits with 255."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.errors import EXIT_BAD_INPUT, EXIT_STAGE_FAILED, EXIT_TRANSIENT
from pipeline.state.lease import acquire, in_force
from tests.workspace import run

pytestmark = pytest.mark.slow

STAGES = {
    "fine": "echo done",
    "away": "echo 'netgain: MLflow is away' >&2; exit 75",
    "killed": "kill -9 $$",
    "bad": "echo 'netgain: no plays' >&2; exit 4",
    "broken": "echo 'Traceback: it broke' >&2; exit 1",
}
STATUS = {"away": EXIT_TRANSIENT, "killed": EXIT_TRANSIENT, "bad": EXIT_STAGE_FAILED, "broken": EXIT_STAGE_FAILED}
SAID = {
    "away": "stage away failed: MLflow is away",
    "killed": "stage killed failed: ended by signal 9",
    "bad": "stage bad failed: no plays",
    "broken": "Traceback: it broke",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    stages = {name: {"cmd": cmd, "outs": [f"{name}.txt"]} for name, cmd in STAGES.items()}
    stages["fine"]["cmd"] = "echo done > fine.txt"
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    run(folder, "dvc", "init", "--quiet")
    return folder


@pytest.mark.parametrize("stage", STATUS)
def test_a_transient_failure_of_a_stage_ends_with_status_75_and_no_other_does(workspace: Path, stage: str) -> None:
    done = run(workspace, "netgain", "repro", stage, check=False)
    assert done.returncode == STATUS[stage]
    last = done.stdout.splitlines()[-1]
    assert last.startswith("netgain: ")
    assert SAID[stage] in last


def test_a_stage_that_succeeds_is_run_and_reported(workspace: Path) -> None:
    assert "Running stage 'fine'" in run(workspace, "netgain", "repro", "fine").stdout
    assert (workspace / "fine.txt").read_text(encoding="utf-8") == "done\n"


def test_a_try_killed_while_dvc_wrote_its_rwlock_does_not_block_the_next(workspace: Path) -> None:
    (workspace / ".dvc" / "tmp" / "rwlock").write_bytes(b"{")
    said = run(workspace, "netgain", "repro", "fine").stdout
    assert "netgain: .dvc/tmp/rwlock cannot be read: moved to rwlock.aside" in said.splitlines()


def test_an_unknown_stage_is_bad_input(workspace: Path) -> None:
    done = run(workspace, "netgain", "repro", "--", "--help", check=False)
    assert done.returncode == EXIT_BAD_INPUT
    assert "no stage '--help'" in done.stdout


def test_a_run_releases_only_its_own_workspace(tmp_path: Path) -> None:
    lease, _ = acquire(tmp_path / "ledger", as_of="2026-01-10", owner="run 1")
    said = run(tmp_path, "netgain", "close", NETGAIN_OWNER="run 2").stdout
    assert said == "the workspace is not this run's\n"
    assert in_force(tmp_path / "ledger") == lease
    assert "did not come to its end" in run(tmp_path, "netgain", "close", NETGAIN_OWNER="run 1").stdout
    assert in_force(tmp_path / "ledger") == replace(lease, ended="failed")
    assert "has ended: failed" in run(tmp_path, "netgain", "close", NETGAIN_OWNER="run 1").stdout
