"""The layout of the serving index: one file, little-endian, whose parts a reader finds by the header (ADR 0025).

    header   magic, counts, and the places of the other parts
    records  one a listener in the order of the lists, and the fallback list's; see `pack`
    keys     sorted uint64 digests of the listeners' names
    places   uint64, for each key where its record starts and, in the upper 24 bits, how long it is

A listener in an arm of an experiment has the number of the arm in the record, and of a drafted list the teams; an index
with such records has a magic of its own. A record holds JSON that is ready to be sent, and a checksum of it: an answer
from a damaged file is never sent.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence

MAGIC = b"netgain\x01"
MAGIC_WITH_ARMS = b"netgain\x02"
HEADER = struct.Struct("<8sQQQQQ")
"""Magic; number of listeners; place and length of the fallback record as in `places`; places of the keys and of the
places; size of the file."""
FILE = "index.bin"
FOLDER = "serving"
NO_KEY = 0
"""The key of the fallback record, which no listener has."""
MAX_RECORD_BYTES = (1 << 24) - 1
_PLACE_BITS = 40

_HEAD = struct.Struct("<QIII")
"""Key; number of items, with the arm and whether there are teams above it; lengths of the items' and of the ids'
JSON."""
_ARM_SHIFT = 16
_ITEMS = (1 << _ARM_SHIFT) - 1
_TEAMS = 1 << 31
MAX_ARMS = (1 << 15) - 1
_CHECKED = 0x2144DF1C
"""The CRC-32 of any bytes that are followed by their own CRC-32, little-endian."""
_unpack = _HEAD.unpack_from
_HEAD_BYTES = _HEAD.size
_crc32 = zlib.crc32


class DamagedIndex(Exception):
    """An index whose bytes are not those that were written."""


def key_of(name: str) -> int:
    """Return the key of a listener's name: 64 bits of BLAKE2b, never NO_KEY."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def place_of(start: int, length: int) -> int:
    """Return a record's place as one number.

    Raises:
        ValueError: the record is longer than MAX_RECORD_BYTES, or starts beyond a terabyte.
    """
    if length > MAX_RECORD_BYTES or start >> _PLACE_BITS:
        raise ValueError(f"a record of {length} bytes")
    return length << _PLACE_BITS | start


def start_and_length(place: int) -> tuple[int, int]:
    """Return where a record starts and how long it is [B]."""
    return place & ((1 << _PLACE_BITS) - 1), place >> _PLACE_BITS


class Entry:
    """A list that is ready to be sent.

    Attributes:
        items: the elements of a JSON array of items, best first, with commas between them and without brackets.
        ids: the elements of a JSON array of their ids.
        n: number of items.
        arm: number of the arm of an experiment, from 1 on; 0 for none.
        team: of a drafted list, a letter an item; else empty.
    """

    __slots__ = ("_ends_at", "_record", "ids", "items", "n")
    arm, team = 0, b""

    def __init__(self, items: bytes, ids: bytes, n: int, record: bytes = b"", ends_at: int = 0) -> None:
        self.items, self.ids, self.n, self._record, self._ends_at = items, ids, n, record, ends_at

    @property
    def favourites(self) -> bytes:
        """The elements of a JSON array of what the listener plays most."""
        return self._record[self._ends_at + 8 * self.n + len(self.team) : -4]

    def first(self, k: int) -> "Entry":
        """Return the list's first k items, k from 1 on; without favourites, if it is shorter for it."""
        if k >= self.n:
            return self
        item, one_id = struct.unpack_from("<II", self._record, self._ends_at + 8 * (k - 1))
        return self._shorter(self.items[:item], self.ids[:one_id], k)

    def _shorter(self, items: bytes, ids: bytes, n: int) -> "Entry":
        return Entry(items, ids, n)


class EntryInArm(Entry):
    """A list of a listener in an arm. It is a class of its own, so that all others cost no more than before."""

    __slots__ = ("arm", "team")

    def _shorter(self, items: bytes, ids: bytes, n: int) -> "EntryInArm":
        shorter = EntryInArm(items, ids, n)
        shorter.arm, shorter.team = self.arm, self.team[:n]
        return shorter


def pack(
    key: int,
    items: Sequence[bytes],
    ids: Sequence[bytes],
    favourites: Sequence[bytes],
    *,
    arm: int = 0,
    team: bytes = b"",
) -> bytes:
    """Return the record of a list: a head, the items, their ids, the ends of both, the teams of a drafted list, the
    favourites, and the CRC-32."""
    ends, item_end, id_end = [], -1, -1
    for item, one_id in zip(items, ids, strict=True):
        item_end, id_end = item_end + 1 + len(item), id_end + 1 + len(one_id)
        ends += [item_end, id_end]
    count = len(items) | arm << _ARM_SHIFT | (_TEAMS if team else 0)
    head = _HEAD.pack(key, count, max(item_end, 0), max(id_end, 0))
    places = struct.pack(f"<{len(ends)}I", *ends)
    record = b"".join((head, b",".join(items), b",".join(ids), places, team, b",".join(favourites)))
    return record + _crc32(record).to_bytes(4, "little")


def unpack(record: bytes, key: int) -> Entry:
    """Return the list of a record.

    Args:
        record: its bytes.
        key: whose record it must be.

    Raises:
        DamagedIndex: it is cut off, has a wrong checksum, or is another listener's.
    """
    if _crc32(record) != _CHECKED:
        raise DamagedIndex("a record with a wrong checksum")
    found, n, n_items, n_ids = _unpack(record)
    if found != key:
        raise DamagedIndex("a record of another listener")
    ids = _HEAD_BYTES + n_items
    ends = ids + n_ids
    if n <= _ITEMS:
        return Entry(record[_HEAD_BYTES:ids], record[ids:ends], n, record, ends)
    entry = EntryInArm(record[_HEAD_BYTES:ids], record[ids:ends], n & _ITEMS, record, ends)
    start = ends + 8 * entry.n
    entry.arm, entry.team = n >> _ARM_SHIFT & MAX_ARMS, record[start : start + entry.n] if n & _TEAMS else b""
    return entry
