"""LoopbackAgent: a fake agent behind a web socket on this machine, for tests in a browser.

As much of RFC 6455 as a page needs: the handshake, text messages in one or several frames, ping,
close. Agents of this kind accept any origin, which is why what they bring back is never believed.
"""

from __future__ import annotations

import socketserver
import threading
from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import Self

__all__ = ["LoopbackAgent"]

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_MESSAGE = 16 * 1024 * 1024


class Agent(Protocol):
    """What answers."""

    def answer(self, text: str) -> str:
        """Answer one request."""
        ...


class LoopbackAgent:
    """Serves an agent on 127.0.0.1; a context manager.

    Attributes:
        url: ``ws://127.0.0.1:<port>/``.
    """

    def __init__(self, agent: Agent, *, port: int = 0) -> None:
        """Bind; port 0 takes a free one."""
        self.agent = agent
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        self.url = f"ws://127.0.0.1:{self._server.server_address[1]}/"
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


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    owner: LoopbackAgent


class _Handler(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self) -> None:
        """Shake hands, then answer each message."""
        try:
            if self._handshake():
                self._converse()
        except (OSError, ValueError):
            return

    def _handshake(self) -> bool:
        key = b""
        for _ in range(100):
            line = self.rfile.readline(8192).strip()
            if not line:
                break
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                key = value.strip()
        if not key:
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return False
        # RFC 6455 § 4.2.2 fixes SHA-1 here; it protects nothing.
        accept = b64encode(sha1(key + _MAGIC, usedforsecurity=False).digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        return True

    def _converse(self) -> None:
        agent = self.server.owner.agent  # type: ignore[attr-defined]
        greeting = getattr(agent, "greeting", None)
        if greeting:
            self._send(1, greeting.encode())
        message = b""
        while True:
            final, code, payload = self._frame()
            if code == 8:
                self._send(8, payload[:2])
                return
            if code == 9:
                self._send(10, payload)
            elif code in (0, 1):
                message += payload
                if final:
                    self._send(1, agent.answer(message.decode()).encode())
                    message = b""

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(self._read(2), "big")
        elif size == 127:
            size = int.from_bytes(self._read(8), "big")
        if size > _MAX_MESSAGE or not second & 0x80:
            raise ValueError
        mask = self._read(4)
        data = self._read(size)
        stream = (mask * (size // 4 + 1))[:size]
        plain = (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
        return bool(first & 0x80), first & 0x0F, plain

    def _read(self, size: int) -> bytes:
        data: bytes = self.rfile.read(size)
        if len(data) != size:
            raise ValueError
        return data

    def _send(self, code: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = bytes([0x80 | code, size])
        elif size < 65536:
            head = bytes([0x80 | code, 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([0x80 | code, 127]) + size.to_bytes(8, "big")
        self.wfile.write(head + payload)
