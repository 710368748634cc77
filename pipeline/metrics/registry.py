"""All metrics of the lists that a recipe recommends."""

from pipeline.metrics.catalogue.registry import catalogue_metrics
from pipeline.metrics.listener.registry import listener_metrics
from pipeline.metrics.metric import Metric


def all_metrics() -> tuple[Metric, ...]:
    """Return all metrics: first those with a value for each listener, then those of all lists together."""
    return (*listener_metrics(), *catalogue_metrics())
