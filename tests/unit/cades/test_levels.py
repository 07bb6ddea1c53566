"""Levels by structure."""

from __future__ import annotations

import pytest

from esign_kit.asn1.cms import SignedData, oid
from esign_kit.asn1.reader import encode, encode_oid
from esign_kit.cades import levels, oids
from esign_kit.cades.completeness import evidence_complete
from esign_kit.cades.parse import parse
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import ValidationPolicy

from . import maker

TIME = maker.signing_time()
POLICY_ID = maker.attribute(oids.SIGNATURE_POLICY, encode(0x30, encode_oid("1.2.3")))


def present(*kinds: bytes) -> list[bytes]:
    return [maker.attribute(kind, b"\x30\x00") for kind in kinds]


STAMP = present(oids.SIGNATURE_TIMESTAMP)
REFERENCES = present(oids.CERTIFICATE_REFERENCES, oids.REVOCATION_REFERENCES)
VALUES = present(oids.CERTIFICATE_VALUES, oids.REVOCATION_VALUES)
CRL = b"\x30\x00"
BES = [item for item in maker.usual() if item != TIME]


def level(
    signed: list[bytes] | None,
    unsigned: list[bytes] | None = None,
    *,
    complete: bool = True,
    **options,
) -> str:
    message = SignedData(maker.message(maker.signer(signed, unsigned), **options))
    signer = message.signer(0)
    record = levels.has_evidence_record(message, signer)
    return levels.level(message, signer, evidence_record=record, complete=lambda: complete)


@pytest.mark.parametrize(
    ("expected", "signed", "unsigned", "options"),
    [
        ("CMS-NOT-ETSI", None, None, {}),
        ("CMS-NOT-ETSI", [maker.content_type(), maker.message_digest(), TIME], None, {}),
        ("CAdES-BES", BES, None, {}),
        ("CAdES-EPES", [*BES, POLICY_ID], None, {}),
        ("CAdES-BES", maker.usual(), None, {"certificates": b""}),
        ("CAdES-BASELINE-B", maker.usual(), None, {}),
        ("CAdES-BASELINE-B", [*maker.usual(), POLICY_ID], None, {}),
        ("CAdES-BASELINE-T", maker.usual(), STAMP, {}),
        ("CAdES-T", BES, STAMP, {}),
        ("CAdES-BASELINE-LT", maker.usual(), STAMP, {"crls": CRL}),
        (
            "CAdES-BASELINE-LTA",
            maker.usual(),
            [*STAMP, *present(oids.ARCHIVE_TIMESTAMP_V3)],
            {"crls": CRL},
        ),
        ("CAdES-BASELINE-T", maker.usual(), STAMP, {"crls": CRL, "complete": False}),
        ("CAdES-C", maker.usual(), [*STAMP, *REFERENCES], {}),
        (
            "CAdES-C",
            maker.usual(),
            [*STAMP, *REFERENCES, *VALUES, *present(oids.ARCHIVE_TIMESTAMP_V2)],
            {"complete": False},
        ),
        (
            "CAdES-A",
            maker.usual(),
            [*STAMP, *REFERENCES, *VALUES, *present(oids.ARCHIVE_TIMESTAMP_V2)],
            {},
        ),
        ("CAdES-X", BES, [*STAMP, *REFERENCES, *present(oids.REFERENCES_TIMESTAMP)], {}),
        ("CAdES-XL", BES, [*STAMP, *REFERENCES, *VALUES, *present(oids.CADES_C_TIMESTAMP)], {}),
        ("CAdES-A", BES, [*STAMP, *present(oids.ARCHIVE_TIMESTAMP_V3)], {"crls": CRL}),
        (
            "CAdES-ERS",
            maker.usual(),
            [*STAMP, *present(oids.EVIDENCE_RECORD_INTERNAL)],
            {"crls": CRL},
        ),
        (
            # An external record belongs to detached content (RFC 5276 § 3).
            "CAdES-BASELINE-LT",
            maker.usual(),
            [*STAMP, *present(oids.EVIDENCE_RECORD_EXTERNAL)],
            {"crls": CRL},
        ),
    ],
)
def test_level(expected: str, signed, unsigned, options) -> None:
    assert level(signed, unsigned, **options) == expected


def test_baseline_is_about_data() -> None:
    kind = oid("1.2.840.113549.1.7.2")
    signed = [maker.content_type(kind), *[a for a in maker.usual() if a != maker.content_type()]]
    assert level(signed, kind=kind) == "CAdES-BES"


def test_version_2_of_the_reference_is_not_for_sha1() -> None:
    sha1 = encode(0x30, encode_oid("1.3.14.3.2.26"))
    identifier = encode(0x30, sha1, encode(4, b"\x00" * 20))
    reference = maker.attribute(oids.SIGNING_CERTIFICATE_V2, encode(0x30, encode(0x30, identifier)))
    data = maker.message(
        maker.signer([maker.content_type(), maker.message_digest(), TIME, reference])
    )
    (signature,) = parse(data, detached=(), policy=ValidationPolicy()).signatures
    assert signature.level == "CMS-NOT-ETSI"


def test_evidence_is_complete_when_each_issuer_has_answered() -> None:
    pki = FixturePKI(key="ec")
    person = pki.person()
    stranger = FixturePKI(country="kz", key="ec")
    certificates = (person.certificate_der, *person.chain_der)
    signer = SignedData(person.sign(b"an application")).signer(0)
    own = (pki.issuing.crl(), pki.root.crl())
    other = (stranger.issuing.crl(), stranger.root.crl())
    assert evidence_complete(signer, certificates, own, (), ())
    assert not evidence_complete(signer, certificates, other, (), ())
    assert not evidence_complete(signer, certificates, own[1:], (), ())
    assert not evidence_complete(signer, certificates[1:], own, (), ())
    answer = pki.ocsp(person)
    assert evidence_complete(signer, certificates, own[1:], (answer,), ())
