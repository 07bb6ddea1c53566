"""What answers under the country's addresses: the same for memory and for a loopback server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esign_kit.testing.pki import FixturePKI

__all__ = ["serve"]


def serve(pki: FixturePKI, path: str, body: bytes | None) -> tuple[bytes, str] | None:
    """Return octets and media type of what stands under a path, or ``None``.

    Paths are ``/ocsp/<authority>`` (POST, or GET with the request in base64, RFC 6960 § A.1),
    ``/crl/<authority>.crl``, ``/aia/<authority>.crt`` and ``/tsa``.
    """
    parts = path.strip("/").split("/", 2)
    service = parts[0]
    if service == "tsa" and body is not None:
        return pki.tsa.respond(body), "application/timestamp-reply"
    if len(parts) < 2:
        return None
    authority = pki.authorities.get(parts[1].partition(".")[0])
    if authority is None:
        return None
    if service == "crl":
        return authority.crl(), "application/pkix-crl"
    if service == "aia":
        return authority.certificate.der, "application/pkix-cert"
    if service == "ocsp":
        question = body if body is not None else _from_path(parts[2]) if len(parts) > 2 else b""
        return authority.answer(question), "application/ocsp-response"
    return None


def _from_path(text: str) -> bytes:
    from binascii import Error, a2b_base64
    from urllib.parse import unquote

    try:
        return a2b_base64(unquote(text))
    except Error:
        return b""
