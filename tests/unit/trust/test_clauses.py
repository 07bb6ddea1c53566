"""Clauses of RFC 5280 § 6 and RFC 6960 one by one, each with the case that it decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from esign_kit.asn1.reader import SEQUENCE, encode, encode_oid, read_all
from esign_kit.model.limits import Limits
from esign_kit.trust.policy import Revocation
from tests.unit.trust.making import (
    DAY,
    NOW,
    Entity,
    answer,
    ask,
    crl,
    holds,
    issue,
    name,
    resigned,
    responder,
    root,
    signed,
)

P1, P2, ANY = "1.3.6.1.4.1.1.1", "1.3.6.1.4.1.1.2", "2.5.29.32.0"


def oid(text: str) -> x509.ObjectIdentifier:
    return x509.ObjectIdentifier(text)


def policies(*oids: str) -> tuple[x509.ExtensionType, bool]:
    return x509.CertificatePolicies([x509.PolicyInformation(oid(o), None) for o in oids]), False


def mapping(*pairs: tuple[str, str]) -> tuple[x509.ExtensionType, bool]:
    value = b"".join(encode(SEQUENCE, encode_oid(a) + encode_oid(b)) for a, b in pairs)
    return x509.UnrecognizedExtension(oid("2.5.29.33"), encode(SEQUENCE, value)), True


def require(
    explicit: int | None = None, mapped: int | None = None
) -> tuple[x509.ExtensionType, bool]:
    return x509.PolicyConstraints(explicit, mapped), True


def line(*links: tuple[str, list], top: Entity | None = None) -> tuple[Entity, list[Entity]]:
    """Issue CAs one below the other; a name that repeats is a self-issued certificate."""
    top = top or root()
    made = [top]
    for common, extensions in links:
        made.append(issue(common, made[-1], ca=True, extensions=extensions))
    return top, made[1:]


def verdict(top: Entity, cas: list[Entity], *extensions: tuple, common: str = "Leaf", **options):
    leaf = issue(common, cas[-1], extensions=extensions)
    result = ask(leaf, top, cas, **options)
    return result.chain_code, result.policies


# ── § 6.1.3 b c: self-issued certificates and name constraints ────────────────────────────────


def test_a_self_issued_ca_need_not_obey_the_constraints_above_it_but_a_last_one_must() -> None:
    constraint = x509.NameConstraints([x509.DNSName("example.org")], None), True
    outside = x509.SubjectAlternativeName([x509.DNSName("example.com")]), False
    top, cas = line(("CA", [constraint]), ("CA", [outside]))
    assert verdict(top, cas) == ("", ())
    top, cas = line(("CA", [constraint]), ("Another", [outside]))
    assert verdict(top, cas)[0] == "chain.name-constraints"
    top, cas = line(("CA", [constraint]))
    assert verdict(top, cas, outside, common="CA")[0] == "chain.name-constraints"


# ── § 6.1.3 d, § 6.1.4 a b h i j, § 6.1.5 a b: policies ───────────────────────────────────────


@pytest.mark.parametrize(
    ("skip", "middle", "asked"),
    [
        (0, ["CA 2"], True),
        (1, ["CA 2"], True),
        # The last certificate counts once more (§ 6.1.5 a).
        (2, ["CA 2"], True),
        (3, ["CA 2"], False),
        (3, ["CA 2", "CA 3"], True),
        # A self-issued one is not counted (§ 6.1.4 h).
        (2, ["CA 1"], False),
        (1, ["CA 1"], True),
    ],
)
def test_require_explicit_policy_counts_certificates(skip, middle, asked) -> None:
    top, cas = line(("CA 1", [require(skip)]), *((common, []) for common in middle))
    assert verdict(top, cas)[0] == ("chain.policy" if asked else "")


def test_the_last_certificate_may_demand_a_policy_itself() -> None:
    top, cas = line(("CA", []))
    assert verdict(top, cas, require(0))[0] == "chain.policy"
    assert verdict(top, cas, require(1))[0] == ""


@pytest.mark.parametrize(
    ("second", "leaf", "good"),
    [("CA 1", P1, True), ("CA 2", P1, False), ("CA 1", ANY, False)],
)
def test_inhibited_any_policy_still_counts_in_a_self_issued_ca(second, leaf, good) -> None:
    first = [policies(P1), (x509.InhibitAnyPolicy(0), True)]
    top, cas = line(("CA 1", first), (second, [policies(ANY)]))
    code, _ = verdict(top, cas, policies(leaf), initial_explicit_policy=True)
    assert code == ("" if good else "chain.policy")


def test_inhibit_any_policy_counts_certificates() -> None:
    first = [policies(ANY), (x509.InhibitAnyPolicy(1), True)]
    top, cas = line(("CA 1", first), ("CA 2", [policies(ANY)]))
    options = {"initial_explicit_policy": True}
    assert verdict(top, cas, policies(P1), **options) == ("", (P1,))
    assert verdict(top, cas, policies(ANY), **options)[0] == "chain.policy"


@pytest.mark.parametrize(("skip", "good"), [(None, True), (0, False), (1, True)])
def test_mapped_policies_and_their_inhibition(skip: int | None, good: bool) -> None:
    first = [policies(P1), *([require(None, skip)] if skip is not None else [])]
    top, cas = line(("CA 1", first), ("CA 2", [policies(P1), mapping((P1, P2))]))
    code, found = verdict(top, cas, policies(P2), initial_explicit_policy=True)
    assert (code, found) == (("", (P1,)) if good else ("chain.policy", ()))
    options = {"initial_explicit_policy": True, "initial_policy_mapping_inhibit": True}
    assert verdict(top, cas, policies(P2), **options)[0] == "chain.policy"
    # What was mapped away does not count below any more.
    code, _ = verdict(top, cas, policies(P1), initial_explicit_policy=True)
    assert code == "chain.policy"


@pytest.mark.parametrize("pair", [(ANY, P1), (P1, ANY)])
def test_any_policy_is_never_mapped(pair: tuple[str, str]) -> None:
    top, cas = line(("CA", [policies(P1), mapping(pair)]))
    assert verdict(top, cas, policies(P1))[0] == "chain.policy-mapping"


def test_a_policy_that_stands_twice_is_malformed() -> None:
    item = encode(SEQUENCE, encode_oid(P1))
    twice = x509.UnrecognizedExtension(oid("2.5.29.32"), encode(SEQUENCE, item, item)), False
    top, cas = line(("CA", []))
    assert verdict(top, cas, twice)[0] == "certificate.malformed"


def test_only_wanted_policies_count_once_a_policy_is_demanded() -> None:
    top, cas = line(("CA", [policies(P1, P2)]))
    wanted = {"initial_policies": frozenset({P2})}
    # RFC 5280 § 6.1.5 g: without the demand the set restricts what is reported, and nothing else.
    assert verdict(top, cas, policies(P1), **wanted) == ("", ())
    demanded = {**wanted, "initial_explicit_policy": True}
    assert verdict(top, cas, policies(P1), **demanded)[0] == "chain.policy"
    assert verdict(top, cas, policies(P2), **demanded) == ("", (P2,))


# ── § 6.1.4 k m, § 4.1: who may issue, and what is malformed ──────────────────────────────────


def test_a_ca_of_version_1_is_none_unless_it_is_the_anchor() -> None:
    top = root()
    model = issue("CA", top, ca=True)
    fields = read_all(model.view.tbs).items()
    old = signed(encode(SEQUENCE, *[f.raw for f in fields[1:-1]]), model, top)
    assert old.view.version == 1
    leaf = issue("Leaf", old)
    assert ask(leaf, top, [old]).chain_code == "chain.not-a-ca"
    assert holds(ask(leaf, old))


def test_signed_parts_that_contradict_the_rest_are_malformed() -> None:
    top = root()
    leaf = issue("Leaf", top)
    other = resigned(leaf, top, "2a8648ce3d040302", "2a8648ce3d040303")
    assert ask(other, top).chain_code == "certificate.malformed"
    ca = issue("CA", top, ca=True, path_length=5)
    negative = resigned(ca, top, "30060101ff020105", "30060101ff0201ff")
    assert ask(issue("Leaf", negative), top, [negative]).chain_code == "certificate.malformed"


def test_no_path_is_longer_than_the_limit() -> None:
    top, cas = line(*((f"CA {n}", []) for n in range(4)))
    leaf = issue("Leaf", cas[-1])
    assert holds(ask(leaf, top, cas, limits=Limits(path_length=5)))
    assert ask(leaf, top, cas, limits=Limits(path_length=4)).chain_code == "chain.no-anchor"


def test_a_certificate_for_the_name_and_key_of_its_own_issuer_is_no_loop() -> None:
    top, (ca,) = line(("CA", []))
    again = issue("CA", ca, ca=True, number=ca.number)
    assert holds(ask(again, top, [ca]))


# ── CRLs: scope and deltas ────────────────────────────────────────────────────────────────────


def scope(**given: object) -> x509.IssuingDistributionPoint:
    nothing = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**{**nothing, **given})


def test_a_list_of_user_certificates_says_nothing_about_a_ca() -> None:
    top, (ca,) = line(("CA", []))
    users = crl(top, idp=scope(only_contains_user_certs=True))
    assert holds(ask(issue("Leaf", top), top, crls=[users]))
    assert ask(ca, top, crls=[users]).revocation_code == "revocation.unusable"


@pytest.mark.parametrize(
    "options",
    [
        {"idp": scope(only_contains_user_certs=True)},
        {"extensions": [(x509.AuthorityKeyIdentifier(b"another", None, None), False)]},
        {"base": 11},
        {"number": 9, "base": 8},
        {"until": NOW - timedelta(hours=1)},
        {"sign_with": 4711},
        {"extensions": [(x509.UnrecognizedExtension(oid("1.2.3"), b"\x05\x00"), True)]},
    ],
)
def test_a_delta_that_does_not_fit_lifts_nothing(options) -> None:
    top = root()
    leaf = issue("Leaf", top)
    held = crl(top, [(leaf, NOW - 3 * DAY, "certificate_hold")], this=NOW - 2 * DAY)
    lifting = [(leaf, NOW - 3 * DAY, "remove_from_crl")]
    fits = {"number": 12, "base": 10}
    assert holds(ask(leaf, top, crls=[held, crl(top, lifting, **fits)]))
    odd = crl(top, lifting, **{**fits, **options})
    assert ask(leaf, top, crls=[held, odd]).revocation_code == "revocation.on-hold"


# ── OCSP: RFC 6960 § 4.2.2.2 and the rest ─────────────────────────────────────────────────────

USAGE = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NOCHECK = (x509.OCSPNoCheck(), False)
ODD = (x509.UnrecognizedExtension(oid("1.2.3.4"), b"\x05\x00"), True)


def test_what_a_responder_or_its_answer_must_not_have() -> None:
    top = root()
    leaf = issue("Leaf", top)

    def code(*answers: bytes) -> str:
        return ask(leaf, top, ocsp_responses=answers).revocation_code

    usual = responder(top)
    assert code(answer(leaf, top, by=usual)) == ""
    bad = [
        responder(top, extensions=[USAGE, NOCHECK, ODD]),
        resigned(usual, top, "2a8648ce3d040302", "2a8648ce3d040303"),
        responder(top, issuer_name=name("Another")),
    ]
    for by in bad:
        assert code(answer(leaf, top, by=by)) == "revocation.unusable"
    for critical, expected in ((False, ""), (True, "revocation.unusable")):
        said = answer(leaf, top, single_extensions=[("1.2.3.4", b"\x05\x00", critical)])
        assert code(said) == expected
    assert code(answer(leaf, top, produced=NOW + DAY)) == "revocation.stale"


def test_an_answer_about_the_certificate_of_another_key_of_the_same_name() -> None:
    top = root()
    leaf = issue("Leaf", top)
    other = answer(leaf, root(), by=responder(top))
    assert ask(leaf, top, ocsp_responses=[other]).revocation_code == "revocation.unusable"


def test_no_revocation_available_is_not_for_cas() -> None:
    value = x509.UnrecognizedExtension(oid("2.5.29.56"), b"\x05\x00"), False
    top, (ca,) = line(("CA", [value]))
    leaf = issue("Leaf", ca, extensions=[value])
    result = ask(leaf, top, [ca], revocation=Revocation.REQUIRED)
    assert result.revocation_detail.startswith("no usable answer about CA")
    assert holds(ask(leaf, top, [ca], crls=[crl(top)], revocation=Revocation.REQUIRED))


def test_no_revocation_available_beside_a_source_of_it_says_nothing() -> None:
    value = x509.UnrecognizedExtension(oid("2.5.29.56"), b"\x05\x00"), False
    top = root()
    url = x509.UniformResourceIdentifier("http://ocsp.example/")
    pointer = x509.AuthorityInformationAccess(
        [x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, url)]
    )
    plain = issue("Leaf", top, extensions=[value])
    assert holds(ask(plain, top, revocation=Revocation.REQUIRED))
    for points, extensions in ((True, [value]), (False, [value, (pointer, False)])):
        odd = issue("Leaf", top, points=points, extensions=extensions)
        result = ask(odd, top, revocation=Revocation.REQUIRED)
        assert result.revocation_code == "revocation.missing"


@pytest.mark.parametrize(
    ("limits", "detail"),
    [
        ({"extensions": 3}, "extensions"),
        ({"policy_nodes": 1}, "too many certificate policies"),
        ({"name_constraint_checks": 1}, "too many name constraint comparisons"),
        ({"signature_checks": 1}, "too many signatures to check"),
    ],
)
def test_a_limit_that_is_reached_is_a_verdict_with_its_name(limits, detail) -> None:
    excluded = [x509.DNSName("a.example"), x509.DNSName("b.example")]
    constraint = x509.NameConstraints(None, excluded), True
    top, cas = line(("CA", [constraint, policies(P1)]))
    hosts = x509.SubjectAlternativeName([x509.DNSName("c.example")]), False
    leaf = issue("Leaf", cas[-1], extensions=[hosts, policies(P1)])
    result = ask(leaf, top, cas, limits=Limits(**limits))
    assert result.chain_code == "chain.budget" and detail in result.chain_detail
    assert holds(ask(leaf, top, cas))
