"""Mandates out of certificates, and the ways in which the five systems grant and pass them on."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from esign_kit.errors import IdentityError
from esign_kit.model.identifier import Identifier, Source
from esign_kit.model.mandate import Evidence, Mandate, MandateScope, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.profiles.data import Profile, RoleRule

__all__ = ["MandateRegister", "certificate_mandates", "delegate", "role_of_title"]

_SENIORITY = (Role.HEAD, Role.DEPUTY, Role.ACCOUNTANT, Role.HR, Role.OFFICER, Role.OTHER)


def certificate_mandates(
    profile: Profile,
    certificate: Certificate,
    *,
    person: Identifier | None,
    organisation: Identifier | None,
    roles: Iterable[RoleRule],
    title: str,
    unit: str,
) -> tuple[Mandate, ...]:
    """Return what the certificate attests about acting for its organisation.

    Without a number of the person or of the organisation there is no mandate: a name is not an
    identifier. A role as of issue holds as long as the certificate.
    """
    table = profile.data.get("mandates", {})
    mode = table.get("certificate", "none")
    if mode == "none" or person is None or organisation is None:
        return ()
    rights: frozenset[str] = frozenset()
    role, words = Role.OTHER, title
    if mode == "roles":
        stated = [item for item in roles if item.represents]
        rights = frozenset().union(*(item.rights for item in stated if not item.recalled))
        role = min((item.role for item in stated), key=_SENIORITY.index, default=Role.OTHER)
        words = "; ".join(dict.fromkeys(item.title for item in stated)) or title
    elif mode == "key":
        rights = frozenset(table.get("rights", ()))
        role = role_of_title(profile, title)
    evidence = Evidence(
        "certificate",
        digest=sha256(certificate.der).hexdigest(),
        pointer=format(certificate.serial, "x"),
    )
    return (
        Mandate(
            grantor=organisation,
            holder=person,
            rights=rights,
            role=role,
            title=words,
            scope=MandateScope(),
            valid_from=certificate.not_before_time,
            valid_until=certificate.not_after_time,
            source=Source(table.get("source", "CERTIFICATE")),
            evidence=(evidence,),
        ),
    )


def role_of_title(profile: Profile, title: str) -> Role:
    """Return the normalised role of a free-text position; OTHER for what the table lacks."""
    words = profile.data.get("mandates", {}).get("title_role", {})
    plain = " ".join(title.casefold().split())
    for name, titles in words.items():
        if plain in {item.casefold() for item in titles}:
            return Role(name.upper())
    return Role.OTHER


def delegate(
    parent: Mandate,
    *,
    holder: Identifier,
    rights: Iterable[str],
    scope: MandateScope | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    may_sub_delegate: int = 0,
    role: Role = Role.OTHER,
    title: str = "",
    source: Source | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> Mandate:
    """Pass a mandate on to somebody else.

    Raises:
        IdentityError: more than the parent holds (``mandate.wider``), or the parent may not be
            passed on (``mandate.depth``).
    """
    asked = frozenset(rights)
    if not asked <= parent.rights:
        extra = ", ".join(sorted(asked - parent.rights))
        raise IdentityError(f"not held: {extra}", code="mandate.wider")
    narrow = parent.scope if scope is None else scope
    wider = narrow.within(parent.scope)
    if wider:
        raise IdentityError(f"wider than held: {', '.join(wider)}", code="mandate.wider")
    if parent.may_sub_delegate <= may_sub_delegate:
        raise IdentityError(
            f"may be passed on {parent.may_sub_delegate} times, asked for {may_sub_delegate + 1}",
            code="mandate.depth",
        )
    return Mandate(
        grantor=parent.holder,
        holder=holder,
        rights=asked,
        role=role,
        title=title,
        scope=narrow,
        valid_from=valid_from or parent.valid_from,
        valid_until=valid_until or parent.valid_until,
        parent=parent,
        may_sub_delegate=may_sub_delegate,
        source=source or parent.source,
        evidence=evidence,
    )


class MandateRegister:
    """Grants by id, with their revocations. A caller that keeps mandates builds on the same idea.

    What is handed out carries the revocations of the whole chain above it.
    """

    def __init__(self, mandates: Iterable[Mandate] = ()) -> None:
        self._grants: dict[str, Mandate] = {}
        self._revoked: dict[str, datetime] = {}
        for mandate in mandates:
            self.add(mandate)

    def add(self, mandate: Mandate) -> Mandate:
        """Keep a mandate and those above it; returns it."""
        for link in mandate.chain():
            self._grants.setdefault(link.id, link)
        return mandate

    def revoke(self, mandate: Mandate, at: datetime) -> None:
        """Revoke from an instant on; an earlier revocation stays. Nothing happens backwards."""
        if at.tzinfo is None:
            raise ValueError("at without a time zone")
        held = self._revoked.get(mandate.id)
        self._revoked[mandate.id] = at if held is None else min(at, held)

    def current(self, mandate: Mandate) -> Mandate:
        """Return the mandate with all revocations in its chain."""
        parent = self.current(mandate.parent) if mandate.parent else None
        found = replace(mandate, parent=parent)
        at = self._revoked.get(mandate.id)
        return found.revoked(at) if at else found

    def of(self, holder: Identifier) -> tuple[Mandate, ...]:
        """Return the mandates of a holder, with their revocations, in order of arrival."""
        return tuple(self.current(m) for m in self._grants.values() if m.holder == holder)

    def snapshot(self, at: datetime) -> Mapping[str, object]:
        """Return all grants that had begun at an instant as plain data, to be archived."""
        return {
            "at": at.isoformat(),
            "mandates": [
                self.current(mandate).to_dict()
                for mandate in self._grants.values()
                if mandate.valid_from is None or mandate.valid_from <= at
            ],
        }
