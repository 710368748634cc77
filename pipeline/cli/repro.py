"""`netgain repro`, `effects`, `report`, `close`: a night that is open, in the parts that a scheduler runs."""

import re
from collections import deque
from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.errors import EXIT_TRANSIENT, NetgainError, ParamsError, StageFailed, TransientError
from pipeline.graph import EFFECTS, UNKNOWN_STAGE, read_stages
from pipeline.settings import Settings, load_settings
from pipeline.state import lease

# DVC always exits with 255 if a stage fails; the stage's own exit status is only in its message.
_EXITED = re.compile(r"failed to run: .*, exited with (-?\d+)")
_STAGE = re.compile(r"failed to reproduce '([^']+)'")
_OURS = "netgain: "


def repro(
    stage: Annotated[
        str | None, typer.Argument(help="One stage of dvc.yaml, as fit@als. Default: all of them.")
    ] = None,
) -> None:
    """Run the stages of dvc.yaml that are stale. A stage that may pass when it is tried again ends this with 75."""
    settings = load_settings()
    known = [each.name for each in read_stages(settings.workspace / "dvc.yaml")]
    if stage is None:
        from pipeline.nightly.dvc import shared_processes

        with shared_processes(settings):
            _dvc(settings, "repro")
    elif stage in known:
        _dvc(settings, "repro", "--single-item", stage)
    else:
        raise ParamsError(f"no stage {stage!r}", expected=f"one of {', '.join(known)}", fix=UNKNOWN_STAGE)


def effects() -> None:
    """Run the effects of the open night in order, from account to erase; what is done is not done again."""
    from pipeline.effects.perform import perform
    from pipeline.nightly.workspace_lock import shared_work
    from pipeline.stages.context import open_context

    settings = load_settings()
    context = open_context(settings)
    with shared_work(settings.workspace):
        for name in EFFECTS:
            echo(f"{name}: {perform(name, context)}")


def close() -> None:
    """Give the workspace back, however the open night ended: for the last task of a run that has NETGAIN_OWNER."""
    settings = load_settings()
    mine = lease.in_force(settings.state)
    if mine is None or mine.owner != settings.owner:
        echo("the workspace is not this run's")
    elif mine.ended is not None:
        echo(f"{mine} has ended: {mine.ended}")
    else:
        lease.close(settings.state, mine, "failed")
        echo(f"{mine} did not come to its end; the next one need not wait for it")


def report() -> None:
    """Write the pages of the open night: its Data Docs, its decision if it made one, and the front page."""
    from pipeline.nightly.data_docs import write_data_docs
    from pipeline.nightly.front_page import keep_night, write_front_page
    from pipeline.reports.render import render
    from pipeline.stages.context import open_context
    from pipeline.storage.json_files import read_json, write_text

    context = open_context(load_settings())
    echo(write_data_docs(context))
    decision = context.layout.decision
    record = read_json(decision) if decision.exists() else {"as_of": None}
    if record["as_of"] == context.as_of.isoformat():  # else an earlier night left it
        page = context.settings.reports / f"decision-{context.as_of}.html"
        write_text(page, render(record))
        echo(page)
        keep_night(context.settings.reports, record)
    if (front := write_front_page(context.settings, due=context.as_of)) is not None:
        echo(front)


def _dvc(settings: Settings, *arguments: str) -> None:
    """Run DVC and print its output and the stage's as they arrive.

    Raises:
        TransientError: the stage exited with EXIT_TRANSIENT, or was ended by a signal.
        StageFailed: it failed for another reason.
    """
    from pipeline.nightly.dvc import start_dvc

    last: deque[str] = deque(maxlen=40)
    with start_dvc(settings, *arguments) as process:
        assert process.stdout is not None
        for line in process.stdout:
            echo(line.rstrip())
            last.append(line.rstrip())
    if process.returncode:
        raise failure(last)


def failure(said: deque[str]) -> NetgainError:
    """Return the error of a failed stage, from the last lines of DVC's output: TransientError if a retry may help."""
    text = "\n".join(said)
    stage, exited = _STAGE.search(text), _EXITED.search(text)
    status = int(exited.group(1)) if exited else None
    own = [line.removeprefix(_OURS) for line in said if line.startswith(_OURS)]
    what = own[-1] if own else f"ended by signal {-status}" if status and status < 0 else " | ".join(list(said)[-5:])
    transient = status is not None and (status == EXIT_TRANSIENT or status < 0)
    return (TransientError if transient else StageFailed)(
        f"stage {stage.group(1) if stage else 'none'} failed: {what}",
        expected="every stage to pass",
        fix="What was served before is still served. "
        + ("Run it again in a while." if transient else "Run it again when the cause is mended."),
    )
