"""Checks that the state database exists if there are releases: a lost database must not be taken for a first night."""

from pipeline.releases.release import release_ids
from pipeline.settings import Settings


def require_state(settings: Settings) -> None:
    """Refuse to take a lost state database for a first night.

    Raises:
        TableError: the database is damaged, or missing although earlier nights left releases.
    """
    from pipeline.state.database import check, exists, lost

    check(settings.state)
    left = release_ids(settings.releases)
    if left and not exists(settings.state):
        releases = "1 release" if len(left) == 1 else f"{len(left)} releases"
        raise lost(settings.state, f"{settings.releases} holds {releases} of earlier nights")
