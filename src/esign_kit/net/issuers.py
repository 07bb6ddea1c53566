"""Certificates from where a certificate says that its issuer's is (RFC 5280 § 4.2.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1 import names
from esign_kit.asn1.certificate import Certificate, load_certificates, readable_certificates
from esign_kit.asn1.cms import SignedData
from esign_kit.asn1.pem import PKCS7_LABELS, blocks
from esign_kit.errors import InputError
from esign_kit.net.authentic import signed_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.asn1.revocation import Crl

__all__ = ["Budget", "issuers_among", "read_certificates"]

_MOST = 64


def read_certificates(data: bytes) -> tuple[Certificate, ...]:
    """Read an answer: one certificate (DER, PEM, base64) or a bag of them (PKCS#7).

    Raises:
        InputError: neither.
    """
    try:
        return load_certificates(data)[:_MOST]
    except InputError as first:
        try:
            bags = (der for label, der in blocks(data) if label in PKCS7_LABELS)
            message = SignedData.load(next(bags, data))
        except InputError:
            raise first from None
        return readable_certificates(message.certificates[:_MOST])


class Budget:
    """How many signatures may still be checked; shared by all steps of one job."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


def issuers_among(
    certificate: Certificate | Crl, pool: Iterable[Certificate], budget: Budget
) -> tuple[Certificate, ...]:
    """Return those of ``pool`` that issued the certificate or list, as far as the budget goes."""
    found = []
    for candidate in dict.fromkeys(pool):
        if candidate.subject != certificate.issuer and not names.equal(
            candidate.subject, certificate.issuer
        ):
            continue
        if budget.left <= 0:
            break
        budget.left -= 1
        if signed_by(certificate, candidate):
            found.append(candidate)
    return tuple(found)
