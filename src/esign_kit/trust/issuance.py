"""The rules of RFC 5280 § 4 for whoever issues certificates, asked for by name only.

Path validation does not depend on them, and real national issuers break some; a caller who wants
them kept sets ``CertificateProfile.RFC5280``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1 import names
from esign_kit.asn1.reader import decode_time, read
from esign_kit.errors import InputError
from esign_kit.trust.facts import facts

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.asn1.revocation import Crl

__all__ = ["crl_fault", "fault"]

_MUST_BE_CRITICAL = {
    "2.5.29.30": "nameConstraints (§ 4.2.1.10)",
    "2.5.29.36": "policyConstraints (§ 4.2.1.11)",
    "2.5.29.54": "inhibitAnyPolicy (§ 4.2.1.14)",
}
_MUST_NOT_BE_CRITICAL = {
    "2.5.29.14": "subjectKeyIdentifier (§ 4.2.1.2)",
    "2.5.29.35": "authorityKeyIdentifier (§ 4.2.1.1)",
    "2.5.29.46": "freshestCRL (§ 4.2.1.15)",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess (§ 4.2.2.1)",
}


def fault(certificate: Certificate, *, anchor: bool) -> str:
    """Return which rule for conforming issuers a certificate breaks; empty if none.

    Of an anchor, name and key are trusted however it was found: how it is told apart from others
    (serial number, identifier of the key above it) is not asked.
    """
    try:
        return (
            ("" if anchor else _serial(certificate) or _authority(certificate))
            or _validity(certificate)
            or _subject_key(certificate)
            or _criticality(certificate)
            or _alternative_names(certificate)
        )
    except InputError as error:
        return error.detail


def crl_fault(crl: Crl) -> str:
    """Return which rule for issuers of CRLs a list breaks (RFC 5280 § 5); empty if none."""
    if not crl.next_update:
        return "it has no nextUpdate (RFC 5280 § 5.1.2.5)"
    for oid, name, critical in _IN_CRLS:
        extension = crl.extensions.get(oid)
        if extension is not None and extension.critical is not critical:
            return f"{name} is {'not ' if critical else ''}critical"
    if crl.number is None:
        return "it has no cRLNumber (RFC 5280 § 5.2.3)"
    if not crl.authority_key_identifier:
        return "it has no authorityKeyIdentifier (RFC 5280 § 5.2.1)"
    return ""


_IN_CRLS = (
    ("2.5.29.20", "cRLNumber (§ 5.2.3)", False),
    ("2.5.29.27", "deltaCRLIndicator (§ 5.2.4)", True),
    ("2.5.29.28", "issuingDistributionPoint (§ 5.2.5)", True),
    ("2.5.29.35", "authorityKeyIdentifier (§ 5.2.1)", False),
)


def _serial(certificate: Certificate) -> str:
    if certificate.serial <= 0:
        return "its serial number is not positive (RFC 5280 § 4.1.2.2)"
    if certificate.serial.bit_length() > 159:
        return "its serial number is longer than 20 octets (RFC 5280 § 4.1.2.2)"
    return ""


def _validity(certificate: Certificate) -> str:
    """§ 4.1.2.5: seconds, no fractions, always Z; the reader takes more than that."""
    tbs = read(certificate.tbs)
    position = tbs.start
    for _ in range(5 if certificate.tbs[position] == 0xA0 else 4):
        field = read(tbs.data, position, tbs.stop)
        position = field.stop
    for value in field:
        if len(value.contents) != len(decode_time(value.tag, value.contents)) - (
            2 if value.tag == 0x17 else 0
        ):
            return "its validity is not written as RFC 5280 § 4.1.2.5 prescribes"
    return ""


def _subject_key(certificate: Certificate) -> str:
    if facts(certificate).ca and certificate.subject_key_identifier is None:
        return "a CA without subjectKeyIdentifier (RFC 5280 § 4.2.1.2)"
    return ""


def _authority(certificate: Certificate) -> str:
    if certificate.authority_key_identifier is None:
        return "it has no authorityKeyIdentifier (RFC 5280 § 4.2.1.1)"
    return ""


def _criticality(certificate: Certificate) -> str:
    found = facts(certificate)
    extensions = certificate.extensions
    for oid, name in _MUST_BE_CRITICAL.items():
        if oid in extensions and not extensions[oid].critical:
            return f"{name} is not critical"
    for oid, name in _MUST_NOT_BE_CRITICAL.items():
        if oid in extensions and extensions[oid].critical:
            return f"{name} is critical"
    if found.ca and not extensions["2.5.29.19"].critical:
        return "basicConstraints of a CA is not critical (RFC 5280 § 4.2.1.9)"
    if found.constraints and not found.ca:
        return "nameConstraints, and it is no CA (RFC 5280 § 4.2.1.10)"
    if found.constraints == b"\x30\x00":
        return "empty nameConstraints (RFC 5280 § 4.2.1.10)"
    if not found.ca and "key_cert_sign" in (certificate.key_usage or ()):
        return "keyCertSign, and it is no CA (RFC 5280 § 4.2.1.9)"
    if found.path_length is not None and not found.ca:
        return "a path length, and it is no CA (RFC 5280 § 4.2.1.9)"
    if len(certificate.subject) <= 2 and not (
        "2.5.29.17" in extensions and extensions["2.5.29.17"].critical
    ):
        return "an empty subject without critical subjectAltName (RFC 5280 § 4.1.2.6)"
    return ""


def _alternative_names(certificate: Certificate) -> str:
    """§ 4.2.1.6: host names in the preferred syntax of RFC 1034; a wildcard may lead."""
    for tag, contents, _ in facts(certificate).alternative:
        if tag != 0x82:
            continue
        shown = names.printable(contents.decode("latin-1"))
        labels = shown.split(".")
        if labels[0] == "*":
            del labels[0]
        if not labels or any(
            not label
            or len(label) > 63
            or not label.isascii()
            or not label.replace("-", "").isalnum()
            or "-" in (label[0], label[-1])
            for label in labels
        ):
            return f"dNSName {shown} is no host name (RFC 5280 § 4.2.1.6)"
        if labels[-1].isdigit():
            return f"dNSName {shown} is an address (RFC 5280 § 4.2.1.6)"
    return ""
