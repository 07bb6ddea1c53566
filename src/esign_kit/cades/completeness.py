"""Whether a signature carries the evidence for its own chains (EN 319 122-1 § 6.3, level B-LT).

This is about presence, by names and serial numbers. Whether the evidence is good, the checks say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate, readable_certificates
from esign_kit.asn1.cms import SignedData
from esign_kit.asn1.reader import SEQUENCE, children, header
from esign_kit.asn1.revocation import Crl, OcspResponse
from esign_kit.cades import oids
from esign_kit.cades.attributes import revocation_values
from esign_kit.errors import InputError
from esign_kit.model.signature import TimestampKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.asn1.cms import AttributeSet, SignerInfo
    from esign_kit.model.signature import ParsedTimestamp

__all__ = ["evidence_complete"]

_OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5"
_LONGEST = 16


def evidence_complete(
    signer: SignerInfo,
    certificates: Iterable[bytes],
    crls: Iterable[bytes],
    responses: Iterable[bytes],
    stamps: Iterable[ParsedTimestamp],
) -> bool:
    """Tell whether every certificate of the chains has a CRL or an OCSP answer beside it.

    The chains are those of the signer and of the time-stamping units, archive time-stamps aside.
    Self-issued certificates and responders with ``ocsp-nocheck`` need none.
    """
    held = _Held()
    held.add(certificates, crls, responses)
    ends = [held.find(signer)]
    for stamp in stamps:
        if stamp.kind is TimestampKind.ARCHIVE:
            continue
        try:
            token = SignedData.load(stamp.token)
            held.add(token.certificates, token.crls, token.ocsp_responses)
            for unit in token.signers():
                if unit.unsigned is not None:
                    held.add_attributes(unit.unsigned)
                ends.append(held.find(unit))
        except InputError:
            continue
    return all(end is not None and held.covers(end) for end in ends)


class _Held:
    """Certificates by subject, and for whom there is revocation data."""

    __slots__ = ("certificates", "crl_issuers", "serials")

    def __init__(self) -> None:
        self.certificates: dict[bytes, list[Certificate]] = {}
        self.crl_issuers: set[bytes] = set()
        self.serials: set[int] = set()

    def add(
        self, certificates: Iterable[bytes], crls: Iterable[bytes], responses: Iterable[bytes]
    ) -> None:
        for view in readable_certificates(certificates):
            self.certificates.setdefault(view.subject, []).append(view)
        for der in crls:
            try:
                self.crl_issuers.add(Crl.load(der).issuer)
            except InputError:
                continue
        for der in responses:
            try:
                answer = OcspResponse.load(der)
            except InputError:
                continue
            self.serials.update(single.cert_id.serial for single in answer.responses)
            self.add(answer.certificates, (), ())

    def add_attributes(self, unsigned: AttributeSet) -> None:
        """Take certificate-values and revocation-values."""
        for value in unsigned.values(oids.CERTIFICATE_VALUES):
            _, start, stop = header(value, 0, len(value))
            items = children(value, start, stop)
            self.add([item.raw for item in items if item.tag == SEQUENCE], (), ())
        for value in unsigned.values(oids.REVOCATION_VALUES):
            crls, responses = revocation_values(value)
            self.add((), crls, responses)

    def find(self, signer: SignerInfo) -> Certificate | None:
        """Return the certificate that a signer points to."""
        for views in self.certificates.values():
            for view in views:
                if view.serial == signer.serial and view.issuer == signer.issuer:
                    return view
        key = signer.subject_key_identifier
        if key is None:
            return None
        for views in self.certificates.values():
            for view in views:
                if view.subject_key_identifier == key:
                    return view
        return None

    def covers(self, view: Certificate) -> bool:
        """Tell whether the certificate and its issuers, as far as they are here, are covered."""
        for _ in range(_LONGEST):
            if view.subject == view.issuer:
                return True
            if (
                view.issuer not in self.crl_issuers
                and view.serial not in self.serials
                and _OCSP_NOCHECK not in view.extensions
            ):
                return False
            issuers = self.certificates.get(view.issuer)
            if not issuers:
                return True
            view = issuers[0]
        return False
