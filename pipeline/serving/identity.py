"""Who is at the other end of a loopback connection: the kernel knows the account (sock_diag(7)).

So a server without a token answers the account that started it, and no other one on the same machine.
"""

import os
import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

_SOCK_DIAG, _BY_FAMILY, _REQUEST, _ERROR = 4, 20, 1, 2
_UID_AT = 16 + 4 + 48 + 3 * 4
"""Place of the account in the answer: after both headers, the socket's addresses and three counters [B]."""


def is_supported() -> bool:
    """Return whether this machine's kernel says who is at the other end."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as mine:
            return account_of(mine.getsockname(), server.getsockname()) == os.getuid()
    except (OSError, AttributeError):
        return False


def account_of(peer: tuple[str, int], own: tuple[str, int]) -> int | None:
    """Return the user id of a local process that is connected to this one; None if the kernel does not know it.

    Args:
        peer: address and port of the other end.
        own: address and port of this end.
    """
    addresses = [ip_address(host.partition("%")[0]) for host in (peer[0], own[0])]
    family = socket.AF_INET if isinstance(addresses[0], IPv4Address) else socket.AF_INET6
    place = struct.pack("!HH", peer[1], own[1]) + b"".join(_packed(address) for address in addresses)
    wanted = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + place
    wanted += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)
        kernel.send(struct.pack("=IHHII", 16 + len(wanted), _BY_FAMILY, _REQUEST, 1, 0) + wanted)
        answer = kernel.recv(4096)
    if len(answer) < _UID_AT + 4 or struct.unpack_from("=H", answer, 4)[0] != _BY_FAMILY:
        return None
    return int(struct.unpack_from("=I", answer, _UID_AT)[0])


def _packed(address: IPv4Address | IPv6Address) -> bytes:
    return address.packed.ljust(16, b"\0")
