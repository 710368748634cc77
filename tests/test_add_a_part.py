"""The pages on adding a metric and a guardrail are all that it takes: their steps, and nothing else, in a copy."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.gate.record_schema import record_schema
from pipeline.stages import decide
from tests.stages.test_decide import open_night
from tests.workspace import environment

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("add-a-metric.md", "add-a-guardrail.md")
BLOCK = re.compile(r"^```(?:python|yaml|sh)\n# ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OLD = sorted((ROOT / "tests" / "gate" / "records").glob("*/*/decision.json"))


def apply(clone: Path, where: str, text: str) -> None:
    """Carry out one step of a page: a block of code whose first line says where it goes."""
    match where.split():
        case [path, "(new", "file)"]:
            assert not (clone / path).exists()
            (clone / path).write_text(text, encoding="utf-8")
        case ["at", "the", "end", "of", "class", name]:
            (file,) = [f for f in (clone / "pipeline").rglob("*.py") if f"class {name}(" in f.read_text()]
            head, body = re.split(rf"(?<=class {name}\()", file.read_text(), maxsplit=1)
            end = re.search(r"\n+(?=\S)|\n*\Z", body[body.index("\n") :])
            assert end is not None
            at = body.index("\n") + end.start()
            file.write_text(head + body[:at] + "\n" + text.rstrip("\n") + body[at:], encoding="utf-8")
        case [path, "under", key]:
            file = clone / path.rstrip(",")
            opened = f"\n{key}:\n"
            assert opened in file.read_text()
            file.write_text(file.read_text().replace(opened, opened + text, 1), encoding="utf-8")
        case ["regenerate"]:
            for line in text.splitlines():
                command, out = line.removeprefix("python ").split(" > ")
                done = in_clone(clone, *command.split())
                (clone / out).write_text(done, encoding="utf-8")
        case _:
            raise AssertionError(f"a step that no reader could carry out: {where}")


def in_clone(clone: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=clone, env=environment(clone), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of the present schema, from before the parts were added."""
    root = tmp_path_factory.mktemp("before")
    decide.run(open_night(root, served="als"))
    return root / "data" / "decision.json"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clone")
    for part in ("pipeline", "tests"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "docs" / "reference").mkdir(parents=True)
    for file in ("params.yaml", "docs/reference/decision.schema.json", "docs/reference/measures.md"):
        shutil.copyfile(ROOT / file, root / file)
    for page in PAGES:
        steps = BLOCK.findall((ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8"))
        assert steps
        for where, text in steps:
            apply(root, where, text)
    return root


@pytest.fixture(scope="module")
def found(clone: Path, before: Path) -> dict[str, Any]:
    lines = in_clone(clone, "-m", "tests.added_parts", *map(str, [before, *OLD]))
    result: dict[str, Any] = json.loads(lines.splitlines()[-1])
    return result


def test_the_metric_is_evaluated_for_every_listener(found: dict[str, Any]) -> None:
    """With persistence .8, a hit at rank 1 weighs .2 and one at rank 2 weighs .16; k is 2."""
    values = found["evaluated"]["rbp"]
    assert values["ann"] == pytest.approx(0.2)
    assert values["bob"] == values["eve"] == 0
    assert values["dan"] == pytest.approx(0.2)
    assert found["evaluated"]["mean"] == pytest.approx((0.2 + 0 + 0.2 + 0) / 4)


def test_the_metric_is_in_the_record_on_the_page_and_in_mlflow(found: dict[str, Any]) -> None:
    record = found["decided"]["record"]
    assert "RBP@10" in [metric["label"] for metric in record["metrics"]]
    assert record["evidence"]["measured"]["als"]["metrics"]["rbp"] == 0.25
    assert ">RBP@10</th>" in found["decided"]["page"]
    assert found["tracked"]["accuracy/rbp_at_20"] == 0.25


def test_the_guardrail_decides_and_is_explained(found: dict[str, Any]) -> None:
    record = found["decided"]["record"]
    assert record["gate"]["min_novelty_ratio"] == 0.9
    gates = {c["recipe"]: {gate["name"]: gate for gate in c["gates"]} for c in record["challengers"]}
    novelty = gates["als"]["novelty"]
    assert (novelty["value"], novelty["bound"], novelty["passed"]) == (4.4, pytest.approx(0.9 * 5), False)
    assert gates["blend"]["novelty"]["passed"] is True
    # als gains most, and is the one that is kept out.
    assert record["serve"]["recipe"] != "als"
    described = {guardrail["name"]: guardrail for guardrail in record["guardrails"]}
    assert described["novelty"]["explanation"].startswith("Mean self-information")
    page = found["decided"]["page"].replace("&#39;", "'")
    assert described["novelty"]["explanation"] in page.replace("<code>", "`").replace("</code>", "`")


def test_records_from_before_both_replay_bit_for_bit(found: dict[str, Any], before: Path) -> None:
    digests = [json.loads(path.read_text(encoding="utf-8"))["digest"] for path in [before, *OLD]]
    assert found["replayed"] == digests


def test_the_reference_and_the_schema_are_regenerated(clone: Path) -> None:
    assert "**RBP** (`rbp_at_K`" in (clone / "docs" / "reference" / "measures.md").read_text(encoding="utf-8")
    assert "**novelty** (`novelty`, relative" in (clone / "docs" / "reference" / "measures.md").read_text(
        encoding="utf-8"
    )
    schema = json.loads((clone / "docs" / "reference" / "decision.schema.json").read_text(encoding="utf-8"))
    added = schema["$defs"]["GateParams"]["properties"].keys() - record_schema()["$defs"]["GateParams"]["properties"]
    assert added == {"min_novelty_ratio"}
