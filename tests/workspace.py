"""A temporary workspace: a repository of its own with this working tree's code, small logs and few recipes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipeline.configuration import load_params
from pipeline.dvcfile.write import write_dvc_yaml

ROOT = Path(__file__).resolve().parents[1]
PARTS = (".dvc", ".dvcignore", ".gitignore", "Makefile", "dags", "dvc.yaml", "infra", "params.yaml", "pipeline")

# Few listeners cannot carry a decision: what lowers the gate's threshold for a simulated handful.
SMALL = {"gate.min_eligible_listeners": 30, "gate.seeds": 2}


def make_workspace(
    tmp_path: Path,
    *,
    recipes: Sequence[str] | None = None,
    params: Mapping[str, Any] = SMALL,
    listeners: int = 0,
    days: int = 30,
    start: str = "2026-01-01",
    seed: int = 1,
) -> Path:
    """Make a workspace in `tmp_path`, committed to a Git repository of its own so that DVC and `dvc exp run` work.

    The folder is created if it is missing.

    Args:
        tmp_path: the folder that becomes the workspace.
        recipes: names to keep in params.yaml, and in dvc.yaml, which is then generated; default: all.
        params: values that differ from params.yaml, by dotted name.
        listeners: number of listeners whose simulated logs are written to landing/; 0 for no logs.
        days: simulated days; the night of `start` + `days` sees all of them.
    """
    tmp_path.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source, target = ROOT / part, tmp_path / part
        if source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns("__pycache__", "tmp", "cache", "config.local")
            )
        else:
            shutil.copy(source, target)
    _edit(tmp_path / "params.yaml", lambda tree: _override(tree, params, recipes))
    if recipes is not None:
        write_dvc_yaml(tmp_path, load_params(tmp_path / "params.yaml"))
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "A workspace"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    if listeners:
        from pipeline.as_of import parse_as_of
        from pipeline.simulation.simulate import simulate

        simulate(n_listeners=listeners, n_days=days, seed=seed, start=parse_as_of(start), out=tmp_path / "landing")
    return tmp_path


def environment(workspace: Path, **more: str) -> dict[str, str]:
    """Return variables for commands in a workspace: its own code, this interpreter's tools, no caller's settings."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NETGAIN_", "AIRFLOW", "MLFLOW_"))}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(workspace),
        **more,
    }


def run(workspace: Path, *command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a workspace, with `more` as environment variables; stderr is merged into stdout.

    Raises:
        AssertionError: the command failed and `check` is set; the message holds the end of its output.
    """
    done = subprocess.run(
        command,
        cwd=workspace,
        env=environment(workspace, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, f"{' '.join(command)} → {done.returncode}\n{done.stdout[-6000:]}"
    return done


def _edit(file: Path, change: Any) -> None:
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(tree)
    file.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def _override(tree: dict[str, Any], params: Mapping[str, Any], recipes: Sequence[str] | None) -> None:
    for dotted, value in params.items():
        *folders, leaf = dotted.split(".")
        place = tree
        for folder in folders:
            place = place[folder]
        assert leaf in place, f"no parameter {dotted}"
        place[leaf] = value
    if recipes is not None:
        tree["recipes"] = {name: tree["recipes"][name] for name in recipes}
