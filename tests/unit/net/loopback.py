"""Servers on loopback that do exactly what a test tells them, and count who knocks."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Handler = "Callable[[socket.socket, bytes], None]"


def http(body: bytes, *, status: str = "200 OK", fields: str = "") -> bytes:
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
    return head.encode() + body


class Loopback:
    """A listener on a free port. ``handler`` gets the connection and the head of the request."""

    def __init__(self, handler: Callable[[socket.socket, bytes], None] | bytes | None) -> None:
        self.handler = handler
        self.requests: list[bytes] = []
        self.closing = threading.Event()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(16)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            data = b""
            while b"\r\n\r\n" not in data:
                block = connection.recv(65536)
                if not block:
                    break
                data += block
            head, _, body = data.partition(b"\r\n\r\n")
            wanted = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    wanted = int(line.split(b":")[1])
            while len(body) < wanted:
                block = connection.recv(65536)
                if not block:
                    break
                body += block
            self.requests.append(head + b"\r\n\r\n" + body)
            if callable(self.handler):
                self.handler(connection, head + b"\r\n\r\n" + body)
            elif self.handler is not None:
                connection.sendall(self.handler)

    def close(self) -> None:
        self.closing.set()
        # Closing alone does not wake a thread that waits in accept().
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
