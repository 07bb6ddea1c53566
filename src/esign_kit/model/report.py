"""Reports: verdicts as data, in the words of ETSI EN 319 102-1 (v1.4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from esign_kit.errors import InputError, SignatureRejected
from esign_kit.model.check import CHECK_NAMES, Check, CheckStatus, Indication, SubIndication
from esign_kit.model.plain import certificate_facts, label_of, load_certificate, plain
from esign_kit.model.quick import quick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from cryptography import x509

    from esign_kit.model.document import Scope
    from esign_kit.model.evidence import RevocationInfo
    from esign_kit.model.signature import Format, Packaging

__all__ = [
    "CHECK_NAMES",
    "CertificateReport",
    "Check",
    "CheckStatus",
    "Indication",
    "PathAttempt",
    "SignatureReport",
    "SubIndication",
    "TimestampReport",
    "VerificationReport",
]


class _NoTruth:
    """A report has no truth value: ``if verify(...)`` is the classic accident of this field."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} has no truth value; read .indication or call "
            ".raise_for_status()"
        )


@quick
@dataclass(frozen=True, slots=True)
class PathAttempt:
    """A certificate path that was tried, and why it fell (empty ``code``: it holds).

    ``certificates`` (DER) run from the certificate in question towards the anchor.
    """

    certificates: tuple[bytes, ...]
    code: str = ""
    detail: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The most telling attribute of each certificate's subject."""
        return tuple([label_of(der) for der in self.certificates])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"subjects": list(self.subjects), "code": self.code, "detail": self.detail}


@quick
@dataclass(frozen=True, slots=True, eq=False)
class CertificateReport(_NoTruth):
    """The validation of one certificate (EN 319 102-1 § 5.2.6).

    Attributes:
        chain_der: from the certificate to the anchor, as far as one was found.
        revocation: one entry per certificate of the chain, in the same order.
        attempts: every candidate path tried; the last one is the path taken if one was found.
        policies: certificate policies that hold for the path (RFC 5280 § 6.1.6), as OIDs;
            ``("2.5.29.32.0",)`` stands for any policy.
        user_notices: explicit text of the accepted policies.
        valid_until: until when this answer holds, given the evidence; UTC.
    """

    at: datetime
    indication: Indication
    sub_indication: SubIndication | None
    checks: tuple[Check, ...]
    certificate_der: bytes
    chain_der: tuple[bytes, ...] = ()
    revocation: tuple[RevocationInfo, ...] = ()
    attempts: tuple[PathAttempt, ...] = ()
    policies: tuple[str, ...] = ()
    user_notices: tuple[str, ...] = ()
    policy_id: str = ""
    valid_until: datetime | None = None

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate in question."""
        return load_certificate(self.certificate_der)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The path, from the certificate to the anchor."""
        return tuple(load_certificate(der) for der in self.chain_der)

    def check(self, name: str) -> Check:
        """Return the check of that name; raises ``KeyError``."""
        return _check_named(self.checks, name)

    def raise_for_status(self) -> None:
        """Raise :class:`SignatureRejected` unless the certificate passed."""
        _raise_unless_passed(self, "certificate")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that ``json.dumps`` takes."""
        return {
            "at": self.at.isoformat(),
            "policy": self.policy_id,
            "indication": str(self.indication),
            "sub_indication": str(self.sub_indication) if self.sub_indication else None,
            "certificate": certificate_facts(self.certificate_der),
            "chain": [certificate_facts(der) for der in self.chain_der],
            "revocation": [info.to_dict() for info in self.revocation],
            "policies": list(self.policies),
            "user_notices": list(self.user_notices),
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "valid_until": self.valid_until.isoformat() if self.valid_until else None,
            "checks": [check.to_dict() for check in self.checks],
        }


@quick
@dataclass(frozen=True, slots=True, eq=False)
class TimestampReport(_NoTruth):
    """One time-stamp: what it covers, when, and whether it proves that time.

    Attributes:
        kind: a value of ``TimestampKind``, as text.
        time: genTime of the token, UTC; proven only if ``indication`` is TOTAL_PASSED.
        imprint_found: the octets that it must cover could be computed.
        imprint_intact: they have the digest that the token states; ``None`` if not compared.
        token_intact: the token's own signature verifies; ``None`` if not checked.
    """

    kind: str
    time: datetime | None
    indication: Indication
    sub_indication: SubIndication | None
    checks: tuple[Check, ...]
    source: str = ""
    imprint_found: bool = False
    imprint_intact: bool | None = None
    token_intact: bool | None = None
    serial: int | None = None
    policy: str | None = None
    certificate_der: bytes | None = None
    chain_der: tuple[bytes, ...] = ()

    @property
    def certificate(self) -> x509.Certificate | None:
        """The time-stamping unit's certificate, if it was identified."""
        return load_certificate(self.certificate_der) if self.certificate_der else None

    def check(self, name: str) -> Check:
        """Return the check of that name; raises ``KeyError``."""
        return _check_named(self.checks, name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "source": self.source,
            "time": self.time.isoformat() if self.time else None,
            "indication": str(self.indication),
            "sub_indication": str(self.sub_indication) if self.sub_indication else None,
            "imprint_found": self.imprint_found,
            "imprint_intact": self.imprint_intact,
            "token_intact": self.token_intact,
            "serial": str(self.serial) if self.serial is not None else None,
            "policy": self.policy,
            "certificate": certificate_facts(self.certificate_der)
            if self.certificate_der
            else None,
            "checks": [check.to_dict() for check in self.checks],
        }


@quick
@dataclass(frozen=True, slots=True, eq=False)
class SignatureReport(_NoTruth):
    """The verdict on one signature.

    Attributes:
        id: as in the file, or ``"S-1"``, ….
        level: the level that the structure has (``"CAdES-BASELINE-B"``, ``"XML-NOT-ETSI"``).
        signing_certificate_der: the certificate whose key verified the value; ``None`` if none.
        chain_der: from it to the anchor, as far as found.
        signing_time: *claimed* by the signer, proven by nobody; UTC.
        best_signature_time: the earliest time at which the signature is proven to have existed:
            a verified time-stamp's, else the time of validation; UTC.
        signed: exactly what was covered and matched.
    """

    id: str
    format: Format
    level: str
    packaging: Packaging | None
    indication: Indication
    sub_indication: SubIndication | None
    checks: tuple[Check, ...]
    at: datetime
    best_signature_time: datetime
    algorithm: str = ""
    signing_time: datetime | None = None
    signing_certificate_der: bytes | None = None
    chain_der: tuple[bytes, ...] = ()
    revocation: tuple[RevocationInfo, ...] = ()
    attempts: tuple[PathAttempt, ...] = ()
    policies: tuple[str, ...] = ()
    signed: tuple[Scope, ...] = ()
    signed_attributes: Mapping[str, Any] = field(default_factory=dict)
    timestamps: tuple[TimestampReport, ...] = ()
    counter_signatures: tuple[SignatureReport, ...] = ()
    notes: tuple[str, ...] = ()
    _structure: Callable[[], tuple[str, ...]] | None = field(default=None, repr=False)

    @property
    def structure_faults(self) -> tuple[str, ...] | None:
        """Where the signature breaks the schema of its format, in words; empty if nowhere.

        ``None`` for a format without a schema that is checked (CMS). Looked at when asked, and no
        part of the verdict: EN 319 102-1 § 5.2.2 fails a signature that cannot be processed, which
        is the check ``format``.
        """
        return None if self._structure is None else self._structure()

    @property
    def signing_certificate(self) -> x509.Certificate | None:
        """The certificate whose key verified the signature value."""
        return (
            load_certificate(self.signing_certificate_der) if self.signing_certificate_der else None
        )

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """From the signing certificate to the anchor."""
        return tuple(load_certificate(der) for der in self.chain_der)

    def all_counter_signatures(self) -> Iterator[SignatureReport]:
        """Yield counter-signatures, and those on them, depth first."""
        for counter in self.counter_signatures:
            yield counter
            yield from counter.all_counter_signatures()

    @property
    def passed(self) -> bool:
        """True for TOTAL_PASSED and for nothing else."""
        return self.indication is Indication.TOTAL_PASSED

    def check(self, name: str) -> Check:
        """Return the check of that name; raises ``KeyError``."""
        return _check_named(self.checks, name)

    def raise_for_status(self) -> None:
        """Raise :class:`SignatureRejected` unless the signature passed."""
        _raise_unless_passed(self, f"signature {self.id}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that ``json.dumps`` takes."""
        faults = self.structure_faults
        return {
            "id": self.id,
            "format": str(self.format),
            "level": self.level,
            "packaging": str(self.packaging) if self.packaging else None,
            "indication": str(self.indication),
            "sub_indication": str(self.sub_indication) if self.sub_indication else None,
            "algorithm": self.algorithm,
            "signing_time": self.signing_time.isoformat() if self.signing_time else None,
            "best_signature_time": self.best_signature_time.isoformat(),
            "signing_certificate": certificate_facts(self.signing_certificate_der)
            if self.signing_certificate_der
            else None,
            "chain": [certificate_facts(der) for der in self.chain_der],
            "revocation": [info.to_dict() for info in self.revocation],
            "policies": list(self.policies),
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "signed": [scope.to_dict() for scope in self.signed],
            "signed_attributes": plain(self.signed_attributes),
            "checks": [check.to_dict() for check in self.checks],
            "timestamps": [stamp.to_dict() for stamp in self.timestamps],
            "counter_signatures": [report.to_dict() for report in self.counter_signatures],
            "notes": list(self.notes),
            **({"structure_faults": list(faults)} if faults else {}),
        }


_RANK = {Indication.TOTAL_PASSED: 0, Indication.INDETERMINATE: 1, Indication.TOTAL_FAILED: 2}


@quick
@dataclass(frozen=True, slots=True, eq=False)
class VerificationReport(_NoTruth):
    """The verdicts on all signatures of one file.

    Attributes:
        at: the time for which the question was asked; UTC.
        policy_id: name of the validation policy.
        signatures: top-level signatures; counter-signatures hang below them.
        notes: what the reader should know about the file as a whole.
    """

    at: datetime
    policy_id: str
    signatures: tuple[SignatureReport, ...]
    quorum: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def indication(self) -> Indication:
        """The worst of all signatures; with a quorum, PASSED if that many passed.

        No signature is never PASSED. A counter-signature that fails keeps the file from passing: it
        is no signer of the content, but somebody tampered with what stands in the file.
        """
        if not self.signatures:
            return Indication.INDETERMINATE
        if self.quorum is not None:
            passed = sum(report.passed for report in self.signatures)
            if passed >= max(self.quorum, 1):
                return Indication.TOTAL_PASSED
        return self._worst().indication

    @property
    def sub_indication(self) -> SubIndication | None:
        """The sub-indication that goes with :attr:`indication`."""
        if not self.signatures or self.indication is Indication.TOTAL_PASSED:
            return None
        return self._worst().sub_indication

    def _worst(self) -> SignatureReport:
        worst = max(self.signatures, key=lambda report: _RANK[report.indication])
        if worst.indication is Indication.TOTAL_FAILED:
            return worst
        for report in self.signatures:
            for counter in report.all_counter_signatures():
                if counter.indication is Indication.TOTAL_FAILED:
                    return counter
        return worst

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check of every signature, in order."""
        return tuple(check for report in self.signatures for check in report.checks)

    @property
    def only(self) -> SignatureReport:
        """The one signature.

        Raises:
            InputError: there is not exactly one.
        """
        if len(self.signatures) != 1:
            raise InputError(
                f"expected one signature, the file has {len(self.signatures)}",
                code="input.not-one-signature",
                hint="go through report.signatures",
            )
        return self.signatures[0]

    def __iter__(self) -> Iterator[SignatureReport]:
        return iter(self.signatures)

    def raise_for_status(self) -> None:
        """Raise :class:`SignatureRejected` unless the indication is TOTAL_PASSED."""
        _raise_unless_passed(self, "file")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that ``json.dumps`` takes; the schema is ``schemas/report.json``."""
        return {
            "schema": "esign-kit/report/1",
            "at": self.at.isoformat(),
            "policy": self.policy_id,
            "indication": str(self.indication),
            "sub_indication": str(self.sub_indication) if self.sub_indication else None,
            "signatures": [report.to_dict() for report in self.signatures],
            "notes": list(self.notes),
        }


def _check_named(checks: tuple[Check, ...], name: str) -> Check:
    for check in checks:
        if check.name == name:
            return check
    raise KeyError(name)


def _raise_unless_passed(
    report: VerificationReport | SignatureReport | CertificateReport, what: str
) -> None:
    if report.indication is Indication.TOTAL_PASSED:
        return
    checks = report.checks
    if isinstance(report, VerificationReport) and report.signatures:
        checks = report._worst().checks
    first = next(
        (c for c in checks if c.status in (CheckStatus.FAILED, CheckStatus.INDETERMINATE)),
        None,
    )
    why = f": {first.name}: {first.detail}" if first else ""
    sub = f" ({report.sub_indication})" if report.sub_indication else ""
    raise SignatureRejected(
        f"the {what} did not pass: {report.indication}{sub}{why}",
        report=report,  # type: ignore[arg-type]
        hint=first.hint if first else "",
    )
