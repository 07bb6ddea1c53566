"""One HTTP exchange as data, for logins and vendor servers; who sends it is the caller's choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HttpRequest", "HttpResponse", "Transport"]


@dataclass(frozen=True, slots=True, repr=False)
class HttpRequest:
    """What is asked. ``repr()`` shows neither query, fields nor body: they hold codes and tokens.

    Attributes:
        method: ``"GET"`` or ``"POST"``.
        headers: further fields; ``Host`` may be given for servers that look at it.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url.partition('?')[0]})"


@dataclass(frozen=True, slots=True, repr=False)
class HttpResponse:
    """What was answered, whatever its status."""

    status: int
    body: bytes = b""
    media_type: str = ""

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {self.media_type!r}, {len(self.body)} octets)"


class Transport(Protocol):
    """Sends one request. Redirects are not followed: the caller looks at the status.

    Raises :class:`esign_kit.errors.EvidenceError` where no answer came.
    """

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and return the answer."""
        ...
