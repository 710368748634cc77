"""docs/reference/recommenders.md: every family is described, and what it offers to paste works."""

import re
from pathlib import Path

import yaml

from bench.families import offered
from pipeline.configuration import Params
from pipeline.recommenders.registry import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reference" / "recommenders.md").read_text(encoding="utf-8")


def test_every_family_has_a_row():
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == set(FAMILIES)


def test_the_recipes_to_paste_are_valid_and_priced():
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    raw["recipes"] |= offered(TEXT)
    raw["split"]["target"], raw["interactions"]["order"] = "any", True
    params = Params.model_validate(raw)
    assert {recipe.family for recipe in params.recipes.values()} == set(FAMILIES)
    assert set(params.economics.maintenance_hours_per_year) >= set(FAMILIES)
    assert set(params.economics.switching_hours) >= set(FAMILIES)
