"""Identifiers: scheme first, checksum a status, masked, no look-alikes."""

from __future__ import annotations

import json
import logging
import pickle

import pytest

import esign_kit as ek
from esign_kit.eid.identifiers import fin_of_card_line, typed
from esign_kit.model.numbers import SCHEMES
from tests.corpora import national

VALUES = {
    ("KZ", "IIN"): "900101300017",
    ("KZ", "BIN"): "000740000728",
    ("UZ", "PINFL"): "30101900000004",
    ("UZ", "STIR"): "301234567",
    ("MK", "EMBG"): "0101990450006",
    ("MK", "EDB"): "4030000375897",
    ("MK", "EMBS"): "5168660",
    ("VN", "CCCD"): "001090000001",
    ("VN", "CMND"): "012345678",
    ("VN", "MST"): "0312345673",
    ("VN", "TECHID"): "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    ("AZ", "FIN"): "5VBK5VR",
    ("AZ", "VOEN"): "1400057421",
    ("AZ", "IDC"): "AA1234567",
    ("EE", "PNO"): "38001085718",
    ("DE", "PAS"): "C01X00T47",
    ("DE", "IDC"): "T22000129",
    ("AT", "TIN"): "931736581",
    ("AT", "VAT"): "U12345678",
    ("SE", "NTR"): "5560160680",
    ("FI", "PSD"): "FINFSA-29884997",
    ("XG", "LEI"): "529900T8BM49AURSDO55",
    ("KZ", "OID"): "1.2.398.6.10.1.1",
    ("ES", "EIDAS"): "02635542Y",
    ("NL", "EIDASLP"): "NL-1234/x",
}


def test_every_national_scheme_has_a_value_here() -> None:
    for scheme in SCHEMES:
        assert scheme.country == "*" or (scheme.country, scheme.name) in VALUES, scheme


@pytest.mark.parametrize(("country", "scheme"), sorted(VALUES))
def test_semantics_urn_and_path_lead_back(country: str, scheme: str) -> None:
    identifier = ek.Identifier(country, scheme, VALUES[country, scheme])
    assert ek.Identifier.parse(identifier.urn()) == identifier
    assert ek.Identifier.parse(f"{country}/{scheme}/{identifier.value}") == identifier
    semantics = identifier.semantics()
    if semantics is not None:
        assert ek.Identifier.parse(semantics) == identifier


@pytest.mark.parametrize("value", sorted(set(VALUES.values())))
def test_a_value_without_its_scheme_is_refused(value: str) -> None:
    if value == VALUES["FI", "PSD"]:
        return
    with pytest.raises(ek.IdentityError) as caught:
        ek.Identifier.parse(value)
    assert caught.value.code == "identity.scheme"


@pytest.mark.parametrize(
    ("text", "country", "scheme", "value"),
    [
        ("IIN900101300017", "KZ", "IIN", "900101300017"),
        ("BIN000740000728", "KZ", "BIN", "000740000728"),
        ("MST:0100231226-998", "VN", "MST", "0100231226998"),
        ("CCCD:001090000001", "VN", "CCCD", "001090000001"),
        ("VATMK-4030000375897", "MK", "EDB", "4030000375897"),
        ("TINMK-4030000375897", "MK", "EDB", "4030000375897"),
        ("NTRKZ-000740000728", "KZ", "BIN", "000740000728"),
        ("AZ/VÖEN/1400057421", "AZ", "VOEN", "1400057421"),
        ("UZ/JSHSHIR/30101900000004", "UZ", "PINFL", "30101900000004"),
    ],
)
def test_named_forms(text: str, country: str, scheme: str, value: str) -> None:
    assert ek.Identifier.parse(text) == ek.Identifier(country, scheme, value)


@pytest.mark.parametrize(
    ("country", "scheme", "value", "status"),
    [
        ("KZ", "IIN", "000101300019", "CHECKSUM_OK"),
        ("KZ", "IIN", "000101301805", "CHECKSUM_OK"),  # second round of weights
        ("KZ", "IIN", "123456789011", "FORMAT_OK"),  # the test identity fails it
        ("KZ", "BIN", "180140005198", "CHECKSUM_OK"),
        ("MK", "EMBG", "1506984455121", "CHECKSUM_OK"),
        ("MK", "EMBG", "0101990450090", "CHECKSUM_OK"),  # remainder 10 gives 0
        ("MK", "EDB", "0101990450006", "CHECKSUM_OK"),  # an EMBG's digits: the scheme decides
        ("MK", "EDB", "4020990116747", "CHECKSUM_OK"),
        ("MK", "EDB", "МК4057009501106", "CHECKSUM_OK"),  # Cyrillic country mark
        ("AZ", "VOEN", "1525855852", "FORMAT_OK"),  # printed by the OECD, fails the check digit
        ("AZ", "VOEN", "1401555071", "CHECKSUM_OK"),
        ("AZ", "VOEN", "1300066131", "FORMAT_OK"),
        ("VN", "MST", "0100233488", "CHECKSUM_OK"),
        ("VN", "MST", "001090000001", "FORMAT_OK"),  # personal number as tax code
        ("UZ", "STIR", "301234567", "FORMAT_OK"),  # no published check digit
        ("AZ", "IDC", "XYZ-0001", "UNVERIFIED"),  # an unknown series passes through
        ("AZ", "FIN", "5vbk5vr", "FORMAT_OK"),
    ],
)
def test_checksum_is_a_status(country: str, scheme: str, value: str, status: str) -> None:
    assert ek.Identifier(country, scheme, value).status == status


@pytest.mark.parametrize("tenth", "0123456789")
def test_a_stem_that_is_never_issued_never_has_a_right_check_digit(tenth: str) -> None:
    assert ek.Identifier("KZ", "IIN", "00010130188" + tenth).status == "FORMAT_OK"
    for stem in ("031234500", "031234512"):
        assert ek.Identifier("VN", "MST", stem + tenth).status == "FORMAT_OK"


@pytest.mark.parametrize(
    ("country", "scheme", "value", "code"),
    [
        ("KZ", "IIN", "９００１０１３０００１７", "identity.lookalike"),
        ("KZ", "IIN", "٩٠٠١٠١٣٠٠٠١٧", "identity.lookalike"),
        ("KZ", "IIN", "90010130001\u200b7", "identity.lookalike"),
        ("KZ", "IIN", "900101300017\n", "identity.lookalike"),
        ("KZ", "IIN", "900101300017\x00", "identity.lookalike"),
        ("KZ", "IIN", "\u202e900101300017", "identity.lookalike"),
        ("KZ", "IIN", "90010130001⁷", "identity.lookalike"),
        ("KZ", "IIN", "90010130001", "identity.identifier"),
        ("KZ", "IIN", "", "identity.identifier"),
        ("AZ", "FIN", "5VBK5VО", "identity.lookalike"),  # Cyrillic О
        ("AZ", "FIN", "5VBK5VO", "identity.identifier"),  # O is no letter of a FIN
        ("AZ", "FIN", "5VBK5Vİ", "identity.lookalike"),
        ("AZ", "FIN", "5vbk5vı", "identity.lookalike"),
        ("UZ", "STIR", "901234567", "identity.identifier"),
        ("KZ", "NOPE", "1", "identity.scheme"),
        ("kz", "PNO", "1", "identity.scheme"),
    ],
)
def test_refused(country: str, scheme: str, value: str, code: str) -> None:
    with pytest.raises(ek.IdentityError) as caught:
        ek.Identifier(country, scheme, value)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["ІІN900101300017", "СССD:001090000001", "МST:0312345673"])
def test_prefixes_in_other_letters_are_refused(text: str) -> None:
    with pytest.raises(ek.IdentityError) as caught:
        ek.Identifier.parse(text)
    assert caught.value.code == "identity.lookalike"


def test_pinfl_vectors() -> None:
    vectors = json.loads(national("uz", "vectors", "pinfl.json").read_text("utf-8"))
    for row in vectors["synthetic_valid"]:
        identifier = ek.Identifier("UZ", "PINFL", row["pinfl"])
        assert identifier.status == "CHECKSUM_OK"
        assert str(identifier.derived.birth_date) == row["born"]
        assert identifier.derived.sex == row["sex"]
    for row in vectors["invalid"]:
        try:
            identifier = ek.Identifier("UZ", "PINFL", row["pinfl"])
        except ek.IdentityError:
            assert row.get("expect") != "valid"
            continue
        sound = identifier.status == "CHECKSUM_OK" and not identifier.derived.findings
        assert sound is (row.get("expect") == "valid"), row


def test_what_numbers_tell() -> None:
    born = ek.Identifier("KZ", "IIN", "900101300017").derived
    assert (str(born.birth_date), born.sex) == ("1990-01-01", "M")
    born = ek.Identifier("MK", "EMBG", "1506984455121").derived
    assert (str(born.birth_date), born.sex) == ("1984-06-15", "F")
    assert ek.Identifier("VN", "CCCD", "001190000001").derived.sex == "F"
    assert ek.Identifier("VN", "CCCD", "001190000001").derived.birth_date is None
    impossible = ek.Identifier("KZ", "IIN", "993199300001").derived
    assert impossible.birth_date is None
    assert "impossible-date" in impossible.findings


def test_entrepreneur_in_the_place_of_a_bin() -> None:
    identifier = ek.Identifier("KZ", "BIN", "900101300017")
    assert dict(identifier.derived.extra)["type"] == "individual-entrepreneur"
    assert "900101" not in repr(identifier)


def test_the_same_digits_in_two_schemes_are_two_holders() -> None:
    twelve = "900101300017"
    found = {
        ek.Identifier("KZ", "IIN", twelve),
        ek.Identifier("KZ", "BIN", twelve),
        ek.Identifier("VN", "CCCD", twelve),
    }
    assert len(found) == 3


def test_provenance_and_raw_form_do_not_change_who_it_is() -> None:
    plain = ek.Identifier("VN", "MST", "0100231226998")
    written = ek.Identifier.parse("MST:0100231226-998")
    assert plain == written
    assert hash(plain) == hash(written)
    assert written.raw == "MST:0100231226-998"
    assert pickle.loads(pickle.dumps(written)) == written


@pytest.mark.parametrize(
    ("country", "scheme"),
    [k for k in sorted(VALUES) if k[1] in ("IIN", "PINFL", "EMBG", "CCCD", "FIN", "PNO")],
)
def test_nothing_that_goes_into_a_log_shows_the_number(
    country: str, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    identifier = ek.Identifier(country, scheme, VALUES[country, scheme])
    with caplog.at_level(logging.INFO):
        logging.getLogger("esign_kit.test").info("%s %r %s", identifier, identifier, [identifier])
    told = f"{caplog.text} {identifier} {identifier!r} {identifier:>30} {(identifier,)}"
    assert identifier.value not in told
    assert identifier.value[:5] not in told


def test_against_python_stdnum() -> None:
    """The few lines of ours agree with python-stdnum where it has the algorithm."""
    stdnum = pytest.importorskip("stdnum")
    assert stdnum
    from importlib import import_module
    from random import Random

    random = Random(7)
    for module, country, scheme, size in (
        ("stdnum.mk.edb", "MK", "EDB", 13),
        ("stdnum.vn.mst", "VN", "MST", 10),
        ("stdnum.az.voen", "AZ", "VOEN", 10),
        ("stdnum.si.emso", "MK", "EMBG", 13),
    ):
        peer = import_module(module)
        agreed = 0
        for _ in range(2000):
            value = "".join(random.choice("0123456789") for _ in range(size))
            if module.endswith("voen"):
                value = value[:-1] + random.choice("12")
            if module.endswith("emso"):
                value = f"{random.randint(1, 28):02d}{random.randint(1, 12):02d}99" + value[6:]
            ours = ek.Identifier(country, scheme, value).status == "CHECKSUM_OK"
            assert ours == peer.is_valid(value), (module, value)
            agreed += ours
        assert agreed > 50, module


# ── what people type ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("country", "scheme", "text", "value", "note"),
    [
        ("AZ", "FIN", "5vbk5vr", "5VBK5VR", "capitals"),
        ("AZ", "FIN", " 5VBK5VO ", "5VBK5V0", "letter O"),
        ("KZ", "IIN", "900101 300017", "900101300017", "blanks"),
        ("KZ", "IIN", "900101-300017", "900101300017", "dashes"),
        ("VN", "MST", "0100231226-998", "0100231226998", ""),
    ],
)
def test_typed(country: str, scheme: str, text: str, value: str, note: str) -> None:
    identifier = typed(country, scheme, text)
    assert identifier.value == value
    assert identifier.raw == text
    assert identifier.provenance is not None
    assert identifier.provenance.source == "SELF_ASSERTED"
    assert note in " ".join(identifier.provenance.notes)


@pytest.mark.parametrize("text", ["5VBK5VО", "5vbk5vı", "５VBK5VR", "5VBK5\u200bVR", "", "x" * 300])
def test_typed_look_alikes_are_refused(text: str) -> None:
    with pytest.raises(ek.IdentityError):
        typed("AZ", "FIN", text)


def test_fin_of_an_old_card() -> None:
    assert fin_of_card_line("I<AZE12345678<5VBK5VR7").value == "5VBK5VR"
    for line in ("", "5VBK5VR", "I<AZE12345678<5VBK5VRX", "I<AZE12345678<5VBK5VІ7"):
        with pytest.raises(ek.IdentityError):
            fin_of_card_line(line)


def test_numbers_outside_every_list_are_still_numbers() -> None:
    """Provinces merge, regions were elsewhere: structure is told and never a refusal."""
    assert ek.Identifier("VN", "CCCD", "999190000001").status == "FORMAT_OK"
    assert ek.Identifier("MK", "EMBG", "0101990990003").derived.extra == (("region", "99"),)
