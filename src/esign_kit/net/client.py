"""HttpClient: one request with fields and a body to an address that the deployer configured."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING

from esign_kit._version import __version__
from esign_kit.errors import EvidenceError
from esign_kit.model.http import HttpRequest, HttpResponse
from esign_kit.net.guard import Guard, Target, split_url
from esign_kit.net.wire import Connection, Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HttpClient"]

_BLOCK = 64 * 1024


class HttpClient:
    """A :class:`esign_kit.model.http.Transport` over the standard library.

    Secrets travel in these requests, so plain http goes only to hosts that are named, redirects
    are handed to the caller and never followed, and the system's proxy settings are not looked at.

    Args:
        guard: which hosts may be reached; the default is the public network.
        plain_http: hosts inside the own network to which http without TLS may go.
        seconds: for one request.
        limit: of an answer, in octets.
        tls: context for https; the system's trust anchors if absent.
    """

    __slots__ = ("_guard", "_limit", "_plain", "_seconds", "_tls")

    def __init__(
        self,
        *,
        guard: Guard | None = None,
        plain_http: Iterable[str] = (),
        seconds: float = 10.0,
        limit: int = 4 * 1024 * 1024,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._plain = frozenset(host.lower() for host in plain_http)
        self._guard = guard or Guard(hosts=self._plain)
        self._seconds = seconds
        self._limit = limit
        self._tls = tls

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request.

        Raises:
            EvidenceError: no answer; codes as of ``HttpFetcher.fetch``.
        """
        deadline = Deadline(self._seconds)
        target = split_url(request.url)
        if target.scheme == "http" and target.host not in self._plain:
            raise EvidenceError(
                f"{target.host}: only https, for secrets travel in this request",
                code="fetch.scheme",
                hint="a server inside your own network has to be named in plain_http",
            )
        self._guard.check_host(target.host)
        addresses = self._guard.addresses(target.host, target.port, deadline.remaining())
        tls = self._context() if target.scheme == "https" else None
        connection = Connection(target.host, target.port, addresses, deadline, tls)
        try:
            return self._exchange(connection, request, target)
        except EvidenceError:
            raise
        except TimeoutError:
            raise EvidenceError(
                f"{target.host} did not answer in time", code="fetch.timeout"
            ) from None
        except ssl.SSLError as error:
            raise EvidenceError(f"{target.host}: TLS failed", code="fetch.tls") from error
        except http.client.HTTPException as error:
            # The exception may quote the request: it is not handed on.
            raise EvidenceError(
                f"{target.host} does not speak HTTP: {type(error).__name__}", code="fetch.protocol"
            ) from None
        except OSError as error:
            raise EvidenceError(
                f"{target.host} cannot be reached: {error.strerror or type(error).__name__}",
                code="fetch.connect",
            ) from None
        except ValueError:
            raise EvidenceError(
                f"{target.host}: the request cannot be written", code="fetch.protocol"
            ) from None
        finally:
            connection.shut()

    def _exchange(
        self, connection: Connection, request: HttpRequest, target: Target
    ) -> HttpResponse:
        headers = {
            "Host": target.authority,
            "User-Agent": f"esign-kit/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            **request.headers,
        }
        connection.request(request.method, target.path, body=request.body, headers=headers)
        answer = connection.getresponse()
        connection.allow_body(self._limit)
        parts: list[bytes] = []
        size = 0
        while block := answer.read(min(_BLOCK, self._limit + 1 - size)):
            parts.append(block)
            size += len(block)
            if size > self._limit:
                raise EvidenceError(
                    f"the answer of {target.host} is larger than {self._limit} octets",
                    code="fetch.too-large",
                )
        kind = answer.headers.get_content_type() if "Content-Type" in answer.headers else ""
        return HttpResponse(answer.status, b"".join(parts), kind)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
