"""Logins: claims to principals, two axes from two facts, and what raises nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.eid.assurance import acr_for, assess_login, factors_level, join
from esign_kit.eid.decision import all_of, any_of, signed_by
from esign_kit.eid.identity import subject_continuity
from esign_kit.model.principal import (
    Assurance,
    Decision,
    Organisation,
    Person,
    Principal,
    PrincipalKind,
    Proof,
    ProofKind,
)

T0 = datetime(2026, 3, 1, 9, tzinfo=UTC)
WORKER = ek.Identifier("UZ", "PINFL", "30101900000004")


def oneid(**facts: Any) -> Assurance:
    return assess_login(ek.profile("uz"), {"login": "oneid", **facts}, at=T0)


@pytest.mark.parametrize(
    ("facts", "identity", "authentication"),
    [
        ({"method": "PKCSMETHOD", "valid": True}, "SUBSTANTIAL", "SUBSTANTIAL"),
        ({"method": "LOGINPASSMETHOD", "valid": True}, "SUBSTANTIAL", "LOW"),
        ({"method": "LOGINPASSMETHOD", "valid": False}, "LOW", "LOW"),
        ({"method": "MOBILEMETHOD", "valid": True}, "SUBSTANTIAL", "SUBSTANTIAL"),
        ({"method": "PKCSMETHOD", "valid": False}, "LOW", "LOW"),
        ({"method": "QR"}, "LOW", "LOW"),
        ({"method": "SOMETHINGNEW", "valid": True}, "SUBSTANTIAL", "LOW"),
        ({}, "LOW", "LOW"),
    ],
)
def test_oneid_two_fields_feed_two_axes(
    facts: dict[str, Any], identity: str, authentication: str
) -> None:
    found = oneid(**facts)
    assert (found.identity, found.authentication) == (identity, authentication)
    assert found.signature == "UNKNOWN"


def test_an_unknown_login_says_nothing() -> None:
    found = assess_login(ek.profile("uz"), {"login": "somebody"})
    assert found.overall == "UNKNOWN"


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
    found = oneid(method="PKCSMETHOD", valid=True)
    fresh = found.aged(T0 + timedelta(minutes=10), authentication=timedelta(minutes=15))
    assert fresh == found
    stale = found.aged(T0 + timedelta(minutes=16), authentication=timedelta(minutes=15))
    assert stale.authentication == "UNKNOWN"
    assert stale.identity == found.identity
    assert any(reason.rule == "too-old" for reason in stale.reasons)


def test_an_organisations_key_does_not_raise_the_person() -> None:
    login = Proof(ProofKind.LOGIN, T0, subjects=(WORKER,), assurance=oneid(method="QR"))
    key = Proof(
        ProofKind.SIGNATURE,
        T0,
        subjects=(ek.Identifier("UZ", "STIR", "301234567"),),
        assurance=Assurance.demand(identity="HIGH", authentication="HIGH"),
    )
    with pytest.raises(ek.IdentityError):
        join([login, key])


def test_login_and_signature_of_two_people() -> None:
    other = ek.Identifier("UZ", "PINFL", "61508030000012")
    assert subject_continuity(login=WORKER, signature=other).status == "FAILED"


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
