"""CMS and CAdES signatures read, not judged (RFC 5652 § 5, EN 319 122-1)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.asn1.cms import ID_DATA, SignedData, SignerInfo
from esign_kit.asn1.reader import SEQUENCE, children, header
from esign_kit.cades import oids, rules
from esign_kit.cades.attributes import Facts, revocation_values
from esign_kit.cades.content import content_of, countersigned, octets_of, resolver
from esign_kit.cades.levels import NOT_ETSI, has_evidence_record, level
from esign_kit.cades.timestamps import hash_index_problem, timestamps
from esign_kit.cades.wrapping import looks_like_signed_data, peek, unwrap
from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Document
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
    from collections.abc import Callable, Sequence

    from esign_kit.asn1.cms import AttributeSet
    from esign_kit.model.limits import Limits
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["parse", "recognises"]

_COUNTER_DEPTH = 4
# Members of enumerations, bound once: Python 3.11 takes 90 ns to look one up in its class.
_CADES, _DATA = Format.CADES, ReferenceKind.DATA
_DETACHED, _ENVELOPING = Packaging.DETACHED, Packaging.ENVELOPING


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
    whole = unwrap(data)
    _require_whole(whole)
    message = SignedData.load(whole, limits)
    if not message.signer_spans:
        raise InputError("this SignedData has no signer", code="input.no-signature")
    _check_counts(
        limits,
        len(message.signer_spans),
        len(message.certificates),
        len(message.crls) + len(message.ocsp_responses),
    )
    return _Reader(message, tuple(detached), policy).read()


def _require_whole(data: bytes) -> None:
    """Say of a file that was cut off how much of it is here; everything else is said further in."""
    count = data[1] & 0x7F if len(data) > 2 and data[1] > 0x80 else 0
    if 0 < count <= 4 and (needed := 2 + count + int.from_bytes(data[2 : 2 + count], "big")) > len(
        data
    ):
        raise InputError(
            f"the file ends after {len(data)} of {needed} octets: it was cut off",
            code="asn1.length",
        )


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
        self._content = content_of(message)
        self.detached = detached
        self._evidence_record = False
        self._shared: tuple[Finding, ...] = ()

    def read(self) -> SignedDocument:
        message = self._message
        shared = []
        signers: list[SignerInfo | InputError] = []
        for number in range(len(message.signer_spans)):
            try:
                signer = message.signer(number)
            except LimitError:
                raise
            except InputError as error:
                signers.append(error)
                continue
            signers.append(signer)
            if signer.unsigned is not None and has_evidence_record(message, signer):
                self._evidence_record = True
        if message.trailing:
            shared.append(
                Finding(
                    "cms.trailing-octets",
                    f"{message.trailing} octets follow after the signature; nobody signed them",
                )
            )
        if self._content is not None and self.detached:
            problem = rules.content_conflict(octets_of(self._content), self.detached)
            if problem is not None:
                shared.append(problem)
        self._shared = tuple(shared)
        signatures = []
        for number, item in enumerate(signers, 1):
            if isinstance(item, SignerInfo):
                signatures.append(self.read_signer(f"S-{number}", item, None, 0))
            else:
                signatures.append(self._broken(f"S-{number}", item))
        return SignedDocument(_CADES, tuple(signatures), message.certificates, self._shared)

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
        return _DETACHED if self._content is None else _ENVELOPING

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
        chosen = rules.algorithms(signer)
        findings = [*self._shared, *chosen.findings]
        parsed = ParsedSignature(
            id=name,
            format=_CADES,
            level=NOT_ETSI,
            packaging=self._packaging(),
            algorithm=chosen.signature,
            algorithm_label=chosen.signature_label,
            signature_value=signer.signature,
            signed_octets=(),
            references=(),
            digest_algorithm=chosen.digest.name if chosen.digest is not None else None,
            signer=_hint(signer.issuer, signer.serial, signer.subject_key_identifier),
            certificates=message.certificates,
            crls=message.crls,
            ocsp_responses=message.ocsp_responses,
        )
        if signer.signed is None:
            parsed.signed_octets = self._bare_octets(parent, findings)
        else:
            self._read_signed(parsed, signer, signer.signed, chosen, parent, findings)
        if signer.unsigned is not None:
            self._read_unsigned(parsed, signer, signer.unsigned, depth, findings)
        if signer.unsigned is not None or (
            signer.signed is not None and oids.CONTENT_TIMESTAMP in signer.signed
        ):
            try:
                parsed.timestamps = timestamps(
                    message, signer, self._content_source(parent), self._policy
                )
            except LimitError:
                raise
            except InputError as error:
                findings.append(Finding("cades.timestamp", error.detail))
        parsed.level = self._level(parsed, signer, parent)
        parsed.findings = tuple(findings)
        return parsed

    def _read_signed(
        self,
        parsed: ParsedSignature,
        signer: SignerInfo,
        signed: AttributeSet,
        chosen: rules.Algorithms,
        parent: SignerInfo | None,
        findings: list[Finding],
    ) -> None:
        parsed.signed_octets = rules.attribute_octets(signed, self._policy, findings)
        parsed.references = self._references(parsed.id, signed, chosen, parent, findings)
        expected = None if parent is not None else self._message.content_type
        said = rules.said(signer, signed, chosen, expected)
        if said.findings:
            findings += said.findings
        bound, references = rules.signing_certificate(signed, findings)
        parsed.certificate_reference_attribute = bound
        parsed.certificate_references = references
        if said.timed:
            parsed.claimed_signing_time = rules.claimed_time(signed, findings)
        parsed.signed_attributes = said.facts

    def _read_unsigned(
        self,
        parsed: ParsedSignature,
        signer: SignerInfo,
        unsigned: AttributeSet,
        depth: int,
        findings: list[Finding],
    ) -> None:
        parsed.unsigned_attributes = Facts(unsigned, signed=False)
        _take_values(parsed, unsigned, findings, self._policy.limits)
        if oids.SIGNING_TIME in unsigned:
            findings.append(
                Finding(
                    "cms.unsigned-signing-time",
                    "a signing time stands among the unsigned attributes and says nothing",
                )
            )
        if oids.ARCHIVE_TIMESTAMP_V3 in unsigned:
            problem = hash_index_problem(self._message, signer)
            if problem:
                findings.append(Finding("cades.ats-hash-index", problem))
        if oids.COUNTER_SIGNATURE in unsigned:
            parsed.counter_signatures = self._counters(parsed.id, signer, unsigned, depth, findings)

    def _level(self, parsed: ParsedSignature, signer: SignerInfo, parent: SignerInfo | None) -> str:
        message = self._message
        references = parsed.certificate_references
        weak = (
            bool(references)
            and references[0].version != 1
            and references[0].digest_algorithm == "SHA1"
        )
        memory = None
        if signer.signed is not None and signer.unsigned is None:
            memory = signer.signed.memory
        key = (message.content_type, bool(message.certificates), parent is None, weak)
        known: str | None = memory.get(key) if memory is not None else None
        if known is None:
            known = level(
                message,
                signer,
                counter=parent is not None,
                evidence_record=self._evidence_record,
                weak_reference=weak,
                complete=lambda: _complete(parsed, signer),
            )
            if memory is not None and len(memory) < rules.SHAPES:
                memory[key] = known
        return known

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
        covered = self.detached
        if self._content is not None:
            covered = (Document(octets_of(self._content)),)
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
        signed: AttributeSet,
        chosen: rules.Algorithms,
        parent: SignerInfo | None,
        findings: list[Finding],
    ) -> tuple[SignedReference, ...]:
        stated = rules.stated_digest(signed, findings)
        digest = chosen.digest
        kind, resolve = _DATA, resolver(self._content, self.detached, digest)
        if parent is not None:
            kind, resolve = ReferenceKind.COUNTERSIGNED, countersigned(parent, name)
        return (
            SignedReference(
                id=f"{name}/message-digest",
                kind=kind,
                digest_algorithm=digest.name if digest is not None else None,
                digest_value=stated,
                resolve=resolve,
                error="" if stated else "the signature states no digest of the content",
                error_code="" if stated else "cms.message-digest",
                algorithm_label=chosen.digest_label,
            ),
        )

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


# ── unsigned attributes ───────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1024)
def _hint(issuer: bytes | None, serial: int | None, key: bytes | None) -> SignerHint:
    return SignerHint(issuer=issuer, serial=serial, subject_key_identifier=key)


def _complete(parsed: ParsedSignature, signer: SignerInfo) -> bool:
    from esign_kit.cades.completeness import evidence_complete

    return evidence_complete(
        signer, parsed.certificates, parsed.crls, parsed.ocsp_responses, parsed.timestamps
    )


def _take_values(
    parsed: ParsedSignature, unsigned: AttributeSet, findings: list[Finding], limits: Limits
) -> None:
    """Add what certificate-values and revocation-values carry (EN 319 122-1 § A.1.1, A.1.2)."""
    if oids.CERTIFICATE_VALUES not in unsigned and oids.REVOCATION_VALUES not in unsigned:
        return
    certificates: list[bytes] = []
    crls: list[bytes] = []
    responses: list[bytes] = []
    try:
        for value in unsigned.values(oids.CERTIFICATE_VALUES):
            _, start, stop = header(value, 0, len(value))
            for item in children(value, start, stop):
                if item.tag == SEQUENCE:
                    certificates.append(item.raw)
                    _check_counts(limits, 0, len(certificates), 0)
        for value in unsigned.values(oids.REVOCATION_VALUES):
            more_crls, more_responses = revocation_values(value)
            crls += more_crls
            responses += more_responses
    except InputError as error:
        findings.append(Finding("cades.values", f"embedded evidence: {error.detail}"))
    parsed.certificates += tuple(certificates)
    parsed.crls += tuple(crls)
    parsed.ocsp_responses += tuple(responses)
    _check_counts(
        limits, 0, len(parsed.certificates), len(parsed.crls) + len(parsed.ocsp_responses)
    )


def _check_counts(limits: Limits, signers: int, certificates: int, evidence: int) -> None:
    if signers > limits.signatures:
        what, count, limit = "signers", signers, limits.signatures
    elif certificates > limits.certificates:
        what, count, limit = "certificates", certificates, limits.certificates
    elif evidence > limits.evidence_items:
        what, count, limit = "CRLs and OCSP answers", evidence, limits.evidence_items
    else:
        return
    raise LimitError(
        f"{count} {what} in one message; the limit is {limit}", code=f"limits.{what.split()[0]}"
    )
