"""Requests hold no id, are refused where they would be void, and wait for the night that can carry them out."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.erasure.copies import remove_exports
from pipeline.erasure.requests import Pending, carried_out, erased, pending, request, requests_of
from pipeline.errors import ParamsError
from pipeline.identity.key import record_key
from pipeline.identity.tokens import OPEN_KEY
from pipeline.settings import load_settings
from pipeline.state.rows import transaction
from tests.erasure.listeners import erasing, token

ANN, BOB = token("ann"), token("bob")


def test_a_request_writes_tokens_and_no_id(tmp_path: Path) -> None:
    assert request(tmp_path, ["ann-unique", "bob"], key=OPEN_KEY, by="dpo") == 2
    assert request(tmp_path, ["bob"], key=OPEN_KEY, by="dpo") == 0
    assert pending(tmp_path).tokens == {token("ann-unique"), BOB}
    who = erased(tmp_path)
    assert who is not None
    assert who.among(["ann-unique", "bob", "ann"], OPEN_KEY) == {"ann-unique", "bob"}
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"ann-unique" not in written
    assert token("ann-unique").encode() not in (tmp_path / "netgain.db").read_bytes()
    assert (tmp_path / "erasures" / "pending.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["ann", "ann lee", "zoë", "a|b", "7"])
@pytest.mark.parametrize("option", ["by", "reason"])
def test_what_a_certificate_shows_must_not_name_a_listener_who_leaves(tmp_path: Path, name: str, option: str) -> None:
    text = {"by": "dpo", "reason": "asked by mail"} | {option: f"for {name.upper()}."}
    with pytest.raises(ParamsError, match=f"--{option} contains the id"):
        request(tmp_path, ["bob", name], key=OPEN_KEY, **text)
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_is_part_of_a_word_or_of_the_default_reason_is_no_reason_to_refuse(tmp_path: Path) -> None:
    assert request(tmp_path, ["ann"], key=OPEN_KEY, by="dpo", reason="announced in January") == 1
    assert request(tmp_path, ["listener"], key=OPEN_KEY, by="dpo") == 1


def test_a_request_that_comes_in_meanwhile_waits_and_a_certificate_lists_its_own(tmp_path: Path) -> None:
    request(tmp_path, ["ann"], key=OPEN_KEY, by="dpo", reason="first")
    now = pending(tmp_path)
    request(tmp_path, ["bob"], key=OPEN_KEY, by="dpo", reason="second")
    assert [asked["reason"] for asked in requests_of(tmp_path, now.tokens)] == ["first"]
    carried_out(tmp_path, now)
    assert pending(tmp_path) == Pending(frozenset({BOB}))
    carried_out(tmp_path, pending(tmp_path))
    assert pending(tmp_path) == Pending()
    assert not (tmp_path / "erasures" / "pending.json").exists()


def test_who_asks_where_no_night_ran_or_with_another_key_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = CliRunner().invoke(app, ["erase", "ann", "--by", "dpo"])
    assert "no night has run here" in str(asked.exception)
    assert list(tmp_path.iterdir()) == []
    with transaction(load_settings({}, workspace=tmp_path).state) as state:
        record_key(state, b"k" * 16)
    asked = CliRunner().invoke(app, ["erase", "ann", "--by", "dpo"])
    assert "NETGAIN_ID_KEY is not set" in str(asked.exception)
    assert pending(tmp_path / "ledger") == Pending()
    monkeypatch.setenv("NETGAIN_ID_KEY", "k" * 16)
    assert CliRunner().invoke(app, ["erase", "ann", "--by", "dpo"]).exit_code == 0


@pytest.mark.parametrize(
    ("path", "row", "goes"),
    [
        ("a.jsonl", '{"listener_id": "ann", "played_at": "never"}', True),
        ("a.jsonl", '{"listener_id": "ann', True),
        ("a.jsonl", '{"listener_id": "ann lee", "played_at": "never"}', False),
        ("a.jsonl", '{"listener_id": "bob", "artist_name": "ann", "played_at": "never"}', False),
        (f"{ANN}/StreamingHistory0.json", "[]", True),
        (f"{BOB}/StreamingHistory0.json", "[]", False),
    ],
)
def test_an_export_of_the_quarantine_goes_if_it_holds_a_row_of_the_erased(
    tmp_path: Path, path: str, row: str, goes: bool
) -> None:
    (tmp_path / "sub").mkdir()
    out = tmp_path / "sub" / "mend.jsonl"
    out.write_text(row + "\n")
    rows = out.with_name("mend.jsonl.rows.json")
    rows.write_text(json.dumps({"format": "netgain,spotify", "path": path, "sha256": "0", "rows": [0]}))
    n_removed = remove_exports(tmp_path, erasing("ann"), {ANN}, but=tmp_path / ".venv")
    assert (n_removed, out.exists(), rows.exists()) == (int(goes), not goes, not goes)
