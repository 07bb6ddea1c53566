"""A connection with one deadline for all of it: a peer that drips octets gains no time."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any

from esign_kit.errors import EvidenceError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

__all__ = ["Connection", "Deadline", "open_tunnel"]

_MAX_TUNNEL_HEAD = 16 * 1024
_MAX_HEAD = 64 * 1024


class Deadline:
    """A point in time, on the monotonic clock."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left.

        Raises:
            EvidenceError: ``fetch.timeout``: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise EvidenceError("the time allowed for fetching is over", code="fetch.timeout")
        return left


class _Allowance:
    """How many octets the peer may still send, whatever it says that they are."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class _Raw(io.RawIOBase):
    """The reading side of a socket under a deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline, allowance: _Allowance) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._allowance.left <= 0:
            # Head upon head, trailers, a frame around every octet: time for nothing.
            raise EvidenceError("the peer sends more than an answer needs", code="fetch.protocol")
        self._sock.settimeout(self._deadline.remaining())
        count = self._sock.recv_into(buffer)
        self._allowance.left -= count
        return count


class _TimedSocket:
    """As much of a socket as ``http.client`` uses."""

    def __init__(self, sock: socket.socket, deadline: Deadline, allowance: _Allowance) -> None:
        self._sock = sock
        self._deadline = deadline
        self._allowance = allowance

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Raw(self._sock, self._deadline, self._allowance))

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(data)

    def close(self) -> None:
        """Do nothing: ``http.client`` closes before it reads; :meth:`Connection.shut` closes."""


class Connection(http.client.HTTPConnection):
    """A connection to addresses that have been judged; the name is only for TLS and the Host field.

    Args:
        name: the host's name, for SNI and the check of its certificate.
        port: where to.
        addresses: judged addresses, tried in order.
        deadline: for all of it, connecting included.
        tls: a context for https, ``None`` for http.
        tunnel: ``host:port`` to ask a proxy for, with the proxy's authorization field.
    """

    def __init__(
        self,
        name: str,
        port: int,
        addresses: Sequence[str],
        deadline: Deadline,
        tls: ssl.SSLContext | None,
        tunnel: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(name, port)
        self._name = name
        self._addresses = addresses
        self._deadline = deadline
        self._tls = tls
        self._tunnel_to = tunnel
        self._raw: socket.socket | None = None
        self._allowance = _Allowance(_MAX_HEAD)

    def allow_body(self, size: int) -> None:
        """Let the peer send a body of so many octets, with what frames it and stands after it."""
        self._allowance.left = size + size // 4 + _MAX_HEAD

    def connect(self) -> None:
        """Connect to the first judged address that answers."""
        problem: OSError | None = None
        for address in self._addresses:
            try:
                sock = socket.create_connection(
                    (address, self.port), timeout=self._deadline.remaining()
                )
                break
            except OSError as error:
                problem = error
        else:
            raise problem or OSError("no address")
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tunnel_to is not None:
                open_tunnel(sock, *self._tunnel_to, self._deadline)
            if self._tls is not None:
                sock.settimeout(self._deadline.remaining())
                sock = self._tls.wrap_socket(sock, server_hostname=self._name)
        except BaseException:
            sock.close()
            raise
        self._raw = sock
        self.sock = _TimedSocket(sock, self._deadline, self._allowance)

    def shut(self) -> None:
        """Close everything for good."""
        self.close()
        if self._raw is not None:
            self._raw.close()


def open_tunnel(sock: socket.socket, authority: str, field: str, deadline: Deadline) -> None:
    """Ask a proxy for a way to ``authority`` (RFC 9110 § 9.3.6).

    Raises:
        EvidenceError: ``fetch.proxy``: it said no.
    """
    request = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
    if field:
        request += f"Proxy-Authorization: {field}\r\n"
    sock.settimeout(deadline.remaining())
    sock.sendall((request + "\r\n").encode("ascii"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        # Octet by octet: what follows the head belongs to TLS.
        sock.settimeout(deadline.remaining())
        octet = sock.recv(1)
        if not octet or len(head) > _MAX_TUNNEL_HEAD:
            raise EvidenceError("the proxy broke off", code="fetch.proxy")
        head += octet
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or words[1] != b"200":
        status = words[1].decode("ascii", "replace") if len(words) > 1 else "nothing"
        raise EvidenceError(f"the proxy answered {status}", code="fetch.proxy")
