"""The tokens that a search looks for, and how they are recognised in bytes."""

import re
from dataclasses import dataclass

_RUN = re.compile(rb"[0-9a-f]{32,}")
_FEW = 8


@dataclass(frozen=True)
class Sought:
    """The tokens to search for. They are hexadecimal text of one length: no encoding changes them but UTF-16 and 32,
    and none occurs by chance."""

    tokens: frozenset[str]

    def in_bytes(self, data: bytes) -> bool:
        """Return whether the bytes of a text, in any encoding, contain one of the tokens."""
        return self._plain(data) or (b"\0" in data and self._plain(data.translate(None, b"\0")))

    def positions(self, data: bytes) -> list[int]:
        """Return where in a text of one byte a character a token begins."""
        return [
            run.start() + i
            for run in _RUN.finditer(data)
            for i in range(len(run[0]) - 31)
            if run[0][i : i + 32].decode() in self.tokens
        ]

    def _plain(self, data: bytes) -> bool:
        if len(self.tokens) <= _FEW:
            return any(token.encode() in data for token in self.tokens) or self._upper(data)
        return bool(self.positions(data)) or self._upper(data)

    def _upper(self, data: bytes) -> bool:
        """Search for tokens that a tool has put into capitals."""
        return re.search(rb"[0-9A-F]{32}", data) is not None and bool(self.positions(data.lower()))
