"""Sign → verify for every format × packaging × algorithm, and what a flipped bit does to it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

import esign_kit as ek
from esign_kit.testing import FixturePKI

KINDS = ("rsa", "p256", "p384", "p521", "brainpool", "ed25519", "ed448", "ml-dsa-65")
PACKAGINGS = (
    ("cades", "attached"),
    ("cades", "detached"),
    ("xades", "enveloped"),
    ("xades", "enveloping"),
    ("xades", "detached"),
    ("xades", "internally-detached"),
    ("raw", "detached"),
)
XML = "<Өтініш xmlns='urn:test:kz'><аты>Айгүл</аты><сома>1500</сома></Өтініш>".encode()
XML_ALGORITHMS = {"rsa", "p256", "p384", "p521", "brainpool", "ed25519", "ed448"}


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("xx", at="2026-11-01")


def algorithms(pki: FixturePKI, kind: str) -> tuple[str, ...]:
    return tuple(a.name for a in signer(pki, kind).key.algorithms)


def signer(pki: FixturePKI, kind: str):  # type: ignore[no-untyped-def]
    if (id(pki), kind) not in _signers:
        _signers[id(pki), kind] = pki.issue("person", key=kind)
    return _signers[id(pki), kind]


_signers: dict[tuple[int, str], object] = {}


def judge(
    pki: FixturePKI, signed: bytes, packaging: str, document: bytes, person: object
) -> ek.VerificationReport:
    return ek.verify(
        signed,
        detached=[ek.Document(document, name="application.xml")] if packaging == "detached" else [],
        trust=pki.trust,
        certificates=[person.certificate_der],  # type: ignore[attr-defined]
        evidence=pki.evidence(),
        at=pki.now,
    )


def make(pki: FixturePKI, kind: str, format: str, packaging: str, **options: object) -> bytes:
    return ek.sign(
        ek.Document(XML, name="application.xml", media_type="text/xml"),
        signer(pki, kind).key,
        format=format,
        packaging=packaging,
        **({} if format == "raw" else {"signing_time": pki.now}),
        **options,
    )


@pytest.mark.parametrize(("format", "packaging"), PACKAGINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_algorithm_in_every_packaging(
    pki: FixturePKI, kind: str, format: str, packaging: str
) -> None:
    tried = 0
    for name in algorithms(pki, kind):
        if name.endswith(("SHA1", "MD5", "SHA224", "SHA3-224")):
            continue
        if format == "xades" and not ek_uri(name):
            continue
        signed = make(pki, kind, format, packaging, algorithm=name)
        report = judge(pki, signed, packaging, XML, signer(pki, kind))
        assert report.indication is ek.Indication.TOTAL_PASSED, (name, report.only.checks)
        if format != "raw":
            assert report.only.algorithm == name
            assert report.only.level.endswith("BASELINE-B")
        assert report.only.signing_certificate_der == signer(pki, kind).certificate_der
        tried += 1
    assert tried or (format == "xades" and kind not in XML_ALGORITHMS)


def ek_uri(name: str) -> bool:
    from esign_kit.algorithms import signature_algorithm

    return bool(signature_algorithm(name).uris)


@pytest.mark.parametrize(("format", "packaging"), PACKAGINGS)
def test_what_is_signed_is_what_is_seen(pki: FixturePKI, format: str, packaging: str) -> None:
    signed = make(pki, "p256", format, packaging)
    report = judge(pki, signed, packaging, XML, signer(pki, "p256"))
    scopes = [s for s in report.only.signed if s.octets is not None]
    assert any("Айгүл".encode() in (s.octets or b"") for s in scopes)


@pytest.mark.parametrize(("format", "packaging"), PACKAGINGS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_of_the_signature_file_never_changes_what_passes(
    format: str, packaging: str, data: st.DataObject
) -> None:
    """A flip ends TOTAL_PASSED, or it hit something that no signature covers.

    What stays PASSED must report the same signer and the same covered octets.
    """
    pki = _shared()
    signed = _made(format, packaging)
    place = data.draw(st.integers(0, len(signed) * 8 - 1))
    mutated = bytearray(signed)
    mutated[place // 8] ^= 1 << place % 8
    try:
        report = judge(pki, bytes(mutated), packaging, XML, signer(pki, "p256"))
    except ek.InputError:
        return
    if report.indication is not ek.Indication.TOTAL_PASSED:
        return
    good = judge(pki, signed, packaging, XML, signer(pki, "p256"))
    assert report.only.signing_certificate_der == good.only.signing_certificate_der
    assert [s.octets for s in report.only.signed if "Properties" not in s.name] == [
        s.octets for s in good.only.signed if "Properties" not in s.name
    ]


@pytest.mark.parametrize(("format", "packaging"), [p for p in PACKAGINGS if p[1] == "detached"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_of_a_detached_document_fails(
    format: str, packaging: str, data: st.DataObject
) -> None:
    pki = _shared()
    place = data.draw(st.integers(0, len(XML) * 8 - 1))
    mutated = bytearray(XML)
    mutated[place // 8] ^= 1 << place % 8
    report = judge(pki, _made(format, packaging), packaging, bytes(mutated), signer(pki, "p256"))
    assert report.indication is ek.Indication.TOTAL_FAILED


def test_every_bit_of_the_content_of_an_attached_signature(pki: FixturePKI) -> None:
    """Exhaustive where it is cheap: all bits of the content inside a CMS."""
    signed = make(pki, "p256", "cades", "attached")
    start = signed.index(XML)
    for place in range(len(XML) * 8):
        mutated = bytearray(signed)
        mutated[start + place // 8] ^= 1 << place % 8
        report = judge(pki, bytes(mutated), "attached", XML, signer(pki, "p256"))
        assert report.indication is ek.Indication.TOTAL_FAILED


@settings(max_examples=150, deadline=None)
@given(
    junk=st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=200).map(
            lambda b: b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" + b
        ),
        st.text(max_size=200).map(lambda t: f"<a>{t}</a>".encode("utf-8", "replace")),
    )
)
def test_rubbish_ends_in_a_verdict_or_an_input_error(junk: bytes) -> None:
    try:
        report = ek.verify(junk, at=_shared().now)
    except ek.InputError:
        return
    assert report.indication is not ek.Indication.TOTAL_PASSED


@pytest.mark.parametrize(("format", "packaging"), [p for p in PACKAGINGS if p[0] != "raw"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_mutated_structures_end_in_a_verdict_or_an_input_error(
    format: str, packaging: str, data: st.DataObject
) -> None:
    signed = _made(format, packaging)
    first, second = sorted(data.draw(st.tuples(*(st.integers(0, len(signed)),) * 2)))
    kind = data.draw(st.sampled_from(("cut", "drop", "double", "insert")))
    mutated = {
        "cut": signed[:first],
        "drop": signed[:first] + signed[second:],
        "double": signed[:second] + signed[first:second] + signed[second:],
        "insert": signed[:first] + data.draw(st.binary(max_size=8)) + signed[first:],
    }[kind]
    pki = _shared()
    try:
        report = judge(pki, mutated, packaging, XML, signer(pki, "p256"))
    except ek.InputError:
        return
    if report.indication is ek.Indication.TOTAL_PASSED:
        assert report.signatures[0].signing_certificate_der == signer(pki, "p256").certificate_der


_country: list[FixturePKI] = []
_files: dict[tuple[str, str], bytes] = {}


def _shared() -> FixturePKI:
    if not _country:
        _country.append(FixturePKI("xx", at="2026-11-01"))
    return _country[0]


def _made(format: str, packaging: str) -> bytes:
    if (format, packaging) not in _files:
        _files[format, packaging] = make(_shared(), "p256", format, packaging)
    return _files[format, packaging]
