"""Reading identifiers out of a subject: by OID, from the one place that the profile names.

A printed name is never parsed, nothing is folded or normalised before it is compared, and two
candidates for one place are an error: luck must not decide who somebody is (X.520 allows any
attribute twice, EN 319 412-1 names one place).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from esign_kit.errors import IdentityError
from esign_kit.model.identifier import Identifier
from esign_kit.model.schemes import IdentifierKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from esign_kit.asn1.names import Attribute
    from esign_kit.model.identifier import Provenance
    from esign_kit.profiles.data import IdentifierRule, Profile

__all__ = ["Extracted", "attribute_values", "extract", "skeleton"]

_SEMANTICS = re.compile(r"([A-Z]{3})([A-Z]{2})-(.+)", re.ASCII)
_MAX_TEXT = 1024
_COUNTRY = "2.5.4.6"

# Letters of Cyrillic and Greek that are drawn like the capitals of our prefixes. Only used to say
# that something *looks* like an identifier, never to read one.
_LOOKALIKES = str.maketrans(
    "АВЕІЈКМНОРСТУХЅԌԚԜѴΑΒΕΖΗΙΚΜΝΟΡΤΥΧавеіјкмнорстухѕαοİı",
    "ABEIJKMHOPCTYXSGQWVABEZHIKMNOPTYXABEIJKMHOPCTYXSAOII",
)


class Extracted:
    """What was read.

    Attributes:
        found: identifiers by target (``"person"``, ``"organisation"``, ``"system"``).
        links: identifiers that do not tell who it is.
        fallbacks: those of the links that do where the person has no other number.
        notes: what was seen and not used.
    """

    __slots__ = ("fallbacks", "found", "links", "notes")

    def __init__(self) -> None:
        self.found: dict[str, list[Identifier]] = {"person": [], "organisation": [], "system": []}
        self.links: list[Identifier] = []
        self.fallbacks: list[Identifier] = []
        self.notes: list[str] = []


def skeleton(text: str) -> str:
    """Return what a text looks like to a hurried reader; for warnings only."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    kept = "".join(
        character
        for character in plain
        if unicodedata.category(character) not in ("Cf", "Cc", "Zs", "Zl", "Zp", "Mn")
    )
    return kept.translate(_LOOKALIKES)


def attribute_values(attributes: Sequence[Attribute], oid: str) -> list[str]:
    """Return the decodable values of one type, each cut to a bounded length."""
    return [a.value[:_MAX_TEXT] for a in attributes if a.oid == oid and a.value is not None]


def extract(attributes: Sequence[Attribute], profile: Profile, *, origin: Provenance) -> Extracted:
    """Read every identifier that the profile knows a place for.

    Args:
        attributes: of the subject, in order.
        origin: of the certificate; each identifier says it with its own rule.

    Raises:
        IdentityError: two candidates for one place (``identity.ambiguous``), a look-alike
            (``identity.lookalike``), a malformed value (``identity.identifier``), or a country
            that does not fit (``identity.country``).
    """
    result = Extracted()
    _forbid_twice(attributes, profile)
    for rule in profile.identifiers:
        claims = [a for a in attributes if a.oid == rule.oid and _claims(a, rule)]
        if not claims:
            continue
        if len(claims) > 1:
            shown = ", ".join(_shown(a, rule) for a in claims[:4])
            raise IdentityError(
                f"{len(claims)} candidates for {rule.scheme}: {shown}",
                hint="a certificate states one; this one leaves it to luck who is meant",
            )
        _read(claims[0], rule, attributes, profile, origin, result)
    _duplicates(result)
    return result


def _forbid_twice(attributes: Sequence[Attribute], profile: Profile) -> None:
    from esign_kit.profiles.data import attribute_oid

    for name in profile.data.get("identity", {}).get("single", ()):
        oid = attribute_oid(name)
        count = sum(a.oid == oid for a in attributes)
        if count > 1:
            raise IdentityError(
                f"the subject has {count} attributes of the type {name}, where one is meant"
            )


def _claims(attribute: Attribute, rule: IdentifierRule) -> bool:
    """Tell whether the value is meant for this rule, well formed or not."""
    value = attribute.value
    if value is None:
        # Octets that do not fit their string type: nobody can tell what is meant.
        return rule.form == "bare" and not rule.link
    if rule.form == "prefix":
        # What looks like the prefix is a claim too: it is read strictly and then refused. Letters
        # after it make a word, as in an organisational unit called BINOM.
        plain, prefix = skeleton(value), skeleton(rule.prefix)
        if not plain.startswith(prefix):
            return False
        rest = plain[len(prefix) :]
        return rule.prefix.endswith(":") or rest[:1].isdigit()
    if rule.form == "semantics":
        match = _SEMANTICS.fullmatch(value)
        if match:
            return match[1] in rule.types
        return not value.isascii() and _SEMANTICS.match(skeleton(value)) is not None
    if rule.pattern:
        return re.fullmatch(rule.pattern, value, re.ASCII) is not None
    return True


def _read(
    attribute: Attribute,
    rule: IdentifierRule,
    attributes: Sequence[Attribute],
    profile: Profile,
    origin: Provenance,
    result: Extracted,
) -> None:
    provenance = replace(origin, rule=f"{profile.name}:{rule.id}")
    text = attribute.value
    if text is None:
        raise IdentityError(
            f"the octets of {rule.scheme} do not fit their string type", code="identity.identifier"
        )
    try:
        identifier = _identifier(text, rule, attributes, profile, provenance)
    except IdentityError as error:
        if not rule.link:
            raise
        result.notes.append(f"{rule.scheme} passed over: {error.detail}")
        return
    # A card or a passport is no number of the person: kinds never mix in one field.
    document = rule.target == "person" and identifier.kind is IdentifierKind.DOCUMENT
    if rule.link or document:
        result.links.append(identifier)
        if rule.fallback:
            result.fallbacks.append(identifier)
    else:
        result.found[rule.target].append(identifier)


def _identifier(
    text: str,
    rule: IdentifierRule,
    attributes: Sequence[Attribute],
    profile: Profile,
    provenance: Provenance,
) -> Identifier:
    if rule.form == "semantics":
        match = _SEMANTICS.fullmatch(text)
        if match is None:
            raise IdentityError(
                "a semantics identifier holds characters that only look like the right ones",
                code="identity.lookalike",
            )
        kind, country, value = match.groups()
        _same_country(kind, country, attributes, profile, rule)
        scheme = _scheme_in(country, kind, rule.types[kind])
        return Identifier(country, scheme, value, raw=text, provenance=provenance)
    value = text
    if rule.form == "prefix":
        exact = text.startswith(rule.prefix)
        value = text[len(rule.prefix) :] if exact else _tidied(text, rule)
        if rule.prefix.endswith(":"):
            value = value.strip(" ")
    return Identifier(profile.country, rule.scheme, value, raw=text, provenance=provenance)


def _tidied(text: str, rule: IdentifierRule) -> str:
    """Take off a prefix that is written in other case; refuse one in other letters."""
    if rule.prefix.endswith(":"):
        head, colon, value = text.partition(":")
        if colon and head.strip(" ").upper() + ":" == rule.prefix and head.isascii():
            return value
    raise IdentityError(
        f"something that only looks like the prefix {rule.prefix}",
        code="identity.lookalike",
        hint="the letters are of another script, or blanks and controls stand between them",
    )


def _same_country(
    kind: str,
    country: str,
    attributes: Sequence[Attribute],
    profile: Profile,
    rule: IdentifierRule,
) -> None:
    """Refuse a personal number of another country than the subject's (EN 319 412-2 § 4.2.4)."""
    if not rule.required_country or kind in ("PAS", "IDC"):
        return
    if profile.data.get("identity", {}).get("country_mismatch") != "refuse":
        return
    stated = {value.upper() for value in attribute_values(attributes, _COUNTRY)}
    if stated and stated != {country}:
        # What is no code of a country may be anything, a personal number too: it is not repeated.
        codes = [c if len(c) == 2 and c.isalpha() else "no country" for c in sorted(stated)]
        raise IdentityError(
            f"the subject is of {', '.join(codes)}, its {kind} of {country}",
            code="identity.country",
        )


def _scheme_in(country: str, kind: str, fallback: str) -> str:
    from esign_kit.model.identifier import scheme_for_semantics

    try:
        return scheme_for_semantics(kind, country)
    except IdentityError:
        return fallback


def _duplicates(result: Extracted) -> None:
    """Refuse two numbers of one scheme for one target, even from two places."""
    for target, items in result.found.items():
        by_scheme: dict[tuple[str, str], set[str]] = {}
        for item in items:
            by_scheme.setdefault((item.country, item.scheme), set()).add(item.value)
        for (country, name), values in by_scheme.items():
            if len(values) > 1:
                shown = ", ".join(str(item) for item in items if item.scheme == name)
                raise IdentityError(f"{len(values)} {target} numbers {country}/{name}: {shown}")
        result.found[target] = list(dict.fromkeys(items))


def _shown(attribute: Attribute, rule: IdentifierRule) -> str:
    """Return a candidate with its front hidden."""
    text = attribute.value or ""
    tail = text[-3:] if len(text) > 3 else ""
    safe = "".join(c if c.isascii() and c.isprintable() else "?" for c in tail)
    return f"{rule.prefix or rule.scheme}…{safe}"


def first(values: Iterable[str]) -> str:
    """Return the first value, blanks collapsed, or the empty string."""
    return " ".join(next(iter(values), "").split())
