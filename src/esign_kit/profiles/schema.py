"""What may stand in a ``profile.toml``. An unknown key is an error, never passed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from esign_kit.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROFILE", "Table", "validate"]


@dataclass(frozen=True)
class Table:
    """A TOML table: its keys, and which of them must be there.

    A value is a type, ``[type]`` for an array, a :class:`Table`, ``[Table]`` for an array of
    tables, a set of allowed words, or ``{...: type}`` for a table with free keys.
    """

    keys: Mapping[str, Any]
    required: frozenset[str] = field(default_factory=frozenset)


def _table(required: str = "", /, **keys: Any) -> Table:
    return Table(keys, frozenset(required.split()))


_ENVIRONMENT = {"production", "test"}
_PURPOSE = {"SIGNING", "AUTHENTICATION", "TIMESTAMPING", "OCSP_SIGNING", "CRL_SIGNING", "ANY"}
_ROLE = {"HEAD", "DEPUTY", "HR", "ACCOUNTANT", "OFFICER", "OTHER"}

_CERTIFICATE = _table(
    "file sha256 title source obtained",
    file=str,
    sha256=str,
    title=str,
    source=str,
    obtained=date,
    environment=_ENVIRONMENT,
    purposes=[str],
    since=date,
    until=date,
    note=str,
)
_IDENTIFIER = _table(
    "scheme attribute form",
    scheme=str,
    attribute=str,
    form={"prefix", "bare", "semantics"},
    prefix=str,
    types={...: str},
    link=bool,
    fallback=bool,
    required_country=bool,
    pattern=str,
    recalled=bool,
    note=str,
)
_WHEN = {...: object}

PROFILE = _table(
    "schema name country title version regime",
    schema=int,
    name=str,
    country=str,
    title=str,
    version=str,
    regime=str,
    languages=[str],
    sources=[str],
    unsupported=[str],
    anchors_hint=str,
    test_identities=[str],
    anchors=[_CERTIFICATE],
    intermediates=[_CERTIFICATE],
    schemes=[
        _table(
            "name kind pattern title",
            name=str,
            kind={"PERSON", "DOCUMENT", "ORGANISATION", "TAX", "SYSTEM", "ACCOUNT"},
            pattern=str,
            title=str,
            visible=int,
            prefixes=[str],
            semantics=str,
            country=str,
        )
    ],
    algorithms=_table(
        "",
        signatures=[str],
        digests=[str],
        recognised=[_table("oid title", oid=str, title=str, reason=str)],
    ),
    policy=_table(
        "",
        revocation={"REQUIRED", "IF_DECLARED", "TARGET_ONLY", "IF_AVAILABLE", "NOT_CHECKED"},
        key_usages=[str],
        max_age_without_next_update_minutes=int,
        digests_until={...: date},
        required_level=str,
        transforms=str,
    ),
    identity=_table(
        "",
        person=[_IDENTIFIER],
        organisation=[_IDENTIFIER],
        system=[_IDENTIFIER],
        names=_table("", raw=str, family=str, given=str, patronymic=str),
        organisation_name=[str],
        acting_organisation_name=[str],
        title=[str],
        unit=[str],
        placeholders=[str],
        default_kind={"PERSON", "ORGANISATION", "SYSTEM"},
        single=[str],
        country_mismatch={"refuse", "tell"},
    ),
    roles=[
        _table(
            "oid name title",
            oid=str,
            name=str,
            title=str,
            kind={"PERSON", "ORGANISATION", "SYSTEM"},
            role=_ROLE,
            rights=[str],
            represents=bool,
            recalled=bool,
            source=str,
        )
    ],
    mandates=_table(
        "",
        certificate={"roles", "key", "none"},
        rights=[str],
        source=str,
        title_role=_table(
            "",
            head=[str],
            deputy=[str],
            hr=[str],
            accountant=[str],
        ),
        rules=[
            _table(
                "id text",
                id=str,
                text=str,
                right=str,
                sources=[str],
                sector=str,
                procedures=[str],
                depth=int,
                preconditions=[str],
                recalled=bool,
            )
        ],
    ),
    purposes=[
        _table(
            "purpose",
            purpose=_PURPOSE,
            usage_all=[str],
            usage_any=[str],
            usage_none=[str],
            extended_any=[str],
            key_algorithms=[str],
            note=str,
        )
    ],
    policies=[_table("oid title", oid=str, title=str, recalled=bool)],
    services=[
        _table(
            "kind url",
            kind={"OCSP", "CRL", "DELTA_CRL", "TSP", "CERTIFICATE", "REMOTE_SIGNING"},
            url=str,
            environment=_ENVIRONMENT,
            note=str,
            recalled=bool,
        )
    ],
    conventions=_table(
        "",
        detached=bool,
        base64_variants=[str],
        time_zone=str,
        xml_canonicalization=str,
        xml_signature_roles={...: str},
        container=str,
        encodings=[str],
        notes=[str],
        signing=_table("", cades={...: object}, xades={...: object}),
    ),
    logins=[
        _table(
            "name",
            name=str,
            title=str,
            issuer=str,
            protocol=str,
            acr={...: str},
            urls=[str],
            claims={...: str},
            signed=bool,
            notes=[str],
            recalled=bool,
        )
    ],
    assurance=_table(
        "version",
        version=str,
        rules=[
            _table(
                "id source",
                id=str,
                when=_WHEN,
                identity=str,
                authentication=str,
                signature=str,
                federation=str,
                detail=str,
                source=str,
                recalled=bool,
            )
        ],
    ),
)


def validate(data: Mapping[str, Any], where: str, table: Table = PROFILE) -> None:
    """Check data against a table.

    Raises:
        ProfileError: an unknown or missing key, or a value of another type; says where.
    """
    unknown = sorted(set(data) - set(table.keys))
    if unknown:
        raise ProfileError(
            f"{where}: unknown key {', '.join(unknown)}",
            hint=f"known here: {', '.join(sorted(table.keys))}",
        )
    missing = sorted(table.required - set(data))
    if missing:
        raise ProfileError(f"{where}: missing key {', '.join(missing)}")
    for key, value in data.items():
        _value(value, table.keys[key], f"{where}.{key}")


def _value(value: Any, expected: Any, where: str) -> None:
    if isinstance(expected, Table):
        _type(value, dict, where)
        validate(value, where, expected)
    elif isinstance(expected, list):
        _type(value, list, where)
        for number, item in enumerate(value):
            _value(item, expected[0], f"{where}[{number}]")
    elif isinstance(expected, dict):
        _type(value, dict, where)
        for key, item in value.items():
            _value(item, expected[...], f"{where}.{key}")
    elif isinstance(expected, set):
        if value not in expected:
            raise ProfileError(f"{where}: {value!r} is none of {', '.join(sorted(expected))}")
    else:
        _type(value, expected, where)


def _type(value: Any, expected: type, where: str) -> None:
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise ProfileError(f"{where}: expected {expected.__name__}, found {type(value).__name__}")
