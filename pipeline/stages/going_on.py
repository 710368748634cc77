"""data/experiments.json: the experiments whose lists the night makes."""

from collections.abc import Sequence

from pipeline.online.running import Running
from pipeline.stages.layout import Layout
from pipeline.storage.json_files import read_json


def going_on(layout: Layout) -> list[Running]:
    """Return the experiments that tonight's estimate lets go on; none in a night that an earlier version opened."""
    if not layout.experiments.exists():
        return []
    found = read_json(layout.experiments)
    running = {each["id"]: Running.model_validate(each) for each in found["running"]}
    return [running[entry["id"]] for entry in found["results"] if entry["state"] == "running"]


def challengers_of(running: Sequence[Running]) -> tuple[str, ...]:
    """Return the recipes that experiments show beside what the night serves, each once."""
    return tuple(sorted({each.declared.recipe for each in running if each.declared.recipe is not None}))
