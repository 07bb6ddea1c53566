"""A small authority kit: certificates, CRLs and OCSP answers with any defect a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import (
    BIT_STRING,
    ENUMERATED,
    GENERALIZED_TIME,
    OCTET_STRING,
    SEQUENCE,
    encode,
    encode_integer,
    encode_oid,
)
from esign_kit.asn1.revocation import CRL_REASONS, key_octets
from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import Revocation, ValidationPolicy
from esign_kit.trust.store import TrustStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.trust.path import PathResult

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
POINT = "http://crl.example/ca.crl"
_DER = serialization.Encoding.DER


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    """Return a P-256 key that is the same in every run."""
    return ec.derive_private_key(0x1000 + number, ec.SECP256R1())


def name(text: str) -> x509.Name:
    """Return C=XX, CN=text; ``/`` separates further organisational units."""
    common, *units = text.split("/")
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@dataclass(frozen=True)
class Entity:
    """A certificate and the key in it."""

    der: bytes
    name: x509.Name
    number: int

    @property
    def view(self) -> Certificate:
        return Certificate.load(self.der)

    @property
    def x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.der)


_serials = iter(range(1000, 10**9))
_keys = iter(range(1, 10**9))


def usage(*names: str) -> x509.KeyUsage:
    known = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{item: item in names for item in known})


def issue(
    common: str | x509.Name,
    issuer: Entity | None = None,
    *,
    ca: bool = False,
    number: int | None = None,
    serial: int | None = None,
    since: datetime = NOW - 100 * DAY,
    until: datetime = NOW + 100 * DAY,
    path_length: int | None = None,
    key_usage: x509.KeyUsage | str | None = "default",
    basic: bool = True,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    points: bool = False,
    digest: hashes.HashAlgorithm | None = None,
    sign_with: int | None = None,
    issuer_name: x509.Name | None = None,
) -> Entity:
    """Issue a certificate; without ``issuer`` it is self-signed."""
    subject = name(common) if isinstance(common, str) else common
    own = next(_keys) if number is None else number
    signer = key(sign_with if sign_with is not None else issuer.number if issuer else own)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (issuer.name if issuer else subject))
        .public_key(key(own).public_key())
        .serial_number(next(_serials) if serial is None else serial)
        .not_valid_before(since)
        .not_valid_after(until)
    )
    if basic:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if key_usage == "default":
        key_usage = usage("key_cert_sign", "crl_sign") if ca else usage("digital_signature")
    if isinstance(key_usage, x509.KeyUsage):
        builder = builder.add_extension(key_usage, critical=True)
    if points:
        builder = builder.add_extension(
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier(POINT)], None, None, None)]
            ),
            critical=False,
        )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    der = builder.sign(signer, digest or hashes.SHA256()).public_bytes(_DER)
    return Entity(der, subject, own)


def root(common: str = "Root", **options: Any) -> Entity:
    return issue(common, ca=True, **options)


def crl(
    issuer: Entity,
    revoked: Sequence[Any] = (),
    *,
    this: datetime = NOW - DAY,
    until: datetime | None = NOW + DAY,
    number: int | None = 10,
    base: int | None = None,
    idp: x509.IssuingDistributionPoint | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    sign_with: int | None = None,
) -> bytes:
    """Write a CRL; ``revoked`` has entities, or (entity, when, reason[, certificate issuer])."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.name).last_update(this)
    builder = builder.next_update(until or NOW)
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    if base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(base), critical=True)
    if idp is not None:
        builder = builder.add_extension(idp, critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    for item in revoked:
        entity, when, reason, *rest = item if isinstance(item, tuple) else (item, this, None)
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(entity.x509.serial_number)
            .revocation_date(when)
        )
        if reason is not None:
            entry = entry.add_extension(
                x509.CRLReason(getattr(x509.ReasonFlags, reason)), critical=False
            )
        for extra in rest:
            if isinstance(extra, x509.Name):
                entry = entry.add_extension(
                    x509.CertificateIssuer([x509.DirectoryName(extra)]), critical=True
                )
            else:
                entry = entry.add_extension(extra, critical=True)
        builder = builder.add_revoked_certificate(entry.build())
    signer = key(issuer.number if sign_with is None else sign_with)
    return builder.sign(signer, hashes.SHA256()).public_bytes(_DER)


def responder(issuer: Entity, *, nocheck: bool = True, **options: Any) -> Entity:
    """Issue a delegated OCSP responder."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
    ]
    if nocheck:
        extensions.append((x509.OCSPNoCheck(), False))
    return issue("Responder", issuer, **{"extensions": extensions, **options})


def answer(
    target: Entity,
    issuer: Entity,
    *,
    by: Entity | None = None,
    status: str = "GOOD",
    this: datetime = NOW - timedelta(minutes=5),
    until: datetime | None = NOW + timedelta(hours=1),
    revoked_at: datetime | None = None,
    reason: str | None = None,
    sign_with: int | None = None,
    digest: Any = None,
    produced: datetime | None = None,
    single_extensions: Sequence[Any] = (),
    repeat: int = 1,
    reason_tag: int = ENUMERATED,
) -> bytes:
    """Write an OCSP answer, signed by the issuer itself unless ``by`` is given.

    ``single_extensions``: (OID, value), or (OID, value, critical).
    """
    signer = by or issuer
    hasher = digest or hashes.SHA1()
    algorithm = encode(SEQUENCE, encode_oid(_DIGESTS[hasher.name]), b"\x05\x00")
    cert_id = encode(
        SEQUENCE,
        algorithm,
        encode(OCTET_STRING, _hash(hasher, issuer.view.subject)),
        encode(OCTET_STRING, _hash(hasher, key_octets(issuer.view.spki))),
        encode_integer(target.view.serial),
    )
    word = {"GOOD": encode(0x80, b""), "UNKNOWN": encode(0x82, b"")}.get(status)
    if word is None:
        number = CRL_REASONS.index(reason) if reason else None
        code = b"" if number is None else encode(0xA0, encode(reason_tag, bytes([number])))
        word = encode(0xA1, _time(revoked_at or this), code)
    next_update = b"" if until is None else encode(0xA0, _time(until))
    single = encode(
        SEQUENCE, cert_id, word, _time(this), next_update, _extensions(0xA1, single_extensions)
    )
    data = encode(
        SEQUENCE,
        encode(0xA2, encode(OCTET_STRING, _hash(hashes.SHA1(), key_octets(signer.view.spki)))),
        _time(produced or this),
        encode(SEQUENCE, *[single] * repeat),
    )
    private = key(signer.number if sign_with is None else sign_with)
    value = private.sign(data, ec.ECDSA(hashes.SHA256()))
    certificates = b"" if by is None else encode(0xA0, encode(SEQUENCE, by.der))
    basic = encode(
        SEQUENCE, data, bytes.fromhex("300a06082a8648ce3d040302"),
        encode(BIT_STRING, b"\x00" + value), certificates,
    )  # fmt: skip
    inner = encode(SEQUENCE, encode_oid("1.3.6.1.5.5.7.48.1.1"), encode(OCTET_STRING, basic))
    return encode(SEQUENCE, encode(ENUMERATED, b"\x00"), encode(0xA0, inner))


_DIGESTS = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1"}


def _hash(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    running = hashes.Hash(algorithm)
    running.update(data)
    return running.finalize()


def _time(moment: datetime) -> bytes:
    return encode(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())


def _extensions(tag: int, found: Sequence[Any]) -> bytes:
    if not found:
        return b""
    items = [
        encode(
            SEQUENCE,
            encode_oid(oid),
            b"\x01\x01\xff" if critical and critical[0] else b"",
            encode(OCTET_STRING, value),
        )
        for oid, value, *critical in found
    ]
    return encode(tag, encode(SEQUENCE, *items))


def resigned(made: Entity, issuer: Entity, old: str, new: str) -> Entity:
    """Change octets (hexadecimal) of the signed part, once, and sign it again."""
    tbs = made.view.tbs
    before, after = bytes.fromhex(old), bytes.fromhex(new)
    if tbs.count(before) != 1:
        raise ValueError(f"{old} stands {tbs.count(before)} times")
    return signed(tbs.replace(before, after), made, issuer)


def signed(tbs: bytes, made: Entity, issuer: Entity) -> Entity:
    """Sign a finished TBSCertificate."""
    value = key(issuer.number).sign(tbs, ec.ECDSA(hashes.SHA256()))
    outer = bytes.fromhex("300a06082a8648ce3d040302")
    der = encode(SEQUENCE, tbs, outer, encode(BIT_STRING, b"\x00" + value))
    return Entity(der, made.name, made.number)


@dataclass(frozen=True)
class Ask:
    """A question with the usual answers filled in."""

    trust: TrustStore
    helpers: tuple[Certificate, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    policy: ValidationPolicy = field(
        default_factory=lambda: ValidationPolicy(revocation=Revocation.NOT_CHECKED)
    )
    at: datetime = NOW
    purpose: Purpose = Purpose.ANY

    def __call__(self, target: Entity) -> PathResult:
        return validate_path(
            target.view,
            trust=self.trust,
            helpers=self.helpers,
            evidence=self.evidence,
            at=self.at,
            policy=self.policy,
            purpose=self.purpose,
        )


def ask(
    target: Entity,
    anchors: Sequence[Entity] | Entity,
    helpers: Sequence[Entity] = (),
    *,
    crls: Sequence[bytes] = (),
    ocsp_responses: Sequence[bytes] = (),
    at: datetime = NOW,
    purpose: Purpose = Purpose.ANY,
    **policy: Any,
) -> PathResult:
    """Validate ``target``; revocation is not asked for unless there is evidence or a rule."""
    if "revocation" not in policy and not crls and not ocsp_responses:
        policy["revocation"] = Revocation.NOT_CHECKED
    anchors = [anchors] if isinstance(anchors, Entity) else anchors
    return validate_path(
        target.view,
        trust=TrustStore([anchor.der for anchor in anchors]),
        helpers=tuple(helper.view for helper in helpers),
        evidence=Evidence(crls=tuple(crls), ocsp_responses=tuple(ocsp_responses)),
        at=at,
        policy=ValidationPolicy().with_(**policy),
        purpose=purpose,
    )


def holds(result: PathResult) -> bool:
    """Tell whether nothing stands in the way."""
    return (
        result.chain_problem is None
        and result.revocation_problem is None
        and result.algorithm_problem is None
    )
