"""Name constraints of odd shapes: what cannot be decided is refused, never passed over."""

from __future__ import annotations

import pytest
from cryptography import x509

from esign_kit.asn1.reader import SEQUENCE, encode, encode_oid
from tests.unit.trust.making import ask, holds, issue, root

UPN, MAILBOX = "1.3.6.1.4.1.311.20.2.3", "1.3.6.1.5.5.7.8.9"


def mail(text: str) -> bytes:
    return encode(0x81, text.encode())


def host(text: str) -> bytes:
    return encode(0x82, text.encode())


def uri(text: str) -> bytes:
    return encode(0x86, text.encode())


def other(oid: str, text: str) -> bytes:
    return encode(0xA0, encode_oid(oid), encode(0xA0, encode(0x0C, text.encode())))


def organisation(text: str, tag: int = 0x0C, codec: str = "utf-8") -> bytes:
    return x509_name(("2.5.4.10", tag, text.encode(codec)))


def x509_name(*pairs: tuple[str, int, bytes]) -> bytes:
    rdns = [
        encode(0x31, encode(SEQUENCE, encode_oid(oid), encode(tag, value)))
        for oid, tag, value in pairs
    ]
    return encode(0xA4, encode(SEQUENCE, *rdns))


def extension(oid: str, value: bytes, *, critical: bool) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), critical


def code(permitted: bytes | None, excluded: bytes | None, *names: bytes) -> str:
    value = b"".join(
        encode(tag, encode(SEQUENCE, base))
        for tag, base in ((0xA0, permitted), (0xA1, excluded))
        if base is not None
    )
    top = root()
    constraints = extension("2.5.29.30", encode(SEQUENCE, value), critical=True)
    ca = issue("CA", top, ca=True, extensions=[constraints])
    alternative = extension("2.5.29.17", encode(SEQUENCE, *names), critical=False)
    result = ask(issue("Leaf", ca, extensions=[alternative]), top, [ca])
    assert holds(result) is (not result.chain_code)
    return result.chain_code


BROKEN = "chain.name-constraints"


@pytest.mark.parametrize(
    ("base", "name"),
    [
        # An empty base is all names.
        (mail(""), mail("a@example.org")),
        (host(""), host("example.org")),
        (uri(""), uri("https://example.org/")),
        # Shapes that § 4.2.1.10 does not define exclude nobody knows what.
        (mail("."), mail("a@example.org")),
        (mail("@example.org"), mail("a@example.org")),
        (mail("example.org."), mail("a@example.org")),
        (host("example.org."), host("example.org")),
        (uri("."), uri("https://example.org/")),
        (uri("https://example.org/"), uri("https://example.org/")),
        # The same octets in the form that is constrained and in another reading of it.
        (other(MAILBOX, "a@example.org"), other(MAILBOX, "a@example.org")),
        (other(UPN, "a"), other(UPN, "b")),
        (mail("example.org"), other(MAILBOX, "ä@EXAMPLE.org")),
        # No URI: readers disagree on where the host ends.
        (uri("example.org"), uri("https://example.org\\@example.com/")),
    ],
)
def test_what_may_be_excluded_is_refused(base: bytes, name: bytes) -> None:
    assert code(None, base, name) == BROKEN


@pytest.mark.parametrize(
    "base", [mail("@example.org"), host("example.org."), uri("."), other(UPN, "a")]
)
def test_a_shape_that_nobody_defined_binds_its_own_form_only(base: bytes) -> None:
    assert code(None, base, encode(0x88, b"\x2a\x03")) == ""


def test_an_empty_base_of_mail_permits_none() -> None:
    assert code(mail(""), None, mail("a@example.org")) == BROKEN


@pytest.mark.parametrize(
    ("text", "tag", "codec"),
    [
        ("Straße Org", 0x0C, "utf-8"),
        ("STRASSE  org ", 0x13, "ascii"),
        ("Straße Org", 0x1E, "utf-16-be"),
        ("Straße Org", 0x14, "latin-1"),
        # RFC 4518 § 2.2: mapped to nothing, or to a blank.
        ("Stra\u200bße Org", 0x0C, "utf-8"),
        ("Stra\u00adße\u00a0Org", 0x0C, "utf-8"),
        ("\u202eStraße Org\u202c", 0x0C, "utf-8"),
        ("Straße\ufe0f Org", 0x0C, "utf-8"),
        ("Straße\tOrg", 0x0C, "utf-8"),
        ("Stra\x07sse Org", 0x13, "ascii"),
    ],
)
def test_a_directory_name_is_excluded_in_every_spelling(text: str, tag: int, codec: str) -> None:
    assert code(None, organisation("Straße Org"), organisation(text, tag, codec)) == BROKEN
    assert code(organisation("Strasse Orga"), None, organisation(text, tag, codec)) == BROKEN
