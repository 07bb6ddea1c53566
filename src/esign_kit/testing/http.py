"""The country's services over HTTP on the loopback address, for tests that need a real socket."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from esign_kit.testing.folder import LiveCountry
    from esign_kit.testing.pki import FixturePKI

__all__ = ["LoopbackServer"]

_MAX_REQUEST = 1024 * 1024


class LoopbackServer:
    """Serves OCSP, CRLs, issuers and time-stamps of one country; a context manager.

    Attributes:
        url: the address.
        requests: method and path of what was asked, in order.
    """

    def __init__(
        self, source: FixturePKI | LiveCountry | None = None, *, port: int = 0, country: str = "xx"
    ) -> None:
        """Bind to a port of the loopback address; 0 takes a free one.

        Args:
            source: the country to serve; without one a new country is made for this address.
            port: TCP port.
            country: of the new country.
        """
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        if source is None:
            from esign_kit.testing.pki import FixturePKI

            source = FixturePKI(country, base_url=self.url)
        self._source = source
        self.requests: list[str] = []
        self._lock = threading.Lock()
        self._server.owner = self  # type: ignore[attr-defined]
        self._thread: threading.Thread | None = None

    @property
    def pki(self) -> FixturePKI:
        """The country; one that was made for this server names its address in certificates."""
        folder = getattr(self._source, "folder", None)
        return folder.pki if folder is not None else self._source  # type: ignore[return-value]

    def answer(self, path: str, body: bytes | None) -> tuple[bytes, str] | None:
        """Answer one request; one at a time, as one country is one state."""
        with self._lock:
            return self._source.serve(path, body)

    def start(self) -> None:
        """Answer in a thread of its own."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def serve_forever(self) -> None:
        """Answer in this thread until interrupted."""
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    server_version = "fixture"
    timeout = 10

    def do_GET(self) -> None:
        self._answer(None)

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
        owner: LoopbackServer = self.server.owner  # type: ignore[attr-defined]
        owner.requests.append(f"{self.command} {self.path}")
        found = owner.answer(self.path.partition("?")[0], body)
        if found is None:
            self.send_error(404)
            return
        data, media_type = found
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent; ``requests`` keeps what was asked."""
