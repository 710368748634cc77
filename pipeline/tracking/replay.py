"""The outbox goes to MLflow: entry after entry, in order, each once, and within a time where a night waits for it."""

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
    """Attributes:
    said: for each entry that was delivered, by the name of its folder, what became of it.
    error: why the others wait; None where none does.
    """

    said: Mapping[str, str] = field(default_factory=dict)
    error: NetgainError | None = None


def replay(settings: Settings) -> Replayed:
    """Deliver all that waits, however long it takes.

    MLflow away ends it; an entry that is damaged, or that MLflow knows no record for, stays and is passed over.
    """
    said: dict[str, str] = {}
    passed: dict[str, NetgainError] = {}
    try:
        with _alone(settings):
            while todo := [entry for entry in waiting(settings.state) if entry.folder.name not in passed]:
                entry = todo[0]
                probe(settings.mlflow_uri)
                try:
                    said[entry.folder.name] = _deliver(settings, entry)
                    remove(entry)
                except (TableError, NotRecorded) as err:
                    passed[entry.folder.name] = err
    except TrackingAway as err:
        return Replayed(said, err)
    return Replayed(said, next(iter(passed.values()), None))


def replay_within(settings: Settings, seconds: float) -> Replayed:
    """The same, for no longer than a night can wait.

    A server may answer slowly, or stop in the middle, and no timeout of a single request bounds that: the work is done
    by a process that is killed when the time is over. The store of this machine is not waited for.

    Args:
        settings: of the machine.
        seconds: at most so many.
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
    said = {entry.folder.name: "delivered" for entry in before if entry.folder not in left}
    error = TrackingAway(
        f"MLflow at {without_secrets(settings.mlflow_uri)} did not take everything within {seconds:.0f} s",
        expected="a tracking server that works",
        fix="See `netgain outbox replay`, which takes its time, and NETGAIN_MLFLOW_SECONDS.",
    )
    return Replayed(said, error)


def _work(settings: Settings, sender: Connection) -> None:
    sender.send(replay(settings))


def _deliver(settings: Settings, entry: Waiting) -> str:
    if entry.kind == "promote":
        version, moved = promote_model(settings, entry.body()["digest"], entry.as_of)
        return f"champion is version {version}" + ("" if moved else ", as before")
    record = read_record(entry)
    recorded = record_night(settings, record)
    if not recorded:
        return f"the night {entry.as_of} is in MLflow already"
    return f"{record.night.name}: recorded with {len(record.recipes)} recipes"


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One process delivers at a time: two that find no run would both make one.

    Raises:
        TrackingAway: another one does.
    """
    folder = settings.ledger / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise TrackingAway(
                "another process is delivering the outbox", expected="one at a time", fix="Wait for it to end."
            ) from err
        yield
