"""Publishing to an object store is killed at random while another process reads: each read is of one release."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import obstore.exceptions  # forks find it imported; the parent makes no request, and so no threads
import obstore.store  # noqa: F401
import pytest

from pipeline.releases.publishing import publish
from pipeline.releases.release import current, verify
from pipeline.releases.retention import retire
from pipeline.releases.shared import give, take
from pipeline.settings import load_settings
from tests.releases.test_releases import contents
from tests.storage.object_store import missing, store, variables

KILLS = int(os.environ.get("NETGAIN_PUBLISH_KILLS", "500"))
URI = "s3://netgain/killed"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.skipif(os.environ.get("NETGAIN_INFRA") != "1", reason="runs in `make infra-test`"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]

# Reads as a program without Netgain would: CURRENT, its manifest, each file, each checksum. A release that retention
# removes between two requests is looked up again; wrong bytes, or a missing file of what CURRENT names, are torn.
READER = """
import hashlib, json, signal, sys, time
from pipeline.storage.stores.open import open_store
going = True
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
store, reads, torn, seen = open_store(sys.argv[1]), 0, [], set()
while going:
    time.sleep(0.02)
    named = store.read("CURRENT")
    if named is None:
        continue
    name = named.data.decode().strip()
    manifest = store.read(f"{name}/manifest.json")
    wrong = [] if manifest else ["manifest.json"]
    for path, fact in json.loads(manifest.data)["files"].items() if manifest else ():
        found = store.read(f"{name}/{path}")
        if found is None or hashlib.sha256(found.data).hexdigest() != fact["sha256"]:
            wrong.append(path)
    again = store.read("CURRENT")
    if wrong and again is not None and again.version == named.version:
        torn.append([name, *wrong])
    reads += 1
    seen.add(name)
print(json.dumps({"reads": reads, "torn": torn, "seen": sorted(seen)}))
"""


def test_no_read_is_torn_and_every_publication_is_completed(tmp_path):
    (tmp_path / "weed").mkdir()
    with store(tmp_path / "weed") as endpoint:
        os.environ.update(variables(endpoint))
        reader = subprocess.Popen([sys.executable, "-c", READER, URI], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        chance, killed, completed = random.Random(1), 0, 0
        seconds = 1.0  # of a whole publication, measured as they go through
        night = 0
        while killed < KILLS:
            night += 1
            # A publication is tried with kills until a try ends by itself; then a fresh machine looks at the store.
            for _ in range(1000):
                ended, took = publish_in_a_child(tmp_path, night, kill_after=chance.uniform(0, 1.2 * seconds))
                killed += not ended
                if ended:
                    seconds = 0.7 * seconds + 0.3 * took
                    break
            completed += look_from_elsewhere(tmp_path, night)
            assert completed == night
        reader.send_signal(signal.SIGTERM)
        found = json.loads(reader.communicate(timeout=60)[0])
    print(f"{killed} kills in {night} publications, {found['reads']} reads of {len(found['seen'])} releases")
    assert found["torn"] == []
    assert found["reads"] > night
    assert len(found["seen"]) > 1


def publish_in_a_child(tmp_path: Path, night: int, *, kill_after: float) -> tuple[bool, float]:
    """Publish in a fork, and kill it after some seconds; return whether it ended before, and the seconds it took."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(_publish(tmp_path, night))
    while time.monotonic() - began < kill_after:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return True, time.monotonic() - began
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == 0, time.monotonic() - began


def _publish(tmp_path: Path, night: int) -> int:
    """Publish a night as the effect does, with retention: take, publish, retire, give. Runs in a fork."""
    try:
        settings = settings_of(tmp_path / "publisher")
        take(settings)
        as_of = f"20{10 + night // 336:02d}-{1 + night // 28 % 12:02d}-{1 + night % 28:02d}"
        release, _ = publish(settings.releases, contents(tmp_path / "source", as_of, f"night {night}"))
        retire(settings.releases, keep=3, spare=release.id)
        give(settings)
    except BaseException as err:  # noqa: BLE001  # a fork of a test must end here
        os.write(2, f"{type(err).__name__}: {err}\n".encode())
        return 1
    return 0


def settings_of(workspace: Path):
    return load_settings({"NETGAIN_RELEASES": URI}, workspace=workspace)


def look_from_elsewhere(tmp_path: Path, night: int) -> bool:
    """Return whether another machine, in a fork, gets the night's release, whole."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    try:
        settings = settings_of(tmp_path / "server")
        take(settings, served_only=True)
        release = current(settings.releases)
        verify(release)
        os._exit(0 if release.lists.read_text() == f"lists.parquet night {night}" else 3)
    except BaseException as err:  # noqa: BLE001  # a fork of a test must end here
        os.write(2, f"{type(err).__name__}: {err}\n".encode())
        os._exit(1)
