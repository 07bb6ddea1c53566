"""The verbs: parse, sign, prepare, verify, identify, validate_certificate.

This is the only place that wires rooms together, and the only one that asks the clock, once per
call and only where the caller gave no time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.model.document import Document
from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.trust.policy import Cache, ValidationPolicy
from esign_kit.trust.store import TrustStore, as_certificates

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from cryptography import x509

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.jobs import SigningJob
    from esign_kit.keys.base import SigningKey
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import CertificateReport, SignatureReport, VerificationReport
    from esign_kit.model.signature import SignedDocument
    from esign_kit.profiles import Profile
    from esign_kit.validation.context import Context

    Octets = bytes | str | os.PathLike[str] | Document
    AnyCertificate = bytes | str | os.PathLike[str] | x509.Certificate | Certificate

__all__ = ["identify", "inspect", "parse", "prepare", "sign", "validate_certificate", "verify"]

_STRICT = ValidationPolicy()
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
    policy = policy or _STRICT
    return _parse(
        _octets(signature, policy),
        _documents(detached),
        policy,
        _helpers(certificates),
    )


def verify(
    signature: Octets,
    *,
    detached: Iterable[Octets] | Octets = (),
    profile: Profile | str | None = None,
    trust: TrustStore | None = None,
    certificates: Iterable[AnyCertificate] = (),
    evidence: Iterable[bytes] | Evidence = (),
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
        evidence: CRLs, OCSP answers and time-stamps, DER.
        policy: takes the place of the profile's.
        fetcher: the way to the network; ``None``, the default, means offline.
        at: validation time (aware); the present if absent.

    Raises:
        InputError: no signature at all, or over a limit. A bad signature is not an error.
    """
    moment = _moment(at)
    country = _profile(profile)
    if policy is None:
        policy = country.policy if country is not None else _STRICT
    store = trust
    if store is None:
        store = country.trust if country is not None else _NOTHING
    helpers = _helpers(certificates) if certificates else ()
    given = _evidence(evidence, policy) if evidence else _NO_EVIDENCE
    parsed = _parse(_octets(signature, policy), _documents(detached), policy, helpers)
    return check(
        parsed,
        trust=store,
        helpers=helpers,
        evidence=given,
        policy=policy,
        fetcher=fetcher,
        at=moment,
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
    evidence = _embedded(parsed, evidence)
    if fetcher is not None:
        from esign_kit.net import gather

        evidence = gather(
            _all_certificates(parsed, helpers),
            trust=trust,
            evidence=evidence,
            at=at,
            policy=policy,
            fetcher=fetcher,
        )
    if evidence.certificates:
        helpers = (*helpers, *_readable(evidence.certificates))
    profile_check = None
    if profile is not None:
        from esign_kit.eid.rules import check_profile

        country = profile

        def profile_check(certificate: Certificate, parsed: Any, at: datetime) -> Any:
            return check_profile(country, certificate, parsed, at)

    context = new_context(trust, helpers, evidence, policy, at, profile_check)
    return new_report(
        at=at,
        policy_id=policy.id,
        signatures=tuple([check_signature(item, context) for item in parsed.signatures]),
        quorum=policy.quorum,
        notes=tuple([finding.detail for finding in parsed.findings]),
    )


@cache
def _checking() -> tuple[type[Context], Callable[..., SignatureReport], type[VerificationReport]]:
    """The checking half of the house; looked up once, for an import statement costs each time."""
    from esign_kit.model.report import VerificationReport
    from esign_kit.validation.context import Context
    from esign_kit.validation.process import check_signature

    return Context, check_signature, VerificationReport


def validate_certificate(
    certificate: AnyCertificate,
    *,
    trust: TrustStore,
    intermediates: Iterable[AnyCertificate] = (),
    evidence: Iterable[bytes] | Evidence = (),
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
    from esign_kit.trust.engine import validate_path
    from esign_kit.validation.report import certificate_report

    moment = _moment(at)
    policy = policy or _STRICT
    target, *others = as_certificates(certificate)
    helpers = (*others, *_helpers(intermediates))
    given = _evidence(evidence, policy)
    if fetcher is not None:
        from esign_kit.net import gather

        given = gather(
            (target, *helpers),
            trust=trust,
            evidence=given,
            at=moment,
            policy=policy,
            fetcher=fetcher,
        )
    if given.certificates:
        helpers = (*helpers, *_readable(given.certificates))
    path = validate_path(
        target,
        trust=trust,
        helpers=helpers,
        evidence=given,
        at=moment,
        policy=policy,
        purpose=purpose,
    )
    return certificate_report(target, path, policy, moment, purpose)


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
        _signables(document),
        key,
        format=format,
        packaging=packaging,
        level=level,
        profile=_profile(profile),
        existing=_optional_octets(existing),
        now=_moment(None),
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
        _signables(document),
        certificate=target.der,
        chain=tuple(item.der for item in (*others, *_helpers(chain))),
        format=format,
        packaging=packaging,
        level=level,
        profile=_profile(profile),
        existing=_optional_octets(existing),
        now=_moment(None),
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

    country = _profile(profile)
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


# ── arguments ─────────────────────────────────────────────────────────────────────────────────


def _moment(at: datetime | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    zone = at.tzinfo
    if zone is None:
        raise ValueError("at= needs a time zone; datetime(…, tzinfo=UTC)")
    return at if zone is UTC else at.astimezone(UTC)


def _profile(profile: Profile | str | None) -> Profile | None:
    if isinstance(profile, str):
        from esign_kit.profiles import profile as load

        return load(profile)
    return profile


def _document(value: Octets) -> Document:
    if isinstance(value, Document):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Document(bytes(value))
    return Document.from_path(value)


def _documents(values: Iterable[Octets] | Octets) -> tuple[Document, ...]:
    if not values and isinstance(values, (tuple, list)):
        return ()
    if isinstance(values, (Document, bytes, bytearray, memoryview, str)) or hasattr(
        values, "__fspath__"
    ):
        return (_document(values),)  # type: ignore[arg-type]
    return tuple([_document(value) for value in values])


def _signables(values: Octets | Iterable[Octets]) -> tuple[Document, ...]:
    documents = _documents(values)
    if not documents:
        raise InputError("nothing to sign", code="signing.no-document")
    return documents


def _octets(value: Octets, policy: ValidationPolicy) -> bytes:
    if isinstance(value, bytes):
        data = value
    else:
        document = _document(value)
        size = document.size
        if size is not None and size > policy.limits.signature_size:
            raise LimitError(
                f"the signature file has {size} octets, more than limits.signature_size"
            )
        data = document.octets()
    if len(data) > policy.limits.signature_size:
        raise LimitError(
            f"the signature file has {len(data)} octets, more than limits.signature_size"
        )
    return data


def _optional_octets(value: Octets | None) -> bytes | None:
    return None if value is None else _octets(value, _STRICT)


def _helpers(values: Iterable[AnyCertificate]) -> tuple[Certificate, ...]:
    if isinstance(values, (bytes, str)) or hasattr(values, "public_bytes"):
        return as_certificates(values)
    return tuple([item for value in values for item in as_certificates(value)])


def _readable(ders: Iterable[bytes]) -> tuple[Certificate, ...]:
    from esign_kit.asn1.certificate import Certificate

    found = []
    for der in ders:
        try:
            found.append(Certificate.load(der))
        except InputError:
            continue
    return tuple(found)


def _evidence(values: Iterable[bytes] | Evidence, policy: ValidationPolicy) -> Evidence:
    if isinstance(values, Evidence):
        return values
    if isinstance(values, bytes):
        values = (values,)
    items = []
    for number, item in enumerate(values):
        if number >= policy.limits.evidence_items:
            raise LimitError("more evidence than limits.evidence_items")
        items.append(item if isinstance(item, bytes) else _document(item).octets())
    if policy.cache is Cache.ON and sum(map(len, items)) <= _REMEMBERED_EVIDENCE:
        return _sorted_evidence(tuple(items))
    return _sorted_evidence.__wrapped__(tuple(items))


_REMEMBERED_EVIDENCE = 4 * 1024 * 1024
"""Octets of evidence above which its sorting is done again each time rather than kept."""


@lru_cache(maxsize=32)
def _sorted_evidence(items: tuple[bytes, ...]) -> Evidence:
    from esign_kit.asn1.revocation import classify

    kinds: dict[str, list[bytes]] = {"crl": [], "ocsp": [], "timestamp": [], "certificate": []}
    for item in items:
        data = _unwrapped(item)
        kind = classify(data)
        # Rubbish proves nothing and hinders nothing: it is as if it were not there.
        if kind is not None:
            kinds[kind].append(data)
    return Evidence(
        certificates=tuple(kinds["certificate"]),
        crls=tuple(kinds["crl"]),
        ocsp_responses=tuple(kinds["ocsp"]),
        timestamps=tuple(kinds["timestamp"]),
    )


def _unwrapped(data: bytes) -> bytes:
    """Return DER for one PEM block; everything else as it is."""
    if not data[:64].lstrip().startswith(b"-----BEGIN "):
        return data
    from binascii import Error, a2b_base64

    _, _, rest = data.partition(b"-----BEGIN ")
    _, _, rest = rest.partition(b"-----")
    body, _, _ = rest.partition(b"-----END ")
    try:
        return a2b_base64(body)
    except Error:
        return data


def _embedded(parsed: SignedDocument, given: Evidence) -> Evidence:
    """Return the evidence that the file carries, and what was given."""
    signatures = parsed.signatures
    if not any([item.crls or item.ocsp_responses for item in signatures]):
        return given
    crls = dict.fromkeys(crl for item in signatures for crl in item.crls)
    answers = dict.fromkeys(answer for item in signatures for answer in item.ocsp_responses)
    return Evidence(crls=tuple(crls), ocsp_responses=tuple(answers)) + given


def _all_certificates(
    parsed: SignedDocument, helpers: tuple[Certificate, ...]
) -> tuple[Certificate, ...]:
    ders = dict.fromkeys(parsed.certificates)
    ders.update(dict.fromkeys(der for item in parsed.signatures for der in item.certificates))
    # Only asked for with a fetcher: the paths of time-stamping authorities are completed too.
    for item in parsed.signatures:
        if item.timestamps:
            from esign_kit.validation.timestamps import certificates_of

            ders.update(dict.fromkeys(certificates_of(item.timestamps)))
    return (*_readable(ders), *helpers)


# ── formats ───────────────────────────────────────────────────────────────────────────────────


def _parse(
    data: bytes,
    detached: tuple[Document, ...],
    policy: ValidationPolicy,
    helpers: tuple[Certificate, ...],
) -> SignedDocument:
    if not data:
        raise InputError("the input is empty", code="input.no-signature")
    start = b"" if data[0] == 0x30 else data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"<" or start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:2] == b"\x00<":
        from esign_kit.xades import parse as xades

        return xades.parse(data, detached=detached, policy=policy)
    cades = _cades()
    if cades.recognises(data):
        return cades.parse(data, detached=detached, policy=policy)  # type: ignore[no-any-return]
    from esign_kit.tsp import parse as tsp

    if tsp.recognises(data):
        return tsp.parse(data, detached=detached, policy=policy)
    if detached and helpers:
        from esign_kit.raw import parse as raw

        return raw.parse(data, detached=detached, policy=policy, certificates=helpers)
    if start[:5] == b"%PDF-":
        raise UnsupportedError("PDF signatures are not read yet", code="input.unsupported-format")
    if start[:4] == b"PK\x03\x04":
        raise UnsupportedError("ASiC containers are not read yet", code="input.unsupported-format")
    raise InputError(
        "this is no signature: neither CMS nor XML with a ds:Signature",
        code="input.no-signature",
        hint="a bare signature value needs detached=[document] and certificates=[signer]",
    )


@cache
def _cades() -> ModuleType:
    from esign_kit.cades import parse as module

    return module
