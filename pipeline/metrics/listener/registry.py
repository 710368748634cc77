"""The metrics with a value for each listener: every module of this folder that defines METRIC."""

import importlib
import pkgutil
from functools import cache

from pipeline.metrics import listener
from pipeline.metrics.metric import ListenerMetric


@cache
def listener_metrics() -> tuple[ListenerMetric, ...]:
    """Return the metrics, in the order of columns and pages."""
    names = sorted(each.name for each in pkgutil.iter_modules(listener.__path__) if each.name != "registry")
    found = [importlib.import_module(f"{listener.__name__}.{name}").METRIC for name in names]
    return tuple(sorted(found, key=lambda metric: metric.place))
