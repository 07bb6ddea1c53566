"""Evidence as callers hand it over: DER, PEM, several in one file."""

from __future__ import annotations

from binascii import b2a_base64

import pytest

import esign_kit as ek
from esign_kit.arguments import to_evidence
from esign_kit.model.evidence import Evidence
from esign_kit.testing import FixturePKI


def pem(label: bytes, der: bytes) -> bytes:
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, b2a_base64(der), label)


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("xx", at="2026-11-01")


def test_every_block_of_a_file_counts(pki: FixturePKI) -> None:
    person = pki.person()
    before = tuple(pki.evidence())
    pki.travel(minutes=1)
    pki.revoke(person)
    pki.travel(minutes=1)
    after = tuple(pki.evidence())
    # The list that says "revoked" stands behind another one in the same file.
    file = b"Certificate Revocation Lists:\n" + b"".join(
        pem(b"X509 CRL", der) for der in (*before, *after)
    )
    report = ek.validate_certificate(
        person.certificate,
        trust=pki.trust,
        intermediates=[pki.issuing.certificate],
        evidence=[file],
        at=pki.now,
    )
    assert report.sub_indication is ek.SubIndication.REVOKED_NO_POE
    assert to_evidence([file], ek.ValidationPolicy()).crls == (*before, *after)


def test_kinds_may_be_mixed_and_rubbish_is_passed_over(pki: FixturePKI) -> None:
    crls = tuple(pki.evidence())
    helper = pki.issuing.certificate.der
    file = pem(b"CERTIFICATE", helper) + pem(b"X509 CRL", crls[0]) + pem(b"NOTE", b"hello")
    found = to_evidence([file, crls[1], b"rubbish", b""], ek.ValidationPolicy())
    assert (found.certificates, found.crls) == ((helper,), crls)


@pytest.mark.parametrize(
    "cut", [b"-----BEGIN X509 CRL-----\nMII", b"-----BEGIN X509 CRL", b"-----BEGIN "]
)
def test_what_stands_before_a_cut_counts(pki: FixturePKI, cut: bytes) -> None:
    crls = tuple(pki.evidence())
    file = b"".join(pem(b"X509 CRL", der) for der in crls)
    assert to_evidence([file + cut], ek.ValidationPolicy()).crls == crls
    assert to_evidence([cut], ek.ValidationPolicy()) == Evidence()
