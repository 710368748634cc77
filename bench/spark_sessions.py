"""Measures the cost of Spark in a night: a session for each fit, one fit stage for all, or a shared Connect server.

Run in a workspace where a night has run: `python bench/spark_sessions.py`. CPU seconds are those of whole process
trees, so that a busy machine disturbs them little; everything is measured in one run, and the ratio is what counts.
"""

import argparse
import json
import sys
from pathlib import Path

from process_tree import measured

RECIPES = ("popular", "item_knn", "als")


ONE_STAGE = """
from pipeline.runtime.choose import executor_for
from pipeline.settings import load_settings
from pipeline.stages.context import open_context
from pipeline.stages.fit import fit
context = open_context(load_settings())
with executor_for("fits", context.settings) as executor:
    for recipe in {recipes!r}:
        fit(context, recipe, executor)
"""

SHARED = """
import subprocess, sys
from pipeline.runtime.spark_server import serving
from pipeline.settings import load_settings
with serving(load_settings()):
    for recipe in {recipes!r}:
        subprocess.run([sys.executable, "-m", "pipeline", "stage", "fit", recipe], check=True)
"""


def main() -> None:
    """Measure the three designs and print them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/bench-spark-sessions.json"))
    out: Path = parser.parse_args().out
    import os

    python, environment = sys.executable, os.environ | {"PYTHONUNBUFFERED": "1"}
    figures = {
        "a session for each stage": measured(
            [[python, "-m", "pipeline", "stage", "fit", recipe] for recipe in RECIPES], environment
        ),
        "one stage for all": measured([[python, "-c", ONE_STAGE.format(recipes=RECIPES)]], environment),
        "a stage each, one server": measured([[python, "-c", SHARED.format(recipes=RECIPES)]], environment),
    }
    base = figures["one stage for all"]["cpu_seconds"]
    for name, figure in figures.items():
        figure["cpu_ratio"] = figure["cpu_seconds"] / base
        print(f"{name:<28}{figure['cpu_seconds']:8.1f} CPU s{figure['wall_seconds']:8.1f} s{figure['cpu_ratio']:7.2f}×")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
