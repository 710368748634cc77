"""Property tests try the same cases each time, so that a red run is the change's own; NETGAIN_FUZZ=N tries N others.

And what tests of several folders copy."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=int(os.environ.get("NETGAIN_FUZZ", "1000")), deadline=None)
settings.load_profile("fuzz" if "NETGAIN_FUZZ" in os.environ else "repeatable")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store of MLflow; its schema takes seconds to make, so tests copy it."""
    from pipeline.settings import load_settings
    from pipeline.tracking.client import tracking_client

    netgain = load_settings({}, workspace=tmp_path_factory.mktemp("migrated"))
    with tracking_client(netgain):
        pass
    return netgain.workspace / "mlflow" / "mlflow.db"
