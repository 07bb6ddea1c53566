"""Reading ds:Signature: one of each, in the order of the schema, and nothing between.

What is not as XML Signature 1.1 § 4 says becomes a fatal finding; nothing is guessed and nothing
searched for. Where a second SignedInfo or SignatureValue stands, nobody may choose between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_by_uri, signature_algorithm, signature_by_uri
from esign_kit.errors import InputError, LimitError
from esign_kit.model.signature import Finding
from esign_kit.xmldsig import names
from esign_kit.xmldsig.c14n import Canonicalization, canonicalization, canonicalize
from esign_kit.xmldsig.parser import local_name
from esign_kit.xmldsig.transforms import decode_base64

if TYPE_CHECKING:
    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.model.limits import Limits
    from esign_kit.xmldsig.parser import Element, XmlDocument

__all__ = ["ReferenceElement", "SignatureElement", "read_signature", "value_text"]

_RSA_PSS = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss"
_PSS = "{http://www.w3.org/2007/05/xmldsig-more#}"
_HMAC_LENGTH = f"{{{names.DS}}}HMACOutputLength"
_SPACE = " \t\r\n"


class ReferenceElement:
    """A ds:Reference as it stands.

    Attributes:
        digest_uri: the Algorithm of its DigestMethod.
        digest_value: decoded.
        uri: ``None`` if there is no URI attribute.
        skip: how many of the transforms did no more than choose the element.
    """

    __slots__ = (
        "digest_uri",
        "digest_value",
        "element",
        "id",
        "skip",
        "transforms",
        "type",
        "uri",
    )

    def __init__(
        self, element: Element, transforms: Element | None, digest_uri: str, digest_value: bytes
    ) -> None:
        self.element = element
        self.transforms = transforms
        self.digest_uri = digest_uri
        self.digest_value = digest_value
        self.skip = 0
        self.id: str = element.get("Id") or ""
        self.type: str = element.get("Type") or ""
        self.uri: str | None = element.get("URI")


class SignatureElement:
    """A ds:Signature as it stands; fields that could not be read are empty and a finding says so.

    Attributes:
        signed_octets: the canonical SignedInfo, ``None`` if it cannot be made.
        value_element: the ds:SignatureValue, which counter-signatures refer to.
        findings: what is wrong with the structure.
    """

    __slots__ = (
        "algorithm",
        "algorithm_uri",
        "canonicalization",
        "canonicalization_uri",
        "document",
        "element",
        "findings",
        "id",
        "key_info",
        "objects",
        "references",
        "signed_info",
        "signed_octets",
        "value",
        "value_element",
    )

    def __init__(self, element: Element, document: XmlDocument) -> None:
        self.element = element
        self.document = document
        self.id: str = element.get("Id") or ""
        self.findings: list[Finding] = []
        self.signed_info: Element | None = None
        self.value_element: Element | None = None
        self.key_info: Element | None = None
        self.objects: list[Element] = []
        self.references: list[ReferenceElement] = []
        self.canonicalization: Canonicalization | None = None
        self.canonicalization_uri = ""
        self.algorithm: SignatureAlgorithm | None = None
        self.algorithm_uri = ""
        self.value = b""
        self.signed_octets: bytes | None = None

    def fatal(self, code: str, detail: str) -> None:
        """Note something that makes the structure unacceptable."""
        self.findings.append(Finding(code, detail, fatal=True))

    def note(self, code: str, detail: str) -> None:
        """Note something that a report should tell."""
        self.findings.append(Finding(code, detail))


def read_signature(element: Element, document: XmlDocument) -> SignatureElement:
    """Read one ds:Signature; never raises, says what is wrong by findings."""
    read = SignatureElement(element, document)
    try:
        _read(read, document.limits)
    except InputError as error:
        limited = isinstance(error, LimitError)
        read.findings.append(Finding(error.code, error.detail, fatal=True, limited=limited))
    return read


def _read(read: SignatureElement, limits: Limits) -> None:
    children = _children(read.element)
    position = 0
    count = len(children)
    if position < count and children[position].tag == names.SIGNED_INFO:
        read.signed_info = children[position]
        position += 1
    if position < count and children[position].tag == names.SIGNATURE_VALUE:
        read.value_element = children[position]
        position += 1
    if position < count and children[position].tag == names.KEY_INFO:
        read.key_info = children[position]
        position += 1
    while position < count and children[position].tag == names.OBJECT:
        read.objects.append(children[position])
        position += 1
    if read.signed_info is None or read.value_element is None or position != count:
        wrong = [str(child.tag).rpartition("}")[2] for child in children]
        raise InputError(
            "ds:Signature must hold SignedInfo, SignatureValue, KeyInfo and Objects, once each and "
            f"in this order; it holds {', '.join(wrong[:8]) or 'nothing'}",
            code="xml.signature-structure",
        )
    _read_value(read, read.value_element)
    _read_signed_info(read, read.signed_info, limits)


def _read_value(read: SignatureElement, element: Element) -> None:
    try:
        read.value = decode_base64(value_text(element), "ds:SignatureValue")
    except InputError as error:
        # Fatal, but the rest can still be read and reported.
        read.fatal(error.code, error.detail)
        return
    if not read.value:
        read.fatal("xml.signature-structure", "ds:SignatureValue is empty")


def _children(element: Element) -> list[Element]:
    """Return the child elements; text between them must be white space."""
    found = []
    text = element.text
    if text and text.strip(_SPACE):
        raise InputError(
            f"text inside {local_name(element)} where only elements belong",
            code="xml.signature-structure",
        )
    for child in element:
        if isinstance(child.tag, str):
            found.append(child)
        tail = child.tail
        if tail and tail.strip(_SPACE):
            raise InputError(
                f"text inside {local_name(element)} where only elements belong",
                code="xml.signature-structure",
            )
    return found


def value_text(element: Element) -> str:
    """Return the text of an element that holds a value and nothing else.

    Comments are refused too: readers differ on which side of a comment the value lies
    (CVE-2025-29775).
    """
    if len(element):
        raise InputError(
            f"{local_name(element)} holds a comment or an element beside its value",
            code="xml.value-not-plain",
        )
    return element.text or ""


def _read_signed_info(read: SignatureElement, info: Element, limits: Limits) -> None:
    children = _children(info)
    if (
        len(children) < 2
        or children[0].tag != names.CANONICALIZATION_METHOD
        or children[1].tag != names.SIGNATURE_METHOD
        or any(child.tag != names.REFERENCE for child in children[2:])
    ):
        raise InputError(
            "ds:SignedInfo must hold CanonicalizationMethod, SignatureMethod and References",
            code="xml.signature-structure",
        )
    read.canonicalization_uri = children[0].get("Algorithm") or ""
    read.canonicalization = canonicalization(read.canonicalization_uri, children[0])
    read.algorithm_uri = children[1].get("Algorithm") or ""
    read.algorithm = _algorithm(read.algorithm_uri, children[1])
    references = children[2:]
    if not references:
        raise InputError("ds:SignedInfo refers to nothing", code="xml.no-reference")
    if len(references) > limits.references:
        raise LimitError(
            f"{len(references)} references; the limit is {limits.references}",
            code="xml.too-many-references",
        )
    for element in references:
        read.references.append(read_reference(element, read))
    if read.canonicalization is None:
        raise InputError(
            f"canonicalisation {read.canonicalization_uri or '(none)'} is not accepted",
            code="xml.canonicalization",
        )
    read.signed_octets = canonicalize(info, read.canonicalization)


def read_reference(element: Element, read: SignatureElement | None = None) -> ReferenceElement:
    """Read a ds:Reference of SignedInfo or of a ds:Manifest.

    Args:
        read: takes a broken ds:DigestValue as a finding, so that the rest can be reported.

    Raises:
        InputError: not as XML Signature 1.1 § 4.4.3 says.
    """
    children = _children(element)
    transforms = None
    if children and children[0].tag == names.TRANSFORMS:
        transforms = children.pop(0)
    if (
        len(children) != 2
        or children[0].tag != names.DIGEST_METHOD
        or children[1].tag != names.DIGEST_VALUE
    ):
        raise InputError(
            "ds:Reference must hold Transforms, DigestMethod and DigestValue, once each",
            code="xml.reference-structure",
        )
    value = b""
    try:
        value = decode_base64(value_text(children[1]), "ds:DigestValue")
    except InputError as error:
        if read is None:
            raise
        read.fatal(error.code, error.detail)
    return ReferenceElement(element, transforms, children[0].get("Algorithm") or "", value)


def _algorithm(uri: str, method: Element) -> SignatureAlgorithm | None:
    """Return the algorithm; ``None`` if the table does not know it, as for every HMAC."""
    if uri == _RSA_PSS:
        return _pss(method)
    if method.find(_HMAC_LENGTH) is not None:
        return None
    return signature_by_uri(uri)


def _pss(method: Element) -> SignatureAlgorithm | None:
    """Read RSAPSSParams (RFC 6931 § 2.3.9); what is absent has the default given there."""
    digest = mgf = digest_by_uri("http://www.w3.org/2001/04/xmlenc#sha256")
    salt = None
    parameters = method.find(_PSS + "RSAPSSParams")
    if parameters is not None:
        for child in parameters.iterchildren("*"):
            name = local_name(child)
            if name == "DigestMethod":
                digest = mgf = digest_by_uri(child.get("Algorithm") or "")
            elif name == "MaskGenerationFunction":
                inner = child.find(names.DIGEST_METHOD)
                if inner is not None:
                    mgf = digest_by_uri(inner.get("Algorithm") or "")
            elif name == "SaltLength":
                text = value_text(child).strip(_SPACE)
                if not (text.isascii() and text.isdigit() and len(text) < 5):
                    return None
                salt = int(text)
            elif name != "TrailerField" or value_text(child).strip(_SPACE) != "1":
                return None
    if digest is None or mgf is None:
        return None
    size = digest.size if salt is None else salt
    return signature_algorithm("RSA-PSS-SHA256").with_pss(digest.name, mgf.name, size)
