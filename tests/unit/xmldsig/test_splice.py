"""The file without its signature, taken as it stands: each condition, broken, takes the long way.

A file whose rest is *not* in canonical form, with the digest of that rest as it stands, tells which
way was taken: only the short one finds that digest right.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from typing import Any

import pytest

from esign_kit.errors import InputError
from esign_kit.trust.policy import TransformRule, ValidationPolicy
from esign_kit.xmldsig import names
from esign_kit.xmldsig.c14n import INCLUSIVE, canonicalize_document
from esign_kit.xmldsig.parser import parse
from tests.unit.xmldsig.helpers import covered, fatal, signatures, states

POLICY = ValidationPolicy()
XPATH = ValidationPolicy(transforms=TransformRule.XPATH)
ENVELOPED = f'<ds:Transform Algorithm="{names.T_ENVELOPED}"/>'
C14N = f'<ds:Transform Algorithm="{names.C14N_10}"/>'
EXCLUSIVE = f'<ds:Transform Algorithm="{names.C14N_EXCLUSIVE}"/>'
BASE64 = f'<ds:Transform Algorithm="{names.T_BASE64}"/>'
LOOSE = '<b  y="1"></b>'
"""Not canonical, and not seen to be: with its digest as it stands only the short way agrees."""


def subtract(path: str) -> str:
    return (
        f'<ds:Transform Algorithm="{names.T_FILTER2}"><f:XPath xmlns:f="{names.FILTER2}" '
        f'Filter="subtract">{path}</f:XPath></ds:Transform>'
    )


def xpath(expression: str) -> str:
    inner = f"<ds:XPath>{expression}</ds:XPath>"
    return f'<ds:Transform Algorithm="{names.T_XPATH}">{inner}</ds:Transform>'


def signature(
    covered_octets: bytes,
    *,
    transforms: str = ENVELOPED + C14N,
    uri: str = "",
    space: str = f' xmlns:ds="{names.DS}"',
    held: str = "",
    digest: str = "http://www.w3.org/2001/04/xmlenc#sha256",
) -> str:
    value = b2a_base64(hashlib.sha256(covered_octets).digest(), newline=False).decode()
    return (
        f"<ds:Signature{space}><ds:SignedInfo>"
        f'<ds:CanonicalizationMethod Algorithm="{names.C14N_EXCLUSIVE}"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f'<ds:Reference URI="{uri}"><ds:Transforms>{transforms}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{digest}"/>'
        f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        f"<ds:SignatureValue>AA==</ds:SignatureValue>{held}</ds:Signature>"
    )


def file(before: str, after: str, **options: Any) -> bytes:
    """A file whose reference has the digest of what stands around the signature."""
    whole = (before + after).encode()
    return (before + signature(whole, **options) + after).encode()


def canonical(before: str, after: str, **options: Any) -> bytes:
    """The same file with the digest of the canonical form of what stands around it."""
    document = parse((before + after).encode(), POLICY.limits)
    octets = canonicalize_document(document.root, INCLUSIVE)
    return (before + signature(octets, **options) + after).encode()


def only(data: bytes, policy: ValidationPolicy = POLICY) -> list[str]:
    (found,) = signatures(data, policy)
    return states(found)


@pytest.fixture
def no_canonicalisation(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> bytes:
        raise InputError("the long way", code="test.long-way")

    monkeypatch.setattr("esign_kit.xmldsig.transforms.canonicalize_document", refuse)
    monkeypatch.setattr("esign_kit.xmldsig.transforms.canonicalize", refuse)


REMOVALS = [
    ENVELOPED,
    ENVELOPED + C14N,
    ENVELOPED + EXCLUSIVE,
    subtract("/descendant::ds:Signature") + C14N,
    subtract("/*/ds:Signature") + C14N,
    subtract("here()/ancestor::ds:Signature[1]") + C14N,
    xpath("not(ancestor-or-self::ds:Signature)") + C14N,
    xpath("not(ancestor-or-self::ds:Signature)") + ENVELOPED + C14N,
]


@pytest.mark.usefixtures("no_canonicalisation")
@pytest.mark.parametrize("transforms", REMOVALS)
def test_a_canonical_file_is_hashed_as_it_stands(transforms: str) -> None:
    data = file('<a x="1">өтініш ', "<b></b></a>", transforms=transforms)
    (found,) = signatures(data, POLICY)
    assert states(found) == ["OK FULL"]
    assert covered(found) == '<a x="1">өтініш <b></b></a>'.encode()


@pytest.mark.usefixtures("no_canonicalisation")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<?xml version="1.0" encoding="UTF-8"?>', ""),
        ('<?xml version="1.0"?>\n', "\n"),
        ("\n ", " \n"),
        ("\ufeff", ""),
    ],
)
def test_what_stands_around_the_root_is_not_covered(before: str, after: str) -> None:
    text = signature(b"<a>1</a>")
    (found,) = signatures(f"{before}<a>1{text}</a>{after}".encode(), POLICY)
    assert states(found) == ["OK FULL"]
    assert covered(found) == b"<a>1</a>"


@pytest.mark.parametrize("start", ["<?xml version='1.1'?>", "<?x 1.0?>", "<?xml-x 1.0?>"])
def test_another_start_takes_the_long_way(start: str) -> None:
    text = signature(f"<a>{LOOSE}</a>".encode())
    assert only(f"{start}<a>{LOOSE}{text}</a>".encode()) == ["MISMATCH"]
    for part in (b"</a>", b"<a>"):
        text = signature(part)
        assert only(f"{start}<a>{text}</a>".encode()) == ["MISMATCH"]


@pytest.mark.usefixtures("no_canonicalisation")
def test_the_id_of_the_root_names_the_whole_document() -> None:
    assert only(file('<a Id="r">1', "</a>", uri="#r")) == ["OK FULL"]


@pytest.mark.usefixtures("no_canonicalisation")
def test_names_that_only_begin_alike_are_others() -> None:
    before = f'<a xmlns:ds="{names.DS}"><ds:SignatureProperty></ds:SignatureProperty>'
    after = "<ds:Signatur></ds:Signatur><ds:SignatureProperty></ds:SignatureProperty></a>"
    assert only(file(before, after, space="")) == ["OK FULL"]


@pytest.mark.usefixtures("no_canonicalisation")
def test_without_a_prefix_too() -> None:
    text = signature(b"<a></a>").replace("ds:", "").replace("xmlns:ds", "xmlns")
    text = text.replace('xmlns:ds="', 'xmlns="')
    text = text.replace("<Signature xmlns:ds=", "<Signature xmlns=")
    assert only(f"<a>{text}</a>".encode()) == ["OK FULL"]


def test_a_changed_letter_takes_the_long_way_and_fails() -> None:
    data = file("<a>1500", "</a>")
    assert only(data.replace(b"1500", b"1501")) == ["MISMATCH"]


def test_a_signature_that_moved_to_another_place_covers_the_same_document() -> None:
    """Where an enveloped signature stands is not signed; the octets around it are."""
    text = signature(b"<a><b></b><c></c></a>")
    for data in (
        f"<a><b>{text}</b><c></c></a>",
        f"<a><b></b>{text}<c></c></a>",
        f"<a><b></b><c></c>{text}</a>",
    ):
        assert only(data.encode()) == ["OK FULL"]
    assert only(f"<a><b>{text}</b><c> </c></a>".encode()) == ["MISMATCH"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<a><!-- c -->", "</a>"),
        ("<a>", "<!-- c --></a>"),
        ("<a>", "<![CDATA[x]]></a>"),
        ("<?xml version='1.0'?><a>", "</a>"),
        ('<?xml version="1.0" encoding="UTF-8"?><a>', "</a>"),
        (" <a>", "</a>"),
        ("<a>", "</a>\n"),
        ("<a>\r\n", "</a>"),
        ("<a>&#65;", "</a>"),
        ('<a x="&#x41;">', "</a>"),
        ("<a><b/>", "</a>"),
        ("<a x='1'>", "</a>"),
        # Something that looks like the signature, before and behind it.
        ("<a><!--<ds:Signature></ds:Signature>-->", "</a>"),
        ("<a><![CDATA[<ds:Signature></ds:Signature>]]>", "</a>"),
        ("<a><?x <ds:Signature></ds:Signature>?>", LOOSE + "</a>"),
        ("<a>", "<!--</ds:Signature>--></a>"),
    ],
)
def test_what_is_not_canonical_takes_the_long_way(before: str, after: str) -> None:
    assert only(file(before, after)) == ["MISMATCH"]
    assert only(canonical(before, after)) == ["OK FULL"]


def test_a_processing_instruction_takes_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file("<a><?x y?>", "</a>")
    assert only(data) == ["OK FULL"]
    monkeypatch.setattr(
        "esign_kit.xmldsig.transforms.canonicalize_document", lambda *_: b"something else"
    )
    assert only(data) == ["MISMATCH"]


def test_a_comment_inside_the_signature_takes_the_long_way() -> None:
    # The comment could hold the end tag that a search would find.
    held = "<ds:Object><!-- </ds:Signature> --></ds:Object>"
    assert only(file("<a>", LOOSE + "</a>", held=held)) == ["MISMATCH"]
    assert only(canonical("<a>", LOOSE + "</a>", held=held)) == ["OK FULL"]


def test_another_element_with_that_name_takes_the_long_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = '<ds:Signature xmlns:ds="urn:other">1</ds:Signature>'
    for data in (file(f"<a>{other}", "</a>"), file("<a>", f"{other}</a>")):
        assert only(data) == ["OK FULL"]
    monkeypatch.setattr(
        "esign_kit.xmldsig.transforms.canonicalize_document", lambda *_: b"something else"
    )
    for data in (file(f"<a>{other}", "</a>"), file("<a>", f"{other}</a>")):
        assert only(data) == ["MISMATCH"]


def test_two_signatures_take_the_long_way() -> None:
    loose = f"<a>{LOOSE}</a>".encode()
    first = signature(loose, transforms=subtract("/descendant::ds:Signature") + C14N)
    data = f"<a>{LOOSE}{first}{first}</a>".encode()
    assert [states(found) for found in signatures(data, POLICY)] == [["MISMATCH"], ["MISMATCH"]]


def test_two_signatures_with_two_prefixes_take_the_long_way() -> None:
    other = f'<s:Signature xmlns:s="{names.DS}"></s:Signature>'
    data = file("<a>", f"{LOOSE}{other}</a>")
    assert states(signatures(data, POLICY)[0]) == ["MISMATCH"]


def test_another_digest_takes_the_long_way() -> None:
    assert only(canonical("<a>", LOOSE + "</a>")) == ["OK FULL"]


def test_a_signature_inside_the_signature_takes_the_long_way() -> None:
    inner = signature(b"<a></a>")
    data = file("<a>", f"{LOOSE}</a>", held=f"<ds:Object>{inner}</ds:Object>")
    assert states(signatures(data, POLICY)[0]) == ["MISMATCH"]


def test_a_signature_that_is_the_root_covers_nothing() -> None:
    assert only(file("", "")) == ["NOT FOUND"]


@pytest.mark.parametrize(
    "transforms",
    [
        C14N,
        ENVELOPED + C14N + C14N,
        C14N + xpath("not(ancestor-or-self::ds:Signature)"),
        ENVELOPED + BASE64,
        ENVELOPED + C14N + BASE64,
        subtract("/*/*/ds:Signature") + C14N,
        subtract("/descendant::ds:Object") + C14N,
        xpath("not(ancestor-or-self::ds:Signature) and not(self::secret)") + C14N,
    ],
)
def test_other_transforms_take_the_long_way(transforms: str) -> None:
    data = file("<a>", LOOSE + "</a>", transforms=transforms)
    assert only(data, XPATH) != ["OK FULL"]
    assert not any(state.startswith("OK") for state in only(data, POLICY))


def test_a_part_is_not_the_whole() -> None:
    before, after = '<r><a Id="p">', f"{LOOSE}</a></r>"
    data = (before + signature(f'<a Id="p">{LOOSE}</a>'.encode(), uri="#p") + after).encode()
    assert only(data) == ["MISMATCH"]
    data = (before + signature((before + after).encode(), uri="#p") + after).encode()
    assert only(data) == ["MISMATCH"]


def test_what_the_parser_refuses_is_refused_whatever_the_digest() -> None:
    for before, after, code in (
        ("<!DOCTYPE a><a>", "</a>", "xml.doctype"),
        ("<a><b>", "</a>", "xml.malformed"),
        ("<a>", "</a><a></a>", "xml.malformed"),
        ("<a>" * 300, "</a>" * 300, "xml.too-deep"),
    ):
        with pytest.raises(InputError) as caught:
            signatures(file(before, after), POLICY)
        assert caught.value.code == code


def test_an_id_that_stands_twice_is_refused_whatever_the_digest() -> None:
    (found,) = signatures(file('<a Id="r"><b Id="r"></b>', "</a>", uri="#r"), POLICY)
    assert fatal(found) == ["xml.duplicate-id"]
    assert states(found) == ["xml.duplicate-id"]


def test_an_unknown_digest_is_never_right() -> None:
    assert only(file("<a>", "</a>", digest="urn:unknown")) == ["algorithm"]


def test_what_is_loose_but_unseen_is_still_what_was_signed() -> None:
    """Order of attributes and needless space are not looked for: the digest decides."""
    for before, after in (('<a  y="1" x="2">', "</a>"), ("<a>", LOOSE + "</a>")):
        (found,) = signatures(file(before, after), POLICY)
        assert states(found) == ["OK FULL"]
        assert covered(found) == (before + after).encode()


def test_the_work_of_hashing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("esign_kit.xmldsig.parser._FREE_WORK", 0)
    monkeypatch.setattr("esign_kit.xmldsig.parser._WORK_FACTOR", 0)
    assert only(file("<a>", "</a>")) == ["xml.too-much-work"]
