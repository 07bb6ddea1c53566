"""Name constraints of every form (RFC 5280 § 4.2.1.10, § 6.1.3 b c; RFC 9598 for mail in UTF-8)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1 import names
from esign_kit.asn1.reader import OID, SEQUENCE, Tlv, decode_oid, read, read_all
from esign_kit.errors import InputError, LimitError
from esign_kit.trust.facts import facts

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate

__all__ = ["Budget", "NameConstraints", "check", "parse"]

OTHER, RFC822, DNS, X400, DIRECTORY, EDI, URI, IP, REGISTERED = (
    0xA0, 0x81, 0x82, 0xA3, 0xA4, 0xA5, 0x86, 0x87, 0x88,
)  # fmt: skip

_FORMS = {
    OTHER: "otherName",
    RFC822: "rfc822Name",
    DNS: "dNSName",
    X400: "x400Address",
    DIRECTORY: "directoryName",
    EDI: "ediPartyName",
    URI: "uniformResourceIdentifier",
    IP: "iPAddress",
    REGISTERED: "registeredID",
}
_SUPPORTED = frozenset({RFC822, DNS, DIRECTORY, URI, IP})
_EMAIL_ATTRIBUTE = "1.2.840.113549.1.9.1"
_SMTP_UTF8 = "1.3.6.1.5.5.7.8.9"


class NameConstraints(NamedTuple):
    """Subtrees by form; a base is already in the shape that is compared.

    Attributes:
        permitted, excluded: tag of the GeneralName → bases.
        bounded: forms with a subtree that has a minimum or maximum, which RFC 5280 does not use, or
            whose base has a shape that it does not define (``@host``, ``host.``): such a form
            cannot be decided and counts as unsupported.
    """

    permitted: dict[int, tuple[object, ...]]
    excluded: dict[int, tuple[object, ...]]
    bounded: frozenset[int]


class Budget:
    """Comparisons that are left; hostile chains make their number quadratic."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, count: int) -> None:
        """Take so many comparisons; raises :class:`LimitError` when there are none left."""
        self.left -= count
        if self.left < 0:
            raise LimitError(
                "too many name constraint comparisons",
                code="limit.name-constraints",
                hint="the limit is limits.name_constraint_checks",
            )


@lru_cache(maxsize=256)
def parse(value: bytes) -> NameConstraints:
    """Read the value of the extension; raises :class:`InputError`."""
    permitted: dict[int, list[object]] = {}
    excluded: dict[int, list[object]] = {}
    bounded = set()
    for field in read_all(value, "nameConstraints").expect(SEQUENCE, "nameConstraints"):
        target = {0xA0: permitted, 0xA1: excluded}.get(field.tag)
        if target is None:
            raise InputError("malformed nameConstraints", code="certificate.malformed")
        for subtree in field:
            parts = subtree.expect(SEQUENCE, "subtree").items()
            if not parts:
                raise InputError("malformed nameConstraints", code="certificate.malformed")
            base = parts[0]
            read_base = _base(base)
            if (
                len(parts) > 2
                or (len(parts) == 2 and parts[1].raw != b"\x80\x01\x00")
                or (isinstance(read_base, str) and not _is_base(base.tag, read_base))
            ):
                bounded.add(base.tag)
            target.setdefault(base.tag, []).append(read_base)
    return NameConstraints(
        {tag: tuple(items) for tag, items in permitted.items()},
        {tag: tuple(items) for tag, items in excluded.items()},
        frozenset(bounded),
    )


def _base(base: Tlv) -> object:
    contents = base.contents
    if base.tag == DIRECTORY:
        return names.normalised(read(base.data, base.start, base.stop).raw)
    if base.tag == IP:
        if len(contents) not in (8, 32):
            raise InputError("address constraint of a wrong length", code="certificate.malformed")
        half = len(contents) // 2
        mask = int.from_bytes(contents[half:], "big")
        bits = half * 8
        inverted = mask ^ ((1 << bits) - 1)
        if inverted & (inverted + 1):
            # RFC 4632 notation: a mask is a run of ones; others select what nobody can foresee.
            raise InputError("address constraint with a broken mask", code="certificate.malformed")
        return half, int.from_bytes(contents[:half], "big") & mask, mask
    if base.tag in (RFC822, DNS, URI):
        try:
            return contents.decode("ascii").lower()
        except UnicodeDecodeError as error:
            raise InputError(
                "name constraint with characters beyond ASCII", code="certificate.malformed"
            ) from error
    return contents


def _is_base(tag: int, base: str) -> bool:
    """Tell whether a text has one of the shapes of § 4.2.1.10; an empty one is all names."""
    if tag == RFC822 and "@" in base:
        local, _, host = base.rpartition("@")
        return _is_local(local) and _is_host(host, wildcard=False)
    return not base or _is_host(base.removeprefix("."), wildcard=False)


def check(
    certificate: Certificate, constraints: tuple[NameConstraints, ...], budget: Budget
) -> str:
    """Return which name breaks which constraint; empty if none does.

    ``constraints`` are those of all CAs above: a name must fit each one's permitted subtrees for
    its form, which is their intersection (RFC 5280 § 6.1.4 g 1).

    Raises:
        LimitError: more comparisons than the budget has.
    """
    if not constraints:
        return ""
    for tag, value, shown in _names(certificate):
        for constraint in constraints:
            permitted = constraint.permitted.get(tag)
            excluded = constraint.excluded.get(tag)
            if permitted is None and excluded is None:
                continue
            form = _FORMS.get(tag, "unknown form")
            if tag not in _SUPPORTED or tag in constraint.bounded:
                return f"a constraint on {form} that is not supported, and a name of that form"
            budget.take(len(permitted or ()) + len(excluded or ()))
            if value is None:
                return f"{form} {shown} is malformed and its form is constrained"
            if excluded is not None and any(_within(tag, value, b, True) for b in excluded):
                return f"{form} {shown} is excluded"
            if permitted is not None and not any(_within(tag, value, b, False) for b in permitted):
                return f"{form} {shown} is not permitted"
    return ""


def _names(certificate: Certificate) -> tuple[tuple[int, object, str], ...]:
    """All names of a certificate as (form, value to compare or ``None`` if malformed, text)."""
    found = certificate._cache.get("constrained")
    if found is None:
        found = tuple(_collect(certificate))
        certificate._cache["constrained"] = found
    return found  # type: ignore[return-value]


def _collect(certificate: Certificate) -> list[tuple[int, object, str]]:
    found: list[tuple[int, object, str]] = []
    if len(certificate.subject) > 2:
        found.append(_directory(certificate.subject))
    alternative = facts(certificate).alternative
    for tag, contents, raw in alternative:
        if tag == DIRECTORY:
            try:
                found.append(_directory(read(contents).raw))
            except InputError:
                found.append((tag, None, ""))
        elif tag == OTHER:
            # A mailbox obeys the constraints on mail, and those on otherName like any other.
            found += [(tag, raw, ""), *_mailbox(contents)]
        elif tag in (RFC822, DNS, URI, IP):
            shown = names.printable(contents.decode("latin-1"))
            if tag == IP:
                shown = contents.hex()
            found.append((tag, _decode(tag, contents), shown))
        else:
            found.append((tag, raw, ""))
    if not any(tag == RFC822 for tag, _, _ in alternative):
        # RFC 5280 § 4.2.1.10: without mail names in the SAN the attribute in the subject counts.
        for attribute in names.attributes(certificate.subject):
            if attribute.oid == _EMAIL_ATTRIBUTE:
                value = _decode(RFC822, attribute.raw)
                found.append((RFC822, value, names.printable(attribute.value or "")))
    return found


def _directory(name: bytes) -> tuple[int, object, str]:
    try:
        return DIRECTORY, names.normalised(name), names.text(name)
    except InputError:
        return DIRECTORY, None, ""


def _mailbox(contents: bytes) -> list[tuple[int, object, str]]:
    """otherName: SmtpUTF8Mailbox obeys the constraints on mail (RFC 9598 § 6)."""
    try:
        kind = read(contents).expect(OID)
        if decode_oid(kind.contents) != _SMTP_UTF8:
            return []
        wrapped = read(contents, kind.stop).expect(0xA0)
        text = read(wrapped.data, wrapped.start, wrapped.stop).contents.decode("utf-8")
        local, at, host = text.rpartition("@")
        ascii_host = host.encode("idna").decode("ascii").lower() if at else ""
        return [(RFC822, (local, ascii_host) if at and local else None, names.printable(text))]
    except (InputError, UnicodeError):
        return [(RFC822, None, "(malformed mailbox)")]


def _decode(tag: int, contents: bytes) -> object:
    if tag == IP:
        size = len(contents)
        return (size, int.from_bytes(contents, "big")) if size in (4, 16) else None
    try:
        text = contents.decode("ascii")
    except UnicodeDecodeError:
        return None
    if tag == RFC822:
        local, at, host = text.rpartition("@")
        if not at or not _is_local(local) or not _is_host(host.lower(), wildcard=False):
            return None
        return local, host.lower()
    if tag == DNS:
        lowered = text.lower()
        return lowered if _is_host(lowered, wildcard=True) else None
    return _uri_host(text)


def _is_local(local: str) -> bool:
    """RFC 5321 § 4.1.2: a dot-string, or anything between quotation marks."""
    if len(local) > 1 and local[0] == local[-1] == '"':
        return True
    return bool(local) and not any(c in '()<>[]:;@\\,"' or c <= " " for c in local)


def _is_host(host: str, *, wildcard: bool) -> bool:
    labels = host.split(".")
    if wildcard and labels[0] == "*" and len(labels) > 1:
        del labels[0]
    return 0 < len(host) <= 253 and all(
        0 < len(label) <= 63
        and label[0] != "-"
        and label[-1] != "-"
        and all(c.isalnum() or c in "-_" for c in label)
        for label in labels
    )


def _uri_host(text: str) -> str | None:
    """The host of a URI with an authority; RFC 5280 rejects URIs without a host name here."""
    if any(c in '\\"<>^`{|}' or not "!" <= c <= "~" for c in text):
        # RFC 3986 § 2 knows no such character; readers disagree where the host ends.
        return None
    scheme, colon, rest = text.partition("://")
    if not colon or not scheme:
        return None
    authority = rest
    for stop in "/?#":
        authority = authority.partition(stop)[0]
    host = authority.rpartition("@")[2].lower()
    if host.startswith("["):
        return None
    host = host.partition(":")[0]
    if not _is_host(host, wildcard=False) or host.replace(".", "").isdigit():
        return None
    return host


def _within(tag: int, value: object, base: object, excluding: bool) -> bool:
    if base == "" and tag != DNS:
        # What an empty base of mail or URI means, nobody says: it excludes all, and permits none.
        return excluding
    if tag == DIRECTORY:
        # An initial sequence of RDNs (§ 7.1 for each).
        return value[: len(base)] == base  # type: ignore[index,arg-type,no-any-return]
    if tag == IP:
        return _address_within(value, base)  # type: ignore[arg-type]
    if tag == RFC822:
        return _mail_within(value, base)  # type: ignore[arg-type]
    if tag == URI:
        return _host_within(value, base)  # type: ignore[arg-type]
    return _dns_within(value, base, excluding)  # type: ignore[arg-type]


def _address_within(value: tuple[int, int], base: tuple[int, int, int]) -> bool:
    size, address = value
    half, network, mask = base
    return size == half and address & mask == network


def _mail_within(value: tuple[str, str], base: str) -> bool:
    local, host = value
    if "@" in base:
        base_local, _, base_host = base.rpartition("@")
        return host == base_host and local.lower() == base_local and bool(base_local)
    if base.startswith("."):
        return host.endswith(base)
    return host == base


def _host_within(host: str, base: str) -> bool:
    return host.endswith(base) if base.startswith(".") else host == base


def _dns_within(name: str, base: str, excluding: bool) -> bool:
    """Zero or more labels added on the left satisfy a constraint.

    A wildcard stands for many names: it is permitted if all of them are, and excluded if any is.
    """
    strict = base.startswith(".")
    base = base.lstrip(".") if strict else base
    if not base:
        return True
    if name.startswith("*."):
        rest = name[2:]
        if rest == base or rest.endswith("." + base):
            return True
        # *.example.org covers host.example.org, and with it the subtree of that name.
        return excluding and base.endswith("." + rest)
    return (name == base and not strict) or name.endswith("." + base)
