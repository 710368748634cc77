"""The command `netgain`: nightly music recommendations that promote a model only when it pays."""

import datetime as dt
import errno
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands import alert, doctor, landed, outbox, quarantine, repro, status
from pipeline.commands.console import console as _console
from pipeline.commands.tune import tune
from pipeline.errors import EXIT_STAGE_FAILED, NetgainError, ParamsError
from pipeline.graph import EFFECTS, read_stages
from pipeline.settings import load_settings, silence_telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.night.pure import Report
    from pipeline.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
spark = typer.Typer(no_args_is_help=True, help="One Spark server for several runs of `dvc repro`.")
app.add_typer(spark, name="spark")
app.add_typer(landed.app, name="landed")
app.add_typer(outbox.app, name="outbox")
app.add_typer(quarantine.app, name="quarantine")
app.command()(tune)
app.command()(repro.repro)
app.command()(repro.effects)
app.command()(repro.report)
app.command()(repro.close)
app.command()(alert.alert)
app.command()(status.status)
app.command()(doctor.doctor)

_INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

AsOf = Annotated[str | None, typer.Option(help="The night, YYYY-MM-DD in UTC: its start is the first instant unseen.")]


@app.command()
def night(
    as_of: AsOf = None,
    log_format: Annotated[
        str, typer.Option("--format", help="Format of the logs, or several: see docs/formats.md.")
    ] = "netgain",
    logs: Annotated[Path | None, typer.Option(help="Folder of landed logs. Default: NETGAIN_LANDING.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the summary as JSON here, too.")] = None,
) -> None:
    """Run a whole night: the stages of dvc.yaml, then record, promote, publish."""
    from pipeline.night.running import run_night

    settings = load_settings()
    _told(
        settings,
        lambda report: run_night(settings, as_of=_night(as_of), log_format=log_format, logs=logs, report=report),
        json_file,
    )


@app.command("open")
def open_(
    as_of: AsOf = None,
    log_format: Annotated[str, typer.Option("--format", help="Format of the logs.")] = "netgain",
    logs: Annotated[Path | None, typer.Option(help="Folder of landed logs.")] = None,
) -> None:
    """Fix a night's inputs in night/, for `dvc repro` and for schedulers; run nothing."""
    from pipeline.io.lease import close
    from pipeline.night.alone import only_night
    from pipeline.night.opening import open_night

    settings = load_settings()
    with only_night(settings):
        context = open_night(settings, as_of=_night(as_of), log_format=log_format, logs=logs)
        if settings.owner is None:  # nobody is bound to go on with it
            close(settings.ledger, context.lease, "opened")
    typer.echo(f"the night of {context.as_of} is open: `dvc repro` runs its stages")


@app.command()
def stage(name: str, recipe: Annotated[str | None, typer.Argument()] = None) -> None:
    """Run one stage, or one effect, on the night that is open in this folder."""
    from pipeline.io.lease import beat, close
    from pipeline.io.lifeline import watch_parent
    from pipeline.night.alone import at_work
    from pipeline.stages.context import open_context
    from pipeline.stages.effects import perform

    settings = load_settings()
    known = {s.name for s in read_stages(settings.workspace / "dvc.yaml")} | set(EFFECTS)
    full = name if recipe is None else f"{name}@{recipe}"
    if full not in known:
        raise ParamsError(f"no stage {full!r}", expected=f"one of {', '.join(sorted(known))}", fix="See dvc.yaml.")
    context = open_context(settings)
    if "DVC_STAGE" in os.environ:  # else a person may mean it to outlive a terminal
        watch_parent(lambda: beat(settings.ledger, context.lease))
    with at_work(settings):
        if name in EFFECTS:
            typer.echo(perform(name, context))
            if name == EFFECTS[-1]:
                close(settings.ledger, context.lease, "done")
            return
        module = importlib.import_module(f"pipeline.stages.{name}")
        typer.echo(module.run(context) if recipe is None else module.run(context, recipe))


@app.command("data-docs")
def data_docs() -> None:
    """Pages of what was expected of the open night's data; `netgain night` writes them by itself."""
    from pipeline.night.data_docs import write_data_docs
    from pipeline.stages.context import open_context

    typer.echo(write_data_docs(open_context(load_settings())))


@app.command()
def promote(
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    until: Annotated[str, typer.Option(help="The last night that it holds for, YYYY-MM-DD.")],
    override: Annotated[
        bool, typer.Option("--override", help="Against the gate: without it, nothing is done.")
    ] = False,
    recipe: Annotated[str | None, typer.Option(help="What to serve. Default: the challenger of the decision.")] = None,
) -> None:
    """Serve a recipe that the gate did not promote, on record, until a date."""
    from pipeline.night.overriding import override as carry_out

    if not override:
        raise ParamsError("a promotion by hand", expected="--override", fix="The gate promotes what pays by itself.")
    settings = load_settings()
    _told(
        settings,
        lambda report: carry_out(settings, recipe=recipe, by=by, reason=reason, until=_date(until), report=report),
    )


Record = Annotated[Path, typer.Argument(help="A decision.json, with evaluation/ beside it.")]


@app.command()
def replay(record: Record = Path("data/decision.json")) -> None:
    """Make a decision again from its record and arrays alone; it must come out the same."""
    from pipeline.stages.review import replay as make_again

    again = make_again(record)
    typer.echo(f"the same, bit for bit: {again['verdict']} (digest {again['digest'][:12]})")


@app.command()
def explain(record: Record = Path("data/decision.json")) -> None:
    """What was decided and why: the sentence, then the figures."""
    from pipeline.night.explain import explained
    from pipeline.stages.review import read_record

    _console().print(explained(read_record(record)))


@app.command("what-if")
def what_if(
    record: Record = Path("data/decision.json"),
    settings: Annotated[list[str] | None, typer.Option("--set", help="economics.NAME=VALUE, gate.NAME=VALUE")] = None,
) -> None:
    """The verdict under other assumptions, without fitting anything."""
    from pipeline.night.explain import compared
    from pipeline.stages.review import what_if as suppose

    _console().print(compared(*suppose(record, settings or [])))


@app.command()
def lookup(listener: str) -> None:
    """The list that a listener is served, or the fallback for a stranger."""
    from pipeline.logs.door import pseudonym
    from pipeline.stages.lookup import answer_table
    from pipeline.stages.lookup import lookup as look_up

    settings = load_settings()
    name = listener if settings.id_key is None else pseudonym(settings.id_key, listener)
    _console().print(answer_table(look_up(settings.releases, name)))


@app.command()
def erase(
    by: Annotated[str, typer.Option(help="Who asks for it.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "the listener asked for it",
    listeners: Annotated[list[str] | None, typer.Argument(help="Ids of listeners, as their logs have them.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with an id a line.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell where they are.")] = False,
) -> None:
    """Have listeners erased everywhere by the next night; a certificate in reports/erasures/ says what was removed."""
    from pipeline.erasure.requests import request

    settings = load_settings()
    names = [*(listeners or []), *(_ids(file) if file is not None else [])]
    if dry_run:
        from pipeline.erasure.carry_out import where

        for place, n_files in where(settings, names).items():
            typer.echo(f"{n_files:6,} files in {place}")
        return
    n_new = request(settings.ledger, names, key=settings.id_key, by=by, reason=reason)
    typer.echo(f"{n_new} listeners are erased by the next night, {len(set(names)) - n_new} had been asked for before")


@app.command()
def releases() -> None:
    """All releases, the newest first."""
    from pipeline.stages.lookup import releases_table

    _console().print(releases_table(load_settings()))


@app.command()
def rollback(
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    to: Annotated[str | None, typer.Option(help="A release. Default: the one served before.")] = None,
) -> None:
    """Serve an earlier release again, on record."""
    from pipeline.io.rollback import roll_back

    settings = load_settings()
    before, now = roll_back(settings.releases, settings.ledger, to=to, by=by, reason=reason)
    typer.echo(f"release {now.id} is served, {before.id} no more; the next night's release takes its place")


@app.command("fetch")
def fetch_(
    name: Annotated[str, typer.Argument(help="lastfm-1k, listenbrainz, or another of infra/datasets.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Landing folder. Default: landing-NAME.")] = None,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    sha256: Annotated[str | None, typer.Option(help="What the file at that address must have.")] = None,
) -> None:
    """Download a public data set into a landing folder; interrupted, it goes on where it stopped."""
    from pipeline.fetch.fetch import choose, fetch, shown

    settings = load_settings()
    dataset = choose(settings.datasets, name, url=url, sha256=sha256)
    typer.echo(f"{dataset.title}\nLicence: {dataset.licence}")
    folder = settings.workspace / (out or f"landing-{name}")
    progress, stop = shown(_console(), name)
    try:
        files, digest = fetch(
            dataset, downloads=settings.workspace / ".netgain" / "downloads", out=folder, progress=progress
        )
    finally:
        stop()
    typer.echo(f"{len(files)} files in {folder} (archive: SHA-256 {digest})")
    typer.echo(f"Next: make nightly LOGS={out or folder.name} FORMAT={dataset.format} AS_OF={dataset.as_of or 'DATE'}")


@app.command()
def simulate(  # noqa: PLR0917  # options of a command
    listeners: Annotated[int, typer.Option(help="Listeners.")] = 1500,
    days: Annotated[int, typer.Option(help="Days of logs.")] = 42,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "2026-01-01",
    out: Annotated[Path, typer.Option(help="Landing folder.")] = Path("landing"),
    artists: Annotated[int | None, typer.Option(help="Artists on offer. Default: what so many listeners know.")] = None,
) -> None:
    """Write listening logs that look like real ones, one file a day."""
    from rich.progress import Progress

    from pipeline.simulation.simulate import simulate as write_logs

    with Progress(console=_console(), transient=True) as bar:
        task = bar.add_task(f"simulating {listeners:,} listeners", total=days)
        made = write_logs(
            n_listeners=listeners,
            n_days=days,
            seed=seed,
            start=_date(start),
            out=out,
            n_artists=artists,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    typer.echo(
        f"{out}: {made['lines']:,} lines of {listeners:,} listeners over {days} days, of them "
        f"{made['duplicates']:,} duplicates and {made['malformed']:,} malformed"
    )


@app.command("simulate-compare")
def simulate_compare(
    listeners: Annotated[int, typer.Option(help="Listeners.")] = 100,
    days: Annotated[int, typer.Option(help="Days of logs.")] = 400,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
) -> None:
    """Simulated logs beside real ones, figure for figure."""
    from pipeline.simulation.comparison import comparison_table, run_comparison

    _console().print(comparison_table(run_comparison(n_listeners=listeners, n_days=days, seed=seed)))


@app.command("calibrate")
def calibrate(
    scale: Annotated[float, typer.Option(help="Of the number of repetitions; fewer for a quick look.")] = 1.0,
) -> None:
    """Prove the gate on real refits: error rates, power, coverage, value, flip prices."""
    import time

    from pipeline.calibration.calibrate import calibrate as prove
    from pipeline.io.tables import write_json, write_text
    from pipeline.page.calibration import render_calibration

    settings, started = load_settings(), time.monotonic()
    found = prove(settings, lambda line: typer.echo(f"{time.monotonic() - started:6.0f} s  {line}"), scale=scale)
    write_json(settings.reports / "calibration.json", found)
    page = settings.reports / "calibration.html"
    write_text(page, render_calibration(found))
    typer.echo(f"{page}, and calibration.json beside it")


@spark.command("start")
def spark_start() -> None:
    """Start a server that the stages of this folder share."""
    from pipeline.engine.server import start
    from pipeline.engine.session import shared_server

    settings = load_settings()
    if shared_server(settings) is None:
        start(settings, dies_with_us=False)
    typer.echo("Spark is up for this folder; `netgain spark stop` ends it")


@spark.command("stop")
def spark_stop() -> None:
    """Stop it."""
    from pipeline.engine.server import stop

    typer.echo("stopped" if stop(load_settings()) else "no server was running")


def main() -> None:
    """Entry point: an error that a person can act on is one line, not a traceback."""
    silence_telemetry()
    try:
        app()
    except NetgainError as err:
        typer.echo(f"netgain: {' '.join(str(err).split())}", err=True)
        sys.exit(err.exit_status)
    except OSError as err:
        if err.errno not in _NO_ROOM:
            raise
        typer.echo(f"netgain: no room on the disk: {err}. Make some, and run it again; see `netgain doctor`", err=True)
        sys.exit(EXIT_STAGE_FAILED)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # typer says nothing of Ctrl-C, and of SIGTERM, which a night takes for one
            typer.echo("netgain: interrupted; run it again to go on from where it stopped", err=True)
        raise


def _told(settings: "Settings", work: "Callable[[Report], dict[str, Any]]", json_file: Path | None = None) -> None:
    """Run a night, show its progress and its summary, leave its reports, and exit with its status."""
    from pipeline.night.reports import write_reports
    from pipeline.night.running import exit_status
    from pipeline.night.show import Progress, summary

    console = _console()
    progress = Progress(console)
    try:
        facts = work(progress)
    except BaseException as err:
        progress.stop()
        for note in getattr(err, "__notes__", ()):
            console.print(note, style="yellow", highlight=False, markup=False)
        raise
    progress.stop()
    console.print("", summary(facts))
    write_reports(settings.reports, facts, json_file)
    raise typer.Exit(exit_status(facts))


def _ids(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as err:
        raise ParamsError(f"{file} cannot be read: {err}", expected="an id a line", fix="Check the file.") from err


def _night(text: str | None) -> dt.date:
    today = dt.datetime.now(dt.UTC).date()
    return today if text is None else _date(text, today=today)


def _date(text: str, *, today: dt.date | None = None) -> dt.date:
    from pipeline.stages.context import parse_as_of

    return parse_as_of(text, today=today)
