"""What several tests of stages copy."""

from pathlib import Path

import pytest

from pipeline.io.tracking_client import tracking_client
from pipeline.settings import load_settings


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store; its schema takes seconds to make, so tests copy it."""
    settings = load_settings({}, workspace=tmp_path_factory.mktemp("migrated"))
    with tracking_client(settings):
        pass
    return settings.workspace / "mlflow" / "mlflow.db"
