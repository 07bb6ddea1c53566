"""Signers that look right and must not pass: each differs from a good one in one thing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import signature_algorithm
from esign_kit.errors import UnsupportedError
from esign_kit.testing import der
from esign_kit.testing.countries import Usage, fill

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.testing.countries import Row
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.pki import FixturePKI

__all__ = ["IDENTITY_NEAR_MISSES", "NEAR_MISSES", "near_miss"]

_DAY = timedelta(days=1)


def near_miss(pki: FixturePKI, kind: str, **details: Any) -> Entity:
    """Return a signer of that kind; details as in ``FixturePKI.issue``, for a person by default.

    Raises:
        UnsupportedError: no such kind.
    """
    maker = _MAKERS.get(kind) or _IDENTITY.get(kind)
    if maker is None:
        known = sorted((*_MAKERS, *_IDENTITY))
        raise UnsupportedError(f"no near miss {kind!r}", hint="there are " + ", ".join(known))
    holder = details.pop("holder", "person")
    return maker(pki, holder, details)


def _expired(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    details |= {"valid_from": pki.now - 400 * _DAY, "valid_until": pki.now - _DAY}
    return pki.issue(holder, **details)


def _not_yet_valid(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    details |= {"valid_from": pki.now + _DAY, "valid_until": pki.now + 366 * _DAY}
    return pki.issue(holder, **details)


def _revoked(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    made = pki.issue(holder, **details)
    pki.revoke(made, at=pki.now - _DAY)
    return made


def _on_hold(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    made = pki.issue(holder, **details)
    pki.hold(made, at=pki.now - _DAY)
    return made


def _wrong_usage(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # A certificate for encrypting only.
    details["usage"] = Usage(("key_encipherment", "key_agreement"))
    return pki.issue(holder, **details)


def _other_key(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # The certificate is genuine, the private key is somebody else's.
    made = pki.issue(holder, **details)
    made.private_key = pki.new_key("somebody else")
    return made


def _never_issued(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # Signed by the authority's key, but not in its records: a stolen or misused issuing key. OCSP
    # answers "unknown"; a CRL, which lists what is revoked, cannot tell.
    return pki.issue(holder, recorded=False, **details)


def _forged(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # Right names all over, signed by a stranger's key.
    return pki.issue(holder, recorded=False, forged_by=pki.new_key("forger"), **details)


def _weak(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    details["key"] = "rsa-1024"
    return pki.issue(holder, **details)


def _sha1(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    issuer = details.get("issuer", pki.issuing)
    for usual in issuer.private_key.algorithms:
        if usual.digest is not None and usual.family in ("RSA", "ECDSA"):
            details["algorithm"] = signature_algorithm(f"{usual.family}-SHA1")
            return pki.issue(holder, **details)
    raise UnsupportedError("an authority with this kind of key cannot sign with SHA-1")


def _other_country(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # The same names and addresses, from a root of other making.
    from esign_kit.testing.pki import FixturePKI

    other = FixturePKI(
        pki.country, at=pki.now, key=pki.key_kind, base_url=pki.base_url, seed="another making"
    )
    return other.issue(holder, **details)


_MAKERS: dict[str, Callable[[FixturePKI, str, dict[str, Any]], Entity]] = {
    "expired": _expired,
    "not-yet-valid": _not_yet_valid,
    "revoked": _revoked,
    "on-hold": _on_hold,
    "wrong-usage": _wrong_usage,
    "other-key": _other_key,
    "never-issued": _never_issued,
    "forged": _forged,
    "weak-key": _weak,
    "sha1": _sha1,
    "other-country": _other_country,
}

NEAR_MISSES: tuple[str, ...] = tuple(_MAKERS)
"""Names of all near misses whose signatures must not pass."""


def _rewritten(
    pki: FixturePKI,
    holder: str,
    details: dict[str, Any],
    change: Callable[[list[Row], Entity], list[Row]],
) -> Entity:
    """Issue to the same holder with another subject."""
    usual = pki.issue(holder, **details)
    rows = fill(pki.country.layouts[holder].subject, usual.values)
    return pki.issue(holder, **{**details, "subject": der.name(change(rows, usual))})


def _named_organisation(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # The organisation has a name in the certificate and no number.
    def without_number(rows: list[Row], usual: Entity) -> list[Row]:
        number = usual.values["organisation"] or ""
        return [row for row in rows if not number or number not in row[1]]

    return _rewritten(pki, "employee", details, without_number)


def _number_rows(rows: list[Row], usual: Entity) -> list[Row]:
    number = usual.values["person"] or ""
    return [row for row in rows if number and number in row[1]]


def _two_numbers(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # Somebody else's number stands beside the holder's own.
    other = pki.country.person_number(pki.count("person"))

    def twice(rows: list[Row], usual: Entity) -> list[Row]:
        own = usual.values["person"] or ""
        extra = [
            (oid, text.replace(own, other), tag) for oid, text, tag in _number_rows(rows, usual)
        ]
        return [*rows, *extra]

    return _rewritten(pki, "person", details, twice)


def _look_alike(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # The number in full-width characters: a reader sees no difference.
    def widened(rows: list[Row], usual: Entity) -> list[Row]:
        own = usual.values["person"] or ""
        wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in own)
        return [(oid, text.replace(own, wide) if own else text, der.UTF8) for oid, text, _ in rows]

    return _rewritten(pki, "person", details, widened)


_IDENTITY: dict[str, Callable[[FixturePKI, str, dict[str, Any]], Entity]] = {
    "named-organisation": _named_organisation,
    "two-numbers": _two_numbers,
    "look-alike": _look_alike,
}

IDENTITY_NEAR_MISSES: tuple[str, ...] = tuple(_IDENTITY)
"""Names of near misses whose chains hold and who must not be taken for somebody."""
