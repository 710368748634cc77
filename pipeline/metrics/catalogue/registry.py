"""The metrics of all lists together: every module of this folder that defines METRIC."""

import importlib
import pkgutil
from functools import cache

from pipeline.metrics import catalogue
from pipeline.metrics.metric import CatalogueMetric


@cache
def catalogue_metrics() -> tuple[CatalogueMetric, ...]:
    """Return the metrics, in the order of pages."""
    names = sorted(each.name for each in pkgutil.iter_modules(catalogue.__path__) if each.name != "registry")
    found = [importlib.import_module(f"{catalogue.__name__}.{name}").METRIC for name in names]
    return tuple(sorted(found, key=lambda metric: metric.place))
