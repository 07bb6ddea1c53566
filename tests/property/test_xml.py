"""XML under mutation: flipped covered bits, broken octets, and documents nobody foresaw."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

import esign_kit as ek
from esign_kit.algorithms import digest_algorithm
from esign_kit.model.limits import Limits
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import TransformRule, ValidationPolicy
from esign_kit.xmldsig.c14n import EXCLUSIVE, INCLUSIVE, canonicalize
from esign_kit.xmldsig.parser import parse as parse_xml
from tests.unit.xmldsig.helpers import fatal, signatures, states, value_verifies

AT = datetime(2026, 11, 1, 12, 30, 5, tzinfo=UTC)
XML = (
    "<өтініш xmlns='urn:a' xmlns:p='urn:p'><p:аты>Айгүл</p:аты><!-- c --><сома>1500</сома></өтініш>"
)
POLICY = ValidationPolicy()
XPATH = ValidationPolicy(transforms=TransformRule.XPATH)
WRITTEN = XML.replace("'", '"').replace("<!-- c -->", "")
"""In canonical form: hashed as it stands, without a canonicalisation."""
PACKAGINGS = ["enveloped", "written", "enveloping", "internally-detached"]


@lru_cache
def made(packaging: str) -> bytes:
    key = FixturePKI(key="ec").person().key
    text = WRITTEN if packaging == "written" else XML
    document = ek.Document(text.encode(), name="өтініш.xml")
    packaging = "enveloped" if packaging == "written" else packaging
    return ek.sign(document, key, format="xades", packaging=packaging, signing_time=AT)


def binds(signature: Any) -> bool:
    """Return whether the first certificate is the one that the signed properties name."""
    (reference, *_) = signature.certificate_references or (None,)
    if reference is None or reference.digest_algorithm is None or not signature.certificates:
        return False
    digest = digest_algorithm(reference.digest_algorithm)
    return bool(digest.hash(signature.certificates[0]) == reference.digest)


def good(data: bytes) -> list[tuple[Any, ...]]:
    """Return what the cryptography of a file says: signer and covered octets of what holds."""
    found = []
    for signature in signatures(data, POLICY):
        ok = not fatal(signature) and value_verifies(signature) and binds(signature)
        kept: list[Any] = []
        coverage: list[str] = []
        for reference in signature.references:
            for octets, scope in reference.resolve():
                kept.append(octets)
                coverage.append(str(scope.coverage))
        whole = all(state.startswith("OK") for state in states(signature))
        found.append((ok and whole, signature.certificates[:1], tuple(kept), coverage))
    return found


@pytest.mark.parametrize("packaging", PACKAGINGS)
@settings(max_examples=150)
@given(data=st.data())
def test_a_flipped_bit_never_passes_for_something_else(packaging: str, data: st.DataObject) -> None:
    """What still holds after a flip covers the same octets by the same certificate."""
    signed = made(packaging)
    before = good(signed)
    assert before[0][0]
    place = data.draw(st.integers(0, 8 * len(signed) - 1))
    changed = bytearray(signed)
    changed[place // 8] ^= 1 << place % 8
    try:
        after = good(bytes(changed))
    except ek.InputError:
        return
    for holds, certificates, kept, coverage in after:
        if holds:
            assert (certificates, kept) == (before[0][1], before[0][2])
            # What a reader sees may have grown around it; then coverage says so.
            assert all(now in (then, "PARTIAL") for now, then in zip(coverage, before[0][3]))


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_a_letter_of_the_content_is_covered(packaging: str) -> None:
    signed = made(packaging)
    text = b"1500" if packaging in ("enveloped", "written") else None
    if text is None:
        start = signed.index(b'xmldsig#base64" Id=')
        place = signed.index(b">", start) + 5
    else:
        place = signed.index(text)
    changed = bytearray(signed)
    changed[place] ^= 1
    (found, *_) = good(bytes(changed))
    assert not found[0]


def test_the_written_form_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    before = good(made("written"))
    monkeypatch.setattr("esign_kit.xmldsig.transforms.canonicalize_document", None)
    after = good(made("written"))
    assert before == after
    assert after[0][0]
    assert after[0][2][0] == WRITTEN.encode()


def read_within_a_second(data: bytes, policy: ValidationPolicy) -> None:
    started = time.perf_counter()
    try:
        for signature in signatures(data, policy):
            states(signature)
            assert signature.structure is not None
            assert all(signature.structure())
            for stamp in signature.timestamps:
                stamp.imprint()
    except ek.InputError:
        pass
    # Three seconds for a machine that is busy with other work; the promise is one.
    assert time.perf_counter() - started < 3


@settings(max_examples=200)
@given(
    st.sampled_from(PACKAGINGS),
    st.lists(st.tuples(st.integers(0, 100_000), st.binary(max_size=6), st.integers(0, 40))),
)
def test_mutated_octets_end_in_a_verdict_or_an_input_error(
    packaging: str, edits: list[tuple[int, bytes, int]]
) -> None:
    data = made(packaging)
    for place, new, length in edits:
        at = place % (len(data) + 1)
        data = data[:at] + new + data[at + length :]
    read_within_a_second(data, XPATH)


PIECES = [
    b"<ds:Reference", b"</ds:Reference>", b"<ds:Transforms>", b'URI="', b'Id="', b"#xpointer(/)",
    b"<!-- x -->", b"<![CDATA[x]]>", b"<?x y?>", b"<!DOCTYPE x>", b"&#x0;", b"&amp;", b'xmlns=""',
    b"http://www.w3.org/2000/09/xmldsig#base64", b"http://www.w3.org/TR/1999/REC-xpath-19991116",
    b"<ds:Object>", b"</ds:Object>", b"<ds:Signature>", b"</ds:Signature>", b'Encoding="x"',
    b"<ds:Manifest>", b"</ds:Manifest>", b'xml:base="../x"', b"\xff\xfe", b"\x00", b'"', b">", b"<",
]  # fmt: skip


@settings(max_examples=200)
@given(
    st.sampled_from(PACKAGINGS),
    st.lists(st.tuples(st.sampled_from(PIECES), st.integers(0, 100_000)), max_size=6),
    st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 100_000)), max_size=3),
)
def test_spliced_structures_end_in_a_verdict_or_an_input_error(
    packaging: str, pieces: list[tuple[bytes, int]], moves: list[tuple[int, int]]
) -> None:
    data = made(packaging)
    for piece, place in pieces:
        at = data.find(b"<", place % len(data))
        data = data[:at] + piece + data[at:]
    for source, target in moves:
        # Move a whole element to another place.
        start = data.find(b"<ds:", source % len(data))
        end = data.find(b"</ds:", start)
        if 0 <= start < end:
            cut = data[start:end]
            data = data[:start] + data[end:]
            at = data.find(b"<", target % len(data))
            data = data[:at] + cut + data[at:]
    read_within_a_second(data, XPATH)


@settings(max_examples=200)
@given(st.binary(max_size=300))
@example(b"\xff\xfe<")
@example(b"<\x00?\x00")
@example(b"<?xml version='1.0' encoding='utf-16'?><a/>")
def test_random_octets_end_in_an_input_error(data: bytes) -> None:
    for start in (b"", b"<", b"\xff\xfe", b"<?xml "):
        with pytest.raises(ek.InputError):
            signatures(start + data, POLICY)


NAMES = st.text(st.characters(categories=("Lu", "Ll"), max_codepoint=0x4FF), min_size=1, max_size=6)
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), include_characters="\n\t"), max_size=20
)


def escape(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    name = draw(NAMES)
    attributes = "".join(
        f' {key}="{escape(value)}"'
        for key, value in draw(st.dictionaries(NAMES, TEXTS, max_size=2)).items()
    )
    space = draw(st.sampled_from(["", ' xmlns="urn:a"', ' xmlns=""', ' xmlns:q="urn:q"']))
    inside = escape(draw(TEXTS))
    if depth:
        for child in draw(st.lists(documents(depth=depth - 1), max_size=2)):
            inside += child + escape(draw(TEXTS))
    return f"<{name}{attributes}{space}>{inside}</{name}>"


@settings(max_examples=60)
@given(documents())
def test_any_document_survives_being_signed_twice(source: str) -> None:
    """The document is the same to a reader, and both signatures hold."""
    try:
        parsed = parse_xml(source.encode(), Limits())
    except ek.InputError:
        return
    key = signer()
    signed = ek.sign(
        ek.Document(source.encode()), key, format="xades", packaging="enveloped", signing_time=AT
    )
    document = ek.Document(source.encode())
    twice = ek.sign(document, key, format="xades", packaging="enveloped", existing=signed)
    for data, count in ((signed, 1), (twice, 2)):
        found = good(data)
        assert [row[0] for row in found] == [True] * count
        assert found[0][2][0] == canonicalize(parsed.root, INCLUSIVE)


@lru_cache
def signer() -> Any:
    return FixturePKI(key="ec").person().key


@settings(max_examples=60)
@given(documents())
def test_parts_are_canonical_wherever_they_stand(source: str) -> None:
    """The exclusive form of a part is the same in place and cut out."""
    try:
        parsed = parse_xml(source.encode(), Limits())
    except ek.InputError:
        return
    for element in parsed.root.iter("*"):
        alone = canonicalize(element, EXCLUSIVE)
        again = parse_xml(alone, Limits()).root
        assert canonicalize(again, EXCLUSIVE) == alone
