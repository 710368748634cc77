"""What every file of families/ declares; a new one is covered without a line here."""

import ast
import inspect

import pytest

from pipeline.errors import RecipeError
from pipeline.recommenders import registry
from pipeline.recommenders.families import als
from pipeline.recommenders.registry import FAMILIES, parse_recipe
from pipeline.recommenders.search_space import OneOf


@pytest.fixture(params=FAMILIES)
def name(request):
    return request.param


def test_the_parameters_carry_the_name_of_the_file(name):
    assert FAMILIES[name].params.model_fields["family"].default == name


def test_a_start_is_a_recipe_of_the_family_that_survives_a_round_trip(name):
    start = FAMILIES[name].start
    if start is None:
        pytest.skip(f"{name} has no start")
    assert parse_recipe(start.model_dump()) == start
    assert parse_recipe(start.model_dump(mode="json")) == start


def test_a_tuned_family_has_a_start_inside_its_search_space(name):
    family = FAMILIES[name]
    assert bool(family.search_space) <= (family.start is not None)
    for field, dimension in family.search_space.items():
        assert dimension.holds(getattr(family.start, field))
        ends = dimension.names if isinstance(dimension, OneOf) else (dimension.low, dimension.high)
        for end in ends:
            assert dimension.holds(end)
            assert getattr(parse_recipe(family.start.model_dump() | {field: end}), field) == end


def test_only_what_is_fitted_in_a_task_is_tuned(name):
    assert FAMILIES[name].runs_in_task or not FAMILIES[name].search_space


def test_hours_are_not_negative_and_a_summary_and_a_reason_are_given(name):
    family = FAMILIES[name]
    assert min(family.hours.upkeep, family.hours.switching) >= 0
    assert family.reason.summary
    assert family.reason.text


def test_every_own_field_has_a_docstring(name):
    params = FAMILIES[name].params
    [body] = [
        node.body
        for node in ast.parse(inspect.getsource(inspect.getmodule(params))).body
        if isinstance(node, ast.ClassDef) and node.name == params.__name__
    ]
    fields = [i for i, node in enumerate(body) if isinstance(node, ast.AnnAssign) and node.target.id != "family"]
    for i in fields:
        below = body[i + 1] if i + 1 < len(body) else None
        assert isinstance(below, ast.Expr), f"{params.__name__}.{body[i].target.id} has no docstring"
        assert isinstance(below.value, ast.Constant)


def test_a_file_without_a_declaration_is_refused(monkeypatch):
    monkeypatch.delattr(als, "FAMILY")
    with pytest.raises(RecipeError, match="declares no family"):
        FAMILIES["als"]


def test_a_file_with_the_parameters_of_another_family_is_refused(monkeypatch):
    monkeypatch.setattr(als, "FAMILY", FAMILIES["bpr"])
    with pytest.raises(RecipeError, match='expected family: Literal\\["als"\\] = "als"'):
        FAMILIES["als"]


def test_a_new_file_is_a_new_family(monkeypatch, tmp_path):
    for file in ("als.py", "__init__.py", "oracle.py", "notes.txt"):
        (tmp_path / file).touch()
    monkeypatch.setattr(registry, "_FOLDER", tmp_path)
    assert list(FAMILIES) == ["als", "oracle"]
