"""A command of Netgain as a task of Airflow."""

import datetime as dt
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pipeline.errors import EXIT_TRANSIENT

_BY_SIGNAL = 128


class Command(BashOperator):  # type: ignore[misc]  # Airflow is not followed by mypy
    """One command in the workspace. It passes with status 0; status 75 is tried again as often as `retries` says, and
    so is a command that a signal ended, for that came from outside; any other status fails the task for good."""

    def execute(self, context: Any) -> str:
        """Run it; returns the last line that it said.

        Raises:
            AirflowException: it may pass when it is tried again.
            AirflowFailException: it would fail again.
        """
        bash = shutil.which("bash") or "bash"
        done = self.subprocess_hook.run_command(
            [bash, "-c", self.bash_command], env=self.get_env(context), cwd=self.cwd
        )
        if done.exit_code:
            raise (AirflowException if is_retryable(done.exit_code) else AirflowFailException)(
                f"{done.output.removeprefix('netgain: ')} (status {done.exit_code})"
            )
        return str(done.output)


def is_retryable(status: int) -> bool:
    """Whether a command that ended with this status may pass when it is tried again: EX_TEMPFAIL, or a signal."""
    return status == EXIT_TRANSIENT or status < 0 or status > _BY_SIGNAL


def command(
    task_id: str, bash_command: str, *, workspace: Path, variables: dict[str, str], minutes: int, **more: Any
) -> Command:
    """A task that runs one command.

    Args:
        workspace: where it runs.
        variables: what a run may choose, rendered into its environment; never into its text.
        minutes: how long a try may take.
        more: of the operator.
    """
    here = Path(sys.executable).parent
    return Command(
        task_id=task_id,
        bash_command=bash_command,
        execution_timeout=dt.timedelta(minutes=minutes),
        cwd=str(workspace),
        env={"PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}", **variables},
        append_env=True,
        skip_on_exit_code=None,
        **more,
    )
