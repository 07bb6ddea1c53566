"""Countries as tables: what stands in the certificates that their authorities issue.

A layout is a list of subject attributes with templates, the key usages by purpose, and the OIDs of
roles. A template whose value is not known (``None``) leaves its attribute out. Another country is
another table; nothing in the factory knows one by name.

Sources: EN 319 412-1/-2/-3/-5 for ``xx`` and ``eidas``; the observed certificates of the national
authority for ``kz``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from esign_kit.asn1.reader import SEQUENCE, encode, encode_oid
from esign_kit.errors import UnsupportedError
from esign_kit.testing import der

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["COUNTRIES", "Country", "Layout", "Usage", "country"]

CN, SURNAME, SERIAL, C, L, ORG, OU, TITLE, GIVEN, ORGID, UID = (
    "2.5.4.3",
    "2.5.4.4",
    "2.5.4.5",
    "2.5.4.6",
    "2.5.4.7",
    "2.5.4.10",
    "2.5.4.11",
    "2.5.4.12",
    "2.5.4.42",
    "2.5.4.97",
    "0.9.2342.19200300.100.1.1",
)
_UTF8, _PRINTABLE = der.UTF8, der.PRINTABLE
_EKU = "1.3.6.1.5.5.7.3."
CLIENT_AUTH, EMAIL, TIMESTAMPING, OCSP = _EKU + "2", _EKU + "4", _EKU + "8", _EKU + "9"

Row = tuple[str, str, int]
"""Attribute type, template, ASN.1 string tag."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Key usages, extended ones, and policies of one purpose."""

    key_usage: tuple[str, ...]
    extended: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of holder looks.

    Attributes:
        subject: rows of the subject, in order.
        usages: by purpose (``"SIGNING"``, ``"AUTHENTICATION"``).
        extensions: further extensions, finished.
    """

    subject: tuple[Row, ...]
    usages: Mapping[str, Usage]
    extensions: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Country:
    """A country's table.

    Attributes:
        code: ISO 3166 code that certificates carry.
        title: for people.
        profile: name of the profile that reads its certificates.
        key: kind of key that its people have by default.
        root, issuing, ocsp, tsa: rows of the authorities' subjects.
        layouts: by kind of holder: ``person employee organisation system``.
        roles: extended key usages that an employee's role adds, by role.
        titles: what a role is called in the subject's title, by role.
        names: (surname, given name, patronymic or None) of people who are given no name.
        organisations: names of organisations that are given none.
        person_number, organisation_number: the n-th valid identifier.
        tsa_policy: OID that its time-stamps carry.
    """

    code: str
    title: str
    profile: str
    key: str
    root: tuple[Row, ...]
    issuing: tuple[Row, ...]
    ocsp: tuple[Row, ...]
    tsa: tuple[Row, ...]
    layouts: Mapping[str, Layout]
    names: tuple[tuple[str, str, str | None], ...]
    organisations: tuple[str, ...]
    person_number: Callable[[int], str]
    organisation_number: Callable[[int], str]
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    tsa_policy: str = "2.999.3.1"


def fill(rows: tuple[Row, ...], values: Mapping[str, str | None]) -> list[Row]:
    """Fill templates; rows that need an unknown value are left out."""
    known = {key: value for key, value in values.items() if value is not None}
    filled = []
    for oid, template, tag in rows:
        try:
            text = template.format_map(known)
        except KeyError:
            continue
        if text:
            filled.append((oid, text, tag if tag != _PRINTABLE or _is_printable(text) else _UTF8))
    return filled


@lru_cache(maxsize=1024)
def _is_printable(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9 '()+,\-./:=?]*", text) is not None


# ── xx and eidas: EN 319 412 ──────────────────────────────────────────────────────────────────

_QC_COMPLIANCE, _QC_SSCD, _QC_ESIGN, _QC_ESEAL = (
    "0.4.0.1862.1.1",
    "0.4.0.1862.1.4",
    "0.4.0.1862.1.6.1",
    "0.4.0.1862.1.6.2",
)
_SIGNING, _LOGIN = ("content_commitment",), ("digital_signature", "key_agreement")


def _etsi_layouts(qualified: bool) -> dict[str, Layout]:
    person = (
        (C, "{country}", _PRINTABLE),
        (CN, "{given_name} {surname}", _UTF8),
        (SURNAME, "{surname}", _UTF8),
        (GIVEN, "{given_name}", _UTF8),
        (SERIAL, "{person_semantics}", _PRINTABLE),
    )
    organisation = (
        (ORG, "{organisation_name}", _UTF8),
        (ORGID, "{organisation_semantics}", _UTF8),
    )
    natural = "0.4.0.194112.1.2" if qualified else "2.999.2.1"
    legal = "0.4.0.194112.1.3" if qualified else "2.999.2.2"
    signature = (der.qc_statements((_QC_COMPLIANCE, _QC_SSCD), _QC_ESIGN),) if qualified else ()
    seal = (der.qc_statements((_QC_COMPLIANCE, _QC_SSCD), _QC_ESEAL),) if qualified else ()
    usages = {
        "SIGNING": Usage(_SIGNING, (), (natural,)),
        "AUTHENTICATION": Usage(_LOGIN, (CLIENT_AUTH, EMAIL)[:1], ("2.999.2.9",)),
    }
    sealing = {**usages, "SIGNING": Usage(_SIGNING, (), (legal,))}
    return {
        "person": Layout(person, usages, signature),
        "employee": Layout((*person, *organisation, (TITLE, "{title}", _UTF8)), usages, signature),
        "organisation": Layout(
            ((C, "{country}", _PRINTABLE), *organisation, (CN, "{organisation_name}", _UTF8)),
            sealing,
            seal,
        ),
        "system": Layout(
            ((C, "{country}", _PRINTABLE), *organisation, (CN, "{system}", _UTF8)), sealing, seal
        ),
    }


def _etsi(code: str, title: str, qualified: bool) -> Country:
    def rows(name: str) -> tuple[Row, ...]:
        return (
            (C, code, _PRINTABLE),
            (ORG, "Fixture Trust Services", _UTF8),
            (ORGID, f"NTR{code}-10000001", _UTF8),
            (CN, name, _UTF8),
        )

    return Country(
        code=code,
        title=title,
        profile="eidas",
        key="ec",
        root=rows(f"Fixture Root {code}"),
        issuing=rows(f"Fixture Issuing CA {code}"),
        ocsp=rows(f"Fixture OCSP {code}"),
        tsa=rows(f"Fixture TSA {code}"),
        layouts=_etsi_layouts(qualified),
        names=(
            ("Example", "Alex", None),
            ("Specimen", "Robin", None),
            ("Müller", "Žofie", None),
            ("Ólafsdóttir", "Ásta", None),
        ),
        organisations=("Example Works Ltd", "Specimen & Söhne GmbH", "Åland Labour Agency"),
        person_number=lambda n: f"{1990 + n % 30:04d}{1 + n % 12:02d}{1 + n % 28:02d}-{1000 + n}",
        organisation_number=lambda n: f"{20000000 + n}",
        titles={"head": "Chief Executive", "sign": "Authorised signatory", "employee": "Clerk"},
    )


# ── kz ────────────────────────────────────────────────────────────────────────────────────────

_R = "1.2.398.3.3.4."
_KZ_POLICY = "1.2.398.3.3.2."
_KZ_SIGN = ("digital_signature", "content_commitment")
_KZ_LOGIN = ("digital_signature", "key_encipherment")


def _kz_number(digits: str) -> str:
    """Append the check digit of IIN and BIN; ``""`` where the eleven digits have none."""
    for weights in (range(1, 12), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)):
        rest = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        if rest < 10:
            return f"{digits}{rest}"
    return ""


def _kz_person(number: int) -> str:
    # Birth date, then 3 or 4 for a man or woman born in the 20th century, then a running number.
    base = f"{60 + number % 40:02d}{1 + number % 12:02d}{1 + number % 28:02d}{3 + number % 2}"
    return next(
        filter(None, (_kz_number(f"{base}{(30 + number + i) % 10000:04d}") for i in range(10_000)))
    )


def _kz_organisation(number: int) -> str:
    # Month of registration, 4 for a resident legal entity, 0 for a head office, a running number.
    base = f"{10 + number % 15:02d}{1 + number % 12:02d}40"
    return next(filter(None, (_kz_number(f"{base}{number + i:05d}") for i in range(10_000))))


def _kz() -> Country:
    person: tuple[Row, ...] = (
        (CN, "{surname_upper} {given_name_upper}", _UTF8),
        (SURNAME, "{surname_upper}", _UTF8),
        (SERIAL, "IIN{person}", _PRINTABLE),
        (C, "{country}", _PRINTABLE),
    )
    # The given-name attribute holds the patronymic: that is how the national authority writes it.
    patronymic: Row = (GIVEN, "{patronymic_upper}", _UTF8)
    organisation: tuple[Row, ...] = (
        (ORG, "{organisation_name}", _UTF8),
        (OU, "BIN{organisation}", _UTF8),
    )
    carrier = encode(SEQUENCE, encode_oid("1.2.398.3.3.5.1.1"))
    extensions = (der.extension("1.2.398.3.3.5", carrier),)

    def usages(roles: tuple[str, ...], sign: str, login: str) -> dict[str, Usage]:
        return {
            "SIGNING": Usage(_KZ_SIGN, (EMAIL, *roles), (_KZ_POLICY + sign,)),
            "AUTHENTICATION": Usage(_KZ_LOGIN, (CLIENT_AUTH, *roles), (_KZ_POLICY + login,)),
        }

    legal = usages((_R + "1.2",), "1", "2")
    system = {
        "SIGNING": Usage((*_KZ_SIGN, "key_encipherment"), (_R + "1.2",), (_KZ_POLICY + "1",)),
    }
    return Country(
        code="KZ",
        title="Kazakhstan (fixture)",
        profile="kz",
        key="rsa",
        root=((C, "KZ", _PRINTABLE), (CN, "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (FIXTURE)", _UTF8)),
        issuing=((C, "KZ", _PRINTABLE), (CN, "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (FIXTURE)", _UTF8)),
        ocsp=((C, "KZ", _PRINTABLE), (CN, "OCSP RESPONDER (FIXTURE)", _UTF8)),
        tsa=((C, "KZ", _PRINTABLE), (CN, "TIME-STAMPING AUTHORITY (FIXTURE)", _UTF8)),
        layouts={
            "person": Layout((*person, patronymic), usages((_R + "1.1",), "3", "4"), extensions),
            "employee": Layout((*person, *organisation, patronymic), legal, extensions),
            "organisation": Layout(
                ((CN, "{organisation_name}", _UTF8), (C, "{country}", _PRINTABLE), *organisation),
                legal,
                extensions,
            ),
            "system": Layout(
                (
                    (CN, "{system}", _UTF8),
                    (C, "{country}", _PRINTABLE),
                    *organisation,
                    (UID, "1.2.398.6.10.1.1", _UTF8),
                ),
                system,
                extensions,
            ),
        },
        roles={
            "head": (_R + "1.2.1",),
            "sign": (_R + "1.2.2",),
            "sign-financial": (_R + "1.2.3",),
            "hr": (_R + "1.2.4",),
            "employee": (_R + "1.2.5",),
        },
        names=(
            ("Тестов", "Тест", "Тестович"),
            ("Әбілқызы", "Айгүл", "Ерланқызы"),
            ("Қасымов", "Нұрлан", None),
            ("Ким", "Виктория", "Олеговна"),
        ),
        organisations=(
            'ТОО "ПРИМЕР"',
            'АО "ҰЛГІ"',
            "Жұмыспен қамту орталығы",
        ),
        person_number=_kz_person,
        organisation_number=_kz_organisation,
        tsa_policy=_KZ_POLICY + "6.2",
    )


def _nation(name: str) -> Country:
    from esign_kit.testing import nations

    table: Country = getattr(nations, name)()
    return table


COUNTRIES: dict[str, Callable[[], Country]] = {
    "xx": lambda: _etsi("XX", "Nowhere", qualified=False),
    "eidas": lambda: _etsi("EE", "A member state (fixture)", qualified=True),
    "kz": _kz,
    **{name: partial(_nation, name) for name in ("az", "mk", "uz", "vn")},
}
"""Makers of tables by name; further countries register theirs here."""


@lru_cache(maxsize=32)
def country(name: str) -> Country:
    """Return the table of that country.

    Raises:
        UnsupportedError: there is none.
    """
    maker = COUNTRIES.get(name.lower())
    if maker is None:
        raise UnsupportedError(
            f"no fixture country {name!r}", hint="there are " + ", ".join(sorted(COUNTRIES))
        )
    return maker()
