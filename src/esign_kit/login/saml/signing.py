"""Enveloped XML signatures in the one form that SAML 2.0 knows (Core § 5.4).

One reference to the Id of the parent, enveloped-signature and exclusive canonicalisation, nothing
else: so it is written, and so, and only so, it is read.
"""

from __future__ import annotations

from base64 import b64encode
from hmac import compare_digest
from typing import TYPE_CHECKING

from esign_kit import crypto
from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EsignError, InputError
from esign_kit.login import faults
from esign_kit.model.document import Document
from esign_kit.model.limits import Limits
from esign_kit.model.signature import ReferenceKind
from esign_kit.trust.policy import TransformRule
from esign_kit.xmldsig import EXCLUSIVE, Resolver, canonicalize, names, parse, read_signature

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.keys.base import SigningKey
    from esign_kit.xmldsig import Element, SignatureElement, XmlDocument

__all__ = ["LIMITS", "octets_of_signature", "sign_element", "signature_value", "signed_octets"]

LIMITS = Limits().with_(
    signature_size=2 * 1024 * 1024, xml_depth=64, xml_elements=20_000, references=1, transforms=2
)
_DIGESTS = frozenset({"SHA256", "SHA384", "SHA512"})
_FAMILIES = frozenset({"RSA", "RSA-PSS", "ECDSA", "EDDSA"})
_FORM = [names.T_ENVELOPED, names.C14N_EXCLUSIVE]


def signed_octets(document: XmlDocument, element: Element, certificates: Iterable[bytes]) -> bytes:
    """Return the canonical octets of an element that its own signature covers.

    Raises:
        LoginAnswerError: no signature, several, another form, SHA-1, or one that is not good.
    """
    own = [item for item in document.signatures() if item.getparent() is element]
    if len(own) != 1:
        raise faults.answer("login.saml-signature", f"{len(own)} signatures where one must stand")
    read = read_signature(own[0], document)
    fatal = [item for item in read.findings if item.fatal]
    if fatal or read.algorithm is None or read.signed_octets is None:
        code = fatal[0].code if fatal else read.algorithm_uri
        raise faults.answer(
            "login.saml-signature", f"a signature that is not read: {faults.shown(code)}"
        )
    _check_algorithm(read.algorithm)
    octets = _covered(document, element, read)
    if not _good(read, read.algorithm, read.signed_octets, certificates):
        raise faults.answer(
            "login.saml-signature", "the signature is not good by any key of the provider"
        )
    return octets


def _check_algorithm(algorithm: SignatureAlgorithm) -> None:
    digest = algorithm.digest
    if algorithm.family not in _FAMILIES or (digest is not None and digest not in _DIGESTS):
        raise faults.answer("login.saml-algorithm", f"signed by {algorithm.name}: not accepted")


def _covered(document: XmlDocument, element: Element, read: SignatureElement) -> bytes:
    identifier = element.get("ID") or ""
    if len(read.references) != 1:
        raise faults.answer("login.saml-reference", "the signature must refer to one element")
    reference = read.references[0]
    if not identifier or reference.uri != f"#{identifier}":
        raise faults.answer(
            "login.saml-reference", "the signature refers to something else than its parent"
        )
    steps = [] if reference.transforms is None else list(reference.transforms)
    if [item.get("Algorithm") for item in steps] != _FORM:
        raise faults.answer("login.saml-reference", "transforms that SAML does not use")
    resolver = Resolver(document, read.element, read.objects, (), TransformRule.CLOSED, LIMITS)
    try:
        target = resolver.target(reference.uri)
        if target.element is not element:
            raise faults.answer("login.saml-reference", "the Id leads to another element")
        signed = resolver.reference(reference, 1, ReferenceKind.DATA, target)
        if signed.error or signed.digest_algorithm not in _DIGESTS:
            word = signed.error or f"digest {faults.shown(signed.algorithm_label)}"
            raise faults.answer("login.saml-algorithm", f"not accepted: {word}")
        first = next(iter(signed.resolve()), None)
    except InputError as error:
        raise faults.from_esign(error, "login.saml-reference", "the reference") from None
    if first is None or isinstance(first[0], Document):
        raise faults.answer("login.saml-reference", "the reference leads nowhere")
    octets: bytes = first[0]
    digest = digest_algorithm(signed.digest_algorithm).hash(octets)
    if not compare_digest(digest, signed.digest_value):
        raise faults.answer("login.saml-digest", "what was signed has been changed")
    return octets


def _good(
    read: SignatureElement,
    algorithm: SignatureAlgorithm,
    octets: bytes,
    certificates: Iterable[bytes],
) -> bool:
    for der in certificates:
        try:
            key = crypto.load_public_key(Certificate.load(der).spki)
            if key.type == "RSA" and key.bits < 2048:
                continue
            if crypto.verify(key, algorithm, read.value, octets, plain=True):
                return True
        except EsignError:
            continue
    return False


def signature_value(key: SigningKey, octets: bytes, algorithm: SignatureAlgorithm) -> bytes:
    """Return a signature value as XML Signature writes it."""
    value = key.sign(octets, algorithm)
    if algorithm.family != "ECDSA":
        return value
    public = crypto.load_public_key(Certificate.load(key.certificate_der).spki)
    return crypto.der_to_plain(value, (public.bits + 7) // 8)


def preferred(key: SigningKey) -> SignatureAlgorithm:
    """Return the first algorithm of a key that is accepted here.

    Raises:
        UnsupportedError: there is none.
    """
    from esign_kit.errors import UnsupportedError

    for algorithm in key.algorithms:
        if algorithm.family in _FAMILIES and algorithm.digest in _DIGESTS:
            return algorithm
    raise UnsupportedError("the key has no algorithm that SAML uses", code="signing.algorithm")


def octets_of_signature(
    xml: bytes, identifier: str, key: SigningKey, algorithm: SignatureAlgorithm | None = None
) -> bytes:
    """Return the ds:Signature element for the element with this Id.

    Args:
        xml: the whole document, still without the signature.
    """
    chosen = algorithm or preferred(key)
    (element,) = parse(xml, LIMITS).elements_with_id(identifier)
    digest = digest_algorithm(chosen.digest or "SHA256")
    value = b64encode(digest.hash(canonicalize(element, EXCLUSIVE))).decode("ascii")
    method = f'<ds:CanonicalizationMethod Algorithm="{names.C14N_EXCLUSIVE}">'
    info = (
        f'<ds:SignedInfo xmlns:ds="{names.DS}">'
        f"{method}</ds:CanonicalizationMethod>"
        f'<ds:SignatureMethod Algorithm="{chosen.uri}"></ds:SignatureMethod>'
        f'<ds:Reference URI="#{identifier}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{names.T_ENVELOPED}"></ds:Transform>'
        f'<ds:Transform Algorithm="{names.C14N_EXCLUSIVE}"></ds:Transform>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{digest.uri}"></ds:DigestMethod>'
        f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    octets = canonicalize(parse(info.encode(), LIMITS).root, EXCLUSIVE)
    signature = b64encode(signature_value(key, octets, chosen)).decode("ascii")
    certificate = b64encode(key.certificate_der).decode("ascii")
    return (
        f'<ds:Signature xmlns:ds="{names.DS}">{info}'
        f"<ds:SignatureValue>{signature}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
        f"<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        "</ds:Signature>"
    ).encode()


def sign_element(
    xml: bytes,
    identifier: str,
    key: SigningKey,
    *,
    place: bytes,
    algorithm: SignatureAlgorithm | None = None,
) -> bytes:
    """Return the document with a signature over one element.

    Args:
        place: octets that stand once in the document; the signature comes right after them.
    """
    signature = octets_of_signature(xml, identifier, key, algorithm)
    before, found, after = xml.partition(place)
    if not found:
        raise ValueError("no place for the signature")
    return before + found + signature + after
