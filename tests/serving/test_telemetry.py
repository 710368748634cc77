"""Events are durable when they are acknowledged: after a kill at any point, on a full disk, and after erasure.

The suite kills the server a few times; `make faults-serve` does it 500 times (NETGAIN_KILLS).
"""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import polars as pl
import pytest

from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.formats import format_of
from pipeline.logs.reading import Source
from pipeline.serving import segments
from pipeline.serving.segments import FOLDER, OPEN_FOLDER, Segment, recover
from pipeline.serving.telemetry import Busy, EventLog, Limits
from tests.serving.made import make_release
from tests.serving.server import Server

N_KILLS = int(os.environ.get("NETGAIN_KILLS", "2"))


def lines_in(landing: Path) -> list[dict[str, object]]:
    found = []
    for path in sorted((landing / FOLDER).glob("*.events")):
        data = path.read_bytes()
        assert data.endswith(b"\n")
        found += [json.loads(line) for line in data.splitlines()]
    return found


def play(name: str, listener: str = "ann") -> dict[str, object]:
    return {
        "kind": "play", "event_id": name, "at": "2026-02-12T10:00:00Z", "listener_id": listener,
        "artist_name": name, "track_name": "t",
    }  # fmt: skip


def test_a_group_is_durable_when_it_is_acknowledged_and_the_segment_is_moved_whole(tmp_path: Path) -> None:
    async def send() -> None:
        log = EventLog(tmp_path, Limits(bytes=400))
        await asyncio.gather(*(log.add(b'{"n":%d}\n' % n) for n in range(100)))
        log.note(b'{"n":"seen"}\n')
        log.close()

    asyncio.run(send())
    assert Counter(event["n"] for event in lines_in(tmp_path)) == Counter([*range(100), "seen"])
    assert not list((tmp_path / OPEN_FOLDER).iterdir())


def test_a_segment_of_a_process_that_was_killed_is_cut_to_its_last_whole_line_and_one_in_use_is_left(
    tmp_path: Path,
) -> None:
    alive = Segment(tmp_path)
    alive.append(b'{"n":1}\n', durable=True)
    torn = tmp_path / OPEN_FOLDER / "20260101T000000.000000Z-1.events"
    torn.write_bytes(b'{"n":2}\n{"n":')
    (tmp_path / OPEN_FOLDER / "20260101T000000.000001Z-1.events").write_bytes(b'{"n"')
    assert [path.name for path in recover(tmp_path)] == [torn.name]
    assert (tmp_path / FOLDER / torn.name).read_bytes() == b'{"n":2}\n'
    assert alive.path.exists()
    assert alive.close() == tmp_path / FOLDER / alive.path.name
    assert sorted(event["n"] for event in lines_in(tmp_path)) == [1, 2]  # type: ignore[type-var]


def test_a_full_disk_refuses_and_loses_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has room for 60 bytes: a write beyond them writes what fits and fails, as on a real one."""
    room, written = 60, 0
    write = os.write

    def limited(handle: int, data: bytes) -> int:
        nonlocal written
        if written >= room:
            raise OSError(28, "No space left on device")
        n = write(handle, data[: room - written])
        written += n
        return n

    monkeypatch.setattr(segments.os, "write", limited)

    async def send() -> tuple[list[int], int]:
        log, stored, refused = EventLog(tmp_path, Limits()), [], 0
        for n in range(10, 22):
            try:
                await log.add(b'{"n":%d}\n' % n)
                stored.append(n)
            except Busy:
                refused += 1
        monkeypatch.undo()
        await log.add(b'{"n":99}\n')  # room again
        log.close()
        return stored, refused

    stored, refused = asyncio.run(send())
    assert refused > 0
    assert [event["n"] for event in lines_in(tmp_path)] == [*stored, 99]


def test_too_many_waiting_events_are_refused_rather_than_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.serving.telemetry.MAX_PENDING_BYTES", 100)
    slow = threading.Event()
    sync = os.fsync
    monkeypatch.setattr(segments.os, "fsync", lambda handle: (slow.wait(5), sync(handle)))

    async def send() -> None:
        log = EventLog(tmp_path, Limits())
        waiting = asyncio.create_task(log.add(b"x" * 200 + b"\n"))
        await asyncio.sleep(0.2)
        with pytest.raises(Busy):
            await log.add(b"y\n")
        log.note(b"z\n")
        assert log.lost == 1
        slow.set()
        await waiting
        log.close()

    asyncio.run(send())


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_at_any_moment(tmp_path: Path) -> None:
    make_release(tmp_path / "releases", tmp_path / "night")
    landing = tmp_path / "landing"
    landing.mkdir()
    rng, acknowledged, sent = random.Random(7), set(), 0
    for kill in range(N_KILLS):
        server = Server(tmp_path, "--no-newcomers", "--quiet", "--segment-seconds", "0.3")
        timer = threading.Timer(rng.uniform(0.02, 0.8), server.process.send_signal, args=(signal.SIGKILL,))
        timer.start()
        with httpx.Client(base_url=server.url, timeout=10) as client:
            while True:
                names = [f"e{kill}-{sent + n}" for n in range(rng.randint(1, 6))]
                sent += len(names)
                try:
                    answer = client.post("/v1/events", json={"events": [play(name) for name in names]})
                    client.get("/v1/listeners/ann/recommendations")
                except httpx.TransportError:
                    break
                assert answer.status_code == 202
                acknowledged |= set(names)
        timer.join()
        server.process.wait(10)
        server.client.close()
    assert acknowledged
    recover(landing)
    events = lines_in(landing)
    plays = Counter(str(event["event_id"]) for event in events if event["kind"] == "play")
    assert acknowledged <= set(plays)
    assert max(plays.values()) == 1
    # Counts add up where the night reads them: each line is a play or known not to be one.
    n_plays = n_others = 0
    for path in sorted((landing / FOLDER).glob("*.events")):
        read = format_of("netgain-events").read(path.read_bytes(), Source(path.name))
        n_plays += read.plays.num_rows
        n_others += sum(row["reason"] == "an event, not a play" for row in read.quarantine.to_pylist())
        assert read.n_read == len(path.read_bytes().splitlines())
    assert (n_plays, n_plays + n_others) == (sum(plays.values()), len(events))


def test_an_event_that_was_sent_twice_is_one_play_after_ingest(tmp_path: Path) -> None:
    from pipeline.stages import ingest  # noqa: F401  # the stage's code is what the night runs
    from tests.logs.test_pseudonyms import run  # the stage ingest on a landing folder

    (tmp_path / "in" / "events").mkdir(parents=True)
    line = json.dumps(play("a", token_of("ann", OPEN_KEY))) + "\n"
    (tmp_path / "in" / "events" / "20260212T100000.000000Z-1.events").write_text(line + line)
    (tmp_path / "in" / "events" / "20260212T100100.000000Z-2.events").write_text(line)
    run(tmp_path / "in", tmp_path, format="netgain-events")
    plays = pl.read_parquet(tmp_path / "data" / "plays" / "**" / "*.parquet", hive_partitioning=False)
    assert plays.height == 1
    report = json.loads((tmp_path / "data" / "ingest.json").read_text())
    assert (report["read"], report["accepted"], report["duplicate"]) == (3, 1, 2)


def test_an_erased_listener_is_in_no_event_from_then_on(tmp_path: Path) -> None:
    from pipeline.erasure.requests import erased, request
    from pipeline.erasure.scan import search_files
    from pipeline.erasure.sought import Sought
    from pipeline.serving.erased import announce
    from tests.serving.server import serving

    make_release(tmp_path / "releases", tmp_path / "night", listeners=("anna-lena", "bob"))
    anna = token_of("anna-lena", OPEN_KEY)
    (tmp_path / "landing").mkdir()
    with serving(tmp_path, "--no-newcomers", "--quiet") as server:
        server.client.get("/v1/listeners/anna-lena/recommendations")
        assert (
            server.client.post("/v1/events", json={"events": [play("a", "anna-lena"), play("b", "bob")]}).status_code
            == 202
        )
        request(tmp_path / "ledger", ["anna-lena"], key=OPEN_KEY, by="dpo", reason="r")
        who = erased(tmp_path / "ledger")
        assert who is not None
        announce(tmp_path / "releases", who)
        deadline = time.monotonic() + 5
        while not list((tmp_path / "landing" / FOLDER).glob("*.events")):  # the segment with her events is closed
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for path in (tmp_path / "landing" / FOLDER).glob("*.events"):
            path.write_bytes(
                b"".join(line for line in path.open("rb") if anna.encode() not in line)
            )  # as the night does
        server.client.get("/v1/listeners/anna-lena/recommendations")
        answer = server.client.post("/v1/events", json={"events": [play("c", "anna-lena"), play("d", "bob")]})
        assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
    assert search_files([tmp_path / "landing"], Sought(frozenset({anna}))).files == []
    assert [event["listener_id"] for event in lines_in(tmp_path / "landing")] == [token_of("bob", OPEN_KEY)] * 2
