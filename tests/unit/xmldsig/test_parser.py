"""The one parser: what it refuses before libxml2 sees it, and what it costs at most."""

from __future__ import annotations

import random
import re
import time

import pytest

from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.model.limits import Limits
from esign_kit.xmldsig import names
from esign_kit.xmldsig.parser import _long_tags, looks_like_xml, parse

LIMITS = Limits()


def code_of(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(InputError) as caught:
        parse(data, limits)
    return caught.value.code


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE a><a/>",
        b"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE a []><a/>",
        b"<?pi <a> ?><!DOCTYPE a><a/>",
        b"<!-- <a/> --><!DOCTYPE a SYSTEM 'http://127.0.0.1/x'><a/>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
        "\ufeff<!DOCTYPE a><a/>".encode(),
        "<!DOCTYPE a><a/>".encode("utf-16-be"),
    ],
)
def test_a_document_type_declaration_is_refused(data: bytes) -> None:
    assert code_of(data) == "xml.doctype"


def test_the_word_doctype_in_content_is_ordinary() -> None:
    root = parse(b"<a><![CDATA[<!DOCTYPE html>]]><!-- <!DOCTYPE b> --></a>", LIMITS).root
    assert root.text == "<!DOCTYPE html>"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_encodings_are_one_document(codec: str) -> None:
    assert parse("<аты>Айгүл</аты>".encode(codec), LIMITS).root.text == "Айгүл"


def test_declared_utf16_is_taken_at_its_word() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><a>é</a>'
    assert parse(text.encode("utf-16"), LIMITS).root.text == "é"
    lying = '<?xml version="1.0" encoding="UTF-8"?><a/>'
    assert code_of(lying.encode("utf-16")) == "xml.encoding"


@pytest.mark.parametrize("name", ["iso-8859-1", "ISO-8859-5", "windows-1251"])
def test_older_single_octet_encodings_are_read(name: str) -> None:
    letter = "é" if name.endswith("-1") else "Ж"
    data = f'<?xml version="1.0" encoding="{name}"?><a>{letter}</a>'.encode(name)
    assert parse(data, LIMITS).root.text == letter


@pytest.mark.parametrize("name", ["UTF-7", "EBCDIC-CP-US", "UTF-32", "shift_jis", "hz-gb-2312"])
def test_other_encodings_are_refused(name: str) -> None:
    data = f'<?xml version="1.0" encoding="{name}"?><a/>'.encode()
    with pytest.raises(UnsupportedError):
        parse(data, LIMITS)


def test_a_byte_order_mark_and_another_encoding_contradict() -> None:
    data = b'\xef\xbb\xbf<?xml version="1.0" encoding="iso-8859-1"?><a/>'
    assert code_of(data) == "xml.encoding"


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"<a>", b"<a/><b/>", b"<a/>x", b"<a b='1' b='2'/>", b"<p:a/>", b"<a>&x;</a>",
     b"<a>\x00</a>", b"<a>\xff</a>", b"<?xml encoding='utf-8'?><a/>", b"<a xmlns:p='x y'/>"],
)  # fmt: skip
def test_malformed_input_is_an_input_error(data: bytes) -> None:
    assert code_of(data).startswith("xml.")


def test_depth_is_bounded() -> None:
    assert parse(b"<a>" * 256 + b"</a>" * 256, LIMITS).root is not None
    with pytest.raises(LimitError):
        parse(b"<a>" * 257 + b"</a>" * 257, LIMITS)
    with pytest.raises(LimitError):
        parse(b"<a>" * 100_000, LIMITS)
    with pytest.raises(LimitError):
        parse(b"<a>" * 11 + b"</a>" * 11, LIMITS.with_(xml_depth=10))


def test_a_huge_text_does_not_lift_the_depth_limit() -> None:
    text = b"x" * 10_100_000
    assert parse(b"<a>" + text + b"</a>", LIMITS).root is not None
    with pytest.raises(LimitError):
        parse(b"<a>" * 300 + text + b"</a>" * 300, LIMITS)


@pytest.mark.parametrize("value", ["x", "/", "a>b", "!?"])
def test_attributes_are_bounded_before_canonicalisation(value: str) -> None:
    def tag(count: int) -> bytes:
        return ("<a " + " ".join(f'b{n}="{value}"' for n in range(count)) + "/>").encode()

    assert parse(tag(512), LIMITS).root is not None
    with pytest.raises(LimitError):
        parse(tag(520), LIMITS)


def test_long_text_is_not_taken_for_attributes() -> None:
    assert parse(b"<a>" + b"b='c' " * 5000 + b"</a>", LIMITS).root is not None


def test_namespaces_in_scope_are_bounded_by_what_they_cost() -> None:
    scope = " ".join(f'xmlns:a{n}="urn:x{n}"' for n in range(1000))
    started = time.perf_counter()
    with pytest.raises(LimitError):
        parse(f"<a {scope}>{'<b/>' * 2000}</a>".encode(), LIMITS)
    assert time.perf_counter() - started < 1
    each = "".join(f'<b xmlns="urn:{n}"/>' for n in range(20_000))
    assert parse(f"<a>{each}</a>".encode(), LIMITS).root is not None


def test_sizes_and_elements_are_bounded() -> None:
    with pytest.raises(LimitError):
        parse(b"<a/>" + b" " * 100, LIMITS.with_(signature_size=64))
    with pytest.raises(LimitError):
        parse(b"<a>" + b"<b/>" * 50 + b"</a>", LIMITS.with_(xml_elements=20))


@pytest.mark.parametrize("padding", [0, 200_000])
def test_every_spelling_of_an_id_counts(padding: int) -> None:
    data = (
        '<r xmlns:wsu="{wsu}"><a Id="i1"/><b ID="i2"/><c id="i3"/><d xml:id="i4"/>'
        '<e wsu:Id="i5"/><f AssertionID="i6"/><g Id="twice"/><h xml:id="twice"/><k name="i7"/>'
        "<!-- Id=&quot;i8&quot; -->{space}</r>"
    ).format(wsu=names.WSU, space=" " * padding)
    document = parse(data.encode(), LIMITS)
    for number, tag in enumerate("abcdef", 1):
        assert [e.tag for e in document.elements_with_id(f"i{number}")] == [tag]
    assert len(document.elements_with_id("twice")) == 2
    assert document.elements_with_id("i7") == []
    assert document.elements_with_id("i8") == []
    assert document.elements_with_id("none") == []


def test_a_second_holder_cannot_hide_behind_a_character_reference() -> None:
    document = parse(b'<r Id="one"><a ID="&#111;ne"/></r>', LIMITS)
    assert len(document.elements_with_id("one")) == 2


def test_quotes_in_an_id_are_no_way_into_the_search() -> None:
    document = parse(b"<r Id=\"x' or '1'='1\"/>", LIMITS)
    assert document.elements_with_id("y' or '1'='1") == []
    assert len(document.elements_with_id("x' or '1'='1")) == 1


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"<a/>", True),
        (b"\xef\xbb\xbf <a/>", True),
        (b"0\x82", False),
        (b"%PDF", False),
        (b"", False),
    ],
)
def test_sniffing(data: bytes, answer: bool) -> None:
    assert looks_like_xml(data) is answer


def test_long_tags_are_found_by_long_steps() -> None:
    chance = random.Random(3)  # the same cases each time
    found = 0
    for _ in range(3000):
        size = chance.randint(1, 12)
        octets = bytes(chance.choices(b"<ab", (1, 6, 6), k=chance.randint(0, 60)))
        expected = re.findall(rb"<[^<]{%d,}" % size, octets)
        assert list(_long_tags(octets, size)) == expected
        found += len(expected)
    assert found > 500


def test_attributes_are_counted_wherever_the_long_tag_stands() -> None:
    limits = Limits(xml_attributes=3)
    few, many = b'<a b="" c="" d=""/>', b'<a b="" c="" d="" e=""/>'
    assert parse(b"<r>" + few * 5 + b"</r>", limits).root.tag == "r"
    for place in range(6):
        octets = b"<r>" + few * place + many + few * (5 - place) + b"</r>"
        with pytest.raises(LimitError) as caught:
            parse(octets, limits)
        assert caught.value.code == "xml.too-many-attributes"
