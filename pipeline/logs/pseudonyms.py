"""The door between logs and everything else: who may come in, and under which name.

With a key, a listener's id is replaced by a keyed digest of it, and nothing that could hold another name passes: of
rows in quarantine the bytes are withheld. A listener who was erased does not come in again.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.errors import SettingsError
from pipeline.logs.reading import ReadResult, Reason
from pipeline.storage.tables import PLAYS, QUARANTINE

_TOKENS = re.compile(r'[\s"\',;|:{}\[\]<>]+')


@dataclass(frozen=True)
class Erased:
    """Listeners who were erased, known by salted digests of their ids alone."""

    salt: str
    digests: frozenset[str]

    def has(self, listener_id: str) -> bool:
        return digest_of(listener_id, self.salt) in self.digests

    def among(self, names: Iterable[str]) -> set[str]:
        """Those of the names that are of an erased listener."""
        return {name for name in names if self.has(name)}

    def mentioned(self, raw: bytes) -> bool:
        """Whether one of the words of some bytes is the id of an erased listener."""
        return bool(self.among(_TOKENS.split(raw.decode("utf-8", "replace"))))

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Erased":
        return cls(str(told["salt"]), frozenset(map(str, told["digests"])))

    def as_json(self) -> dict[str, Any]:
        return {"salt": self.salt, "digests": sorted(self.digests)}


@dataclass(frozen=True)
class PrivacyRules:
    """Attributes:
    key: of pseudonyms; None: ids stay as they are.
    erased: who does not come in; None: everybody does.
    """

    key: bytes | None = field(default=None, repr=False)
    erased: Erased | None = None


NO_RULES = PrivacyRules()
"""Everybody comes in, as they are."""


def digest_of(listener_id: str, salt: str) -> str:
    """HMAC-SHA256 of an id under a salt, in hexadecimal."""
    return hmac.digest(bytes.fromhex(salt), listener_id.encode(), hashlib.sha256).hex()


def pseudonym(key: bytes, listener_id: str) -> str:
    """The first 128 bits of the id's HMAC-SHA256, in hexadecimal."""
    return hmac.digest(key, listener_id.encode(), hashlib.sha256).hex()[:32]


def fingerprint(key: bytes | None) -> str | None:
    """What tells keys apart and gives none away."""
    return None if key is None else hmac.digest(key, b"netgain: fingerprint of the key", hashlib.sha256).hex()[:16]


def check_key(key: bytes | None, expected: str | None) -> None:
    """The key must be that of the night that is open: another one gives every listener another name.

    Raises:
        SettingsError: it is another one, or one of the two is none.
    """
    if fingerprint(key) != expected:
        raise SettingsError(
            "NETGAIN_ID_KEY is not set" if key is None else "NETGAIN_ID_KEY is not the key of the open night",
            expected="the key that the night was opened with" if expected else "none, as when the night was opened",
            fix="Set it, or open the night again.",
        )


def pseudonymise(result: ReadResult, privacy: PrivacyRules) -> ReadResult:
    """What comes in: plays under the names they may have; rows of erased listeners are put aside without a byte."""
    if privacy == NO_RULES:
        return result
    plays, aside = pl.DataFrame(result.plays), result.quarantine
    if privacy.erased is not None:
        gone = privacy.erased.among(plays["listener_id"].unique())
        erased = plays.filter(pl.col("listener_id").is_in(gone))
        plays = plays.filter(~pl.col("listener_id").is_in(gone))
        aside = _with_erased(aside, erased, privacy.erased)
    if privacy.key is not None:
        names = plays["listener_id"].unique().to_list()
        known = pl.DataFrame(
            {"listener_id": names, "alias": [pseudonym(privacy.key, name) for name in names]},
            schema={"listener_id": pl.String, "alias": pl.String},
        )
        plays = plays.join(known, on="listener_id", how="left", maintain_order="left")
        plays = plays.with_columns(listener_id="alias")
        aside = aside.set_column(3, QUARANTINE.field("raw"), pa.nulls(aside.num_rows, pa.binary()))
    return ReadResult(plays.select(PLAYS.names).to_arrow().cast(PLAYS), aside.cast(QUARANTINE), result.repairs)


def _with_erased(aside: pa.Table, erased: pl.DataFrame, who: Erased) -> pa.Table:
    rows = [
        row | {"reason": Reason.ERASED.value, "raw": None} if who.mentioned(row["raw"] or b"") else row
        for row in aside.to_pylist()
    ]
    rows += [
        {"file": file, "row": row, "reason": Reason.ERASED.value, "raw": None}
        for file, row in erased.select("file", "row").iter_rows()
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["row"]), schema=QUARANTINE)
