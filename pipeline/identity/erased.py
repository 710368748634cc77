"""The listeners who must stay away: salted digests of their tokens."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.identity.tokens import OPEN_FINGERPRINT, OPEN_KEY, fingerprint, token_of

IDS = "ids"
"""The group of digests from before tokens: of the ids themselves."""


@dataclass(frozen=True)
class Erased:
    """The erased listeners. Digests, because a search for tokens must not find the list of what it searches for.

    Attributes:
        salt: of the digests, in hexadecimal.
        digests: by the fingerprint of the key that the tokens were made with, or `IDS`.
    """

    salt: str
    digests: Mapping[str, frozenset[str]]

    def among(self, listener_ids: Iterable[str], key: bytes) -> set[str]:
        """Return the ids of erased listeners among ids as logs have them.

        Those who were erased before the workspace had a secret key are known too.
        """
        groups = {name: found for name, found in self.digests.items() if found}
        mine, found = fingerprint(key), set()
        for each in listener_ids:
            names = {mine: token_of(each, key)} | ({IDS: each} if IDS in groups else {})
            if mine != OPEN_FINGERPRINT and OPEN_FINGERPRINT in groups:
                names[OPEN_FINGERPRINT] = token_of(each, OPEN_KEY)
            if any(digest_of(name, self.salt) in groups.get(group, ()) for group, name in names.items()):
                found.add(each)
        return found

    def holds(self, token: str, key: bytes) -> bool:
        """Return whether a token under this key is an erased listener's."""
        return self.has(token, fingerprint(key))

    def has(self, token: str, id_key: str) -> bool:
        """Return whether a token under the key with this fingerprint is an erased listener's."""
        return digest_of(token, self.salt) in self.digests.get(id_key, ())

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Erased":
        """Return the erased listeners that `as_json` wrote."""
        groups = {str(name): frozenset(map(str, found)) for name, found in values["digests"].items()}
        return cls(str(values["salt"]), groups)

    def as_json(self) -> dict[str, Any]:
        """Return salt and digests as JSON values."""
        return {"salt": self.salt, "digests": {name: sorted(found) for name, found in sorted(self.digests.items())}}


def digest_of(name: str, salt: str) -> str:
    """Return the HMAC-SHA256 of a token under a salt, in hexadecimal."""
    return hmac.digest(bytes.fromhex(salt), name.encode("utf-8", "surrogatepass"), "sha256").hex()
