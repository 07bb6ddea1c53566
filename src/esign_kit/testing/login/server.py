"""LoopbackLogin: any fake on a free port of this machine."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from esign_kit.model.http import HttpRequest

if TYPE_CHECKING:
    from typing import Self

    from esign_kit.model.http import Transport

__all__ = ["LoopbackLogin"]

_MAX_REQUEST = 4 * 1024 * 1024


class LoopbackLogin:
    """Serves a fake over HTTP on 127.0.0.1; a context manager.

    Attributes:
        url: where it listens.
    """

    def __init__(self, fake: Transport, *, port: int = 0) -> None:
        """Bind; port 0 takes a free one."""
        self._fake = fake
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._server.daemon_threads = True
        self._server.owner = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        if self._thread is not None:
            self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_version = "fixture"
    timeout = 10

    def do_GET(self) -> None:
        self._answer(None)

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        try:
            size = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            size = -1
        if not 0 <= size <= _MAX_REQUEST:
            self.send_error(413)
            return
        self._answer(self.rfile.read(size))

    def _answer(self, body: bytes | None) -> None:
        owner: LoopbackLogin = self.server.owner  # type: ignore[attr-defined]
        request = HttpRequest(self.command, owner.url + self.path, dict(self.headers), body)
        with owner._lock:
            answer = owner._fake.send(request)
        self.send_response(answer.status)
        if answer.status == 302:
            self.send_header("Location", answer.body.decode("ascii"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_header("Content-Type", answer.media_type or "application/octet-stream")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""
