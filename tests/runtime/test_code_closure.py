"""The files that a module depends on, on a small package of its own."""

from pathlib import Path

import pytest

from pipeline.runtime.code_closure import LEFT_OUT, REGISTRY, closure_of, code_digest, files_of, is_left_out
from pipeline.runtime.source_imports import ROOT, is_module


def package(root: Path, **files: str) -> Path:
    """Write modules of a package `pipeline`: `a__b="text"` is pipeline/a/b.py; `init` stands for `__init__`."""
    for name, text in files.items():
        path = root.joinpath("pipeline", *name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_stem("__init__" if path.stem == "init" else path.stem).write_text(text, encoding="utf-8")
    for folder in (root / "pipeline", *(path for path in (root / "pipeline").iterdir() if path.is_dir())):
        if not (folder / "__init__.py").exists():
            (folder / "__init__.py").write_text('"""A package."""\n', encoding="utf-8")
    return root


def test_imports_in_functions_count_and_imports_for_type_checking_do_not(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        a="import json\n\ndef f():\n    from pipeline.b import x\n",
        b="import pipeline.c\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pipeline.d\nelse:\n"
        "    import pipeline.e\n",
        c="",
        d="",
        e="x = 1",
    )
    assert closure_of("pipeline.a", root=root) == {"pipeline.a", "pipeline.b", "pipeline.c", "pipeline.e"} - {
        "pipeline.c"  # which executes nothing
    }


def test_a_name_imported_from_a_package_is_a_module_or_a_name_that_the_package_defines(tmp_path: Path) -> None:
    root = package(tmp_path, a="from pipeline.room import b, wall\n", room__b="x = 1", room__init="wall = 1")
    assert closure_of("pipeline.a", root=root) == {"pipeline.a", "pipeline.room", "pipeline.room.b"}


def test_a_package_with_code_is_a_dependency_of_its_modules(tmp_path: Path) -> None:
    root = package(tmp_path, a="import pipeline.room.b\n", room__b="x = 1", room__init="import pipeline.c\n", c="x = 1")
    assert closure_of("pipeline.a", root=root) == {"pipeline.a", "pipeline.room", "pipeline.room.b", "pipeline.c"}


def test_relative_imports_are_followed(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        room__a="from . import b\nfrom ..c import x\n",
        room__b="from .d import y\n",
        room__d="y = 1",
        c="x = 1",
    )
    names = closure_of("pipeline.room.a", root=root)
    assert names == {"pipeline.room.a", "pipeline.room.b", "pipeline.room.d", "pipeline.c"}


def test_a_module_that_imports_by_a_computed_name_depends_on_the_whole_package(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        a="import pipeline.formats.registry\n",
        formats__registry="import importlib\ndef load(name):\n    return importlib.import_module(name)\n",
        formats__csv="import pipeline.rows\n",
        rows="x = 1",
        other="x = 1",
    )
    names = {"pipeline.a", "pipeline.formats.registry", "pipeline.formats.csv", "pipeline.rows"}
    assert closure_of("pipeline.a", root=root) == names


@pytest.mark.parametrize(
    "call", ['import_module(f"pipeline.formats.{name}")', '__import__(f"pipeline.formats.{name}", fromlist=["x"])']
)
def test_the_package_in_the_literal_part_of_a_computed_name_is_the_dependency(tmp_path: Path, call: str) -> None:
    loader = f"from importlib import import_module\ndef load(name):\n    return {call}\n"
    root = package(tmp_path, a=loader, b="x = 1", formats__csv="x = 1", formats__xml="x = 1")
    assert closure_of("pipeline.a", root=root) == {"pipeline.a", "pipeline.formats.csv", "pipeline.formats.xml"}


def test_the_registry_depends_on_the_families_that_it_is_declared_to_load(tmp_path: Path) -> None:
    by_name = "import importlib\ndef load(name):\n    return importlib.import_module(name)\n"
    root = package(tmp_path, recommenders__registry=by_name, recommenders__als="x = 1", recommenders__bpr="x = 1")
    als, bpr = "pipeline.recommenders.als", "pipeline.recommenders.bpr"
    assert closure_of(REGISTRY, root=root) == {REGISTRY, als, bpr}
    assert closure_of(REGISTRY, loads=[als], root=root) == {REGISTRY, als}
    assert closure_of(REGISTRY, loads=[], root=root) == {REGISTRY}


def test_imports_of_a_module_that_is_left_out_are_not_followed(tmp_path: Path) -> None:
    root = package(tmp_path, a="import pipeline.settings\n", settings="import pipeline.b\n", b="x = 1")
    assert closure_of("pipeline.a", root=root) == {"pipeline.a"}


def test_templates_of_a_package_are_files_of_its_modules(tmp_path: Path) -> None:
    root = package(tmp_path, a="import pipeline.pages.page\n", pages__page="x = 1")
    (root / "pipeline" / "pages" / "templates").mkdir()
    (root / "pipeline" / "pages" / "templates" / "page.html").write_text("<p>")
    (root / "pipeline" / "pages" / ".page.py.swp").write_text("an editor's")
    (root / "pipeline" / "pages" / "__pycache__").mkdir()
    (root / "pipeline" / "pages" / "__pycache__" / "page.nbi").write_text("Numba's")
    files = {"pipeline/a.py", "pipeline/pages/page.py", "pipeline/pages/templates/page.html"}
    assert files_of(closure_of("pipeline.a", root=root), root=root) == files


def test_a_missing_module_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        closure_of("pipeline.nowhere")


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_module_that_is_left_out_exists_and_has_a_reason(name: str) -> None:
    assert is_module(name, ROOT)
    assert LEFT_OUT[name]


def test_leaving_a_package_out_leaves_all_of_its_modules_out() -> None:
    assert is_left_out("pipeline.params")
    assert is_left_out("pipeline.params.gate")
    assert not is_left_out("pipeline.parameters")


def test_the_digests_of_two_kernels_differ_and_repeat() -> None:
    daily, trial = code_digest("pipeline.features.daily"), code_digest("pipeline.tuning.trial")
    assert daily != trial
    assert code_digest("pipeline.features.daily") == daily
