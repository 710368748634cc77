"""The NOTICE of licences: every component, and a reason for each of the GPL family."""

import tomllib
from pathlib import Path

import yaml

from infra.licences.notice import KNOWN, notice

ROOT = Path(__file__).resolve().parents[2]
SBOM = {
    "components": [
        {"name": "Plain", "version": "1", "licenses": [{"license": {"id": "MIT"}}]},
        {
            "name": "copyleft",
            "version": "2",
            "licenses": [{"license": {"name": "License :: GNU LGPLv3"}}],
        },
        {"name": "silent", "version": "3"},
    ]
}


def test_each_component_is_listed_and_one_without_a_licence_or_a_reason_is_a_fault() -> None:
    text, wrong = notice(SBOM, {"named": {}, "reasons": {}})
    assert [line for line in text.splitlines() if line.endswith("| MIT |")] == ["| Plain | 1 | MIT |"]
    assert [line.split(":")[0] for line in wrong] == ["copyleft", "silent"]


def test_a_reason_and_a_name_settle_it() -> None:
    known = {"named": {"silent": "BSD-3-Clause"}, "reasons": {"copyleft": "imported unchanged"}}
    text, wrong = notice(SBOM, known)
    assert wrong == []
    assert "- **copyleft** (GNU LGPLv3): imported unchanged" in text


def test_what_is_known_is_locked() -> None:
    known = yaml.safe_load(KNOWN.read_text(encoding="utf-8"))
    locked = {line.split("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}
    assert {*known["named"], *known["reasons"]} <= locked
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
