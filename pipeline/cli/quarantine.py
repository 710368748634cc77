"""`netgain quarantine`: rows that could not be read, and why; to be repaired and landed again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import console, echo
from pipeline.errors import LandingError
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    import polars as pl

    from pipeline.logs.landing import Landing
    from pipeline.terminal_table import FittingTable

app = typer.Typer(
    help="Rows that could not be read, and why; to be repaired and landed again.", invoke_without_command=True
)
_MOST = 20

Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Only rows quarantined for this reason.")]
File = Annotated[str | None, typer.Option(help="Only rows of this landed file.")]


@app.callback()
def quarantine(context: typer.Context) -> None:
    """Count rows by reason: rows, files, and the file with most of them."""
    if context.invoked_subcommand is None:
        console().print(_by_reason(_rows(load_settings())))


@app.command()
def show(
    reason: Reasons = None,
    file: File = None,
    limit: Annotated[int, typer.Option(help="The largest number of rows.")] = _MOST,
) -> None:
    """Show quarantined rows as they stand in the landed files, with control characters escaped."""
    import polars as pl

    rows = _rows(load_settings())
    if reason:
        rows = rows.filter(pl.col("reason").is_in(reason))
    if file is not None:
        rows = rows.filter(pl.col("file") == file)
    out = console()
    shown = rows.head(limit)
    raw = _as_found(shown) if shown.height else {}
    for row in shown.iter_rows(named=True):
        where = "the whole file" if row["row"] < 0 else f"row {row['row']:,}"
        out.print(f"{row['file']}, {where}: {row['reason']}", style="bold", highlight=False, markup=False)
        out.print(f"  {_visible(raw[row['file'], row['row']])}", highlight=False, markup=False, soft_wrap=True)
    echo(f"{min(limit, rows.height):,} of {rows.height:,} rows")


@app.command()
def export(
    file: Annotated[str, typer.Argument(help="A landed file.")],
    out: Annotated[Path, typer.Option(help="The file to write; OUT.rows.json beside it maps the rows.")],
    reason: Reasons = None,
) -> None:
    """Write the quarantined rows of a landed file to a new file, to be repaired in an editor."""
    from pipeline.logs.replay import export as take_out

    n_rows = take_out(_landing(load_settings()), file, out, reasons=reason or ())
    echo(f"{n_rows:,} rows of {file} in {out}: repair them in place, then `netgain quarantine replay {out}`")


@app.command()
def replay(
    mended: Annotated[Path | None, typer.Argument(help="The repaired file, as `export` wrote it.")] = None,
    by: Annotated[str, typer.Option(help="Who repaired it.")] = "",
    reason: Annotated[str, typer.Option(help="How it was repaired.")] = "",
) -> None:
    """Land repaired rows again; without a file, read the quarantined rows again with the current readers."""
    from pipeline.logs.replay import enter_replayed, land_mended
    from pipeline.releases.required_state import require_state

    settings = load_settings()
    landing = _landing(settings)
    if mended is None:
        _read_all_again(settings, landing)
        return
    if not by or not reason:
        raise LandingError(
            "repaired rows without a name", expected="--by and --reason", fix="Say who repaired them, and how."
        )
    require_state(settings)
    name, entry = land_mended(landing, mended)
    enter_replayed(settings.state, entry, root=_root(settings), by=by, reason=reason)
    echo(f"{len(entry['rows']):,} rows of {entry['path']} landed again as {name}: the next night ingests them")


def _read_all_again(settings: Settings, landing: "Landing") -> None:
    from pipeline.logs.replay import read_again

    rows = _rows(settings)
    before, bad = rows.height, set(rows["file"])
    files = [file for file in landing.files if file.shown in bad]
    after = sum(read_again(landing, file).quarantine.num_rows for file in files)
    message = f"the current readers accept {before - after:,} of {before:,} quarantined rows"
    echo(message + ("; the next night ingests them" if after < before else ""))


def _rows(settings: Settings) -> "pl.DataFrame":
    import polars as pl

    from pipeline.stages.layout import Layout
    from pipeline.storage.schemas import QUARANTINED
    from pipeline.storage.tables import read_table

    return pl.DataFrame(read_table(Layout(settings.workspace).quarantine, QUARANTINED))


def _as_found(rows: "pl.DataFrame") -> dict[tuple[str, int], bytes]:
    """Return the first bytes of quarantined rows, by file and row; empty of rows that were erased since."""
    from pipeline.logs.reading import RAW_BYTES
    from pipeline.logs.replay import read_again

    landing = _landing(load_settings())
    wanted = set(rows.select("file", "row").iter_rows())
    found = dict.fromkeys(wanted, b"")
    for file in landing.files:
        if any(file.shown == path for path, _ in wanted):
            again = read_again(landing, file).quarantine.to_pylist()
            found |= {
                (file.shown, row["row"]): row["raw"][:RAW_BYTES] for row in again if (file.shown, row["row"]) in wanted
            }
    return found


def _landing(settings: Settings) -> "Landing":
    from pipeline.logs.landing import read_landing
    from pipeline.stages.layout import Layout

    return read_landing(Layout(settings.workspace).landing, workspace=settings.workspace)


def _root(settings: Settings) -> str:
    from pipeline.stages.layout import Layout
    from pipeline.storage.json_files import read_json

    return str(read_json(Layout(settings.workspace).landing)["root"])


def _by_reason(rows: "pl.DataFrame") -> "FittingTable":
    import polars as pl

    from pipeline.terminal_table import FittingTable

    caption = None if rows.height else "quarantine is empty"
    table = FittingTable(
        "reason",
        "rows",
        "files",
        "most of them in",
        right=("rows", "files"),
        prose=("most of them in",),
        caption=caption,
    )
    by_file = rows.group_by("reason", "file").agg(pl.len().alias("n")).sort("n", "file", descending=[True, False])
    for (reason,), found in sorted(by_file.group_by("reason"), key=lambda group: -group[1]["n"].sum()):
        most = f"{found['file'][0]} ({found['n'][0]:,})"
        table.add_row(str(reason), f"{found['n'].sum():,}", f"{found.height:,}", most)
    return table


def _visible(raw: bytes) -> str:
    """Return bytes as text in which every control character is escaped."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
