"""A workspace holds one night: a run has its turn when no other run is at work in it.

`max_active_runs` does not see to it: Airflow counts the runs of a backfill apart from those of the schedule.
"""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path

from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError

ACTIVE = frozenset({"queued", "running", "restarting"})
StateOf = Callable[[str, str], str | None]
"""DAG and run to the run's state."""


def take_turn(workspace: Path, *, dag_id: str, run_id: str, state_of: StateOf) -> bool:
    """Take the workspace for a run; False where another run has it that is not over.

    Nothing has to be given back: a run that is over, however it ended, holds nothing.

    Args:
        workspace: the folder of dvc.yaml.
        dag_id: of the run.
        run_id: of the run.
        state_of: asks Airflow.
    """
    path = workspace / ".netgain" / "airflow-run.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        holder = _holder(path)
        if holder not in (None, (dag_id, run_id)) and _is_active(holder, state_of):
            print(f"the run {holder[1]} is at work in {workspace}")  # noqa: T201  # Airflow's log of the task
            return False
        file.truncate(0)
        file.write(json.dumps({"dag_id": dag_id, "run_id": run_id}))
    return True


def require_night(workspace: Path, as_of: str) -> None:
    """Refuse, without another try, to work on a night that is not the run's own.

    A task of an older run that is cleared would find a later night open, and pass for it.
    """
    from pipeline.as_of import read_as_of

    night = read_as_of(workspace / "night" / "night.yaml")
    if night.isoformat() != as_of:
        raise AirflowFailException(
            f"the night of {night} is open in {workspace}, this run is that of {as_of}: clear the whole run"
        )


def _holder(path: Path) -> tuple[str, str] | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return str(told["dag_id"]), str(told["run_id"])
    except (ValueError, KeyError, TypeError):
        return None


def _is_active(holder: tuple[str, str], state_of: StateOf) -> bool:
    try:
        return state_of(*holder) in ACTIVE
    except AirflowRuntimeError:  # Airflow does not know it any more
        return False
