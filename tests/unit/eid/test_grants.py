"""How the five systems grant mandates, and the near misses of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.eid import grants
from esign_kit.eid.mandate import MandateRegister, delegate
from esign_kit.model.principal import (
    Mandate,
    MandateScope,
    Person,
    Principal,
    PrincipalKind,
    Sector,
    Source,
)

T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def person_of(identifier: ek.Identifier, *mandates: Mandate, profile: str = "xx") -> Principal:
    return Principal(
        PrincipalKind.PERSON, Person((identifier,)), profile, T0, mandates=tuple(mandates)
    )


# ── North Macedonia: the paper form ───────────────────────────────────────────────────────────

EMBG = ek.Identifier("MK", "EMBG", "0101990450006")
OTHER_EMBG = ek.Identifier("MK", "EMBG", "1506984455121")
EMPLOYER = ek.Identifier("MK", "EDB", "4030000375897")
OTHER_EMPLOYER = ek.Identifier("MK", "EDB", "4020990116747")


def form(**changes: Any) -> Mandate:
    options: dict[str, Any] = {
        "person": EMBG,
        "organisation": EMPLOYER,
        "sector": Sector.PRIVATE,
        "office": "Skopje",
        "form": "17/2026",
        "certified": True,
        "accepted_at": T0,
    }
    return grants.paper_authorisation(ek.profile("mk"), **{**options, **changes})


@pytest.mark.parametrize(
    ("mandates", "organisation", "sector", "granted", "code"),
    [
        ([form()], EMPLOYER, Sector.PRIVATE, True, ""),
        ([], EMPLOYER, Sector.PRIVATE, False, "mandate-missing"),
        ([form()], OTHER_EMPLOYER, Sector.PRIVATE, False, "mandate-missing"),
        ([form(person=OTHER_EMBG)], EMPLOYER, Sector.PRIVATE, False, "mandate-holder"),
        ([form(certified=False)], EMPLOYER, Sector.PRIVATE, False, "mandate-precondition"),
        ([form(accepted_at=T0 + DAY)], EMPLOYER, Sector.PRIVATE, False, "mandate-time"),
        ([form().revoked(T0)], EMPLOYER, Sector.PRIVATE, False, "mandate-revocation"),
        ([], EMPLOYER, Sector.PUBLIC, True, ""),
        ([], EMPLOYER, Sector.UNKNOWN, False, "mandate-missing"),
        (
            [replace(form(), source=Source.CERTIFICATE)],
            EMPLOYER,
            Sector.PRIVATE,
            False,
            "mandate-source",
        ),
    ],
)
def test_employers_portal(
    mandates: list[Mandate],
    organisation: ek.Identifier,
    sector: Sector,
    granted: bool,
    code: str,
) -> None:
    decision = grants.employer_access(
        ek.profile("mk"), person_of(EMBG, *mandates), organisation=organisation, sector=sector
    )
    assert (decision.granted, decision.code) == (granted, code)
    assert decision.reasons


def test_the_public_path_says_that_no_form_was_asked_for() -> None:
    decision = grants.employer_access(
        ek.profile("mk"), person_of(EMBG), organisation=EMPLOYER, sector=Sector.PUBLIC
    )
    assert "no form" in " ".join(decision.reasons)


# ── Uzbekistan: unit, actions, labour contract ────────────────────────────────────────────────

DIRECTOR = ek.Identifier("UZ", "PINFL", "61508030000012")
WORKER = ek.Identifier("UZ", "PINFL", "30101900000004")
FIRM = ek.Identifier("UZ", "STIR", "301234567")


def key_holder(source: Source = Source.ORGANISATION_KEY) -> Principal:
    rights = frozenset(ek.profile("uz").data["mandates"]["rights"])
    mandate = Mandate(grantor=FIRM, holder=DIRECTOR, rights=rights, source=source, valid_from=T0)
    return replace(person_of(DIRECTOR, mandate), acting_for=mandate)


def grant(**changes: Any) -> Mandate:
    options: dict[str, Any] = {
        "person": WORKER,
        "unit": "hr",
        "actions": ["uz-mehnat:contract.register"],
        "contract": "TD-17",
        "contract_until": T0 + 90 * DAY,
    }
    grantor = changes.pop("grantor", key_holder())
    return grants.granted_by_key(ek.profile("uz"), grantor, **{**options, **changes})


@pytest.mark.parametrize(
    ("asked", "granted", "code"),
    [
        ({}, True, ""),
        ({"unit": "hr/archive"}, True, ""),
        ({"unit": "sales"}, False, "mandate-unit"),
        ({"unit": "hrx"}, False, "mandate-unit"),
        ({"unit": None}, False, "mandate-unit"),
        ({"right": "uz-mehnat:contract.terminate"}, False, "mandate-right"),
        ({"at": T0 + 91 * DAY}, False, "mandate-time"),
        ({"on_behalf_of": ek.Identifier("UZ", "STIR", "201234567")}, False, "mandate-missing"),
    ],
)
def test_delegated_worker(asked: dict[str, Any], granted: bool, code: str) -> None:
    options: dict[str, Any] = {
        "right": "uz-mehnat:contract.register",
        "on_behalf_of": FIRM,
        "unit": "hr",
        "at": T0 + DAY,
    }
    options |= asked
    decision = person_of(WORKER, grant()).may(options.pop("right"), **options)
    assert (decision.granted, decision.code) == (granted, code)


def test_no_registered_contract_no_use() -> None:
    decision = person_of(WORKER, grant(contract=None)).may(
        "uz-mehnat:contract.register", on_behalf_of=FIRM, unit="hr", at=T0 + DAY
    )
    assert decision.code == "mandate-precondition"


def test_somebody_elses_grant_is_of_no_use() -> None:
    decision = person_of(DIRECTOR, grant()).may(
        "uz-mehnat:contract.register", on_behalf_of=FIRM, unit="hr", at=T0 + DAY
    )
    assert decision.code == "mandate-holder"


@pytest.mark.parametrize(
    "changes",
    [
        {"grantor": person_of(WORKER)},
        {"grantor": key_holder(Source.EMPLOYER)},
        {"actions": ["uz-mehnat:everything"]},
        {"actions": []},
        {"actions": ["uz-mehnat:rights.grant"]},
    ],
)
def test_grants_that_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ek.IdentityError):
        grant(**changes)


def test_a_delegated_user_cannot_grant() -> None:
    worker = person_of(WORKER, grant())
    with pytest.raises(ek.IdentityError):
        grant(grantor=worker.act_for(FIRM))


def test_the_grant_outlives_the_key_and_ends_by_revocation() -> None:
    register = MandateRegister()
    mandate = register.add(grant())
    later = T0 + 30 * DAY
    asked: dict[str, Any] = {"on_behalf_of": FIRM, "unit": "hr"}
    right = "uz-mehnat:contract.register"
    assert person_of(WORKER, *register.of(WORKER)).may(right, at=later, **asked).granted
    register.revoke(mandate, later)
    current = person_of(WORKER, *register.of(WORKER))
    assert current.may(right, at=later - DAY, **asked).granted
    assert current.may(right, at=later, **asked).code == "mandate-revocation"


# ── Viet Nam: committee, department, centre, officer; six procedures ──────────────────────────

COMMITTEE = ek.Identifier("VN", "MST", "0312345673")
DEPARTMENT = ek.Identifier("VN", "MST", "0100233488")
CENTRE = ek.Identifier("VN", "MST", "0107074780")
OFFICER = ek.Identifier("VN", "CCCD", "001190000001")
SIX = tuple(
    next(r for r in ek.profile("vn").data["mandates"]["rules"] if r["id"] == "vn-delegation")[
        "procedures"
    ]
)


def top(**changes: Any) -> Mandate:
    options: dict[str, Any] = {
        "grantor": COMMITTEE,
        "holder": DEPARTMENT,
        "procedures": SIX,
        "territory": "79",
        "act": "1234/QD-UBND",
        "valid_from": T0,
    }
    return grants.from_authority(ek.profile("vn"), **{**options, **changes})


def officer_mandate(first: Mandate | None = None) -> Mandate:
    department = first or top()
    centre = delegate(department, holder=CENTRE, rights=department.rights, may_sub_delegate=1)
    return delegate(centre, holder=OFFICER, rights=centre.rights)


def test_six_procedures_and_not_a_seventh() -> None:
    assert len(SIX) == 6
    officer = person_of(OFFICER, officer_mandate())
    for procedure in SIX:
        decision = officer.may(
            "vn-labour:settle",
            on_behalf_of=COMMITTEE,
            procedure=procedure,
            territory="79",
            at=T0 + DAY,
        )
        assert decision.granted, decision.reasons
        assert decision.mandate is not None
        assert decision.mandate.depth == 2
    seventh = officer.may(
        "vn-labour:settle", on_behalf_of=COMMITTEE, procedure="pension", territory="79", at=T0 + DAY
    )
    assert seventh.code == "mandate-procedure"
    with pytest.raises(ek.IdentityError):
        top(procedures=[*SIX, "pension"])


def test_another_province_is_refused() -> None:
    decision = person_of(OFFICER, officer_mandate()).may(
        "vn-labour:settle", on_behalf_of=COMMITTEE, procedure=SIX[0], territory="01", at=T0 + DAY
    )
    assert decision.code == "mandate-territory"


def test_revoking_the_top_takes_all_below_at_that_instant() -> None:
    register = MandateRegister()
    mandate = register.add(officer_mandate())
    register.revoke(mandate.root, T0 + 10 * DAY)
    officer = person_of(OFFICER, *register.of(OFFICER))
    asked: dict[str, Any] = {
        "on_behalf_of": COMMITTEE,
        "procedure": SIX[0],
        "territory": "79",
    }
    assert officer.may("vn-labour:settle", at=T0 + 9 * DAY, **asked).granted
    assert not officer.may("vn-labour:settle", at=T0 + 10 * DAY, **asked).granted
    snapshot = register.snapshot(T0 + 9 * DAY)
    assert len(snapshot["mandates"]) == 3  # type: ignore[arg-type]


def test_officers_pass_nothing_on_and_chains_end() -> None:
    last = officer_mandate()
    with pytest.raises(ek.IdentityError):
        delegate(last, holder=ek.Identifier("VN", "CCCD", "001190000002"), rights=last.rights)
    with pytest.raises(ek.IdentityError):
        top(may_sub_delegate=3)


# ── Azerbaijan: position and the right of seal ────────────────────────────────────────────────

FIN = ek.Identifier("AZ", "FIN", "5VBK5VR")


def test_two_structures_two_mandates_and_the_seal_on_its_own() -> None:
    rows = [
        {"voen": "1400057421", "structureName": "A", "position": "Direktor", "hasStamp": True},
        {"voen": "1401555071", "structureName": "B", "position": "DİREKTOR", "hasStamp": False},
        {"structureName": "named only", "position": "Direktor", "hasStamp": True},
        {"voen": "9900003611", "structureName": "C", "position": "x", "hasStamp": "true"},
    ]
    found = grants.from_structures(ek.profile("az"), FIN, rows, at=T0)
    assert [m.seal for m in found] == [True, False, False]
    who = person_of(FIN, *found)
    first, second = (ek.Identifier("AZ", "VOEN", row["voen"]) for row in rows[:2])
    assert who.act_for(first).may("az:seal").granted
    assert who.act_for(second).may("az:act").granted
    refused = who.act_for(second).may("az:seal")
    assert not refused.granted
    # Both may be at hand; one is chosen, and asking for the other names it.
    assert who.act_for(first).may("az:act", on_behalf_of=second).granted


def test_document_number_and_fin_is_matched_and_not_authenticated() -> None:
    from esign_kit.eid.assurance import assess_login

    found = assess_login(ek.profile("az"), {"login": "e-sosial"})
    assert (found.identity, found.authentication) == ("MATCHED", "NONE")
    assert found.overall == "NONE"
    assert not found.meets(ek.Assurance.LOW)


# ── rights and chains made by hand ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("right", ["*", "kz:*", "kz", "kz:a:b:c", "kz: sign", "", "кz:sign"])
def test_no_wildcards_and_no_other_letters(right: str) -> None:
    with pytest.raises(ValueError, match="no right"):
        Mandate(grantor=FIRM, holder=WORKER, rights=frozenset({right}))


def test_a_chain_that_does_not_join_is_refused() -> None:
    stray = Mandate(
        grantor=CENTRE,
        holder=OFFICER,
        rights=frozenset({"vn-labour:settle"}),
        scope=MandateScope(procedures=frozenset(SIX), territory=frozenset({"79"})),
        parent=top(),
    )
    decision = person_of(OFFICER, stray).may(
        "vn-labour:settle", on_behalf_of=COMMITTEE, procedure=SIX[0], territory="79", at=T0 + DAY
    )
    assert decision.code == "mandate-chain"


def test_a_ring_of_mandates_ends() -> None:
    first = top()
    ring = replace(first, parent=first)
    object.__setattr__(ring, "parent", ring)
    with pytest.raises(ValueError, match="chain"):
        list(ring.chain())
