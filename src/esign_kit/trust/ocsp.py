"""What OCSP answers say about one certificate (RFC 6960)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_by_oid
from esign_kit.asn1 import names
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import OCTET_STRING, SEQUENCE, decode_time, read, read_all
from esign_kit.asn1.revocation import (
    CERT_HASH,
    CRL_REASONS,
    OCSP_ARCHIVE_CUTOFF,
    OCSP_NOCHECK,
    OCSP_NONCE,
    OcspResponse,
    SingleResponse,
    key_octets,
)
from esign_kit.errors import InputError, LimitError
from esign_kit.trust.finding import Finding, Kind, dated
from esign_kit.trust.inquiry import DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.trust.inquiry import Inquiry

__all__ = ["findings"]

_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
_NEVER_ISSUED = b"19700101000000Z"
_HOLD = 6
_PROCESSED = frozenset(
    {
        OCSP_NONCE,  # compared by whoever asked
        OCSP_ARCHIVE_CUTOFF,
        CERT_HASH,
        "1.3.6.1.5.5.7.48.1.9",  # extended revoked definition (RFC 6960 § 4.4.8): see _revoked
        "1.3.6.1.5.5.7.48.1.3",  # CRL reference: a pointer
    }
)


def findings(
    certificate: Certificate, issuer: Certificate, anchor: Certificate, inquiry: Inquiry, at: bytes
) -> Iterable[Finding]:
    """Yield what each OCSP answer with the certificate's serial number says about it."""
    for response, single in inquiry.evidence.ocsp.get(certificate.serial, ()):
        try:
            found = _finding(response, single, certificate, issuer, anchor, inquiry, at)
            yield found._replace(item=response.der) if inquiry.sliding else found
        except InputError as error:
            kind = Kind.OVER_LIMIT if isinstance(error, LimitError) else Kind.REJECTED
            yield Finding(kind, "OCSP", detail=f"OCSP answer: {error.detail}")


def _finding(
    response: OcspResponse,
    single: SingleResponse,
    certificate: Certificate,
    issuer: Certificate,
    anchor: Certificate,
    inquiry: Inquiry,
    at: bytes,
) -> Finding:
    def rejected(detail: str, kind: Kind = Kind.REJECTED) -> Finding:
        return Finding(
            kind, "OCSP", single.this_update, single.next_update, detail=f"OCSP answer: {detail}"
        )

    if not _is_about(single, certificate, issuer):
        return rejected("it is about a certificate of another issuer with the same serial number")
    for extensions in (response.extensions, single.extensions):
        for oid, (critical, _) in extensions.items():
            if critical and oid not in _PROCESSED:
                return rejected(f"critical extension {oid} is not processed")
    if not _cert_hash_fits(single, certificate):
        return rejected("its certHash is that of another certificate")
    problem, expired, until, weak = _authorised(response, certificate, issuer, anchor, inquiry, at)
    if problem:
        return rejected(problem, Kind.SIGNER_EXPIRED if expired else Kind.REJECTED)
    if single.status == "revoked":
        return _revoked(single, at, weak)
    stale, limit = dated(
        single.this_update,
        single.next_update,
        certificate,
        inquiry,
        at,
        kept_since=_archive_cutoff(single),
    )
    if stale is None and response.produced_at > inquiry.known:
        return rejected("produced in the future", Kind.STALE)
    if stale is not None:
        return rejected(stale.detail, Kind.STALE)
    if single.status == "unknown":
        return rejected("the responder does not know the certificate", Kind.UNKNOWN)
    if response.produced_at > issuer.not_after:
        return rejected(f"made after {issuer.label} expired", Kind.SIGNER_EXPIRED)
    return Finding(
        Kind.GOOD, "OCSP", single.this_update, single.next_update,
        until=min(filter(None, (until, limit)), default=b""), weak=weak,
    )  # fmt: skip


def _revoked(single: SingleResponse, at: bytes, weak: str) -> Finding:
    number = single.reason
    reason = None
    if number is not None and 0 <= number < len(CRL_REASONS):
        reason = CRL_REASONS[number]
    kind = Kind.REVOKED
    detail = "" if single.revoked_at <= at else "revoked later than the time in question"
    if single.revoked_at == _NEVER_ISSUED and number == _HOLD:
        # RFC 6960 § 2.2: this is how a responder says that the number was never issued.
        detail = "the responder says that this certificate was never issued"
    elif number == _HOLD:
        kind = Kind.HOLD
    return Finding(
        kind, "OCSP", single.this_update, single.next_update, single.revoked_at, reason, detail,
        until=single.next_update, weak=weak,
    )  # fmt: skip


# ── is it about this certificate? ─────────────────────────────────────────────────────────────


def _is_about(single: SingleResponse, certificate: Certificate, issuer: Certificate) -> bool:
    wanted = single.cert_id
    if wanted.serial != certificate.serial:
        return False
    key_hash = _key_hash(issuer.spki, wanted.hash_oid)
    return key_hash == wanted.key_hash and wanted.name_hash in (
        _name_hash(certificate.issuer, wanted.hash_oid),
        _name_hash(issuer.subject, wanted.hash_oid),
    )


@lru_cache(maxsize=1024)
def _name_hash(name: bytes, oid: str) -> bytes:
    digest = digest_by_oid(oid)
    return b"" if digest is None else digest.hash(name)


@lru_cache(maxsize=1024)
def _key_hash(spki: bytes, oid: str) -> bytes | None:
    digest = digest_by_oid(oid)
    return None if digest is None else digest.hash(key_octets(spki))


def _cert_hash_fits(single: SingleResponse, certificate: Certificate) -> bool:
    """Common PKI certHash: a positive statement about one certificate, by its digest."""
    extension = single.extensions.get(CERT_HASH)
    if extension is None:
        return True
    parts = read_all(extension.value, "certHash").expect(SEQUENCE, "certHash").items()
    if len(parts) != 2 or parts[1].tag != OCTET_STRING:
        return False
    from esign_kit.asn1.algorithm_identifier import decode_digest_algorithm

    digest = decode_digest_algorithm(parts[0].raw)
    return digest is not None and digest.hash(certificate.der) == parts[1].contents


def _archive_cutoff(single: SingleResponse) -> bytes:
    """RFC 6960 § 4.4.4: the responder keeps answers for certificates expired since then."""
    extension = single.extensions.get(OCSP_ARCHIVE_CUTOFF)
    if extension is None:
        return b""
    value = read(extension.value)
    return decode_time(value.tag, value.contents)


# ── may the responder say so? ─────────────────────────────────────────────────────────────────


def _authorised(
    response: OcspResponse,
    certificate: Certificate,
    issuer: Certificate,
    anchor: Certificate,
    inquiry: Inquiry,
    at: bytes,
) -> tuple[str, bool, bytes, str]:
    """Return why the responder has no authority (RFC 6960 § 4.2.2.2), else an empty text."""
    weak = inquiry.weakness(response)
    if _is_responder(response, issuer):
        problem = inquiry.verify(response, issuer.spki)
        return problem, False, b"", weak
    problem = "its responder is neither the issuer nor delegated by it"
    expired = False
    for responder in _responders(response, inquiry):
        if not _is_responder(response, responder):
            continue
        if responder.der == certificate.der:
            problem = "signed with the very certificate that it is about"
            continue
        problem = _delegated(responder, response, issuer, inquiry)
        if problem:
            continue
        if inquiry.verify(response, responder.spki):
            problem = "the signature does not verify"
            continue
        asked = response.produced_at if inquiry.sliding else at
        problem, expired = _current(responder, response, asked)
        if problem:
            continue
        problem, until, responder_weak = _not_revoked(responder, issuer, anchor, inquiry, at)
        if not problem:
            limit = min(filter(None, (until, responder.not_after)))
            return "", False, limit, weak or responder_weak
    return problem, expired, b"", ""


def _responders(response: OcspResponse, inquiry: Inquiry) -> Iterable[Certificate]:
    for der in response.certificates[:16]:
        try:
            yield Certificate.load(der)
        except InputError:
            continue
    if response.responder_name:
        yield from inquiry.issuers_of(response.responder_name)
    elif response.responder_key:
        for pool in (inquiry.own, inquiry.extra):
            if pool is not None:
                yield from pool.all


def _is_responder(response: OcspResponse, candidate: Certificate) -> bool:
    if response.responder_name:
        return names.equal(response.responder_name, candidate.subject)
    return _key_hash(candidate.spki, "1.3.14.3.2.26") == response.responder_key


def _delegated(
    responder: Certificate, response: OcspResponse, issuer: Certificate, inquiry: Inquiry
) -> str:
    """§ 4.2.2.2: issued directly by the key that issued the certificate, with OCSPSigning."""
    if not names.equal(responder.issuer, issuer.subject):
        return f"its responder {responder.label} is of another CA"
    usages = responder.extended_key_usage
    if usages is None or _OCSP_SIGNING not in usages:
        return f"its responder {responder.label} has no OCSPSigning usage"
    usage = responder.key_usage
    if usage is not None and not usage & {"digital_signature", "content_commitment"}:
        return f"the key usage of its responder {responder.label} does not allow signing"
    if responder.tbs_signature_algorithm != responder.signature_algorithm:
        return "the certificate of its responder is malformed"
    critical = [oid for oid, extension in responder.extensions.items() if extension.critical]
    if any(oid not in _RESPONDER_CRITICAL for oid in critical):
        return f"its responder {responder.label} has a critical extension that is not processed"
    if inquiry.verify(responder, issuer.spki):
        return f"its responder {responder.label} is not issued by {issuer.label}"
    return ""


_RESPONDER_CRITICAL = frozenset(
    {"2.5.29.15", "2.5.29.37", "2.5.29.19", "2.5.29.17", "2.5.29.32", OCSP_NOCHECK, "2.5.29.31"}
)


def _current(responder: Certificate, response: OcspResponse, at: bytes) -> tuple[str, bool]:
    """The responder's certificate is valid when it answered, and still at the time in question."""
    last = max(at, response.produced_at)
    if response.produced_at < responder.not_before or last > responder.not_after:
        return f"the certificate of its responder {responder.label} is out of its validity", True
    return "", False


def _not_revoked(
    responder: Certificate, issuer: Certificate, anchor: Certificate, inquiry: Inquiry, at: bytes
) -> tuple[str, bytes, str]:
    """§ 4.2.2.2.1: nocheck, else the responder's own status; a known revocation always counts."""
    from esign_kit.trust.revocation import responder_status

    if responder.der in inquiry.busy:
        return "its responder speaks about itself", b"", ""
    if len(inquiry.busy) >= DEPTH:
        return "its responder's status hangs on too many others", b"", ""
    return responder_status(
        responder, issuer, anchor, inquiry, at, nocheck=OCSP_NOCHECK in responder.extensions
    )
