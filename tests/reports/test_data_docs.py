"""Data Docs show a checkpoint's results, load nothing, and escape text from logs."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from pipeline.reports.data_docs import CHECKPOINTS, render_checkpoint, render_index, state


def report(*findings: tuple[str, str, str], faults: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a report of one suite; findings are outcome, severity and expectation."""
    told = [
        {"says": says, "kind": "ColumnValuesToBeBetween", "column": "x", "where": "", "severity": how, "outcome": out}
        for out, how, says in findings
    ]
    lines = {
        kind: [says for out, how, says in findings if out == "broken" and how == severity]
        for kind, severity in (("failures", "stop"), ("warnings", "warn"), ("excluded_listeners", "quarantine"))
    }
    lines["failures"] = [*faults, *lines["failures"]]
    lines["undecided"] = [says for out, _, says in findings if out == "undecided"]
    suite = {"name": "days", "success": not lines["failures"], "n_expectations": len(told), "n_rows": 3}
    return {"as_of": "2026-01-01", "n_expectations": len(told), **lines} | {
        "suites": [suite | {"failures": lines["failures"], "faults": list(faults), "findings": told}]
    }


MIXED = report(
    ("held", "stop", "plays are there"),
    ("undecided", "warn", "few are new"),
    ("broken", "warn", "a usual day"),
    ("broken", "quarantine", "no bots"),
    ("broken", "stop", "no <script>alert(1)</script>"),
    faults=("column y is missing",),
)


class Text(HTMLParser):
    """The text of table rows, one list of cells each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        self._in_cell = self._in_cell or tag == "td"
        if tag == "td":
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (None, "absent"),
        (MIXED, "stopped"),
        (report(("broken", "warn", "x")), "warned"),
        (report(("broken", "quarantine", "x"), ("undecided", "stop", "y")), "held"),
    ],
)
def test_the_state_of_a_checkpoint_is_its_worst_outcome(of: Any, expected: str) -> None:
    assert state(of) == expected


def test_faults_come_first_with_outcome_and_severity() -> None:
    rows = Text(render_checkpoint("ingest", MIXED, as_of="2026-01-01")).rows
    assert [(row[0], row[1], row[2]) for row in rows if row] == [
        ("✕ stops the night", "no <script>alert(1)</script>", "stops"),
        ("→ excluded", "no bots", "excludes"),
        ("! warning", "a usual day", "warns"),
        ("○ undecided", "few are new", "warns"),
        ("✓ passed", "plays are there", "stops"),
    ]


def test_faults_are_listed_before_the_suites() -> None:
    page = render_checkpoint("ingest", MIXED, as_of="2026-01-01")
    assert re.findall(r"<li class=\"[a-z-]+\">(.*?)</li>", page) == [
        "✕ column y is missing",
        "✕ no &lt;script&gt;alert(1)&lt;/script&gt;",
        "! a usual day",
        "→ no bots",
    ]
    assert "Faults" not in render_checkpoint("ingest", report(("held", "stop", "x")), as_of="2026-01-01")


def test_the_index_has_a_row_for_each_night_the_latest_first() -> None:
    fine = report(("held", "stop", "x"))
    page = render_index([("2026-01-01", dict.fromkeys(CHECKPOINTS, fine)), ("2026-01-02", {"ingest": MIXED})])
    assert re.findall(r'href="([^"]+)"', page) == [
        "../index.html",
        "2026-01-02/ingest.html",
        *(f"2026-01-01/{name}.html" for name in CHECKPOINTS),
    ]
    rows = [row for row in Text(page).rows if row]
    assert [row[0] for row in rows] == ["2026-01-02", "2026-01-01"]
    assert "2 stop the night, 1 warn, bots excluded, 1 undecided" in rows[0][1]
    assert "not reached" in rows[0][2]


@pytest.mark.parametrize("page", [render_checkpoint("lists", MIXED, as_of="2026-01-01"), render_index([])])
def test_a_page_loads_and_runs_nothing(page: str) -> None:
    assert "://" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert not Text(page).tags & {"script", "link", "img", "iframe", "form", "object", "embed"}
