"""A profile: one country's anchors, policy, identity rules and tables, as loaded data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from esign_kit.errors import ProfileError
from esign_kit.model.levels import AXES, Role
from esign_kit.model.schemes import scheme
from esign_kit.trust.store import TrustStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["AssuranceRule", "IdentifierRule", "Profile", "PurposeRule", "RoleRule"]

_REMEMBERED = 512
ATTRIBUTE_OIDS = {
    "CN": "2.5.4.3",
    "SN": "2.5.4.4",
    "serialNumber": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "title": "2.5.4.12",
    "businessCategory": "2.5.4.15",
    "name": "2.5.4.41",
    "GN": "2.5.4.42",
    "pseudonym": "2.5.4.65",
    "organizationIdentifier": "2.5.4.97",
    "UID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25",
    "E": "1.2.840.113549.1.9.1",
}


def attribute_oid(name: str) -> str:
    """Return the OID of an attribute that a profile names.

    Raises:
        ProfileError: no such attribute.
    """
    found = ATTRIBUTE_OIDS.get(name, name)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)+", found):
        raise ProfileError(f"no attribute {name!r}")
    return found


@dataclass(frozen=True, slots=True)
class IdentifierRule:
    """Where an identifier stands: the one attribute, the form, the scheme.

    Attributes:
        target: ``"person"``, ``"organisation"`` or ``"system"``.
        form: ``"prefix"``, ``"bare"`` or ``"semantics"`` (EN 319 412-1).
        types: identity type to scheme, for ``"semantics"``.
        link: kept apart as a link, not used to tell who it is.
        fallback: a link that does tell who it is where no other number stands.
        required_country: the country inside must be that of the subject.
        pattern: for ``"bare"``: what does not match belongs to somebody else's rule.
    """

    target: str
    scheme: str
    oid: str
    form: str
    prefix: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    link: bool = False
    fallback: bool = False
    required_country: bool = False
    pattern: str = ""
    recalled: bool = False

    @property
    def id(self) -> str:
        """Name of the rule in provenances."""
        return f"{self.oid}:{self.prefix or self.form}:{self.scheme}"


@dataclass(frozen=True, slots=True)
class RoleRule:
    """What an OID in the extended key usage or the policies says about the holder."""

    oid: str
    name: str
    title: str
    role: Role = Role.OTHER
    kind: str | None = None
    rights: frozenset[str] = frozenset()
    represents: bool = False
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class PurposeRule:
    """Which certificates serve which purpose; every stated condition must hold."""

    purpose: str
    usage_all: frozenset[str] = frozenset()
    usage_any: frozenset[str] = frozenset()
    usage_none: frozenset[str] = frozenset()
    extended_any: frozenset[str] = frozenset()
    key_algorithms: frozenset[str] = frozenset()

    def fits(self, usage: frozenset[str], extended: frozenset[str], key: str) -> bool:
        """Tell whether a certificate with these usages and this key algorithm serves it."""
        return (
            self.usage_all <= usage
            and (not self.usage_any or bool(self.usage_any & usage))
            and not self.usage_none & usage
            and (not self.extended_any or bool(self.extended_any & extended))
            and (not self.key_algorithms or key in self.key_algorithms)
        )


@dataclass(frozen=True, slots=True)
class AssuranceRule:
    """A row of the assurance table: when it holds, and which axes it sets.

    A recalled row is told but decides nothing until the deployer confirms it.
    """

    id: str
    when: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""
    recalled: bool = False
    overridden: bool = False


@dataclass(frozen=True, eq=False)
class Profile:
    """One national system as data.

    Attributes:
        name: as in ``esign_kit.profile(name)``.
        regime: law under which signatures have their grade.
        version: of the tables; every reason carries it.
        environment: ``"production"``, ``"test"``, ``"fixture"``; the anchors are of this one only.
        trust, policy: for ``verify(profile=…)``.
        unsupported: what this profile does not do, in plain words.
        data: the whole table as read; not to be changed.
    """

    name: str
    country: str
    title: str
    version: str
    regime: str
    environment: str
    trust: TrustStore
    policy: ValidationPolicy
    data: Mapping[str, Any]
    identifiers: tuple[IdentifierRule, ...] = ()
    roles: tuple[RoleRule, ...] = ()
    purposes: tuple[PurposeRule, ...] = ()
    assurance: tuple[AssuranceRule, ...] = ()
    unsupported: tuple[str, ...] = ()
    hooks: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    memory: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def remembered(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for this key, or make it; a bounded number is kept.

        What hangs on nothing but an immutable input and this profile may be remembered here, and
        is forgotten with it.
        """
        try:
            return self.memory[key]
        except KeyError:
            made = make()
            if len(self.memory) >= _REMEMBERED:
                self.memory.clear()
            self.memory[key] = made
            return made

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields for ``pickle``, without what was remembered."""
        return {**self.__dict__, "memory": {}}

    def with_trust(self, store: TrustStore, *, environment: str = "custom") -> Profile:
        """Return the same profile with these anchors instead of its own."""
        return replace(self, trust=store, environment=environment)

    def with_anchors(self, anchors: Any, intermediates: Any = ()) -> Profile:
        """Return the same profile with anchors added; that they were is visible in ``overrides``.

        Args:
            anchors: a :class:`TrustStore`, or what it takes.
            intermediates: helpers that are not trusted.
        """
        extra = anchors if isinstance(anchors, TrustStore) else TrustStore(anchors, intermediates)
        names = ", ".join(anchor.certificate.label for anchor in extra)
        return replace(
            self, trust=self.trust | extra, overrides=(*self.overrides, f"anchors added: {names}")
        )

    def with_policy(self, policy: ValidationPolicy) -> Profile:
        """Return the same profile with another validation policy."""
        return replace(self, policy=policy)

    def with_assurance(self, rule: str, **levels: str) -> Profile:
        """Return the same profile with one row of the assurance table changed by name.

        The change shows in every reason that the row gives (``overridden``).

        Args:
            rule: id of the row.
            levels: new values by axis (``authentication="LOW"``).

        Raises:
            ProfileError: no such row, axis or level.
        """
        rows = []
        found = False
        for row in self.assurance:
            if row.id == rule:
                found = True
                check_levels(levels, f"{self.name}: {rule}")
                row = replace(row, levels={**row.levels, **levels}, recalled=False, overridden=True)
            rows.append(row)
        if not found:
            raise ProfileError(
                f"{self.name}: no assurance rule {rule!r}",
                hint="known: " + ", ".join(row.id for row in self.assurance),
            )
        return replace(
            self, assurance=tuple(rows), overrides=(*self.overrides, f"assurance rule {rule}")
        )

    def confirming(self, *rules: str) -> Profile:
        """Return the same profile with recalled rows of the assurance table counted as facts."""
        found = self
        for rule in rules:
            found = found.with_assurance(rule)
        return found

    def with_rights(self, role: str, rights: Iterable[str]) -> Profile:
        """Return the same profile in which a role of the certificate also gives these rights.

        Raises:
            ProfileError: no such role.
        """
        extra = frozenset(rights)
        if role not in {item.name for item in self.roles}:
            raise ProfileError(
                f"{self.name}: no role {role!r}",
                hint="known: " + ", ".join(sorted({item.name for item in self.roles})),
            )
        roles = tuple(
            replace(item, rights=item.rights | extra) if item.name == role else item
            for item in self.roles
        )
        return replace(self, roles=roles, overrides=(*self.overrides, f"rights of {role}"))

    def services(self, kind: str) -> tuple[str, ...]:
        """Return the addresses of a service (``"OCSP"``, ``"CRL"``, ``"TSP"``) here."""
        wanted = "test" if self.environment == "test" else "production"
        return tuple(
            row["url"]
            for row in self.data.get("services", ())
            if row["kind"] == kind and row.get("environment", "production") == wanted
        )

    def signing_options(self, format: str) -> Mapping[str, Any]:
        """Return the options with which the country's tools sign (``"cades"``, ``"xades"``).

        What the caller says comes before them.
        """
        table: Mapping[str, Mapping[str, Any]] = self.data.get("conventions", {}).get("signing", {})
        return table.get(format, {})

    def hook(self, name: str) -> Callable[..., Any] | None:
        """Return a function of the profile's ``rules.py``."""
        return self.hooks.get(name)

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, {self.environment}, {len(self.trust)} anchors)"


def check_levels(levels: Mapping[str, str], where: str) -> None:
    """Check axis names and level words.

    Raises:
        ProfileError: unknown.
    """
    for axis, value in levels.items():
        if axis not in AXES:
            raise ProfileError(f"{where}: no axis {axis!r}", hint="axes: " + ", ".join(AXES))
        if value not in AXES[axis].__members__:
            raise ProfileError(f"{where}: {axis} has no level {value!r}")


def identifier_rules(data: Mapping[str, Any], country: str) -> tuple[IdentifierRule, ...]:
    """Read the identifier places; every scheme must exist.

    Raises:
        ProfileError: an unknown scheme or attribute.
    """
    found = []
    for target in ("person", "organisation", "system"):
        for row in data.get(target, ()):
            where = f"identity.{target}.{row['scheme']}"
            for name in (row["scheme"], *row.get("types", {}).values()):
                _known_scheme(country, name, where)
            found.append(
                IdentifierRule(
                    target=target,
                    scheme=row["scheme"],
                    oid=attribute_oid(row["attribute"]),
                    form=row["form"],
                    prefix=row.get("prefix", ""),
                    types=row.get("types", {}),
                    link=row.get("link", False),
                    fallback=row.get("fallback", False),
                    required_country=row.get("required_country", False),
                    pattern=row.get("pattern", ""),
                    recalled=row.get("recalled", False),
                )
            )
            if found[-1].form == "prefix" and not found[-1].prefix:
                raise ProfileError(f"{where}: form prefix without a prefix")
    return tuple(found)


def _known_scheme(country: str, name: str, where: str) -> None:
    from esign_kit.errors import IdentityError

    try:
        scheme(country, name)
    except IdentityError as error:
        raise ProfileError(f"{where}: {error.detail}") from error


def role_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[RoleRule, ...]:
    """Read the roles."""
    return tuple(
        RoleRule(
            oid=row["oid"],
            name=row["name"],
            title=row["title"],
            role=Role(row.get("role", "OTHER")),
            kind=row.get("kind"),
            rights=frozenset(row.get("rights", ())),
            represents=row.get("represents", False),
            recalled=row.get("recalled", False),
        )
        for row in rows
    )


def purpose_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[PurposeRule, ...]:
    """Read the purposes."""
    names = ("usage_all", "usage_any", "usage_none", "extended_any", "key_algorithms")
    return tuple(
        PurposeRule(row["purpose"], **{name: frozenset(row.get(name, ())) for name in names})
        for row in rows
    )


def assurance_rules(data: Mapping[str, Any], where: str) -> tuple[AssuranceRule, ...]:
    """Read the assurance table.

    Raises:
        ProfileError: an unknown level, or one id twice.
    """
    found = []
    for row in data.get("rules", ()):
        levels = {axis: row[axis] for axis in AXES if axis in row}
        check_levels(levels, f"{where}: {row['id']}")
        found.append(
            AssuranceRule(
                id=row["id"],
                when=row.get("when", {}),
                levels=levels,
                detail=row.get("detail", ""),
                recalled=row.get("recalled", False),
            )
        )
    if len({row.id for row in found}) != len(found):
        raise ProfileError(f"{where}: an assurance rule id stands twice")
    return tuple(found)
