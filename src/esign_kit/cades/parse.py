"""CMS and CAdES signatures read, not judged (RFC 5652 § 5, EN 319 122-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.algorithm_identifier import (
    decode_digest_algorithm,
    decode_signature_algorithm,
    split,
)
from esign_kit.asn1.cms import ID_DATA, SignedData, SignerInfo
from esign_kit.asn1.reader import OCTET_STRING, OID, SEQUENCE, SET, header
from esign_kit.cades import oids
from esign_kit.cades.attributes import (
    Facts,
    certificate_references,
    other_certificate_references,
    revocation_values,
    signed_facts,
    signing_time,
)
from esign_kit.cades.levels import NOT_ETSI, level
from esign_kit.cades.timestamps import timestamps
from esign_kit.cades.wrapping import looks_like_signed_data, peek, unwrap
from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.model.document import Coverage, Document, Scope
from esign_kit.model.signature import (
    Finding,
    Format,
    Packaging,
    ParsedSignature,
    ReferenceKind,
    SignedDocument,
    SignedReference,
    SignerHint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from esign_kit.algorithms import DigestAlgorithm, SignatureAlgorithm
    from esign_kit.asn1.cms import AttributeSet
    from esign_kit.model.signature import CertificateReference
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["parse", "recognises"]

_COUNTER_DEPTH = 4
_SMALL = 64 * 1024
_EDDSA_DIGESTS = {"ED25519": "SHA512", "ED448": "SHAKE256"}


def recognises(data: bytes) -> bool:
    """Tell from the first octets whether this looks like CMS SignedData in any wrapping.

    A time-stamp token (RFC 3161) is SignedData too, but is left to its own reader.
    """
    return looks_like_signed_data(peek(data))


def parse(data: bytes, *, detached: Sequence[Document], policy: ValidationPolicy) -> SignedDocument:
    """Read all signatures of a CMS message.

    Args:
        data: DER or BER; also PEM, base64, or base64 around PEM.
        detached: candidates for the content of a detached signature. For attached content they
            must equal it.
        policy: its limits, and whether attributes in wire order may be tried.

    Raises:
        InputError: no SignedData, or one that cannot be read; without signers the code is
            ``"input.no-signature"``.
        LimitError: larger than ``policy.limits`` allows.
    """
    limits = policy.limits
    if len(data) > limits.signature_size:
        raise LimitError(
            f"a signature file of {len(data)} octets; the limit is {limits.signature_size}",
            code="limits.signature-size",
        )
    message = SignedData.load(unwrap(data), limits)
    if not message.signer_spans:
        raise InputError("this SignedData has no signer", code="input.no-signature")
    for count, limit, what in (
        (len(message.signer_spans), limits.signatures, "signers"),
        (len(message.certificates), limits.certificates, "certificates"),
        (len(message.crls) + len(message.ocsp_responses), limits.evidence_items, "CRLs and OCSP"),
    ):
        if count > limit:
            raise LimitError(f"{count} {what} in one message; the limit is {limit}")
    return _Reader(message, tuple(detached), policy).read()


class _Reader:
    """What all signers of one message share."""

    __slots__ = ("_content", "_count", "_message", "_policy", "_shared", "detached")

    def __init__(
        self, message: SignedData, detached: tuple[Document, ...], policy: ValidationPolicy
    ) -> None:
        self._message = message
        self._policy = policy
        self._count = 0
        self._content = message.content
        self.detached = detached
        self._shared: tuple[Finding, ...] = ()

    def read(self) -> SignedDocument:
        message = self._message
        shared = []
        if message.trailing:
            shared.append(
                Finding(
                    "cms.trailing-octets",
                    f"{message.trailing} octets follow after the signature; nobody signed them",
                )
            )
        if self._content is not None and self.detached:
            problem = _content_conflict(self._content, self.detached)
            if problem is not None:
                shared.append(problem)
        self._shared = tuple(shared)
        signatures = [
            self._signature(f"S-{number + 1}", number)
            for number in range(len(message.signer_spans))
        ]
        return SignedDocument(Format.CADES, tuple(signatures), message.certificates, self._shared)

    def _signature(self, name: str, number: int) -> ParsedSignature:
        try:
            signer = self._message.signer(number)
        except LimitError:
            raise
        except InputError as error:
            return self._broken(name, error)
        return self.read_signer(name, signer, None, 0)

    def _broken(self, name: str, error: InputError) -> ParsedSignature:
        self._count_one()
        return ParsedSignature(
            id=name,
            format=Format.CADES,
            level=NOT_ETSI,
            packaging=self._packaging(),
            algorithm=None,
            algorithm_label="",
            signature_value=b"",
            signed_octets=(),
            references=(),
            certificates=self._message.certificates,
            findings=(Finding(error.code, error.detail, fatal=True), *self._shared),
        )

    def _packaging(self) -> Packaging:
        return Packaging.DETACHED if self._content is None else Packaging.ENVELOPING

    def _count_one(self) -> None:
        self._count += 1
        if self._count > self._policy.limits.signatures:
            raise LimitError(
                f"more than {self._policy.limits.signatures} signatures in one message",
                code="limits.signatures",
            )

    def read_signer(
        self, name: str, signer: SignerInfo, parent: SignerInfo | None, depth: int
    ) -> ParsedSignature:
        """Read one SignerInfo; ``parent`` is given for a counter-signature."""
        self._count_one()
        message = self._message
        findings = list(self._shared)
        digest = _digest(signer, findings)
        algorithm = _algorithm(signer, digest, findings)
        signed = signer.signed
        signed_octets: tuple[bytes | Document, ...]
        references: tuple[SignedReference, ...] = ()
        ess: tuple[CertificateReference, ...] = ()
        has_ess = False
        claimed = None
        facts: Any = {}
        if signed is None:
            signed_octets = self._bare_octets(parent, findings)
        else:
            signed_octets = _attribute_octets(signed, self._policy, findings)
            expected = None if parent is not None else message.content_type
            references = self._references(name, signer, signed, digest, parent, findings)
            _check_content_type(signed, expected, findings)
            _check_protection(signer, signed, findings)
            has_ess, ess = _signing_certificate(signed, findings)
            if oids.SIGNING_TIME in signed:
                claimed = _claimed_time(signed, findings)
            facts = signed_facts(signed)
        crls, responses = message.crls, message.ocsp_responses
        certificates = message.certificates
        unsigned = signer.unsigned
        stamps: Any = ()
        counters: tuple[ParsedSignature, ...] = ()
        unsigned_facts: Any = {}
        if unsigned is not None:
            certificates, crls, responses = _unsigned_values(
                unsigned, certificates, crls, responses, findings
            )
            unsigned_facts = Facts(unsigned, signed=False)
            if oids.SIGNING_TIME in unsigned:
                findings.append(
                    Finding(
                        "cms.unsigned-signing-time",
                        "a signing time stands among the unsigned attributes and says nothing",
                    )
                )
            if oids.COUNTER_SIGNATURE in unsigned:
                counters = self._counters(name, signer, unsigned, depth, findings)
        if unsigned is not None or (signed is not None and oids.CONTENT_TIMESTAMP in signed):
            try:
                stamps = timestamps(message, signer, self._content_source(parent), self._policy)
            except LimitError:
                raise
            except InputError as error:
                findings.append(Finding("cades.timestamp", error.detail))
        return ParsedSignature(
            id=name,
            format=Format.CADES,
            level=level(message, signer, counter=parent is not None),
            packaging=self._packaging(),
            algorithm=algorithm,
            algorithm_label=_label(signer.signature_algorithm),
            signature_value=signer.signature,
            signed_octets=signed_octets,
            references=references,
            digest_algorithm=digest.name if digest is not None else None,
            certificate_references=ess,
            certificate_reference_attribute=has_ess,
            signer=SignerHint(
                issuer=signer.issuer,
                serial=signer.serial,
                subject_key_identifier=signer.subject_key_identifier,
            ),
            certificates=certificates,
            crls=crls,
            ocsp_responses=responses,
            claimed_signing_time=claimed,
            signed_attributes=facts,
            unsigned_attributes=unsigned_facts,
            timestamps=stamps,
            counter_signatures=counters,
            findings=tuple(findings),
        )

    # ── what is covered ───────────────────────────────────────────────────────────────────────

    def _bare_octets(
        self, parent: SignerInfo | None, findings: list[Finding]
    ) -> tuple[bytes | Document, ...]:
        """Without signed attributes the value covers the content itself (RFC 5652 § 5.4)."""
        if parent is not None:
            return (Document(parent.signature),)
        if self._message.content_type != ID_DATA:
            findings.append(
                Finding(
                    "cms.attributes-missing",
                    "the content is not id-data, so signed attributes must be there "
                    "(RFC 5652 § 5.3)",
                    fatal=True,
                )
            )
        covered = (Document(self._content),) if self._content is not None else self.detached
        if any(_reads_as_attributes(document) for document in covered):
            findings.append(
                Finding(
                    "cms.content-is-attributes",
                    "the content reads as signed attributes: a signature over attributes may be "
                    "shown here as one over content",
                    fatal=True,
                )
            )
        return covered

    def _references(
        self,
        name: str,
        signer: SignerInfo,
        signed: AttributeSet,
        digest: DigestAlgorithm | None,
        parent: SignerInfo | None,
        findings: list[Finding],
    ) -> tuple[SignedReference, ...]:
        value = signed.only(oids.MESSAGE_DIGEST)
        stated = b""
        if value is None or value[0] != OCTET_STRING:
            findings.append(
                Finding(
                    "cms.message-digest",
                    "signed attributes must hold exactly one message-digest with one value "
                    "(RFC 5652 § 11.2)",
                    fatal=True,
                )
            )
        else:
            stated = signed.data[value[1] : value[2]]
        kind, resolve = ReferenceKind.DATA, self._resolver(digest)
        if parent is not None:
            kind, resolve = ReferenceKind.COUNTERSIGNED, _countersigned(parent, name)
        return (
            SignedReference(
                id=f"{name}/message-digest",
                kind=kind,
                digest_algorithm=digest.name if digest is not None else None,
                digest_value=stated,
                resolve=resolve,
                error="" if stated else "the signature states no digest of the content",
                error_code="" if stated else "cms.message-digest",
                algorithm_label=_label(signer.digest_algorithm),
            ),
        )

    def _resolver(
        self, digest: DigestAlgorithm | None
    ) -> Callable[[], Iterable[tuple[bytes | Document, Scope]]]:
        content, detached = self._content, self.detached
        name = digest.name if digest is not None else ""

        def resolve() -> Iterable[tuple[bytes | Document, Scope]]:
            if content is not None:
                yield content, Scope(name="", coverage=Coverage.OBJECT, octets=content)
                return
            for document in detached:
                if not document.has_octets:
                    if len(detached) > 1 and name not in document.digests:
                        continue
                    yield document, Scope(document.name or "", Coverage.DIGEST, document=document)
                elif document.is_file:
                    yield document, Scope(document.name or "", Coverage.FULL, document=document)
                else:
                    yield (
                        document,
                        Scope(
                            document.name or "",
                            Coverage.FULL,
                            octets=document.octets(),
                            document=document,
                        ),
                    )

        return resolve

    def _content_source(self, parent: SignerInfo | None) -> Callable[[], bytes | Document | None]:
        content, detached = self._content, self.detached

        def source() -> bytes | Document | None:
            if parent is not None:
                return parent.signature
            if content is not None:
                return content
            return detached[0] if len(detached) == 1 else None

        return source

    # ── counter-signatures ────────────────────────────────────────────────────────────────────

    def _counters(
        self,
        name: str,
        signer: SignerInfo,
        unsigned: AttributeSet,
        depth: int,
        findings: list[Finding],
    ) -> tuple[ParsedSignature, ...]:
        if depth >= _COUNTER_DEPTH:
            findings.append(
                Finding(
                    "cms.counter-signatures-deep",
                    f"counter-signatures nested deeper than {_COUNTER_DEPTH} are not read",
                )
            )
            return ()
        found = []
        data = unsigned.data
        number = 0
        for _, _, start, stop in unsigned.by_type[oids.COUNTER_SIGNATURE]:
            while start < stop:
                number += 1
                counter_name = f"{name}-C{number}"
                try:
                    _, _, end = header(data, start, stop)
                    counter = SignerInfo(data, start, end)
                except InputError as error:
                    found.append(self._broken(counter_name, error))
                    break
                found.append(self.read_signer(counter_name, counter, signer, depth + 1))
                start = end
        return tuple(found)


def _countersigned(
    parent: SignerInfo, name: str
) -> Callable[[], Iterable[tuple[bytes | Document, Scope]]]:
    def resolve() -> Iterable[tuple[bytes | Document, Scope]]:
        value = parent.signature
        yield value, Scope(name.rpartition("-")[0], Coverage.SIGNATURE, octets=value)

    return resolve


# ── algorithms ────────────────────────────────────────────────────────────────────────────────


def _label(identifier: bytes) -> str:
    try:
        return split(identifier)[0]
    except InputError:
        return identifier.hex()


def _digest(signer: SignerInfo, findings: list[Finding]) -> DigestAlgorithm | None:
    try:
        return decode_digest_algorithm(signer.digest_algorithm)
    except InputError as error:
        findings.append(Finding("cms.digest-algorithm", error.detail, fatal=True))
        return None


def _algorithm(
    signer: SignerInfo, digest: DigestAlgorithm | None, findings: list[Finding]
) -> SignatureAlgorithm | None:
    try:
        algorithm = decode_signature_algorithm(
            signer.signature_algorithm, digest.name if digest is not None else None
        )
    except InputError as error:
        findings.append(Finding("cms.signature-algorithm", error.detail, fatal=True))
        return None
    if algorithm is None or digest is None:
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
    elif algorithm.digest != digest.name:
        findings.append(
            Finding(
                "cms.digest-disagrees",
                f"the signature algorithm uses {algorithm.digest}, "
                f"the message digest {digest.name}",
                fatal=True,
            )
        )
    return algorithm


def _check_protection(signer: SignerInfo, signed: AttributeSet, findings: list[Finding]) -> None:
    """CMSAlgorithmProtection must name the algorithms that stand outside (RFC 6211 § 2)."""
    if oids.ALGORITHM_PROTECTION not in signed:
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


def _attribute_octets(
    signed: AttributeSet, policy: ValidationPolicy, findings: list[Finding]
) -> tuple[bytes, ...]:
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


def _check_content_type(
    signed: AttributeSet, expected: bytes | None, findings: list[Finding]
) -> None:
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


def _signing_certificate(
    signed: AttributeSet, findings: list[Finding]
) -> tuple[bool, tuple[CertificateReference, ...]]:
    """Read the signing-certificate attributes; version 2 goes before version 1."""
    found: list[CertificateReference] = []
    present = False
    for kind, version in (
        (oids.SIGNING_CERTIFICATE_V2, 2),
        (oids.OTHER_SIGNING_CERTIFICATE, 0),
        (oids.SIGNING_CERTIFICATE, 1),
    ):
        if kind not in signed:
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
        if not found:
            found += references
    return present, tuple(found)


def _claimed_time(signed: AttributeSet, findings: list[Finding]) -> Any:
    try:
        claimed = signing_time(signed)
    except InputError as error:
        findings.append(Finding("cms.signing-time", error.detail))
        return None
    if claimed is None:
        findings.append(
            Finding(
                "cms.signing-time-twice",
                "signing-time does not stand there once with one value; none is taken",
            )
        )
    return claimed


# ── unsigned attributes ───────────────────────────────────────────────────────────────────────


def _unsigned_values(
    unsigned: AttributeSet,
    certificates: tuple[bytes, ...],
    crls: tuple[bytes, ...],
    responses: tuple[bytes, ...],
    findings: list[Finding],
) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
    """Add what certificate-values and revocation-values carry."""
    try:
        for value in unsigned.values(oids.CERTIFICATE_VALUES):
            tag, start, stop = header(value, 0, len(value))
            while start < stop:
                tag, _, end = header(value, start, stop)
                if tag == SEQUENCE:
                    certificates += (value[start:end],)
                start = end
        for value in unsigned.values(oids.REVOCATION_VALUES):
            more_crls, more_responses = revocation_values(value)
            crls += tuple(more_crls)
            responses += tuple(more_responses)
    except InputError as error:
        findings.append(Finding("cades.values", f"embedded evidence: {error.detail}"))
    return certificates, crls, responses


# ── content ───────────────────────────────────────────────────────────────────────────────────


def _content_conflict(content: bytes, given: tuple[Document, ...]) -> Finding | None:
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


def _reads_as_attributes(document: Document) -> bool:
    """Tell whether content is a SET OF Attribute (draft-ietf-lamps-cms-euf-cma-signeddata)."""
    size = document.size
    if size is None or size > _SMALL * 16:
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
