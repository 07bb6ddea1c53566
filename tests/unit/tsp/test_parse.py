from __future__ import annotations

import pytest

from esign_kit.asn1.reader import SEQUENCE, encode, encode_integer
from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Document
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Format, TimestampKind
from esign_kit.testing.pki import FixturePKI
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.tsp.parse import parse, recognises

POLICY = ValidationPolicy()


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI()


def test_a_token_and_an_answer_are_the_same_thing(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data")
    answer = encode(SEQUENCE, encode(SEQUENCE, encode_integer(1)), token)
    document = Document(b"data", name="data.bin")
    for data in (token, answer):
        assert recognises(data)
        found = parse(data, detached=[document], policy=POLICY)
        assert found.format is Format.TIMESTAMP
        (signature,) = found.signatures
        assert signature.level == "RFC3161"
        (stamp,) = signature.timestamps
        assert stamp.token == token
        assert stamp.kind is TimestampKind.CONTENT
        assert stamp.imprint() is document
        ((octets, scope),) = signature.references[0].resolve()
        assert octets is document
        assert scope.name == "data.bin"
        assert len(found.certificates) == 2


def test_of_several_documents_the_stamped_one_is_taken(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"second")
    documents = [Document(b"first"), Document(b"second"), Document.from_digests({"MD5": b"x"})]
    for order in (documents, documents[::-1]):
        signature = parse(token, detached=order, policy=POLICY).signatures[0]
        assert signature.timestamps[0].imprint() == Document(b"second")


def test_without_the_document(pki: FixturePKI) -> None:
    signature = parse(pki.tsa.timestamp(b"x"), detached=[], policy=POLICY).signatures[0]
    assert signature.timestamps[0].imprint() is None
    assert list(signature.references[0].resolve()) == []


def test_what_is_no_time_stamp(pki: FixturePKI) -> None:
    refusal = encode(SEQUENCE, encode(SEQUENCE, encode_integer(2)))
    for data in (b"", b"text", pki.person().sign(b"x"), pki.crl(), refusal):
        with pytest.raises(InputError) as caught:
            parse(data, detached=[], policy=POLICY)
        assert caught.value.code == "input.no-signature"
    assert not recognises(pki.person().sign(b"x"))
    with pytest.raises(LimitError):
        small = POLICY.with_(limits=Limits(signature_size=10))
        parse(pki.tsa.timestamp(b"x"), detached=[], policy=small)


def test_a_broken_token_is_told_as_a_finding(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"x")
    signature = parse(token + b"\0", detached=[], policy=POLICY).signatures[0]
    assert signature.findings[0].fatal
