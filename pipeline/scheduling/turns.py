"""Turns in a workspace, which holds one night at a time: a run waits until no other run uses it.

`max_active_runs` does not ensure this: Airflow counts the runs of a backfill separately from scheduled runs.
"""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path

from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError

ACTIVE = frozenset({"queued", "running", "restarting"})
StateOf = Callable[[str, str], str | None]
"""Returns the state of a run, from its DAG id and run id."""


def take_turn(workspace: Path, *, dag_id: str, run_id: str, state_of: StateOf) -> bool:
    """Take the workspace for a run; return False if another run that is not over has it.

    Nothing has to be released: a run that is over, however it ended, holds nothing.

    Args:
        workspace: the folder of dvc.yaml.
        dag_id: the run's DAG.
        run_id: the run.
        state_of: asks Airflow for the state of a run.
    """
    path = workspace / ".netgain" / "airflow-run.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        holder = _holder(path)
        if holder not in (None, (dag_id, run_id)) and _is_active(holder, state_of):
            print(f"the run {holder[1]} is using {workspace}")  # noqa: T201  # Airflow's log of the task
            return False
        file.truncate(0)
        file.write(json.dumps({"dag_id": dag_id, "run_id": run_id}))
    return True


def require_night(workspace: Path, as_of: str) -> None:
    """Refuse, without a retry, to work on a night that is not the run's own.

    Without this check, a cleared task of an older run would work on whatever later night is open.
    """
    from pipeline.as_of import read_as_of

    night = read_as_of(workspace / "night" / "night.yaml")
    if night.isoformat() != as_of:
        raise AirflowFailException(
            f"the night of {night} is open in {workspace}, but this run is for {as_of}: clear the whole run"
        )


def _holder(path: Path) -> tuple[str, str] | None:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return str(holder["dag_id"]), str(holder["run_id"])
    except (ValueError, KeyError, TypeError):
        return None


def _is_active(holder: tuple[str, str], state_of: StateOf) -> bool:
    try:
        return state_of(*holder) in ACTIVE
    except AirflowRuntimeError:  # Airflow has deleted the run
        return False
