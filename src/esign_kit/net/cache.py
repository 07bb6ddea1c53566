"""Remembered evidence, keyed by what it means and not by where it came from.

The key holds all that the question depends on: kind, issuer name, issuer key, serial number and
scope. Only answers that have been *verified* are kept, until the time at which they themselves say
that a newer one is due. Everything that is read back is checked for wholeness here and verified
again by whoever uses it: an entry is a way to spare a journey, never a reason to believe.
"""

from __future__ import annotations

import struct
import threading
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Fetcher, FetchPurpose, FetchRequest, FetchResponse

__all__ = [
    "SEAL_SIZE",
    "CacheKey",
    "CachingFetcher",
    "EvidenceCache",
    "MemoryCache",
    "seal",
    "unseal",
]

_MAGIC = b"ekc1"
_HEAD = struct.Struct(">4sQ32s")

SEAL_SIZE = _HEAD.size
"""Octets by which an entry is longer than its value."""


class EvidenceCache(Protocol):
    """Where verified evidence is kept. No method ever raises because of the store behind it.

    A cache that is broken, full or unreachable behaves like an empty one.
    """

    def get(self, key: str) -> bytes | None:
        """Return what was kept and is still due; ``None`` if there is nothing whole."""
        ...

    def put(self, key: str, value: bytes, until: float) -> None:
        """Keep ``value`` until a moment in POSIX seconds."""
        ...

    def drop(self, key: str) -> None:
        """Forget an entry that did not stand up to verification."""
        ...


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What a piece of evidence is about.

    Attributes:
        purpose: OCSP, CRL or AIA.
        issuer: DER of the issuer's name.
        key: the issuer's public key (SubjectPublicKeyInfo, or its identifier for AIA).
        serial: of the certificate in question; ``None`` where the answer is about all of them.
        scope: which part: the address of a distribution point or of an issuer's certificate.
    """

    purpose: FetchPurpose
    issuer: bytes
    key: bytes
    serial: int | None = None
    scope: str = ""

    @property
    def text(self) -> str:
        """The key as text of fixed length; equal only where every part is equal."""
        digest = sha256()
        serial = b"" if self.serial is None else str(self.serial).encode("ascii")
        for part in (self.issuer, self.key, serial, self.scope.encode("utf-8", "replace")):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return f"{self.purpose}:{digest.hexdigest()}"

    @classmethod
    def of_ocsp(cls, certificate: Certificate, issuer: Certificate) -> CacheKey:
        """The key of an OCSP answer for one certificate."""
        from esign_kit.model.evidence import FetchPurpose

        return cls(FetchPurpose.OCSP, certificate.issuer, issuer.spki, certificate.serial)

    @classmethod
    def of_crl(cls, certificate: Certificate, issuer: Certificate, url: str) -> CacheKey:
        """The key of a CRL from one distribution point."""
        from esign_kit.model.evidence import FetchPurpose

        return cls(FetchPurpose.CRL, certificate.issuer, issuer.spki, None, url)

    @classmethod
    def of_issuer(cls, certificate: Certificate, url: str) -> CacheKey:
        """The key of the certificate that issued another; its key is not known yet."""
        from esign_kit.model.evidence import FetchPurpose

        try:
            hint = certificate.authority_key_identifier or b""
        except InputError:
            hint = b""
        return cls(FetchPurpose.AIA, certificate.issuer, hint, None, url)


def seal(key: str, value: bytes, until: float) -> bytes:
    """Return an entry in which a cut, a flipped bit or another entry's octets show."""
    moment = max(0, int(until))
    return _HEAD.pack(_MAGIC, moment, _mark(key, moment, value)) + value


def unseal(key: str, entry: bytes) -> tuple[bytes, float] | None:
    """Return value and moment of an entry that is whole and belongs to ``key``, or ``None``."""
    if len(entry) < _HEAD.size:
        return None
    magic, moment, mark = _HEAD.unpack_from(entry)
    value = entry[_HEAD.size :]
    if magic != _MAGIC or mark != _mark(key, moment, value):
        return None
    return value, float(moment)


def _mark(key: str, moment: int, value: bytes) -> bytes:
    digest = sha256(key.encode("utf-8") + b"\0" + moment.to_bytes(8, "big"))
    digest.update(value)
    return digest.digest()


class MemoryCache:
    """An :class:`EvidenceCache` in this process; the oldest entries go first.

    Args:
        max_bytes: of all values together.
        clock: POSIX seconds.
    """

    def __init__(
        self, max_bytes: int = 256 * 1024 * 1024, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._entries: dict[str, tuple[bytes, float]] = {}
        self._max = max_bytes
        self._size = 0
        self._clock = clock
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """See :class:`EvidenceCache`."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            if found[1] <= self._clock():
                self._remove(key)
                return None
            return found[0]

    def put(self, key: str, value: bytes, until: float) -> None:
        """See :class:`EvidenceCache`."""
        if len(value) > self._max or until <= self._clock():
            return
        with self._lock:
            self._remove(key)
            self._entries[key] = (value, until)
            self._size += len(value)
            while self._size > self._max:
                self._remove(next(iter(self._entries)))

    def drop(self, key: str) -> None:
        """See :class:`EvidenceCache`."""
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _remove(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._size -= len(found[0])


class CachingFetcher:
    """A fetcher with a memory: :func:`esign_kit.net.gather` looks there before it asks.

    ``fetch`` itself always asks the network; what may be remembered, and under which meaning, is
    known only to whoever verifies the answer.
    """

    __slots__ = ("cache", "fetcher")

    def __init__(self, fetcher: Fetcher, cache: EvidenceCache) -> None:
        self.fetcher = fetcher
        self.cache = cache

    @property
    def ocsp_nonce(self) -> bool:
        """As the inner fetcher says."""
        return bool(getattr(self.fetcher, "ocsp_nonce", False))

    @property
    def ocsp_digest(self) -> str:
        """As the inner fetcher says."""
        return str(getattr(self.fetcher, "ocsp_digest", "SHA1"))

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Fetch one thing from the network."""
        return self.fetcher.fetch(request)

    def bounded(self, *, seconds: float, fetches: int) -> CachingFetcher:
        """Return the same with bounds for one job, where the inner fetcher knows bounds."""
        bounded = getattr(self.fetcher, "bounded", None)
        if bounded is None:
            return self
        return CachingFetcher(bounded(seconds=seconds, fetches=fetches), self.cache)
