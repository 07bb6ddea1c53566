"""Mandates out of the plain data that they are kept in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from esign_kit.errors import EsignError, InputError
from esign_kit.model.assurance import (
    Assurance,
    AuthenticationLevel,
    FederationLevel,
    IdentityLevel,
    Reason,
    SignatureLevel,
)
from esign_kit.model.identifier import Identifier, Provenance, Source
from esign_kit.model.mandate import Evidence, Mandate, MandateScope, Role, Sector

__all__ = ["mandate_from_data"]

_DEEPEST = 16


def mandate_from_data(data: Any, depth: int = 0) -> Mandate:
    """Return the mandate whose ``to_dict()`` is ``data``.

    Raises:
        InputError: it is none, or this version would write it otherwise.
    """
    if depth > _DEEPEST:
        raise InputError("a mandate chain that is too long", code="bundle.mandate")
    try:
        mandate = Mandate(
            grantor=_identifier(data["grantor"]),
            holder=_identifier(data["holder"]),
            rights=frozenset(data["rights"]),
            role=Role(data["role"]),
            title=data["title"],
            scope=_scope(data["scope"]),
            seal=data["seal"],
            valid_from=_moment(data["valid_from"]),
            valid_until=_moment(data["valid_until"]),
            revoked_at=_moment(data["revoked_at"]),
            parent=mandate_from_data(data["parent"], depth + 1) if data["parent"] else None,
            may_sub_delegate=data["may_sub_delegate"],
            unmet=tuple(data["unmet"]),
            source=Source(data["source"]),
            evidence=tuple(_evidence(item) for item in data["evidence"]),
            granted_with=data["granted_with"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError("a mandate that cannot be read", code="bundle.mandate") from error
    except EsignError as error:
        raise InputError(f"a mandate that cannot be read: {error.detail}") from error
    if depth == 0 and mandate.to_dict() != data:
        raise InputError("a mandate that says more than can be read", code="bundle.mandate")
    return mandate


def _identifier(data: Any) -> Identifier:
    return Identifier(
        data["country"], data["scheme"], data["value"], provenance=_provenance(data["provenance"])
    )


def _provenance(data: Any) -> Provenance | None:
    if data is None:
        return None
    return Provenance(
        source=Source(data["source"]),
        issuer=data["issuer"],
        digest=data["digest"],
        at=_moment(data["at"]),
        rule=data["rule"],
        notes=tuple(data["notes"]),
    )


def _scope(data: Any) -> MandateScope:
    limits = {
        name: None if data[name] is None else frozenset(data[name])
        for name in ("units", "territory", "procedures")
    }
    return MandateScope(**limits, sector=Sector(data["sector"]) if data["sector"] else None)


def _evidence(data: Any) -> Evidence:
    return Evidence(
        data["kind"],
        digest=data["digest"],
        pointer=data["pointer"],
        assurance=_assurance(data["assurance"]) if data["assurance"] else None,
        facts=tuple(data["facts"].items()),
    )


def _assurance(data: Any) -> Assurance:
    return Assurance(
        IdentityLevel(data["identity"]),
        AuthenticationLevel(data["authentication"]),
        SignatureLevel(data["signature"]),
        FederationLevel(data["federation"]),
        regime=data["regime"],
        reasons=tuple(Reason(**item) for item in data["reasons"]),
        at=_moment(data["at"]),
    )


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
