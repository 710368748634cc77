"""The service: an ASGI application that looks answers up.

Routes are matched by hand: a framework's routing and responses cost more than the rest of the answer (ADR 0025).
"""

import asyncio
import contextlib
import gc
import hmac
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipeline.serving.answering import Answering, Handler
from pipeline.serving.counters import Counters
from pipeline.serving.http import Answer, Receive, Refused, Scope, Send, error, header, note_fault
from pipeline.serving.options import Options
from pipeline.serving.requestlog import RequestLog
from pipeline.serving.telemetry import EventLog
from pipeline.serving.throttle import Throttle
from pipeline.serving.watch import Watch

LOOK_SECONDS = 0.1
"""How often CURRENT is looked at [s]."""
_FLUSH_EVERY = 3
_GARBAGE = 20_000
"""Objects between two collections: the default of 700 costs a request a microsecond or two."""


class App:
    """The ASGI application of one worker."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._throttle = Throttle(options.rate / options.workers)
        self._log = RequestLog(enabled=options.log)
        self._guarded = options.token is not None or options.rate > 0
        self._answering: Answering
        self._counters: Counters
        self._routes: tuple[tuple[str, str, Handler], ...]
        self._fixed: dict[bytes, tuple[str, str, Handler]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or start and stop with the server."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._live(receive, send)
            return
        started = time.perf_counter()
        route, answer = self._answer(scope, receive)
        if not isinstance(answer, Answer):
            answer = await self._finish(answer)
        # uvicorn takes a microsecond for each header.
        headers = [answer.kind, (b"content-length", b"%d" % len(answer.body)), *answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        self._note(route, answer, time.perf_counter() - started)

    def look_up(self, scope: Scope) -> Answer:
        """Return the answer of a request whose path begins with one of LOOK_UPS, without a turn of the event loop.

        Args:
            scope: with `method`, `raw_path`, `query_string`, `headers` and `client`, as ASGI has them.
        """
        started = time.perf_counter()
        route, answer = self._answer(scope, _no_body)
        assert isinstance(answer, Answer)
        self._note(route, answer, time.perf_counter() - started)
        return answer

    def _note(self, route: str, answer: Answer, seconds: float) -> None:
        self._counters.request(route, answer.status, answer.lane, seconds)
        self._log.add(route, answer, seconds)

    def _answer(self, scope: Scope, receive: Receive) -> tuple[str, Answer | Awaitable[Answer]]:
        """Return the route and the answer of a request, or what makes the answer."""
        route = "none"
        try:
            route, method, handler = self._route(scope["raw_path"])
            if self._guarded:
                self._admit(scope, route)
            if scope["method"] != method and not (method == "GET" and scope["method"] == "HEAD"):
                allowed = b"GET, HEAD" if method == "GET" else method.encode()
                raise Refused(405, "this path has other methods", (b"allow", allowed))
            return route, handler(scope, receive)
        except Refused as refused:
            return route, error(refused)
        except Exception as err:  # noqa: BLE001  # whatever it is, the client gets no traceback
            return route, self._fault(err)

    async def _finish(self, answer: Awaitable[Answer]) -> Answer:
        try:
            return await answer
        except Refused as refused:
            return error(refused)
        except Exception as err:  # noqa: BLE001  # as above
            return self._fault(err)

    def _fault(self, err: Exception) -> Answer:
        note_fault(err)
        return error(Refused(500, "the answer could not be made; see the server's log"))

    def _route(self, path: bytes) -> tuple[str, str, Handler]:
        if path.startswith(b"/v1/listeners/"):
            if path.endswith(b"/recommendations"):
                return self._routes[0]
            if path.endswith(b"/favourites"):
                return self._routes[1]
        elif path.startswith(b"/recommend/"):
            return self._routes[2]
        elif path.startswith(b"/v1/impressions/"):
            return self._routes[3]
        found = self._fixed.get(path)
        if found is None:
            raise Refused(404, "there is no such path; see /openapi.json")
        return found

    def _admit(self, scope: Scope, route: str) -> None:
        """Check the token and the rate.

        Raises:
            Refused: the caller has no token, or asks too often.
        """
        if self._options.token is not None and route not in ("health", "ready"):
            sent = header(scope, b"authorization") or b""
            if not hmac.compare_digest(sent, b"Bearer " + self._options.token):
                raise Refused(401, "this server wants its token", (b"www-authenticate", b"Bearer"))
        if self._options.rate:
            wait = self._throttle.wait(scope["client"][0] if scope["client"] else "")
            if wait:
                raise Refused(429, "too many requests", (b"retry-after", b"%d" % (int(wait) + 1)))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        threads = ThreadPoolExecutor(1, thread_name_prefix="netgain-watch")
        watch = Watch(self._options.releases, self._options.id_key)
        self._counters = Counters(self._options.counts)
        log = EventLog(self._options.landing, self._options.limits)
        self._answering = answering = Answering(self._options, watch, self._counters, log)
        self._routes = (
            ("recommendations", "GET", answering.recommendations),
            ("favourites", "GET", answering.favourites),
            ("plain", "GET", answering.plain),
            ("impressions", "GET", answering.impression),
        )
        self._fixed = {
            b"/": ("page", "GET", answering.page),
            b"/v1/recommendations": ("newcomers", "POST", answering.newcomers),
            b"/v1/events": ("events", "POST", answering.events),
            b"/v1/releases/current": ("release", "GET", answering.release),
            b"/healthz": ("health", "GET", answering.health),
            b"/readyz": ("ready", "GET", answering.ready),
            b"/metrics": ("metrics", "GET", answering.metrics),
            b"/openapi.json": ("openapi", "GET", answering.openapi),
        }
        await asyncio.get_running_loop().run_in_executor(threads, watch.refresh)
        self._answering.load_model()
        follower = asyncio.create_task(self._follow(watch, log, threads))
        gc.collect()
        gc.freeze()  # what stays is not looked at again
        gc.set_threshold(_GARBAGE)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follower
        await asyncio.to_thread(log.close)
        self._log.flush()
        await send({"type": "lifespan.shutdown.complete"})

    async def _follow(self, watch: Watch, log: EventLog, threads: ThreadPoolExecutor) -> None:
        """Follow CURRENT and the erasures until the server stops."""
        loop, turn = asyncio.get_running_loop(), 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            before = watch.state
            try:
                changed = await loop.run_in_executor(threads, watch.refresh)
            except Exception as err:  # noqa: BLE001  # what is mapped stays served
                note_fault(err)
                continue
            if changed and before.erased != watch.state.erased:
                log.rotate()
            if changed and before.snapshot is not watch.state.snapshot:
                self._counters.add("rollovers")
                self._answering.load_model()
            turn += 1
            if turn % _FLUSH_EVERY == 0:
                self._log.flush()
                self._counters.put("impressions_lost", log.lost)


async def _no_body() -> dict[str, Any]:
    return {"type": "http.request"}


def create(options: Options) -> App:
    """Return the application of a worker."""
    return App(options)
