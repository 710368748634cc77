"""A workspace with releases."""

from pathlib import Path

import pytest

from pipeline.releases.publishing import publish
from pipeline.releases.release import Release
from pipeline.settings import Settings, load_settings
from pipeline.state.database import writing
from tests.releases.test_releases import contents


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, workspace=tmp_path)


@pytest.fixture
def three(settings: Settings) -> list[Release]:
    """Releases of three nights; the last one is served."""
    with writing(settings.state):
        pass
    nights = [contents(settings.workspace, f"2026-01-1{n}", f"night {n}") for n in range(3)]
    return [publish(settings.releases, night)[0] for night in nights]
