"""A whole night: open, pure stages, effects, summary."""

import datetime as dt
import time
from pathlib import Path
from typing import Any

from pipeline.effects.perform import perform
from pipeline.errors import EXIT_INVALID
from pipeline.graph import EFFECTS
from pipeline.nightly.data_docs import write_data_docs
from pipeline.nightly.dvc import Report, repro
from pipeline.nightly.failing import Reached, mark_stale_on_failure
from pipeline.nightly.opening import interrupt_as_exit, open_night
from pipeline.nightly.summary import night_facts
from pipeline.nightly.workspace_lock import exclusive_night
from pipeline.settings import Settings
from pipeline.stages.context import Context
from pipeline.state.lease import beating, close


def run_night(
    settings: Settings, *, as_of: dt.date, log_format: str, logs: Path | None, report: Report
) -> dict[str, Any]:
    """Run a night and return its facts, see `night_facts`.

    Running it again repeats only what is missing or out of date. If it fails, the served release stays and is marked
    stale.

    Raises:
        NetgainError: an input is invalid, or a stage failed.
    """
    interrupt_as_exit()
    started, reached = time.monotonic(), Reached(report)
    with exclusive_night(settings.workspace), mark_stale_on_failure(settings, as_of=as_of, reached=reached):
        context = open_night(settings, as_of=as_of, log_format=log_format, logs=logs)
        reached.stage = "stages"
        try:
            try:
                with beating(settings.state, context.lease):
                    ran = repro(settings, reached)
            finally:
                write_data_docs(context)  # also if a checkpoint stopped the night: its pages show why
            effects = {name: _timed(name, context, reached) for name in EFFECTS}
        except BaseException:
            close(settings.state, context.lease, "failed")
            raise
        took = {"seconds": time.monotonic() - started, "stage_seconds": reached.seconds}
        return night_facts(context) | {"ran": ran, "effects": effects} | took


def exit_status(facts: dict[str, Any]) -> int:
    """Return the exit status: EXIT_INVALID if the gate could not decide, though its lists are served; else 0."""
    return EXIT_INVALID if facts["decision"]["verdict"] == "INVALID" else 0


def _timed(name: str, context: Context, report: Report) -> str:
    report(name, None, "")
    started = time.monotonic()
    said = perform(name, context)
    report(name, time.monotonic() - started, said)
    return said
