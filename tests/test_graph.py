"""dvc.yaml, the graph, the DAG and the code say the same."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

from pipeline.errors import ParamsError
from pipeline.graph import EFFECTS, Stage, edges, last_stages, read_stages
from pipeline.params import BlendRecipe, Recipe, load_params

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("pandas", "pyspark", "implicit", "mlflow", "great_expectations", "polars", "numpy")

# Where a kernel runs, not what it computes: tests/runtime holds the executors to identical content. And the types that
# parameters and errors come in: their values are declared as params of the stage.
PLUMBING = {
    "pipeline.runtime.threads",
    "pipeline.errors",
    "pipeline.state.database",
    "pipeline.state.errors",
    "pipeline.state.legacy",
    "pipeline.state.lease",
    "pipeline.state.location",
    "pipeline.state.schema",
    "pipeline.params",
    "pipeline.settings",
    "pipeline.stages.context",
    "pipeline.stages.layout",
    *(
        f"pipeline.runtime.{name}"
        for name in (
            "choose",
            "executor",
            "cached_map",
            "inprocess",
            "spark_tasks",
            "spark_home",
            "spark_session",
            "spark_server",
            "java",
            "spark_errors",
        )
    ),
}

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


def test_recipes_of_params_are_the_fits_and_evaluations_of_dvc(stages: tuple[Stage, ...]) -> None:
    recipes = load_params(ROOT / "params.yaml").recipes
    names = {stage.name for stage in stages}
    assert {n.split("@")[1] for n in names if n.startswith("fit@")} == set(recipes)
    assert {n.split("@")[1] for n in names if n.startswith("evaluate@")} == set(recipes)
    for name, recipe in recipes.items():
        own = f"pipeline/recommenders/{recipe.family}.py"
        code = "pipeline/recommenders" if isinstance(recipe, BlendRecipe) else own
        for stage in (stage for stage in stages if stage.name in (f"fit@{name}", f"evaluate@{name}")):
            assert code in stage.deps
            others = {f"pipeline/recommenders/{other.family}.py" for other in recipes.values()} - {own}
            assert not others & set(stage.deps)


def test_a_fit_follows_the_parameters_of_its_recipe_and_of_its_members_and_no_others() -> None:
    recipes = load_params(ROOT / "params.yaml").recipes
    fit = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["fit"]
    tracked = [name for name in fit["do"]["params"] if isinstance(name, str) and "recipes" in name]
    assert tracked == ["recipes.${key}", *(f"recipes.${{item.follows[{place}]}}" for place in range(3))]
    for name, recipe in recipes.items():
        members = recipe.members if isinstance(recipe, BlendRecipe) else (name,)
        assert len(fit["foreach"][name]["follows"]) == 3
        assert set(fit["foreach"][name]["follows"]) == set(members)


def test_every_stage_declares_the_code_that_it_imports(stages: tuple[Stage, ...]) -> None:
    recipes = load_params(ROOT / "params.yaml").recipes
    for stage in stages:
        name, _, recipe = stage.name.partition("@")
        needed = _upstream(f"pipeline.stages.{name}")
        if recipe:
            needed = needed.union(*(_upstream(f"pipeline.recommenders.{f}") for f in _families(recipes[recipe])))
        declared = [dep for dep in stage.deps if dep.startswith("pipeline")]
        files = {_file(module) for module in needed - PLUMBING}
        missing = {file for file in files if not any(file == d or file.startswith(d + "/") for d in declared)}
        assert not missing, f"{stage.name} imports {sorted(missing)}: add them to its deps"
        # What families share is declared for each of them; a folder of families is declared where any may be loaded.
        families = {_file(m) for r in recipes.values() for m in _upstream(f"pipeline.recommenders.{r.family}")}
        used = files | families
        idle = [d for d in declared if not any(file == d or file.startswith(d + "/") for file in used)]
        assert not idle, f"{stage.name} declares {idle}, which it does not import"


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
    return grimp.build_graph("pipeline", cache_dir=None)


def _families(recipe: Recipe) -> set[str]:
    """What the registry imports for a recipe: its family, and those of a blend's members."""
    members = recipe.member_recipes if isinstance(recipe, BlendRecipe) else ()
    return {recipe.family, *(member.family for member in members)}


def _upstream(module: str) -> frozenset[str]:
    found = {module, *_graph().find_upstream_modules(module)}
    return frozenset(m for m in found if not (ROOT / m.replace(".", "/")).is_dir())


def _file(module: str) -> str:
    return module.replace(".", "/") + ".py"
