"""Settings of all tests, and fixtures that several folders share.

Property tests try the same cases each time, so that a failure is due to the change; NETGAIN_FUZZ=N tries N others.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=int(os.environ.get("NETGAIN_FUZZ", "1000")), deadline=None)
settings.load_profile("fuzz" if "NETGAIN_FUZZ" in os.environ else "repeatable")


TESTS = Path(__file__).parent
TOGETHER = (TESTS / "faults",)
"""Folders whose files share a fixture that takes long to make."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group tests by file for `make test`, which gives a group to one process, and start with the slow groups.

    A long file at the end would leave one process waiting for the other. It has to come first: pytest-xdist reads the
    marks in its own hook of this name.
    """
    groups = {item: _group(item.path) for item in items}
    slow = {groups[item] for item in items if any(item.iter_markers("slow")) or any(item.iter_markers("spark"))}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: groups[item] not in slow)


def _group(path: Path) -> str:
    group = next((folder for folder in TOGETHER if folder in path.parents), path)
    return (group.relative_to(TESTS) if group.is_relative_to(TESTS) else group).as_posix()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store of MLflow; its schema takes seconds to make, so tests copy it."""
    from pipeline.settings import load_settings
    from pipeline.tracking.client import tracking_client

    netgain = load_settings({}, workspace=tmp_path_factory.mktemp("migrated"))
    with tracking_client(netgain):
        pass
    return netgain.workspace / "mlflow" / "mlflow.db"
