"""Listeners of the tests of erasure, and the rules of a night that erases some."""

from pipeline.identity.erased import Erased, digest_of
from pipeline.identity.tokens import OPEN_KEY, fingerprint, token_of
from pipeline.logs.pseudonyms import PrivacyRules

SALT = "ab" * 16


def token(name: str, key: bytes = OPEN_KEY) -> str:
    return token_of(name, key)


def erasing(*names: str, key: bytes = OPEN_KEY) -> PrivacyRules:
    """Return the rules of a night that erases listeners."""
    digests = frozenset(digest_of(token_of(name, key), SALT) for name in names)
    return PrivacyRules(key, Erased(SALT, {fingerprint(key): digests}))
