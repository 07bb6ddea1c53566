"""CMS under mutation: a flipped covered bit is noticed, and no input escapes the typed errors."""

from __future__ import annotations

import contextlib
import time
from functools import cache

import pytest
from hypothesis import given, strategies as st

import esign_kit as ek
from esign_kit.asn1.cms import SignedData
from esign_kit.cades.parse import parse, recognises
from esign_kit.errors import InputError
from esign_kit.model.document import Document
from esign_kit.model.signature import ParsedSignature
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import ValidationPolicy

CONTENT = b"an application for a licence, page one of one"
POLICY = ValidationPolicy()


@cache
def pki() -> FixturePKI:
    return FixturePKI(key="ec")


@cache
def signed(packaging: str) -> bytes:
    """Two signers, so that both have something to lose."""
    first = pki().person().sign(CONTENT, packaging=packaging)
    return pki().employee().sign(CONTENT, packaging=packaging, existing=first)


def verify(data: bytes, content: bytes | None) -> ek.VerificationReport:
    return ek.verify(
        data,
        detached=() if content is None else (Document(content),),
        trust=pki().trust,
        at=pki().now,
        policy=POLICY.with_(revocation=ek.Revocation.NOT_CHECKED),
    )


def touch_everything(data: bytes, *detached: Document) -> None:
    """Read all that is lazy; only InputError may come out."""
    try:
        document = parse(data, detached=detached, policy=POLICY)
    except InputError:
        return
    pending = list(document.signatures)
    assert pending
    while pending:
        signature = pending.pop()
        assert isinstance(signature, ParsedSignature)
        pending += signature.counter_signatures
        dict(signature.signed_attributes)
        dict(signature.unsigned_attributes)
        for reference in signature.references:
            for _ in reference.resolve():
                pass
        for stamp in signature.timestamps:
            with contextlib.suppress(InputError):
                stamp.imprint()


def covered(packaging: str) -> list[tuple[int, int]]:
    """Spans of the octets that each signer's value depends on."""
    message = SignedData(signed(packaging))
    spans = []
    for signer in message.signers():
        assert signer.signed is not None
        spans.append(signer.signed.span)
        spans.append((signer.signature_stop - len(signer.signature), signer.signature_stop))
    if message.content_span is not None:
        spans.append(message.content_span)
    return spans


@pytest.mark.parametrize("packaging", ["attached", "detached"])
def test_unchanged_it_passes(packaging: str) -> None:
    report = verify(signed(packaging), CONTENT if packaging == "detached" else None)
    assert report.indication is ek.Indication.TOTAL_PASSED
    assert len(report.signatures) == 2


@given(st.data())
@pytest.mark.parametrize("packaging", ["attached", "detached"])
def test_a_flipped_covered_bit_never_passes(packaging: str, data: st.DataObject) -> None:
    start, stop = data.draw(st.sampled_from(covered(packaging)))
    position = data.draw(st.integers(start, stop - 1))
    changed = bytearray(signed(packaging))
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    content = CONTENT if packaging == "detached" else None
    try:
        report = verify(bytes(changed), content)
    except InputError:
        return
    assert report.indication is not ek.Indication.TOTAL_PASSED


@given(st.permutations(range(4)), st.booleans())
def test_the_order_of_certificates_and_signers_changes_nothing(order, swap: bool) -> None:
    from esign_kit.asn1.reader import encode, encode_oid

    message = SignedData(signed("attached"))
    data = message.data
    certificates = [message.certificates[i] for i in order if i < len(message.certificates)]
    assert sorted(certificates) == sorted(message.certificates)
    signers = [data[start:stop] for start, stop in message.signer_spans]
    start, stop = message.encapsulated_span
    body = [
        b"\x02\x01\x01",
        encode(0x31, b"".join(message.digest_algorithms)),
        data[start:stop],
        encode(0xA0, b"".join(certificates)),
        encode(0x31, b"".join(reversed(signers) if swap else signers)),
    ]
    inner = encode(0xA0, encode(0x30, *body))
    report = verify(encode(0x30, encode_oid("1.2.840.113549.1.7.2") + inner), None)
    assert report.indication is ek.Indication.TOTAL_PASSED


@given(st.integers(0, len(CONTENT) * 8 - 1))
def test_a_flipped_bit_of_detached_content_never_passes(bit: int) -> None:
    changed = bytearray(CONTENT)
    changed[bit // 8] ^= 1 << bit % 8
    report = verify(signed("detached"), bytes(changed))
    assert report.indication is not ek.Indication.TOTAL_PASSED


@given(st.data())
@pytest.mark.parametrize("packaging", ["attached", "detached"])
def test_mutated_octets_end_in_a_reading_or_an_input_error(
    packaging: str, data: st.DataObject
) -> None:
    octets = bytearray(signed(packaging))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(octets) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "double", "insert", "truncate"]))
        length = data.draw(st.integers(1, 40))
        if kind == "set":
            octets[position] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del octets[position : position + length]
        elif kind == "double":
            octets[position:position] = octets[position : position + length]
        elif kind == "insert":
            octets[position:position] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            del octets[position:]
        if not octets:
            break
    begin = time.perf_counter()
    touch_everything(bytes(octets), Document(CONTENT))
    assert time.perf_counter() - begin < 1


@given(st.binary(max_size=400))
def test_random_octets_end_in_a_reading_or_an_input_error(data: bytes) -> None:
    recognises(data)
    touch_everything(data)
    # The same behind a head that looks right.
    head = bytes.fromhex("308006092a864886f70d010702a080308002010131800000")
    touch_everything(head + data)


_leaf = st.tuples(st.sampled_from([2, 4, 5, 6, 0x17, 0x80, 0x0C]), st.binary(max_size=12))
_tree = st.recursive(
    _leaf,
    lambda inner: st.tuples(
        st.sampled_from([0x30, 0x31, 0xA0, 0xA1, 0x24]), st.lists(inner, max_size=5)
    ),
    max_leaves=30,
)


def _write(node, indefinite: bool) -> bytes:
    from esign_kit.asn1.reader import encode

    tag, inner = node
    if isinstance(inner, bytes):
        return encode(tag, inner)
    body = b"".join(_write(item, indefinite) for item in inner)
    return bytes((tag, 0x80)) + body + b"\x00\x00" if indefinite else encode(tag, body)


@given(st.lists(_tree, max_size=6), st.booleans())
def test_any_structure_inside_signed_data(parts, indefinite: bool) -> None:
    from esign_kit.asn1.reader import encode, encode_oid

    body = b"".join(_write(part, indefinite) for part in parts)
    version = b"\x02\x01\x01"
    inner = encode(0xA0, encode(0x30, version + body))
    touch_everything(encode(0x30, encode_oid("1.2.840.113549.1.7.2") + inner))


@given(st.lists(_tree, max_size=4), st.lists(_tree, max_size=4), st.sampled_from(range(46)))
def test_any_structure_inside_attributes(signed_values, unsigned_values, number: int) -> None:
    from esign_kit.asn1.reader import encode
    from esign_kit.cades import oids
    from tests.unit.cades import maker

    kinds = list(oids.NAMES)
    kind = kinds[number % len(kinds)]

    def attribute(values) -> bytes:
        return maker.attribute(kind, *(_write(value, indefinite=False) for value in values))

    assert encode(0x30, b"") == b"\x30\x00"
    data = maker.message(
        maker.signer([*maker.usual(), attribute(signed_values)], [attribute(unsigned_values)])
    )
    touch_everything(data)
