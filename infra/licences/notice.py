"""Writes NOTICE.md from an SBOM (CycloneDX JSON): every component with its licence, and why those of the GPL family may
be used. Fails for a component without a licence, and for one of the GPL family without a reason."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

KNOWN = Path(__file__).with_name("known.yaml")
_TROVE = re.compile(r"^License :: (?:OSI Approved :: )?")
_GPL = re.compile(r"\b[AL]?GPL|GNU (?:Affero |Lesser |Library )?General Public", re.IGNORECASE)


def licence_of(component: dict[str, Any], named: dict[str, str]) -> str:
    """Return the licences of a component, the fuller ones of what its metadata say; empty if they name none."""
    if (name := component["name"].lower()) in named:
        return named[name]
    found: set[str] = set()
    for each in component.get("licenses", ()):
        text = each.get("expression") or each["license"].get("id") or each["license"].get("name", "")
        found.add(_TROVE.sub("", " ".join(text.split())) if len(text) < 200 else "")
    return " OR ".join(sorted(found - {""}))


def notice(sbom: dict[str, Any], known: dict[str, dict[str, str]]) -> tuple[str, list[str]]:
    """Return the text of NOTICE.md, and what is wrong with it."""
    rows, gpl, wrong = [], [], []
    for component in sorted(sbom["components"], key=lambda each: each["name"].lower()):
        name, licence = component["name"], licence_of(component, known["named"])
        rows.append(f"| {name} | {component.get('version', '')} | {licence or '?'} |")
        if not licence:
            wrong.append(f"{name}: no licence in its metadata; name it in {KNOWN.name}")
        elif _GPL.search(licence):
            reason = known["reasons"].get(name.lower())
            gpl.append(f"- **{name}** ({licence}): {reason}")
            if reason is None:
                wrong.append(f"{name}: {licence} without a reason in {KNOWN.name}")
    text = "\n".join(
        [
            "# Notice",
            "Netgain is licensed under Apache-2.0. It uses the packages below, each under its own licence.",
            "`make sbom` makes this list from the installed environment, beside `sbom.cdx.json` (CycloneDX).",
            "",
            "## Packages of the GPL family, and why they may be used",
            *gpl,
            "",
            "## All packages",
            "| package | version | licence |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )
    return text, wrong


def main(sbom: Path, out: Path) -> int:
    """Write the notice; return 1, and print why, if something is wrong with it."""
    known = yaml.safe_load(KNOWN.read_text(encoding="utf-8"))
    text, wrong = notice(json.loads(sbom.read_text(encoding="utf-8")), known)
    out.write_text(text, encoding="utf-8")
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
