"""`netgain night`, `open`, `stage`: a whole night, or one step of it."""

import contextlib
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.console import console, echo
from pipeline.cli.options import AsOf, LogFormat, Logs, night_of
from pipeline.errors import NetgainError, ParamsError
from pipeline.graph import EFFECTS, UNKNOWN_STAGE, read_stages
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.nightly.dvc import Report


def night(
    as_of: AsOf = None,
    log_format: LogFormat = "netgain",
    logs: Logs = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the summary as JSON here, too.")] = None,
) -> None:
    """Run a whole night: the stages of dvc.yaml, then the effects (record, promote, publish, …)."""
    from pipeline.nightly.running import run_night

    settings = load_settings()
    run_and_report(
        settings,
        lambda report: run_night(settings, as_of=night_of(as_of), log_format=log_format, logs=logs, report=report),
        json_file,
    )


def open_(
    as_of: AsOf = None,
    log_format: LogFormat = "netgain",
    logs: Logs = None,
) -> None:
    """Fix a night's inputs in night/, for `dvc repro` and for schedulers; run nothing."""
    from pipeline.nightly.opening import open_night
    from pipeline.nightly.workspace_lock import exclusive_night
    from pipeline.state.lease import close

    settings = load_settings()
    with exclusive_night(settings.workspace):
        context = open_night(settings, as_of=night_of(as_of), log_format=log_format, logs=logs)
        if settings.owner is None:  # without an owner, no later task has to close the night
            close(settings.state, context.lease, "opened")
    echo(f"the night of {context.as_of} is open: `dvc repro` runs its stages")


def stage(name: str, recipe: Annotated[str | None, typer.Argument()] = None) -> None:
    """Run one stage, or one effect, on the night that is open in this folder."""
    from pipeline.effects.perform import perform
    from pipeline.nightly.workspace_lock import shared_work
    from pipeline.runtime.parent_watch import watch_parent
    from pipeline.stages.context import open_context
    from pipeline.state.lease import beating

    settings = load_settings()
    known = {s.name for s in read_stages(settings.workspace / "dvc.yaml")} | set(EFFECTS)
    full = name if recipe is None else f"{name}@{recipe}"
    if full not in known:
        raise ParamsError(f"no stage {full!r}", expected=f"one of {', '.join(sorted(known))}", fix=UNKNOWN_STAGE)
    context = open_context(settings, acting=name in EFFECTS)
    if "DVC_STAGE" in os.environ:  # else a person may mean it to outlive a terminal
        watch_parent(lambda: None)  # heartbeats have a thread of their own
    with shared_work(settings.workspace), beating(settings.state, context.lease):
        if name in EFFECTS:
            echo(perform(name, context))
            return
        module = importlib.import_module(f"pipeline.stages.{name}")
        echo(module.run(context) if recipe is None else module.run(context, recipe))


def data_docs() -> None:
    """Write the Data Docs of the open night; `netgain night` writes them by itself."""
    from pipeline.nightly.data_docs import write_data_docs
    from pipeline.stages.context import open_context

    echo(write_data_docs(open_context(load_settings())))


def run_and_report(
    settings: Settings, work: "Callable[[Report], dict[str, Any]]", json_file: Path | None = None
) -> None:
    """Run a night, show progress and summary, write the reports, and exit with the night's status."""
    from pipeline.nightly.front_page import write_front_page
    from pipeline.nightly.running import exit_status
    from pipeline.nightly.show import Progress, summary
    from pipeline.nightly.telling import tell_systems
    from pipeline.nightly.write_reports import write_reports

    out = console()
    progress = Progress(out)
    try:
        facts = work(progress)
    except BaseException as err:
        progress.stop()
        with contextlib.suppress(OSError, NetgainError):  # the first error is the one to report
            write_front_page(settings)
        for note in getattr(err, "__notes__", ()):
            out.print(note, style="yellow", highlight=False, markup=False)
        raise
    progress.stop()
    out.print("", summary(facts))
    write_reports(settings, facts, json_file)
    for note in tell_systems(settings, facts):
        out.print(note, style="yellow", highlight=False, markup=False)
    raise typer.Exit(exit_status(facts))
