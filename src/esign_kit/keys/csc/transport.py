"""How a question gets to a remote signing service: one POST, bounded, behind the guard.

PINs and tokens travel in these messages. So plain http is spoken only with hosts that the guard
lists by name, redirects are not followed, and nothing of a message is in an error.
"""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from esign_kit._version import __version__
from esign_kit.errors import EvidenceError, KeyStoreError
from esign_kit.net.guard import Guard, split_url
from esign_kit.net.wire import Connection, Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "HttpTransport", "Transport"]

_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the HTTP status and the JSON object, empty where there was none."""

    status: int
    body: Mapping[str, Any]


class Transport(Protocol):
    """Carries one question; anything of this shape may take the place of HTTP."""

    def post(
        self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """Post and return the answer, whatever its status.

        Raises:
            KeyStoreError: ``csc.unreachable csc.timeout csc.cut csc.answer csc.address``.
        """
        ...


class HttpTransport:
    """HTTP over guarded connections.

    Args:
        guard: which hosts may be reached; the public network by default.
        tls: context for https; the system's anchors by default. A service that knows its clients
            by certificate gets one through it.
    """

    def __init__(self, *, guard: Guard | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard or Guard()
        self._tls = tls

    def post(
        self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """Post and return the answer; see :class:`Transport`."""
        try:
            return self._post(url, body, media_type, headers, Deadline(seconds))
        except EvidenceError as error:
            raise _failed(error.detail, _CODES.get(error.code, "csc.unreachable")) from error
        except TimeoutError as error:
            raise _failed("the service did not answer in time", "csc.timeout") from error
        except http.client.IncompleteRead as error:
            raise _failed("the answer of the service was cut off", "csc.cut") from error
        except http.client.HTTPException as error:
            raise _failed("the service broke off or does not speak HTTP", "csc.cut") from error
        except ssl.SSLError as error:
            raise _failed(f"TLS failed: {error.reason or 'refused'}", "csc.tls") from error
        except OSError as error:
            raise _failed(
                f"the service cannot be reached: {error.strerror or type(error).__name__}",
                "csc.unreachable",
            ) from error
        except ValueError:
            # http.client refuses what cannot stand in a header, and quotes it.
            raise _failed("a token or address that HTTP cannot carry", "csc.request") from None

    def _post(
        self,
        url: str,
        body: bytes,
        media_type: str,
        headers: Mapping[str, str],
        deadline: Deadline,
    ) -> Answer:
        target = split_url(url)
        if target.scheme != "https" and not self._guard.listed(target.host):
            raise KeyStoreError(
                "secrets are not sent over plain http",
                code="csc.address",
                hint="https, or a host that the guard lists by name",
            )
        self._guard.check_host(target.host)
        tls = None
        if target.scheme == "https":
            tls = self._tls = self._tls or ssl.create_default_context()
        addresses = self._guard.addresses(target.host, target.port, deadline.remaining())
        connection = Connection(target.host, target.port, addresses, deadline, tls)
        try:
            connection.request(
                "POST",
                target.path,
                body=body,
                headers={
                    "Host": target.authority,
                    "User-Agent": f"esign-kit/{__version__}",
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "Connection": "close",
                    "Content-Type": media_type,
                    **headers,
                },
            )
            answer = connection.getresponse()
            return Answer(answer.status, _object(answer))
        finally:
            connection.shut()


def _object(answer: http.client.HTTPResponse) -> Mapping[str, Any]:
    expected = answer.length
    if expected is not None and expected > _LARGEST:
        raise _failed("the answer of the service is too large", "csc.answer")
    data = answer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise _failed("the answer of the service is too large", "csc.answer")
    if expected is not None and len(data) < expected:
        raise _failed("the answer of the service was cut off", "csc.cut")
    if not data.strip() or answer.status >= 300:
        # An error page may be anything; only an object of ours is looked into.
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise _failed("the answer of the service is no JSON", "csc.answer") from None
    if not isinstance(found, dict):
        raise _failed("the answer of the service is no JSON object", "csc.answer")
    return found


_CODES = {
    "fetch.timeout": "csc.timeout",
    "fetch.address": "csc.address",
    "fetch.not-listed": "csc.address",
    "fetch.url": "csc.address",
    "fetch.scheme": "csc.address",
    "fetch.host": "csc.address",
    "fetch.cut": "csc.cut",
}


def _failed(detail: str, code: str) -> KeyStoreError:
    return KeyStoreError(detail, code=code)
