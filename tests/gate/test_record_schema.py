"""The published shape of decision.json is that of real records, and of nothing else."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.gate.record_schema import record_schema
from tests.reports.test_page import CASES

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "decision.schema.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_published_schema_is_drawn_from_the_code() -> None:
    found = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert found == record_schema(), "run: python -m pipeline.gate.record_schema > docs/reference/decision.schema.json"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_record_has_the_published_shape(name: str, validator: Draft202012Validator) -> None:
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(CASES[name])]
    assert errors == []


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    record: dict[str, Any] = copy.deepcopy(CASES["promote"])
    place = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return record


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "MAYBE"),
        (("schema",), 1),
        (("challengers", 0, "comparison", "delta"), "a lot"),
        (("challengers", 0, "unheard_of"), 1),
        (("digest",), "short"),
        (("assumptions", "prices", "cpu_hour"), "cheap"),
        (("challengers", 0, "clock", "analysis"), 1.5),
    ],
)
def test_another_shape_is_none(path: tuple[Any, ...], value: Any, validator: Draft202012Validator) -> None:
    assert not validator.is_valid(changed(path, value))
