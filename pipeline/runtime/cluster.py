"""Spark on several machines: the addresses, the secret and the interpreter that a master elsewhere needs.

Everything else is Spark's own configuration, `spark-defaults.conf` in SPARK_CONF_DIR: images and namespaces of
Kubernetes, resources, dynamic allocation, fixed ports for a firewall.
"""

import contextlib
import os
import re
import socket
import sys
from pathlib import Path

from pipeline.errors import SettingsError, SparkLost
from pipeline.settings import Settings

_CONNECT_SECONDS = 5.0


def is_cluster(settings: Settings) -> bool:
    """Return whether executors run on other machines; `local-cluster[…]` is one machine."""
    return not settings.spark_master.startswith("local")


def require_cluster(settings: Settings) -> None:
    """Check a master before a JVM is started for it; a local master needs nothing.

    Raises:
        SettingsError: the master is of an unknown kind, or a standalone one without a secret.
        SparkLost: no master accepts connections.
    """
    if not is_cluster(settings):
        return
    masters = addresses(settings.spark_master)
    if not masters:
        raise SettingsError(
            f"NETGAIN_SPARK_MASTER = {settings.spark_master[:60]!r}",
            expected="local[*], spark://host:port[,host:port] or k8s://https://host:port",
            fix="Correct it.",
        )
    if settings.spark_master.startswith("spark://") and settings.spark_secret is None and not _configured_secret():
        raise SettingsError(
            "a standalone Spark cluster without a secret",
            expected="NETGAIN_SPARK_SECRET, the same for master, workers and driver: others could run code there",
            fix="See docs/how-to/scale.md.",
        )
    problems = []
    for host, port in masters:
        try:
            socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
            return
        except OSError as err:
            problems.append(f"{host}:{port}: {err.strerror or err}")
    raise SparkLost(
        f"no Spark master can be reached ({'; '.join(problems)})",
        expected="a running master at NETGAIN_SPARK_MASTER",
        fix="Start it, or correct the address.",
    )


def addresses(master: str) -> list[tuple[str, int]]:
    """Return host and port of each master of a URL; empty if it is of another kind.

    >>> addresses("spark://a:7077,b:7078"), addresses("k8s://https://api:6443"), addresses("mesos://x:1")
    ([('a', 7077), ('b', 7078)], [('api', 6443)], [])
    """
    found = re.fullmatch(r"spark://(.+)|k8s://(?:https?://)?([^/]+)/?", master)
    if found is None:
        return []
    parsed = []
    for text in (found[1] or found[2]).split(","):
        host, separator, port = text.strip().rpartition(":")
        if not separator:
            host, port = text.strip(), "443" if found[2] else "7077"
        if not host or not port.isdigit():
            return []
        parsed.append((host.strip("[]"), int(port)))
    return parsed


def driver_host(settings: Settings) -> str:
    """Return the address at which executors find the driver: as set, else that of the interface towards the master."""
    if not is_cluster(settings):
        return "127.0.0.1"
    if settings.spark_driver_host:
        return settings.spark_driver_host
    for host, port in addresses(settings.spark_master):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))  # no packet is sent; the kernel only chooses a route
            return str(probe.getsockname()[0])
    return socket.gethostname()


def driver_bind(settings: Settings) -> str:
    """Return the address that the driver listens on: as set, else the one that executors know."""
    return (settings.spark_driver_bind if is_cluster(settings) else None) or driver_host(settings)


def cluster_conf(settings: Settings) -> dict[str, str]:
    """Return the properties of Spark that depend on where executors run."""
    conf = {"spark.driver.host": driver_host(settings), "spark.driver.bindAddress": driver_bind(settings)}
    if is_cluster(settings):
        # Spark logs what becomes of executors at this level; the preflight and the watch read it there.
        conf |= {"spark.log.level": "INFO"}
        if settings.spark_secret is not None or settings.spark_master.startswith("k8s"):
            conf |= {"spark.authenticate": "true", "spark.network.crypto.enabled": "true"}
    return conf


def secret_arguments(settings: Settings, folder: Path) -> list[str]:
    """Return the arguments of spark-submit that name the secret's file, which is written; none without a secret.

    Spark takes the secret of a standalone cluster from its properties alone, and all accounts can read an argument.
    """
    if settings.spark_secret is None or not is_cluster(settings):
        return []
    path = folder / "spark-secret.conf"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"spark.authenticate.secret {settings.spark_secret}\n")
    return ["--load-spark-defaults", "--properties-file", str(path)]


def set_cluster_environment(settings: Settings) -> None:
    """Set the variables that the driver's JVM reads: its address and the workers' interpreter."""
    os.environ["PYSPARK_PYTHON"] = settings.spark_python or sys.executable
    if is_cluster(settings):
        os.environ["SPARK_LOCAL_IP"] = driver_bind(settings)
    else:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def _configured_secret() -> bool:
    """Return whether Spark's own configuration authenticates."""
    folder = os.environ.get("SPARK_CONF_DIR")
    file = Path(folder) / "spark-defaults.conf" if folder else None
    if file is None or not file.is_file():
        return False
    return bool(re.search(r"^\s*spark\.authenticate[\s=:]+true", file.read_text(errors="replace"), re.MULTILINE))
