"""Pages as people see them, in headless Chromium at three widths: nothing cut off, overprinted or inaccessible."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.monitoring.judging import judge_nights
from pipeline.reports.data_docs import render_checkpoint, render_index
from pipeline.reports.monitor import render_monitor
from pipeline.reports.render import render
from tests.browser import axe_core, looked_at
from tests.monitoring.test_judging import PARAMS
from tests.reports.test_front_page import page
from tests.reports.test_page import CASES

FAULTY = '<!doctype html><html lang="en"><title>t</title><h1>h</h1><img src="x"><p style="width:2000px">w</p>'
NOTHING: list[str] = []
REPORT = {"as_of": "2026-02-12", "n_expectations": 1, "suites": NOTHING} | dict.fromkeys(
    ("failures", "warnings", "excluded_listeners", "undecided"), NOTHING
)


def monitor() -> str:
    values = (0.4, 0.42, 0.41, 0.2, 0.18, 0.19)
    figures = [
        {"hit_rate": value, "new_item_share": 0.001 + n / 1e5, "psi_hours": 0.01} for n, value in enumerate(values)
    ]
    entries = [{"as_of": f"2026-02-{n + 10}", "figures": each} for n, each in enumerate(figures)]
    return render_monitor(judge_nights(entries, PARAMS), PARAMS)


PAGES = {name.replace(" ", "-"): render(case) for name, case in CASES.items()} | {
    "front page": page(),
    "monitor": monitor(),
    "checks": render_checkpoint("ingest", REPORT, as_of="2026-02-12"),
    "checks of all nights": render_index([("2026-02-12", {"ingest": REPORT})]),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return looked_at(PAGES | {"faulty": FAULTY}, tmp_path_factory.mktemp("browser"), axe=axe_core())


def of(found: dict[str, dict[str, Any]], what: str) -> dict[str, Any]:
    """Return a finding of each page and width where it is not empty, but of the faulty page."""
    return {name: each[what] for name, each in found.items() if each[what] and not name.startswith("faulty")}


def test_nothing_is_cut_off_on_a_phone_a_tablet_or_a_screen(found: dict[str, dict[str, Any]]) -> None:
    assert {name: each["wider"] for name, each in found.items() if each["wider"] > 0} == {
        f"faulty {width}": found[f"faulty {width}"]["wider"] for width in (390, 768, 1280)
    }
    assert of(found, "cut") == {}


def test_no_text_of_a_plot_covers_another_or_leaves_it(found: dict[str, dict[str, Any]]) -> None:
    assert of(found, "overprinted") == {}


def test_axe_core_finds_no_violation(found: dict[str, dict[str, Any]]) -> None:
    assert of(found, "violations") == {}
    assert any(line.startswith("image-alt") for line in found["faulty 390"]["violations"])


def test_the_dark_scheme_has_contrast_too(tmp_path: Path) -> None:
    dark = {name: PAGES[name] for name in ("promote", "keep", "monitor", "front page")}
    assert of(looked_at(dark, tmp_path, widths=(1280,), axe=axe_core(), dark=True), "violations") == {}
