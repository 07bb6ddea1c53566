"""Random chains with random defects, and CRLs to go with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

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


def scenarios() -> st.SearchStrategy[Scenario]:
    """Chains by number: drawn by a generator of our own, hypothesis keeps to the simple ones."""
    return st.integers(0, 2**64).map(scenario_of)


def scenario_of(seed: int) -> Scenario:
    """Draw a chain: a few features that matter together, and seldom more than one plain defect.

    A chain that falls for five reasons tests none of them.
    """
    random = Random(seed)

    def some(*values: Any, of: int = 6) -> Any:
        return random.choice(values) if random.randrange(of) == 0 else None

    def link(*, leaf: bool) -> Link:
        policies = random.choice([(), (P1,), (P1, P2), (ANY,), (P2,), (P1, ANY)])
        return Link(
            ca=not leaf,
            silent=bool(some(True, of=10)),
            path_length=None if leaf else some(0, 1, 2),
            permitted=None if leaf else some("example.org", "a.example.org"),
            excluded=None if leaf else some("example.com", "b.example.org"),
            policies=policies,
            explicit=some(0, 1, 2, 3),
            inhibit=some(0, 1, 2),
            mapping=not leaf and P1 in policies and bool(some(True, of=3)),
            self_issued=not leaf and bool(some(True)),
        )

    links = [link(leaf=False) for _ in range(random.choice([0, 1, 1, 2, 2, 3]))]
    links.append(link(leaf=True))
    lists: list[Status | None] = [Status() for _ in links]
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        place = random.randrange(len(links))
        if random.randrange(2):
            lists[place] = random.choice(_BAD_LISTS)
        else:
            links[place] = replace(links[place], **random.choice(_DEFECTS))
    return Scenario(
        Link(),
        tuple(links[:-1]),
        links[-1],
        random.choice([None, *HOSTS]),
        tuple(lists),
        explicit=random.randrange(4) == 0,
    )


_DEFECTS: list[dict[str, Any]] = [
    {"ca": False}, {"ca": True}, {"basic": False}, {"signs": False}, {"forged": True},
    {"odd": True}, {"since": 1}, {"since": -1}, {"until": -1}, {"until": 1}, {"since": -50},
]  # fmt: skip
_BAD_LISTS = [
    None,
    Status(revoked=True),
    Status(revoked=True, this=-99, until=-50),
    Status(this=-3, until=-1),
    Status(this=-99),
    Status(this=1, until=2),
    Status(forged=True),
    Status(scope="ca"),
    Status(scope="user"),
    Status(scope="attribute"),
]


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
