"""Tokens: the only names of listeners after the reader."""

import hmac
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

# The server maps ids and has no tables: Polars is imported where they are.
if TYPE_CHECKING:
    import polars as pl

OPEN_KEY = b"netgain: listener tokens without a secret"
"""The key of a workspace without NETGAIN_ID_KEY. It is public: its tokens hide nothing from people who know the ids."""

TOKEN = re.compile("[0-9a-f]{32}")
_DIGITS = 32
_CACHED = 1 << 17  # listeners come back in each day's file
_FINGERPRINTED = b"netgain: fingerprint of the key"


@lru_cache(maxsize=_CACHED)
def token_of(listener_id: str, key: bytes) -> str:
    """Return a listener's token: 128 bits of the HMAC-SHA256 of the id, in NFC and UTF-8, in hexadecimal.

    Args:
        listener_id: as the listener's logs have it, whole numbers as their digits.
        key: the workspace's key, see `pipeline.identity.key.workspace_key`.

    >>> token_of("L000042", b"0123456789abcdef")
    '729deeac02f0953b846492e9c6bf5fd5'
    """
    text = listener_id if listener_id.isascii() else unicodedata.normalize("NFC", listener_id)
    # surrogatepass: an argument of the command line may be no text, and must still be refused as unknown.
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:_DIGITS]


def tokens_of(listener_ids: "pl.Series", key: bytes) -> "pl.Series":
    """Return the tokens of a column of ids; each different id is hashed once, and null stays null."""
    import polars as pl

    known = listener_ids.drop_nulls().unique()
    tokens = pl.Series([token_of(each, key) for each in known], dtype=pl.String)
    return listener_ids.replace_strict(known, tokens, default=None, return_dtype=pl.String)


@lru_cache(maxsize=8)
def fingerprint(key: bytes) -> str:
    """Return a non-reversible fingerprint of a key, 16 hexadecimal digits."""
    return hmac.digest(key, _FINGERPRINTED, "sha256").hex()[:16]


OPEN_FINGERPRINT = fingerprint(OPEN_KEY)
"""The fingerprint of a workspace without a secret."""
