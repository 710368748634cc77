"""`netgain fetch`, `simulate`, `simulate-compare`: sources of logs."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import console, echo
from pipeline.cli.options import date
from pipeline.cli.working import working
from pipeline.settings import load_settings

_SILENCE = 5.0
"""The longest time without a line in a file [s]."""


def fetch_(
    name: Annotated[str, typer.Argument(help="lastfm-1k, listenbrainz, or another data set of infra/datasets.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Landing folder. Default: landing-NAME.")] = None,
    url: Annotated[str | None, typer.Option(help="An address to use instead of the data set's own.")] = None,
    sha256: Annotated[str | None, typer.Option(help="The expected SHA-256 of the file at that address.")] = None,
) -> None:
    """Download a public data set into a landing folder; an interrupted download is resumed."""
    from pipeline.fetch.fetch import choose, fetch, shown

    settings = load_settings()
    dataset = choose(settings.datasets, name, url=url, sha256=sha256)
    echo(f"{dataset.title}\nLicence: {dataset.licence}")
    folder = settings.workspace / (out or f"landing-{name}")
    progress, stop = shown(console(), name)
    try:
        files, digest = fetch(
            dataset, downloads=settings.workspace / ".netgain" / "downloads", out=folder, progress=progress
        )
    finally:
        stop()
    echo(f"{len(files)} files in {folder} (archive: SHA-256 {digest})")
    echo(f"Next: make nightly LOGS={out or folder.name} FORMAT={dataset.format} AS_OF={dataset.as_of or 'DATE'}")


def simulate(  # noqa: PLR0917  # options of a command
    listeners: Annotated[int, typer.Option(help="Number of listeners.")] = 1500,
    days: Annotated[int, typer.Option(help="Days of logs.")] = 42,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "2026-01-01",
    out: Annotated[Path, typer.Option(help="Landing folder.")] = Path("landing"),
    artists: Annotated[int | None, typer.Option(help="Artists. Default: fits the number of listeners.")] = None,
    long_tail: Annotated[bool, typer.Option(help="A catalogue with a real long tail; takes longer.")] = False,
    royalties: Annotated[Path | None, typer.Option(help="Write what a play of each artist costs, too.")] = None,
) -> None:
    """Write simulated listening logs with realistic statistics, one file for each day."""
    from pipeline.simulation.catalogue import LONG, SHORT
    from pipeline.simulation.simulate import simulate as write_logs

    n_done = 0

    def doing(_: float) -> str:
        return f"simulating {listeners:,} listeners: {n_done} of {days} days"

    def done(number: int, _: int) -> None:
        nonlocal n_done
        n_done = number

    with working(console(), doing, every=_SILENCE):
        made = write_logs(
            n_listeners=listeners,
            n_days=days,
            seed=seed,
            start=date(start),
            out=out,
            n_artists=artists,
            shape=LONG if long_tail else SHORT,
            progress=done,
        )
    echo(
        f"{out}: {made['lines']:,} lines of {listeners:,} listeners over {days} days, including "
        f"{made['duplicates']:,} duplicate and {made['malformed']:,} malformed ones"
    )
    if royalties is not None:
        from pipeline.simulation.royalties import write_royalties

        n = write_royalties(royalties, n_listeners=listeners, seed=seed, n_artists=made["artists_on_offer"])
        echo(f"{royalties}: royalties of {n:,} artists")


def simulate_compare(
    listeners: Annotated[int | None, typer.Option(help="Listeners. Default: 100; 181 with --long-tail.")] = None,
    days: Annotated[int | None, typer.Option(help="Days of logs. Default: 400; 365 with --long-tail.")] = None,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
    long_tail: Annotated[bool, typer.Option(help="The long tail of the world that has one.")] = False,
) -> None:
    """Compare the statistics of simulated logs with those of real ones."""
    from pipeline.simulation.comparison import comparison_table, run_comparison, run_tail_comparison

    if long_tail:
        found = run_tail_comparison(listeners or 181, days or 365, seed)
        console().print(comparison_table(found, "tail.json"))
    else:
        console().print(comparison_table(run_comparison(listeners or 100, days or 400, seed)))
