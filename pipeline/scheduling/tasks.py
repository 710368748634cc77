"""A Netgain command as an Airflow task."""

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


class Command(BashOperator):  # type: ignore[misc]  # mypy does not follow Airflow
    """A command that runs in the workspace. Status 0 succeeds. Status 75, and the end by a signal, which comes from
    outside, are retried as often as `retries` says; any other status fails the task for good."""

    def execute(self, context: Any) -> str:
        """Run the command and return the last line of its output.

        Raises:
            AirflowException: the command failed, and a retry may succeed.
            AirflowFailException: the command failed, and would fail again.
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
    """Return whether a command with this exit status may succeed on a retry: EX_TEMPFAIL, or a signal."""
    return status == EXIT_TRANSIENT or status < 0 or status > _BY_SIGNAL


def command(
    task_id: str, bash_command: str, *, workspace: Path, variables: dict[str, str], minutes: int, **more: Any
) -> Command:
    """Return a task that runs one command.

    Args:
        workspace: the folder in which it runs.
        variables: values that a run may choose; they are rendered into its environment, never into its text.
        minutes: timeout of one try [min].
        more: further arguments of the operator.
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
