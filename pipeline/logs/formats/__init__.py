"""The log formats: each module of this folder declares one as `FORMAT`, and that is all it takes to add it.

A module is imported when its format is asked for.
"""

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from pipeline.errors import ParamsError

if TYPE_CHECKING:
    from pipeline.logs.format import Format


AUTO = "auto"
"""In place of a format: each file's own, by its content."""


@cache
def format_names() -> tuple[str, ...]:
    """Return the names of all formats, sorted, without importing them."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


@cache
def format_of(name: str) -> "Format":
    """Return the format of that name.

    Raises:
        ParamsError: no module of this folder has that name, or it declares a format of another name.
    """
    if name not in format_names():
        raise ParamsError(
            f"format = {name[:40]!r}",
            expected=f"{AUTO}, or one of {', '.join(format_names())}",
            fix="Name the logs' format.",
        )
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    declared: Format = module.FORMAT
    if declared.name != name:
        raise ParamsError(
            f"{module.__name__} declares the format {declared.name!r}",
            expected=repr(name),
            fix="Name the module as the format, with _ for -.",
        )
    return declared


def formats_of(names: str) -> "tuple[Format, ...]":
    """Return the formats that a comma-separated list names. The first that takes a file reads it.

    `auto` stands for every format that needs no column map.

    Raises:
        ParamsError: there is no format of one of the names.
    """
    if names.strip() == AUTO:
        return tuple(each for each in all_formats().values() if not each.needs_columns)
    return tuple(format_of(name.strip()) for name in names.split(","))


def all_formats() -> "dict[str, Format]":
    """Return every format by name."""
    return {name: format_of(name) for name in format_names()}
