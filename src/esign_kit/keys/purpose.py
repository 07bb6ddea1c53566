"""What a certificate's key is for, as its key usage says (RFC 5280 § 4.2.1.3 and § 4.2.1.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import InputError
from esign_kit.model.signature import Purpose

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate

__all__ = ["purpose_of"]

_EKU = "1.3.6.1.5.5.7.3."
_TIMESTAMPING, _OCSP = _EKU + "8", _EKU + "9"
_LOGIN = frozenset({_EKU + "2", "1.3.6.1.4.1.311.20.2.2"})
_DOCUMENTS = frozenset({_EKU + "4", _EKU + "36", "1.3.6.1.4.1.311.10.3.12"})


def purpose_of(certificate: Certificate) -> Purpose:
    """Return what the key of a certificate is for.

    Non-repudiation decides first, because some authorities give a signing key the bits of every
    other use as well. ``ANY`` means that the certificate restricts nothing; an unreadable
    certificate is for nothing that we could name and counts as ``ENCRYPTION``, so that it is
    never picked for signing.
    """
    try:
        usage = certificate.key_usage
        extended = frozenset(certificate.extended_key_usage or ())
    except InputError:
        return Purpose.ENCRYPTION
    if _TIMESTAMPING in extended:
        return Purpose.TIMESTAMPING
    if _OCSP in extended:
        return Purpose.OCSP_SIGNING
    login = bool(extended & _LOGIN) and not extended & _DOCUMENTS
    if usage is None:
        return Purpose.AUTHENTICATION if login else Purpose.ANY
    if "content_commitment" in usage:
        return Purpose.SIGNING
    if "digital_signature" in usage:
        if login or ("key_encipherment" in usage and not extended & _DOCUMENTS):
            return Purpose.AUTHENTICATION
        return Purpose.SIGNING
    if usage & {"key_cert_sign", "crl_sign"}:
        return Purpose.CRL_SIGNING
    return Purpose.ENCRYPTION
