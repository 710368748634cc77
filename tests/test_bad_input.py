"""Mistakes of a user end with status 2 and one line that says what to do; nothing is written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workspace import environment

ROOT = Path(__file__).resolve().parents[1]
NETGAIN = str(Path(sys.executable).parent / "netgain")
NIGHT = ("night", "--as-of", "2026-01-02")


@pytest.fixture
def workspace(tmp_path):
    """A folder in which a night could run."""
    folder = tmp_path / "workspace"
    (folder / "landing").mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "landing" / "plays-2026-01-01.jsonl").write_text("{}\n")
    return folder


def refusal(workspace, *arguments, **variables):
    """Run a command that must fail, check that it wrote nothing, and return its one line of output."""
    before = listing(workspace)
    inherited = {k: v for k, v in environment(workspace, **variables).items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [NETGAIN, *arguments], cwd=workspace, env=inherited, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout.strip() == ""
    assert done.stderr.startswith("netgain: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert listing(workspace) == before
    return done.stderr


def listing(workspace):
    """Everything beside the workspace, too: a path may have led out of it."""
    return {
        (path.relative_to(workspace.parent).as_posix(), path.lstat().st_mtime_ns)
        for path in (workspace.parent, *workspace.parent.rglob("*"))
    }


def change_params(workspace, old, new):
    path = workspace / "params.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_missing_landing_folder_is_refused(workspace):
    shutil.rmtree(workspace / "landing")
    assert "does not exist" in refusal(workspace, *NIGHT)


def test_an_empty_landing_folder_is_refused(workspace):
    (workspace / "landing" / "plays-2026-01-01.jsonl").unlink()
    assert "holds no log of the format netgain" in refusal(workspace, *NIGHT)


def test_missing_logs_are_refused(workspace):
    assert "elsewhere" in refusal(workspace, *NIGHT, "--logs", "elsewhere")


def test_an_unknown_format_is_refused(workspace):
    assert "netgain" in refusal(workspace, *NIGHT, "--format", "vinyl")


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "2026-02-30",
        "2026-1-1",
        "tomorrow",
        "",
        "; rm -rf .",
        "$(touch pwned)",
        "2026-01-02T00:00",
        "٢٠٢٦-٠١-٠٢",
    ],
)
def test_an_invalid_date_is_refused(workspace, text):
    assert "expected a date YYYY-MM-DD" in refusal(workspace, "night", f"--as-of={text}")


def test_a_future_night_is_refused(workspace):
    assert "lies in the future" in refusal(workspace, "night", "--as-of", "2999-01-01")


@pytest.mark.parametrize("command", ["night", "open"])
def test_an_unknown_parameter_is_refused(workspace, command):
    change_params(workspace, "  decision_days: 7", "  decision_days: 7\n  decision_weeks: 1")
    assert "split.decision_weeks" in refusal(workspace, command, "--as-of", "2026-01-02")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("decision_days: 7", "decision_days: seven", "split.decision_days = 'seven'"),
        ("decision_days: 7", "decision_days: 7.5", "split.decision_days = 7.5"),
        ("decision_days: 7", "decision_days: true", "split.decision_days = True"),
        ("decision_days: 7", "decision_days: -1", "split.decision_days = -1"),
        ("half_life_days: 60", "half_life_days: .nan", "interactions.half_life_days = nan"),
        ("  popular:\n", "  popular; touch pwned:\n", "params.yaml"),
        ("family: popular", "family: ../popular", "recipes.popular"),
        ("seed: 20260101", 'seed: !!python/object/apply:os.system ["touch pwned"]', "is not YAML"),
        ("seed: 20260101", "seed: [", "is not YAML"),
        ("seed: 20260101", "seed: \x00", "is not YAML"),
    ],
)
def test_a_hostile_or_mistyped_parameter_is_refused(workspace, old, new, named):
    change_params(workspace, old, new)
    assert named in refusal(workspace, *NIGHT)


@pytest.mark.parametrize("text", ["", "[]", "netgain"])
def test_parameters_that_are_not_a_mapping_are_refused(workspace, text):
    (workspace / "params.yaml").write_text(text)
    assert "params.yaml" in refusal(workspace, *NIGHT)


def test_parameters_that_are_not_text_are_refused(workspace):
    (workspace / "params.yaml").write_bytes(b"\xff\xfe\x00")
    assert "is not YAML" in refusal(workspace, *NIGHT)


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml"])
@pytest.mark.parametrize("command", [NIGHT, ("stage", "ingest")])
def test_a_folder_outside_the_project_is_refused(workspace, name, command):
    (workspace / name).unlink()
    # A stage asks for the open night first: without one there is nothing to run in any folder.
    assert name in refusal(workspace, *command) or (command[0] == "stage" and name == "params.yaml")


@pytest.mark.parametrize("text", ["", "stages", "stages: [", "plots: []"])
def test_an_invalid_dvc_yaml_is_refused(workspace, text):
    (workspace / "dvc.yaml").write_text(text)
    assert "dvc.yaml" in refusal(workspace, *NIGHT)


def test_a_recipe_that_the_tasks_of_a_scheduler_were_drawn_without(workspace):
    change_params(workspace, "  spark_als:\n", "  spark_als_two:\n")
    said = refusal(workspace, *NIGHT, NETGAIN_OWNER="run 1")
    assert "the recipes of dvc.yaml are not those of params.yaml" in said
    assert "Run `make dvc-yaml`, then start the whole run again." in said


def test_a_recipe_that_is_missing_in_a_dvc_yaml_written_by_hand(workspace):
    change_params(workspace, "  spark_als:\n", "  spark_als_two:\n")
    (workspace / "dvc.yaml").write_text("# My own.\n" + (workspace / "dvc.yaml").read_text())
    assert "Run `make dvc-yaml`, which replaces dvc.yaml." in refusal(workspace, *NIGHT)


@pytest.mark.parametrize("name", [("sing",), ("fit",), ("fit", "unknown"), ("../ingest",), ("os",), ("context",)])
def test_an_unknown_stage_is_refused(workspace, name):
    assert f"no stage {'@'.join(name)!r}" in refusal(workspace, "stage", *name)


def test_a_stage_without_an_open_night_is_refused(workspace):
    assert "an open night" in refusal(workspace, "stage", "ingest")


@pytest.mark.parametrize("text", ["", "as_of: 2026", "[]", "as_of: [", "night: 1"])
def test_an_invalid_open_night_is_refused(workspace, text):
    (workspace / "night").mkdir()
    (workspace / "night" / "night.yaml").write_text(text)
    assert "as_of" in refusal(workspace, "stage", "ingest")


def test_a_lookup_before_the_first_release_is_refused(workspace):
    assert "no release" in refusal(workspace, "lookup", "ann")


@pytest.mark.parametrize("command", [NIGHT, ("open",), ("lookup", "ann"), ("releases",), ("spark", "start")])
def test_an_unknown_engine_is_refused(workspace, command):
    assert "NETGAIN_ENGINE = 'magic'" in refusal(workspace, *command, NETGAIN_ENGINE="magic")


@pytest.mark.parametrize(
    "arguments", [("--days", "0"), ("--seed", "-1"), ("--start", "yesterday"), ("--out", "params.yaml")]
)
def test_impossible_simulations_are_refused(workspace, arguments):
    assert arguments[-1] in refusal(workspace, "simulate", "--listeners", "1", *arguments)


def test_an_unwritable_release_folder_is_refused(workspace):
    (workspace / "releases").write_text("a file")
    assert "CURRENT cannot be read" in refusal(workspace, "lookup", "ann")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable_logs_are_refused(workspace):
    (workspace / "landing" / "plays-2026-01-01.jsonl").chmod(0)
    assert "cannot be read" in refusal(workspace, *NIGHT)
