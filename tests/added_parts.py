"""Evaluation, decision and replay in a copy of the code that has one metric and one guardrail more.

Run in the copy: python -m tests.added_parts OLD_RECORD... ; it prints JSON.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from pipeline.effects.record import read_night
from pipeline.nightly.replay import replay
from pipeline.runtime.inprocess import InProcess
from pipeline.stages import decide
from pipeline.stages.evaluate import evaluate
from pipeline.stages.layout import Layout
from pipeline.storage.evaluation_table import read_listeners, read_metric
from pipeline.storage.tables import read_json, write_json
from pipeline.tracking.night import recipe_record
from tests.stages import small_night, test_decide
from tests.stages.nights import plant_night

NOVELTY = {"popular": 5.0, "als": 4.4, "item_knn": 4.6, "rp3beta": 5.0, "spark_als": 5.0, "blend": 5.0}
"""By recipe; als, the most accurate, is below 0.9 · 5."""


def evaluated(root: Path) -> dict[str, Any]:
    small_night.plant(root)
    evaluate(small_night.context(root), "popular", InProcess())
    table = Layout(root).evaluation("popular")
    listeners = read_listeners(table)
    values = dict(zip(listeners.to_pylist(), read_metric(table, "rbp", listeners)[0].tolist(), strict=True))
    return {"rbp": values, "mean": read_json(Layout(root).metrics("popular"))["rbp_at_2"]}


def decided(root: Path) -> dict[str, Any]:
    context = test_decide.open_night(root)
    for recipe, novelty in NOVELTY.items():
        path = context.layout.metrics(recipe)
        write_json(path, read_json(path) | {"novelty": novelty, "rbp_at_10": 0.25})
    decide.run(context)
    record: dict[str, Any] = read_json(context.layout.decision)
    assert replay(context.layout.decision) == record
    return {"record": record, "page": context.layout.decision_page.read_text(encoding="utf-8")}


def tracked(root: Path) -> dict[str, float]:
    context = plant_night(root)
    path = context.layout.metrics("als")
    write_json(path, read_json(path) | {"rbp_at_20": 0.25})
    return dict(recipe_record(read_night(context, "release"), "als", ()).metrics)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        roots = [Path(scratch) / name for name in ("evaluated", "decided", "tracked")]
        for root in roots:
            root.mkdir()
        found = {
            "evaluated": evaluated(roots[0]),
            "decided": decided(roots[1]),
            "tracked": tracked(roots[2]),
            "replayed": [replay(Path(path))["digest"] for path in sys.argv[1:]],
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
