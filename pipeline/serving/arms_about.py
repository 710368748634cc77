"""What a release says of the arms of its experiments, as the server reads it: nothing heavy is imported."""

import json
from pathlib import Path
from typing import Any

from pipeline.serving.layout import FOLDER

ABOUT = "experiments.json"
"""Beside the index: for each arm, from number 1 on, experiment, arm, propensity and recipe ("" for the release's)."""


def read_about(release: Path) -> list[dict[str, Any]]:
    """Return the entries of ABOUT of a release folder; none without experiments.

    Raises:
        OSError, ValueError, KeyError: it cannot be read.
    """
    path = release / FOLDER / ABOUT
    if not path.exists():
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["arms"]
    return found
