"""The user JSON of OneID, both generations, read with its traps in mind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from esign_kit.errors import EsignError
from esign_kit.login import faults
from esign_kit.login.oneid.names import person_name
from esign_kit.login.result import Claimed, identifier
from esign_kit.model.identifier import Claim, Identifier, Provenance, Source
from esign_kit.model.mandate import Evidence, Mandate
from esign_kit.model.principal import Organisation, Person

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["METHODS", "OneIdAnswer", "read_answer"]

METHODS = ("LOGINPASSMETHOD", "MOBILEMETHOD", "PKCSMETHOD", "LEPKCSMETHOD", "QR")
_ORGANISATION_KEY = "LEPKCSMETHOD"
_ISSUER = "OneID"


@dataclass(frozen=True, slots=True, repr=False)
class OneIdAnswer:
    """What OneID said.

    Attributes:
        claimed: the person, what is known of the login, and notes.
        organisations: those that OneID's register links to the person; no right follows.
        organisation_key: the organisation whose key was used *at OneID* (LEPKCSMETHOD only).
    """

    claimed: Claimed
    organisations: tuple[Organisation, ...]
    organisation_key: Organisation | None


def read_answer(
    data: Mapping[str, Any],
    *,
    at: datetime,
    digest: str = "",
    rights: frozenset[str] = frozenset(),
) -> OneIdAnswer:
    """Read the answer to ``one_access_token_identify``.

    Args:
        data: the JSON object.
        at: when it came.
        digest: SHA-256 of its octets, for evidence.
        rights: what a login with an organisation's key gives here; nothing by default.

    Raises:
        LoginRefusedError: ``ret_cd`` is not ``"0"``.
        LoginAnswerError: no PINFL, or claims that contradict each other.
    """
    if data.get("ret_cd") != "0":
        raise faults.refused(
            "login.refused", f"OneID answered ret_cd {faults.shown(data.get('ret_cd'), 16)!r}"
        )
    notes: list[str] = []
    person = _person(data, at, notes)
    number = person.identifiers[0]
    methods = _words(data.get("auth_method"))
    valid = _truth(data.get("valid"))
    if data.get("valid") is not None and valid is None:
        notes.append("OneID's valid is neither true nor false: taken as not said")
    notes += [
        f"OneID states the unknown method {faults.shown(m, 32)!r}" for m in methods - set(METHODS)
    ]
    key = _organisation_key(data, methods, at, notes)
    linked = _organisations(data.get("legal_info"), at, notes)
    mandates: tuple[Mandate, ...] = ()
    if key is not None and key.identifier is not None and rights:
        mandates = (
            Mandate(
                grantor=key.identifier,
                holder=number,
                rights=rights,
                valid_from=at,
                source=Source.ORGANISATION_KEY,
                evidence=(Evidence("oneid-login", digest=digest, pointer=_session(data)),),
            ),
        )
    facts: dict[str, Any] = {"login": "oneid", "method": sorted(methods)}
    if valid is not None:
        facts["valid"] = valid
    confirmed = _words(data.get("validation_method", data.get("valid_methods")))
    if confirmed:
        facts["validation"] = sorted(confirmed)
    claimed = Claimed(
        person=person,
        organisation=key,
        mandates=mandates,
        facts=facts,
        notes=tuple(notes),
        reference=_session(data),
    )
    return OneIdAnswer(claimed, linked, key)


def _person(data: Mapping[str, Any], at: datetime, notes: list[str]) -> Person:
    pin = data.get("pin")
    if not pin:
        raise faults.answer("login.no-identifier", "OneID states no PINFL for this account")
    number = identifier("UZ", "PINFL", pin, issuer=_ISSUER, at=at, claim="pin")
    where = Provenance(Source.LOGIN, issuer=_ISSUER, at=at, rule="oneid:birth_date")
    born = _day(data.get("birth_date"))
    derived = number.derived.birth_date
    if born and derived and born != derived:
        raise faults.answer(
            "login.answer-contradiction", "the birth date is not the one inside the PINFL"
        )
    links = []
    tax = data.get("tin")
    if isinstance(tax, str) and tax:
        try:
            links.append(Identifier("UZ", "STIR", tax, provenance=where))
        except EsignError:
            notes.append("OneID's tin is no STIR: left out")
    return Person(
        (number,), person_name(data, notes), tuple(links), Claim(born, where) if born else None
    )


def _organisation_key(
    data: Mapping[str, Any], methods: set[str], at: datetime, notes: list[str]
) -> Organisation | None:
    """Return the organisation whose key logged in; the field counts with that method only."""
    stated = data.get("pkcs_legal_tin")
    if not stated:
        if _ORGANISATION_KEY in methods:
            notes.append("OneID states an organisation's key and no organisation")
        return None
    if methods != {_ORGANISATION_KEY}:
        notes.append("pkcs_legal_tin without LEPKCSMETHOD: left out")
        return None
    number = identifier("UZ", "STIR", stated, issuer=_ISSUER, at=at, claim="pkcs_legal_tin")
    name = next(
        (
            item.name
            for item in _organisations(data.get("legal_info"), at, [])
            if item.identifier == number
        ),
        "",
    )
    return Organisation((number,), name)


def _organisations(rows: Any, at: datetime, notes: list[str]) -> tuple[Organisation, ...]:
    """Read ``legal_info``: null, a list, or one object; ``tin`` and ``le_tin`` say the same."""
    if isinstance(rows, dict):
        rows = [rows]
    found: dict[Identifier, Organisation] = {}
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict) or len(found) >= 500:
            continue
        numbers = {str(row[name]).strip() for name in ("le_tin", "tin") if row.get(name)}
        name = str(row.get("le_name") or row.get("acron_UZ") or "")[:256]
        if len(numbers) != 1:
            notes.append("a row of legal_info names no organisation, or two: left out")
            continue
        where = Provenance(Source.LOGIN, issuer=_ISSUER, at=at, rule="oneid:legal_info")
        try:
            number = Identifier("UZ", "STIR", numbers.pop(), provenance=where)
        except EsignError:
            notes.append("a row of legal_info has a malformed STIR: left out")
            continue
        found.setdefault(number, Organisation((number,), name))
    return tuple(found.values())


def _words(value: Any) -> set[str]:
    items = value if isinstance(value, list) else [value]
    return {item.strip() for item in items[:16] if isinstance(item, str) and item.strip()}


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def _day(value: Any) -> date | None:
    if not isinstance(value, str):
        return None
    match = re.fullmatch(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", value.strip(), re.ASCII)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _session(data: Mapping[str, Any]) -> str:
    value = data.get("sess_id")
    return faults.shown(value, 64) if isinstance(value, str) else ""
