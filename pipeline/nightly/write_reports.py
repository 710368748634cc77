"""Writes the reports of a night to reports/, as pages and as JSON."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

from pipeline.nightly.front_page import keep_night, write_front_page
from pipeline.nightly.show import summary
from pipeline.reports.render import render
from pipeline.settings import Settings
from pipeline.storage.json_files import write_json, write_text


def write_reports(settings: Settings, facts: dict[str, Any], json_file: Path | None) -> None:
    """Write the night's summary as night-<as_of>.json and .html, the decision page as decision-<as_of>.html, and the
    front page as index.html.

    Args:
        settings: the machine's settings.
        facts: what `night_facts` returns.
        json_file: a further path for the JSON summary, or None.
    """
    from rich.console import Console

    folder = settings.reports
    write_json(folder / f"night-{facts['as_of']}.json", facts)
    write_text(folder / f"decision-{facts['as_of']}.html", render(facts["decision"]))
    if json_file is not None:
        write_json(json_file, facts)
    console = Console(record=True, width=130, file=io.StringIO(), markup=False, emoji=False)
    console.print(summary(facts))
    write_text(folder / f"night-{facts['as_of']}.html", console.export_html())
    keep_night(folder, facts["decision"])
    write_front_page(settings, due=dt.date.fromisoformat(facts["as_of"]))
