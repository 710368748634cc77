"""What a night's files say, apart from what was measured: no measurement of cost repeats."""

import hashlib
import json
from pathlib import Path
from typing import Any

# Prices of what is measured are 0 and limits on it out of reach: neither the verdict nor a sum of money can then depend
# on a measurement, and everything else must be the same.
COST_MATTERS_NOT = {
    "gate.free_cpu_seconds": 1e9,
    "gate.max_batch_seconds": 1e9,
    "gate.free_memory_bytes": 1e15,
    "gate.max_memory_bytes": 1e15,
    "economics.prices.cpu_hour": 0.0,
    "economics.prices.memory_gib_hour": 0.0,
    "economics.prices.energy_kwh": 0.0,
    "economics.prices.carbon_kg": 0.0,
}
_MEASURED = {"cpu_seconds", "wall_seconds", "peak_rss_bytes", "energy_kwh", "scored_per_second", "night", "digest"}
_MEASURED_PRICES = {"prices.cpu_hour", "prices.memory_gib_hour", "prices.energy_kwh", "prices.carbon_kg"}
_MEASURED_GATES = {"batch_seconds_limit", "cpu_seconds", "memory", "memory_limit"}


def contents(workspace: Path) -> dict[str, str]:
    """The SHA-256 of every file in data/ by its path."""
    files = sorted(path for path in (workspace / "data").rglob("*") if path.is_file() and path.name != ".gitignore")
    return {path.relative_to(workspace).as_posix(): _digest(path) for path in files}


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    """Paths that are in one alone, or say something else."""
    return {path for path in one | other if one.get(path) != other.get(path)}


def _digest(path: Path) -> str:
    """Of the bytes; of JSON that holds measurements, of everything else in it."""
    data = path.read_bytes()
    if path.name == "decision.html":
        data = b"made from decision.json, measurements and all"
    if path.name == "decision.json" or path.parent.name in ("costs", "serving_costs", "plots"):
        data = json.dumps(_without_measurements(json.loads(data)), sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


def _without_measurements(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_measurements(item) for item in value]
    if not isinstance(value, dict):
        return value
    dropped = _MEASURED | ({"value", "margin"} if value.get("name") in _MEASURED_GATES else set())
    if value.get("price") in _MEASURED_PRICES:
        dropped = dropped | {"flips_at"}
    return {key: _without_measurements(item) for key, item in value.items() if key not in dropped}
