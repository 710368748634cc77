"""Pseudonyms and erasure, applied to each file as it is read, before anything of it is stored.

With a key, a listener's id is replaced by a keyed digest, and the bytes of rows in quarantine, which may hold other
names, are dropped. Rows of erased listeners go to quarantine without their bytes.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import SettingsError
from pipeline.logs.reasons import Reason

# The server imports this module for names and erasures alone: tables are imported where they are read.
if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from pipeline.logs.reading import ReadResult

_TOKENS = re.compile(r'[\s"\',;|:{}\[\]<>]+')


@dataclass(frozen=True)
class Erased:
    """The erased listeners, by salted digests of their ids."""

    salt: str
    digests: frozenset[str]

    def has(self, listener_id: str) -> bool:
        """Return whether the listener of that id was erased."""
        return digest_of(listener_id, self.salt) in self.digests

    def among(self, listener_ids: Iterable[str]) -> set[str]:
        """Return the ids among these that belong to erased listeners."""
        return {each for each in listener_ids if self.has(each)}

    def mentioned(self, raw: bytes) -> bool:
        """Return whether a word of the text is the id of an erased listener."""
        return bool(self.among(_TOKENS.split(raw.decode("utf-8", "replace"))))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Erased":
        """Return the erased listeners that `as_json` wrote."""
        return cls(str(values["salt"]), frozenset(map(str, values["digests"])))

    def as_json(self) -> dict[str, Any]:
        """Return salt and digests as JSON values."""
        return {"salt": self.salt, "digests": sorted(self.digests)}


@dataclass(frozen=True)
class PrivacyRules:
    """What `pseudonymise` applies.

    Attributes:
        key: the pseudonym key; None: ids stay as they are.
        erased: listeners whose plays are dropped; None: no listener's.
    """

    key: bytes | None = field(default=None, repr=False)
    erased: Erased | None = None


NO_RULES = PrivacyRules()
"""Ids stay as they are and no listener is dropped."""


def digest_of(listener_id: str, salt: str) -> str:
    """Return the HMAC-SHA256 of an id under a salt, in hexadecimal."""
    return hmac.digest(bytes.fromhex(salt), listener_id.encode(), hashlib.sha256).hex()


def pseudonym(key: bytes, listener_id: str) -> str:
    """Return the first 128 bits of the HMAC-SHA256 of an id, in hexadecimal."""
    return hmac.digest(key, listener_id.encode(), hashlib.sha256).hex()[:32]


def fingerprint(key: bytes | None) -> str | None:
    """Return a non-reversible fingerprint of a key; None for no key."""
    return None if key is None else hmac.digest(key, b"netgain: fingerprint of the key", hashlib.sha256).hex()[:16]


def check_key(key: bytes | None, expected: str | None) -> None:
    """Check that the key is the one the night was opened with: another key would rename every listener.

    Args:
        key: NETGAIN_ID_KEY; None if it is not set.
        expected: the fingerprint of the night's key; None if the night has no key.

    Raises:
        SettingsError: the key differs, or only one of the two is None.
    """
    if fingerprint(key) != expected:
        raise SettingsError(
            "NETGAIN_ID_KEY is not set" if key is None else "NETGAIN_ID_KEY is not the key of the open night",
            expected="the key that the night was opened with" if expected else "none, as when the night was opened",
            fix="Set it, or open the night again.",
        )


def pseudonymise(result: "ReadResult", privacy: PrivacyRules) -> "ReadResult":
    """Return plays under pseudonyms, with the rows of erased listeners moved to quarantine without their bytes.

    Args:
        result: a file as its format reads it.
        privacy: the rules of the night.
    """
    import polars as pl
    import pyarrow as pa

    from pipeline.logs.reading import ReadResult
    from pipeline.storage.schemas import PLAYS, QUARANTINE

    if privacy == NO_RULES:
        return result
    plays, quarantine = pl.DataFrame(result.plays), result.quarantine
    if privacy.erased is not None:
        gone = privacy.erased.among(plays["listener_id"].unique())
        erased = plays.filter(pl.col("listener_id").is_in(gone))
        plays = plays.filter(~pl.col("listener_id").is_in(gone))
        quarantine = _with_erased(quarantine, erased, privacy.erased)
    if privacy.key is not None:
        names = plays["listener_id"].unique().to_list()
        known = pl.DataFrame(
            {"listener_id": names, "alias": [pseudonym(privacy.key, name) for name in names]},
            schema={"listener_id": pl.String, "alias": pl.String},
        )
        plays = plays.join(known, on="listener_id", how="left", maintain_order="left")
        plays = plays.with_columns(listener_id="alias")
        quarantine = quarantine.set_column(3, QUARANTINE.field("raw"), pa.nulls(quarantine.num_rows, pa.binary()))
    return ReadResult(plays.select(PLAYS.names).to_arrow().cast(PLAYS), quarantine.cast(QUARANTINE), result.repairs)


def _with_erased(quarantine: "pa.Table", plays: "pl.DataFrame", erased: Erased) -> "pa.Table":
    """Return the quarantine with the erased listeners' plays, and without the bytes of rows that mention them."""
    import pyarrow as pa

    from pipeline.storage.schemas import QUARANTINE

    rows = [
        row | {"reason": Reason.ERASED.value, "raw": None} if erased.mentioned(row["raw"] or b"") else row
        for row in quarantine.to_pylist()
    ]
    rows += [
        {"file": file, "row": row, "reason": Reason.ERASED.value, "raw": None}
        for file, row in plays.select("file", "row").iter_rows()
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["row"]), schema=QUARANTINE)
