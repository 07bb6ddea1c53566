"""Whatever a subject holds: claims or a typed error, and never a number that is not there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

import esign_kit as ek
from esign_kit.eid.extract import skeleton
from esign_kit.eid.rules import check_profile
from esign_kit.testing import FixturePKI, der
from tests.corpora import national

PROFILES = ("kz", "uz", "mk", "vn", "az", "eidas")
OIDS = (
    "2.5.4.3",
    "2.5.4.4",
    "2.5.4.5",
    "2.5.4.6",
    "2.5.4.10",
    "2.5.4.11",
    "2.5.4.12",
    "2.5.4.42",
    "2.5.4.97",
    "0.9.2342.19200300.100.1.1",
    "1.2.860.3.16.1.1",
    "1.2.860.3.16.1.2",
)
WORDS = (
    "IIN900101300017",
    "BIN000740000728",
    "PNOEE-38001085718",
    "VATMK-4030000375897",
    "CCCD:001190000001",
    "MST:0312345673",
    "30101900000004",
    "301234567",
    "PNOAZ-5VBK5VR",
    "KZ",
    "UZ",
    "EE",
)
texts = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=30),
    st.builds(lambda a, b: a + b, st.sampled_from(WORDS), st.text(max_size=5)),
    st.builds(lambda a, b: a + b, st.text(max_size=5), st.sampled_from(WORDS)),
)
_pki = FixturePKI("xx")


@pytest.mark.parametrize("name", PROFILES)
@given(rows=st.lists(st.tuples(st.sampled_from(OIDS), texts), max_size=8))
def test_any_subject(name: str, rows: list[tuple[str, str]]) -> None:
    # Lone surrogates cannot be written as UTF-8.
    encoded = [
        (oid, text, der.UTF8)
        for oid, text in rows
        if text.encode("utf-8", "ignore").decode() == text
    ]
    profile = ek.profile(name)
    certificate = _pki.issue("person", subject=der.name(encoded)).certificate
    check = check_profile(profile, certificate, None, _pki.now)
    try:
        subject = ek.describe(certificate, profile)
    except ek.IdentityError as error:
        assert check.status == "FAILED"
        assert "900101300017" not in str(error)
        return
    assert check.status in ("PASSED", "FAILED")
    values = [text for _, text, _ in encoded]
    numbers = [*subject.identifiers]
    if subject.organisation:
        numbers += subject.organisation.identifiers
    for number in numbers:
        # Every number stands in the subject as it was read, in ASCII.
        assert number.value.isascii()
        assert number.raw in values
        assert number.raw.isprintable()
    assert str(subject).isprintable()
    assert subject.to_dict()["profile"] == name
    for mandate in subject.mandates:
        assert subject.person is not None
        assert mandate.holder == subject.person.identifier


SAMPLES = (
    "kz/certs/2026_gost2015_ceo.cer",
    "uz/synthetic/org.cer",
    "vn/samples/viettel-ca-rs-org-sample.der",
)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_any_octets(name: str, data: st.DataObject) -> None:
    octets = bytearray(national(*name.split("/")).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(octets) - 1))
        octets[position] = data.draw(st.integers(0, 255))
    for profile in (None, *PROFILES):
        chosen: Any = ek.profile(profile) if profile else None
        try:
            ek.describe(bytes(octets), chosen).to_dict()
        except ek.EsignError:
            continue


@given(st.text(max_size=40))
def test_skeleton_is_stable(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)
