"""Which format reads this file? The room is found from the first octets, and imported then."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from esign_kit.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from types import ModuleType

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.document import Document
    from esign_kit.model.signature import SignedDocument
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["read_signed"]


def read_signed(
    data: bytes,
    detached: tuple[Document, ...],
    policy: ValidationPolicy,
    helpers: tuple[Certificate, ...],
) -> SignedDocument:
    """Read a file by the format that its first octets show.

    Raises:
        InputError: no signature (``input.no-signature``), or what the format's reader says.
        UnsupportedError: a format that is not read yet.
    """
    if not data:
        raise InputError("the input is empty", code="input.no-signature")
    start = b""
    if data[0] != 0x30:
        start = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(_XML) and not (detached and helpers and _is_raw_value(data)):
            from esign_kit.xades import parse as xades

            return xades.parse(data, detached=detached, policy=policy)
    cades = _cades()
    if cades.recognises(data):
        return cades.parse(data, detached=detached, policy=policy)  # type: ignore[no-any-return]
    from esign_kit.tsp import parse as tsp

    if tsp.recognises(data):
        return tsp.parse(data, detached=detached, policy=policy)
    if start[:4] == b"PK\x03\x04":
        from esign_kit.asic import nca

        if nca.recognises(data):
            return nca.parse(data, detached=detached, policy=policy)
    if detached and helpers:
        from esign_kit.raw import parse as raw

        return raw.parse(data, detached=detached, policy=policy, certificates=helpers)
    if start[:5] == b"%PDF-":
        raise UnsupportedError("PDF signatures are not read yet", code="input.unsupported-format")
    if start[:4] == b"PK\x03\x04" and start[30:43] == b"manifest.json":
        raise InputError(
            "this is an evidence bundle; the signature is inside",
            code="input.no-signature",
            hint="esign_kit.bundle.verify, or esign bundle verify, computes its verdict again",
        )
    if start[:4] == b"PK\x03\x04":
        raise UnsupportedError("ASiC containers are not read yet", code="input.unsupported-format")
    what, hint = _something_else(data)
    if what:
        raise InputError(
            f"this is no signature, it is {what}", code="input.no-signature", hint=hint
        )
    raise InputError(
        "this is no signature: neither CMS nor XML with a ds:Signature",
        code="input.no-signature",
        hint="a bare signature value needs detached=[document] and certificates=[signer]",
    )


def _something_else(data: bytes) -> tuple[str, str]:
    """Name what people hand over by mistake, and who reads it; empty if it is not known."""
    from esign_kit.asn1.certificate import load_certificates

    # RFC 7292 § 4: the version of a PFX is 3, and nothing else begins with that.
    if data[:1] == b"\x30" and b"\x02\x01\x03\x30" in data[2:12]:
        return "a key file (PKCS#12)", "`esign keys` lists what it holds"
    if len(data) > _LONGEST_VALUE:
        return "", ""
    try:
        load_certificates(data)
    except InputError:
        return "", ""
    return "a certificate", "validate_certificate(), or `esign trust why`, judges it"


# A tag, or the marks of UTF-16, with and without its byte order mark.
_XML = (b"<", b"\xff\xfe", b"\xfe\xff", b"\x00<")
_LONGEST_VALUE = 1 << 16


def _is_raw_value(data: bytes) -> bool:
    """Tell a bare signature value that happens to begin like XML (one RSA value in 256 does)."""
    if len(data) > _LONGEST_VALUE:
        return False
    wide = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-be"
    try:
        text = data.decode(wide if data[0] in b"\xff\xfe\x00" else "utf-8-sig")
    except UnicodeDecodeError:
        return True
    return not text.lstrip().startswith("<")


@cache
def _cades() -> ModuleType:
    from esign_kit.cades import parse as module

    return module
