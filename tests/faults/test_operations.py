"""docs/reference/operations.md names tests that exist, and every file of tests of faults."""

import re
from pathlib import Path

from tests.faults.elsewhere import ELSEWHERE
from tests.workspace import ROOT

_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def named() -> set[tuple[str, str]]:
    return set(_NAMED.findall((ROOT / "docs" / "reference" / "operations.md").read_text(encoding="utf-8")))


def test_every_test_that_operations_names_exists() -> None:
    assert named()
    missing = {
        (file, test)
        for file, test in named()
        if not (ROOT / file).exists() or f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    }
    assert missing == set()


def test_every_file_of_faults_is_named() -> None:
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "faults").glob("test_*.py")}
    others = {node.partition("::")[0] for nodes in ELSEWHERE.values() for node in nodes}
    assert (ours | others) - {file for file, _ in named()} == {Path(__file__).relative_to(ROOT).as_posix()}
