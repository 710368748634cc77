"""Alerts reach a webhook and a mailbox, say what to do, and a channel that fails is one line in the log."""

import logging
import subprocess
from pathlib import Path

import pytest

from pipeline.alerting import message
from pipeline.alerting.channels import send
from pipeline.settings import Alerting, load_alerting
from tests.alerting.servers import mailbox, webhook
from tests.workspace import ROOT, environment

DECISION = {"as_of": "2026-02-12", "verdict": "KEEP", "sentence": "KEPT als.", "faults": []}


def to(**values: str) -> Alerting:
    return load_alerting({f"NETGAIN_ALERT_{name}": value for name, value in values.items()})


def test_a_verdict_reaches_both_channels_with_the_warnings() -> None:
    alert = message.ended(DECISION, ["hit rate: 1 %, below 2 %"], links={"decision": "http://127.0.0.1/d"})
    with webhook() as (url, posted), mailbox() as (smtp, mails):
        failed = send(alert, to(WEBHOOK=url, SMTP=smtp, TO="ann@example.org, bob@example.org", FROM="n@example.org"))
    assert failed == ()
    assert [(p["kind"], p["subject"], p["as_of"]) for p in posted] == [
        ("verdict", "Netgain 2026-02-12: KEEP, 1 warning", "2026-02-12")
    ]
    assert posted[0]["text"].splitlines()[2:4] == ["KEPT als.", "warning: hit rate: 1 %, below 2 %"]
    assert "Subject: Netgain 2026-02-12: KEEP, 1 warning" in mails[0]
    assert "To: ann@example.org, bob@example.org" in mails[0]
    assert "decision: http://127.0.0.1/d" in mails[0]


def test_the_alert_of_a_failed_night_says_where_why_and_what_to_do() -> None:
    text = message.stopped("validate", "no plays; expected some.", as_of="2026-02-12", served="Still served: r.").text
    assert text.splitlines()[0] == "Netgain 2026-02-12: stopped at validate"
    assert "no plays; expected some.\nStill served: r.\nWhat to do: See reports/data_docs/" in text
    assert message.stopped("rollback", "x", as_of=None, served="").subject == "Netgain: stopped at rollback"


def test_the_alert_of_an_invalid_night_says_that_lists_are_served() -> None:
    assert "no decision was made" in message.ended(DECISION | {"verdict": "INVALID"}, []).text


def test_a_failed_channel_is_logged_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    alert = message.Alert("note", "hello", ())
    with webhook(status=500) as (url, posted), caplog.at_level(logging.WARNING):
        failed = send(alert, to(WEBHOOK=url, SMTP="smtp://me:pa55@127.0.0.1:9", TO="ann@example.org"))
    assert len(posted) == 1
    assert failed == ("webhook: HTTP 500", "mail: ConnectionRefusedError")
    assert "hello" in caplog.text
    assert not {"s3cret", "pa55"} & set(caplog.text.replace("=", " ").replace(":", " ").split())
    assert "s3cret" not in repr(to(WEBHOOK=url))


@pytest.mark.parametrize("smtp", ["ftp://host", "smtp://", "nonsense", "smtp://host:99999"])
def test_a_server_that_speaks_no_smtp_raises_nothing(smtp: str) -> None:
    failed = send(message.Alert("note", "hello", ()), to(SMTP=smtp, TO="ann@example.org", WEBHOOK="file:///etc/passwd"))
    assert [line.partition(":")[0] for line in failed] == ["webhook", "mail"]


def test_a_password_is_not_sent_without_tls() -> None:
    with mailbox() as (smtp, mails):
        safe = smtp.replace("smtp://", "smtp://me:pa55@")
        failed = send(message.Alert("note", "hello", ()), to(SMTP=safe, TO="ann@example.org"))
    assert "offers no TLS" in failed[0]
    assert mails == []


def test_the_command_sends_by_every_channel(tmp_path: Path) -> None:
    with webhook() as (url, posted):
        done = subprocess.run(
            ["netgain", "alert", "a trial", "--line", "of the channels"],
            cwd=tmp_path,
            env=environment(ROOT, NETGAIN_ALERT_WEBHOOK=url),
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.strip() == "sent: log, webhook"
    assert posted[0]["text"] == "a trial\n\nof the channels"
