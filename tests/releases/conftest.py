"""Releases of a few nights."""

from pathlib import Path

import pytest

from pipeline.releases.publishing import publish
from pipeline.releases.release import Release
from tests.releases.test_releases import contents


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "releases"


@pytest.fixture
def two(tmp_path: Path, root: Path) -> list[Release]:
    """Releases of two nights; the last one is served."""
    return _published(tmp_path, root, 2)


@pytest.fixture
def three(tmp_path: Path, root: Path) -> list[Release]:
    """Releases of three nights; the last one is served."""
    return _published(tmp_path, root, 3)


@pytest.fixture
def five(tmp_path: Path, root: Path) -> list[Release]:
    """Releases of five nights; the last one is served."""
    return _published(tmp_path, root, 5)


def _published(source: Path, root: Path, n: int) -> list[Release]:
    return [publish(root, contents(source, f"2026-01-1{night}", f"night {night}"))[0] for night in range(n)]
