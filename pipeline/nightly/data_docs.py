"""Writes the Data Docs of a night from the reports of its checkpoints, also if one of them stopped the night."""

from pathlib import Path
from typing import Any

from pipeline.errors import TableError
from pipeline.reports.data_docs import CHECKPOINTS, render_checkpoint, render_index
from pipeline.stages.context import Context
from pipeline.storage.json_files import read_json, write_json, write_text

_RESULTS = "results.json"


def write_data_docs(context: Context) -> Path:
    """Write a page for each checkpoint that the night reached to reports/data_docs/<as_of>/, and the index of all
    nights. Return the path of the index."""
    folder, as_of = context.settings.reports / "data_docs", context.as_of.isoformat()
    found = checkpoints(context)
    write_json(folder / as_of / _RESULTS, found)
    for name in CHECKPOINTS:
        if name in found:
            write_text(folder / as_of / f"{name}.html", render_checkpoint(name, found[name], as_of=as_of))
        else:
            (folder / as_of / f"{name}.html").unlink(missing_ok=True)  # from an earlier run that got further
    nights = [(path.parent.name, read_json(path)) for path in folder.glob(f"*/{_RESULTS}")]
    write_text(folder / "index.html", render_index(nights))
    return folder / "index.html"


def checkpoints(context: Context) -> dict[str, Any]:
    """Return the checkpoint reports of this night by name; reports that an earlier night left are skipped."""
    layout = context.layout
    paths = {
        "ingest": layout.validation_report,
        "interactions": layout.interactions_report,
        "lists": layout.audit_report,
    }
    found = {}
    for name in CHECKPOINTS:
        try:
            report = read_json(paths[name])
        except TableError:
            continue
        if report.get("as_of") == context.as_of.isoformat():
            found[name] = report
    return found
