"""The answers to each route."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.resources import files
from json.encoder import encode_basestring
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.identity.tokens import token_of
from pipeline.serving import snapshot as lanes
from pipeline.serving.counters import Counters, age
from pipeline.serving.events import Events, NewcomerRequest
from pipeline.serving.http import (
    HTML,
    JSON,
    TEXT,
    Answer,
    Receive,
    Refused,
    Scope,
    decode_id,
    describe,
    read_body,
    whole_number,
)
from pipeline.serving.impressions import ID, Ids, find_impression
from pipeline.serving.layout import DamagedIndex, Entry
from pipeline.serving.openapi import document
from pipeline.serving.options import Options
from pipeline.serving.provenance import provenance
from pipeline.serving.snapshot import Snapshot
from pipeline.serving.telemetry import Busy, EventLog
from pipeline.serving.watch import Watch

MAX_K = 1000
PLAIN_ITEMS = 20
_AGAIN = (b"retry-after", b"1")
_PREFIX, _LISTS, _FAVOURITES, _PLAIN, _IMPRESSIONS = (
    len(part) for part in ("/v1/listeners/", "/recommendations", "/favourites", "/recommend/", "/v1/impressions/")
)
Handler = Callable[[Scope, Receive], Answer | Awaitable[Answer]]
"""Look-ups answer at once; what waits for a body, a thread or the disk returns a coroutine."""
LOOK_UPS = (b"/v1/listeners/", b"/recommend/")
"""Beginnings of the paths whose handlers all answer at once."""
Body = TypeVar("Body", bound=BaseModel)


class Found(NamedTuple):
    """A list that was found.

    Attributes:
        snapshot: the release.
        lane: own or fallback.
        entry: the list.
        name: the listener's token.
        erased: whether the listener was erased.
    """

    snapshot: Snapshot
    lane: str
    entry: Entry
    name: str
    erased: bool


class Answering:
    """The handlers of one worker."""

    def __init__(self, options: Options, watch: Watch, counters: Counters, log: EventLog) -> None:
        self._options, self._watch, self._counters, self._log = options, watch, counters, log
        self._ids = Ids()
        self._started = time.time()
        self._models = ThreadPoolExecutor(1, thread_name_prefix="netgain-newcomers")

    def recommendations(self, scope: Scope, _receive: Receive) -> Answer:
        """A listener's list, or the fallback list."""
        listener = decode_id(scope["raw_path"][_PREFIX:-_LISTS])
        query = scope["query_string"]
        k = whole_number(query, b"k", low=1, high=MAX_K) if query else None
        found = self._find(listener)
        entry = found.entry if k is None else found.entry.first(k)
        impression_id = self._impress(scope, found, entry)
        body = found.snapshot.answer(found.lane, impression_id, entry)
        return Answer(body, lane=found.lane, release=found.snapshot.id)

    def favourites(self, scope: Scope, _receive: Receive) -> Answer:
        """What a listener plays most."""
        found = self._find(decode_id(scope["raw_path"][_PREFIX:-_FAVOURITES]))
        about = found.snapshot.id.encode(), found.entry.favourites
        return Answer(b'{"release":"%b","favourites":[%b]}\n' % about, lane=found.lane, release=found.snapshot.id)

    def plain(self, scope: Scope, _receive: Receive) -> Answer:
        """Up to 20 item ids on one line, with commas between them: what students of the course serve."""
        found = self._find(decode_id(scope["raw_path"][_PLAIN:]))
        entry = found.entry.first(PLAIN_ITEMS)
        ids = [item.replace(",", "%2C").replace("\n", " ") for item in json.loads(b"[%b]" % entry.ids)]
        impression_id = self._impress(scope, found, entry)
        about = (
            (b"x-netgain-lane", found.lane.encode()),
            (b"x-netgain-release", found.snapshot.id.encode()),
            (b"x-netgain-impression", impression_id.encode()),
        )
        return Answer(",".join(ids).encode(), TEXT, lane=found.lane, release=found.snapshot.id, headers=about)

    async def newcomers(self, scope: Scope, receive: Receive) -> Answer:
        """A list for a listener of whom only a few items are known."""
        from pipeline.serving.newcomer_answers import newcomer_entry  # NumPy and the families: not for look-ups

        if not self._options.newcomers:
            raise Refused(404, "this server takes no newcomers")
        wanted = _parse(NewcomerRequest, await read_body(scope, receive))
        snapshot = self._snapshot()
        loop = asyncio.get_running_loop()
        lane, head, entry, named = await loop.run_in_executor(
            self._models, newcomer_entry, snapshot, wanted.items, wanted.k
        )
        stamp = self._ids.new()
        self._log.note(snapshot.impression(lane, stamp, "null", entry))
        body = b'%b%b","named":[%b],"items":[%b]}\n' % (head, stamp[0].encode(), named, entry.items)
        return Answer(body, lane=lane, release=snapshot.id)

    def load_model(self) -> None:
        """Load the model for newcomers in the background, so that the first newcomer need not wait for it."""
        snapshot = self._watch.state.snapshot
        if snapshot is not None and self._options.newcomers:
            self._models.submit(_load_model, snapshot)

    async def events(self, scope: Scope, receive: Receive) -> Answer:
        """Store events, and answer when they are durable."""
        sent, erased = _parse(Events, await read_body(scope, receive)).events, self._watch.state.erased
        kept = sent
        if erased is not None:
            gone = erased.among({event.listener_id for event in sent}, self._options.id_key)
            kept = [event for event in sent if event.listener_id not in gone]
            self._counters.add("erased", len(sent) - len(kept))
        if kept:
            try:
                await self._log.add(b"".join(event.line(self._options.id_key) for event in kept))
            except Busy:
                self._counters.add("refused", len(kept))
                raise Refused(503, "the events are not stored; send them again", _AGAIN) from None
        self._counters.add("accepted", len(kept))
        return Answer(b'{"accepted":%d}\n' % len(sent), status=202)

    async def impression(self, scope: Scope, _receive: Receive) -> Answer:
        """An answer that was given, and the release that it came from."""
        wanted = decode_id(scope["raw_path"][_IMPRESSIONS:])
        found = None
        if ID.fullmatch(wanted):
            found = await asyncio.to_thread(find_impression, self._options.landing, wanted)
        if found is None:
            raise Refused(404, "there is no such impression, or it is not stored yet")
        found.pop("listener_id", None)
        return Answer(json.dumps(found, ensure_ascii=False).encode() + b"\n")

    def release(self, _scope: Scope, _receive: Receive) -> Answer:
        """The served release and where it comes from."""
        state, snapshot = self._watch.state, self._snapshot()
        about = provenance(snapshot.release)
        landed = about.pop("landed")
        about |= {
            "n_listeners": snapshot.index.n_listeners,
            "landed": landed and {key: landed[key] for key in ("n", "sha256")},
            "is_current": state.ready and not state.why,
            "why_not": state.why or None,
        }
        return Answer(json.dumps(about, ensure_ascii=False).encode() + b"\n")

    def health(self, _scope: Scope, _receive: Receive) -> Answer:
        """Whether the process answers."""
        return Answer(b'{"status":"ok"}\n')

    def ready(self, _scope: Scope, _receive: Receive) -> Answer:
        """Whether a whole release is served."""
        state = self._watch.state
        if state.snapshot is None or not state.ready:
            raise Refused(503, "no whole release is in CURRENT", (b"retry-after", b"5"))
        about = {"status": "ready", "release": state.snapshot.id, "degraded": bool(state.why)}
        return Answer(json.dumps(about).encode() + b"\n")

    def metrics(self, _scope: Scope, _receive: Receive) -> Answer:
        """Prometheus metrics of all workers."""
        state = self._watch.state
        gauges: dict[str, tuple[float, dict[str, str]]] = {
            "ready": (float(state.ready), {}),
            "uptime_seconds": (age(self._started), {}),
        }
        if (served := state.snapshot) is not None:
            night = time.mktime(served.release.as_of.timetuple())
            gauges["release_info"] = (1.0, {"release": served.id, "recipe": served.release.recipe})
            gauges["release_age_seconds"] = (age(night), {})
            gauges["listeners"] = (float(served.index.n_listeners), {})
        text = self._counters.text(gauges)
        return Answer(text, (b"content-type", b"text/plain; version=0.0.4; charset=utf-8"))

    def openapi(self, _scope: Scope, _receive: Receive) -> Answer:
        """The description of this API."""
        return Answer(self._openapi, JSON)

    def page(self, _scope: Scope, _receive: Receive) -> Answer:
        """The page for people."""
        policy = b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
        return Answer(self._page, HTML, headers=((b"content-security-policy", policy),))

    @cached_property
    def _openapi(self) -> bytes:
        return json.dumps(document(with_token=self._options.token is not None)).encode()

    @cached_property
    def _page(self) -> bytes:
        return files("pipeline.serving").joinpath("page.html").read_bytes()

    def _snapshot(self) -> Snapshot:
        snapshot = self._watch.state.snapshot
        if snapshot is None:
            raise Refused(503, "no release is served", _AGAIN)
        return snapshot

    def _find(self, listener: str) -> Found:
        """Return the list of a listener, from one release."""
        name = token_of(listener, self._options.id_key)
        while True:
            state = self._watch.state
            snapshot = state.snapshot
            if snapshot is None:
                raise Refused(503, "no release is served", _AGAIN)
            erased = state.erased is not None and bool(state.erased.among((listener,), self._options.id_key))
            try:
                entry = None if erased else snapshot.index.find(name)
                if entry is not None and entry.arm:
                    snapshot.require_arm(entry)
            except DamagedIndex:
                self._counters.add("damaged")
                self._watch.report(snapshot)
                continue
            if entry is None:
                return Found(snapshot, lanes.FALLBACK, snapshot.index.fallback, name, erased)
            return Found(snapshot, lanes.OWN, entry, name, False)

    def _impress(self, scope: Scope, found: Found, entry: Entry) -> str:
        """Note that an answer was given, and return its id. A HEAD request shows nothing."""
        stamp = self._ids.new()
        if scope["method"] == "GET" and not found.erased:
            name = encode_basestring(found.name)
            self._log.note(found.snapshot.impression(found.lane, stamp, name, entry))
        return stamp[0]


def _load_model(snapshot: Snapshot) -> None:
    from pipeline.serving.newcomer_answers import model_of

    model_of(snapshot)


def _parse(kind: type[Body], body: bytes) -> Body:
    try:
        return kind.model_validate_json(body)
    except ValidationError as err:
        raise Refused(400, describe(err.errors(include_url=False, include_input=False))) from None
