"""SignedData over original octets: BER, wrappers, hostile counts."""

from __future__ import annotations

import pytest

from esign_kit.asn1.attribute_set import AttributeSet, der_lengths
from esign_kit.asn1.cms import ID_DATA, OCSP_BASIC, SignedData, oid, wrap_basic_ocsp
from esign_kit.asn1.reader import encode, encode_oid, read_all, to_definite
from esign_kit.errors import InputError, LimitError
from esign_kit.model.limits import Limits
from tests.unit.cades import maker

ATTRIBUTE = maker.attribute(b"\x2a\x03", b"\x05\x00")


def test_fields_are_slices_of_the_input() -> None:
    data = maker.message(
        maker.signer(maker.usual(), [ATTRIBUTE]), certificates=b"\x30\x00\xa1\x00", crls=b"\x30\x00"
    )
    message = SignedData.load(data + b"tail")
    assert (message.version, message.trailing, message.ber) == (1, 4, False)
    assert message.content == maker.CONTENT
    assert message.content_type_text == "1.2.840.113549.1.7.1"
    assert message.certificates == (b"\x30\x00",)
    assert message.other_certificates == (b"\xa1\x00",)
    assert message.crls == (b"\x30\x00",)
    assert message.digest_algorithms == (maker.SHA256,)
    (signer,) = message.signers()
    assert (signer.issuer, signer.serial) == (maker.NAME, 7)
    assert signer.subject_key_identifier is None
    assert signer.digest_algorithm == maker.SHA256
    assert signer.signature_algorithm == maker.RSA_SHA256
    assert signer.signature == b"\xab" * 256
    assert signer.unsigned is not None
    assert signer.unsigned.raw(b"\x2a\x03") == [ATTRIBUTE]
    assert signer.unsigned.bodies(b"\x2a\x03") == [ATTRIBUTE[2:]]
    assert data[signer.start :].startswith(b"\x02\x01\x01")
    assert data[: signer.signature_stop].endswith(b"\xab" * 256)


@pytest.mark.parametrize("tag", [0x80, 0xA0])
def test_signers_by_key_identifier(tag: int) -> None:
    inner = b"key" if tag == 0x80 else encode(4, b"key")
    parts = [b"\x02\x01\x03", encode(tag, inner), maker.SHA256, maker.RSA_SHA256, encode(4, b"v")]
    data = maker.message(encode(0x30, *parts))
    (signer,) = SignedData.load(data).signers()
    assert signer.subject_key_identifier == b"key"
    assert signer.issuer is signer.serial is None


def test_pkcs7_content_of_another_type_is_digested_by_its_contents() -> None:
    kind = oid("1.3.6.1.4.1.311.2.1.4")
    for expected, written in ((maker.CONTENT, kind), (None, ID_DATA)):
        data = maker.message(maker.signer(maker.usual()), kind=written)
        changed = data.replace(encode(4, maker.CONTENT), encode(0x30, maker.CONTENT))
        if expected is None:
            with pytest.raises(InputError):
                SignedData.load(changed)
        else:
            assert SignedData.load(changed).content == expected


def test_ber_keeps_what_was_definite() -> None:
    odd = b"\x30\x81\x02\x05\x00"  # a definite value with an over-long length
    inside = b"\x30\x80" + odd + b"\x24\x80\x04\x01a\x04\x01b\x00\x00" + b"\x00\x00"
    assert to_definite(inside) == (encode(0x30, odd + encode(4, b"ab")), len(inside))
    # Definite around indefinite: only the inner part and the lengths around it change.
    outer = encode(0x30, odd + b"\x31\x80\x05\x00\x00\x00")
    assert to_definite(outer)[0] == encode(0x30, odd + encode(0x31, b"\x05\x00"))
    assert to_definite(odd) == (odd, 5)


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80",
        b"\x30\x80\x05",
        b"\x04\x80\x00\x00",
        b"\x30\x80\x24\x03\x02\x01\x00\x00\x00",
        b"\x30\x04\x30\x80\x05\x00\x00\x00",
        b"\x3f\x80\x00\x00",
    ],
)
def test_broken_ber(data: bytes) -> None:
    with pytest.raises(InputError):
        to_definite(data)


def test_depth_and_number_of_ber_are_bounded() -> None:
    deep = b"\x30\x80" * 100_000
    with pytest.raises(LimitError):
        to_definite(deep)
    with pytest.raises(LimitError):
        to_definite(b"\x30\x80" + b"\x05\x00" * 100 + b"\x00\x00", max_elements=50)
    tight = Limits(asn1_depth=4)
    with pytest.raises(LimitError):
        SignedData.load(maker.indefinite(maker.message(maker.signer(maker.usual())), 9), tight)


COUNT = 100_000


@pytest.mark.parametrize(
    "data",
    [
        maker.message(b"\x30\x00" * COUNT),
        maker.message(maker.signer(None), certificates=b"\x30\x00" * COUNT),
        maker.message(maker.signer(None), crls=b"\x30\x00" * COUNT),
        maker.message(maker.signer([ATTRIBUTE] * 5000)),
        maker.message(maker.signer(None, [ATTRIBUTE] * 5000)),
        maker.message(maker.signer([maker.attribute(b"\x2a", b"\x05\x00" * 5000)])),
    ],
)
def test_floods_end_early(data: bytes) -> None:
    with pytest.raises(LimitError):
        SignedData.load(data).signers()


def test_every_prefix_is_an_input_error() -> None:
    data = maker.message(maker.signer(maker.usual(), [ATTRIBUTE]), crls=b"\x30\x00")
    for size in range(len(data)):
        with pytest.raises(InputError):
            SignedData.load(data[:size]).signers()


def test_every_cut_attribute_set_is_an_input_error() -> None:
    whole = b"".join(sorted(maker.usual()))
    edges = {0}
    position = 0
    for attribute in sorted(maker.usual()):
        position += len(attribute)
        edges.add(position)
    for size in range(len(whole)):
        if size in edges:
            assert AttributeSet(whole, 0, size, check_values=True).sorted
            continue
        with pytest.raises(InputError):
            AttributeSet(whole, 0, size, check_values=True)


def test_only_wants_one_attribute_with_one_value() -> None:
    null = b"\x05\x00"
    kinds = {
        b"\x01": maker.attribute(b"\x01", null),
        b"\x02": maker.attribute(b"\x02", null, null),
        b"\x03": maker.attribute(b"\x03"),
        b"\x04": maker.attribute(b"\x04", null) + maker.attribute(b"\x04", null),
    }
    data = b"".join(kinds.values())
    for check_values in (True, False):
        found = AttributeSet(data, 0, len(data), check_values=check_values)
        assert {kind: found.only(kind) is not None for kind in kinds} == {
            b"\x01": True,
            b"\x02": False,
            b"\x03": False,
            b"\x04": False,
        }
        assert found.only_raw(b"\x01") == null
        assert found.only_raw(b"\x05") is None
        assert found.values(b"\x02") == [null, null]


def test_der_lengths() -> None:
    assert der_lengths(b"\x30\x82\x00\x04\x04\x81\x01a") == encode(0x30, encode(4, b"a"))
    with pytest.raises(LimitError):
        value = b"\x05\x00"
        for _ in range(100):
            value = encode(0x30, value)
        der_lengths(value)


def test_a_basic_answer_gets_the_frame_of_a_response() -> None:
    basic = encode(0x30, b"\x05\x00")
    status, body = read_all(wrap_basic_ocsp(basic)).items()
    assert status.raw == b"\x0a\x01\x00"
    kind, value = body.items()[0].items()
    assert kind.contents == OCSP_BASIC
    assert value.contents == basic


def test_ocsp_answers_among_the_crls() -> None:
    basic, response = encode(0x30, b"\x05\x00"), encode(0x30, b"\x0a\x01\x06")
    others = b"".join(
        encode(0xA1, encode_oid(kind) + value)
        for kind, value in (
            ("1.3.6.1.5.5.7.16.2", response),
            ("1.3.6.1.5.5.7.48.1.1", basic),
            ("1.2.3", b"\x05\x00"),
        )
    )
    message = SignedData.load(maker.message(maker.signer(None), crls=others))
    assert message.ocsp_responses == (response, wrap_basic_ocsp(basic))
    assert len(message.other_revocations) == 1
