"""From a SAMLResponse to one assertion that was signed, and the octets that were."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from typing import TYPE_CHECKING

from esign_kit.errors import InputError
from esign_kit.login import faults
from esign_kit.login.saml import names
from esign_kit.login.saml.decryption import open_assertion
from esign_kit.login.saml.signing import LIMITS, signed_octets
from esign_kit.xmldsig import parse, value_text

if TYPE_CHECKING:
    from esign_kit.keys.decryption import DecryptionKey
    from esign_kit.login.saml.parties import SamlIdentityProvider
    from esign_kit.xmldsig import Element, XmlDocument

__all__ = ["child", "signed_assertion", "text_of"]

_MAX_RESPONSE = 1024 * 1024


def signed_assertion(
    encoded: str,
    provider: SamlIdentityProvider,
    *,
    acs_url: str,
    request_id: str,
    key: DecryptionKey | None = None,
) -> tuple[Element, bytes]:
    """Return the assertion, parsed out of the octets that were signed, and these octets.

    Args:
        key: opens an encrypted assertion.

    Raises:
        LoginAnswerError: anything but one response with one assertion that is signed, by itself
            or by the response, in the form of SAML.
        LoginRefusedError: the provider says that there was no login.
    """
    document = _document(encoded)
    response = document.root
    if response.tag != names.RESPONSE:
        raise faults.answer("login.saml-structure", "this is no SAML response")
    _check_response(response, provider, acs_url, request_id)
    whole = b""
    if any(item.getparent() is response for item in document.signatures()):
        whole = signed_octets(document, response, provider.certificates)
        # From here on only what the response's signature covers is looked at.
        document = _parsed(whole)
        response = document.root
    found = list(response.iter(names.ASSERTION, names.ENCRYPTED))
    if len(found) != 1 or found[0].getparent() is not response:
        raise faults.answer("login.saml-structure", f"{len(found)} assertions where one must stand")
    assertion = found[0]
    if assertion.tag == names.ENCRYPTED:
        if document.signatures():
            raise faults.answer("login.saml-structure", "a signature where none may stand")
        document, assertion = open_assertion(assertion, key)
    parents = [item.getparent() for item in document.signatures()]
    if any(item is not assertion for item in parents):
        raise faults.answer("login.saml-structure", "a signature where none may stand")
    if parents:
        octets = signed_octets(document, assertion, provider.certificates)
        return _parsed(octets).root, octets
    if not whole:
        raise faults.answer("login.saml-unsigned", "nothing in the response is signed")
    return assertion, whole


def _document(encoded: str) -> XmlDocument:
    try:
        if len(encoded) > _MAX_RESPONSE:
            raise ValueError
        data = b64decode("".join(encoded.split()).encode("ascii"), validate=True)
    except (ValueError, Error):
        raise faults.answer("login.saml-structure", "the response is no base64") from None
    return _parsed(data)


def _parsed(data: bytes) -> XmlDocument:
    try:
        return parse(data, LIMITS)
    except InputError as error:
        raise faults.from_esign(error, "login.saml-structure", "the response") from None


def _check_response(
    response: Element, provider: SamlIdentityProvider, acs_url: str, request_id: str
) -> None:
    """Check the envelope. It may be unsigned, so it can only make things worse, never better."""
    if response.get("Version") != "2.0":
        raise faults.answer("login.saml-structure", "this is not SAML 2.0")
    destination = response.get("Destination")
    if destination is not None and destination != acs_url:
        raise faults.answer("login.saml-recipient", "the response was sent to somebody else")
    if response.get("InResponseTo") != request_id:
        raise faults.answer("login.saml-request", "the response answers another request, or none")
    issuer = child(response, names.ISSUER)
    if issuer is not None and text_of(issuer) != provider.entity_id:
        raise faults.answer("login.saml-issuer", "the response comes from another provider")
    status = child(response, names.STATUS)
    code = child(status, names.STATUS_CODE) if status is not None else None
    value = code.get("Value") if code is not None else None
    if value == names.SUCCESS:
        return
    inner = child(code, names.STATUS_CODE) if code is not None else None
    words = [faults.shown(value or "none")]
    if inner is not None:
        words.append(faults.shown(inner.get("Value") or ""))
    cancelled = any(item in (names.AUTHN_FAILED, names.DENIED) for item in words)
    raise faults.refused(
        "login.cancelled" if cancelled else "login.refused",
        f"the provider answered {' / '.join(words)}",
    )


def child(element: Element, tag: str) -> Element | None:
    """Return the only child of that name.

    Raises:
        LoginAnswerError: there are several.
    """
    found = [item for item in element if item.tag == tag]
    if len(found) > 1:
        name = tag.rpartition("}")[2]
        raise faults.answer("login.saml-structure", f"{name} stands {len(found)} times")
    return found[0] if found else None


def text_of(element: Element) -> str:
    """Return the text of an element that holds nothing else.

    Raises:
        LoginAnswerError: a comment or an element stands inside (CVE-2018-0489 and its kin).
    """
    try:
        return value_text(element).strip(" \t\r\n")
    except InputError as error:
        raise faults.from_esign(error, "login.saml-structure", "a value") from None
