"""The token itself: its format, the certificate that it binds, its imprint and its signature."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit import crypto
from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.algorithm_identifier import split
from esign_kit.asn1.certificate import Certificate, readable_certificates
from esign_kit.asn1.reader import OCTET_STRING, OID, decode_oid, read_all
from esign_kit.asn1.tsp import CONTENT_TYPE, MESSAGE_DIGEST, TST_INFO, TimestampToken
from esign_kit.errors import EsignError, InputError, LimitError
from esign_kit.model.check import CERTAIN
from esign_kit.model.document import Document
from esign_kit.model.report import SubIndication
from esign_kit.validation.identification import matches_digest, matches_issuer_serial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.tsp import TstInfo
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.validation.timestamp_inquiry import Inquiry

__all__ = ["check_format", "check_imprint", "check_signing_certificate", "check_value", "pool_of"]


def check_format(inquiry: Inquiry) -> TimestampToken | None:
    """Read the token; what has another content type is no time-stamp (RFC 3161 § 2.4.2).

    Returns:
        The token, or ``None`` if nothing more can be said about it.
    """
    fail = SubIndication.FORMAT_FAILURE
    try:
        token = TimestampToken.load(inquiry.stamp.token)
        if token.content_type != TST_INFO:
            inquiry.failed(
                "format",
                fail,
                f"no time-stamp: the content is {token.content_type}, not a TSTInfo",
                "timestamp.content-type",
            )
            return None
        declared = token.single(CONTENT_TYPE)
        if declared is None or decode_oid(read_all(declared).expect(OID).contents) != TST_INFO:
            inquiry.failed(
                "format",
                fail,
                "the signed content type is not that of a time-stamp",
                "timestamp.content-type",
            )
            return token
        if not token.algorithms_agree:
            inquiry.failed(
                "format",
                fail,
                "the signed algorithm protection names other algorithms than the token",
                "timestamp.algorithm-protection",
            )
            return token
        if token.single(MESSAGE_DIGEST) is None:
            inquiry.failed(
                "format", fail, "the token has no message digest", "timestamp.no-message-digest"
            )
            return token
    except InputError as error:
        inquiry.failed("format", fail, f"malformed time-stamp: {error.detail}", error.code)
        return None
    if token.info is not None and token.info.critical_extensions:
        inquiry.failed(
            "format",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            "the token has critical extensions that are not known here: "
            + ", ".join(token.info.critical_extensions),
            "timestamp.critical-extension",
        )
        return token
    inquiry.passed("format", "a time-stamp token of RFC 3161")
    return token


def pool_of(inquiry: Inquiry, token: TimestampToken) -> tuple[Certificate, ...]:
    """Return all certificates that may be the authority's or help its path."""
    found = dict.fromkeys(readable_certificates(token.certificates))
    found.update(dict.fromkeys(inquiry.helpers))
    return tuple(found)


def check_signing_certificate(
    inquiry: Inquiry, token: TimestampToken, pool: Sequence[Certificate]
) -> Certificate | None:
    """Find the certificate that the token binds (RFC 3161 § 2.4.2, RFC 5816 § 2.2.1)."""
    name = "signing-certificate"
    missing = SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    if not token.references:
        # RFC 3161 § 2.4.2: the certificate identifier MUST be a signed attribute.
        inquiry.failed(
            name,
            missing,
            "the token does not bind its authority's certificate (no signing-certificate)",
            "timestamp.no-signing-certificate",
        )
        return None
    trust = inquiry.trust
    known = (
        *pool,
        *readable_certificates(inquiry.evidence.certificates),
        *trust.intermediates,
        *(anchor.certificate for anchor in trust.anchors),
    )
    first = token.references[0]
    found = next((c for c in known if matches_digest(c, first)), None)
    if found is None:
        inquiry.failed(
            name,
            missing,
            "the certificate that the token binds is neither in the token nor was it given",
            "certificate.missing",
            "hand over the time-stamping authority's certificate",
        )
        return None
    if not all(matches_digest(found, other) for other in token.references[1:]):
        inquiry.failed(
            name, missing, "the token binds two different certificates", "certificate.contradiction"
        )
        return None
    if not _is_named(token, found) or not all(
        matches_issuer_serial(found, reference) for reference in token.references
    ):
        inquiry.failed(
            name,
            missing,
            f"the token binds the certificate of {found.label} but names another",
            "certificate.contradiction",
        )
        return None
    inquiry.passed(name, f"{found.label}, bound by the token")
    return found


def _is_named(token: TimestampToken, certificate: Certificate) -> bool:
    from esign_kit.asn1 import names

    if token.signer_issuer is not None:
        return token.signer_serial == certificate.serial and names.equal(
            token.signer_issuer, certificate.issuer
        )
    try:
        return token.signer_key_identifier == certificate.subject_key_identifier
    except InputError:
        return False


def check_imprint(inquiry: Inquiry, info: TstInfo) -> None:
    """Compare the imprint with the octets that this kind of time-stamp must cover."""
    name = "reference-digest"
    try:
        octets = inquiry.stamp.imprint()
        if octets is None:
            inquiry.failed(
                name,
                SubIndication.SIGNED_DATA_NOT_FOUND,
                "the octets that this time-stamp covers are not here or are not computed",
                "timestamp.imprint-unavailable",
                "hand over the time-stamped data",
            )
            return
        inquiry.imprint_found = True
        if info.imprint_algorithm is None:
            inquiry.failed(
                name,
                SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
                f"unknown imprint algorithm {info.imprint_algorithm_oid}",
                "algorithm.unsupported",
            )
            return
        computed = _digest(octets, info.imprint_algorithm, inquiry.policy)
    except EsignError as error:
        inquiry.failed(
            name, SubIndication.SIGNED_DATA_NOT_FOUND, error.detail, error.code, error.hint
        )
        return
    inquiry.imprint_intact = computed == info.imprint
    facts = {
        "digest_algorithm": info.imprint_algorithm,
        "stated": info.imprint.hex(),
        "computed": computed.hex(),
    }
    if inquiry.imprint_intact:
        inquiry.passed(name, "the imprint is that of the time-stamped octets", facts=facts)
    else:
        inquiry.failed(
            name,
            SubIndication.HASH_FAILURE,
            "the time-stamp is over other octets",
            "timestamp.imprint-mismatch",
            facts=facts,
        )


def _digest(octets: bytes | Document, name: str, policy: ValidationPolicy) -> bytes:
    algorithm = digest_algorithm(name)
    size = octets.size if isinstance(octets, Document) else len(octets)
    if algorithm.slow and size is not None and size > policy.limits.slow_hash_size:
        raise LimitError(
            f"{name} over {size} octets is more than the limit for a digest without native code",
            code="input.over-limit",
        )
    if isinstance(octets, Document):
        return octets.digest(name)
    return algorithm.hash(octets)


def check_value(
    inquiry: Inquiry,
    token: TimestampToken,
    certificate: Certificate | None,
    algorithm: SignatureAlgorithm | None,
) -> None:
    """Verify the message digest over the statement and the signature over the attributes."""
    name = "signature-value"
    if certificate is None:
        inquiry.not_run((name,), "there is no key to verify with")
        return
    try:
        problem, detail, code = _value_problem(inquiry.policy, token, certificate, algorithm)
    except EsignError as error:
        inquiry.failed(
            name,
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
            error.detail,
            error.code,
            error.hint,
        )
        return
    if problem is not None:
        if problem in CERTAIN:
            inquiry.token_intact = False
        inquiry.failed(name, problem, detail, code)
        return
    inquiry.token_intact = True
    inquiry.passed(name, "the token's signature verifies with the authority's key", code)


def _value_problem(
    policy: ValidationPolicy,
    token: TimestampToken,
    certificate: Certificate,
    algorithm: SignatureAlgorithm | None,
) -> tuple[SubIndication | None, str, str]:
    unknown = SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    if algorithm is None or token.digest_algorithm is None:
        oid = split(token.signature_algorithm)[0]
        if token.digest_algorithm is None:
            oid = token.digest_algorithm_oid
        return unknown, f"unknown algorithm {oid}", "algorithm.unsupported"
    if algorithm.digest is not None and algorithm.digest != token.digest_algorithm:
        return (
            SubIndication.SIG_CRYPTO_FAILURE,
            f"the token names {token.digest_algorithm} and signs with {algorithm.name}",
            "timestamp.algorithm-mismatch",
        )
    stated = read_all(token.single(MESSAGE_DIGEST) or b"").expect(OCTET_STRING).contents
    if _content_digest(token.content, token.digest_algorithm) != stated:
        return (
            SubIndication.HASH_FAILURE,
            "the token's statement is not what was signed",
            "timestamp.altered",
        )
    key = crypto.load_public_key(certificate.spki)
    if crypto.verify(key, algorithm, token.signature, token.signed_octets, limits=policy.limits):
        return None, "", ""
    if (
        policy.wire_order_attributes
        and token.wire_octets is not None
        and crypto.verify(key, algorithm, token.signature, token.wire_octets, limits=policy.limits)
    ):
        return None, "", "cms.attributes-not-der"
    return (
        SubIndication.SIG_CRYPTO_FAILURE,
        "the token's signature does not verify with the authority's key",
        "signature.bad",
    )


@lru_cache(maxsize=256)
def _content_digest(content: bytes, algorithm: str) -> bytes:
    return digest_algorithm(algorithm).hash(content)
