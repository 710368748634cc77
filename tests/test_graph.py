"""dvc.yaml, the graph, the DAG and the code agree."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest
from pydantic import BaseModel

from pipeline.configuration import Params, load_params
from pipeline.dvcfile.declared import declared_stages
from pipeline.dvcfile.recipes import FAMILIES as FOLDER
from pipeline.dvcfile.recipes import families_of, members_of
from pipeline.dvcfile.write import difference
from pipeline.errors import ParamsError
from pipeline.graph import EFFECTS, Stage, edges, last_stages, read_stages
from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.recommenders.registry import FAMILIES
from pipeline.runtime.code_closure import REGISTRY, closure_of, is_left_out
from pipeline.runtime.source_imports import (
    executes_something,
    file_of,
    is_module,
    modules_of,
    packages_by_name,
    packages_of,
)

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("pandas", "pyspark", "implicit", "mlflow", "great_expectations", "polars", "numpy")

STAGES = [f"pipeline.stages.{name}" for name in declared_stages()]

# What cached results are made by: their keys hold a digest of its closure.
KERNELS = (
    "pipeline.features.daily",
    "pipeline.gate.record",
    "pipeline.logs.kernels",
    "pipeline.tuning.trial",
    "pipeline.validation.daily",
)


# What the Airflow DAG adds around the stages of dvc.yaml.
AROUND = {"turn", "open", "report", "close", "spark_start", "spark_stop", *EFFECTS}


@pytest.fixture(scope="module")
def stages() -> tuple[Stage, ...]:
    return read_stages(ROOT / "dvc.yaml")


def test_edges_are_those_of_dvc_dag(stages: tuple[Stage, ...]) -> None:
    dot = subprocess.run(
        [sys.executable, "-m", "dvc", "dag", "--dot"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert edges(stages) == set(re.findall(r'"([^"]+)" -> "([^"]+)"', dot))
    assert last_stages(stages) == ("audit",)


def test_dvc_yaml_is_what_the_stages_declare() -> None:
    assert difference(ROOT, load_params(ROOT / "params.yaml")) == ""


def test_recipes_of_params_are_the_fits_and_evaluations_of_dvc(stages: tuple[Stage, ...]) -> None:
    recipes = load_params(ROOT / "params.yaml").recipes
    names = {stage.name for stage in stages}
    assert {n.split("@")[1] for n in names if n.startswith("fit@")} == set(recipes)
    assert {n.split("@")[1] for n in names if n.startswith("evaluate@")} == set(recipes)
    for name, recipe in recipes.items():
        own = file_of(f"{FOLDER}.{recipe.family}")
        code = FOLDER.replace(".", "/") if isinstance(recipe, EnsembleParams) else own
        for stage in (stage for stage in stages if stage.name in (f"fit@{name}", f"evaluate@{name}")):
            assert code in stage.deps
            others = {file_of(f"{FOLDER}.{other.family}") for other in recipes.values()} - {own}
            assert not others & set(stage.deps)


@pytest.mark.parametrize("name", [*STAGES, *KERNELS])
def test_the_closure_of_a_module_is_that_of_grimp(name: str) -> None:
    assert closure_of(name) == _upstream(name, loads=set(modules_of(FOLDER, ROOT)))
    assert closure_of(name, loads=()) == _upstream(name, loads=set())


def test_every_stage_declares_the_code_that_it_imports_and_no_other(stages: tuple[Stage, ...]) -> None:
    params = load_params(ROOT / "params.yaml")
    for stage in stages:
        name, _, recipe = stage.name.partition("@")
        loads = families_of(params, recipe) if recipe else set(modules_of(FOLDER, ROOT))
        files = {file_of(module) for module in _upstream(f"pipeline.stages.{name}", loads=set(loads))}
        declared = [dep for dep in stage.deps if dep.startswith("pipeline")]
        missing = {file for file in files if not any(file == d or file.startswith(d + "/") for d in declared)}
        assert not missing, f"{stage.name} imports {sorted(missing)}: run make dvc-yaml"
        # What families share is declared for each of them, and what defines parameters, whether it is imported or not.
        every = _upstream(f"pipeline.stages.{name}", loads=set(modules_of(FOLDER, ROOT)))
        used = {file_of(module) for module in every} | _defining(params) | {"pipeline/reports/templates/page"}
        # A package's other files count with any of its modules: stages that read events import one of the server's.
        used |= {"pipeline/serving/page.html"} if any(each.startswith("pipeline.serving.") for each in every) else set()
        idle = [d for d in declared if not any(file == d or file.startswith(d + "/") for file in used)]
        assert not idle, f"{stage.name} declares {idle}, which it does not import"


def test_a_fit_depends_on_the_file_that_defines_its_recipes_defaults(stages: tuple[Stage, ...]) -> None:
    params = load_params(ROOT / "params.yaml")
    deps = {stage.name: stage.deps for stage in stages}
    for name in params.recipes:
        for each in (name, *members_of(params, name)):
            file = file_of(type(params.recipes[each]).__module__)
            assert any(file == dep or file.startswith(dep + "/") for dep in deps[f"fit@{name}"])
    assert file_of(type(params.gate).__module__) in deps["decide"]
    assert file_of(type(params.validation.bots).__module__) in deps["validate"]


def test_a_familys_module_has_its_name() -> None:
    assert [name for name in FAMILIES if not is_module(f"{FOLDER}.{name}", ROOT)] == []


def test_a_stage_name_that_is_more_than_a_word_is_refused(tmp_path: Path) -> None:
    hostile = tmp_path / "dvc.yaml"
    hostile.write_text("stages:\n  'fit; rm -rf x':\n    cmd: 'true'\n")
    with pytest.raises(ParamsError, match="becomes a command"):
        read_stages(hostile)


def test_foreach_is_expanded_with_key_and_item(tmp_path: Path) -> None:
    file = tmp_path / "dvc.yaml"
    file.write_text(
        "stages:\n  a:\n    cmd: x\n    outs: [data/a]\n  b:\n    foreach:\n      one: {f: als}\n    do:\n"
        "      cmd: x\n      deps: [data/a/part, 'code/${item.f}.py']\n      outs: ['data/${key}']\n"
    )
    found = read_stages(file)
    assert found[1] == Stage("b@one", "", ("data/a/part", "code/als.py"), ("data/one",))
    assert edges(found) == {("a", "b@one")}


def test_the_dag_has_the_edges_of_dvc_and_imports_nothing_heavy(stages: tuple[Stage, ...], tmp_path: Path) -> None:
    code = (
        "import sys, json; sys.path.insert(0, 'dags'); import netgain_nightly as n;"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules];"
        "print(json.dumps({'heavy': heavy, 'max': n.dag.max_active_runs,"
        "'edges': sorted([t.task_id, d] for t in n.dag.tasks for d in t.downstream_task_ids)}))"
    )
    environment = {"AIRFLOW_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    found = json.loads(out.splitlines()[-1])
    assert found["heavy"] == []
    assert found["max"] == 1
    drawn = {(a.replace(".", "@"), b.replace(".", "@")) for a, b in found["edges"]}
    assert {(a, b) for a, b in drawn if a not in AROUND and b not in AROUND} == edges(stages)
    assert ("audit", "account") in drawn
    assert ("account", "record") in drawn
    assert ("record", "promote") in drawn
    assert ("promote", "publish") in drawn
    roots = {stage.name for stage in stages} - {after for _, after in edges(stages)}
    assert {("spark_start", root) for root in roots} <= drawn


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("pipeline", cache_dir=None, exclude_type_checking_imports=True)


def _upstream(module: str, *, loads: set[str]) -> set[str]:
    """The modules that grimp finds on the ways from a module, but for those that `LEFT_OUT` names and beyond."""
    found: set[str] = set()
    todo = {module}
    while todo:
        name = todo.pop()
        if name in found or is_left_out(name):
            continue
        found.add(name)
        todo |= _graph().find_modules_directly_imported_by(name) | set(packages_of(name))
        by_name = {each for package in packages_by_name(name, ROOT) for each in modules_of(package, ROOT)}
        todo |= loads if name == REGISTRY else by_name  # which no graph of imports knows
    return {name for name in found if executes_something(name, ROOT)}


def _defining(params: Params) -> set[str]:
    values = [params, *(getattr(params, name) for name in Params.model_fields), *params.recipes.values()]
    classes = {base for value in values if isinstance(value, BaseModel) for base in type(value).__mro__}
    return {file_of(each.__module__) for each in classes if each.__module__.startswith("pipeline")}
