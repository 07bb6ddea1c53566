"""XML Signature 1.1: parsing, canonicalisation, references, transforms; the only room with lxml."""

from __future__ import annotations

from esign_kit.xmldsig.c14n import (
    EXCLUSIVE,
    INCLUSIVE,
    Canonicalization,
    canonicalization,
    canonicalize,
)
from esign_kit.xmldsig.keyinfo import KeyInfo, issuer_serial, read_key_info
from esign_kit.xmldsig.parser import (
    Element,
    XmlDocument,
    local_name,
    looks_like_xml,
    namespace,
    parse,
)
from esign_kit.xmldsig.reference import Resolver, Target
from esign_kit.xmldsig.signature import (
    ReferenceElement,
    SignatureElement,
    read_reference,
    read_signature,
    value_text,
)
from esign_kit.xmldsig.transforms import decode_base64

__all__ = [
    "EXCLUSIVE",
    "INCLUSIVE",
    "Canonicalization",
    "Element",
    "KeyInfo",
    "ReferenceElement",
    "Resolver",
    "SignatureElement",
    "Target",
    "XmlDocument",
    "canonicalization",
    "canonicalize",
    "decode_base64",
    "issuer_serial",
    "local_name",
    "looks_like_xml",
    "namespace",
    "parse",
    "read_key_info",
    "read_reference",
    "read_signature",
    "value_text",
]
