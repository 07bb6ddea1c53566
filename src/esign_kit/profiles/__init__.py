"""National profiles: a country is a folder with ``profile.toml``, ``anchors/`` and ``rules.py``.

Loading a profile registers nothing, reads package data only and is remembered.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit.errors import InputError, ProfileError
from esign_kit.profiles.data import (
    AssuranceRule,
    IdentifierRule,
    Profile,
    PurposeRule,
    RoleRule,
    assurance_rules,
    identifier_rules,
    purpose_rules,
    role_rules,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime
    from importlib.resources.abc import Traversable

    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustAnchor, TrustStore

__all__ = [
    "AssuranceRule",
    "IdentifierRule",
    "Profile",
    "PurposeRule",
    "RoleRule",
    "load_profile",
    "profile",
    "profiles",
]

GROUP = "esign_kit.profiles"
BUILT_IN = ("kz", "uz", "mk", "vn", "az", "eidas")
_HOOKS = ("kind", "names")
_SCHEMA = 1


def profiles() -> tuple[str, ...]:
    """Return the names of all profiles, those of other packages included."""
    from importlib.metadata import entry_points

    others = sorted(point.name for point in entry_points(group=GROUP))
    return (*BUILT_IN, *(name for name in others if name not in BUILT_IN))


def profile(name: str, *, environment: str = "production") -> Profile:
    """Return a profile.

    Args:
        name: ``"kz"``, ``"uz"``, ``"mk"``, ``"vn"``, ``"az"``, ``"eidas"``, or one that another
            package offers under the entry-point group ``esign_kit.profiles``. ``"kz:test"`` names
            the environment too.
        environment: which anchors; ``"production"``, or ``"test"`` for a country's public test
            PKI, whose keys everybody has.

    Raises:
        ProfileError: unknown profile or environment, or broken data.
    """
    plain, colon, named = name.partition(":")
    return _load(plain, named if colon else environment)


@lru_cache(maxsize=64)
def _load(name: str, environment: str) -> Profile:
    if name in BUILT_IN:
        return load_profile(f"esign_kit.profiles.{name}", environment=environment)
    from importlib.metadata import entry_points

    points = entry_points(group=GROUP, name=name)
    if not points:
        raise ProfileError(
            f"no profile {name!r}", hint="known: " + ", ".join(profiles()), code="profile.unknown"
        )
    found = load_profile(next(iter(points)).value.partition(":")[0], environment=environment)
    if found.name != name:
        raise ProfileError(f"the package offers {name!r}, its profile.toml says {found.name!r}")
    return found


def load_profile(package: str, *, environment: str = "production") -> Profile:
    """Load a profile from an importable package that holds ``profile.toml``.

    Raises:
        ProfileError: no such package, or broken data.
    """
    folder = _folder(package)
    data = _read(folder, package)
    hooks = _hooks(package, folder)
    if environment not in ("production", "test"):
        raise ProfileError(f"no environment {environment!r}", hint="production or test")
    name, country = data["name"], data["country"]
    _add_schemes(data, country)
    identity = data.get("identity", {})
    return Profile(
        name=name,
        country=country,
        title=data["title"],
        version=data["version"],
        regime=data["regime"],
        environment=environment,
        trust=_trust(folder, data, environment),
        policy=_policy(data),
        data=data,
        identifiers=identifier_rules(identity, country),
        roles=role_rules(data.get("roles", ())),
        purposes=purpose_rules(data.get("purposes", ())),
        assurance=assurance_rules(data.get("assurance", {}), name),
        unsupported=tuple(data.get("unsupported", ())),
        hooks=hooks,
    )


def _folder(package: str) -> Traversable:
    from importlib import import_module

    try:
        module = import_module(package)
    except ImportError as error:
        raise ProfileError(f"profile package {package} does not import: {error}") from error
    places = list(getattr(module, "__path__", ()))
    if len(places) == 1:
        from pathlib import Path

        if Path(places[0]).is_dir():
            return Path(places[0])
    # In a ZIP, or spread over several folders: slower to import, and rare.
    from importlib.resources import files

    return files(module)


def _read(folder: Traversable, package: str) -> dict[str, Any]:
    import tomllib

    from esign_kit.profiles.schema import validate

    try:
        text = folder.joinpath("profile.toml").read_text("utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{package}: profile.toml cannot be read: {error}") from error
    validate(data, f"{package}/profile.toml")
    if data["schema"] != _SCHEMA:
        raise ProfileError(f"{package}: profile schema {data['schema']}, known is {_SCHEMA}")
    return data


def _hooks(package: str, folder: Traversable) -> Mapping[str, Callable[..., Any]]:
    from importlib import import_module

    if not folder.joinpath("rules.py").is_file():
        return {}
    try:
        module = import_module(f"{package}.rules")
    except ImportError as error:
        raise ProfileError(f"{package}/rules.py does not import: {error}") from error
    return {name: getattr(module, name) for name in _HOOKS if hasattr(module, name)}


def _add_schemes(data: Mapping[str, Any], country: str) -> None:
    """Add the schemes that a profile brings along; the same scheme again changes nothing."""
    import re

    from esign_kit.model.schemes import IdentifierKind, Scheme, register_scheme, schemes

    held = {(item.country, item.name) for item in schemes()}
    for row in data.get("schemes", ()):
        where = row.get("country", country)
        if (where, row["name"]) in held:
            continue
        try:
            register_scheme(
                Scheme(
                    country=where,
                    name=row["name"],
                    kind=IdentifierKind(row["kind"]),
                    pattern=re.compile(row["pattern"]).pattern,
                    title=row["title"],
                    visible=row.get("visible", 3),
                    prefixes=tuple(row.get("prefixes", ())),
                    semantics=row.get("semantics"),
                )
            )
        except (ValueError, re.error) as error:
            raise ProfileError(f"scheme {row['name']}: {error}") from error


def _trust(folder: Traversable, data: Mapping[str, Any], environment: str) -> TrustStore:
    from esign_kit.trust.store import TrustStore

    anchors = [
        _anchor(folder, row)
        for row in data.get("anchors", ())
        if row.get("environment", "production") == environment
    ]
    helpers = [
        _anchor(folder, row).certificate
        for row in data.get("intermediates", ())
        if row.get("environment", "production") == environment
    ]
    return TrustStore(anchors, helpers)


def _anchor(folder: Traversable, row: Mapping[str, Any]) -> TrustAnchor:
    from hashlib import sha256

    from esign_kit.model.signature import Purpose
    from esign_kit.trust.store import TrustAnchor

    try:
        octets = folder.joinpath("anchors", row["file"]).read_bytes()
        anchor = TrustAnchor(
            octets,
            purposes=[Purpose(word) for word in row.get("purposes", ("ANY",))],
            note=f"{row['title']}; {row['source']} ({row['obtained']:%Y-%m-%d})",
        )
    except (OSError, InputError, ValueError) as error:
        raise ProfileError(f"anchor {row['file']}: {error}") from error
    certificate = anchor.certificate
    if sha256(certificate.der).hexdigest() != row["sha256"].lower():
        raise ProfileError(f"anchor {row['file']} is not the certificate that the table names")
    # A certificate that ended is no longer vouched for; an earlier signature needs its proven time.
    anchor.since = _moment(row.get("since")) or certificate.not_before_time
    anchor.until = _moment(row.get("until"), end=True) or certificate.not_after_time
    return anchor


def _moment(day: date | None, *, end: bool = False) -> datetime | None:
    from datetime import UTC, datetime, time

    if day is None:
        return None
    return datetime.combine(day, time(23, 59, 59) if end else time(), tzinfo=UTC)


def _policy(data: Mapping[str, Any]) -> ValidationPolicy:
    from datetime import timedelta

    from esign_kit.trust.policy import Revocation, TransformRule, ValidationPolicy

    row = data.get("policy", {})
    base = ValidationPolicy()
    changes: dict[str, Any] = {"id": f"esign-kit/{data['name']}/{data['version']}"}
    if "revocation" in row:
        changes["revocation"] = Revocation(row["revocation"])
    if "key_usages" in row:
        changes["key_usages"] = frozenset(row["key_usages"])
    if "required_level" in row:
        changes["required_level"] = row["required_level"]
    if "transforms" in row:
        changes["transforms"] = TransformRule(row["transforms"])
    if "max_age_without_next_update_minutes" in row:
        minutes = row["max_age_without_next_update_minutes"]
        changes["max_age_without_next_update"] = timedelta(minutes=minutes)
    algorithms = base.algorithms
    for name, day in row.get("digests_until", {}).items():
        algorithms = algorithms.accepting(name, until=_moment(day, end=True))
    changes["algorithms"] = algorithms
    return base.with_(**changes)
