"""OpenLineage's own classes take the events, and read back they are the graph of DVC."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated.data_quality_assertions_dataset import Assertion, DataQualityAssertionsDatasetFacet
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.parent_run import Job as ParentJob
from openlineage.client.generated.parent_run import ParentRunFacet
from openlineage.client.generated.parent_run import Run as ParentRun

from pipeline.graph import edges, read_stages
from pipeline.reports.lineage import edges_of, night_events

ROOT = Path(__file__).resolve().parents[2]
DECISION = {
    "as_of": "2026-02-12",
    "verdict": "KEEP",
    "sentence": "kept",
    "serve": {"recipe": "als", "source": "served"},
}
SUITE = {
    "name": "plays",
    "findings": [
        {"kind": "ColumnValuesToNotBeNull", "column": "track_id", "outcome": "held"},
        {"kind": "ColumnValuesToBeUnique", "column": "row", "outcome": "broken"},
        {"kind": "ColumnMeanToBeBetween", "column": "", "outcome": "undecided"},
    ],
}
STAGES = read_stages(ROOT / "dvc.yaml")
LOCK = yaml.safe_load((ROOT / "dvc.lock").read_text())


@pytest.fixture(scope="module")
def events():
    made = night_events(
        STAGES,
        LOCK,
        {"data/plays": ("ingest", {"suites": [SUITE]})},
        DECISION,
        namespace="netgain",
        version="0.1.0",
        now=dt.datetime(2026, 2, 12, 3, tzinfo=dt.UTC),
    )
    return json.loads(json.dumps(made))


def facets(raw, kinds):
    """Facets as objects of the published classes, which refuse fields that they do not know or that are missing."""
    found = {}
    for name, values in raw.items():
        fields = {key.lstrip("_") if key == "_producer" else key: value for key, value in values.items()}
        address = fields.pop("_schemaURL")
        found[name] = kinds[name](**fields)
        assert address.rpartition("/")[2] == kinds[name].__name__
        assert address.startswith("https://openlineage.io/spec/")
    return found


def dataset(kind, raw):
    versions = {"version": DatasetVersionDatasetFacet}
    more = {}
    if "inputFacets" in raw:
        checked = {
            "dataQualityAssertions": lambda assertions, producer: DataQualityAssertionsDatasetFacet(
                assertions=[Assertion(**each) for each in assertions], producer=producer
            )
        }
        checked["dataQualityAssertions"].__name__ = "DataQualityAssertionsDatasetFacet"
        more = {"inputFacets": facets(raw["inputFacets"], checked)}
    return kind(namespace=raw["namespace"], name=raw["name"], facets=facets(raw["facets"], versions), **more)


def test_the_published_classes_take_every_event(events):
    for event in events:
        of_run = {key: value for key, value in event["run"]["facets"].items() if key == "parent"}
        parents = {
            key: ParentRunFacet(run=ParentRun(**v["run"]), job=ParentJob(**v["job"])) for key, v in of_run.items()
        }
        RunEvent(
            eventType=RunState(event["eventType"]),
            eventTime=event["eventTime"],
            run=Run(event["run"]["runId"], facets=parents),
            job=Job(event["job"]["namespace"], event["job"]["name"]),
            producer=event["producer"],
            inputs=[dataset(InputDataset, raw) for raw in event["inputs"]],
            outputs=[dataset(OutputDataset, raw) for raw in event["outputs"]],
        )


def test_each_run_starts_and_completes_once_and_the_stages_have_the_night_as_parent(events):
    states: dict[str, list[str]] = {}
    for event in events:
        states.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert set(map(tuple, states.values())) == {("START", "COMPLETE")}
    night = events[0]["run"]["runId"]
    assert {e["run"]["facets"]["parent"]["run"]["runId"] for e in events if e["job"]["name"] != "night"} == {night}


def test_read_back_they_are_the_edges_of_the_graph(events):
    locked = {stage for stage in STAGES if stage.name in LOCK["stages"]}
    expected = {(a, b) for a, b in edges(STAGES) if {a, b} <= {stage.name for stage in locked}}
    assert edges_of(events) == expected
    assert len(expected) > 20


@pytest.mark.slow
def test_the_edges_are_those_of_dvc_dag(events):
    dag = subprocess.run(
        [Path(sys.executable).parent / "dvc", "dag", "--dot"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    lines = (line.strip().rstrip(";") for line in dag.splitlines() if "->" in line)
    shown = {tuple(part.strip().strip('"') for part in line.split("->")) for line in lines}
    assert edges_of(events) == shown


def test_checksums_are_versions_and_expectations_are_assertions_without_values(events):
    validate = next(e for e in events if e["job"]["name"] == "validate")
    plays = next(d for d in validate["inputs"] if d["name"] == "data/plays")
    known = {each["path"]: each["md5"] for each in LOCK["stages"]["validate"]["deps"]}
    assert plays["facets"]["version"]["datasetVersion"] == f"md5:{known['data/plays']}"
    assert plays["inputFacets"]["dataQualityAssertions"]["assertions"] == [
        {"assertion": "ingest.plays.ColumnValuesToNotBeNull", "success": True, "column": "track_id"},
        {"assertion": "ingest.plays.ColumnValuesToBeUnique", "success": False, "column": "row"},
    ]


def test_the_decision_is_a_facet_of_the_nights_run(events):
    facet = events[-1]["run"]["facets"]["netgain_decision"]
    assert (facet["verdict"], facet["recipe"], facet["as_of"]) == ("KEEP", "als", "2026-02-12")
