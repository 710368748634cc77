"""Tells other systems of a finished night, by files and on request by HTTP: Prometheus metrics, OpenLineage events."""

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import yaml

from pipeline.graph import read_stages
from pipeline.reports.lineage import Event, night_events
from pipeline.reports.night_metrics import metrics_text, night_registry
from pipeline.settings import Settings
from pipeline.stages.layout import Layout
from pipeline.storage.json_files import read_json, write_text

METRICS = "netgain.prom"
_SECONDS = 10
"""How long a server may take."""


def tell_systems(settings: Settings, facts: Mapping[str, Any]) -> Iterator[str]:
    """Write the night's metrics and lineage, and send them where a server is named.

    The night is over and stands: a server that does not take them is a note.

    Yields:
        A line for each server that did not.
    """
    ended = time.time()
    write_text(settings.reports / METRICS, metrics_text(facts, ended=ended))
    events = lineage(settings, facts["decision"])
    lines = "".join(json.dumps(event, sort_keys=True) + "\n" for event in events)
    write_text(settings.reports / f"lineage-{facts['as_of']}.jsonl", lines)
    if settings.pushgateway is not None:
        yield from _noted("Pushgateway", lambda: _push(str(settings.pushgateway), facts, ended))
    if settings.lineage_url is not None:
        yield from _noted("the OpenLineage server", lambda: _send(str(settings.lineage_url), events))


def lineage(settings: Settings, decision: Mapping[str, Any]) -> list[Event]:
    """Return the OpenLineage events of the night whose outputs are in the workspace.

    Raises:
        ParamsError: dvc.yaml holds no stages.
    """
    layout, root = Layout(settings.workspace), settings.workspace
    lock = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8")) if (root / "dvc.lock").exists() else {}
    checks = {}
    for name, dataset, report in (
        ("ingest", layout.plays, layout.validation_report),
        ("interactions", layout.train, layout.interactions_report),
        ("lists", layout.lists, layout.audit_report),
    ):
        if report.exists():
            checks[dataset.relative_to(root).as_posix()] = (name, read_json(report))
    return night_events(
        read_stages(root / "dvc.yaml"),
        lock or {},
        checks,
        decision,
        namespace=settings.lineage_namespace,
        version=version("netgain"),
        now=dt.datetime.now(dt.UTC),
    )


def _noted(what: str, send: Callable[[], None]) -> Iterator[str]:
    import httpx

    try:
        send()
    except (httpx.HTTPError, OSError, ValueError) as err:
        # The address may hold a password, and so may an error's text.
        yield f"{what} did not take the night's figures ({type(err).__name__}); they are in the reports' folder"


def _push(address: str, facts: Mapping[str, Any], ended: float) -> None:
    from prometheus_client import push_to_gateway

    push_to_gateway(address, job="netgain", registry=night_registry(facts, ended=ended), timeout=_SECONDS)


def _send(address: str, events: list[Event]) -> None:
    import httpx

    with httpx.Client(timeout=_SECONDS) as client:
        for event in events:
            client.post(f"{address.rstrip('/')}/api/v1/lineage", json=event).raise_for_status()
