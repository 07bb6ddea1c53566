"""Logins: claims to principals, two axes from two facts, and what raises nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.eid.assurance import acr_for, assess_login, factors_level, join
from esign_kit.eid.decision import all_of, any_of, signed_by
from esign_kit.eid.identity import subject_continuity
from esign_kit.eid.login import identify_login
from esign_kit.model.principal import (
    Decision,
    Organisation,
    Person,
    Principal,
    PrincipalKind,
    Proof,
    ProofKind,
)

T0 = datetime(2026, 3, 1, 9, tzinfo=UTC)
ONEID = {
    "ret_cd": "0",
    "pin": "30101900000004",
    "auth_method": "PKCSMETHOD",
    "valid": "true",
    "full_name": "TESTOV TEST",
    "legal_info": [{"tin": "301234567", "is_basic": True}],
}


def oneid(**changes: Any) -> Principal:
    claims = {**ONEID, **changes}
    return identify_login(claims, profile=ek.profile("uz"), login="oneid", at=T0)


def test_oneid() -> None:
    who = oneid()
    assert who.kind == "PERSON"
    assert who.identifier == ek.Identifier("UZ", "PINFL", "30101900000004")
    assert who.assurance.overall == ek.Assurance.SUBSTANTIAL
    assert who.assurance.signature == "UNKNOWN"
    # The register links an organisation; no right follows from that.
    assert who.mandates == ()
    assert who.may("uz:sign", on_behalf_of=ek.Identifier("UZ", "STIR", "301234567")).code == (
        "mandate-missing"
    )


@pytest.mark.parametrize(
    ("changes", "identity", "authentication"),
    [
        ({"auth_method": "LOGINPASSMETHOD"}, "SUBSTANTIAL", "LOW"),
        ({"auth_method": "LOGINPASSMETHOD", "valid": "false"}, "LOW", "LOW"),
        ({"auth_method": "MOBILEMETHOD", "valid": True}, "SUBSTANTIAL", "SUBSTANTIAL"),
        ({"auth_method": "PKCSMETHOD", "valid": False}, "LOW", "LOW"),
        ({"auth_method": "QR", "valid": None}, "LOW", "LOW"),
        ({"auth_method": "SOMETHINGNEW"}, "SUBSTANTIAL", "LOW"),
        ({"ret_cd": "1"}, "UNKNOWN", "UNKNOWN"),
    ],
)
def test_oneid_levels(changes: dict[str, Any], identity: str, authentication: str) -> None:
    found = oneid(**changes).assurance
    assert (found.identity, found.authentication) == (identity, authentication)


def test_vietnamese_organisation_account_has_no_person() -> None:
    claims = {"LoaiTaiKhoan": "2", "MaSoThue": "0312345673", "MaSoDoanhNghiep": "0312345673"}
    who = identify_login(claims, profile=ek.profile("vn"), login="vn-portal", at=T0)
    assert (who.kind, who.person) == ("ORGANISATION", None)
    assert who.identifier == ek.Identifier("VN", "MST", "0312345673")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"pin": ""},
        {"pin": 30101900000004},
        {"pin": "3010190000000４"},
        {"pin": "123"},
    ],
)
def test_claims_without_a_clear_number_are_nobody(claims: dict[str, Any]) -> None:
    with pytest.raises(ek.IdentityError):
        identify_login({"ret_cd": "0", **claims}, profile=ek.profile("uz"), login="oneid", at=T0)


def test_two_numbers_of_one_kind() -> None:
    claims = {"MaSoThue": "0312345673", "MaSoDoanhNghiep": "0100233488"}
    with pytest.raises(ek.IdentityError):
        identify_login(claims, profile=ek.profile("vn"), login="vn-portal", at=T0)


def test_minimum_and_unknown_login() -> None:
    with pytest.raises(ek.AssuranceError):
        identify_login(
            ONEID, profile=ek.profile("uz"), login="oneid", at=T0, minimum=ek.Assurance.HIGH
        )
    with pytest.raises(ek.ProfileError):
        identify_login(ONEID, profile=ek.profile("uz"), login="other", at=T0)


def test_matched_numbers_do_not_reach_low() -> None:
    found = assess_login(ek.profile("az"), {"login": "e-sosial"})
    assert found.overall == "NONE"
    assert acr_for(found) is None
    floor = assess_login(ek.profile("az"), {"login": "mygovid"})
    assert floor.overall == "LOW"
    assert acr_for(floor) == "http://eidas.europa.eu/NotNotified/LoA/low"


@pytest.mark.parametrize(
    ("registration", "method", "identity", "authentication"),
    [
        ("tax-account", "password", "LOW", "LOW"),
        ("counter", "password", "LOW", "LOW"),  # SUBSTANTIAL is only recalled
        ("tax-account", "certificate-file", "LOW", "SUBSTANTIAL"),
        ("tax-account", "certificate-token", "LOW", "HIGH"),
    ],
)
def test_macedonian_logins(
    registration: str, method: str, identity: str, authentication: str
) -> None:
    found = assess_login(
        ek.profile("mk"), {"login": "sen", "registration": registration, "method": method}
    )
    assert (found.identity, found.authentication) == (identity, authentication)


@pytest.mark.parametrize(
    ("factors", "facts", "level"),
    [
        ([], {"dynamic": True}, "NONE"),
        (["inherence"], {"dynamic": True}, "NONE"),
        (["knowledge"], {"dynamic": False}, "LOW"),
        (["knowledge", "inherence"], {"dynamic": True}, "LOW"),
        (["knowledge", "possession"], {"dynamic": False}, "LOW"),
        (["knowledge", "possession"], {"dynamic": True}, "SUBSTANTIAL"),
        (["knowledge", "possession"], {"dynamic": True, "restricted": True}, "LOW"),
        (["knowledge", "possession"], {"dynamic": True, "duplicable": False}, "HIGH"),
    ],
)
def test_levels_from_factors(factors: list[str], facts: dict[str, Any], level: str) -> None:
    assert factors_level(factors, **facts) == level


def test_levels_grow_old() -> None:
    found = oneid().assurance
    fresh = found.aged(T0 + timedelta(minutes=10), authentication=timedelta(minutes=15))
    assert fresh == found
    stale = found.aged(T0 + timedelta(minutes=16), authentication=timedelta(minutes=15))
    assert stale.authentication == "UNKNOWN"
    assert stale.identity == found.identity
    assert any(reason.rule == "too-old" for reason in stale.reasons)


def test_an_organisations_key_does_not_raise_the_person() -> None:
    login = oneid(auth_method="LOGINPASSMETHOD")
    key = Proof(
        ProofKind.SIGNATURE,
        T0,
        subjects=(ek.Identifier("UZ", "STIR", "301234567"),),
        assurance=ek.Assurance.demand(identity="HIGH", authentication="HIGH"),
    )
    with pytest.raises(ek.IdentityError):
        join([*login.established_by, key])


def test_login_and_signature_of_two_people() -> None:
    other = ek.Identifier("UZ", "PINFL", "61508030000012")
    check = subject_continuity(login=oneid().identifier, signature=other)
    assert check.status == "FAILED"


# ── several signers, one decision ─────────────────────────────────────────────────────────────

HEAD = Principal(
    PrincipalKind.PERSON, Person((ek.Identifier("VN", "CCCD", "001190000001"),)), "vn", T0
)
OFFICE = Principal(
    PrincipalKind.ORGANISATION,
    Organisation((ek.Identifier("VN", "MST", "0100233488"),), "Chi cục Thuế"),
    "vn",
    T0,
)


def test_a_notice_needs_the_head_and_the_authority() -> None:
    wanted = {
        "head of the authority": lambda p: p.kind == "PERSON",
        "authority": lambda p: p.kind == "ORGANISATION",
    }
    assert signed_by([OFFICE, HEAD], wanted).granted
    for signers in ([OFFICE], [HEAD], [HEAD, HEAD]):
        decision = signed_by(signers, wanted)
        assert (decision.granted, decision.code) == (False, "signer-missing")
    with pytest.raises(ValueError, match="nobody"):
        signed_by([], wanted)


def test_one_signer_never_fills_two_places_and_places_are_filled_as_well_as_can_be() -> None:
    anybody = {"first": lambda p: True, "second": lambda p: True}
    assert not signed_by([HEAD], anybody).granted
    assert not signed_by([HEAD, HEAD], anybody).granted
    choosy = {"any": lambda p: True, "person": lambda p: p.kind == "PERSON"}
    assert signed_by([HEAD, OFFICE], choosy).granted


def test_all_and_any() -> None:
    yes, no = Decision(True, "a:b", T0), Decision(False, "a:c", T0, code="mandate-missing")
    assert all_of("both", [yes, yes]).granted
    refused = all_of("both", [yes, no])
    assert (refused.granted, refused.code) == (False, "mandate-missing")
    assert any_of("one", [no, yes]).granted
    assert not any_of("one", [no]).granted
    for empty in (all_of, any_of):
        with pytest.raises(ValueError, match="nothing"):
            empty("none", [])
