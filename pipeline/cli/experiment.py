"""`netgain experiment`: experiments with listeners."""

from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.errors import ParamsError
from pipeline.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Experiments with listeners: list, show, open and close them.")
Name = Annotated[str, typer.Argument(help="Its name in params.yaml.")]
By = Annotated[str, typer.Option(help="Who asks for it.")]
Reason = Annotated[str, typer.Option(help="Why.")]


@app.command("list")
def list_() -> None:
    """List the experiments of params.yaml and those that have run, with their state."""
    from pipeline.configuration import load_params
    from pipeline.reports.experiment_view import ExperimentView
    from pipeline.state.experiments import latest_results, requested

    settings = load_settings()
    rows = [ExperimentView(row) for row in latest_results(settings.state)]
    asked = {request["experiment"]: request["kind"] for request in requested(settings.state)}
    known = {view.running.name for view in rows}
    for view in rows:
        echo(f"{view.result.id:24} {view.result.design:10} {view.result.state:8} {view.sentence}")
    for name, declared in load_params(settings.workspace / "params.yaml").experiments.items():
        if name not in known:
            waits = "the next night opens it" if asked.get(name) == "open" else "declared, not opened"
            echo(f"{name:24} {declared.design:10} {waits}")
    if not rows and not known:
        echo("No experiment has run. Declare one under `experiments` in params.yaml.")


@app.command()
def show(name: Name) -> None:
    """Show an experiment: effect, interval, checks, harm bounds, power."""
    from pipeline.reports.experiment_view import ExperimentView
    from pipeline.state.experiments import latest_results

    rows = {row["experiment"]: row for row in latest_results(load_settings().state)}
    if name not in rows:
        raise ParamsError(
            f"no experiment {name} has run", expected=_of(list(rows)), fix="See `netgain experiment list`."
        )
    view = ExperimentView(rows[name])
    echo(f"{view.title}\n{view.span}\n{view.sentence}")
    for line, value in view.lines:
        echo(f"  {line:30} {value}")


@app.command("open")
def open_(name: Name, by: By, reason: Reason) -> None:
    """Ask the next night to open an experiment of params.yaml."""
    from pipeline.configuration import load_params
    from pipeline.releases.required_state import require_state
    from pipeline.state.experiments import latest_results, request

    settings = load_settings()
    require_state(settings)
    declared = load_params(settings.workspace / "params.yaml").experiments
    if name not in declared:
        raise ParamsError(
            f"no experiment {name} in params.yaml", expected=_of(list(declared)), fix="Declare it under `experiments`."
        )
    if any(row["running"]["name"] == name for row in latest_results(settings.state)):
        raise ParamsError(
            f"experiment {name} has been opened before",
            expected="a name that was never used: it decides who is in which arm",
            fix="Declare it under another name.",
        )
    request(settings.state, "open", name, by=by, reason=reason)
    echo(f"the next night opens {name}")


@app.command()
def close(name: Name, by: By, reason: Reason) -> None:
    """Ask the next night to end an experiment, or take back the request to open it."""
    from pipeline.releases.required_state import require_state
    from pipeline.state.experiments import latest_results, request, requested

    settings = load_settings()
    require_state(settings)
    rows = latest_results(settings.state)
    known = {each for row in rows for each in (row["experiment"], row["running"]["name"])}
    asked = {each["experiment"] for each in requested(settings.state) if each["kind"] == "open"}
    if name not in known | asked:
        raise ParamsError(
            f"no experiment {name} runs", expected=_of(sorted(known | asked)), fix="See `netgain experiment list`."
        )
    request(settings.state, "close", name, by=by, reason=reason)
    echo(f"the next night ends {name}" if name in known else f"{name} will not be opened")


def _of(names: list[str]) -> str:
    return f"one of {', '.join(names)}" if names else "an experiment"
