"""What is left in reports/ for people and for programs."""

import io
from pathlib import Path
from typing import Any

from pipeline.nightly.show import summary
from pipeline.reports.render import render
from pipeline.storage.tables import write_json, write_text


def write_reports(folder: Path, facts: dict[str, Any], json_file: Path | None) -> None:
    """Write the summary as night-<as_of>.json and .html, and to `json_file` where one is asked for; the decision's page
    stands beside it."""
    from rich.console import Console

    write_json(folder / f"night-{facts['as_of']}.json", facts)
    write_text(folder / f"decision-{facts['as_of']}.html", render(facts["decision"]))
    if json_file is not None:
        write_json(json_file, facts)
    console = Console(record=True, width=130, file=io.StringIO())
    console.print(summary(facts))
    write_text(folder / f"night-{facts['as_of']}.html", console.export_html())
