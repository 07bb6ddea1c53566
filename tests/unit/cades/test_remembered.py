"""What is recognised as a whole says what reading it part by part says, for hostile octets too."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.asn1 import attribute_set, cms
from esign_kit.asn1.attribute_set import AttributeSet
from esign_kit.asn1.cms import SignedData
from esign_kit.asn1.reader import INTEGER, OCTET_STRING, SEQUENCE, encode, encode_oid, read_all
from esign_kit.cades import oids, references
from esign_kit.cades.parse import parse
from esign_kit.cades.references import certificate_references
from esign_kit.crypto import keys, spki
from esign_kit.errors import InputError
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import ValidationPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OCTETS = (0, 1, 2, 4, 5, 0x06, 0x17, 0x18, 0x30, 0x31, 0x80, 0x81, 0x82, 0xFF)


@pytest.fixture(scope="module")
def signed() -> SignedData:
    return SignedData(FixturePKI().person().sign(b"document", packaging="attached"))


def mutations(octets: bytes, number: int) -> Iterator[bytes]:
    chance = random.Random(7)  # the same cases each time
    for _ in range(number):
        found = bytearray(octets)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(found))
            kind = chance.randrange(4)
            if kind == 0:
                del found[at]
            elif kind == 1:
                found.insert(at, chance.choice(_OCTETS))
            elif kind == 2:
                found[at] = chance.choice(_OCTETS)
            else:
                found[at] = chance.randrange(256)
        yield bytes(found)


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except InputError as error:
        return type(error), error.code, error.detail


def described(octets: bytes) -> tuple[Any, ...]:
    found = AttributeSet(octets, 0, len(octets), check_values=True)
    single = {kind: found.only(kind) for kind in found.by_type}
    values = {kind: outcome(lambda k=kind: found.values(k)) for kind in found.by_type}  # type: ignore[misc]
    return found.by_type, single, values, found.sorted, found.minimal, outcome(found.set_octets)


def test_attributes_of_a_known_shape_read_as_if_they_were_new(signed: SignedData) -> None:
    known = signed.signer(0).signed
    assert known is not None
    start, stop = known.span
    octets = signed.data[start:stop]
    assert AttributeSet(octets, 0, len(octets), check_values=True).memory is not None
    recognised = 0
    for changed in mutations(octets, 3000):
        AttributeSet(octets, 0, len(octets), check_values=True)
        recognised += attribute_set._shape_of(changed) is not None
        second = outcome(lambda c=changed: described(c))  # type: ignore[misc]
        attribute_set._remembered.clear()
        attribute_set._cuts_remembered.clear()
        assert second == outcome(lambda c=changed: described(c))  # type: ignore[misc]
    assert recognised > 50


def test_what_a_shape_says_is_not_taken_from_another_signature(signed: SignedData) -> None:
    def read(octets: bytes) -> Any:
        (found,) = parse(octets, detached=(), policy=ValidationPolicy()).signatures
        return found.level, found.findings, found.certificate_references, found.claimed_signing_time

    span = signed.signer(0).signed.span  # type: ignore[union-attr]
    before, octets, after = (signed.data[part] for part in _around(span))
    recognised = 0
    for changed in mutations(octets, 3000):
        if len(changed) != len(octets):
            continue
        whole = before + changed + after
        read(signed.data)
        recognised += attribute_set._shape_of(changed) is not None
        second = outcome(lambda w=whole: read(w))  # type: ignore[misc]
        attribute_set._remembered.clear()
        attribute_set._cuts_remembered.clear()
        certificate_references.cache_clear()
        assert second == outcome(lambda w=whole: read(w))  # type: ignore[misc]
    assert recognised > 50


def test_a_weak_reference_in_a_known_shape_still_lowers_the_level(signed: SignedData) -> None:
    known = signed.signer(0).signed
    assert known is not None
    usual = known.only_raw(oids.SIGNING_CERTIFICATE_V2)
    assert usual is not None
    _, issuer_serial = next(iter(next(iter(read_all(usual))))).items()
    names, serial = issuer_serial.items()
    sha1 = encode(SEQUENCE, encode_oid("1.3.14.3.2.26")) + encode(OCTET_STRING, bytes(20))
    for more in range(8):
        number = encode(INTEGER, b"\x01" * (len(serial.contents) + more))
        inner = encode(SEQUENCE, sha1, encode(SEQUENCE, names.raw, number))
        weak = encode(SEQUENCE, encode(SEQUENCE, inner))
        if len(weak) == len(usual):
            break
    levels = [
        parse(octets, detached=(), policy=ValidationPolicy()).signatures[0].level
        for octets in (signed.data, signed.data.replace(usual, weak))
    ]
    assert levels == ["CAdES-BASELINE-B", "CMS-NOT-ETSI"]


def _around(span: tuple[int, int]) -> tuple[slice, slice, slice]:
    return slice(0, span[0]), slice(*span), slice(span[1], None)


def test_the_usual_frame_of_a_message_reads_as_any_other(
    signed: SignedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(octets: bytes) -> Any:
        found = SignedData(octets)
        return tuple(getattr(found, name) for name in SignedData.__slots__ if name != "data")

    head, tail = signed.data[:60], signed.data[60:]
    cases = [signed.data, *(changed + tail for changed in mutations(head, 2000)), head[:30]]
    quick = [outcome(lambda c=case: read(c)) for case in cases]  # type: ignore[misc]
    monkeypatch.setattr(cms, "_TYPE", b"")
    monkeypatch.setattr(cms, "_DATA", b"?")
    assert quick == [outcome(lambda c=case: read(c)) for case in cases]  # type: ignore[misc]
    assert sum(not isinstance(item[0], type) for item in quick) > 50


@pytest.mark.parametrize("version", [1, 2])
def test_the_usual_reference_reads_as_any_other(
    signed: SignedData, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = signed.signer(0).signed
    assert known is not None
    octets = known.only_raw(oids.SIGNING_CERTIFICATE_V2)
    assert octets is not None and references._usual_reference(octets, 2) is not None
    read = certificate_references.__wrapped__
    cases = [octets, *mutations(octets, 3000)]
    quick, recognised = [], 0
    for case in cases:
        # What shares all but digest and serial number with what was read last is known by that.
        read(octets, version)
        frame = references._frames.get((len(case), version))
        recognised += frame is not None and case[: frame.digest_start] == frame.head
        quick.append(outcome(lambda c=case: read(c, version)))  # type: ignore[misc]
    assert recognised > 50
    monkeypatch.setattr(references, "_usual_reference", lambda *_: None)
    assert quick == [outcome(lambda c=case: read(c, version)) for case in cases]  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_usual_keys_are_what_their_numbers_make(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = FixturePKI(key=kind).person().certificate.spki
    assert keys.load_public_key(octets).bits in (256, 2048)
    read = keys.load_public_key.__wrapped__
    cases = [octets, *mutations(octets, 500)]

    def facts(case: bytes) -> Any:
        key = read(case)
        return key.type, key.bits, key.curve, key.native.public_numbers()

    whole = [outcome(lambda c=case: facts(c)) for case in cases]  # type: ignore[misc]
    monkeypatch.setattr(spki, "_whole_reader", lambda: None)
    assert whole == [outcome(lambda c=case: facts(c)) for case in cases]  # type: ignore[misc]
