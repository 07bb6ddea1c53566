"""How the systems of the five countries grant mandates: paper, organisation key, act, position.

Each function builds a mandate out of facts that the caller has checked or kept; what is missing
stands in ``unmet`` and refuses every use, instead of stopping the caller's case handling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.eid.mandate import role_of_title
from esign_kit.errors import IdentityError
from esign_kit.model.identifier import Identifier, Source
from esign_kit.model.mandate import Decision, DecisionStep, Evidence, Mandate, MandateScope, Sector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from esign_kit.model.principal import Principal
    from esign_kit.profiles.data import Profile

__all__ = [
    "employer_access",
    "from_authority",
    "from_structures",
    "granted_by_key",
    "paper_authorisation",
]


def _rule(profile: Profile, rule: str) -> Mapping[str, Any]:
    for row in profile.data.get("mandates", {}).get("rules", ()):
        if row["id"] == rule:
            found: Mapping[str, Any] = row
            return found
    raise IdentityError(f"{profile.name}: no mandate rule {rule!r}", code="mandate.rule")


def paper_authorisation(
    profile: Profile,
    *,
    person: Identifier,
    organisation: Identifier,
    sector: Sector,
    office: str,
    form: str,
    certified: bool,
    accepted_at: datetime,
    officer: str = "",
    scan_digest: str = "",
) -> Mandate:
    """Return the mandate of a paper form that an office accepted (MK, private employers).

    Args:
        office: the employment centre that accepted it.
        form: number of the form.
        certified: the form bears the certification that the rule asks for.
        accepted_at: from when it holds; until revoked or replaced.
        officer: who accepted it.
        scan_digest: SHA-256 of a scan; empty where there is none.
    """
    rule = _rule(profile, "mk-private-employer")
    facts = (("office", office), ("officer", officer), ("certified", "yes" if certified else "no"))
    return Mandate(
        grantor=organisation,
        holder=person,
        rights=frozenset({rule["right"]}),
        scope=MandateScope(sector=sector),
        valid_from=accepted_at,
        unmet=() if certified else tuple(rule["preconditions"]),
        source=Source.PAPER,
        evidence=(Evidence("form", digest=scan_digest, pointer=form, facts=facts),),
    )


def employer_access(
    profile: Profile,
    principal: Principal,
    *,
    organisation: Identifier,
    sector: Sector,
    at: datetime | None = None,
) -> Decision:
    """Decide on the employers' portal of North Macedonia.

    A private employer needs the certified form. A public body needs none *by this rule*: that is
    granted with a step that says so. What is neither known as private nor as public is refused.
    """
    rule = _rule(profile, "mk-private-employer")
    right = rule["right"]
    moment = at or principal.at
    if principal.person is None or not principal.holders:
        step = DecisionStep("person", False, "a user always acts by personal name")
        return Decision(False, right, moment, organisation, "person-unknown", None, (step,))
    if sector is Sector.PUBLIC:
        step = DecisionStep(
            "sector", True, "public body: the rule on private employers asks for no form here"
        )
        return Decision(True, right, moment, organisation, "", None, (step,))
    decision = principal.may(right, on_behalf_of=organisation, at=moment, sector=sector)
    allowed = set(rule["sources"])
    if decision.granted and decision.mandate and str(decision.mandate.source) not in allowed:
        step = DecisionStep("source", False, f"{decision.mandate.source} is no form")
        return Decision(
            False,
            right,
            moment,
            organisation,
            "mandate-source",
            decision.mandate,
            (*decision.steps, step),
        )
    return decision


def granted_by_key(
    profile: Profile,
    grantor: Principal,
    *,
    person: Identifier,
    unit: str,
    actions: Iterable[str],
    contract: str | None,
    contract_until: datetime | None = None,
    evidence_digest: str = "",
) -> Mandate:
    """Return the mandate that an organisation's key grants to a worker (UZ, my.mehnat.uz).

    The grantor's key is judged at the time of the grant (``grantor.at``): the mandate outlives it
    and ends with the labour contract or by revocation.

    Args:
        grantor: a principal who acts by the organisation's own key.
        person: the worker's PINFL.
        unit: the department or branch; it and what lies below.
        actions: rights out of the portal's closed list.
        contract: number of the registered labour contract; ``None`` leaves the mandate unusable.
        contract_until: end of the contract.
        evidence_digest: SHA-256 of the signed grant.

    Raises:
        IdentityError: the grantor does not hold the organisation's key or the right to grant, an
            action is not in the list, or a delegated user grants to itself.
    """
    chosen = grantor.acting_for
    if chosen is None or chosen.source is not Source.ORGANISATION_KEY:
        raise IdentityError(
            "rights are granted with the organisation's own key", code="mandate.grantor"
        )
    if "uz-mehnat:rights.grant" not in chosen.rights:
        raise IdentityError("the right to grant is not held", code="mandate.grantor")
    asked = frozenset(actions)
    known = frozenset(profile.data.get("mandates", {}).get("rights", ()))
    if not asked or not asked <= known or "uz-mehnat:rights.grant" in asked:
        unknown = ", ".join(sorted(asked - known)) or "nothing, or the right to grant itself"
        raise IdentityError(f"not in the closed list: {unknown}", code="mandate.right")
    holder = grantor.identifier
    return Mandate(
        grantor=chosen.grantor,
        holder=person,
        rights=asked,
        scope=MandateScope(units=frozenset({unit})),
        valid_from=grantor.at,
        valid_until=contract_until,
        unmet=() if contract else ("labour-contract",),
        source=Source.EMPLOYER,
        evidence=(Evidence("signed-grant", digest=evidence_digest, pointer=contract or ""),),
        granted_with=holder.urn() if holder else "",
    )


def from_authority(
    profile: Profile,
    *,
    grantor: Identifier,
    holder: Identifier,
    procedures: Iterable[str],
    territory: str,
    act: str,
    valid_from: datetime,
    may_sub_delegate: int = 2,
) -> Mandate:
    """Return the delegation of a People's Committee to its department (VN, six procedures).

    It is passed on to the employment centre and to its officers with ``delegate``.

    Args:
        grantor: the committee; an organisation.
        holder: the department; an organisation.
        procedures: codes out of the closed list of the profile.
        territory: code of the province.
        act: number of the act.
        valid_from: when the delegation begins.
        may_sub_delegate: how many more steps may follow.

    Raises:
        IdentityError: a procedure outside the closed list, or a chain longer than the rule.
    """
    rule = _rule(profile, "vn-delegation")
    asked = frozenset(procedures)
    outside = asked - frozenset(rule["procedures"])
    if outside or not asked:
        raise IdentityError(
            f"not delegated by the pilot: {', '.join(sorted(outside)) or 'nothing asked'}",
            code="mandate.procedure",
        )
    if may_sub_delegate >= rule["depth"]:
        raise IdentityError(f"a chain has at most {rule['depth']} links", code="mandate.depth")
    return Mandate(
        grantor=grantor,
        holder=holder,
        rights=frozenset({rule["right"]}),
        scope=MandateScope(procedures=asked, territory=frozenset({territory})),
        valid_from=valid_from,
        may_sub_delegate=may_sub_delegate,
        source=Source.REGISTER,
        evidence=(Evidence("act", pointer=act),),
    )


def from_structures(
    profile: Profile,
    person: Identifier,
    structures: Iterable[Mapping[str, Any]],
    *,
    at: datetime,
    digest: str = "",
) -> tuple[Mandate, ...]:
    """Return one mandate for each organisation of a login's certificates resource (AZ).

    Args:
        structures: rows with ``voen``, ``structureName``, ``position``, ``hasStamp``; a row
            without a VÖEN names an organisation that is not identified and gives nothing.
        at: when the resource answered.
        digest: SHA-256 of the answer.
    """
    found = []
    for row in structures:
        number = row.get("voen")
        if not isinstance(number, str) or not number:
            continue
        seal = row.get("hasStamp") is True
        title = str(row.get("position") or "")[:256]
        rights = {"az:act"} | ({"az:seal"} if seal else set())
        found.append(
            Mandate(
                grantor=Identifier(profile.country, "VOEN", number),
                holder=person,
                rights=frozenset(rights),
                role=role_of_title(profile, title),
                title=title,
                seal=seal,
                valid_from=at,
                source=Source.LOGIN,
                evidence=(
                    Evidence(
                        "certificates-resource",
                        digest=digest,
                        facts=(("structureName", str(row.get("structureName") or "")[:256]),),
                    ),
                ),
            )
        )
    return tuple(found)
