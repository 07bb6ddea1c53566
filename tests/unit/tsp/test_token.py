"""Tokens and answers as octets: what is read, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests import corpora

from esign_kit.asn1.reader import (
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    encode,
    encode_integer,
    encode_oid,
    read_all,
)
from esign_kit.asn1.tsp import TimestampToken, TstInfo, is_response, is_token
from esign_kit.asn1.tsp_exchange import TimestampResponse
from esign_kit.errors import InputError
from esign_kit.testing.pki import FixturePKI

SHA256 = encode(SEQUENCE, encode_oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")


def info(
    *tail: bytes,
    version: int = 1,
    imprint: bytes = bytes(32),
    serial: int = 7,
    time: bytes = b"20261101120000Z",
) -> bytes:
    return encode(
        SEQUENCE,
        encode_integer(version),
        encode_oid("1.2.3.4"),
        encode(SEQUENCE, SHA256, encode(OCTET_STRING, imprint)),
        encode_integer(serial),
        encode(GENERALIZED_TIME, time),
        *tail,
    )


def test_the_least_that_an_authority_may_say() -> None:
    found = TstInfo.load(info())
    assert (found.policy, found.imprint_algorithm, found.serial) == ("1.2.3.4", "SHA256", 7)
    assert found.time == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert found.accuracy is found.nonce is found.tsa is None
    assert found.ordering is False


def test_all_that_it_may_say() -> None:
    accuracy = encode(
        SEQUENCE, encode_integer(2), encode(0x80, b"\x01\xf4"), encode(0x81, b"\x00\x96")
    )
    name = encode(0xA4, encode(SEQUENCE))
    extension = encode(
        SEQUENCE, encode_oid("1.2.3.5"), encode(BOOLEAN, b"\xff"), encode(OCTET_STRING, b"")
    )
    found = TstInfo.load(
        info(
            accuracy,
            encode(BOOLEAN, b"\xff"),
            encode_integer(-5),
            encode(0xA0, name),
            encode(0xA1, extension),
            serial=-(1 << 150),
            time=b"20261101120000.125Z",
        )
    )
    assert found.accuracy == timedelta(seconds=2, milliseconds=500, microseconds=150)
    assert found.ordering is True
    assert (found.nonce, found.serial) == (-5, -(1 << 150))
    assert found.tsa == name
    assert found.critical_extensions == ("1.2.3.5",)
    assert found.time.microsecond == 125_000


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x30\x00",
        info(version=2),
        info(encode_integer(1), encode_integer(2)),
        info(encode(BOOLEAN, b"\xff"), encode(SEQUENCE)),
        info(encode(0xA2, b"")),
        info(encode(SEQUENCE, encode_integer(-1))),
        info(encode(SEQUENCE, encode(0x82, b"\x01"))),
        info(encode(0xA1, encode_integer(1))),
        info(time=b"20261301120000Z"),
        info(time=b"20261101"),
        info() + b"\x00",
    ],
)
def test_malformed_statements(broken: bytes) -> None:
    with pytest.raises(InputError):
        TstInfo.load(broken)


@pytest.mark.parametrize("name", ["tsp_token.bin", "tsp_token_prod_gost2004_2020.der"])
def test_tokens_of_a_national_authority(name: str) -> None:
    token = TimestampToken.load(corpora.national("kz", "tsp", name).read_bytes())
    assert token.info is not None
    assert token.info.policy == "1.2.398.3.3.2.6.1"
    assert token.info.accuracy is None
    assert [reference.version for reference in token.references] == [1]
    if "prod" in name:
        assert token.info.serial < 0


def test_a_national_answer() -> None:
    data = corpora.national("kz", "tsp", "tsp_response.bin").read_bytes()
    assert is_response(data)
    assert not is_token(data)
    answer = TimestampResponse.load(data)
    assert answer.granted
    assert answer.token is not None
    assert is_token(answer.token)


def _indefinite(der: bytes) -> bytes:
    """The same message in BER: indefinite lengths outside, content in segments."""
    outer = read_all(der).items()
    signed = read_all(outer[1].contents).items()
    content = signed[2].items()
    octets = read_all(content[1].contents).contents
    half = len(octets) // 2
    segments = encode(OCTET_STRING, octets[:half]) + encode(OCTET_STRING, octets[half:])
    end = b"\0\0"
    content_info = b"\x30\x80" + content[0].raw + b"\xa0\x80\x24\x80" + segments + end * 2 + end
    body = b"".join(s.raw for s in signed[:2]) + content_info + b"".join(s.raw for s in signed[3:])
    return b"\x30\x80" + outer[0].raw + b"\xa0\x80\x30\x80" + body + end * 3


def test_ber_is_read_and_signs_the_same_octets() -> None:
    der = FixturePKI().tsa.timestamp(b"data")
    plain, wrapped = TimestampToken.load(der), TimestampToken.load(_indefinite(der))
    assert wrapped.content == plain.content
    assert wrapped.signed_octets == plain.signed_octets
    assert wrapped.certificates == plain.certificates
    assert is_token(_indefinite(der))


def test_structures_that_are_no_token() -> None:
    token = FixturePKI().tsa.timestamp(b"data")
    signature = FixturePKI().person().sign(b"data")
    outer = read_all(token).items()
    signed = read_all(outer[1].contents).items()

    def rebuilt(*parts: bytes) -> bytes:
        return encode(SEQUENCE, outer[0].raw, encode(0xA0, encode(SEQUENCE, *parts)))

    raw = [part.raw for part in signed]
    signer = signed[-1].contents
    assert TimestampToken.load(rebuilt(*raw)).info is not None
    for broken in (
        token + b"\x00",
        token[:-1],
        rebuilt(*raw[:-1], encode(SET, signer, signer)),
        rebuilt(*raw[:-1], encode(SET)),
        rebuilt(*raw[:2], encode(SEQUENCE, signed[2].items()[0].raw), *raw[3:]),
        rebuilt(*raw[:3], encode(0xA0, encode(SEQUENCE) * 300), *raw[4:]),
        b"\x30\x03\x02\x01\x02",
    ):
        with pytest.raises(InputError):
            TimestampToken.load(broken)
    assert TimestampToken.load(signature).info is None
    assert not is_token(signature)


def test_answers_without_a_token() -> None:
    def answer(*parts: bytes) -> TimestampResponse:
        return TimestampResponse.load(encode(SEQUENCE, encode(SEQUENCE, *parts)))

    refused = answer(
        encode_integer(2), encode(SEQUENCE, encode(0x0C, b"no \xff")), b"\x03\x02\x05\x20"
    )
    assert not refused.granted
    assert refused.failures == (2,)
    assert "rejected" in refused.reason
    assert "not permitted" in refused.reason
    assert not answer(encode_integer(0)).granted
    assert answer(encode_integer(99)).reason == "status 99"
    for broken in (b"", b"\x30\x00", encode(SEQUENCE, encode(SEQUENCE)), encode(INTEGER, b"\x01")):
        with pytest.raises(InputError):
            TimestampResponse.load(broken)
