"""HttpFetcher: one GET or POST at a time, within bounds, to public addresses only."""

from __future__ import annotations

import http.client
import ssl
import time
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from esign_kit._version import __version__
from esign_kit.errors import EvidenceError
from esign_kit.model.evidence import FetchPurpose, FetchRequest, FetchResponse
from esign_kit.model.limits import Limits
from esign_kit.net.guard import Guard, Target, split_url
from esign_kit.net.wire import Connection, Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ENVIRONMENT", "HttpFetcher"]

ENVIRONMENT = "environment"
"""``HttpFetcher(proxy=ENVIRONMENT)`` takes the proxy from the environment's variables."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 3
_NO_ANSWER = frozenset({"fetch.connect", "fetch.timeout", "fetch.dns"})
_MAX_SILENT = 1024
_BLOCK = 256 * 1024
_ACCEPT: Mapping[FetchPurpose, str] = {
    FetchPurpose.OCSP: "application/ocsp-response",
    FetchPurpose.CRL: "application/pkix-crl, */*;q=0.5",
    FetchPurpose.AIA: "application/pkix-cert, application/pkcs7-mime, */*;q=0.5",
    FetchPurpose.TIMESTAMP: "application/timestamp-reply",
    FetchPurpose.TRUST_LIST: "application/vnd.etsi.tsl+xml, application/xml, */*;q=0.5",
}


class HttpFetcher:
    """Fetches over http and https; the only thing in esign_kit that opens a connection.

    Addresses are judged by ``guard`` before each connection, redirects stay on the same host, and
    one deadline covers resolving, connecting, sending and reading. The environment's proxy
    settings are not looked at unless asked for.

    Args:
        guard: which hosts may be reached; the default is the public network.
        seconds: for one fetch, redirects included; ``limits.fetch_seconds`` if absent.
        limits: sizes of answers.
        proxy: ``"http://[user:password@]host:port"``, or :data:`ENVIRONMENT`. A proxy resolves
            names itself: ``guard`` then judges names and literal addresses only, and the proxy
            has to keep its own rules.
        user_agent: never empty, some responders refuse that.
        tls: context for https; the system's trust anchors if absent.
        ocsp_nonce: send a nonce with OCSP requests and demand it back; answers are then of this
            very moment, and no cache is asked for them.
        ocsp_digest: by which OCSP requests name the certificate. RFC 5019 asks for SHA-1, which
            every responder knows; some national ones are used to ``"SHA256"``.
        pause: seconds during which a host that could not be reached, or did not answer in time,
            is not asked again: so that its bad hour does not become everybody's waiting time.
    """

    __slots__ = (
        "_agent",
        "_deadline",
        "_guard",
        "_left",
        "_limits",
        "_own_tls",
        "_pause",
        "_proxy",
        "_seconds",
        "_silent",
        "_tls",
        "ocsp_digest",
        "ocsp_nonce",
    )

    def __init__(
        self,
        *,
        guard: Guard | None = None,
        seconds: float | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        user_agent: str = f"esign-kit/{__version__}",
        tls: ssl.SSLContext | None = None,
        ocsp_nonce: bool = False,
        ocsp_digest: str = "SHA1",
        pause: float = 0.0,
    ) -> None:
        self.ocsp_nonce = ocsp_nonce
        self.ocsp_digest = ocsp_digest
        self._pause = pause
        self._silent: dict[str, float] = {}
        self._guard = guard or Guard()
        self._limits = limits or Limits()
        self._seconds = self._limits.fetch_seconds if seconds is None else seconds
        self._proxy = proxy
        self._agent = user_agent or "esign-kit"
        self._own_tls = tls
        # A list, so that copies for single jobs share what one of them had to load.
        self._tls = [tls] if tls is not None else []
        self._deadline: Deadline | None = None
        self._left: list[int] | None = None

    def bounded(self, *, seconds: float, fetches: int) -> HttpFetcher:
        """Return a fetcher for one job: so many fetches, so many seconds for all of them."""
        one = HttpFetcher(**self._settings())
        one._silent = self._silent
        one._tls = self._tls
        one._deadline = Deadline(seconds)
        one._left = [fetches]
        return one

    def _settings(self) -> dict[str, Any]:
        return {
            "guard": self._guard,
            "seconds": self._seconds,
            "limits": self._limits,
            "proxy": self._proxy,
            "user_agent": self._agent,
            "tls": self._own_tls,
            "ocsp_nonce": self.ocsp_nonce,
            "ocsp_digest": self.ocsp_digest,
            "pause": self._pause,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # For process pools. A TLS context of the caller's own does not travel; Python says so.
        return (_again, (self._settings(),))

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Fetch one thing.

        Raises:
            EvidenceError: nothing usable came. Its code says why: ``fetch.url fetch.scheme
                fetch.host fetch.address fetch.not-listed fetch.dns fetch.connect fetch.tls
                fetch.timeout fetch.count fetch.status fetch.redirect fetch.too-large fetch.cut
                fetch.encoding fetch.protocol fetch.proxy fetch.paused``.
        """
        if self._left is not None:
            if self._left[0] <= 0:
                raise EvidenceError("no more fetches for this job", code="fetch.count")
            self._left[0] -= 1
        seconds = self._seconds
        if self._deadline is not None:
            # Half of what is left: one slow responder must not use up the time of the others.
            left = self._deadline.remaining()
            seconds = min(seconds, max(left / 2, min(left, 1.0)))
        deadline = Deadline(seconds)
        target = split_url(request.url)
        if self._silent.get(target.authority, 0.0) > time.monotonic():
            raise EvidenceError(f"{target.host} did not answer just now", code="fetch.paused")
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                outcome = self._once(request, target, deadline)
            except EvidenceError as error:
                if self._pause and error.code in _NO_ANSWER:
                    self._leave_alone(target)
                raise
            if isinstance(outcome, FetchResponse):
                return outcome
            target = outcome
        raise EvidenceError(f"{target.host}: too many redirects", code="fetch.redirect")

    def _leave_alone(self, target: Target) -> None:
        """Note a silent host; certificates name as many hosts as they like, we remember some."""
        now = time.monotonic()
        if len(self._silent) >= _MAX_SILENT:
            for authority, until in list(self._silent.items()):
                if until <= now:
                    self._silent.pop(authority, None)
        if len(self._silent) < _MAX_SILENT:
            self._silent[target.authority] = now + self._pause

    def _once(
        self, request: FetchRequest, target: Target, deadline: Deadline
    ) -> FetchResponse | Target:
        connection, path, extra = self._connection(target, deadline)
        proxy = self._proxy_for(target)
        peer = f"the proxy {proxy[0]}:{proxy[1]}" if proxy else target.host
        try:
            connection.request(
                "POST" if request.body is not None else "GET",
                path,
                body=request.body,
                headers={**self._headers(request, target), **extra},
            )
            answer = connection.getresponse()
            if answer.status in _REDIRECTS:
                return _redirected(request, target, answer)
            if answer.status == 407 and peer != target.host:
                raise EvidenceError(f"{peer} asks for a user and a password", code="fetch.proxy")
            if answer.status != 200:
                raise EvidenceError(f"{target.host} answered {answer.status}", code="fetch.status")
            connection.allow_body(self._largest(request.purpose))
            return FetchResponse(
                request,
                self._body(answer, request, target),
                answer.headers.get_content_type() if "Content-Type" in answer.headers else None,
            )
        except EvidenceError:
            raise
        except TimeoutError as error:
            raise EvidenceError(
                f"{target.host} did not answer in time", code="fetch.timeout"
            ) from error
        except ssl.SSLError as error:
            raise EvidenceError(
                f"{target.host}: TLS failed: {error.reason or error}", code="fetch.tls"
            ) from error
        except http.client.IncompleteRead as error:
            raise _cut(target) from error
        except http.client.HTTPException as error:
            raise EvidenceError(
                f"{target.host} does not speak HTTP: {type(error).__name__}", code="fetch.protocol"
            ) from error
        except OSError as error:
            raise EvidenceError(
                f"{peer} cannot be reached: {error.strerror or error}",
                code="fetch.connect",
            ) from error
        except ValueError as error:
            # http.client refuses what cannot stand in a request, or an answer's broken numbers.
            raise EvidenceError(f"{target.host}: {error}", code="fetch.protocol") from error
        finally:
            connection.shut()

    def _headers(self, request: FetchRequest, target: Target) -> dict[str, str]:
        headers = {
            "Host": target.authority,
            "User-Agent": self._agent,
            "Accept": _ACCEPT[request.purpose],
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if request.body is not None:
            headers["Content-Type"] = request.media_type or "application/octet-stream"
        return headers

    def _connection(
        self, target: Target, deadline: Deadline
    ) -> tuple[Connection, str, dict[str, str]]:
        self._guard.check_host(target.host)
        tls = self._context() if target.scheme == "https" else None
        proxy = self._proxy_for(target)
        if proxy is None:
            addresses = self._guard.addresses(target.host, target.port, deadline.remaining())
            return (
                Connection(target.host, target.port, addresses, deadline, tls),
                target.path,
                {},
            )
        self._guard.check_proxied(target.host)
        host, port, field = proxy
        addresses = Guard(hosts=frozenset({host})).addresses(host, port, deadline.remaining())
        if tls is None:
            extra = {"Proxy-Authorization": field} if field else {}
            connection = Connection(host, port, addresses, deadline, None)
            return connection, f"http://{target.authority}{target.path}", extra
        name = f"[{target.host}]" if ":" in target.host else target.host
        tunnel = (f"{name}:{target.port}", field)
        connection = Connection(target.host, port, addresses, deadline, tls, tunnel)
        return connection, target.path, {}

    def _proxy_for(self, target: Target) -> tuple[str, int, str] | None:
        url = self._proxy
        if url == ENVIRONMENT:
            from urllib.request import getproxies, proxy_bypass

            url = None if proxy_bypass(target.host) else getproxies().get(target.scheme)
        if not url:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port or 3128
        except ValueError as error:
            raise EvidenceError("the proxy's address is malformed", code="fetch.proxy") from error
        if parts.scheme != "http" or not parts.hostname:
            raise EvidenceError("a proxy's address is http://host:port", code="fetch.proxy")
        field = ""
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            field = "Basic " + b64encode(pair.encode("utf-8")).decode("ascii")
        return parts.hostname, port, field

    def _context(self) -> ssl.SSLContext:
        if not self._tls:
            self._tls.append(ssl.create_default_context())
        return self._tls[0]

    def _body(
        self, answer: http.client.HTTPResponse, request: FetchRequest, target: Target
    ) -> bytes:
        encoding = (answer.getheader("Content-Encoding") or "identity").strip().lower()
        if encoding not in ("identity", ""):
            # We asked for none; a packed answer could also be a bomb.
            raise EvidenceError(f"{target.host} sent a packed answer", code="fetch.encoding")
        limit = self._largest(request.purpose)
        length = answer.length
        if length is not None and length > limit:
            raise _too_large(target, limit)
        parts: list[bytes] = []
        size = 0
        while block := answer.read(min(_BLOCK, limit + 1 - size)):
            parts.append(block)
            size += len(block)
            if size > limit:
                raise _too_large(target, limit)
        if length is not None and size < length:
            raise _cut(target)
        return b"".join(parts)

    def _largest(self, purpose: FetchPurpose) -> int:
        limits = self._limits
        if purpose is FetchPurpose.CRL:
            return limits.crl_size
        if purpose is FetchPurpose.TRUST_LIST:
            return limits.signature_size
        return limits.ocsp_size


def _again(settings: dict[str, Any]) -> HttpFetcher:
    return HttpFetcher(**settings)


def _redirected(request: FetchRequest, target: Target, answer: http.client.HTTPResponse) -> Target:
    location = answer.getheader("Location")
    if not location:
        raise EvidenceError(f"{target.host} redirects to nowhere", code="fetch.redirect")
    if request.body is not None and answer.status not in (307, 308):
        raise EvidenceError(f"{target.host} redirects a POST", code="fetch.redirect")
    base = f"{target.scheme}://{target.authority}{target.path}"
    try:
        joined = urljoin(base, location)
    except ValueError as error:
        raise EvidenceError(f"{target.host} redirects to nowhere", code="fetch.redirect") from error
    new = split_url(joined)
    upgraded = (target.scheme, target.port, new.scheme, new.port) == ("http", 80, "https", 443)
    if new.host != target.host or not (
        upgraded or (new.scheme, new.port) == (target.scheme, target.port)
    ):
        raise EvidenceError(
            f"{target.host} redirects to another host ({new.authority})", code="fetch.redirect"
        )
    return new


def _too_large(target: Target, limit: int) -> EvidenceError:
    return EvidenceError(
        f"the answer of {target.host} is larger than {limit} octets", code="fetch.too-large"
    )


def _cut(target: Target) -> EvidenceError:
    return EvidenceError(f"the answer of {target.host} was cut off", code="fetch.cut")
