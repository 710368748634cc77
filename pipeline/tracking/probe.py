"""Tests within seconds, and without MLflow, whether a tracking server answers."""

import http.client
import socket
from urllib.parse import urlsplit

from pipeline.errors import TrackingAway
from pipeline.tracking.client import without_secrets

PROBE_SECONDS = 5.0


def probe(uri: str, *, seconds: float = PROBE_SECONDS) -> None:
    """Check that a tracking server answers, with any status; other kinds of stores are not contacted.

    Args:
        uri: a tracking URI; only http and https name a server.
        seconds: timeout of connecting and of answering, each [s].

    Raises:
        TrackingAway: it does not answer.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return
    secure = parts.scheme == "https"
    try:
        if secure:  # certificates are left to MLflow, which may know further authorities
            socket.create_connection((parts.hostname, parts.port or 443), timeout=seconds).close()
            return
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
        try:
            connection.request("HEAD", "/health")
            connection.getresponse()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as err:
        what = "no answer" if isinstance(err, TimeoutError) else err
        raise TrackingAway(
            f"MLflow at {without_secrets(uri)}: {what}",
            expected="a tracking server that answers",
            fix="Start it, or fix NETGAIN_MLFLOW_URI.",
        ) from err
