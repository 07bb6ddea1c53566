"""The verbs: parse, sign, prepare, verify, identify, validate_certificate.

This is the only place that wires rooms together, and the only one that asks the clock, once per
call and only where the caller gave no time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from esign_kit.arguments import (
    STRICT,
    all_certificates,
    require_kinds,
    to_certificates,
    to_documents,
    to_evidence,
    to_octets,
    to_optional_octets,
    to_profile,
    to_signables,
    with_embedded,
)
from esign_kit.asn1.certificate import readable_certificates
from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.reading import read_signed
from esign_kit.trust.store import TrustStore, as_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esign_kit.arguments import AnyCertificate, Octets
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.jobs import SigningJob
    from esign_kit.keys.base import SigningKey
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import CertificateReport, SignatureReport, VerificationReport
    from esign_kit.model.signature import SignedDocument
    from esign_kit.profiles import Profile
    from esign_kit.trust.path import PathResult
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.validation.context import Context

__all__ = ["identify", "inspect", "parse", "prepare", "sign", "validate_certificate", "verify"]

_NOTHING = TrustStore.empty()
_NO_EVIDENCE = Evidence()


def parse(
    signature: Octets,
    *,
    detached: Iterable[Octets] | Octets = (),
    certificates: Iterable[AnyCertificate] = (),
    policy: ValidationPolicy | None = None,
) -> SignedDocument:
    """Read a signed file without judging it.

    Args:
        signature: octets, a path, or a Document.
        detached: the signed documents, where they are not in the file.
        certificates: for a raw signature value, the signer's.
        policy: its limits and closed lists apply to reading.

    Raises:
        InputError: no signature, malformed as a whole, or over a limit.
    """
    policy = policy or STRICT
    return read_signed(
        to_octets(signature, policy),
        to_documents(detached),
        policy,
        to_certificates(certificates),
    )


def verify(
    signature: Octets,
    *,
    detached: Iterable[Octets] | Octets = (),
    profile: Profile | str | None = None,
    trust: TrustStore | None = None,
    certificates: Iterable[AnyCertificate] = (),
    evidence: Iterable[Octets] | Octets | Evidence = (),
    policy: ValidationPolicy | None = None,
    fetcher: Fetcher | None = None,
    at: datetime | None = None,
) -> VerificationReport:
    """Validate every signature of a file (EN 319 102-1 § 5).

    Args:
        signature: octets, a path, or a Document.
        detached: the signed documents, where they are not in the file.
        profile: brings trust anchors, policy and the rules of a country.
        trust: what is trusted; takes the place of the profile's anchors. Without both, nothing
            is trusted and the verdict is INDETERMINATE / NO_CERTIFICATE_CHAIN_FOUND at best.
        certificates: helpers that the signature lacks; they are not trusted.
        evidence: CRLs, OCSP answers and time-stamps; DER or PEM, or paths to them.
        policy: takes the place of the profile's.
        fetcher: the way to the network; ``None``, the default, means offline.
        at: validation time (aware); if absent the present, which for a fetcher that keeps a time
            of its own (``fetcher.now``: a fixture country) is that time.

    Raises:
        InputError: no signature at all, or over a limit. A bad signature is not an error.
    """
    when = moment(at, fetcher)
    require_kinds(trust, policy, fetcher)
    country = to_profile(profile)
    if policy is None:
        policy = country.policy if country is not None else STRICT
    store = trust
    if store is None:
        store = country.trust if country is not None else _NOTHING
    helpers = to_certificates(certificates) if certificates else ()
    given = to_evidence(evidence, policy) if evidence else _NO_EVIDENCE
    parsed = read_signed(to_octets(signature, policy), to_documents(detached), policy, helpers)
    return check(
        parsed,
        trust=store,
        helpers=helpers,
        evidence=given,
        policy=policy,
        fetcher=fetcher,
        at=when,
        profile=country,
    )


def check(
    parsed: SignedDocument,
    *,
    trust: TrustStore,
    helpers: tuple[Certificate, ...],
    evidence: Evidence,
    policy: ValidationPolicy,
    at: datetime,
    fetcher: Fetcher | None = None,
    profile: Profile | None = None,
) -> VerificationReport:
    """Judge what was read; :func:`verify` is ``parse`` and this."""
    new_context, check_signature, new_report = _checking()
    evidence = with_embedded(parsed, evidence)
    if fetcher is not None:
        from esign_kit.net import gather

        evidence = gather(
            all_certificates(parsed, helpers),
            trust=trust,
            evidence=evidence,
            at=at,
            policy=policy,
            fetcher=fetcher,
        )
    if evidence.certificates:
        helpers = (*helpers, *readable_certificates(evidence.certificates))
    profile_check = None
    if profile is not None:
        from esign_kit.eid.rules import check_profile

        country = profile

        def profile_check(certificate: Certificate, parsed: Any, at: datetime) -> Any:
            return check_profile(country, certificate, parsed, at)

    context = new_context(trust, helpers, evidence, policy, at, profile_check)
    return new_report(
        at,
        policy.id,
        tuple([check_signature(item, context) for item in parsed.signatures]),
        policy.quorum,
        tuple([finding.detail for finding in parsed.findings]),
    )


@cache
def _checking() -> tuple[type[Context], Callable[..., SignatureReport], type[VerificationReport]]:
    """The checking half of the house; looked up once, for an import statement costs each time."""
    from esign_kit.model.report import VerificationReport
    from esign_kit.validation.context import Context
    from esign_kit.validation.process import check_signature

    return Context, check_signature, VerificationReport


@cache
def _path_checking() -> tuple[Callable[..., PathResult], Callable[..., CertificateReport]]:
    """The same for certificates."""
    from esign_kit.trust.engine import validate_path
    from esign_kit.validation.report import certificate_report

    return validate_path, certificate_report


def validate_certificate(
    certificate: AnyCertificate,
    *,
    trust: TrustStore,
    intermediates: Iterable[AnyCertificate] = (),
    evidence: Iterable[Octets] | Octets | Evidence = (),
    policy: ValidationPolicy | None = None,
    fetcher: Fetcher | None = None,
    at: datetime | None = None,
    purpose: Purpose = Purpose.ANY,
) -> CertificateReport:
    """Validate one certificate (EN 319 102-1 § 5.2.6, RFC 5280 § 6).

    Args:
        certificate: DER, PEM, a path or an object of ``cryptography``.
        trust: what is trusted.
        intermediates: helpers, not trusted.
        evidence: CRLs and OCSP answers, DER.
        purpose: what it is to be used for; ``ANY`` asks nothing of its key usage.

    Raises:
        InputError: no certificate, or over a limit.
    """
    validate_path, certificate_report = _path_checking()
    when = moment(at, fetcher)
    require_kinds(trust, policy, fetcher)
    policy = policy or STRICT
    target, *others = as_certificates(certificate)
    helpers = (*others, *to_certificates(intermediates))
    given = to_evidence(evidence, policy)
    if fetcher is not None:
        from esign_kit.net import gather

        given = gather(
            (target, *helpers),
            trust=trust,
            evidence=given,
            at=when,
            policy=policy,
            fetcher=fetcher,
        )
    if given.certificates:
        helpers = (*helpers, *readable_certificates(given.certificates))
    path = validate_path(
        target,
        trust=trust,
        helpers=helpers,
        evidence=given,
        at=when,
        policy=policy,
        purpose=purpose,
    )
    return certificate_report(target, path, policy, when, purpose, given.failures)


def sign(
    document: Octets | Iterable[Octets],
    key: SigningKey,
    *,
    format: str,
    packaging: str,
    level: str = "B",
    profile: Profile | str | None = None,
    existing: Octets | None = None,
    **options: Any,
) -> bytes:
    """Sign and return the signed file.

    Args:
        document: what is signed; octets, a path or a Document, or several of them.
        key: a key that may sign.
        format: ``"cades"``, ``"xades"`` or ``"raw"``.
        packaging: ``"attached"``/``"enveloping"``, ``"detached"``, ``"enveloped"``,
            ``"internally-detached"``.
        level: ``"B"``.
        profile: conventions of a country.
        existing: a signed file to which this signature is added.
        options: ``algorithm`` (a name of the table), ``signing_time`` (aware; ``None`` leaves it
            out), ``include_chain``, ``roles``, …; the format's ``build`` module lists its own.

    Raises:
        InputError: the document or the existing file does not fit the request.
        SigningError: the key may not or cannot sign this.
        KeyStoreError: the key did not sign.
        UnsupportedError: no such format, packaging, level or algorithm.
    """
    from esign_kit.jobs import prepare_with_key

    job = prepare_with_key(
        to_signables(document),
        key,
        format=format,
        packaging=packaging,
        level=level,
        profile=to_profile(profile),
        existing=to_optional_octets(existing),
        now=moment(None),
        options=options,
    )
    return job.complete(key.sign(job.to_be_signed, job.algorithm))


def prepare(
    document: Octets | Iterable[Octets],
    *,
    certificate: AnyCertificate,
    format: str,
    packaging: str,
    level: str = "B",
    chain: Iterable[AnyCertificate] = (),
    profile: Profile | str | None = None,
    existing: Octets | None = None,
    **options: Any,
) -> SigningJob:
    """First of two steps, for a key that lives elsewhere.

    The returned job holds the exact octets that the key must sign and survives a queue as JSON;
    ``job.complete(value)`` is the second step.

    Args:
        certificate: the signer's; it is fixed in the signature now.
        chain: issuers to embed.

    Other arguments, and the errors, are those of :func:`sign`.
    """
    from esign_kit.jobs import prepare_job

    target, *others = as_certificates(certificate)
    return prepare_job(
        to_signables(document),
        certificate=target.der,
        chain=tuple(item.der for item in (*others, *to_certificates(chain))),
        format=format,
        packaging=packaging,
        level=level,
        profile=to_profile(profile),
        existing=to_optional_octets(existing),
        now=moment(None),
        options=options,
    )


def identify(
    signature_report: SignatureReport, *, profile: Profile | str, minimum: Any = None
) -> Principal:
    """Say who signed, on whose behalf, with what right and how surely.

    Args:
        signature_report: of a signature that passed.
        profile: how a country writes identifiers and roles.
        minimum: the least assurance that the caller accepts.

    Raises:
        SignatureRejected: the signature did not pass.
        IdentityError: the certificate does not name one person or organisation clearly.
        AssuranceError: less assurance than ``minimum``.
    """
    from esign_kit.eid.identity import identify as _identify

    country = to_profile(profile)
    if country is None:
        raise TypeError("identify needs a profile")
    return _identify(signature_report, profile=country, minimum=minimum)


def inspect(
    signature: Octets,
    *,
    detached: Iterable[Octets] | Octets = (),
    certificates: Iterable[AnyCertificate] = (),
    policy: ValidationPolicy | None = None,
) -> dict[str, Any]:
    """Describe the structure of a signed file as plain data, without judgement.

    Raises:
        InputError: as :func:`parse`.
    """
    from esign_kit.validation.structure import describe

    return describe(parse(signature, detached=detached, certificates=certificates, policy=policy))


def moment(at: datetime | None, fetcher: Fetcher | None = None) -> datetime:
    """Return the time in UTC; the clock is asked here and nowhere else, where none was given.

    Whoever answers for the network may keep its own time: evidence of a country in memory is as
    of that country's day.
    """
    if at is None:
        at = getattr(fetcher, "now", None)
        if not isinstance(at, datetime):
            return datetime.now(UTC)
    if not isinstance(at, datetime):
        raise TypeError("at= takes a datetime with a time zone; datetime(…, tzinfo=UTC)")
    zone = at.tzinfo
    if zone is None:
        raise ValueError("at= needs a time zone; datetime(…, tzinfo=UTC)")
    return at if zone is UTC else at.astimezone(UTC)
