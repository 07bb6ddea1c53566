"""More countries as tables: Uzbekistan, North Macedonia, Viet Nam, Azerbaijan.

Layouts follow the public samples and documents that the profiles name as their sources; what those
mark as recalled is recalled here too.
"""

from __future__ import annotations

from esign_kit.testing import der
from esign_kit.testing.countries import (
    CLIENT_AUTH,
    CN,
    EMAIL,
    GIVEN,
    ORG,
    ORGID,
    OU,
    SERIAL,
    SURNAME,
    TITLE,
    UID,
    C,
    Country,
    L,
    Layout,
    Row,
    Usage,
)

__all__ = ["az", "mk", "uz", "vn"]

_UTF8, _PRINTABLE = der.UTF8, der.PRINTABLE
_NAME, _STATE = "2.5.4.41", "2.5.4.8"


def _authority(code: str, name: str) -> tuple[Row, ...]:
    return ((C, code, _PRINTABLE), (ORG, "Fixture Trust Services", _UTF8), (CN, name, _UTF8))


# ── Uzbekistan ────────────────────────────────────────────────────────────────────────────────

_PINFL, _STIR = "1.2.860.3.16.1.2", "1.2.860.3.16.1.1"


def _pinfl(number: int) -> str:
    # Sex and century, birth date, district, serial; the check digit has the weights of ICAO 9303.
    base = f"{3 + number % 2}{1 + number % 28:02d}{1 + number % 12:02d}{60 + number % 40:02d}"
    base += f"{200 + number % 50:03d}{number % 1000:03d}"
    return f"{base}{sum(int(d) * w for d, w in zip(base, (7, 3, 1) * 5, strict=False)) % 10}"


def uz() -> Country:
    """Uzbekistan: the O'z DSt algorithms, one key for signing and logging in."""
    holder: tuple[Row, ...] = (
        (CN, "{surname_upper} {given_name_upper} {patronymic_upper}", _UTF8),
        (_NAME, "{given_name_upper}", _UTF8),
        (SURNAME, "{surname_upper}", _UTF8),
    )
    place: tuple[Row, ...] = (
        (L, "YUNUSOBOD TUMANI", _UTF8),
        (_STATE, "TOSHKENT SHAHRI", _UTF8),
        (C, "{country}", _PRINTABLE),
    )
    number: Row = (_PINFL, "{person}", _UTF8)
    organisation: tuple[Row, ...] = (
        (ORG, "{organisation_name}", _UTF8),
        *place,
        (OU, "{system}", _UTF8),
        (TITLE, "{title}", _UTF8),
        (_STIR, "{organisation}", _UTF8),
    )
    usage = Usage(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
        ),
        (CLIENT_AUTH, EMAIL),
        ("1.2.860.3.2.2.1.2.1",),
    )
    usages = {"SIGNING": usage}
    return Country(
        code="UZ",
        title="Uzbekistan (fixture)",
        profile="uz",
        key="ozdst",
        root=_authority("UZ", "ERI markazlari (fixture)"),
        issuing=_authority("UZ", "Yangi texnologiyalar (fixture)"),
        ocsp=_authority("UZ", "OCSP (fixture)"),
        tsa=_authority("UZ", "TSA (fixture)"),
        layouts={
            # O is there in a citizen's key too, with a word that says nothing.
            "person": Layout((*holder, (ORG, "НЕ УКАЗАНО", _UTF8), *place, number), usages),
            "employee": Layout((*holder, *organisation, number), usages),
            "organisation": Layout(((CN, "{organisation_name}", _UTF8), *organisation), usages),
            "system": Layout(((CN, "{system}", _UTF8), *organisation), usages),
        },
        titles={"head": "DIREKTOR", "hr": "KADRLAR BO'YICHA MUTAXASSIS", "employee": "(noaniq)"},
        names=(
            ("Toʻrayev", "Gʻayrat", "Oʻktamovich"),
            ("Karimova", "Dilnoza", "Baxtiyor qizi"),
            ("Ли", "Роман", "Викторович"),
        ),
        organisations=('"NAMUNA" MCHJ', "ООО «ОБРАЗЕЦ», филиал", "Bandlik markazi"),
        person_number=_pinfl,
        organisation_number=lambda n: f"{200_000_000 + n}",
        tsa_policy="1.2.860.3.2.11.1",
    )


# ── North Macedonia and Azerbaijan: the forms of EN 319 412 ───────────────────────────────────


def _qualified(usage: tuple[str, ...]) -> tuple[dict[str, Usage], bytes, bytes]:
    usages = {
        "SIGNING": Usage(usage, (), ("0.4.0.194112.1.2",)),
        "AUTHENTICATION": Usage(("digital_signature", "key_agreement"), (CLIENT_AUTH,)),
    }
    plain = ("0.4.0.1862.1.1", "0.4.0.1862.1.4")
    return (
        usages,
        der.qc_statements(plain, "0.4.0.1862.1.6.1"),
        der.qc_statements(plain, "0.4.0.1862.1.6.2"),
    )


def _european(kind: str) -> dict[str, Layout]:
    """Layouts with semantics identifiers; ``kind`` is the type of the organisation's."""
    usages, signature, seal = _qualified(("content_commitment",))
    person: tuple[Row, ...] = (
        (C, "{country}", _PRINTABLE),
        (CN, "{given_name} {surname}", _UTF8),
        (SURNAME, "{surname}", _UTF8),
        (GIVEN, "{given_name}", _UTF8),
        (SERIAL, "{person_semantics}", _PRINTABLE),
    )
    number = kind + "{country}-{organisation}"
    organisation: tuple[Row, ...] = (
        (ORG, "{organisation_name}", _UTF8),
        (ORGID, number, _UTF8),
    )
    legal: tuple[Row, ...] = ((C, "{country}", _PRINTABLE), *organisation)
    return {
        "person": Layout(person, usages, (signature,)),
        "employee": Layout(
            (*person, *organisation, (TITLE, "{title}", _UTF8)), usages, (signature,)
        ),
        "organisation": Layout((*legal, (CN, "{organisation_name}", _UTF8)), usages, (seal,)),
        "system": Layout((*legal, (CN, "{system}", _UTF8)), usages, (seal,)),
    }


def _mod_11(base: str) -> str:
    """Check digit of EMBG and EDB."""
    weights = (7, 6, 5, 4, 3, 2) * 2
    total = sum(int(digit) * weight for digit, weight in zip(base, weights, strict=True))
    return f"{base}{-total % 11 % 10}"


def mk() -> Country:
    """North Macedonia."""
    return Country(
        code="MK",
        title="North Macedonia (fixture)",
        profile="mk",
        key="rsa",
        root=_authority("MK", "Fixture Root MK"),
        issuing=_authority("MK", "Fixture Qualified CA MK"),
        ocsp=_authority("MK", "Fixture OCSP MK"),
        tsa=_authority("MK", "Fixture TSA MK"),
        layouts=_european("VAT"),
        titles={"head": "Управител", "hr": "Кадровик", "employee": "Референт"},
        names=(
            ("Пример", "Ѓорѓи", None),
            ("Ќосева", "Љубица", None),
            ("Ademi", "Shqipe", None),
        ),
        organisations=("ПРИМЕР ДООЕЛ Скопје", "Mostra SHPK Tetovë", "АГЕНЦИЈА ПРИМЕР"),
        person_number=lambda n: _mod_11(
            f"{1 + n % 28:02d}{1 + n % 12:02d}9{60 + n % 40:02d}45{n % 1000:03d}"
        ),
        organisation_number=lambda n: _mod_11(f"40{30_000_000 + n:010d}"),
    )


def _voen(number: int) -> str:
    weights = (4, 1, 8, 6, 2, 7, 5, 3)
    while True:
        base = f"14{number:06d}"
        rest = sum(int(digit) * weight for digit, weight in zip(base, weights, strict=True)) % 11
        if rest < 10:
            return f"{base}{rest}1"
        number += 500


def _fin(number: int) -> str:
    letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    found = ""
    value = 5_000_000_000 + number * 7_919
    for _ in range(7):
        value, rest = divmod(value, len(letters))
        found = letters[rest] + found
    return found


def az() -> Country:
    """Azerbaijan."""
    return Country(
        code="AZ",
        title="Azerbaijan (fixture)",
        profile="az",
        key="ec",
        root=_authority("AZ", "Fixture Root AZ"),
        issuing=_authority("AZ", "Fixture CA AZ"),
        ocsp=_authority("AZ", "Fixture OCSP AZ"),
        tsa=_authority("AZ", "Fixture TSA AZ"),
        layouts=_european("VAT"),
        titles={"head": "DİREKTOR", "accountant": "BAŞ MÜHASİB", "employee": "MÜTƏXƏSSİS"},
        names=(
            ("Nümunəvi", "İlqar", None),
            ("Əliyeva", "Şəbnəm", None),
            ("Qasımov", "Cəmil", None),
        ),
        organisations=('"NÜMUNƏ" MMC', "Şüşə Zavodu ASC", "Məşğulluq Agentliyi"),
        person_number=_fin,
        organisation_number=_voen,
    )


# ── Viet Nam ──────────────────────────────────────────────────────────────────────────────────


def _mst(number: int) -> str:
    weights = (31, 29, 23, 19, 17, 13, 7, 5, 3)
    while True:
        base = f"01{number:07d}"
        rest = sum(int(digit) * weight for digit, weight in zip(base, weights, strict=True)) % 11
        if rest:
            return f"{base}{10 - rest}"
        number += 5000


def vn() -> Country:
    """Viet Nam: the public tree; a person's certificate names the company without a number."""
    place: tuple[Row, ...] = ((C, "{country}", _PRINTABLE), (_STATE, "Hà Nội", _UTF8))
    number: Row = (UID, "CCCD:{person}", _UTF8)
    company: Row = (UID, "MST:{organisation}", _UTF8)
    name: Row = (CN, "{surname_upper} {given_name_upper}", _UTF8)
    usages = {
        "SIGNING": Usage(("digital_signature", "content_commitment"), (CLIENT_AUTH, EMAIL)),
    }
    return Country(
        code="VN",
        title="Viet Nam (fixture)",
        profile="vn",
        key="rsa",
        root=_authority("VN", "Vietnam National Root CA (fixture)"),
        issuing=_authority("VN", "Fixture-CA RS"),
        ocsp=_authority("VN", "OCSP (fixture)"),
        tsa=_authority("VN", "TSA (fixture)"),
        layouts={
            "person": Layout((*place, name, number), usages),
            "employee": Layout(
                (
                    *place,
                    (ORG, "{organisation_name}", _UTF8),
                    (TITLE, "{title}", _UTF8),
                    name,
                    number,
                ),
                usages,
            ),
            "organisation": Layout(
                (*place, (OU, "{title}", _UTF8), (CN, "{organisation_name}", _UTF8), company),
                usages,
            ),
            "system": Layout((*place, (CN, "{system}", _UTF8), company), usages),
        },
        titles={"head": "GIÁM ĐỐC", "accountant": "KẾ TOÁN TRƯỞNG", "employee": "NHÂN VIÊN"},
        names=(("Nguyễn", "Văn Mẫu", None), ("Trần", "Thị Thử", None), ("Đặng", "Ước", None)),
        organisations=("CÔNG TY TNHH MẪU", "CÔNG TY CỔ PHẦN THỬ NGHIỆM", "TRUNG TÂM VIỆC LÀM"),
        person_number=lambda n: f"001{n % 2}{60 + n % 40:02d}{n:06d}",
        organisation_number=_mst,
    )
