"""Environment, Java and disk."""

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.doctor import disk, environment, java
from pipeline.settings import Settings
from tests.doctor.looking import only
from tests.workspace import ROOT


def test_installed_packages_are_compared_with_the_lock_file(settings: Settings, tmp_path: Path) -> None:
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    assert only(environment.look(settings)).found.endswith("packages as in requirements.lock")
    lock = "numpy==1.0 \\\n    --hash=sha256:00\nno-such-tool==1\nother==1 ; python_full_version < '3'\n"
    (tmp_path / "requirements.lock").write_text(lock, encoding="utf-8")
    assert list(environment.pinned(tmp_path / "requirements.lock")) == [("numpy", "1.0"), ("no-such-tool", "1")]
    finding = only(environment.look(settings))
    assert finding.level == "warn"
    assert finding.found.startswith("versions differ from requirements.lock: numpy 2")


def java_home(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")  # starting it gives no version
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n', encoding="utf-8")
    return folder


@pytest.mark.parametrize(("version", "level"), [("17.0.9", "ok"), ("25", "ok"), ("1.8.0_392", "fail"), ("?", "warn")])
def test_the_java_version_is_read_from_its_release_file_without_starting_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, level: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path / "java", version)))
    assert only(java.look(settings)).level == level
    assert only(java.look(replace(settings, engine="inprocess"))).found.startswith("not needed")


def test_added_bytes_are_counted_by_day_and_hard_links_once(tmp_path: Path) -> None:
    now = time.time()
    for name, n_bytes, days in (("a", 100, 0.1), ("b", 20, 0.5), ("c", 3, 2.5), ("old", 4000, 8)):
        (tmp_path / name).write_bytes(bytes(n_bytes))
        os.utime(tmp_path / name, (now, now - 86_400 * days))
    os.link(tmp_path / "a", tmp_path / "again")
    assert dict(disk.added_by_day([tmp_path, tmp_path / "missing"], now=now)) == {0: 120, 2: 3}


def test_the_forecast_is_free_space_divided_by_the_bytes_of_the_busiest_day(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.releases.mkdir()
    (settings.releases / "lists.parquet").write_bytes(bytes(1000))
    levels = []
    for free in (999, 1000, 13_999, 14_000):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(0, 0, free))
        levels.append(only(disk.look(settings)).level)
    assert levels == ["fail", "warn", "warn", "ok"]
