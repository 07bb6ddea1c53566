"""Reading CMS and CAdES: one rule broken at a time."""

from __future__ import annotations

import hashlib
from base64 import b64encode, encodebytes
from datetime import UTC, datetime

import pytest

from esign_kit.asn1.cms import oid
from esign_kit.asn1.reader import encode, encode_oid
from esign_kit.cades import oids
from esign_kit.cades.parse import parse, recognises
from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Coverage, Document
from esign_kit.model.signature import Packaging, ParsedSignature, ReferenceKind, TimestampKind
from esign_kit.trust.policy import ValidationPolicy

from . import maker

POLICY = ValidationPolicy()


def read(data: bytes, *detached: Document, policy: ValidationPolicy = POLICY) -> ParsedSignature:
    (signature,) = parse(data, detached=detached, policy=policy).signatures
    return signature


def codes(signature: ParsedSignature, *, fatal: bool) -> set[str]:
    return {finding.code for finding in signature.findings if finding.fatal is fatal}


def candidates(signature: ParsedSignature) -> list[tuple[bytes, Coverage]]:
    (reference,) = signature.references
    return [
        (item.octets() if isinstance(item, Document) else item, scope.coverage)
        for item, scope in reference.resolve()
    ]


def test_attached() -> None:
    signature = read(maker.message(maker.signer(maker.usual())))
    assert not signature.findings
    assert signature.level == "CAdES-BASELINE-B"
    assert signature.packaging is Packaging.ENVELOPING
    assert signature.algorithm is not None
    assert signature.algorithm.name == "RSA-SHA256"
    assert signature.digest_algorithm == "SHA256"
    assert signature.signed_octets == (encode(0x31, b"".join(sorted(maker.usual()))),)
    assert signature.claimed_signing_time == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert signature.signer.serial == 7
    assert signature.signer.issuer == maker.NAME
    (reference,) = signature.references
    assert reference.kind is ReferenceKind.DATA
    assert reference.digest_value == hashlib.sha256(maker.CONTENT).digest()
    assert candidates(signature) == [(maker.CONTENT, Coverage.OBJECT)]
    (certificate,) = signature.certificate_references
    assert (certificate.digest, certificate.serial) == (b"\x11" * 32, 7)
    assert certificate.issuer == maker.NAME
    assert certificate.digest_algorithm == "SHA256"


def test_detached_yields_every_document_as_candidate() -> None:
    data = maker.message(maker.signer(maker.usual()), content=None)
    first, second = Document(b"another"), Document(maker.CONTENT, name="application")
    signature = read(data, first, second)
    assert signature.packaging is Packaging.DETACHED
    assert [octets for octets, _ in candidates(signature)] == [b"another", maker.CONTENT]
    assert {coverage for _, coverage in candidates(signature)} == {Coverage.FULL}


def test_detached_without_documents_yields_nothing() -> None:
    assert not candidates(read(maker.message(maker.signer(maker.usual()), content=None)))


def test_detached_with_digests_only() -> None:
    known = Document.from_digests({"SHA256": hashlib.sha256(maker.CONTENT).digest()})
    other = Document.from_digests({"SHA512": b"\x00" * 64})
    signature = read(maker.message(maker.signer(maker.usual()), content=None), other, known)
    found = list(signature.references[0].resolve())
    assert [document for document, _ in found] == [known]
    assert found[0][1].coverage is Coverage.DIGEST


PEM = encodebytes(maker.message(maker.signer(maker.usual())))


@pytest.mark.parametrize(
    "wrapped",
    [
        b"-----BEGIN CMS-----\n" + PEM + b"-----END CMS-----\n",
        b"-----BEGIN PKCS7-----\r\n" + PEM.replace(b"\n", b"\r\n") + b"-----END PKCS7-----",
        b"\xef\xbb\xbf  -----BEGIN CMS-----\n" + PEM + b"-----END CMS-----\n",
        PEM,
        b"  \n" + PEM.replace(b"\n", b"") + b"\n",
        b64encode(b"-----BEGIN CMS-----\n" + PEM + b"-----END CMS-----\n"),
    ],
)
def test_wrappings(wrapped: bytes) -> None:
    assert recognises(wrapped)
    assert not read(wrapped).findings


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a/>",
        b"%PDF-1.7",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"Mary had a little lamb",
        b"LS0tLS1CRUdJTiBGT08tLS0tLQo=",
        encode(0x30, encode_oid("1.2.840.113549.1.7.3")),
    ],
)
def test_what_is_no_cms(data: bytes) -> None:
    assert not recognises(data)
    with pytest.raises(InputError):
        parse(data, detached=(), policy=POLICY)


def test_a_timestamp_token_is_left_to_its_reader() -> None:
    data = maker.message(maker.signer(maker.usual()), kind=oid("1.2.840.113549.1.9.16.1.4"))
    assert not recognises(data)


def test_without_signers_it_is_no_signature() -> None:
    with pytest.raises(InputError) as caught:
        parse(maker.message(), detached=(), policy=POLICY)
    assert caught.value.code == "input.no-signature"


def test_ber_reads_as_its_der() -> None:
    der = maker.message(maker.signer(maker.usual()))
    ber = maker.indefinite(der, depth=9)
    assert ber != der
    signature, expected = read(ber), read(der)
    assert not signature.findings
    assert signature.signed_octets == expected.signed_octets
    assert candidates(signature) == candidates(expected)


def test_ber_lengths_inside_signed_attributes() -> None:
    attributes = maker.usual()
    long_form = [b"\x30\x81" + item[1:] for item in attributes]
    signature = read(maker.message(maker.signer(sorted(long_form))))
    assert signature.signed_octets == (encode(0x31, b"".join(sorted(attributes))),)
    assert codes(signature, fatal=False) == {"cms.attributes-not-der"}


def test_wire_order_only_where_the_policy_allows() -> None:
    wire = sorted(maker.usual(), reverse=True)
    data = maker.message(maker.signer(wire, order=False))
    sorted_octets = encode(0x31, b"".join(sorted(wire)))
    strict = read(data)
    assert strict.signed_octets == (sorted_octets,)
    assert codes(strict, fatal=False) == {"cms.attributes-not-der"}
    lenient = read(data, policy=POLICY.with_(wire_order_attributes=True))
    assert lenient.signed_octets == (sorted_octets, encode(0x31, b"".join(wire)))


def test_values_of_one_attribute_are_sorted_too() -> None:
    several = maker.attribute(oids.CONTENT_IDENTIFIER, encode(4, b"b"), encode(4, b"a"))
    signature = read(maker.message(maker.signer([*maker.usual(), several])))
    assert encode(4, b"a") + encode(4, b"b") in signature.signed_octets[0]
    assert codes(signature, fatal=False) == {"cms.attributes-not-der"}


ANOTHER = oid("1.2.840.113549.1.9.16.1.1")
DIGEST = encode(4, hashlib.sha256(maker.CONTENT).digest())


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ([maker.content_type()], "cms.message-digest"),
        ([maker.content_type(), maker.attribute(oids.MESSAGE_DIGEST)], "cms.message-digest"),
        (
            [maker.content_type(), maker.attribute(oids.MESSAGE_DIGEST, encode(4, b""))],
            "cms.message-digest",
        ),
        (
            [maker.content_type(), maker.attribute(oids.MESSAGE_DIGEST, DIGEST, DIGEST)],
            "cms.message-digest",
        ),
        (
            [maker.content_type(), maker.message_digest(), maker.message_digest(b"other")],
            "cms.message-digest",
        ),
        ([maker.message_digest()], "cms.content-type"),
        ([maker.content_type(), maker.content_type(), maker.message_digest()], "cms.content-type"),
        ([maker.content_type(ANOTHER), maker.message_digest()], "cms.content-type-mismatch"),
        ([*maker.usual(), maker.ess(b"\x22" * 32)], "cades.signing-certificate-twice"),
        (
            [maker.content_type(), maker.message_digest(), maker.ess()],
            "cades.signing-certificate",
        ),
        ([*maker.usual(), maker.signing_time(b"261101120001Z")], "cms.signing-time-twice"),
        (
            [*maker.usual(), maker.attribute(oids.ALGORITHM_PROTECTION, encode(0x30, b""))],
            "cms.algorithm-protection",
        ),
    ],
)
def test_broken_signed_attributes_are_fatal(attributes: list[bytes], code: str) -> None:
    signature = read(maker.message(maker.signer(attributes)))
    assert code in codes(signature, fatal=True)


def test_two_signing_times_claim_none() -> None:
    data = maker.message(maker.signer([*maker.usual(), maker.signing_time(b"250101000000Z")]))
    assert read(data).claimed_signing_time is None


def test_no_usable_digest_covers_nothing() -> None:
    signature = read(maker.message(maker.signer([maker.content_type()])))
    assert signature.references[0].error


def test_algorithm_protection() -> None:
    def protected(signature: bytes) -> bytes:
        value = encode(0x30, maker.SHA256, b"\xa1" + signature[1:])
        attribute = maker.attribute(oids.ALGORITHM_PROTECTION, value)
        return maker.message(maker.signer([*maker.usual(), attribute]))

    without_null = encode(0x30, encode_oid("1.2.840.113549.1.1.11"))
    assert not read(protected(maker.RSA_SHA256)).findings
    assert not read(protected(without_null)).findings
    other = encode(0x30, encode_oid("1.2.840.113549.1.1.13") + b"\x05\x00")
    assert codes(read(protected(other)), fatal=True) == {"cms.algorithm-protection"}


def test_digest_and_signature_algorithm_must_agree() -> None:
    other = encode(0x30, encode_oid("1.2.840.113549.1.1.13") + b"\x05\x00")
    signature = read(maker.message(maker.signer(maker.usual(), algorithm=other)))
    assert codes(signature, fatal=False) == {"cms.digest-disagrees"}
    assert not codes(signature, fatal=True)
    pss = maker.pss("SHA512")
    signature = read(maker.message(maker.signer(maker.usual(), algorithm=pss)))
    assert codes(signature, fatal=False) == {"cms.digest-differs"}


def test_a_key_oid_takes_the_digest_from_digest_algorithm() -> None:
    key = encode(0x30, encode_oid("1.2.840.113549.1.1.1") + b"\x05\x00")
    signature = read(maker.message(maker.signer(maker.usual(), algorithm=key)))
    assert not signature.findings
    assert signature.algorithm is not None
    assert signature.algorithm.name == "RSA-SHA256"


def test_unknown_algorithms_are_named() -> None:
    odd = encode(0x30, encode_oid("1.3.9999.1"))
    signature = read(maker.message(maker.signer(maker.usual(), digest=odd, algorithm=odd)))
    assert signature.algorithm is None
    assert signature.algorithm_label == "1.3.9999.1"
    assert signature.references[0].digest_algorithm is None
    assert signature.references[0].algorithm_label == "1.3.9999.1"


# ── without signed attributes ─────────────────────────────────────────────────────────────────


def test_without_signed_attributes_the_content_itself_is_covered() -> None:
    signature = read(maker.message(maker.signer(None)))
    assert signature.level == "CMS-NOT-ETSI"
    assert not signature.findings
    assert signature.references == ()
    (covered,) = signature.signed_octets
    assert isinstance(covered, Document)
    assert covered.octets() == maker.CONTENT


def test_content_that_reads_as_attributes_is_refused() -> None:
    attributes = encode(0x31, b"".join(sorted(maker.usual())))
    attached = read(maker.message(maker.signer(None), content=attributes))
    detached = read(maker.message(maker.signer(None), content=None), Document(attributes))
    for signature in (attached, detached):
        assert codes(signature, fatal=True) == {"cms.content-is-attributes"}


def test_other_content_types_need_signed_attributes() -> None:
    signature = read(maker.message(maker.signer(None), kind=ANOTHER))
    assert codes(signature, fatal=True) == {"cms.attributes-missing"}


# ── content, trailing octets, nesting ─────────────────────────────────────────────────────────


def test_embedded_and_given_content_must_be_equal(tmp_path) -> None:
    data = maker.message(maker.signer(maker.usual()))
    path = tmp_path / "content"
    path.write_bytes(maker.CONTENT)
    digests = {"SHA256": hashlib.sha256(maker.CONTENT).digest()}
    for same in (
        Document(maker.CONTENT),
        Document.from_path(path),
        Document.from_digests(digests),
    ):
        assert not read(data, same).findings
    path.write_bytes(maker.CONTENT[:-1] + b"!")
    for other in (
        Document(b"something else"),
        Document(b""),
        Document.from_path(path),
        Document.from_digests({"SHA256": b"\x00" * 32}),
        Document.from_digests({"NO-SUCH-DIGEST": b"\x00" * 32}),
    ):
        assert codes(read(data, other), fatal=True) == {"cms.content-conflict"}


def test_trailing_octets_are_told() -> None:
    data = maker.message(maker.signer(maker.usual())) + b"and more"
    signature = read(data)
    assert codes(signature, fatal=False) == {"cms.trailing-octets"}
    assert candidates(signature) == [(maker.CONTENT, Coverage.OBJECT)]


def test_nested_signed_data_is_content() -> None:
    inner = maker.message(maker.signer(maker.usual()), maker.signer(maker.usual()))
    attributes = [maker.content_type(), maker.message_digest(inner)]
    document = parse(
        maker.message(maker.signer(attributes), content=inner), detached=(), policy=POLICY
    )
    assert len(document.signatures) == 1


def test_a_broken_signer_does_not_hide_the_good_one() -> None:
    data = maker.message(encode(0x30, b"\x02\x01\x01"), maker.signer(maker.usual()))
    broken, good = parse(data, detached=(), policy=POLICY).signatures
    assert codes(broken, fatal=True)
    assert not good.findings
    assert (broken.id, good.id) == ("S-1", "S-2")


def test_limits() -> None:
    tight = POLICY.with_(limits=POLICY.limits.with_(signatures=2, certificates=2, timestamps=2))
    signer = maker.signer(maker.usual())
    stamps = maker.attribute(oids.SIGNATURE_TIMESTAMP, *[b"\x30\x00"] * 3)
    nested = maker.attribute(oids.COUNTER_SIGNATURE, signer, signer)
    for data in (
        maker.message(signer, signer, signer),
        maker.message(signer, certificates=b"\x30\x00" * 3),
        maker.message(maker.signer(maker.usual(), [stamps])),
        maker.message(maker.signer(maker.usual(), [nested])),
    ):
        with pytest.raises(LimitError):
            parse(data, detached=(), policy=tight)
    small = POLICY.with_(limits=POLICY.limits.with_(signature_size=100))
    with pytest.raises(LimitError):
        parse(maker.message(signer), detached=(), policy=small)


# ── unsigned attributes ───────────────────────────────────────────────────────────────────────


def test_an_unsigned_signing_time_says_nothing() -> None:
    attributes = [item for item in maker.usual() if item != maker.signing_time()]
    signature = read(maker.message(maker.signer(attributes, [maker.signing_time()])))
    assert signature.claimed_signing_time is None
    assert codes(signature, fatal=False) == {"cms.unsigned-signing-time"}
    assert signature.level == "CAdES-BES"


def test_counter_signatures_cover_the_value_and_nest() -> None:
    inner = maker.signer([maker.message_digest(b"\x02" * 64)], value=b"\x03" * 64)
    outer = maker.signer(
        [maker.message_digest(b"\x01" * 64)],
        [maker.attribute(oids.COUNTER_SIGNATURE, inner)],
        value=b"\x02" * 64,
    )
    data = maker.message(
        maker.signer(
            maker.usual(), [maker.attribute(oids.COUNTER_SIGNATURE, outer)], value=b"\x01" * 64
        )
    )
    signature = read(data)
    (counter,) = signature.counter_signatures
    (nested,) = counter.counter_signatures
    assert [counter.id, nested.id] == ["S-1-C1", "S-1-C1-C1"]
    for item, value in ((counter, b"\x01" * 64), (nested, b"\x02" * 64)):
        (reference,) = item.references
        assert reference.kind is ReferenceKind.COUNTERSIGNED
        assert [octets for octets, _ in reference.resolve()] == [value]
        assert reference.digest_value == hashlib.sha256(value).digest()
        assert not codes(item, fatal=True)


def test_timestamps_and_their_imprints() -> None:
    signature = read(
        maker.message(
            maker.signer(
                [*maker.usual(), maker.attribute(oids.CONTENT_TIMESTAMP, b"\x30\x00")],
                [maker.attribute(oids.SIGNATURE_TIMESTAMP, b"\x30\x01\x05", b"\x30\x00")],
            )
        )
    )
    content, first, second = signature.timestamps
    assert content.kind is TimestampKind.CONTENT
    assert content.imprint() == maker.CONTENT
    assert first.kind is second.kind is TimestampKind.SIGNATURE
    assert first.imprint() == signature.signature_value
    assert (first.token, second.token) == (b"\x30\x01\x05", b"\x30\x00")


def test_references_timestamp_covers_type_and_values() -> None:
    certificates = maker.attribute(oids.CERTIFICATE_REFERENCES, b"\x30\x00")
    revocations = maker.attribute(oids.REVOCATION_REFERENCES, b"\x30\x00")
    stamps = [
        maker.attribute(oids.SIGNATURE_TIMESTAMP, b"\x30\x00"),
        maker.attribute(oids.CADES_C_TIMESTAMP, b"\x30\x00"),
        maker.attribute(oids.REFERENCES_TIMESTAMP, b"\x30\x00"),
    ]
    signature = read(
        maker.message(maker.signer(maker.usual(), [certificates, revocations, *stamps]))
    )
    assert signature.level == "CAdES-X"
    by_source = {stamp.source: stamp.imprint() for stamp in signature.timestamps}
    tail = certificates[2:] + revocations[2:]
    assert by_source["time-stamped-certs-crls-references"] == tail
    assert by_source["CAdES-C-timestamp"] == signature.signature_value + stamps[0][2:] + tail


def test_embedded_evidence_is_handed_over() -> None:
    crl, basic = encode(0x30, b"\x02\x01\x01"), encode(0x30, b"\x02\x01\x02")
    response = encode(0x30, b"\x0a\x01\x06")
    other = encode(0xA1, encode_oid("1.3.6.1.5.5.7.16.2") + response)
    values = maker.attribute(
        oids.REVOCATION_VALUES,
        encode(0x30, encode(0xA0, encode(0x30, crl)), encode(0xA1, encode(0x30, basic))),
    )
    more = maker.attribute(oids.CERTIFICATE_VALUES, encode(0x30, b"\x30\x01\x00"))
    signature = read(maker.message(maker.signer(maker.usual(), [values, more]), crls=crl + other))
    assert signature.crls == (crl, crl)
    assert signature.ocsp_responses[0] == response
    assert signature.ocsp_responses[1].endswith(basic)
    assert signature.ocsp_responses[1].startswith(b"\x30")
    assert signature.certificates == (b"\x30\x00", b"\x30\x01\x00")


def test_malformed_evidence_is_told_and_stops_nobody() -> None:
    values = maker.attribute(oids.REVOCATION_VALUES, encode(0x30, encode(0xA0, b"\x02\x01\x00")))
    signature = read(maker.message(maker.signer(maker.usual(), [values])))
    assert codes(signature, fatal=False) == {"cades.values"}
