"""How each system's claims become a subject, by the rules that its integrators follow."""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from esign_kit.eid.grants import from_structures
from esign_kit.errors import EsignError, LoginError
from esign_kit.login import faults
from esign_kit.login.result import Claimed, identifier
from esign_kit.model.identifier import Claim, Provenance, Source
from esign_kit.model.principal import Organisation, Person, PersonName, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.login.oidc.provider import OidcProvider
    from esign_kit.model.identifier import Identifier
    from esign_kit.model.mandate import Mandate
    from esign_kit.profiles.data import Profile

__all__ = ["read_claims"]


def read_claims(
    claims: Mapping[str, Any],
    provider: OidcProvider,
    profile: Profile,
    *,
    at: datetime,
    signed: Mapping[str, Any] | None = None,
    structures: Any = None,
) -> Claimed:
    """Read the claims of token and userinfo.

    Args:
        claims: both together.
        signed: those of the token alone. Where the number does not stand in them, it came over
            TLS only, and the assurance does not count it as signed.
        structures: the answer of the dialect's further resource.

    Raises:
        LoginAnswerError: nobody with a number, or a malformed one.
    """
    found = _read(claims, provider, profile, at, structures)
    vouched = signed is None or _number(found) == _signed_number(signed, provider, profile, at)
    notes = found.notes
    if not vouched:
        notes = (*notes, "the number comes from userinfo over TLS, not from the signed token")
    facts: dict[str, Any] = {"token_signed": vouched, **found.facts}
    if provider.issuer is not None:
        facts["issuer"] = provider.issuer
    elif provider.login:
        facts["login"] = provider.login
    acr = claims.get("acr")
    if isinstance(acr, (str, int)) and not isinstance(acr, bool):
        facts["acr"] = str(acr)[:200]
    methods = claims.get("amr")
    if isinstance(methods, list):
        facts["amr"] = [item for item in methods[:16] if isinstance(item, str)]
    return Claimed(
        found.kind,
        found.person,
        found.organisation,
        found.mandates,
        facts,
        notes,
        _text(claims, "sid") or _text(claims, "jti"),
    )


def _read(
    claims: Mapping[str, Any],
    provider: OidcProvider,
    profile: Profile,
    at: datetime,
    structures: Any = None,
) -> Claimed:
    if provider.dialect == "vn-portal":
        return _vn_portal(claims, provider, at)
    if provider.dialect == "vneid":
        return _vneid(claims, provider, at)
    if provider.dialect == "mygovid":
        return _mygovid(claims, provider, profile, at, structures)
    return _standard(claims, provider, at)


def _number(claimed: Claimed) -> Identifier | None:
    holder = claimed.person or claimed.organisation
    return holder.identifier if holder else None


def _signed_number(
    signed: Mapping[str, Any], provider: OidcProvider, profile: Profile, at: datetime
) -> Identifier | None:
    try:
        return _number(_read(signed, provider, profile, at))
    except LoginError:
        return None


def _standard(claims: Mapping[str, Any], provider: OidcProvider, at: datetime) -> Claimed:
    for claim, place in provider.identifiers.items():
        value = claims.get(claim)
        if value:
            country, _, scheme = place.partition("/")
            number = identifier(country, scheme, value, issuer=provider.name, at=at, claim=claim)
            full = _text(claims, "name")
            family, given = _text(claims, "family_name"), _text(claims, "given_name")
            raw = full or " ".join(part for part in (given, family) if part)
            name = PersonName(raw, family or None, given or None) if raw else None
            born = _born(claims.get("birthdate"), provider, at)
            return Claimed(person=Person((number,), name, (), born))
    raise faults.answer("login.no-identifier", "no claim holds a number that is known")


def _vn_portal(claims: Mapping[str, Any], provider: OidcProvider, at: datetime) -> Claimed:
    """Account type 1 is a person, type 2 an organisation behind which no person is known."""
    kind = str(claims.get("LoaiTaiKhoan", ""))
    if kind == "1":
        number = None
        for claim, scheme in (("SoDinhDanh", "CCCD"), ("SoCMND", "CMND")):
            if claims.get(claim):
                number = identifier(
                    "VN", scheme, claims[claim], issuer=provider.name, at=at, claim=claim
                )
                break
        if number is None:
            raise faults.answer("login.no-identifier", "a personal account without a number")
        full = _text(claims, "HoVaTen")
        born = _born(claims.get("NgayThangNamSinh"), provider, at)
        facts = {"idp": _text(claims, "loginIdp")} if claims.get("loginIdp") else {}
        name = PersonName(full, language="vi") if full else None
        return Claimed(person=Person((number,), name, (), born), facts=facts)
    if kind == "2":
        for claim in ("MaSoThue", "MaSoDoanhNghiep"):
            if claims.get(claim):
                number = identifier(
                    "VN", "MST", claims[claim], issuer=provider.name, at=at, claim=claim
                )
                return Claimed(
                    PrincipalKind.ORGANISATION,
                    organisation=Organisation((number,), _text(claims, "TenDoanhNghiep")),
                    notes=("an organisation's account: no person is known behind it",),
                )
        raise faults.answer("login.no-identifier", "an organisation's account without a number")
    raise faults.answer(
        "login.answer-contradiction", f"unknown account type {faults.shown(kind, 8)!r}"
    )


def _vneid(claims: Mapping[str, Any], provider: OidcProvider, at: datetime) -> Claimed:
    value = claims.get("preferred_username")
    if not value:
        raise faults.answer("login.no-identifier", "the token has no preferred_username")
    number = identifier(
        "VN", "CCCD", value, issuer=provider.name, at=at, claim="preferred_username"
    )
    full = _text(claims, "name")
    return Claimed(person=Person((number,), PersonName(full, language="vi") if full else None))


def _mygovid(
    claims: Mapping[str, Any],
    provider: OidcProvider,
    profile: Profile,
    at: datetime,
    structures: Any,
) -> Claimed:
    user = claims.get("user")
    user = user if isinstance(user, dict) else claims
    if claims.get("is_active", user.get("is_active", True)) in (False, "false"):
        raise faults.refused("login.account-inactive", "the account is not active")
    value = user.get("pin")
    if not value:
        raise faults.answer("login.no-identifier", "the token has no FIN")
    number = identifier("AZ", "FIN", value, issuer=provider.name, at=at, claim="pin")
    family, given = _text(user, "lastName"), _text(user, "firstName")
    patronymic = _text(user, "patronymic")
    raw = " ".join(part for part in (family, given, patronymic) if part)
    name = PersonName(raw, family or None, given or None, patronymic or None) if raw else None
    mandates: tuple[Mandate, ...] = ()
    notes: list[str] = []
    if structures is not None:
        rows = _structures(structures)
        digest = sha256(repr(rows).encode()).hexdigest()
        try:
            mandates = from_structures(profile, number, rows, at=at, digest=digest)
        except EsignError as error:
            raise faults.from_esign(error, "login.answer-identifier", "certificates") from None
        left = len(rows) - len(mandates)
        if left:
            notes.append(f"{left} organisation(s) without a VÖEN: named, not identified")
    return Claimed(person=Person((number,), name), mandates=mandates, notes=tuple(notes))


def _structures(data: Any) -> list[Mapping[str, Any]]:
    """Return one row for each organisation; a certificate without one is the person's own."""
    items = data if isinstance(data, list) else data.get("certificates", [])
    rows: dict[str, Mapping[str, Any]] = {}
    for item in items[:200] if isinstance(items, list) else ():
        row = item.get("structureData") if isinstance(item, dict) else None
        if isinstance(row, dict) and (row.get("voen") or row.get("structureName")):
            rows.setdefault(str(row.get("voen") or row.get("structureName")), row)
    return list(rows.values())


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return " ".join(value.split())[:256] if isinstance(value, str) else ""


def _born(value: Any, provider: OidcProvider, at: datetime) -> Claim | None:
    match = re.fullmatch(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", str(value or ""), re.ASCII)
    if not match:
        return None
    where = Provenance(Source.LOGIN, issuer=provider.name, at=at, rule="birth date")
    try:
        return Claim(date(int(match[1]), int(match[2]), int(match[3])), where)
    except ValueError:
        return None
