"""CMS and CAdES signatures read, not judged (RFC 5652 § 5, EN 319 122-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.asn1.cms import ID_DATA, SignedData, SignerInfo
from esign_kit.asn1.reader import SEQUENCE, children, header
from esign_kit.cades import oids, rules
from esign_kit.cades.attributes import Facts, revocation_values, signed_facts
from esign_kit.cades.levels import NOT_ETSI, has_evidence_record, level
from esign_kit.cades.timestamps import timestamps
from esign_kit.cades.wrapping import looks_like_signed_data, peek, unwrap
from esign_kit.errors import InputError, LimitError
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

    from esign_kit.algorithms import DigestAlgorithm
    from esign_kit.asn1.cms import AttributeSet
    from esign_kit.model.limits import Limits
    from esign_kit.model.signature import CertificateReference
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["parse", "recognises"]

_COUNTER_DEPTH = 4


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

    __slots__ = (
        "_content",
        "_count",
        "_evidence_record",
        "_message",
        "_policy",
        "_shared",
        "detached",
    )

    def __init__(
        self, message: SignedData, detached: tuple[Document, ...], policy: ValidationPolicy
    ) -> None:
        self._message = message
        self._policy = policy
        self._count = 0
        self._content = message.content
        self.detached = detached
        self._evidence_record = False
        self._shared: tuple[Finding, ...] = ()

    def read(self) -> SignedDocument:
        message = self._message
        shared = []
        signers: list[SignerInfo | InputError] = []
        for number in range(len(message.signer_spans)):
            try:
                signers.append(message.signer(number))
            except LimitError:
                raise
            except InputError as error:
                signers.append(error)
        self._evidence_record = any(
            isinstance(signer, SignerInfo) and has_evidence_record(message, signer)
            for signer in signers
        )
        if message.trailing:
            shared.append(
                Finding(
                    "cms.trailing-octets",
                    f"{message.trailing} octets follow after the signature; nobody signed them",
                )
            )
        if self._content is not None and self.detached:
            problem = rules.content_conflict(self._content, self.detached)
            if problem is not None:
                shared.append(problem)
        self._shared = tuple(shared)
        signatures = tuple(
            self.read_signer(f"S-{number}", signer, None, 0)
            if isinstance(signer, SignerInfo)
            else self._broken(f"S-{number}", signer)
            for number, signer in enumerate(signers, 1)
        )
        return SignedDocument(Format.CADES, signatures, message.certificates, self._shared)

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
        digest = rules.message_digest_algorithm(signer, findings)
        algorithm = rules.signer_algorithm(signer, digest, findings)
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
            signed_octets = rules.attribute_octets(signed, self._policy, findings)
            expected = None if parent is not None else message.content_type
            references = self._references(name, signer, signed, digest, parent, findings)
            rules.check_content_type(signed, expected, findings)
            rules.check_protection(signer, signed, findings)
            has_ess, ess = rules.signing_certificate(signed, findings)
            if oids.SIGNING_TIME in signed:
                claimed = rules.claimed_time(signed, findings)
            facts = signed_facts(signed)
        crls, responses = message.crls, message.ocsp_responses
        certificates = message.certificates
        unsigned = signer.unsigned
        stamps: Any = ()
        counters: tuple[ParsedSignature, ...] = ()
        unsigned_facts: Any = {}
        if unsigned is not None:
            certificates, crls, responses = _unsigned_values(
                unsigned, certificates, crls, responses, findings, self._policy.limits
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
            level=level(
                message,
                signer,
                counter=parent is not None,
                evidence_record=self._evidence_record,
                weak_reference=bool(ess)
                and ess[0].version == 2
                and ess[0].digest_algorithm == "SHA1",
                complete=lambda: _complete(signer, certificates, crls, responses, stamps),
            ),
            packaging=self._packaging(),
            algorithm=algorithm,
            algorithm_label=rules.label(signer.signature_algorithm),
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
        if any(rules.reads_as_attributes(document) for document in covered):
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
        stated = rules.stated_digest(signed, findings)
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
                algorithm_label=rules.label(signer.digest_algorithm),
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


# ── unsigned attributes ───────────────────────────────────────────────────────────────────────


def _complete(signer: SignerInfo, *evidence: Any) -> bool:
    from esign_kit.cades.completeness import evidence_complete

    return evidence_complete(signer, *evidence)


def _unsigned_values(
    unsigned: AttributeSet,
    certificates: tuple[bytes, ...],
    crls: tuple[bytes, ...],
    responses: tuple[bytes, ...],
    findings: list[Finding],
    limits: Limits,
) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
    """Add what certificate-values and revocation-values carry."""
    if oids.CERTIFICATE_VALUES not in unsigned and oids.REVOCATION_VALUES not in unsigned:
        return certificates, crls, responses
    more: list[bytes] = []
    more_crls: list[bytes] = []
    more_responses: list[bytes] = []
    try:
        for value in unsigned.values(oids.CERTIFICATE_VALUES):
            _, start, stop = header(value, 0, len(value))
            more += [item.raw for item in children(value, start, stop) if item.tag == SEQUENCE]
        for value in unsigned.values(oids.REVOCATION_VALUES):
            some_crls, some_responses = revocation_values(value)
            more_crls += some_crls
            more_responses += some_responses
    except InputError as error:
        findings.append(Finding("cades.values", f"embedded evidence: {error.detail}"))
    for count, limit in (
        (len(certificates) + len(more), limits.certificates),
        (len(crls) + len(more_crls) + len(more_responses), limits.evidence_items),
    ):
        if count > limit:
            raise LimitError(f"{count} items of embedded evidence; the limit is {limit}")
    return certificates + tuple(more), crls + tuple(more_crls), responses + tuple(more_responses)
