"""The channels of alerts: the log always, a webhook and a mail server if they are configured.

An alert that cannot be sent is logged and raises nothing: the night itself must not fail for it. Addresses may contain
secrets, so the log names channels only.
"""

import logging
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from http.client import HTTPException
from json import dumps
from urllib.parse import unquote, urlsplit

from pipeline.alerting.message import Alert
from pipeline.errors import SettingsError
from pipeline.settings import Alerting

_SECONDS = 10.0
_PORTS = {"smtp": 587, "smtps": 465}

log = logging.getLogger(__name__)


def send(alert: Alert, settings: Alerting) -> tuple[str, ...]:
    """Send an alert by every configured channel, and return the channels that failed, each with the reason."""
    log.warning("%s", alert.text)
    channels: dict[str, Callable[[Alert, Alerting], None]] = {}
    if settings.webhook:
        channels["webhook"] = _post
    if settings.smtp:
        channels["mail"] = _mail
    failed = []
    for name, channel in channels.items():
        try:
            channel(alert, settings)
        except (OSError, HTTPException, smtplib.SMTPException, ValueError, SettingsError) as err:
            failed.append(f"{name}: {_reason(err)}")
            log.error("the alert was not sent by %s", failed[-1])
    return tuple(failed)


def _post(alert: Alert, settings: Alerting) -> None:
    url = str(settings.webhook)
    if urlsplit(url).scheme not in ("http", "https"):
        raise SettingsError(
            "the alert webhook is not an http(s) address", expected="https://…", fix="Set NETGAIN_ALERT_WEBHOOK."
        )
    body = dumps(alert.payload, ensure_ascii=False).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  # scheme is checked
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        answer.read(1)


def _mail(alert: Alert, settings: Alerting) -> None:
    server = urlsplit(str(settings.smtp))
    if server.scheme not in _PORTS or not server.hostname or not settings.to:
        raise SettingsError(
            "the mail server or the recipients of alerts are not configured",
            expected="NETGAIN_ALERT_SMTP=smtps://user:password@host and NETGAIN_ALERT_TO",
            fix="Set both variables.",
        )
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = alert.subject, settings.sender, ", ".join(settings.to)
    message.set_content(alert.text)
    port, safe = server.port or _PORTS[server.scheme], ssl.create_default_context()
    if server.scheme == "smtps":
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.hostname, port, timeout=_SECONDS, context=safe)
    else:
        session = smtplib.SMTP(server.hostname, port, timeout=_SECONDS)
    with session:
        session.ehlo()
        if server.scheme == "smtp" and session.has_extn("starttls"):
            session.starttls(context=safe)
            session.ehlo()
        if server.username:
            if not isinstance(session.sock, ssl.SSLSocket):
                raise SettingsError(
                    "the mail server offers no TLS", expected="TLS, as a password is sent", fix="Use smtps://."
                )
            session.login(unquote(server.username), unquote(server.password or ""))
        session.send_message(message)


def _reason(err: Exception) -> str:
    """Return why sending failed, without the address, which may contain a secret."""
    if isinstance(err, urllib.error.HTTPError):
        return f"HTTP {err.code}"
    if isinstance(err, smtplib.SMTPResponseException):
        return f"SMTP {err.smtp_code}"
    if isinstance(err, SettingsError):
        return str(err)
    return type(err).__name__ + (f": {err.reason}" if isinstance(err, urllib.error.URLError) else "")
