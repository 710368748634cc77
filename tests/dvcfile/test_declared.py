"""What the stages declare, in order, and how files of code become deps."""

from pathlib import Path

from pipeline.dvcfile.code import folded
from pipeline.dvcfile.declared import declared_stages


def test_a_stage_comes_after_those_that_write_what_it_reads() -> None:
    assert list(declared_stages()) == [
        "ingest",
        "validate",
        "prepare",
        "split",
        "fit",
        "fit_champion",
        "evaluate",
        "evaluate_champion",
        "evaluate_served",
        "decide",
        "experiments",
        "refit",
        "recommend",
        "audit",
    ]


def test_no_two_stages_write_the_same_path() -> None:
    outs = [path for spec in declared_stages().values() for path in spec.outs + spec.metrics]
    assert len(set(outs)) == len(outs)


def test_a_folder_stands_for_all_of_its_files(tmp_path: Path) -> None:
    made = ("a/__init__.py", "a/b/__init__.py", "a/b/c.py", "a/b/d.py", "a/e.py", "f/g.py", "f/h.py")
    for name in (*made, "f/.h.py.swp", "f/__pycache__/g.nbi"):
        path = tmp_path / "pipeline" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    b, f = ["pipeline/a/b/c.py", "pipeline/a/b/d.py"], ["pipeline/f/g.py", "pipeline/f/h.py"]
    assert folded([*b, *f], root=tmp_path) == ("pipeline/a/b", "pipeline/f")
    assert folded([*b, "pipeline/a/e.py"], root=tmp_path) == ("pipeline/a",)
    assert folded(["pipeline/a/e.py", *b[:1], *f[:1]], root=tmp_path) == ("pipeline/a/b/c.py", "pipeline/a/e.py", f[0])
