"""What the machine is: NETGAIN_* variables with embedded defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from pipeline.errors import SettingsError
from pipeline.places import local_path, require_store, scheme_of

EngineName = Literal["auto", "inprocess", "spark"]

_MIN_KEY_BYTES = 16

_QUIET = {
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "DVC_NO_ANALYTICS": "1",
    "SCARF_NO_ANALYTICS": "true",
    "DO_NOT_TRACK": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class StateStore:
    """Where nights keep the state that they leave to each other.

    Attributes:
        folder: the ledger's folder, with the files that rows refer to and, by default, the SQLite database.
        uri: of a PostgreSQL database; None for SQLite.
    """

    folder: Path
    uri: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """Machine settings; relative folders are under the workspace (the folder of dvc.yaml)."""

    workspace: Path
    landing: Path
    """NETGAIN_LANDING, where logs arrive."""
    releases: Path
    """NETGAIN_RELEASES, what is served; this machine's copy of it, where that is a store."""
    releases_uri: str | None
    """NETGAIN_RELEASES, if it names a store, s3://bucket/prefix or file:///folder; None for a folder."""
    ledger: Path
    """NETGAIN_LEDGER, the folder of the state database and of the files beside it."""
    state_uri: str | None = field(repr=False)
    """NETGAIN_STATE_URI, a PostgreSQL database for several machines; None for SQLite in the ledger's folder."""
    keep_releases: int
    """NETGAIN_KEEP_RELEASES: at least so many of the latest stay; 0 for all."""
    reports: Path
    """NETGAIN_REPORTS, what people read."""
    datasets: Path
    """NETGAIN_DATASETS, the public data sets that can be fetched."""
    mlflow_uri: str
    """NETGAIN_MLFLOW_URI, an MLflow tracking URI."""
    mlflow_seconds: float
    """NETGAIN_MLFLOW_SECONDS, how long a night waits for a tracking server to take its record [s]."""
    mlflow_artifacts: Path
    """Artifacts of the embedded MLflow."""
    spark_master: str
    """NETGAIN_SPARK_MASTER, for sessions that a stage starts itself."""
    spark_driver_host: str | None
    """NETGAIN_SPARK_DRIVER_HOST, at which executors on other machines find the driver; None for the interface towards
    the master."""
    spark_driver_bind: str | None
    """NETGAIN_SPARK_DRIVER_BIND, the address that the driver listens on; None for the same one."""
    spark_secret: str | None = field(repr=False)
    """NETGAIN_SPARK_SECRET, which driver, master and workers of a standalone cluster share."""
    spark_python: str | None
    """NETGAIN_SPARK_PYTHON, the workers' interpreter; None for the path of this one."""
    spark_wait_seconds: float
    """NETGAIN_SPARK_WAIT_SECONDS, how long a cluster may be without an executor [s]."""
    spark_gib: float
    """NETGAIN_SPARK_GIB: heap of Spark's driver [GiB]; 0 for a quarter of the memory, and at least 2."""
    pushgateway: str | None = field(repr=False)
    """NETGAIN_PUSHGATEWAY, which takes the metrics of a night; None for the file in the reports' folder alone."""
    lineage_url: str | None = field(repr=False)
    """NETGAIN_LINEAGE_URL, an OpenLineage server; None for the file in the reports' folder alone."""
    lineage_namespace: str
    """NETGAIN_LINEAGE_NAMESPACE, of jobs and datasets."""
    id_key: bytes | None = field(repr=False)
    """NETGAIN_ID_KEY: the secret key of listeners' tokens; never written down. None for the open key."""
    owner: str | None
    """NETGAIN_OWNER: what the processes of one night have in common, where a scheduler runs it as several."""
    lease_minutes: float
    """NETGAIN_LEASE_MINUTES: after how long without a sign of life a night of another owner may be taken over [min]."""
    engine: EngineName
    """NETGAIN_ENGINE: `auto` runs work on logs in process and fits in Spark; the others run all of it in one."""

    @property
    def state(self) -> StateStore:
        """The state database and the folder of its files."""
        return StateStore(self.ledger, self.state_uri)

    @property
    def landing_cache(self) -> Path:
        """Checksums of landed files that are known, by path, size and time of change."""
        return self.workspace / ".netgain" / "landing-cache.json"


def load_settings(environ: Mapping[str, str] = os.environ, *, workspace: Path | None = None) -> Settings:
    """Return the settings of this machine, from environment variables.

    Raises:
        SettingsError: a variable has an invalid value.
    """
    workspace = (workspace or Path.cwd()).resolve()

    def folder(name: str, default: str) -> Path:
        return workspace / local_path(environ.get(f"NETGAIN_{name}") or default, named=f"NETGAIN_{name}")

    def number(name: str, default: float) -> float:
        text = environ.get(f"NETGAIN_{name}", "")
        try:
            value = float(text) if text else default
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise SettingsError(f"NETGAIN_{name} = {text!r}", expected="a number of 0 or more", fix="Set or unset it.")
        return value

    def whole(name: str, default: int, *, of: str) -> int:
        text = environ.get(f"NETGAIN_{name}") or str(default)
        if not text.isascii() or not text.isdigit():
            raise SettingsError(
                f"NETGAIN_{name} = {text!r}", expected=f"a whole number of {of}", fix="Set or unset it."
            )
        return int(text)

    releases_uri = _store_uri(environ.get("NETGAIN_RELEASES", ""))
    engine = environ.get("NETGAIN_ENGINE") or "auto"
    if engine not in get_args(EngineName):
        raise SettingsError(
            f"NETGAIN_ENGINE = {engine!r}", expected=f"one of {', '.join(get_args(EngineName))}", fix="Set or unset it."
        )
    key = environ.get("NETGAIN_ID_KEY", "").encode() or None
    if key is not None and len(key) < _MIN_KEY_BYTES:
        raise SettingsError(
            f"NETGAIN_ID_KEY of {len(key)} bytes",
            expected=f"at least {_MIN_KEY_BYTES}",
            fix="Make one: python -c 'import secrets; print(secrets.token_hex(32))'.",
        )
    return Settings(
        workspace=workspace,
        landing=folder("LANDING", "landing"),
        releases=workspace / ".netgain" / "releases" if releases_uri else folder("RELEASES", "releases"),
        releases_uri=releases_uri,
        ledger=folder("LEDGER", "ledger"),
        state_uri=_state_uri(environ.get("NETGAIN_STATE_URI", "")),
        keep_releases=whole("KEEP_RELEASES", 30, of="releases"),
        reports=folder("REPORTS", "reports"),
        datasets=folder("DATASETS", "infra/datasets.yaml"),
        mlflow_uri=_with_driver(environ.get("NETGAIN_MLFLOW_URI") or f"sqlite:///{workspace}/mlflow/mlflow.db"),
        mlflow_seconds=float(whole("MLFLOW_SECONDS", 20, of="seconds")),
        mlflow_artifacts=workspace / "mlflow" / "artifacts",
        spark_master=environ.get("NETGAIN_SPARK_MASTER") or "local[*]",
        spark_driver_host=environ.get("NETGAIN_SPARK_DRIVER_HOST") or None,
        spark_driver_bind=environ.get("NETGAIN_SPARK_DRIVER_BIND") or None,
        spark_secret=_spark_secret(environ.get("NETGAIN_SPARK_SECRET", "")),
        spark_python=environ.get("NETGAIN_SPARK_PYTHON") or None,
        spark_wait_seconds=number("SPARK_WAIT_SECONDS", 30.0),
        spark_gib=number("SPARK_GIB", 0.0),
        pushgateway=environ.get("NETGAIN_PUSHGATEWAY") or None,
        lineage_url=environ.get("NETGAIN_LINEAGE_URL") or None,
        lineage_namespace=environ.get("NETGAIN_LINEAGE_NAMESPACE") or "netgain",
        id_key=key,
        owner=environ.get("NETGAIN_OWNER") or None,
        lease_minutes=number("LEASE_MINUTES", 30.0),
        engine=engine,  # type: ignore[arg-type]  # checked against the literal above
    )


def _store_uri(text: str) -> str | None:
    """Return the URI of a store; None for a folder.

    Raises:
        SettingsError: it is an address of another kind.
    """
    if scheme_of(text) is None:
        return None
    require_store(text, named="NETGAIN_RELEASES")
    return text


def _spark_secret(text: str) -> str | None:
    """Return the secret of a standalone cluster.

    Raises:
        SettingsError: it is too short.
    """
    if 0 < len(text.encode()) < _MIN_KEY_BYTES:
        raise SettingsError(
            f"NETGAIN_SPARK_SECRET of {len(text.encode())} bytes",
            expected=f"at least {_MIN_KEY_BYTES}",
            fix="Make one: python -c 'import secrets; print(secrets.token_hex(32))'.",
        )
    return text or None


def _state_uri(text: str) -> str | None:
    """Return the URI with the driver that Netgain uses.

    Raises:
        SettingsError: it is not one of PostgreSQL.
    """
    scheme, _, rest = text.partition("://")
    if not text:
        return None
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not rest:
        raise SettingsError(
            "NETGAIN_STATE_URI names no PostgreSQL database",
            expected="postgresql://user@host/database",
            fix="Set it, or unset it for SQLite in the ledger's folder.",
        )
    return _with_driver(text)


def _with_driver(uri: str) -> str:
    """Return a URI of PostgreSQL with the driver of the extra `postgres`, which is not SQLAlchemy's default one."""
    scheme, separator, rest = uri.partition("://")
    return f"postgresql+psycopg{separator}{rest}" if scheme in ("postgresql", "postgres") else uri


def silence_telemetry(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Switch off the telemetry of dependencies by their environment variables; variables that are set are kept."""
    for name, value in _QUIET.items():
        environ.setdefault(name, value)


@dataclass(frozen=True)
class Alerting:
    """Where alerts go, besides the log; nothing of it is written down anywhere."""

    webhook: str | None = field(repr=False)
    """NETGAIN_ALERT_WEBHOOK, an address that takes JSON with `text`: Slack, Mattermost and their like."""
    smtp: str | None = field(repr=False)
    """NETGAIN_ALERT_SMTP, smtps://user:password@host[:port], or smtp:// with STARTTLS."""
    sender: str
    """NETGAIN_ALERT_FROM."""
    to: tuple[str, ...]
    """NETGAIN_ALERT_TO, addresses with commas between them."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels that are set."""
        return tuple(name for name, value in (("webhook", self.webhook), ("mail", self.smtp)) if value)


def load_alerting(environ: Mapping[str, str] = os.environ) -> Alerting:
    """Return where alerts are sent, from environment variables.

    Values are not validated here but when an alert is sent, so that a wrong one cannot stop a night.
    """
    told = {name: environ.get(f"NETGAIN_ALERT_{name}", "").strip() for name in ("WEBHOOK", "SMTP", "FROM", "TO")}
    return Alerting(
        webhook=told["WEBHOOK"] or None,
        smtp=told["SMTP"] or None,
        sender=told["FROM"] or "netgain@localhost",
        to=tuple(address for part in told["TO"].split(",") if (address := part.strip())),
    )
