"""Whether a signature is the issuer's, whatever the time: what decides about forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit import crypto
from esign_kit.asn1 import names
from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.revocation import OCSP_NOCHECK, Crl, OcspResponse
from esign_kit.asn1.times import in_calendar
from esign_kit.errors import EsignError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["crl_until", "ocsp_is_sound", "signed_by", "unproven_delegate"]

_MOST_RESPONDERS = 4


def signed_by(item: Certificate | Crl, issuer: Certificate) -> bool:
    """Tell whether the name in ``item`` is the issuer's and its key made the signature."""
    if item.issuer != issuer.subject and not names.equal(item.issuer, issuer.subject):
        return False
    return _verifies(item, issuer.spki)


def _verifies(item: Certificate | Crl | OcspResponse, spki: bytes) -> bool:
    try:
        algorithm = decode_signature_algorithm(item.signature_algorithm)
        if algorithm is None:
            return False
        return crypto.verify(crypto.load_public_key(spki), algorithm, item.signature, item.tbs)
    except EsignError:
        return False


def crl_until(body: bytes, issuer: Certificate) -> float | None:
    """Until when (POSIX seconds) a CRL holds that the issuer itself has signed.

    ``None`` if it did not sign it; 0 where the CRL does not say.
    """
    try:
        crl = Crl.load(body)
        if not signed_by(crl, issuer):
            return None
        end = in_calendar(crl.next_update)
        return 0.0 if end is None else end.timestamp()
    except InputError:
        return None


def ocsp_is_sound(body: bytes, certificate: Certificate, issuer: Certificate) -> bool:
    """Tell whether an answer about the certificate is signed by its issuer or one it appointed."""
    try:
        response = OcspResponse.load(body)
    except InputError:
        return False
    if not any(one.cert_id.serial == certificate.serial for one in response.responses):
        return False
    return any(_verifies(response, spki) for spki in _responder_keys(response, issuer))


def unproven_delegate(body: bytes, issuer: Certificate) -> Certificate | None:
    """Return the responder that the issuer appointed, if its own status is open.

    ``None`` where the issuer has answered itself, where the answer is not authentic, and where the
    issuer vouches for its delegate to the end (id-pkix-ocsp-nocheck, RFC 6960 § 4.2.2.2.1).
    """
    try:
        response = OcspResponse.load(body)
        if _verifies(response, issuer.spki):
            return None
        for der in response.certificates[:_MOST_RESPONDERS]:
            responder = Certificate.load(der)
            if signed_by(responder, issuer) and _verifies(response, responder.spki):
                return None if OCSP_NOCHECK in responder.extensions else responder
    except InputError:
        pass
    return None


def _responder_keys(response: OcspResponse, issuer: Certificate) -> Iterator[bytes]:
    yield issuer.spki
    for der in response.certificates[:_MOST_RESPONDERS]:
        try:
            responder = Certificate.load(der)
        except InputError:
            continue
        if signed_by(responder, issuer):
            yield responder.spki
