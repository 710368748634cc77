"""Pages in headless Chromium: what is cut off or overprinted at usual widths, and what axe-core finds.

One start of the browser looks at all pages: each is a frame of its width in a page of frames.
"""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

WIDTHS = (390, 768, 1280)
_AXE = Path(__file__).parent / "reports" / "axe"
_CACHE = Path(__file__).parents[1] / ".netgain" / "axe"
_PROBE = (Path(__file__).parent / "reports" / "probe.js").read_text(encoding="utf-8")


def chromium() -> str:
    """Return the browser's program; skip the test without one."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@cache
def axe_core() -> str:
    """Return axe-core's source, fetched once into .netgain/ with its checksum; skip the test where it cannot be."""
    source = _CACHE / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm, which fetches axe-core, is not installed")
        _CACHE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_AXE / name, _CACHE / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]
        done = subprocess.run(command, cwd=_CACHE, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            pytest.skip(f"axe-core cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
    return source.read_text(encoding="utf-8")


def looked_at(
    pages: Mapping[str, str], folder: Path, *, widths: Sequence[int] = WIDTHS, axe: str = "", dark: bool = False
) -> dict[str, dict[str, Any]]:
    """Return what was found in each page at each width, by `name width`; all of its details are opened.

    Args:
        pages: HTML by name.
        folder: for temporary files.
        widths: of the window [px].
        axe: axe-core's source; without it, accessibility is not examined.
        dark: whether pages are shown in their dark scheme.

    Returns:
        For each page and width: `wider`, by how much the page is wider than the window [px]; `cut`, labels of areas
        that must be scrolled; `overprinted`, pairs of texts of a plot that overlap, and texts that leave their plot;
        `violations`, what axe-core found.
    """
    frames = "".join(
        f'<iframe name="{html.escape(name)} {width}" style="width:{width}px;height:900px" srcdoc="{html.escape(page)}">'
        "</iframe>"
        for name, page in pages.items()
        for width in widths
    )
    source = axe.replace("</script", "<\\/script")
    probe = f'<script type="text/plain" id="axe">{source}</script><script>{_PROBE}</script>'
    page = folder / "frames.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><body>{frames}{probe}</body>', encoding="utf-8")
    command = [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        "--virtual-time-budget=60000", "--timeout=100000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    looked: dict[str, dict[str, Any]] = json.loads(html.unescape(found.group(1)))
    assert len(looked) == len(pages) * len(widths)
    return looked
