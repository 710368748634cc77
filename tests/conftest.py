"""Settings of all tests, and fixtures that several folders share.

Property tests try the same cases each time, so that a failure is due to the change; NETGAIN_FUZZ=N tries N others.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=int(os.environ.get("NETGAIN_FUZZ", "1000")), deadline=None)
settings.load_profile("fuzz" if "NETGAIN_FUZZ" in os.environ else "repeatable")


# pytest-xdist tells its processes that they have 80 columns: what is printed would depend on how tests are started.
os.environ.pop("COLUMNS", None)

TOGETHER = ("tests/faults/",)
"""Folders whose files share a fixture that takes long to make."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slow files: a long one at the end would leave one process of `make test` waiting for the other."""
    slow = {_group(item.nodeid) for item in items if any(map(item.get_closest_marker, ("slow", "spark")))}
    items.sort(key=lambda item: _group(item.nodeid) not in slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give files to the processes of `make test` whole, so that no fixture of a file is made twice.

    This is `--dist=loadfile` for folders as well; pytest-xdist 3.8 does not see groups under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # as above
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return ByGroup(config, log)


def _group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store of MLflow; its schema takes seconds to make, so tests copy it."""
    from pipeline.settings import load_settings
    from pipeline.tracking.client import tracking_client

    netgain = load_settings({}, workspace=tmp_path_factory.mktemp("migrated"))
    with tracking_client(netgain):
        pass
    return netgain.workspace / "mlflow" / "mlflow.db"
