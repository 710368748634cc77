"""Pictures of the documentation, made from the last night of a workspace by the current code: `make screenshots`.

Six pictures in docs/images: two screens of a terminal of 80 columns, and four pages. Needs Chromium.
"""

import argparse
import html
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, RenderableType

from pipeline.nightly.explain import explained
from pipeline.nightly.front_page import write_front_page
from pipeline.nightly.show import summary
from pipeline.reports.render import render
from pipeline.settings import load_settings
from pipeline.storage.json_files import read_json

COLUMNS, ROW = 80, 19
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
_TERMINAL = (
    '<!doctype html><meta charset="utf-8"><body style="margin:0;padding:14px 18px;background:#11161c">'
    '<pre style="margin:0;font:15px/19px DejaVu Sans Mono,monospace;color:#e7ecf1">{}</pre></body>'
)
Shot = tuple[str, int, int]
"""HTML, width and height [px]."""


def terminal(what: RenderableType) -> Shot:
    """Return a screen of a terminal of COLUMNS columns as a page."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), markup=False, emoji=False, highlight=False)
    console.print(what)
    text = console.export_text(clear=False)
    coloured = console.export_html(inline_styles=True, code_format="{code}")
    body = coloured.removeprefix("<pre>") if text.strip() else html.escape(text)
    return _TERMINAL.format(body), COLUMNS * 9 + 40, ROW * (text.count("\n") + 1) + 28


def shots(workspace: Path) -> dict[str, Callable[[], Shot]]:
    """Return what each picture shows, by name."""
    settings = load_settings({}, workspace=workspace)
    decision = read_json(workspace / "data" / "decision.json")
    night = settings.reports / f"night-{decision['as_of']}.json"

    def file(name: str) -> str:
        return (settings.reports / name).read_text(encoding="utf-8")

    def front() -> str:
        write_front_page(settings)
        return file("index.html")

    return {
        "night": lambda: terminal(summary(read_json(night))),
        "explain": lambda: terminal(explained(decision)),
        "decision": lambda: (render(decision), 1100, 1180),
        "decision-phone": lambda: (render(decision), 390, 1100),
        "front-page": lambda: (front(), 1100, 900),
        "data-docs": lambda: (file("data_docs/index.html"), 1100, 520),
    }


def take(shot: Shot, picture: Path) -> None:
    """Write a picture of a page.

    Raises:
        SystemExit: Chromium is missing, or failed.
    """
    page, width, height = shot
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium is installed")
    with tempfile.TemporaryDirectory(prefix="netgain-shot-") as folder:
        source = Path(folder) / "page.html"
        source.write_text(page, encoding="utf-8")
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={folder}/profile", f"--window-size={width},{height}",
            f"--screenshot={picture}", source.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        sys.exit(f"{picture.name}: {done.stderr.strip()[-300:]}")


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=Path(), help="Where a night has run.")
    parser.add_argument("--out", type=Path, default=IMAGES)
    arguments = parser.parse_args()
    for name, shot in shots(arguments.workspace.resolve()).items():
        take(shot(), arguments.out.resolve() / f"{name}.png")
        print(f"{name}.png")  # noqa: T201


if __name__ == "__main__":
    main()
