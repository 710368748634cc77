"""An MLflow client that is quiet, fails within seconds, and sets up a new store."""

import fcntl
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import TrackingAway
from pipeline.settings import Settings, silence_telemetry

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "netgain nightly"

# A dead server is an error within seconds instead of minutes of retries. MLflow also retries requests that create runs,
# so that a slow answer would leave two of them; the outbox retries whole entries instead.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@contextmanager
def tracking_client(settings: Settings) -> "Iterator[MlflowClient]":
    """Yield a client of the configured MLflow; errors inside the block become one line.

    Raises:
        TrackingAway: MLflow does not answer, or refuses the request.
    """
    silence_telemetry()
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from alembic.util import CommandError
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("alembic").setLevel(logging.ERROR)
    uri = settings.mlflow_uri
    try:
        with _one_migrates(settings):
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
        yield client
    # MLflow passes on errors of `requests` for artifacts, and of its database: damaged, in use, or without a driver.
    except (MlflowException, OSError, SQLAlchemyError, CommandError, sqlite3.Error, ImportError) as err:
        raise TrackingAway(
            f"MLflow at {without_secrets(uri)}: {without_secrets(_first_line(err))}",
            expected="a working tracking server or store",
            fix="Fix NETGAIN_MLFLOW_URI or start the server; the served release is not affected.",
        ) from err


@contextmanager
def _one_migrates(settings: Settings) -> Iterator[None]:
    """Serialise the first connections: concurrent schema migrations of one SQLite file fail."""
    if not settings.mlflow_uri.startswith("sqlite:///"):
        yield
        return
    lock = settings.mlflow_artifacts.parent / ".migration.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def experiment_id(
    client: "MlflowClient",
    settings: Settings,
    about: str,
    *,
    name: str = EXPERIMENT,
    view: tuple[str, str] | None = None,
) -> str:
    """Return the id of an experiment, by default that of all nights.

    It is created on first use with a description (Markdown) and, if given, a saved view (tag, value).
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    embedded = settings.mlflow_uri.startswith("sqlite:///")
    tags = {"mlflow.note.content": about, "mlflow.experimentKind": "custom_model_development"}
    tags |= {} if view is None else {view[0]: view[1]}
    return str(client.create_experiment(name, settings.mlflow_artifacts.as_uri() if embedded else None, tags=tags))


def _first_line(err: Exception) -> str:
    return (str(err).strip().splitlines() or [type(err).__name__])[0][:200]


def without_secrets(uri: str) -> str:
    """Return a URI without the user name and password that it may contain."""
    return re.sub(r"//[^/@]*@", "//", uri)
