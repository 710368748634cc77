"""JSON and text files, written atomically."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import TableError
from pipeline.storage.atomic import atomic_path


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted keys, two spaces, no NaN or Infinity (they are no JSON)."""
    write_text(path, json_text(value))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(value: Any) -> str:
    """Return the text that `write_json` writes."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        TableError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError) as err:
        raise TableError(f"{path} cannot be read: {err}", expected="JSON", fix="Run the stage that makes it.") from err
