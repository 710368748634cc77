"""Whether a tracking server answers at all, found in seconds and without MLflow."""

import http.client
import socket
from urllib.parse import urlsplit

from pipeline.errors import TrackingAway
from pipeline.tracking.client import without_secrets

PROBE_SECONDS = 5.0


def probe(uri: str, *, seconds: float = PROBE_SECONDS) -> None:
    """Nothing, where the server answers, whatever it answers, or where there is none to ask.

    Args:
        uri: a tracking URI; only http and https name a server.
        seconds: for each of connecting and answering.

    Raises:
        TrackingAway: it does not answer.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return
    secure = parts.scheme == "https"
    try:
        if secure:  # its certificate is for MLflow to judge, who may know authorities of its own
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
            fix="Start it, or mend NETGAIN_MLFLOW_URI.",
        ) from err
