"""A process stopped at its system calls (ptrace(2)): the calls that change the disk are counted, and before the n-th of
them it is killed. So a kill falls between any two states that the disk can be in."""

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Iterator

_CALLS = {
    "x86_64": {
        1: "write", 18: "pwrite", 20: "writev", 40: "sendfile", 74: "fsync", 75: "fdatasync", 77: "ftruncate",
        82: "rename", 83: "mkdir", 84: "rmdir", 85: "creat", 86: "link", 87: "unlink", 90: "chmod", 91: "fchmod",
        257: "openat", 258: "mkdirat", 263: "unlinkat", 264: "renameat", 265: "linkat", 268: "fchmodat",
        280: "utimensat", 316: "renameat2", 326: "copy_file_range", 2: "open",
    },
    "aarch64": {
        64: "write", 68: "pwrite", 66: "writev", 71: "sendfile", 82: "fsync", 83: "fdatasync", 46: "ftruncate",
        34: "mkdirat", 35: "unlinkat", 37: "linkat", 38: "renameat", 52: "fchmod", 53: "fchmodat", 56: "openat",
        88: "utimensat", 276: "renameat2", 285: "copy_file_range",
    },
}  # fmt: skip
CALLS = _CALLS.get(platform.machine(), {}) if platform.system() == "Linux" else {}
"""Numbers of the calls that change the disk; empty where this machine's are not known."""

_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_TRACESYSGOOD, _EXITKILL = 0x1, 0x100000
_WALL = 0x40000000
_ENTRY = 1
_OPENED_AT = {"open": 1, "openat": 2}
"""Which argument says what a file is opened for."""


def let_be_traced() -> None:
    """For the victim, before it begins: it waits for `calls_of`."""
    _ptrace(_TRACEME, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)


def calls_of(pid: int) -> Iterator[str]:
    """Let a process run that called `let_be_traced`, and name each call that would change the disk before it is made.

    The process has ended, and waits to be reaped, when nothing more comes. To kill it before a call, kill it there and
    stop asking. Threads of its own run on unseen.
    """
    os.waitpid(pid, _WALL)
    _ptrace(_SETOPTIONS, pid, 0, _TRACESYSGOOD | _EXITKILL)
    deliver = 0
    while True:
        _ptrace(_SYSCALL, pid, 0, deliver)
        seen = os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
        if seen is None or seen.si_code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED):
            return
        _, status = os.waitpid(pid, _WALL)
        stopped_by = os.WSTOPSIG(status)
        deliver = 0 if stopped_by == signal.SIGTRAP | 0x80 else stopped_by
        if not deliver and (name := _entered(pid)) is not None:
            yield name


def _entered(pid: int) -> str | None:
    """The call that a stopped process is about to make, if it would change the disk."""
    info = ctypes.create_string_buffer(88)  # struct ptrace_syscall_info
    _ptrace(_GET_SYSCALL_INFO, pid, len(info), ctypes.addressof(info))
    kind, number, *arguments = struct.unpack_from("<B23xQ6Q", info.raw)
    name = CALLS.get(number) if kind == _ENTRY else None
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    return None if name in _OPENED_AT and not arguments[_OPENED_AT[name]] & writes else name


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes, call.restype = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p], ctypes.c_long
    if call(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"ptrace {request}")
