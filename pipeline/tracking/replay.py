"""Delivers the outbox to MLflow: each entry once, in order, and within a time limit while a night waits for it."""

import fcntl
import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from pipeline.errors import NetgainError, TableError, TrackingAway
from pipeline.settings import Settings
from pipeline.state.outbox import FOLDER, Waiting, remove, waiting
from pipeline.tracking.client import without_secrets
from pipeline.tracking.entries import read_record
from pipeline.tracking.probe import probe
from pipeline.tracking.runs import NotRecorded, promote_model, record_night


@dataclass(frozen=True)
class Replayed:
    """The result of a delivery.

    Attributes:
        delivered: a message for each delivered entry, by the name of its folder.
        error: why the other entries wait; None if none is left.
    """

    delivered: Mapping[str, str] = field(default_factory=dict)
    error: NetgainError | None = None


def replay(settings: Settings) -> Replayed:
    """Deliver all waiting entries, without a time limit.

    The delivery ends when MLflow does not answer. Damaged entries, and promotions of unrecorded models, are skipped and
    stay.
    """
    delivered: dict[str, str] = {}
    passed: dict[str, NetgainError] = {}
    try:
        with _exclusive_delivery(settings):
            while todo := [entry for entry in waiting(settings.state) if entry.folder.name not in passed]:
                entry = todo[0]
                probe(settings.mlflow_uri)
                try:
                    delivered[entry.folder.name] = _deliver(settings, entry)
                    remove(entry)
                except (TableError, NotRecorded) as err:
                    passed[entry.folder.name] = err
    except TrackingAway as err:
        return Replayed(delivered, err)
    return Replayed(delivered, next(iter(passed.values()), None))


def replay_within(settings: Settings, seconds: float) -> Replayed:
    """Deliver all waiting entries within a time limit.

    A server may answer slowly, or stop halfway, which no timeout of a single request limits; therefore the work is done
    by a process that is killed when the time is over. The embedded store has no limit.

    Args:
        settings: the machine's settings.
        seconds: the time limit [s].
    """
    if settings.mlflow_uri.startswith("sqlite:///"):
        return replay(settings)
    before = waiting(settings.state)
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    worker = spawn.Process(target=_work, args=(settings, sender), daemon=True)
    worker.start()
    sender.close()
    try:
        if receiver.poll(seconds):
            result: Replayed = receiver.recv()
            return result
    except EOFError:
        pass
    finally:
        worker.kill()
        worker.join()
        receiver.close()
    left = {entry.folder for entry in waiting(settings.state)}
    delivered = {entry.folder.name: "delivered" for entry in before if entry.folder not in left}
    error = TrackingAway(
        f"MLflow at {without_secrets(settings.mlflow_uri)} did not accept all records within {seconds:.0f} s",
        expected="a working tracking server",
        fix="Run `netgain outbox replay`, which has no time limit, or increase NETGAIN_MLFLOW_SECONDS.",
    )
    return Replayed(delivered, error)


def _work(settings: Settings, sender: Connection) -> None:
    sender.send(replay(settings))


def _deliver(settings: Settings, entry: Waiting) -> str:
    if entry.kind == "promote":
        version, moved = promote_model(settings, entry.body()["digest"], entry.as_of)
        return f"champion is version {version}" + ("" if moved else ", unchanged")
    record = read_record(entry)
    recorded = record_night(settings, record)
    if not recorded:
        return f"the night {entry.as_of} is already in MLflow"
    return f"{record.night.name}: recorded with {len(record.recipes)} recipes"


@contextmanager
def _exclusive_delivery(settings: Settings) -> Iterator[None]:
    """Hold the outbox's lock: two processes that find no run would both create one.

    Raises:
        TrackingAway: another process is delivering the outbox.
    """
    folder = settings.ledger / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise TrackingAway(
                "another process is delivering the outbox", expected="one delivery at a time", fix="Wait for it."
            ) from err
        yield
