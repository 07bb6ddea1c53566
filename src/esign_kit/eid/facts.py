"""What a certificate tells beside the subject: usages, policies, statements, the kind of key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import KEY_USAGE_BITS
from esign_kit.asn1.reader import OID, SEQUENCE, decode_oid, read, read_all
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.asn1.reader import Tlv

__all__ = ["certificate_facts", "key_algorithm"]

_QC_STATEMENTS = "1.3.6.1.5.5.7.1.3"
_QC_TYPE = "0.4.0.1862.1.6"
_ORGANISATION = "2.5.4.10"


def certificate_facts(certificate: Certificate) -> dict[str, Any]:
    """Return facts by the names that a profile's ``when`` uses.

    Unreadable parts are left out: what cannot be read supports no level.
    """
    # Without the extension the key may be used for anything (RFC 5280 § 4.2.1.3).
    usage = certificate.key_usage
    if usage is None:
        usage = frozenset(KEY_USAGE_BITS)
    facts: dict[str, Any] = {
        "extended_key_usage": frozenset(certificate.extended_key_usage or ()),
        "key_usage": usage,
        "policy": frozenset(certificate.policies),
        "issuer_organisation": frozenset(
            a.value for a in certificate.issuer_attributes if a.oid == _ORGANISATION and a.value
        ),
    }
    algorithm, parameters = key_algorithm(certificate)
    facts["key_algorithm"] = algorithm
    facts["key_parameter"] = parameters
    for oid, extension in certificate.extensions.items():
        if oid == _QC_STATEMENTS:
            facts.update(_qc_statements(extension.value))
        else:
            found = _oids(extension.value)
            if found:
                facts[f"extension.{oid}"] = found
    return facts


def key_algorithm(certificate: Certificate) -> tuple[str, frozenset[str]]:
    """Return the OID of the key algorithm and every OID in its parameters (RFC 5280 § 4.1.2.7)."""
    identifier = read_all(certificate.spki, "subjectPublicKeyInfo").items()[0]
    parts = identifier.expect(SEQUENCE, "algorithm").items()
    if not parts or parts[0].tag != OID:
        raise InputError("malformed subjectPublicKeyInfo", code="certificate.malformed")
    found: set[str] = set()
    for item in parts[1:]:
        _collect(item, found, 4)
    return decode_oid(parts[0].contents), frozenset(found)


def _collect(item: Tlv, found: set[str], depth: int) -> None:
    if item.tag == OID:
        found.add(decode_oid(item.contents))
    elif item.tag == SEQUENCE and depth:
        for inner in item:
            _collect(inner, found, depth - 1)


def _oids(value: bytes) -> frozenset[str]:
    """Return the OIDs of a SEQUENCE OF OBJECT IDENTIFIER; empty for anything else."""
    if value[:1] != b"\x30":
        return frozenset()
    try:
        items = read_all(value, "extension").items()
        if items and all(item.tag == OID for item in items[:64]):
            return frozenset(decode_oid(item.contents) for item in items[:64])
    except InputError:
        pass
    return frozenset()


def _qc_statements(value: bytes) -> dict[str, Any]:
    """Read qcStatements (EN 319 412-5 § 4): statement OIDs, and the types in QcType."""
    statements: set[str] = set()
    types: set[str] = set()
    try:
        for row in read_all(value, "qcStatements").expect(SEQUENCE):
            first = read(row.data, row.start, row.stop).expect(OID)
            oid = decode_oid(first.contents)
            statements.add(oid)
            if oid == _QC_TYPE:
                for item in row.items()[1:]:
                    _collect(item, types, 2)
    except InputError:
        return {}
    return {"qc_statement": frozenset(statements), "qc_type": frozenset(types)}
