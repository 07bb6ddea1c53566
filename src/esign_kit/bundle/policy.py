"""A validation policy as plain data and back, so that the question can be asked again."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from esign_kit.errors import InputError
from esign_kit.model.limits import Limits
from esign_kit.trust.policy import AlgorithmPolicy, Cache, ValidationPolicy

__all__ = ["policy_from_data", "policy_to_data"]

_DEFAULT = ValidationPolicy()
_ENUMS: dict[str, type[StrEnum]] = {
    item.name: type(getattr(_DEFAULT, item.name))
    for item in fields(ValidationPolicy)
    if isinstance(getattr(_DEFAULT, item.name), StrEnum)
}
_SETS = ("key_usages", "extended_key_usages", "initial_policies", "ignored_critical_extensions")


def policy_to_data(policy: ValidationPolicy) -> dict[str, Any]:
    """Return every field of the policy as plain data; the cache setting is left out."""
    return {
        item.name: _to_data(getattr(policy, item.name))
        for item in fields(policy)
        if item.name != "cache"
    }


def _to_data(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Limits):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    if isinstance(value, AlgorithmPolicy):
        return {
            "digests": {name: _to_data(end) for name, end in sorted(value.digests.items())},
            "families": {
                name: [[bits, _to_data(end)] for bits, end in rows]
                for name, rows in sorted(value.families.items())
            },
        }
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"a policy field of type {type(value).__name__} cannot be kept")


def policy_from_data(data: Any) -> ValidationPolicy:
    """Read a policy back.

    Raises:
        InputError: it names a field that this version does not know, or has a value of another
            type; to pass over it would be to ask another question.
    """
    known = {item.name for item in fields(ValidationPolicy)}
    try:
        unknown = data.keys() - known
        if unknown:
            raise InputError(
                f"the bundle's policy has fields unknown here: {', '.join(sorted(unknown))}",
                code="bundle.policy",
                hint="check it with the version that made it, or a later one",
            )
        values = {name: _from_data(name, value) for name, value in data.items()}
        return ValidationPolicy(**{**values, "cache": Cache.OFF})
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        raise InputError("the bundle's policy cannot be read", code="bundle.policy") from error


def _from_data(name: str, value: Any) -> Any:
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name == "limits":
        return Limits().with_(**value)
    if name == "algorithms":
        return AlgorithmPolicy(
            {key: _moment(end) for key, end in value["digests"].items()},
            {
                key: tuple((int(bits), _moment(end)) for bits, end in rows)
                for key, rows in value["families"].items()
            },
        )
    if isinstance(value, dict) and value.keys() == {"seconds"}:
        return timedelta(seconds=value["seconds"])
    if name in _SETS:
        return None if value is None else frozenset(value)
    if name == "evidence_until":
        return _moment(value)
    return value


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
