"""Where certificates say that evidence is, and the wrappings in which servers send it."""

from __future__ import annotations

from binascii import Error, a2b_base64
from typing import TYPE_CHECKING

from esign_kit.asn1.pem import blocks
from esign_kit.asn1.reader import SEQUENCE, encode_oid, read_all
from esign_kit.asn1.revocation import OcspResponse, distribution_points
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.asn1.revocation import Crl

__all__ = [
    "crl_urls",
    "delta_urls",
    "issuer_urls",
    "list_signer_urls",
    "nonce_of",
    "ocsp_urls",
    "passed_over",
    "unwrapped",
]

_MAX_URLS = 3
_FRESHEST_CRL = "2.5.29.46"
_CA_ISSUERS = encode_oid("1.3.6.1.5.5.7.48.2")


def ocsp_urls(certificate: Certificate) -> tuple[str, ...]:
    """Return addresses of OCSP responders."""
    return _http(lambda: certificate.ocsp_urls)


def crl_urls(certificate: Certificate) -> tuple[str, ...]:
    """Return addresses of CRLs."""
    return _http(lambda: certificate.crl_urls)


def issuer_urls(certificate: Certificate) -> tuple[str, ...]:
    """Return addresses of the issuer's certificate."""
    return _http(lambda: certificate.issuer_urls)


def list_signer_urls(crl: Crl) -> tuple[str, ...]:
    """Return addresses of the certificate of a list's signer (RFC 5280 § 5.2.7)."""
    return _http(lambda: _access(crl))


def _access(crl: Crl) -> Iterator[str]:
    extension = crl.extensions.get("1.3.6.1.5.5.7.1.1")
    if extension is not None:
        for item in read_all(extension.value, "authorityInfoAccess").expect(SEQUENCE):
            parts = item.items()
            if len(parts) == 2 and parts[0].raw == _CA_ISSUERS and parts[1].tag == 0x86:
                yield parts[1].contents.decode("latin-1")


def delta_urls(certificate: Certificate) -> tuple[str, ...]:
    """Return addresses of delta CRLs (freshestCRL, RFC 5280 § 4.2.1.15)."""
    return _http(lambda: _freshest(certificate))


def passed_over(certificate: Certificate) -> tuple[str, ...]:
    """Return addresses of its status that are not asked because they are neither http nor https."""
    try:
        urls = (*certificate.ocsp_urls, *certificate.crl_urls)
    except InputError:
        return ()
    return tuple(url for url in urls if not _is_http(url))[:_MAX_URLS]


def _is_http(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _http(read: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    """LDAP and others are passed over, and so is an extension that cannot be read."""
    try:
        urls = tuple(read())
    except InputError:
        return ()
    found = (url for url in urls if _is_http(url))
    return tuple(dict.fromkeys(found))[:_MAX_URLS]


def _freshest(certificate: Certificate) -> tuple[str, ...]:
    """Addresses of the freshestCRL extension (RFC 5280 § 4.2.1.15)."""
    extension = certificate.extensions.get(_FRESHEST_CRL)
    if extension is None:
        return ()
    uris = [
        read_all(name) for point in distribution_points(extension.value) for name in point.names
    ]
    return tuple(uri.contents.decode("latin-1") for uri in uris if uri.tag == 0x86)


def nonce_of(body: bytes) -> bytes | None:
    """The nonce in the signed part of an answer."""
    try:
        return OcspResponse.load(body).nonce
    except InputError:
        return None


def unwrapped(body: bytes) -> bytes:
    """Take a CRL out of PEM or base64; some servers send it so."""
    if body[:1] == b"\x30":
        return body
    text = body.strip()
    try:
        if text.startswith(b"-----BEGIN "):
            return next(blocks(text))[1]
        return a2b_base64(text)
    except (Error, InputError):
        return body
