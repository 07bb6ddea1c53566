"""From facts to levels: the assurance table of a profile, applied.

The first row that holds and speaks about an axis sets it; later rows are passed over for that
axis. A recalled row is told and decides nothing until the deployer confirms it by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.errors import IdentityError
from esign_kit.model.assurance import AXES, Assurance, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from esign_kit.model.principal import Proof
    from esign_kit.profiles.data import AssuranceRule, Profile

__all__ = ["EIDAS_NOT_NOTIFIED", "acr_for", "assess", "assess_login", "factors_level", "join"]

EIDAS_NOT_NOTIFIED = "http://eidas.europa.eu/NotNotified/LoA/"
"""The prefix that may be emitted; the one of notified schemes is read and never emitted."""


def assess(profile: Profile, facts: Mapping[str, Any], *, at: datetime | None = None) -> Assurance:
    """Return what the profile's table makes of the facts.

    Args:
        facts: names to values or collections of values, as in the table's ``when``.
        at: when the evidence was fresh.
    """
    values: dict[str, str] = {}
    reasons: list[Reason] = []
    for row in profile.assurance:
        if not _holds(row, facts):
            continue
        for axis, value in row.levels.items():
            if row.recalled:
                reasons.append(_reason(profile, row, axis, value, facts))
            elif axis not in values:
                values[axis] = value
                reasons.append(_reason(profile, row, axis, value, facts))
    typed: dict[str, Any] = {axis: AXES[axis](value) for axis, value in values.items()}
    regime = profile.regime if "signature" in values else None
    return Assurance(**typed, regime=regime, reasons=tuple(reasons), at=at)


def _holds(row: AssuranceRule, facts: Mapping[str, Any]) -> bool:
    return all(_condition(key, wanted, facts) for key, wanted in row.when.items())


def _condition(key: str, wanted: Any, facts: Mapping[str, Any]) -> bool:
    options = set(wanted) if isinstance(wanted, list) else {wanted}
    if key.endswith("_other_than"):
        held = _held(facts.get(key.removesuffix("_other_than")))
        return bool(held) and not held & options
    return bool(_held(facts.get(key)) & options)


def _held(value: Any) -> set[Any]:
    if value is None:
        return set()
    if isinstance(value, (set, frozenset, list, tuple)):
        return set(value)
    return {value}


def _reason(
    profile: Profile, row: AssuranceRule, axis: str, value: str, facts: Mapping[str, Any]
) -> Reason:
    seen = []
    for key in row.when:
        name = key.removesuffix("_other_than")
        held = sorted(str(item) for item in _held(facts.get(name)))
        seen.append(f"{name}={'|'.join(held)[:120]}")
    return Reason(
        axis=axis,
        value=value,
        rule=row.id,
        input=", ".join(seen),
        table=profile.version,
        detail=row.detail,
        overridden=row.overridden,
        recalled=row.recalled,
    )


def assess_login(
    profile: Profile, facts: Mapping[str, Any], *, at: datetime | None = None
) -> Assurance:
    """Return what the table makes of a login.

    The pair (issuer, acr) is looked up in the profile's login systems; an acr never counts without
    its issuer, and an unknown pair says nothing (UNKNOWN, with a reason that tells it).

    Args:
        facts: ``issuer``, ``acr``, ``method``, ``account_level``, ``validated``, ….
        at: when the login happened.
    """
    merged = {**facts, "proof": "login"}
    unknown = ""
    issuer, acr = facts.get("issuer"), facts.get("acr")
    for row in profile.data.get("logins", ()):
        if issuer is not None and row.get("issuer") == issuer:
            merged["login"] = row["name"]
            if acr is not None:
                meaning = row.get("acr", {}).get(str(acr))
                if meaning:
                    merged["acr_meaning"] = meaning
                else:
                    unknown = f"{row['name']} does not define the acr {str(acr)[:60]!r}"
    if issuer is not None and "login" not in merged:
        unknown = f"no login system has the issuer {str(issuer)[:120]!r}"
    found = assess(profile, merged, at=at)
    if unknown:
        note = Reason(
            "authentication",
            "UNKNOWN",
            "unknown-acr",
            f"issuer={issuer}, acr={acr}"[:200],
            profile.version,
            unknown,
        )
        found = found.with_reason(note)
    return found


def factors_level(
    factors: Iterable[str],
    *,
    dynamic: bool,
    duplicable: bool = True,
    restricted: bool = False,
) -> str:
    """Return the authentication level that factors support (CIR (EU) 2015/1502, annex § 2.3).

    Args:
        factors: categories used, of ``"knowledge"``, ``"possession"``, ``"inherence"``.
        dynamic: a fresh challenge was answered.
        duplicable: the key or device can be copied.
        restricted: a factor came over a restricted channel (SMS); it counts for nothing more
            than one factor (NIST SP 800-63B).
    """
    kinds = set(factors) & {"knowledge", "possession", "inherence"}
    if not kinds or kinds == {"inherence"}:
        # A biometric counts only together with something that is held.
        return "NONE"
    if len(kinds) == 1 or restricted or not dynamic or "possession" not in kinds:
        return "LOW"
    return "SUBSTANTIAL" if duplicable else "HIGH"


def join(proofs: Iterable[Proof]) -> Assurance:
    """Return the higher value of each axis over independent proofs of one subject.

    Raises:
        IdentityError: the proofs are not of the same subject: a company's key does not raise the
            person, a login of one person not the signature of another.
    """
    items = list(proofs)
    if not items:
        return Assurance()
    subjects = set(items[0].subjects)
    found = items[0].assurance
    for proof in items[1:]:
        if not subjects & set(proof.subjects):
            raise IdentityError("proofs of different subjects", code="identity.subject-continuity")
        found = found.strengthened_by(proof.assurance)
    return found


def acr_for(assurance: Assurance) -> str | None:
    """Return the eIDAS acr to emit, of the not-notified kind; ``None`` below LOW."""
    word = str(assurance.overall).lower()
    return EIDAS_NOT_NOTIFIED + word if word in ("low", "substantial", "high") else None
