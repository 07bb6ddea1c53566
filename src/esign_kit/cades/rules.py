"""What CMS and CAdES demand of one signer, told as findings (RFC 5652 § 5 and 11, RFC 5035)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.algorithm_identifier import (
    decode_digest_algorithm,
    decode_signature_algorithm,
    split,
)
from esign_kit.asn1.reader import OCTET_STRING, OID, SEQUENCE, SET, encode, header
from esign_kit.cades import oids
from esign_kit.cades.attributes import signed_facts, signing_time
from esign_kit.cades.references import certificate_references, other_certificate_references
from esign_kit.errors import InputError, UnsupportedError
from esign_kit.model.signature import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.algorithms import DigestAlgorithm, SignatureAlgorithm
    from esign_kit.asn1.cms import AttributeSet, SignerInfo
    from esign_kit.model.document import Document
    from esign_kit.model.signature import CertificateReference
    from esign_kit.trust.policy import ValidationPolicy

_SMALL = 1024 * 1024
SHAPES = 16
"""Answers kept with one shape of signed attributes; it comes with one or two algorithms."""
_EDDSA_DIGESTS = {"ED25519": "SHA512", "ED448": "SHAKE256"}


# ── algorithms ────────────────────────────────────────────────────────────────────────────────


class Algorithms(NamedTuple):
    """What one signer uses.

    Attributes:
        digest: of ``digestAlgorithm``; ``None`` if the table does not know it.
        signature: likewise, of ``signatureAlgorithm``.
        digest_label, signature_label: the OIDs, for people.
        findings: what is wrong with them.
        protection: the value that CMSAlgorithmProtection has in DER for them.
    """

    digest: DigestAlgorithm | None
    signature: SignatureAlgorithm | None
    digest_label: str
    signature_label: str
    findings: tuple[Finding, ...]
    protection: bytes


_remembered: dict[tuple[bytes, bytes, bool], Algorithms] = {}


def algorithms(signer: SignerInfo) -> Algorithms:
    """Return the algorithms of a signer, with findings where they do not fit each other."""
    key = (signer.digest_algorithm, signer.signature_algorithm, signer.signed is None)
    known = _remembered.get(key)
    if known is not None:
        return known
    findings: list[Finding] = []
    digest = _message_digest(signer.digest_algorithm, findings)
    signature = _signature(signer, digest, findings)
    found = Algorithms(
        digest,
        signature,
        _label(signer.digest_algorithm),
        _label(signer.signature_algorithm),
        tuple(findings),
        encode(SEQUENCE, signer.digest_algorithm, b"\xa1" + signer.signature_algorithm[1:]),
    )
    # An unknown one may be registered later; only what is known is remembered.
    if digest is not None and signature is not None and len(_remembered) < 512:
        _remembered[key] = found
    return found


def _label(identifier: bytes) -> str:
    try:
        return split(identifier)[0]
    except InputError:
        return identifier.hex()


def _message_digest(identifier: bytes, findings: list[Finding]) -> DigestAlgorithm | None:
    try:
        return decode_digest_algorithm(identifier)
    except InputError as error:
        findings.append(Finding("cms.digest-algorithm", error.detail, fatal=True))
        return None


def _signature(
    signer: SignerInfo, digest: DigestAlgorithm | None, findings: list[Finding]
) -> SignatureAlgorithm | None:
    """Return the signature algorithm; a digest that disagrees with digestAlgorithm is a finding.

    RFC 5652 § 5.4 hashes the signed attributes with ``digestAlgorithm``, so a value made by an
    algorithm that names another digest does not verify; the check of the value says so. The
    parameters of RSASSA-PSS state their digest themselves (RFC 4056 § 3); there the difference is
    only told.
    """
    try:
        algorithm = decode_signature_algorithm(
            signer.signature_algorithm, digest.name if digest is not None else None
        )
    except InputError as error:
        findings.append(Finding("cms.signature-algorithm", error.detail, fatal=True))
        return None
    if algorithm is None or digest is None or algorithm.digest == digest.name:
        return algorithm
    if algorithm.digest is None:
        usual = _EDDSA_DIGESTS.get(algorithm.name)
        if usual is not None and signer.signed is not None and digest.name != usual:
            findings.append(
                Finding(
                    "cms.digest-unusual",
                    f"{algorithm.name} goes with {usual} (RFC 8419 § 3.1), here with {digest.name}",
                )
            )
        return algorithm
    detail = f"the signature algorithm uses {algorithm.digest}, the message digest {digest.name}"
    code = "cms.digest-differs" if algorithm.family == "RSA-PSS" else "cms.digest-disagrees"
    findings.append(Finding(code, detail))
    return algorithm


def check_protection(
    signer: SignerInfo, signed: AttributeSet, chosen: Algorithms, findings: list[Finding]
) -> None:
    """CMSAlgorithmProtection must name the algorithms that stand outside (RFC 6211 § 2)."""
    if oids.ALGORITHM_PROTECTION not in signed:
        return
    if signed.only_raw(oids.ALGORITHM_PROTECTION) == chosen.protection:
        return
    value = signed.only(oids.ALGORITHM_PROTECTION)
    good = False
    try:
        if value is not None and value[0] == SEQUENCE:
            data = signed.data
            tag, _, middle = header(data, value[1], value[2])
            digest = data[value[1] : middle]
            outer, _, after = header(data, middle, value[2])
            if tag == SEQUENCE and outer == 0xA1 and after == value[2]:
                signature = b"\x30" + data[middle + 1 : after]
                good = _same_algorithm(digest, signer.digest_algorithm) and _same_algorithm(
                    signature, signer.signature_algorithm
                )
    except InputError:
        good = False
    if not good:
        findings.append(
            Finding(
                "cms.algorithm-protection",
                "the protected algorithms are not those that the signature names",
                fatal=True,
            )
        )


def _same_algorithm(one: bytes, other: bytes) -> bool:
    if one == other:
        return True
    first, second = split(one), split(other)
    absent = (b"", b"\x05\x00")
    return first[0] == second[0] and (
        first[1] == second[1] or (first[1] in absent and second[1] in absent)
    )


# ── signed attributes ─────────────────────────────────────────────────────────────────────────


def attribute_octets(
    signed: AttributeSet, policy: ValidationPolicy, findings: list[Finding]
) -> tuple[bytes, ...]:
    """Return what the signature value covers: the attributes in DER (RFC 5652 § 5.4)."""
    octets = signed.set_octets()
    if signed.sorted and signed.minimal:
        return (octets,)
    findings.append(
        Finding(
            "cms.attributes-not-der",
            "the signed attributes do not stand in DER; their DER form is verified"
            + (
                ", and, as the policy allows, the order in which they stand"
                if policy.wire_order_attributes
                else ""
            ),
        )
    )
    return (octets, signed.wire_octets()) if policy.wire_order_attributes else (octets,)


def stated_digest(signed: AttributeSet, findings: list[Finding]) -> bytes:
    """Return the message digest that the attributes state; empty, with a finding, if none."""
    value = signed.only(oids.MESSAGE_DIGEST)
    if value is not None and value[0] == OCTET_STRING and value[2] > value[1]:
        return signed.data[value[1] : value[2]]
    findings.append(
        Finding(
            "cms.message-digest",
            "signed attributes must hold exactly one message-digest with one value "
            "(RFC 5652 § 11.2)",
            fatal=True,
        )
    )
    return b""


def check_content_type(
    signed: AttributeSet, expected: bytes | None, findings: list[Finding]
) -> None:
    """The content-type attribute must name the type of the content (RFC 5652 § 11.1)."""
    if expected is None:
        if oids.CONTENT_TYPE in signed:
            findings.append(
                Finding(
                    "cms.counter-content-type",
                    "a counter-signature should not state a content type (RFC 5652 § 11.4)",
                )
            )
        return
    value = signed.only(oids.CONTENT_TYPE)
    if value is None or value[0] != OID:
        findings.append(
            Finding(
                "cms.content-type",
                "signed attributes must hold exactly one content-type with one value "
                "(RFC 5652 § 11.1)",
                fatal=True,
            )
        )
    elif signed.data[value[1] : value[2]] != expected:
        findings.append(
            Finding(
                "cms.content-type-mismatch",
                "the signed content type is not the type of the content",
                fatal=True,
            )
        )


def signing_certificate(
    signed: AttributeSet, findings: list[Finding]
) -> tuple[bool, tuple[CertificateReference, ...]]:
    """Read the signing-certificate attributes; version 2 goes before version 1.

    Where more than one kind is there, each is to be evaluated by itself (RFC 5035 § 5.4): of the
    later ones the first identifier, the signer's, is kept too.
    """
    found: tuple[CertificateReference, ...] = ()
    present = False
    there = signed.by_type
    for kind, version in _BINDING:
        if kind not in there:
            continue
        present = True
        value = signed.only_raw(kind)
        if value is None:
            findings.append(
                Finding(
                    "cades.signing-certificate-twice",
                    f"{oids.NAMES[kind]} must stand there once with one value (RFC 5035 § 3)",
                    fatal=True,
                )
            )
            continue
        try:
            references = (
                certificate_references(value, version)
                if version
                else other_certificate_references(value)
            )
        except InputError as error:
            findings.append(Finding("cades.signing-certificate", error.detail, fatal=True))
            continue
        if not references:
            findings.append(
                Finding(
                    "cades.signing-certificate",
                    f"{oids.NAMES[kind]} names no certificate",
                    fatal=True,
                )
            )
            continue
        found = (*found, references[0]) if found else references
    return present, found


_BINDING = (
    (oids.SIGNING_CERTIFICATE_V2, 2),
    (oids.OTHER_SIGNING_CERTIFICATE, 0),
    (oids.SIGNING_CERTIFICATE, 1),
)


def claimed_time(signed: AttributeSet, findings: list[Finding]) -> datetime | None:
    """Return the claimed signing time; ``None``, with a finding, unless there is exactly one."""
    try:
        claimed = signing_time(signed)
    except InputError as error:
        findings.append(Finding("cms.signing-time", error.detail, fatal=True))
        return None
    if claimed is None:
        findings.append(
            Finding(
                "cms.signing-time-twice",
                "signing-time must stand there once with one value (RFC 5652 § 11.3)",
                fatal=True,
            )
        )
    return claimed


class Said(NamedTuple):
    """What signed attributes say apart from the digest, the time and the signer's certificate.

    ``timed`` tells that there is a signing time.
    """

    findings: tuple[Finding, ...]
    timed: bool
    facts: Mapping[str, Any]


def said(
    signer: SignerInfo, signed: AttributeSet, chosen: Algorithms, expected: bytes | None
) -> Said:
    """Read them; for a shape of attributes that was read before, under the same algorithms, once.

    ``expected`` is the content type, ``None`` for a counter-signature.
    """
    memory = signed.memory
    key = (signer.digest_algorithm, signer.signature_algorithm, expected)
    known: Said | None = memory.get(key) if memory is not None else None
    if known is not None:
        return known
    findings: list[Finding] = []
    check_content_type(signed, expected, findings)
    check_protection(signer, signed, chosen, findings)
    made = Said(tuple(findings), oids.SIGNING_TIME in signed, signed_facts(signed))
    if memory is not None and len(memory) < SHAPES:
        memory[key] = made
    return made


# ── content ───────────────────────────────────────────────────────────────────────────────────


def content_conflict(content: bytes, given: tuple[Document, ...]) -> Finding | None:
    """Embedded content and what the caller handed over must be the same octets."""
    for document in given:
        try:
            if _same_octets(content, document):
                return None
        except UnsupportedError:
            continue
    return Finding(
        "cms.content-conflict",
        "the signature carries its content, and the document handed over is another one",
        fatal=True,
    )


def _same_octets(content: bytes, document: Document) -> bool:
    if not document.has_octets:
        known = document.digests
        return bool(known) and all(
            digest_algorithm(name).hash(content) == value for name, value in known.items()
        )
    if document.size != len(content):
        return False
    if not document.is_file:
        return document.octets() == content
    position = 0
    for block in document.blocks():
        if content[position : position + len(block)] != block:
            return False
        position += len(block)
    return position == len(content)


def reads_as_attributes(document: Document) -> bool:
    """Tell whether content is a SET OF Attribute (draft-ietf-lamps-cms-euf-cma-signeddata)."""
    size = document.size
    if size is None or size > _SMALL:
        return False
    try:
        data = document.octets()
        if data[:1] != b"\x31":
            return False
        _, start, stop = header(data, 0, len(data))
        if stop != len(data) or start == stop:
            return False
        while start < stop:
            tag, inner, end = header(data, start, stop)
            if tag != SEQUENCE:
                return False
            tag, _, middle = header(data, inner, end)
            if tag != OID:
                return False
            tag, _, last = header(data, middle, end)
            if tag != SET or last != end:
                return False
            start = end
    except InputError:
        return False
    return True
