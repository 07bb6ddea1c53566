"""Random chains with random defects, and CRLs to go with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from hypothesis import strategies as st

from tests.unit.trust.making import DAY, NOW, Entity, crl, issue, usage

P1, P2, ANY = "1.3.6.1.4.1.1.1", "1.3.6.1.4.1.1.2", "2.5.29.32.0"
HOSTS = ("a.example.org", "b.example.org", "c.example.com")


@dataclass(frozen=True)
class Link:
    """How one certificate is made."""

    ca: bool = True
    basic: bool = True
    signs: bool = True
    silent: bool = False
    path_length: int | None = None
    since: int = -100
    until: int = 100
    forged: bool = False
    odd: bool = False
    permitted: str | None = None
    excluded: str | None = None
    policies: tuple[str, ...] = ()
    explicit: int | None = None
    inhibit: int | None = None
    mapping: bool = False
    self_issued: bool = False


@dataclass(frozen=True)
class Status:
    """How one CRL is made; ``None`` in place of it is no CRL."""

    revoked: bool = False
    this: int = -1
    until: int = 1
    forged: bool = False
    scope: str = ""


@dataclass(frozen=True)
class Scenario:
    """A chain from below the anchor down to the leaf, CRLs from the anchor's down."""

    anchor: Link
    links: tuple[Link, ...]
    leaf: Link
    host: str | None
    lists: tuple[Status | None, ...]
    explicit: bool = False
    made: list[Entity] = field(default_factory=list, compare=False)


rare = st.sampled_from([False] * 12 + [True])


@st.composite
def links(draw, *, leaf: bool = False) -> Link:
    maybe = lambda strategy: draw(strategy) if draw(rare) else None  # noqa: E731
    policies = draw(st.sampled_from([(), (P1,), (P1, P2), (ANY,), (P2,)]))
    return Link(
        ca=leaf is draw(rare),
        basic=not draw(rare),
        signs=not draw(rare),
        silent=draw(rare),
        path_length=None if leaf else maybe(st.integers(0, 2)),
        since=-100 if not draw(rare) else draw(st.sampled_from([-50, -1, 1])),
        until=100 if not draw(rare) else draw(st.sampled_from([-1, 1, 50])),
        forged=draw(rare),
        odd=draw(rare),
        permitted=None if leaf else maybe(st.sampled_from(["example.org", "a.example.org"])),
        excluded=None if leaf else maybe(st.sampled_from(["example.com", "b.example.org"])),
        policies=policies,
        explicit=maybe(st.integers(0, 2)),
        inhibit=maybe(st.integers(0, 2)),
        mapping=False if leaf else bool(draw(rare) and P1 in policies),
        self_issued=False if leaf else draw(rare),
    )


@st.composite
def scenarios(draw) -> Scenario:
    middle = tuple(draw(st.lists(links(), max_size=3)))
    status = st.builds(
        Status,
        revoked=rare,
        this=st.sampled_from([-1, -1, -1, -2, -99]),
        until=st.sampled_from([1, 1, 1, 1, -1, 5]),
        forged=rare,
        scope=st.sampled_from([""] * 8 + ["ca", "user", "attribute"]),
    )
    lists = tuple(None if draw(rare) else draw(status) for _ in range(len(middle) + 1))
    return Scenario(
        Link(path_length=1 if draw(rare) else None),
        middle,
        draw(links(leaf=True)),
        draw(st.sampled_from([None, *HOSTS])),
        lists,
        draw(rare),
    )


def _extensions(link: Link, host: str | None = None) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    if link.odd:
        found.append(
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.9"), b"\x05\x00"), True)
        )
    if link.permitted or link.excluded:
        permitted = [x509.DNSName(link.permitted)] if link.permitted else None
        excluded = [x509.DNSName(link.excluded)] if link.excluded else None
        found.append((x509.NameConstraints(permitted, excluded), True))
    if link.policies:
        information = [
            x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in link.policies
        ]
        found.append((x509.CertificatePolicies(information), False))
    if link.explicit is not None:
        found.append((x509.PolicyConstraints(link.explicit, None), True))
    if link.inhibit is not None:
        found.append((x509.InhibitAnyPolicy(link.inhibit), True))
    if link.mapping:
        from esign_kit.asn1.reader import SEQUENCE, encode, encode_oid

        pair = encode(SEQUENCE, encode_oid(P1) + encode_oid(P2))
        oid = x509.ObjectIdentifier("2.5.29.33")
        found.append((x509.UnrecognizedExtension(oid, encode(SEQUENCE, pair)), True))
    if host:
        found.append((x509.SubjectAlternativeName([x509.DNSName(host)]), False))
    return found


def _make(link: Link, name: str, issuer: Entity | None, *, leaf: bool, host: str | None) -> Entity:
    key_usage = None
    if not link.silent:
        key_usage = usage("key_cert_sign", "crl_sign") if link.signs else usage("crl_sign")
        if leaf:
            key_usage = usage("digital_signature")
    return issue(
        issuer.name if link.self_issued and issuer else name,
        issuer,
        ca=link.ca,
        basic=link.basic,
        path_length=link.path_length if link.ca else None,
        since=NOW + link.since * DAY,
        until=NOW + max(link.until, link.since + 1) * DAY,
        key_usage=key_usage,
        extensions=_extensions(link, host),
        sign_with=77 if link.forged else None,
    )


def build(scenario: Scenario) -> tuple[Entity, list[Entity], Entity, list[bytes]]:
    top = issuer = _make(scenario.anchor, "Root", None, leaf=False, host=None)
    chain = []
    for number, link in enumerate(scenario.links):
        issuer = _make(link, f"CA {number}", issuer, leaf=False, host=None)
        chain.append(issuer)
    leaf = _make(scenario.leaf, "Leaf", issuer, leaf=True, host=scenario.host)
    lists = []
    for status, authority, subject in zip(
        scenario.lists, [top, *chain], [*chain, leaf], strict=True
    ):
        if status is None:
            continue
        scope = None
        if status.scope:
            scope = x509.IssuingDistributionPoint(
                None, None, status.scope == "user", status.scope == "ca", None, False,
                status.scope == "attribute",
            )  # fmt: skip
        lists.append(
            crl(
                authority,
                [(subject, NOW + (status.this - 1) * DAY, None)] if status.revoked else [],
                this=NOW + status.this * DAY,
                until=NOW + max(status.until, status.this + 1) * DAY,
                idp=scope,
                sign_with=78 if status.forged else None,
            )
        )
    return top, chain, leaf, lists
