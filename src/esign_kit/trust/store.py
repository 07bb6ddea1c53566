"""Trust anchors and the store that holds them. Nothing is trusted that was not put here by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import Certificate, load_certificates
from esign_kit.errors import InputError
from esign_kit.model.signature import Purpose

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from datetime import datetime

__all__ = ["TrustAnchor", "TrustStore", "as_certificates"]

_ANY = frozenset({Purpose.ANY})


def as_certificates(value: Any) -> tuple[Certificate, ...]:
    """Read certificates from DER, PEM, a path, a ``cryptography`` object or our own view.

    Raises:
        InputError: nothing of the kind.
    """
    if isinstance(value, Certificate):
        return (value,)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return load_certificates(bytes(value))
    if hasattr(value, "public_bytes"):
        from cryptography.hazmat.primitives.serialization import Encoding

        return (Certificate.load(value.public_bytes(Encoding.DER)),)
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        try:
            with open(value, "rb") as stream:
                return load_certificates(stream.read(16 * 1024 * 1024))
        except OSError as error:
            raise InputError(f"cannot read {value}: {error.strerror}") from error
        except InputError as error:
            raise InputError(
                f"{value}: {error.detail}", code=error.code, hint=error.hint
            ) from error
    raise TypeError(f"no certificate: {type(value).__name__}")


class TrustAnchor:
    """A certificate that is trusted because the caller says so.

    Attributes:
        certificate: the certificate; its name and key are what is trusted (RFC 5280 § 6.1.1 d).
        purposes: what it is trusted for; ``ANY`` by default.
        since, until: when the trust holds (aware times); ``None`` for no bound.
        note: where it came from.
        listing: the service of a trusted list behind it (:class:`esign_kit.trustlist.Listing`).
    """

    __slots__ = ("certificate", "listing", "note", "purposes", "since", "until")

    def __init__(
        self,
        certificate: Any,
        *,
        purposes: Iterable[Purpose] = _ANY,
        since: datetime | None = None,
        until: datetime | None = None,
        note: str = "",
        listing: Any = None,
    ) -> None:
        (self.certificate,) = as_certificates(certificate)
        self.purposes = frozenset(purposes)
        self.since = since
        self.until = until
        self.note = note
        self.listing = listing

    def serves(self, purpose: Purpose, at: datetime) -> bool:
        """Tell whether the anchor is trusted for that purpose at that time."""
        if Purpose.ANY not in self.purposes and purpose not in self.purposes:
            return False
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)

    def __repr__(self) -> str:
        return f"TrustAnchor({self.certificate.label!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrustAnchor) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        # A list may name one certificate for many services: they must not all fall together.
        return hash((self.certificate, self.since, self.note))


class TrustStore:
    """Anchors, and intermediates that help to find paths but are not trusted themselves.

    Args:
        anchors: :class:`TrustAnchor` or anything that :func:`as_certificates` reads.
        intermediates: anything that :func:`as_certificates` reads.
    """

    __slots__ = ("_caches", "anchors", "intermediates")

    def __init__(
        self, anchors: Iterable[Any] | Any, intermediates: Iterable[Any] | Any = ()
    ) -> None:
        found: dict[TrustAnchor, None] = {}
        for item in _each(anchors):
            if isinstance(item, TrustAnchor):
                found[item] = None
            else:
                for certificate in as_certificates(item):
                    found[TrustAnchor(certificate)] = None
        self.anchors: tuple[TrustAnchor, ...] = tuple(found)
        self.intermediates: tuple[Certificate, ...] = ()
        # Portals make a store for each request, and mostly without helpers: 0.5 µs each.
        if intermediates != ():
            self.intermediates = tuple(
                dict.fromkeys(c for item in _each(intermediates) for c in as_certificates(item))
            )
        self._caches: dict[str, Any] = {}

    @classmethod
    def empty(cls) -> TrustStore:
        """A store that trusts nothing."""
        return cls(())

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], *, password: str | None = None) -> TrustStore:
        """Read anchors from a file (DER, PEM bundle, PKCS#7, a Java trust store) or a folder.

        In a folder, a sub-folder ``intermediates`` holds helpers that are not trusted. Files that
        are no certificates (by name: ``.crt .cer .der .pem .p7b .p7c .jks``) are passed over.

        Args:
            path: file or folder.
            password: of a Java trust store in PKCS#12, where it is neither empty nor the usual one.

        Raises:
            InputError: no such file, or a file with such a name that cannot be read.
        """
        from esign_kit.trust import files

        return files.load(path, password)

    def __or__(self, other: TrustStore) -> TrustStore:
        if not isinstance(other, TrustStore):
            return NotImplemented
        return TrustStore(self.anchors + other.anchors, self.intermediates + other.intermediates)

    def __len__(self) -> int:
        return len(self.anchors)

    def __iter__(self) -> Iterator[TrustAnchor]:
        return iter(self.anchors)

    def __repr__(self) -> str:
        return f"TrustStore({len(self.anchors)} anchors, {len(self.intermediates)} intermediates)"

    def __reduce__(self) -> tuple[Any, ...]:
        return (TrustStore, (self.anchors, self.intermediates))


def _each(value: Any) -> Iterable[Any]:
    if isinstance(value, (tuple, list)):
        return value
    if isinstance(value, (bytes, str, Certificate, TrustAnchor)) or hasattr(value, "public_bytes"):
        return (value,)
    if isinstance(value, TrustStore):
        return value.anchors
    if hasattr(value, "__fspath__"):
        return (value,)
    return value  # type: ignore[no-any-return]
