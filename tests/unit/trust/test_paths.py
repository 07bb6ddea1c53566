"""Building and RFC 5280 § 6.1: one test per rule, each with the case that must fall."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from esign_kit.errors import LimitError
from esign_kit.model.report import SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import (
    AlgorithmPolicy,
    Cache,
    CertificateProfile,
    Revocation,
    ValidationPolicy,
    ValidityModel,
)
from esign_kit.trust.store import TrustAnchor, TrustStore
from tests.unit.trust import making
from tests.unit.trust.making import DAY, NOW, ask, holds, issue, root, usage

GENERAL = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
NC = x509.NameConstraints


def nc(*, permitted: list | None = None, excluded: list | None = None) -> tuple:
    return (NC(permitted, excluded), True)


def san(*names: x509.GeneralName) -> tuple:
    return (x509.SubjectAlternativeName(names), False)


def test_a_path_of_three_holds_and_is_told() -> None:
    top = root()
    middle = issue("CA", top, ca=True)
    leaf = issue("Leaf", middle)
    result = ask(leaf, top, [middle])
    assert holds(result)
    assert [c.label for c in result.chain] == ["Leaf", "CA", "Root"]
    assert result.anchor is not None and result.anchor.certificate.der == top.der
    assert result.attempts[-1].code == ""
    assert result.valid_from == max(c.not_before for c in result.chain)
    # 2028 is the end of RSA-2048, not of P-256: nothing but the certificates bounds the answer.
    assert result.valid_until == min(c.not_after for c in result.chain)


def test_no_anchor_names_what_is_missing() -> None:
    top = root("Absent Root")
    leaf = issue("Leaf", top)
    result = ask(leaf, root("Another"))
    assert result.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert result.anchor is None and [c.der for c in result.chain] == [leaf.der]
    assert "Absent Root" in result.chain_detail and "Absent Root" in result.hint


def test_an_embedded_root_is_not_trusted() -> None:
    top = root("Self-made")
    leaf = issue("Leaf", top)
    result = ask(leaf, root("Other"), [top])
    assert result.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert "Self-made" in result.chain_detail


def test_the_signature_decides_and_not_the_name() -> None:
    top = root("Root")
    rogue = root("Root")
    leaf = issue("Leaf", rogue)
    result = ask(leaf, top)
    assert result.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert result.attempts[0].code == "chain.signature"


def test_several_candidates_of_one_name_and_key() -> None:
    """One CA key with three certificates: expired, wrong usage, good. All are told."""
    top = root()
    number = 900
    expired = issue("CA", top, ca=True, number=number, until=NOW - DAY)
    wrong = issue("CA", top, ca=True, number=number, key_usage=usage("crl_sign"))
    good = issue("CA", top, ca=True, number=number)
    leaf = issue("Leaf", good)
    for helpers in ([expired, wrong, good], [good, wrong, expired], [wrong, expired, good]):
        result = ask(leaf, top, helpers)
        assert holds(result)
        assert result.chain[1].der == good.der
    result = ask(leaf, top, [expired, wrong])
    assert {a.code for a in result.attempts} == {"ca.expired", "chain.key-usage"}
    assert result.chain_problem is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert result.chain[1].der == expired.der


def test_cross_certificates_and_loops_end() -> None:
    top = root("Top")
    a = issue("A", ca=True)
    b = issue("B", ca=True)
    a_by_b = issue("A", b, ca=True, number=a.number)
    b_by_a = issue("B", a, ca=True, number=b.number)
    a_by_top = issue("A", top, ca=True, number=a.number)
    leaf = issue("Leaf", b)
    web = [a, b, a_by_b, b_by_a]
    assert ask(leaf, top, web).chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    result = ask(leaf, top, [*web, a_by_top])
    assert holds(result)
    assert [c.label for c in result.chain] == ["Leaf", "B", "A", "Top"]


def test_the_search_has_a_budget() -> None:
    """Sixty certificates of one name and forty keys that all sign each other: bounded, told."""
    keys = range(2000, 2008)
    web = [
        issue("CA", sign_with=signer, number=own, ca=True)
        for own in keys
        for signer in keys
        if own != signer
    ]
    leaf = issue("Leaf", web[0])
    result = ask(leaf, root("Top"), web)
    assert result.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert result.chain_code == "chain.budget"
    assert len(result.attempts) <= 101


def test_too_many_helpers_are_an_error_of_their_own() -> None:
    top = root()
    leaf = issue("Leaf", top)
    policy = ValidationPolicy()
    with pytest.raises(LimitError):
        ask(leaf, top, [leaf] * 3, limits=policy.limits.with_(certificates=2))


def test_a_leaf_is_no_ca() -> None:
    top = root()
    person = issue("Person", top)
    forged = issue("Forged", person)
    result = ask(forged, top, [person])
    assert (result.chain_problem, result.chain_code) == (GENERAL, "chain.not-a-ca")
    # A pinned end-entity certificate does not become one either.
    result = ask(forged, person)
    assert result.chain_code == "chain.not-a-ca"


def test_an_anchor_that_is_the_certificate_itself() -> None:
    person = issue("Person", root())
    result = ask(person, person)
    assert holds(result) and len(result.chain) == 1
    old = issue("Old", root(), until=NOW - DAY)
    assert ask(old, old).chain_problem is SubIndication.OUT_OF_BOUNDS_NO_POE


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        (NOW + timedelta(seconds=1), NOW + DAY, "certificate.not-yet-valid"),
        (NOW - DAY, NOW - timedelta(seconds=1), "certificate.expired"),
        (NOW, NOW + DAY, ""),
        (NOW - DAY, NOW, ""),
    ],
)
def test_validity_to_the_second(since, until, code) -> None:
    top = root()
    result = ask(issue("Leaf", top, since=since, until=until), top)
    assert result.chain_code == code
    if code:
        assert result.chain_problem is SubIndication.OUT_OF_BOUNDS_NO_POE
        assert result.chain[-1].label == "Root"


def test_expired_and_known_not_to_be_revoked() -> None:
    top = root()
    leaf = issue("Leaf", top, until=NOW - DAY)
    crl = making.crl(top, this=NOW - 3 * DAY, until=NOW + DAY)
    result = ask(leaf, top, crls=[crl])
    assert result.chain_problem is SubIndication.OUT_OF_BOUNDS_NOT_REVOKED
    assert ask(leaf, top).chain_problem is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_expired_anchor_counts_unless_its_constraints_do_not() -> None:
    top = root(until=NOW - DAY)
    leaf = issue("Leaf", top)
    assert ask(leaf, top).chain_code == "anchor.expired"
    assert holds(ask(leaf, top, anchor_constraints=False))


@pytest.mark.parametrize(("limit", "depth", "good"), [(0, 0, True), (0, 1, False), (1, 1, True)])
def test_path_length(limit: int, depth: int, good: bool) -> None:
    top = root()
    chain = [issue("CA 0", top, ca=True, path_length=limit)]
    for number in range(depth):
        chain.append(issue(f"CA {number + 1}", chain[-1], ca=True))
    result = ask(issue("Leaf", chain[-1]), top, chain)
    assert (result.chain_code == "") is good
    assert good or result.chain_code == "chain.path-length"


def test_path_length_of_the_anchor_and_of_the_policy() -> None:
    top = root(path_length=0)
    ca = issue("CA", top, ca=True)
    leaf = issue("Leaf", ca)
    assert ask(leaf, top, [ca]).chain_code == "chain.path-length"
    assert holds(ask(leaf, top, [ca], anchor_constraints=False))
    assert not holds(ask(leaf, root(), [ca], max_path_length=0))


def test_self_issued_certificates_are_not_counted() -> None:
    top = root()
    ca = issue("CA", top, ca=True, path_length=0)
    rollover = issue("CA", ca, ca=True)
    leaf = issue("Leaf", rollover)
    assert holds(ask(leaf, top, [ca, rollover]))


def test_key_usage_of_an_issuer() -> None:
    top = root()
    ca = issue("CA", top, ca=True, key_usage=usage("crl_sign"))
    assert ask(issue("Leaf", ca), top, [ca]).chain_code == "chain.key-usage"
    silent = issue("CA", top, ca=True, key_usage=None)
    assert holds(ask(issue("Leaf", silent), top, [silent]))


def test_unknown_critical_extensions_anywhere() -> None:
    odd = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), True)
    top = root()
    ca = issue("CA", top, ca=True)
    for leaf, helpers in (
        (issue("Leaf", ca, extensions=[odd]), [ca]),
        (issue("Leaf", odd_ca := issue("CA", top, ca=True, extensions=[odd])), [odd_ca]),
    ):
        result = ask(leaf, top, helpers)
        assert result.chain_code == "chain.critical-extension"
        assert holds(ask(leaf, top, helpers, ignored_critical_extensions=frozenset({"1.2.3.4.5"})))
    marked = root(extensions=[odd])
    assert ask(issue("Leaf", marked), marked).chain_code == "chain.critical-extension"


def test_inner_and_outer_algorithm_must_agree() -> None:
    top = root()
    leaf = issue("Leaf", top)
    # ecdsa-with-SHA256 … 3.2 becomes … 3.3 outside the signed part only.
    position = leaf.der.rindex(bytes.fromhex("2a8648ce3d040302"))
    changed = leaf.der[: position + 7] + b"\x03" + leaf.der[position + 8 :]
    result = ask(making.Entity(changed, leaf.name, leaf.number), top)
    assert not holds(result)


# ── name constraints ──────────────────────────────────────────────────────────────────────────

EMAIL, HOST, URI = x509.RFC822Name, x509.DNSName, x509.UniformResourceIdentifier
ADDRESS, DIRECTORY = x509.IPAddress, x509.DirectoryName


@pytest.mark.parametrize(
    ("permitted", "excluded", "names", "good"),
    [
        ([EMAIL("example.org")], None, [EMAIL("a@example.org")], True),
        ([EMAIL("example.org")], None, [EMAIL("a@sub.example.org")], False),
        ([EMAIL(".example.org")], None, [EMAIL("a@sub.example.org")], True),
        ([EMAIL("a@example.org")], None, [EMAIL("b@example.org")], False),
        (None, [EMAIL("example.org")], [EMAIL("a@EXAMPLE.org")], False),
        ([HOST("example.org")], None, [HOST("a.example.org")], True),
        ([HOST("example.org")], None, [HOST("notexample.org")], False),
        (None, [HOST("example.org")], [HOST("*.example.org")], False),
        (None, [HOST("a.example.org")], [HOST("*.example.org")], False),
        ([HOST("a.example.org")], None, [HOST("*.example.org")], False),
        ([URI("host.example.org")], None, [URI("https://host.example.org:8/x")], True),
        ([URI(".example.org")], None, [URI("https://example.org/")], False),
        (None, [URI(".example.org")], [URI("https://user@a.example.org/")], False),
        ([URI("example.org")], None, [URI("https://192.0.2.1/")], False),
        ([URI("example.org")], None, [URI("urn:uuid:1")], False),
        ([ADDRESS(ip_network("192.0.2.0/24"))], None, ["192.0.2.7"], True),
        ([ADDRESS(ip_network("192.0.2.0/24"))], None, ["192.0.3.7"], False),
        (None, [ADDRESS(ip_network("2001:db8::/32"))], ["2001:db8::1"], False),
        (None, [ADDRESS(ip_network("2001:db8::/32"))], ["192.0.2.1"], True),
        (None, [x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))], [HOST("a.org")], True),
        (
            [x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))],
            None,
            [x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))],
            False,
        ),
    ],
)
def test_name_constraints(permitted, excluded, names, good) -> None:
    import ipaddress

    names = [ADDRESS(ipaddress.ip_address(n)) if isinstance(n, str) else n for n in names]
    top = root()
    ca = issue("CA", top, ca=True, extensions=[nc(permitted=permitted, excluded=excluded)])
    result = ask(issue("Leaf", ca, extensions=[san(*names)]), top, [ca])
    assert (result.chain_code or "good") == ("good" if good else "chain.name-constraints")


def test_directory_constraints_reach_subject_and_alternative_name() -> None:
    top = root()
    inside = x509.Name(list(making.name("x/Ministry"))[:2])
    ca = issue("CA", top, ca=True, extensions=[nc(permitted=[DIRECTORY(inside)])])
    assert holds(ask(issue("A/Ministry", ca), top, [ca]))
    assert holds(ask(issue("A/MINISTRY", ca), top, [ca]))
    assert ask(issue("A/Other", ca), top, [ca]).chain_code == "chain.name-constraints"
    odd = issue("A/Ministry", ca, extensions=[san(DIRECTORY(making.name("B/Other")))])
    assert ask(odd, top, [ca]).chain_code == "chain.name-constraints"


def test_constraints_of_all_cas_add_up_and_those_of_the_anchor_count() -> None:
    top = root(extensions=[nc(excluded=[HOST("bad.org")])])
    ca = issue("CA", top, ca=True, extensions=[nc(permitted=[HOST("org")])])
    for host, good in (("good.org", True), ("bad.org", False), ("good.com", False)):
        leaf = issue("Leaf", ca, extensions=[san(HOST(host))])
        assert holds(ask(leaf, top, [ca])) is good
    leaf = issue("Leaf", ca, extensions=[san(HOST("bad.org"))])
    assert holds(ask(leaf, top, [ca], anchor_constraints=False))


def test_mail_in_the_subject_counts_without_one_beside_it() -> None:
    top = root()
    ca = issue("CA", top, ca=True, extensions=[nc(permitted=[EMAIL("example.org")])])
    mail = x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "a@example.com")
    leaf = issue(x509.Name([*making.name("Leaf"), mail]), ca)
    assert ask(leaf, top, [ca]).chain_code == "chain.name-constraints"


def test_name_constraint_work_is_bounded() -> None:
    top = root()
    many = [HOST(f"h{n}.example") for n in range(400)]
    ca = issue("CA", top, ca=True, extensions=[nc(excluded=many)])
    leaf = issue("Leaf", ca, extensions=[san(*(HOST(f"x{n}.test") for n in range(400)))])
    result = ask(leaf, top, [ca])
    assert result.chain_code == "chain.budget"


# ── certificate policies ──────────────────────────────────────────────────────────────────────

P1, P2, ANY = "1.3.6.1.4.1.1.1", "1.3.6.1.4.1.1.2", "2.5.29.32.0"


def policies(*oids: str, notice: str | None = None) -> tuple:
    qualifiers = [x509.UserNotice(None, notice)] if notice else None
    return (
        x509.CertificatePolicies(
            [x509.PolicyInformation(x509.ObjectIdentifier(oid), qualifiers) for oid in oids]
        ),
        False,
    )


def test_policies_intersect() -> None:
    top = root()
    ca = issue("CA", top, ca=True, extensions=[policies(P1, P2)])
    leaf = issue("Leaf", ca, extensions=[policies(P2, notice="For tests")])
    result = ask(leaf, top, [ca])
    assert result.policies == (P2,) and result.user_notices == ("For tests",)
    demand = {"initial_explicit_policy": True}
    assert holds(ask(leaf, top, [ca], initial_policies=frozenset({P2}), **demand))
    result = ask(leaf, top, [ca], initial_policies=frozenset({P1}), **demand)
    assert result.chain_problem is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    assert result.chain_code == "chain.policy"


def test_any_policy_and_its_inhibition() -> None:
    top = root()
    ca = issue("CA", top, ca=True, extensions=[policies(ANY)])
    leaf = issue("Leaf", ca, extensions=[policies(P1)])
    demand = {"initial_explicit_policy": True, "initial_policies": frozenset({P1})}
    assert ask(leaf, top, [ca], **demand).policies == (P1,)
    assert not holds(ask(leaf, top, [ca], initial_any_policy_inhibit=True, **demand))


def test_require_explicit_policy_counts_down() -> None:
    top = root()
    demand = (x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None), True)
    ca = issue("CA", top, ca=True, extensions=[demand])
    assert ask(issue("Leaf", ca), top, [ca]).chain_code == "chain.policy"


def test_a_policy_graph_does_not_explode() -> None:
    """RFC 9618: every CA maps every policy to every other; a tree would have 20^15 leaves."""
    import time

    oids = [f"1.3.6.1.4.1.9.{n}" for n in range(20)]
    issuer = top = root()
    helpers = []
    for depth in range(14):
        issuer = issue(f"CA {depth}", issuer, ca=True, extensions=[policies(*oids), _mapping(oids)])
        helpers.append(issuer)
    leaf = issue("Leaf", issuer, extensions=[policies(*oids)])
    started = time.perf_counter()
    result = ask(leaf, top, helpers)
    assert holds(result) and len(result.policies) == 20
    assert time.perf_counter() - started < 1


def _mapping(oids: list[str]) -> tuple:
    from esign_kit.asn1.reader import SEQUENCE, encode, encode_oid

    pairs = b"".join(encode(SEQUENCE, encode_oid(a) + encode_oid(b)) for a in oids for b in oids)
    return (
        x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), encode(SEQUENCE, pairs)),
        True,
    )


# ── strength, purposes, models, memory ────────────────────────────────────────────────────────


def test_a_digest_that_does_not_count_is_a_verdict_with_its_date() -> None:
    top = root()
    leaf = issue("Leaf", top, digest=hashes.SHA224())
    refusing = AlgorithmPolicy({"SHA256": None}, AlgorithmPolicy().families)
    result = ask(leaf, top, algorithms=refusing)
    assert result.chain_problem is None
    assert result.algorithm_problem is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert "SHA224" in result.algorithm_detail
    ending = AlgorithmPolicy().accepting("SHA224", until=NOW + DAY)
    result = ask(leaf, top, algorithms=ending)
    assert holds(result) and result.valid_until == b"20261122120000Z"
    assert not holds(ask(leaf, top, algorithms=ending, at=NOW + 2 * DAY))


def test_anchors_serve_their_purposes_and_dates() -> None:
    top = root()
    leaf = issue("Leaf", top)

    def run(anchor: TrustAnchor, purpose: Purpose) -> bool:
        return holds(making.Ask(TrustStore([anchor]), purpose=purpose)(leaf))

    only = TrustAnchor(top.der, purposes={Purpose.TIMESTAMPING})
    assert run(only, Purpose.TIMESTAMPING) and not run(only, Purpose.SIGNING)
    assert run(only, Purpose.ANY)
    assert not run(TrustAnchor(top.der, until=NOW - DAY), Purpose.SIGNING)
    assert not run(TrustAnchor(top.der, since=NOW + DAY), Purpose.SIGNING)


def test_an_anchor_that_does_not_serve_the_question_is_named_and_not_asked_for() -> None:
    top = root()
    leaf = issue("Leaf", top)
    ended = making.Ask(TrustStore([TrustAnchor(top.der, until=NOW - DAY)]))(leaf)
    assert ended.chain_code == "chain.no-anchor"
    assert f"a trust anchor, but only until {NOW - DAY:%Y-%m-%d}" in ended.chain_detail
    assert "at=…" in ended.hint
    only = TrustAnchor(top.der, purposes={Purpose.TIMESTAMPING})
    other = making.Ask(TrustStore([only]), purpose=Purpose.SIGNING)(leaf)
    assert "only for TIMESTAMPING" in other.chain_detail
    assert "purpose" in other.hint


def test_chain_model() -> None:
    """Each issuer counts at the time at which it issued the next certificate."""
    top = root(since=NOW - 900 * DAY, until=NOW + 900 * DAY)
    ca = issue("CA", top, ca=True, since=NOW - 800 * DAY, until=NOW - DAY)
    leaf = issue("Leaf", ca, since=NOW - 10 * DAY)
    assert ask(leaf, top, [ca]).chain_code == "ca.expired"
    assert holds(ask(leaf, top, [ca], model=ValidityModel.CHAIN))


def test_the_rules_for_issuers_are_asked_for_by_name() -> None:
    top = root()
    leaf = issue("Leaf", top)
    assert holds(ask(leaf, top))
    result = ask(leaf, top, certificate_profile=CertificateProfile.RFC5280)
    assert result.chain_code == "chain.certificate-profile"


def test_answers_are_kept_with_their_window_and_failures_are_not() -> None:
    top = root()
    ca = issue("CA", top, ca=True)
    leaf = issue("Leaf", ca, until=NOW + DAY)
    store, policy = TrustStore([top.der]), ValidationPolicy(revocation=Revocation.NOT_CHECKED)
    without = making.Ask(store, (), policy=policy)
    assert not holds(without(leaf))
    asked = making.Ask(store, (ca.view,), policy=policy)
    first = asked(leaf)
    assert holds(first) and asked(leaf) is first
    later = making.Ask(store, (ca.view,), policy=policy, at=NOW + 2 * DAY)
    assert later(leaf).chain_code == "certificate.expired"
    off = ValidationPolicy(revocation=Revocation.NOT_CHECKED, cache=Cache.OFF)
    cold = making.Ask(store, (ca.view,), policy=off)(leaf)
    assert cold == first and cold is not first


def test_reordering_helpers_changes_nothing() -> None:
    from itertools import permutations

    top = root()
    ca = issue("CA", top, ca=True)
    other = issue("CA", root("Elsewhere"), ca=True, number=ca.number)
    leaf = issue("Leaf", ca)
    for helpers in permutations([ca, other, leaf]):
        result = validate_path(
            leaf.view,
            trust=TrustStore([top.der]),
            helpers=[h.view for h in helpers],
            evidence=making.Evidence(),
            at=NOW,
            policy=ValidationPolicy(revocation=Revocation.NOT_CHECKED),
            purpose=Purpose.SIGNING,
        )
        assert holds(result)


def test_many_mappings_are_refused_before_the_work() -> None:
    oids = [f"1.3.6.1.4.1.9.{n}" for n in range(70)]
    top = root()
    ca = issue("CA", top, ca=True, extensions=[policies(*oids), _mapping(oids)])
    leaf = issue("Leaf", ca, extensions=[policies(*oids)])
    assert ask(leaf, top, [ca]).chain_code == "chain.budget"
