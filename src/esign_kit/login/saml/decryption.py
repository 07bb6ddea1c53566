"""EncryptedAssertion (SAML Core § 2.3.4, XML Encryption 1.1): opened, and read on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_by_uri
from esign_kit.errors import InputError
from esign_kit.keys.decryption import open_gcm
from esign_kit.login import faults
from esign_kit.login.saml import names
from esign_kit.login.saml.request import escape
from esign_kit.login.saml.signing import LIMITS
from esign_kit.xmldsig import decode_base64, parse, value_text

if TYPE_CHECKING:
    from esign_kit.keys.decryption import DecryptionKey
    from esign_kit.xmldsig import Element, XmlDocument

__all__ = ["open_assertion"]

_XENC = "{http://www.w3.org/2001/04/xmlenc#}"
_XENC11 = "http://www.w3.org/2009/xmlenc11#"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_ELEMENT = "http://www.w3.org/2001/04/xmlenc#Element"
_OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
_OAEP11 = _XENC11 + "rsa-oaep"
_CONTENT = {_XENC11 + f"aes{bits}-gcm": bits // 8 for bits in (128, 192, 256)}
_MGF = {_XENC11 + f"mgf1sha{bits}": f"SHA{bits}" for bits in (1, 256, 384, 512)}
_NO = "login.saml-encrypted"


def open_assertion(encrypted: Element, key: DecryptionKey | None) -> tuple[XmlDocument, Element]:
    """Return the document that holds the assertion and nothing else, and the assertion.

    Raises:
        LoginAnswerError: no key, another form than RSA-OAEP with AES-GCM, or not for this key.
    """
    if key is None:
        raise faults.answer(_NO, "the assertion is encrypted, and this portal has no key for that")
    data = _only(encrypted, _XENC + "EncryptedData")
    if data.get("Type") not in (None, _ELEMENT):
        raise faults.answer(_NO, "what was encrypted is no element")
    method = _only(data, _XENC + "EncryptionMethod").get("Algorithm") or ""
    size = _CONTENT.get(method)
    if size is None:
        raise faults.answer(_NO, f"content encrypted by {faults.shown(method)}: not accepted")
    try:
        content_key = _unwrap(_encrypted_key(encrypted, data), key)
        if len(content_key) != size:
            raise InputError("a key of another size", code="decryption.failed")
        plain = open_gcm(content_key, _value(data))
    except InputError as error:
        raise faults.from_esign(error, _NO, "the assertion cannot be opened") from None
    return _read(plain, encrypted)


def _encrypted_key(encrypted: Element, data: Element) -> Element:
    """The key stands inside the data, or beside it; never twice."""
    inside = [
        child for info in data if info.tag == _DS + "KeyInfo" for child in info
        if child.tag == _XENC + "EncryptedKey"
    ]  # fmt: skip
    found = inside + [child for child in encrypted if child.tag == _XENC + "EncryptedKey"]
    if len(found) != 1:
        raise faults.answer(_NO, f"{len(found)} encrypted keys; one is expected")
    return found[0]


def _unwrap(element: Element, key: DecryptionKey) -> bytes:
    method = _only(element, _XENC + "EncryptionMethod")
    algorithm = method.get("Algorithm") or ""
    digest, mask = "SHA1", "SHA1"
    if algorithm not in (_OAEP, _OAEP11):
        raise faults.answer(_NO, f"key wrapped by {faults.shown(algorithm)}: not accepted")
    for child in method:
        uri = child.get("Algorithm") or ""
        if child.tag == _DS + "DigestMethod":
            known = digest_by_uri(uri)
            digest = known.name if known else "none"
        elif child.tag == f"{{{_XENC11}}}MGF" and algorithm == _OAEP11:
            mask = _MGF.get(uri, "none")
        elif isinstance(child.tag, str):
            raise faults.answer(_NO, "a parameter of OAEP that is not read")
    return key.unwrap(_value(element), digest=digest, mgf_digest=mask)


def _value(element: Element) -> bytes:
    """Only what stands here is opened; a CipherReference would send us elsewhere."""
    data = _only(element, _XENC + "CipherData")
    return decode_base64(value_text(_only(data, _XENC + "CipherValue")), "CipherValue")


def _read(plain: bytes, place: Element) -> tuple[XmlDocument, Element]:
    """Parse with the name spaces of the place: who encrypts may leave them to the parent."""
    spaces = "".join(
        f' xmlns{":" + prefix if prefix else ""}="{escape(uri)}"'
        for prefix, uri in place.nsmap.items()
    )
    try:
        document = parse(b"<w" + spaces.encode() + b">" + plain + b"</w>", LIMITS)
    except InputError as error:
        raise faults.from_esign(error, _NO, "what was encrypted is no XML") from None
    found = list(document.root.iterchildren("*"))
    if len(found) != 1 or found[0].tag != names.ASSERTION:
        raise faults.answer(_NO, "what was encrypted is no assertion")
    return document, found[0]


def _only(element: Element, tag: str) -> Element:
    found = [child for child in element if child.tag == tag]
    if len(found) != 1:
        raise faults.answer(_NO, f"{tag.rpartition('}')[2]} must stand once")
    return found[0]
