"""A principal out of the plain data that a session keeps."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Any

from esign_kit.bundle.mandates import mandate_from_data
from esign_kit.errors import EsignError, InputError
from esign_kit.model.assurance import Assurance, Reason
from esign_kit.model.holders import Organisation, Person, PersonName, StatedRole, System
from esign_kit.model.identifier import Claim, Identifier, Provenance, Source
from esign_kit.model.levels import Role, Sector
from esign_kit.model.principal import Principal, PrincipalKind, Proof, ProofKind

__all__ = ["principal_from_data"]


def principal_from_data(data: Any) -> Principal:
    """Return the principal whose ``to_dict()`` is ``data``.

    Raises:
        InputError: it is none, or this version would write it otherwise.
    """
    try:
        principal = _principal(data)
    except (KeyError, TypeError, ValueError, AttributeError, EsignError) as error:
        raise InputError("a principal that cannot be read", code="session.principal") from error
    if principal.to_dict() != data:
        raise InputError("a principal that says more than can be read", code="session.principal")
    return principal


def _principal(data: Any) -> Principal:
    kind = PrincipalKind(data["kind"])
    subject: Person | Organisation | System
    if kind is PrincipalKind.PERSON:
        subject = _person(data["person"])
    elif kind is PrincipalKind.ORGANISATION:
        subject = _organisation(data["organisation"])
    else:
        subject = _system(data["system"])
    represented = None
    if kind is not PrincipalKind.ORGANISATION and data["organisation"]:
        represented = _organisation(data["organisation"])
    return Principal(
        kind=kind,
        subject=subject,
        profile=data["profile"],
        at=datetime.fromisoformat(data["at"]),
        acting_for=mandate_from_data(data["acting_for"]) if data["acting_for"] else None,
        mandates=tuple(mandate_from_data(item) for item in data["mandates"]),
        assurance=_assurance(data["assurance"]),
        established_by=tuple(_proof(item) for item in data["established_by"]),
        roles=tuple(
            StatedRole(
                item["oid"], item["name"], item["title"], Role(item["role"]), item["recalled"]
            )
            for item in data["roles"]
        ),
        affiliation=_organisation(data["affiliation"]) if data["affiliation"] else None,
        represented=represented,
        notes=tuple(data["notes"]),
    )


def _identifiers(rows: Any) -> tuple[Identifier, ...]:
    return tuple(
        Identifier(
            row["country"], row["scheme"], row["value"], provenance=_provenance(row["provenance"])
        )
        for row in rows
    )


def _provenance(data: Any) -> Provenance | None:
    if data is None:
        return None
    at = data["at"]
    return Provenance(
        Source(data["source"]),
        data["issuer"],
        data["digest"],
        datetime.fromisoformat(at) if at else None,
        data["rule"],
        tuple(data["notes"]),
    )


def _claim(data: Any) -> Claim | None:
    if data is None:
        return None
    where = _provenance(data["provenance"])
    if where is None:
        raise ValueError("a claim without provenance")
    value = data["value"]
    # A sex is no day; the comparison with the data decides whether it was read rightly.
    with suppress(ValueError):
        value = date.fromisoformat(value)
    return Claim(value, where)


def _person(data: Any) -> Person:
    return Person(
        _identifiers(data["identifiers"]),
        PersonName(**data["name"]) if data["name"] else None,
        _identifiers(data["links"]),
        _claim(data["birth_date"]),
        _claim(data["sex"]),
    )


def _organisation(data: Any) -> Organisation:
    return Organisation(
        _identifiers(data["identifiers"]), data["name"], Sector(data["sector"]), data["unit"]
    )


def _system(data: Any) -> System:
    return System(_identifiers(data["identifiers"]), data["name"])


def _assurance(data: Any) -> Assurance:
    at = data["at"]
    return Assurance(
        identity=data["identity"],
        authentication=data["authentication"],
        signature=data["signature"],
        federation=data["federation"],
        regime=data["regime"],
        reasons=tuple(Reason(**row) for row in data["reasons"]),
        at=datetime.fromisoformat(at) if at else None,
    )


def _proof(data: Any) -> Proof:
    return Proof(
        ProofKind(data["kind"]),
        datetime.fromisoformat(data["at"]),
        data["digest"],
        data["reference"],
        _identifiers(data["subjects"]),
        _assurance(data["assurance"]),
    )
