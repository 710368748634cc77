"""`netgain explain`, `replay`, `what-if`, `promote`, `approve`, `calibrate`: decisions of the gate, and its proofs."""

import time
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import Wide, console, echo
from pipeline.cli.nights import run_and_report
from pipeline.cli.options import date
from pipeline.errors import ParamsError
from pipeline.settings import load_settings

Record = Annotated[Path, typer.Argument(help="A decision.json, beside its folder evaluation/.")]


def explain(record: Record = Path("data/decision.json"), wide: Wide = False) -> None:
    """Explain a decision: the verdict in a sentence, then the figures."""
    from pipeline.nightly.explain import explained
    from pipeline.nightly.replay import read_record

    console(wide=wide).print(explained(read_record(record), wide=wide))


def replay(record: Record = Path("data/decision.json")) -> None:
    """Make a decision again from its record and arrays, and check that it is the same."""
    from pipeline.nightly.replay import replay as make_again

    again = make_again(record)
    echo(f"identical: {again['verdict']} (digest {again['digest'][:12]})")


def what_if(
    record: Record = Path("data/decision.json"),
    settings: Annotated[list[str] | None, typer.Option("--set", help="economics.NAME=VALUE, gate.NAME=VALUE")] = None,
    wide: Wide = False,
) -> None:
    """Show the verdict under other assumptions, without fitting models."""
    from pipeline.nightly.explain import compared
    from pipeline.nightly.replay import what_if as suppose

    console(wide=wide).print(compared(*suppose(record, settings or [])))


def promote(
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    until: Annotated[str, typer.Option(help="The last night of the promotion, YYYY-MM-DD.")],
    override: Annotated[
        bool, typer.Option("--override", help="Confirm that the gate is overridden; required.")
    ] = False,
    recipe: Annotated[str | None, typer.Option(help="The recipe. Default: the challenger of the decision.")] = None,
) -> None:
    """Serve a recipe that the gate did not promote, until a date; recorded in the ledger."""
    from pipeline.nightly.overriding import override as carry_out
    from pipeline.releases.required_state import require_state

    if not override:
        raise ParamsError(
            "a promotion by hand without --override",
            expected="--override",
            fix="Without an override, the gate promotes recipes by itself.",
        )
    settings = load_settings()
    require_state(settings)
    run_and_report(
        settings,
        lambda report: carry_out(settings, recipe=recipe, by=by, reason=reason, until=date(until), report=report),
    )


def approve(
    by: Annotated[str | None, typer.Option(help="Who decides. Without it, the question is printed.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; required with --by.")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Keep the champion.")] = False,
) -> None:
    """Answer a promotion that waits for a person (gate.approval: promote)."""
    from pipeline.nightly.approving import answer, question
    from pipeline.releases.required_state import require_state

    settings = load_settings()
    _, text = question(settings)
    echo(text)
    if by is None and reason is None and not refuse:
        return
    require_state(settings)
    run_and_report(
        settings,
        lambda report: answer(settings, by=by or "", reason=reason or "", granted=not refuse, report=report),
    )


def calibrate(
    scale: Annotated[float, typer.Option(help="Factor on the number of repetitions; below 1 for a quick run.")] = 1.0,
) -> None:
    """Test the gate on real refits: error rates, power, coverage, value, flip prices."""
    from pipeline.calibration.calibrate import calibrate as prove
    from pipeline.reports.calibration import render_calibration
    from pipeline.storage.json_files import write_json, write_text

    settings, started = load_settings(), time.monotonic()
    found = prove(settings, lambda line: echo(f"{time.monotonic() - started:6.0f} s  {line}"), scale=scale)
    write_json(settings.reports / "calibration.json", found)
    page = settings.reports / "calibration.html"
    write_text(page, render_calibration(found))
    echo(f"{page}, and calibration.json beside it")
