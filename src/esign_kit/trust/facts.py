"""What path processing reads from one certificate, read once and kept on its view.

Everything here depends on the certificate alone: RFC 5280 § 4.2.1, decoded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1 import names
from esign_kit.asn1.reader import (
    INTEGER,
    OID,
    SEQUENCE,
    Tlv,
    decode_integer,
    decode_oid,
    read_all,
)
from esign_kit.asn1.revocation import DistributionPoint, distribution_points
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate

__all__ = ["ANY_POLICY", "Facts", "facts", "self_issued"]

ANY_POLICY = "2.5.29.32.0"

_BASIC_CONSTRAINTS = "2.5.29.19"
_NAME_CONSTRAINTS = "2.5.29.30"
_POLICIES = "2.5.29.32"
_MAPPINGS = "2.5.29.33"
_POLICY_CONSTRAINTS = "2.5.29.36"
_INHIBIT_ANY = "2.5.29.54"
_ALTERNATIVE_NAME = "2.5.29.17"
_CRL_POINTS = "2.5.29.31"
_FRESHEST = "2.5.29.46"

_PROCESSED = frozenset(
    {
        "2.5.29.15",  # keyUsage
        _ALTERNATIVE_NAME,
        "2.5.29.18",  # issuerAltName
        _BASIC_CONSTRAINTS,
        _NAME_CONSTRAINTS,
        _CRL_POINTS,
        _POLICIES,
        _MAPPINGS,
        _POLICY_CONSTRAINTS,
        "2.5.29.37",  # extKeyUsage
        _INHIBIT_ANY,
        "1.3.6.1.5.5.7.1.3",  # qcStatements: said in reports, restrict no path
        "1.3.6.1.5.5.7.48.1.5",  # ocsp-nocheck
        "2.5.29.56",  # noRevAvail
    }
)
"""Critical extensions that are processed. Absent on purpose: those that RFC 5280 requires to be
not critical (key identifiers, information access, freshestCRL): criticality is then a claim that
nobody defined."""


_READ = frozenset(
    {
        _POLICIES, _MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY, _NAME_CONSTRAINTS,
        _ALTERNATIVE_NAME, _CRL_POINTS, _FRESHEST,
    }
)  # fmt: skip
"""Extensions whose values are read here."""


class Facts(NamedTuple):
    """Decoded extensions of one certificate.

    Attributes:
        problem: why the certificate cannot be processed at all; empty if it can.
        critical: OIDs of critical extensions that we do not process.
        ca: basicConstraints says CA (or the certificate has version 1 or 2: ``None``).
        path_length: pathLenConstraint.
        policies: OID → qualifiers (DER); ``None`` without the extension.
        mappings: pairs of issuer and subject domain policies.
        explicit, mapping, inhibit_any: skip counts of policyConstraints and inhibitAnyPolicy.
        constraints: value of nameConstraints; empty if absent.
        alternative: SAN as (tag, contents, raw).
        points, freshest: distribution points; ``None`` without the extension.
    """

    problem: str
    critical: tuple[str, ...]
    ca: bool | None
    path_length: int | None
    policies: dict[str, bytes] | None
    mappings: tuple[tuple[str, str], ...]
    explicit: int | None
    mapping: int | None
    inhibit_any: int | None
    constraints: bytes
    alternative: tuple[tuple[int, bytes, bytes], ...]
    points: tuple[DistributionPoint, ...] | None
    freshest: tuple[DistributionPoint, ...] | None


def facts(certificate: Certificate) -> Facts:
    """Return the decoded extensions; malformed ones are a ``problem``, not an exception."""
    found = certificate._cache.get("facts")
    if found is None:
        try:
            found = _read(certificate)
        except InputError as error:
            found = Facts(
                error.detail, (), None, None, None, (), None, None, None, b"", (), None, None
            )
        certificate._cache["facts"] = found
    return found  # type: ignore[return-value]


def _read(certificate: Certificate) -> Facts:
    extensions = certificate.extensions
    problem = ""
    if certificate.tbs_signature_algorithm != certificate.signature_algorithm:
        # RFC 5280 § 4.1.1.2: the field must be the same inside and outside the signed part.
        problem = "the signature algorithm is stated differently inside and outside"
    ca: bool | None = None
    path_length = None
    if certificate.version == 3:
        ca = False
        basic = certificate.basic_constraints
        if basic is not None:
            ca, path_length = basic
    policies: dict[str, bytes] | None = None
    mappings: tuple[tuple[str, str], ...] = ()
    explicit = mapping = inhibit_any = None
    constraints = b""
    alternative: tuple[tuple[int, bytes, bytes], ...] = ()
    points = freshest = None
    critical = []
    for oid, (is_critical, value) in extensions.items():
        if is_critical and oid not in _PROCESSED:
            critical.append(oid)
        if oid not in _READ:
            continue
        if oid == _POLICIES:
            policies = _policies(value)
        elif oid == _MAPPINGS:
            mappings = _mappings(value)
        elif oid == _POLICY_CONSTRAINTS:
            explicit, mapping = _policy_constraints(value)
        elif oid == _INHIBIT_ANY:
            inhibit_any = decode_integer(read_all(value).expect(INTEGER, "inhibitAny").contents)
        elif oid == _NAME_CONSTRAINTS:
            constraints = value
        elif oid == _ALTERNATIVE_NAME:
            alternative = tuple(
                (name.tag, name.contents, name.raw)
                for name in read_all(value, "subjectAltName").expect(SEQUENCE, "subjectAltName")
            )
            if not alternative:
                problem = problem or "subjectAltName without a name"
        elif oid == _CRL_POINTS:
            points = distribution_points(value)
        elif oid == _FRESHEST:
            freshest = distribution_points(value)
    if path_length is not None and path_length < 0:
        problem = problem or "negative path length"
    return Facts(
        problem, tuple(critical), ca, path_length, policies, mappings, explicit, mapping,
        inhibit_any, constraints, alternative, points, freshest,
    )  # fmt: skip


def self_issued(certificate: Certificate) -> bool:
    """Tell whether subject and issuer are the same name; compared once."""
    found = certificate._cache.get("self_issued")
    if found is None:
        subject, issuer = certificate.subject, certificate.issuer
        found = certificate._cache["self_issued"] = subject == issuer or names.equal(
            subject, issuer
        )
    return found  # type: ignore[return-value]


@lru_cache(maxsize=1024)
def _policies(value: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for item in read_all(value, "certificatePolicies").expect(SEQUENCE, "certificatePolicies"):
        parts = item.expect(SEQUENCE, "policy").items()
        if not parts or len(parts) > 2:
            raise InputError("malformed certificatePolicies", code="certificate.malformed")
        oid = decode_oid(parts[0].expect(OID, "policy").contents)
        if oid in found:
            # RFC 5280 § 4.2.1.4: a policy must not appear more than once.
            raise InputError(f"policy {oid} stands twice", code="certificate.malformed")
        found[oid] = parts[1].raw if len(parts) == 2 else b""
    return found


def _mappings(value: bytes) -> tuple[tuple[str, str], ...]:
    found = []
    for item in read_all(value, "policyMappings").expect(SEQUENCE, "policyMappings"):
        parts = item.expect(SEQUENCE, "policy mapping").items()
        if len(parts) != 2:
            raise InputError("malformed policyMappings", code="certificate.malformed")
        found.append(
            (
                decode_oid(parts[0].expect(OID, "policy").contents),
                decode_oid(parts[1].expect(OID, "policy").contents),
            )
        )
    return tuple(found)


def _policy_constraints(value: bytes) -> tuple[int | None, int | None]:
    explicit = mapping = None
    for item in read_all(value, "policyConstraints").expect(SEQUENCE, "policyConstraints"):
        if item.tag == 0x80:
            explicit = _skip(item)
        elif item.tag == 0x81:
            mapping = _skip(item)
        else:
            raise InputError("malformed policyConstraints", code="certificate.malformed")
    return explicit, mapping


def _skip(item: Tlv) -> int:
    value = decode_integer(item.contents)
    if value < 0:
        raise InputError("malformed policyConstraints", code="certificate.malformed")
    return value
