"""What the vendor's server says of a CMS, and whether our own reading agrees.

``status`` 1 alone proves nothing: every signer's three truths must stand, and what is missing is
not proven. The server is not believed about identity either: serial, PINFL, STIR and digest are
compared with the CMS itself.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import Certificate
from esign_kit.eid.identity import describe
from esign_kit.errors import EsignError
from esign_kit.model.report import Check, CheckStatus, SubIndication
from esign_kit.model.signature import ReferenceKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.model.report import SignatureReport, VerificationReport
    from esign_kit.model.signature import ParsedSignature, SignedDocument
    from esign_kit.profiles.data import Profile

__all__ = ["CrossChecked", "ServerSigner", "ServerVerification", "cross_check"]

_PINFL, _STIR = "1.2.860.3.16.1.2", "1.2.860.3.16.1.1"


@dataclass(frozen=True, slots=True)
class ServerSigner:
    """What the server says of one signer.

    Attributes:
        accepted: signature, certificate and its validity at signing are all stated as true.
        evidence: the OCSP answer that it looked at; a signed object, kept as evidence.
    """

    serial: str
    personal_number: str
    organisation_number: str
    digest: str
    accepted: bool
    timestamp: bool | None = None
    evidence: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ServerVerification:
    """What the server says of a file."""

    status: int
    message: str
    signers: tuple[ServerSigner, ...] = ()
    document: bytes | None = field(default=None, repr=False)

    @property
    def accepted(self) -> bool:
        """Status 1, at least one signer, and every signer accepted."""
        return (
            self.status == 1
            and bool(self.signers)
            and all(signer.accepted for signer in self.signers)
        )

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> ServerVerification:
        """Read the JSON of ``/backend/pkcs7/verify/*``."""
        info = data.get("pkcs7Info")
        info = info if isinstance(info, dict) else {}
        rows = info.get("signers")
        signers = (
            tuple(_signer(row) for row in rows if isinstance(row, dict))
            if isinstance(rows, list)
            else ()
        )
        status = data.get("status")
        return cls(
            status if isinstance(status, int) and not isinstance(status, bool) else 0,
            str(data.get("message") or "")[:200],
            signers,
            _octets(info.get("documentBase64")),
        )


def _signer(row: Mapping[str, Any]) -> ServerSigner:
    chain = row.get("certificate")
    own = chain[0] if isinstance(chain, list) and chain and isinstance(chain[0], dict) else {}
    subject = own.get("subjectInfo")
    subject = subject if isinstance(subject, dict) else {}
    stamp = row.get("timeStampInfo")
    answer = _octets(row.get("OCSPResponse"))
    truths = ("verified", "certificateVerified", "certificateValidAtSigningTime")
    named = row.get("signerId")
    named = named if isinstance(named, dict) else {}
    return ServerSigner(
        serial=str(named.get("subjectSerialNumber") or own.get("serialNumber") or "").lower(),
        personal_number=str(subject.get(_PINFL) or ""),
        organisation_number=str(subject.get(_STIR) or ""),
        digest=str(row.get("digest") or "").lower(),
        accepted=all(row.get(name) is True for name in truths),
        timestamp=stamp.get("verified") is True if isinstance(stamp, dict) else None,
        evidence=(answer,) if answer else (),
    )


def _octets(value: Any) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return a2b_base64(value)
    except (Error, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class CrossChecked:
    """Two opinions about one file.

    Attributes:
        report: ours.
        server: the server's.
        check: ``server-agreement``.
    """

    report: VerificationReport
    server: ServerVerification
    check: Check

    @property
    def accepted(self) -> bool:
        """Ours passed, the server accepted, and they speak of the same."""
        return (
            self.server.accepted
            and self.check.status is CheckStatus.PASSED
            and bool(self.report.signatures)
            and all(item.passed for item in self.report.signatures)
        )


def cross_check(
    server: ServerVerification,
    parsed: SignedDocument,
    report: VerificationReport,
    profile: Profile,
) -> Check:
    """Compare the server's statements with the CMS itself."""
    differences = []
    if len(server.signers) != len(parsed.signatures):
        differences.append(f"{len(server.signers)} signers, we read {len(parsed.signatures)}")
    by_serial = {signer.serial.lstrip("0"): signer for signer in server.signers}
    for signature, own in zip(parsed.signatures, report.signatures, strict=True):
        differences += _differences(signature, own, by_serial, profile)
    if differences:
        return Check(
            "server-agreement",
            CheckStatus.FAILED,
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            detail="the server speaks of something else: " + "; ".join(differences),
            hint="trust neither; look whether the server or the way to it was changed",
            code="eimzo.disagreement",
        )
    return Check(
        "server-agreement", CheckStatus.PASSED, detail="serial, numbers and digest are the same"
    )


def _differences(
    signature: ParsedSignature,
    own: SignatureReport,
    by_serial: Mapping[str, ServerSigner],
    profile: Profile,
) -> list[str]:
    if own.signing_certificate_der is None:
        return ["no certificate verifies the signature here"]
    certificate = Certificate.load(own.signing_certificate_der)
    theirs = by_serial.get(format(certificate.serial, "x"))
    if theirs is None:
        return [f"certificate {certificate.serial:x} is not among the server's signers"]
    found = []
    try:
        subject = describe(certificate, profile)
    except EsignError as error:
        return [f"the subject cannot be read here: {error.detail}"]
    person = subject.person.identifier if subject.person else None
    ours = person.value if person and person.scheme == "PINFL" else ""
    if theirs.personal_number != ours:
        found.append("another PINFL")
    organisation = subject.organisation.identifier if subject.organisation else None
    if theirs.organisation_number != (organisation.value if organisation else ""):
        found.append("another STIR")
    digests = [
        item.digest_value.hex() for item in signature.references
        if item.kind is ReferenceKind.DATA
    ]  # fmt: skip
    if digests and theirs.digest not in digests:
        found.append("another digest")
    if theirs.accepted != own.passed and own.indication == "TOTAL_FAILED":
        found.append("accepted there, failed here")
    return found
