"""What is left in reports/ for people and for programs."""

import io
from pathlib import Path
from typing import Any

from pipeline.io.tables import atomic_path, write_json
from pipeline.night.show import summary


def write_reports(folder: Path, facts: dict[str, Any], json_file: Path | None) -> None:
    """Write the summary as night-<as_of>.json and .html, and to `json_file` where one is asked for."""
    from rich.console import Console

    write_json(folder / f"night-{facts['as_of']}.json", facts)
    if json_file is not None:
        write_json(json_file, facts)
    console = Console(record=True, width=130, file=io.StringIO())
    console.print(summary(facts))
    with atomic_path(folder / f"night-{facts['as_of']}.html") as temporary:
        temporary.write_text(console.export_html(), encoding="utf-8")
