"""A server on loopback with one file, which misbehaves as a test asks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Manners:
    """Attributes:
    content: of the file.
    etag: of the file; None: it sends none.
    ranges: whether it knows ranges.
    stops_after: of the next answers, how many bytes each sends before it hangs up; None for all.
    statuses: of the next answers.
    redirect: the address that it redirects to.
    asked: headers Range of the requests so far.
    """

    content: bytes
    etag: str | None = '"1"'
    ranges: bool = True
    stops_after: list[int | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    redirect: str | None = None
    asked: list[str | None] = field(default_factory=list)


@contextmanager
def serving(manners: Manners) -> Iterator[str]:
    """Run the server and yield the address of its file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            manners.asked.append(wanted)
            status = manners.statuses.pop(0) if manners.statuses else 200
            if manners.redirect:
                self.send_response(302)
                self.send_header("Location", manners.redirect)
                self.end_headers()
                return
            if status != 200:
                self.send_error(status)
                return
            start = 0
            if wanted and manners.ranges and self.headers.get("If-Range") == manners.etag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(manners.content) - 1}/{len(manners.content)}")
            else:
                self.send_response(200)
            body = manners.content[start:]
            self.send_header("Content-Length", str(len(body)))
            if manners.etag:
                self.send_header("ETag", manners.etag)
            self.end_headers()
            stop = manners.stops_after.pop(0) if manners.stops_after else None
            self.wfile.write(body[:stop])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/data/archive.tar.gz"
    finally:
        server.shutdown()
        server.server_close()
