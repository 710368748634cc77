"""A night as OpenLineage events: what each stage read and wrote, by DVC's checksums, and what was decided.

The vocabulary is that of OpenLineage's specification, version 2: a run of a job reads and writes datasets; facets say
more. Read back, the events give the edges of `dvc dag`: a stage's input has the name of the output that it is.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.graph import Stage

Event = dict[str, Any]
_SPEC = "https://openlineage.io/spec"
_SPACE = uuid.UUID("6d1f1ed6-2f0c-5b7e-9a53-8c0a3f2f4c11")
"""Ids of runs are derived in this namespace: the same night gives the same ids."""


def night_events(
    stages: Sequence[Stage],
    lock: Mapping[str, Any],
    checks: Mapping[str, tuple[str, Mapping[str, Any]]],
    decision: Mapping[str, Any],
    *,
    namespace: str,
    version: str,
    now: dt.datetime,
) -> list[Event]:
    """Return the events of a finished night: START and COMPLETE of the night and of each stage, in order.

    Args:
        stages: of dvc.yaml.
        lock: dvc.lock; a stage that it does not have was not run, and is left out.
        checks: by dataset, the name and the report of the checkpoint that tested it.
        decision: the decision record.
        namespace: of jobs and datasets; which workspace this is.
        version: of Netgain.
        now: the time of the events: DVC keeps none of stages that were not run again.
    """
    as_of = str(decision["as_of"])
    producer = f"urn:netgain:{version}"
    night = str(uuid.uuid5(_SPACE, f"{as_of} {json.dumps(decision, sort_keys=True, default=str)}"))
    parent = _facet(
        producer,
        "facets/1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet",
        run={"runId": night},
        job={"namespace": namespace, "name": "night"},
    )
    common = {"eventTime": now.isoformat(), "producer": producer, "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json"}
    decided = {"netgain_decision": _decided(producer, decision)}
    events = [_event("START", common, night, {}, namespace, "night", [], [])]
    versions = _versions(lock)
    for stage in stages:
        entry = lock.get("stages", {}).get(stage.name)
        if entry is None:
            continue
        run = str(uuid.uuid5(_SPACE, f"{night} {stage.name} {json.dumps(entry, sort_keys=True)}"))
        inputs = [_dataset(producer, namespace, name, versions, checks) for name in _inputs(stage, stages)]
        outputs = [_dataset(producer, namespace, name, versions, {}) for name in stage.outs]
        for kind in ("START", "COMPLETE"):
            events.append(_event(kind, common, run, {"parent": parent}, namespace, stage.name, inputs, outputs))
    events.append(_event("COMPLETE", common, night, decided, namespace, "night", [], []))
    return events


def edges_of(events: Sequence[Event]) -> frozenset[tuple[str, str]]:
    """Return pairs (upstream, downstream) of jobs, by the names of what one writes and another reads."""
    writers = {out["name"]: event["job"]["name"] for event in events for out in event["outputs"]}
    readers = ((event["job"]["name"], each["name"]) for event in events for each in event["inputs"])
    return frozenset((writers[name], reader) for reader, name in readers if name in writers)


def _inputs(stage: Stage, stages: Sequence[Stage]) -> Iterator[str]:
    """Yield a stage's dependencies; where one is a part of another stage's output, or holds several, those outputs."""
    seen: set[str] = set()
    outs = [out for other in stages if other is not stage for out in other.outs]
    for dep in stage.deps:
        made = [out for out in outs if out == dep or dep.startswith(f"{out}/") or out.startswith(f"{dep}/")]
        for name in made or [dep]:
            if name not in seen:
                seen.add(name)
                yield name


def _versions(lock: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksum of each path of dvc.lock, as `md5:…`; a folder's ends with `.dir`, as DVC has it."""
    entries = [
        each for stage in lock.get("stages", {}).values() for kind in ("deps", "outs") for each in stage.get(kind, [])
    ]
    return {each["path"]: f"md5:{each['md5']}" for each in entries if "md5" in each}


def _dataset(
    producer: str,
    namespace: str,
    name: str,
    versions: Mapping[str, str],
    checks: Mapping[str, tuple[str, Mapping[str, Any]]],
) -> dict[str, Any]:
    dataset: dict[str, Any] = {"namespace": namespace, "name": name, "facets": {}}
    if name in versions:
        where = "facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
        dataset["facets"]["version"] = _facet(producer, where, datasetVersion=versions[name])
    if name in checks:
        where = "facets/1-0-2/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"
        assertions = list(_assertions(*checks[name]))
        dataset["inputFacets"] = {"dataQualityAssertions": _facet(producer, where, assertions=assertions)}
    return dataset


def _assertions(checkpoint: str, report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield Great Expectations' results without values; what could not be decided is left out."""
    for suite in report["suites"]:
        for finding in suite["findings"]:
            if finding["outcome"] in _OUTCOMES:
                column = {"column": finding["column"]} if finding["column"] else {}
                name = f"{checkpoint}.{suite['name']}.{finding['kind']}"
                yield {"assertion": name, "success": _OUTCOMES[finding["outcome"]], **column}


_OUTCOMES = {"held": True, "broken": False}


def _decided(producer: str, decision: Mapping[str, Any]) -> dict[str, Any]:
    serve = decision.get("serve") or {}
    digest = hashlib.sha256(json.dumps(decision, sort_keys=True, default=str).encode()).hexdigest()
    return _facet(
        producer,
        "2-0-2/OpenLineage.json#/$defs/RunFacet",
        as_of=str(decision["as_of"]),
        verdict=decision["verdict"],
        sentence=decision["sentence"],
        recipe=serve.get("recipe"),
        source=serve.get("source"),
        record_sha256=digest,
    )


def _facet(producer: str, where: str, **values: Any) -> dict[str, Any]:
    return {"_producer": producer, "_schemaURL": f"{_SPEC}/{where}", **values}


def _event(  # noqa: PLR0917
    kind: str,
    common: Mapping[str, str],
    run: str,
    facets: Mapping[str, Any],
    namespace: str,
    job: str,
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
) -> Event:
    return {
        "eventType": kind,
        **common,
        "run": {"runId": run, "facets": dict(facets)},
        "job": {"namespace": namespace, "name": job, "facets": {}},
        "inputs": inputs,
        "outputs": outputs,
    }
