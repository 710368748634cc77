"""The generated page of params.yaml documents every field."""

from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, Field

from infra.site.params_page import describe, field_docs, models_in, params_page
from pipeline.configuration import Params
from pipeline.recommenders.registry import FAMILIES
from tests.workspace import ROOT


class Dial(BaseModel):
    """A dial."""

    angle: Annotated[float, Field(ge=0, lt=360)]
    """Where it points [degrees]."""


class Wheel(Dial):
    """A wheel."""

    family: Literal["wheel"]
    spokes: int = Field(8, ge=1, lt=2**32, description="spokes")


def test_docstrings_under_fields_are_read_from_the_class_that_declares_them() -> None:
    assert field_docs(Wheel) == {"angle": "Where it points [degrees]."}


def test_a_type_is_described_with_its_bounds() -> None:
    assert describe(Dial.model_fields["angle"]) == "number, ≥ 0, < 360"
    assert describe(Wheel.model_fields["family"]) == "`wheel`"
    assert describe(Wheel.model_fields["spokes"]) == "integer, ≥ 1, < 4,294,967,296"


def test_models_are_found_inside_unions_and_mappings() -> None:
    assert list(models_in(dict[str, Annotated[Dial | Wheel, Field()]])) == [Dial, Wheel]


def test_every_section_and_family_has_its_heading_and_every_value_its_row() -> None:
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    page = params_page(Params, values)
    headings = {line.lstrip("# ") for line in page.splitlines() if line.startswith("#")}
    assert {"gate", "economics.prices", "recipes", *(f"family: {name}" for name in FAMILIES)} <= headings
    for section in ("gate", "split", "ingest"):
        for key in values[section]:
            assert f"| `{key}` |" in page
