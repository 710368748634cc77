"""The dialects of every format: each module of this folder declares some as `DIALECTS`, by name."""

import importlib
import pkgutil
from functools import cache

from tests.fuzz.dialect import Dialect


@cache
def all_dialects() -> dict[str, Dialect]:
    """Return every dialect by name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {name: dialect for module in modules for name, dialect in module.DIALECTS.items()}
