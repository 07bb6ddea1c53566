"""Claims out of subjects: the crafted corpus, and cases of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.eid.identity import subject_continuity
from esign_kit.eid.rules import check_profile
from esign_kit.testing import FixturePKI, der
from esign_kit.testing.der import PRINTABLE, UTF8
from tests.corpora import require

SN, CN, C, OU = "2.5.4.5", "2.5.4.3", "2.5.4.6", "2.5.4.11"


def _cases() -> list[dict[str, Any]]:
    try:
        path = require("crafted-identity", "manifest.json")
    except BaseException:
        return [{"id": "absent"}]
    return json.loads(path.read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["id"])
def test_crafted_subjects(case: dict[str, Any]) -> None:
    path = require("crafted-identity", case.get("certificate", "manifest.json"))
    profile = ek.profile(case["scheme"]) if "scheme" in case else None
    try:
        subject = ek.describe(path, profile)
    except ek.IdentityError:
        assert case["expect"] != "accept"
        return
    named = {identifier.value for identifier in subject.identifiers}
    organisation = subject.organisation
    if organisation:
        named |= {identifier.value for identifier in organisation.identifiers}
    assert not named & set(case["must_not_return"])
    people = {identifier.value for identifier in subject.identifiers}
    if case["expect"] == "accept":
        assert people == set(case["may_return"])
    elif case["expect"] == "refuse":
        assert not people
    if "organisation" in case:
        assert organisation is not None
        assert organisation.identifier is not None
        assert organisation.identifier.value == case["organisation"]
    # What goes to people holds no control characters and is bounded.
    told = str(subject)
    assert all(character.isprintable() for character in told)
    assert len(told) < 2000


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("kz", key="ec")


@pytest.fixture(scope="module")
def etsi() -> FixturePKI:
    return FixturePKI("eidas")


def kz_subject(pki: FixturePKI, *rows: tuple[str, str, int]) -> Any:
    entity = pki.issue("person", subject=der.name([(C, "KZ", PRINTABLE), *rows]))
    return ek.describe(entity.certificate)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("IIN 900101300017", "identity.identifier"),
        ("iin900101300017", "identity.lookalike"),
        ("IIN9001013000170", "identity.identifier"),
        ("IIN90010130001", "identity.identifier"),
        ("IІN900101300017", "identity.lookalike"),
        ("IIN\u200b900101300017", "identity.lookalike"),
        ("ＩＩＮ900101300017", "identity.lookalike"),
    ],
)
def test_something_like_an_iin_is_refused(pki: FixturePKI, value: str, code: str) -> None:
    with pytest.raises(ek.IdentityError) as caught:
        kz_subject(pki, (SN, value, UTF8), (CN, "X", UTF8))
    assert caught.value.code == code


def test_words_that_begin_like_a_prefix_are_words(pki: FixturePKI) -> None:
    subject = kz_subject(
        pki, (SN, "IIN900101300017", PRINTABLE), (OU, "BINOM", UTF8), (CN, "X", UTF8)
    )
    assert subject.organisation is None


def test_a_look_alike_of_the_organisation_number_is_refused(pki: FixturePKI) -> None:
    with pytest.raises(ek.IdentityError):
        kz_subject(pki, (SN, "IIN900101300017", PRINTABLE), (OU, "ВIN000740000728", UTF8))


def test_bare_digits_in_a_kazakh_certificate_are_no_identifier(pki: FixturePKI) -> None:
    subject = kz_subject(pki, (SN, "900101300017", PRINTABLE), (CN, "X", UTF8))
    assert subject.identifiers == ()
    assert subject.assurance.identity == "NONE"


def test_patronymic_and_given_name(pki: FixturePKI) -> None:
    person = ek.describe(
        pki.person(surname="Тестов", given_name="Анна Мария", patronymic="Тестовна").certificate
    ).person
    assert person is not None
    assert person.name is not None
    assert (person.name.family, person.name.given, person.name.patronymic) == (
        "ТЕСТОВ",
        "АННА МАРИЯ",
        "ТЕСТОВНА",
    )
    assert person.name.script == "Cyrl"


def test_roles_give_rights_and_an_unknown_one_gives_none(pki: FixturePKI) -> None:
    profile = pki.profile
    for role, right, granted in (
        ("head", "kz:sign", True),
        ("head", "kz:hr", True),
        ("sign", "kz:sign", True),
        ("sign", "kz:sign-financial", False),
        ("hr", "kz:hr", True),
        ("hr", "kz:sign", False),
        ("employee", "kz:sign", False),
    ):
        subject = ek.describe(pki.employee(role=role).certificate, profile)
        (mandate,) = subject.mandates
        assert (right in mandate.rights) is granted, (role, right)


def test_an_organisation_in_a_personal_eidas_certificate_is_an_affiliation(
    etsi: FixturePKI,
) -> None:
    employee = etsi.employee(role="head")
    report = ek.verify(
        employee.sign(b"x", format="cades", packaging="enveloping"),
        profile=etsi.profile,
        evidence=etsi.evidence(),
        at=etsi.now,
    )
    who = ek.identify(report.only, profile=etsi.profile)
    assert who.organisation is None
    assert who.affiliation is not None
    assert who.affiliation.identifier is not None
    decision = who.may("any:thing", on_behalf_of=who.affiliation.identifier)
    assert (decision.granted, decision.code) == (False, "mandate-missing")


def test_purpose_of_login_and_signing_keys(pki: FixturePKI) -> None:
    login = pki.person(purpose="AUTHENTICATION")
    assert ek.describe(login.certificate, pki.profile).purposes == {"AUTHENTICATION"}
    check = check_profile(pki.profile, login.certificate, None, pki.now)
    assert (check.name, check.status, check.code) == ("profile", "FAILED", "profile.key-purpose")
    good = check_profile(pki.profile, pki.person().certificate, None, pki.now)
    assert good.status == "PASSED"


def test_profile_without_being_told_follows_the_country(pki: FixturePKI, etsi: FixturePKI) -> None:
    assert ek.describe(pki.person().certificate).profile == "kz"
    assert ek.describe(etsi.person().certificate).profile == "eidas"


def test_subject_continuity() -> None:
    mine = ek.Identifier("KZ", "IIN", "900101300017")
    other = ek.Identifier("KZ", "IIN", "000101300019")
    same_digits = ek.Identifier("VN", "CCCD", "900101300017")
    assert subject_continuity(login=mine, signature=mine, payload=mine).status == "PASSED"
    for stranger in (other, same_digits):
        check = subject_continuity(login=mine, signature=mine, mandate_holder=stranger)
        assert (check.name, check.status) == ("subject-continuity", "FAILED")
        assert "900101" not in check.detail
    assert subject_continuity(login=mine).status == "NOT_RUN"


@pytest.mark.parametrize(
    ("value", "identifiers", "links", "identity"),
    [
        ("PNOEE-38001085718", ["38001085718"], [], "LOW"),
        ("PASEE-K1234567", [], ["K1234567"], "LOW"),
        ("PASFR-12AB34567", [], ["12AB34567"], "LOW"),  # a foreigner's passport
        ("IDCEE-AA0000012", [], ["AA0000012"], "LOW"),
        ("TINEE-38001085718", [], ["38001085718"], "NONE"),
        ("PNOLT-38001085718", None, None, None),
        ("XX:EE-38001085718", [], [], "NONE"),
        ("38001085718", [], [], "NONE"),
    ],
)
def test_kinds_never_mix_in_one_field(
    etsi: FixturePKI, value: str, identifiers: list[str] | None, links: list[str], identity: str
) -> None:
    rows = [(C, "EE", PRINTABLE), (SN, value, PRINTABLE), (CN, "X", UTF8)]
    certificate = FixturePKI("xx").issue("person", subject=der.name(rows)).certificate
    profile = ek.profile("eidas")
    if identifiers is None:
        with pytest.raises(ek.IdentityError):
            ek.describe(certificate, profile)
        return
    subject = ek.describe(certificate, profile)
    assert subject.person is not None
    assert [item.value for item in subject.person.identifiers] == identifiers
    assert [item.value for item in subject.person.links] == links
    assert subject.assurance.identity == identity
