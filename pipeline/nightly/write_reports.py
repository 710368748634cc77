"""Writes the reports of a night to reports/, as pages and as JSON."""

import io
from pathlib import Path
from typing import Any

from pipeline.nightly.show import summary
from pipeline.reports.render import render
from pipeline.storage.json_files import write_json, write_text


def write_reports(folder: Path, facts: dict[str, Any], json_file: Path | None) -> None:
    """Write the night's summary as night-<as_of>.json and .html and the decision page as decision-<as_of>.html.

    Args:
        folder: reports/.
        facts: what `night_facts` returns.
        json_file: a further path for the JSON summary, or None.
    """
    from rich.console import Console

    write_json(folder / f"night-{facts['as_of']}.json", facts)
    write_text(folder / f"decision-{facts['as_of']}.html", render(facts["decision"]))
    if json_file is not None:
        write_json(json_file, facts)
    console = Console(record=True, width=130, file=io.StringIO(), markup=False, emoji=False)
    console.print(summary(facts))
    write_text(folder / f"night-{facts['as_of']}.html", console.export_html())
