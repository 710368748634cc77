"""Estimate what a month of a service costs, at prices that you give: `python -m infra.costs infra/costs.yaml`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HOURS = 730.0
"""Of a month."""
NIGHTS = 30.4


def monthly(size: Mapping[str, float], prices: Mapping[str, float]) -> dict[str, float]:
    """Return the cost of a month by part, in the currency of the prices.

    Args:
        size: `night_vcpus`, `night_gib` and `night_hours` of a night's machine; `serve_replicas` of `serve_vcpus` and
            `serve_gib` each; `disk_gib` of the workspace; `objects_gib` of releases and `requests_millions` a month to
            the object store; `database_vcpus` and `database_gib`; `egress_gib`.
        prices: `vcpu_hour`, `gib_hour`, `disk_gib_month`, `objects_gib_month`, `requests_million`, `egress_gib`.
    """
    night_hours, n = NIGHTS * size["night_hours"], size["serve_replicas"]

    def machine(vcpus: float, gib: float, hours: float) -> float:
        return hours * (vcpus * prices["vcpu_hour"] + gib * prices["gib_hour"])

    parts = {
        "night": machine(size["night_vcpus"], size["night_gib"], night_hours),
        "serving": n * machine(size["serve_vcpus"], size["serve_gib"], HOURS),
        "database": machine(size["database_vcpus"], size["database_gib"], HOURS),
        "disk": size["disk_gib"] * prices["disk_gib_month"],
        "object store": size["objects_gib"] * prices["objects_gib_month"]
        + size["requests_millions"] * prices["requests_million"],
        "egress": size["egress_gib"] * prices["egress_gib"],
    }
    return parts | {"total": sum(parts.values())}


def table(raw: Mapping[str, Any]) -> str:
    """Return a Markdown table of all sizes."""
    found = {name: monthly(size, raw["prices"]) for name, size in raw["sizes"].items()}
    parts = list(next(iter(found.values())))
    head = f"| {raw['currency']} a month | {' | '.join(found)} |\n| --- |{' ---: |' * len(found)}\n"
    rows = (f"| {part} | {' | '.join(f'{costs[part]:,.2f}' for costs in found.values())} |\n" for part in parts)
    return head + "".join(rows)


if __name__ == "__main__":
    print(table(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))), end="")  # noqa: T201
