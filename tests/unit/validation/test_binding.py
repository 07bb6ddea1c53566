"""What binds the signer's certificate, in messages made by hand and signed for real."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from tests.unit.cades import maker

import esign_kit as ek
from esign_kit.asn1 import names
from esign_kit.asn1.algorithm_identifier import encode_signature_algorithm
from esign_kit.asn1.reader import encode, encode_oid
from esign_kit.testing import FixturePKI, der

if TYPE_CHECKING:
    from esign_kit.testing.entity import Entity

PKI = FixturePKI()
SIGNER, OTHER = PKI.person(), PKI.person()
MD5, SHA512 = "1.2.840.113549.2.5", "2.16.840.1.101.3.4.2.3"


def _binding(
    version: int, holder: Entity, digest: str = "sha256", oid: str = "", issuer: bytes = b""
) -> bytes:
    value = encode(4, hashlib.new(digest, holder.certificate_der).digest())
    algorithm = encode(0x30, encode_oid(oid)) if oid else b""
    beside = b""
    if issuer:
        serial = der.serial(holder.certificate.serial)
        beside = encode(0x30, encode(0x30, encode(0xA4, issuer)) + serial)
    identifier = encode(0x30, algorithm, value, beside)
    kind = "1.2.840.113549.1.9.16.2." + ("47" if version == 2 else "12")
    return maker.attribute(encode_oid(kind)[2:], encode(0x30, encode(0x30, identifier)))


def _signed(
    *bindings: bytes, digest: bytes = maker.SHA256, stated: bytes = maker.message_digest()
) -> bytes:
    key = SIGNER.private_key
    algorithm = key.algorithms[0]
    attributes = sorted([maker.content_type(), stated, *bindings])
    certificate = SIGNER.certificate
    signer = encode(
        0x30,
        b"\x02\x01\x01",
        encode(0x30, certificate.issuer + der.serial(certificate.serial)),
        digest,
        encode(0xA0, *attributes),
        encode_signature_algorithm(algorithm),
        encode(4, key.sign(encode(0x31, *attributes), algorithm)),
    )
    held = (SIGNER.certificate_der, OTHER.certificate_der, PKI.issuing.certificate_der)
    return maker.message(signer, certificates=b"".join(held))


def _verify(data: bytes) -> ek.SignatureReport:
    return ek.verify(data, trust=PKI.trust, evidence=PKI.evidence(), at=PKI.now).only


@pytest.mark.parametrize(
    "bindings",
    [
        (_binding(2, SIGNER),),
        (_binding(2, SIGNER, "sha512", SHA512),),
        (_binding(1, SIGNER, "sha1"), _binding(2, SIGNER)),
    ],
)
def test_attributes_that_agree(bindings: tuple[bytes, ...]) -> None:
    report = _verify(_signed(*bindings))
    assert report.indication is ek.Indication.TOTAL_PASSED


@pytest.mark.parametrize(
    "bindings",
    [
        (_binding(2, SIGNER), _binding(1, OTHER, "sha1")),
        (_binding(2, OTHER), _binding(1, SIGNER, "sha1")),
    ],
)
def test_both_kinds_of_attributes_are_evaluated(bindings: tuple[bytes, ...]) -> None:
    report = _verify(_signed(*bindings))
    assert report.indication is not ek.Indication.TOTAL_PASSED
    (check,) = (item for item in report.checks if item.name == "signing-certificate")
    assert check.sub_indication is ek.SubIndication.NO_SIGNING_CERTIFICATE_FOUND


def test_a_binding_by_md5_is_weak() -> None:
    report = _verify(_signed(_binding(2, SIGNER, "md5", MD5)))
    assert report.indication is ek.Indication.INDETERMINATE
    (check,) = (item for item in report.checks if item.name == "algorithm-strength")
    assert "MD5" in check.detail


def test_a_raw_value_may_begin_like_another_format() -> None:
    pki = FixturePKI(key="rsa")
    person = pki.person()
    document, value = b"", b""
    for number in range(5000):
        document = b"document %d" % number
        value = person.private_key.sign(document, person.private_key.algorithms[0])
        if value[:1] == b"<":
            break
    assert value[:1] == b"<"
    for octets, indication in (
        (value, ek.Indication.TOTAL_PASSED),
        (value[:-1] + bytes((value[-1] ^ 1,)), ek.Indication.TOTAL_FAILED),
    ):
        report = ek.verify(
            octets,
            detached=[document],
            certificates=[person.certificate_der, pki.issuing.certificate_der],
            trust=pki.trust,
            evidence=pki.evidence(),
            at=pki.now,
        )
        assert report.indication is indication
    with pytest.raises(ek.InputError):
        ek.verify(value, detached=[document])


@pytest.mark.parametrize(
    ("issuer", "matches"),
    [
        (SIGNER.certificate.issuer, True),
        (names.reverse(SIGNER.certificate.issuer), True),
        (SIGNER.certificate.subject, False),
        (names.reverse(SIGNER.certificate.issuer)[:-1], False),
    ],
)
def test_the_issuer_beside_the_digest_may_stand_in_the_printed_order(
    issuer: bytes, matches: bool
) -> None:
    report = _verify(_signed(_binding(2, SIGNER, issuer=issuer)))
    facts = report.check("signing-certificate").facts
    assert facts.get("issuer_serial_match", False) is matches


def test_a_value_over_another_digest_than_the_stated_one_does_not_verify() -> None:
    hashed = encode(4, hashlib.sha512(maker.CONTENT).digest())
    data = _signed(
        _binding(2, SIGNER),
        digest=encode(0x30, encode_oid(SHA512)),
        stated=maker.attribute(encode_oid("1.2.840.113549.1.9.4")[2:], hashed),
    )
    report = _verify(data)
    assert report.check("format").status == "PASSED"
    assert report.check("reference-digest").status == "PASSED"
    assert report.check("signature-value").code == "cms.digest-disagrees"
    assert report.sub_indication == "SIG_CRYPTO_FAILURE"
    assert report.indication is ek.Indication.TOTAL_FAILED


def test_without_a_certificate_nothing_that_needs_one_is_said_to_hold() -> None:
    pki = FixturePKI()
    signed = pki.person().sign(b"<a/>", format="xades", packaging="enveloped")
    head, _, rest = signed.partition(b"<ds:KeyInfo")
    bare = head + rest.partition(b"</ds:KeyInfo>")[2]
    for profile in (None, "kz"):
        found = ek.verify(bare, trust=pki.trust, profile=profile, at=pki.now).only
        assert found.indication is ek.Indication.INDETERMINATE
        assert found.sub_indication == "NO_SIGNING_CERTIFICATE_FOUND"
        needed = {"signature-value", "certificate-chain", "revocation", "key-usage"}
        if profile:
            needed.add("profile")
        found_so = {(found.check(name).status, found.check(name).code) for name in needed}
        assert found_so == {("NOT_RUN", "certificate.missing")}
