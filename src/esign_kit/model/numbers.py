"""The numbers of the five countries and the identity types of EN 319 412-1, as schemes.

Sources: public validators and real certificates for KZ, UZ, MK and VN; the OECD sheet for AZ;
EN 319 412-1 § 5.1.3 and § 5.1.4 for the types that every country may use. Check digits that
python-stdnum also knows are compared with it in the tests.
"""

from __future__ import annotations

import re
from datetime import date

from esign_kit.model.schemes import DerivedFacts, IdentifierKind, Scheme, register_scheme

__all__ = ["SCHEMES"]


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _born(born: date | None, sex: str | None, *extra: tuple[str, str]) -> DerivedFacts:
    findings = () if born else ("impossible-date",)
    return DerivedFacts(born, sex, extra, findings)


# ── Kazakhstan ────────────────────────────────────────────────────────────────────────────────


def _kz_check(value: str) -> bool:
    total = _weighted(value, tuple(range(1, 12))) % 11
    if total == 10:
        total = _weighted(value, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return total != 10 and total == int(value[11])


def _iin_facts(value: str) -> DerivedFacts:
    century = int(value[6])
    year, month, day = int(value[:2]), int(value[2:4]), int(value[4:6])
    if 1 <= century <= 6:
        base = 1800 + (century - 1) // 2 * 100
        return _born(_date(base + year, month, day), "M" if century % 2 else "F")
    if century == 0:
        # Recalled: foreigners without a coded century. Nothing is derived.
        return DerivedFacts(extra=(("century", "not coded"),))
    return DerivedFacts(findings=("century-digit",))


_BIN_TYPES = {"4": "resident", "5": "non-resident", "6": "joint-entrepreneur"}
_BIN_UNITS = {"0": "head", "1": "branch", "2": "representation", "3": "farm"}


def _bin_facts(value: str) -> DerivedFacts:
    if value[4] in "0123":
        # An individual entrepreneur puts the IIN in the place of the BIN: a day stands here.
        return DerivedFacts(extra=(("type", "individual-entrepreneur"),))
    extra = tuple(
        (name, table[digit])
        for name, table, digit in (("type", _BIN_TYPES, value[4]), ("unit", _BIN_UNITS, value[5]))
        if digit in table
    )
    findings = () if value[4] in _BIN_TYPES and 1 <= int(value[2:4]) <= 12 else ("structure",)
    return DerivedFacts(extra=extra, findings=findings)


# ── Uzbekistan ────────────────────────────────────────────────────────────────────────────────


def _pinfl_check(value: str) -> bool:
    return _weighted(value[:13], (7, 3, 1) * 5) % 10 == int(value[13])


def _pinfl_facts(value: str) -> DerivedFacts:
    first = int(value[0])
    century = 1800 + (first - 1) // 2 * 100
    day, month, year = int(value[1:3]), int(value[3:5]), int(value[5:7])
    return _born(_date(century + year, month, day), "M" if first % 2 else "F")


# ── North Macedonia ───────────────────────────────────────────────────────────────────────────


def _embg_check(value: str) -> bool:
    return -_weighted(value, (7, 6, 5, 4, 3, 2) * 2) % 11 % 10 == int(value[12])


def _embg_facts(value: str) -> DerivedFacts:
    tail = int(value[4:7])
    year = tail + (1000 if tail >= 800 else 2000)
    sex = "M" if int(value[9:12]) < 500 else "F"
    return _born(_date(year, int(value[2:4]), int(value[:2])), sex, ("region", value[7:9]))


def _edb_normal(text: str) -> str:
    # The prefix comes in Latin and in Cyrillic letters; both are only a country mark.
    return text[2:] if text[:2] in ("MK", "МК") else text


# ── Viet Nam ──────────────────────────────────────────────────────────────────────────────────


def _cccd_facts(value: str) -> DerivedFacts:
    # The number codes the year only, no date; provinces stay as issued after the merger of 2025.
    century = int(value[3])
    year = 1900 + century // 2 * 100 + int(value[4:6])
    return DerivedFacts(
        sex="F" if century % 2 else "M",
        extra=(("birth_year", str(year)), ("province", value[:3])),
    )


def _mst_normal(text: str) -> str:
    match = re.fullmatch(r"([0-9]{10})-([0-9]{3})", text)
    return match[1] + match[2] if match else text


def _mst_check(value: str) -> bool:
    if len(value) == 12:
        return False
    remainder = _weighted(value[:9], (31, 29, 23, 19, 17, 13, 7, 5, 3)) % 11
    return remainder != 0 and 10 - remainder == int(value[9])


def _mst_facts(value: str) -> DerivedFacts:
    if len(value) == 12:
        return DerivedFacts(extra=(("type", "personal number as tax code"),))
    extra = [("parent", value[:10])]
    if len(value) == 13:
        extra.append(("branch", value[10:]))
    return DerivedFacts(extra=tuple(extra))


# ── Azerbaijan ────────────────────────────────────────────────────────────────────────────────


def _ascii_upper(text: str) -> str:
    # ASCII rules only: Azerbaijani casing turns i into İ, which is another letter.
    return text.upper() if text.isascii() else text


def _voen_check(value: str) -> bool:
    remainder = _weighted(value[:8], (4, 1, 8, 6, 2, 7, 5, 3)) % 11
    return remainder != 10 and remainder == int(value[8])


def _voen_facts(value: str) -> DerivedFacts:
    kind = {"1": "legal person", "2": "natural person"}.get(value[9])
    return DerivedFacts(extra=(("type", kind),) if kind else ())


_PERSON, _DOCUMENT = IdentifierKind.PERSON, IdentifierKind.DOCUMENT
_ORGANISATION, _TAX = IdentifierKind.ORGANISATION, IdentifierKind.TAX

SCHEMES = (
    Scheme(
        "KZ",
        "IIN",
        _PERSON,
        "[0-9]{12}",
        "individual identification number (ИИН, ЖСН)",
        checksum=_kz_check,
        facts=_iin_facts,
        visible=4,
        prefixes=("IIN",),
        semantics="PNO",
    ),
    Scheme(
        "KZ",
        "BIN",
        _ORGANISATION,
        "[0-9]{12}",
        "business identification number (БИН, БСН)",
        checksum=_kz_check,
        facts=_bin_facts,
        visible=lambda value: 4 if value[4:5] in ("0", "1", "2", "3") else None,
        prefixes=("BIN",),
        semantics="NTR",
        reads=("VAT",),
    ),
    Scheme(
        "UZ",
        "PINFL",
        _PERSON,
        "[1-6][0-9]{13}",
        "personal number (ПИНФЛ, JSHSHIR)",
        checksum=_pinfl_check,
        facts=_pinfl_facts,
        visible=4,
        prefixes=("PINFL:",),
        semantics="PNO",
    ),
    Scheme(
        "UZ",
        "STIR",
        _TAX,
        "[2-7][0-9]{8}",
        "tax number (STIR, ИНН)",
        visible=lambda value: None if value[:1] in ("2", "3") else 3,
        prefixes=("STIR:",),
        semantics="TIN",
        reads=("NTR", "VAT"),
    ),
    Scheme(
        "MK",
        "EMBG",
        _PERSON,
        "[0-9]{13}",
        "unique master citizen number (ЕМБГ)",
        checksum=_embg_check,
        facts=_embg_facts,
        visible=3,
        prefixes=("EMBG:",),
        semantics="PNO",
    ),
    Scheme(
        "MK",
        "EDB",
        _TAX,
        "[0-9]{13}",
        "tax number (ЕДБ)",
        normalise=_edb_normal,
        checksum=_embg_check,
        visible=3,
        prefixes=("EDB:",),
        semantics="VAT",
        reads=("TIN",),
    ),
    Scheme(
        "MK",
        "EMBS",
        _ORGANISATION,
        "[0-9]{7}",
        "registry number (ЕМБС)",
        prefixes=("EMBS:",),
        semantics="NTR",
    ),
    Scheme(
        "VN",
        "CCCD",
        _PERSON,
        "[0-9]{12}",
        "personal identification number (CCCD)",
        facts=_cccd_facts,
        visible=4,
        prefixes=("CCCD:",),
        semantics="PNO",
    ),
    Scheme(
        "VN",
        "CMND",
        _DOCUMENT,
        "[0-9]{9}|[0-9]{12}",
        "identity card number (CMND)",
        visible=3,
        prefixes=("CMND:",),
        semantics="IDC",
    ),
    Scheme(
        "VN",
        "MST",
        _TAX,
        "[0-9]{10}|[0-9]{12}|[0-9]{13}",
        "tax code (mã số thuế)",
        normalise=_mst_normal,
        checksum=_mst_check,
        facts=_mst_facts,
        visible=lambda value: 4 if len(value) == 12 else None,
        prefixes=("MST:",),
        semantics="TIN",
        reads=("VAT", "NTR"),
    ),
    Scheme(
        "VN",
        "TECHID",
        IdentifierKind.ACCOUNT,
        "[0-9A-Za-z-]{8,64}",
        "account of the national portal",
        visible=4,
        prefixes=("TECHID:",),
    ),
    Scheme(
        "AZ",
        "FIN",
        _PERSON,
        "[0-9A-HJ-NP-Z]{7}",
        "personal identification number (FİN)",
        normalise=_ascii_upper,
        visible=2,
        prefixes=("FIN:",),
        semantics="PNO",
    ),
    Scheme(
        "AZ",
        "VOEN",
        _TAX,
        "[0-9]{10}",
        "taxpayer number (VÖEN)",
        checksum=_voen_check,
        facts=_voen_facts,
        visible=lambda value: None if value[-1:] == "1" else 3,
        prefixes=("VOEN:", "VÖEN:"),
        semantics="VAT",
        reads=("TIN", "NTR"),
    ),
    Scheme(
        "AZ",
        "IDC",
        _DOCUMENT,
        "AZE[0-9]{7,8}|AA[0-9]{7}",
        "identity card number",
        visible=3,
        semantics="IDC",
        gate=False,
    ),
    # EN 319 412-1 § 5.1.3 and § 5.1.4: identity types that every country may use.
    Scheme(
        "*",
        "PNO",
        _PERSON,
        "[0-9A-Z][0-9A-Z./+-]{0,39}",
        "national personal number",
        visible=3,
        semantics="PNO",
    ),
    Scheme(
        "*",
        "PAS",
        _DOCUMENT,
        "[0-9A-Z]{3,20}",
        "passport number",
        visible=3,
        semantics="PAS",
    ),
    Scheme(
        "*",
        "IDC",
        _DOCUMENT,
        "[0-9A-Z]{3,20}",
        "national identity card number",
        visible=3,
        semantics="IDC",
    ),
    Scheme(
        "*",
        "TIN",
        _TAX,
        "[0-9A-Z][0-9A-Z./-]{2,39}",
        "tax number",
        visible=3,
        semantics="TIN",
    ),
    Scheme(
        "*",
        "VAT",
        _ORGANISATION,
        "[0-9A-Z][0-9A-Z.+*-]{1,39}",
        "VAT number",
        semantics="VAT",
    ),
    Scheme(
        "*",
        "NTR",
        _ORGANISATION,
        "[0-9A-Z][0-9A-Z ./+-]{0,39}",
        "number in the national trade register",
        semantics="NTR",
    ),
    Scheme(
        "*",
        "PSD",
        _ORGANISATION,
        "[0-9A-Z][0-9A-Z.-]{1,60}",
        "PSD2 authorisation number (ETSI TS 119 495)",
        semantics="PSD",
    ),
    Scheme(
        "*",
        "LEI",
        _ORGANISATION,
        "[0-9A-Z]{18}[0-9]{2}",
        "legal entity identifier (ISO 17442)",
        semantics="LEI",
    ),
    Scheme(
        "*",
        "OID",
        IdentifierKind.SYSTEM,
        r"[0-2](\.[0-9]{1,20}){2,30}",
        "object identifier of an information system",
    ),
    # eIDAS SAML attribute profile § 2.2.3: issuing state / asking state / anything, case counts.
    Scheme(
        "*",
        "EIDAS",
        _PERSON,
        "[!-~]{1,200}",
        "uniqueness identifier of a person from an eIDAS node",
        visible=3,
    ),
    Scheme(
        "*",
        "EIDASLP",
        _ORGANISATION,
        "[!-~]{1,200}",
        "uniqueness identifier of a legal person from an eIDAS node",
    ),
)
"""All built-in schemes."""

for _item in SCHEMES:
    register_scheme(_item)
