"""Two hosts on one machine: network namespaces joined by a pair of virtual interfaces."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

ADDRESSES = {"a": "10.231.77.1", "b": "10.231.77.2"}


def missing() -> str | None:
    """Return why there can be no namespaces here; None if there can."""
    if os.environ.get("NETGAIN_INFRA") != "1":
        return "runs in `make infra-test`"
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "needs root and iproute2"
    probe = subprocess.run(["ip", "netns", "add", "netgain-probe"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", "netgain-probe"], capture_output=True, check=False)
    return None if probe.returncode == 0 else f"no network namespaces: {probe.stderr.strip()}"


@dataclass
class Hosts:
    """Names of the namespaces, and what was started in them."""

    names: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, host: str, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self.names[host], *command]

    def start(self, host: str, command: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self.command(host, command), **options)  # type: ignore[call-overload]
        self.started.append(process)
        return process


@contextmanager
def two_hosts() -> Iterator[Hosts]:
    """Make hosts `a` and `b`, which see each other and nothing else; what was started in them ends with the block."""
    tag = f"ng{os.getpid() % 100000}"
    hosts = Hosts({host: f"{tag}{host}" for host in ADDRESSES})
    try:
        for name in hosts.names.values():
            _ip("netns", "add", name)
        _ip("link", "add", f"{tag}va", "type", "veth", "peer", "name", f"{tag}vb")
        for host, name in hosts.names.items():
            link = f"{tag}v{host}"
            _ip("link", "set", link, "netns", name)
            _ip("-n", name, "addr", "add", f"{ADDRESSES[host]}/24", "dev", link)
            _ip("-n", name, "link", "set", link, "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield hosts
    finally:
        for process in hosts.started:
            process.kill()
            process.wait()
        for name in hosts.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
