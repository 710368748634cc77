"""Tokens and erasure, applied to each file as it is read, before anything of it is stored.

A listener's id is replaced by the listener's token. No byte of a quarantined row is stored: it may hold any name. Rows
of erased listeners go to quarantine.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from pipeline.identity.erased import Erased
from pipeline.identity.tokens import OPEN_KEY, tokens_of
from pipeline.logs.mentions import candidates
from pipeline.logs.reading import ReadResult
from pipeline.logs.reasons import Reason
from pipeline.storage.schemas import PLAYS, QUARANTINE


@dataclass(frozen=True)
class PrivacyRules:
    """What `pseudonymise` applies.

    Attributes:
        key: of the tokens.
        erased: listeners whose plays are dropped; None: no listener's.
    """

    key: bytes = field(default=OPEN_KEY, repr=False)
    erased: Erased | None = None


OPEN_RULES = PrivacyRules()
"""Tokens without a secret, and no listener is dropped."""


def pseudonymise(result: ReadResult, privacy: PrivacyRules, *, are_tokens: bool = False) -> ReadResult:
    """Return plays of tokens, and a quarantine without bytes to which the rows of erased listeners were moved.

    Args:
        result: a file as its format reads it; for erasure, with quarantined rows whole (`Source.raw_bytes`).
        privacy: the rules of the night.
        are_tokens: whether the file holds tokens already (`Format.pseudonymised`).
    """
    plays, quarantine = pl.DataFrame(result.plays), result.quarantine
    if privacy.erased is not None:
        gone = _erased_among(plays["listener_id"].unique(), privacy, are_tokens=are_tokens)
        theirs = plays["listener_id"].is_in(list(gone))
        quarantine = _with_erased(result, plays.filter(theirs), privacy, are_tokens=are_tokens)
        plays = plays.filter(~theirs)
    if not are_tokens:
        plays = plays.with_columns(tokens_of(plays["listener_id"], privacy.key))
    quarantine = quarantine.set_column(3, QUARANTINE.field("raw"), pa.nulls(quarantine.num_rows, pa.binary()))
    return ReadResult(plays.select(PLAYS.names).to_arrow().cast(PLAYS), quarantine.cast(QUARANTINE), result.repairs)


def _erased_among(names: Iterable[str], privacy: PrivacyRules, *, are_tokens: bool) -> set[str]:
    """Return those names of a file that are an erased listener's."""
    if privacy.erased is None:
        return set()
    if are_tokens:
        return {name for name in names if privacy.erased.holds(name, privacy.key)}
    return privacy.erased.among(names, privacy.key)


def _with_erased(result: ReadResult, plays: pl.DataFrame, privacy: PrivacyRules, *, are_tokens: bool) -> pa.Table:
    """Return the quarantine with the erased listeners' plays, and with their rows marked."""
    rows = result.quarantine.to_pylist()
    named = result.quarantined_listeners or (None,) * len(rows)
    for row, listener in zip(rows, named, strict=True):
        # Where the reader found the listener, nothing else in the row counts: a title may be another listener's id.
        texts = {listener} if listener else candidates(row["raw"] or b"")
        if _erased_among(texts, privacy, are_tokens=are_tokens):
            row["reason"] = Reason.ERASED.value
    rows += [
        {"file": file, "row": row, "reason": Reason.ERASED.value, "raw": None}
        for file, row in plays.select("file", "row").iter_rows()
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["row"]), schema=QUARANTINE)
