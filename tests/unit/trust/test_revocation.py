"""Revocation by CRL and OCSP: what counts, what does not, and what is said about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from esign_kit.model.evidence import Evidence, RevocationStatus
from esign_kit.model.report import SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust.policy import (
    AlgorithmPolicy,
    Cache,
    Revocation,
    ValidationPolicy,
    ValidityModel,
)
from esign_kit.trust.store import TrustStore
from tests.unit.trust import making
from tests.unit.trust.making import DAY, NOW, answer, ask, crl, holds, issue, responder, root

GOOD, REVOKED = RevocationStatus.GOOD, RevocationStatus.REVOKED
UNKNOWN, HOLD = RevocationStatus.UNKNOWN, RevocationStatus.ON_HOLD
TRY_LATER = SubIndication.TRY_LATER
MINUTE = timedelta(minutes=1)
ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.9"), b"\x05\x00")


@pytest.fixture(scope="module")
def top() -> making.Entity:
    return root()


@pytest.fixture(scope="module")
def leaf(top: making.Entity) -> making.Entity:
    return issue("Leaf", top, since=NOW - 10 * DAY)


def status(result) -> RevocationStatus:
    return result.revocation[0].status


# ── CRL ───────────────────────────────────────────────────────────────────────────────────────


def test_good_by_crl(top, leaf) -> None:
    result = ask(leaf, top, crls=[crl(top)])
    assert holds(result) and status(result) is GOOD
    info = result.revocation[0]
    assert info.source == "CRL" and info.this_update == NOW - DAY
    assert result.valid_until == b"20261122120000Z"  # nextUpdate
    assert result.revocation[1].status is RevocationStatus.NOT_NEEDED


def test_nothing_is_never_good(top, leaf) -> None:
    result = ask(leaf, top, revocation=Revocation.REQUIRED)
    assert result.chain_problem is None
    assert result.revocation_problem is TRY_LATER
    assert result.revocation_code == "revocation.missing"
    for rule in (Revocation.IF_AVAILABLE, Revocation.IF_DECLARED):
        result = ask(leaf, top, revocation=rule)
        assert holds(result) and status(result) is UNKNOWN


def test_if_declared_and_target_only(top) -> None:
    ca = issue("CA", top, ca=True)
    declared = issue("Leaf", ca, points=True)
    assert ask(declared, top, [ca], revocation=Revocation.IF_DECLARED).revocation_problem
    only = ask(declared, top, [ca], crls=[crl(ca)], revocation=Revocation.TARGET_ONLY)
    assert holds(only)
    assert not holds(ask(declared, top, [ca], crls=[crl(ca)]))


def test_revoked_with_date_and_reason(top, leaf) -> None:
    when = NOW - 2 * DAY
    result = ask(leaf, top, crls=[crl(top, [(leaf, when, "key_compromise")])])
    assert result.revocation_problem is SubIndication.REVOKED_NO_POE
    info = result.revocation[0]
    assert (info.status, info.revoked_at, info.reason) == (REVOKED, when, "keyCompromise")
    assert "2026-11-19" in result.revocation_detail


def test_a_revoked_ca_is_said_to_be_the_ca(top) -> None:
    ca = issue("CA", top, ca=True)
    leaf = issue("Leaf", ca)
    result = ask(leaf, top, [ca], crls=[crl(top, [ca]), crl(ca)])
    assert result.revocation_problem is SubIndication.REVOKED_CA_NO_POE
    # A second certificate of the same CA that is not revoked carries the path instead.
    again = issue("CA", top, ca=True, number=ca.number)
    result = ask(leaf, top, [ca, again], crls=[crl(top, [ca]), crl(ca)])
    assert holds(result) and result.chain[1].der == again.der
    assert result.attempts[0].code == "revocation.ca-revoked"


def test_on_hold_may_come_back(top, leaf) -> None:
    held = crl(top, [(leaf, NOW - 2 * DAY, "certificate_hold")])
    result = ask(leaf, top, crls=[held])
    assert (status(result), result.revocation_problem) == (HOLD, TRY_LATER)
    assert result.revocation_code == "revocation.on-hold"
    lifted = crl(top, this=NOW - timedelta(hours=1))
    assert holds(ask(leaf, top, crls=[held, lifted]))
    assert not holds(
        ask(leaf, top, crls=[lifted, crl(top, [(leaf, NOW, "certificate_hold")], this=NOW)])
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"this": NOW - 3 * DAY, "until": NOW - DAY}, "revocation.stale"),
        ({"this": NOW + DAY, "until": NOW + 2 * DAY}, "revocation.stale"),
        ({"this": NOW - 11 * DAY}, "revocation.stale"),  # older than the certificate
        ({"sign_with": 77}, "revocation.unusable"),
        (
            {"extensions": [(ODD, True)]},
            "revocation.unusable",
        ),
    ],
)  # fmt: skip
def test_a_crl_that_does_not_count(top, leaf, options, code) -> None:
    result = ask(leaf, top, crls=[crl(top, **options)])
    assert (result.revocation_problem, result.revocation_code) == (TRY_LATER, code)
    assert status(result) is UNKNOWN and result.revocation[0].rejected


def test_clock_skew_and_the_age_limit(top, leaf) -> None:
    assert holds(ask(leaf, top, crls=[crl(top, this=NOW + 4 * MINUTE)]))
    assert not holds(ask(leaf, top, crls=[crl(top, this=NOW + 6 * MINUTE)]))
    old = crl(top, this=NOW - 3 * DAY)
    assert holds(ask(leaf, top, crls=[old]))
    assert not holds(ask(leaf, top, crls=[old], max_revocation_age=2 * DAY))


def test_an_old_list_that_says_revoked_still_says_so(top, leaf) -> None:
    old = crl(top, [(leaf, NOW - 5 * DAY, "superseded")], this=NOW - 4 * DAY, until=NOW - 3 * DAY)
    result = ask(leaf, top, crls=[old], ocsp_responses=[answer(leaf, top)])
    assert result.revocation_problem is SubIndication.REVOKED_NO_POE


def test_crl_signer_needs_the_usage(top) -> None:
    ca = issue("CA", top, ca=True, key_usage=making.usage("key_cert_sign"))
    leaf = issue("Leaf", ca)
    result = ask(leaf, top, [ca], crls=[crl(top), crl(ca)])
    assert result.revocation_problem is TRY_LATER and "cRLSign" in result.revocation_detail


def test_crl_by_another_key_of_the_same_ca(top) -> None:
    ca = issue("CA", top, ca=True)
    signer = issue("CA", top, ca=False, key_usage=making.usage("crl_sign"))
    leaf = issue("Leaf", ca)
    lists = [crl(top), crl(ca, sign_with=signer.number)]
    assert holds(ask(leaf, top, [ca, signer], crls=lists))
    assert not holds(ask(leaf, top, [ca], crls=lists))
    # Under another anchor the same name and key say nothing.
    foreign = issue("CA", root("Foreign"), number=signer.number, key_usage=making.usage("crl_sign"))
    assert not holds(ask(leaf, top, [ca, foreign], crls=lists))
    # And not if the signer itself is revoked.
    lists = [crl(top, [signer]), crl(ca, sign_with=signer.number)]
    assert not holds(ask(leaf, top, [ca, signer], crls=lists))


def idp(**options) -> x509.IssuingDistributionPoint:
    values = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**values, **options})


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ({"only_contains_user_certs": True}, True),
        ({"only_contains_ca_certs": True}, False),
        ({"only_contains_attribute_certs": True}, False),
        ({"full_name": [x509.UniformResourceIdentifier(making.POINT)]}, True),
        ({"full_name": [x509.UniformResourceIdentifier("http://other.example/")]}, False),
    ],
)
def test_issuing_distribution_point(top, options, good) -> None:
    leaf = issue("Leaf", top, points=True)
    assert holds(ask(leaf, top, crls=[crl(top, idp=idp(**options))])) is good


def test_reasons_must_add_up(top, leaf) -> None:
    flags = x509.ReasonFlags
    every = frozenset(flags) - {flags.unspecified, flags.remove_from_crl}
    some = frozenset({flags.key_compromise, flags.ca_compromise})
    first = crl(top, idp=idp(only_some_reasons=some))
    second = crl(top, idp=idp(only_some_reasons=every - some))
    assert not holds(ask(leaf, top, crls=[first]))
    assert not holds(ask(leaf, top, crls=[second]))
    assert holds(ask(leaf, top, crls=[first, second]))


def test_indirect_crl_needs_to_be_named(top) -> None:
    authority = issue("CRL Authority", top, ca=False, key_usage=making.usage("crl_sign"))
    point = x509.DistributionPoint(None, None, None, [x509.DirectoryName(authority.name)])
    named = issue("Named", top, extensions=[(x509.CRLDistributionPoints([point]), False)])
    plain = issue("Plain", top)
    indirect = crl(authority, [(plain, NOW - DAY, None, top.name)], idp=idp(indirect_crl=True))
    lists = [indirect, crl(top, idp=idp(only_contains_ca_certs=True))]
    options = {"crls": lists, "revocation": Revocation.TARGET_ONLY, "at": NOW}
    # The signer of the indirect list is a certificate of top, and of its status nothing is known.
    assert holds(ask(named, top, [authority], **options))
    assert not holds(ask(plain, top, [authority], **options))
    revoked = crl(authority, [(named, NOW - DAY, None, top.name)], idp=idp(indirect_crl=True))
    result = ask(named, top, [authority], **{**options, "crls": [revoked]})
    assert result.revocation_problem is SubIndication.REVOKED_NO_POE
    # The same number of another issuer is another certificate.
    other = crl(authority, [(named, NOW - DAY, None, authority.name)], idp=idp(indirect_crl=True))
    assert holds(ask(named, top, [authority], **{**options, "crls": [other]}))


def test_critical_entry_extension_of_another_entry(top, leaf) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.9"), b"\x05\x00")
    other = issue("Other", top)
    result = ask(leaf, top, crls=[crl(top, [(other, NOW - DAY, None, odd)])])
    assert result.revocation_problem is TRY_LATER


class TestDeltas:
    def test_a_delta_that_fits_adds_and_lifts(self, top, leaf) -> None:
        base = crl(top, number=5)
        added = crl(top, [(leaf, NOW - MINUTE, None)], this=NOW, number=6, base=5)
        assert ask(leaf, top, crls=[base, added]).revocation_problem is SubIndication.REVOKED_NO_POE
        held = crl(top, [(leaf, NOW - 2 * DAY, "certificate_hold")], number=5)
        freed = crl(top, [(leaf, NOW - MINUTE, "remove_from_crl")], this=NOW, number=6, base=5)
        assert holds(ask(leaf, top, crls=[held, freed]))
        assert not holds(ask(leaf, top, crls=[held]))

    def test_removal_undoes_no_revocation(self, top, leaf) -> None:
        base = crl(top, [(leaf, NOW - 2 * DAY, "key_compromise")], number=5)
        freed = crl(top, [(leaf, NOW - MINUTE, "remove_from_crl")], this=NOW, number=6, base=5)
        assert not holds(ask(leaf, top, crls=[base, freed]))
        illegal = crl(top, [(leaf, NOW - 2 * DAY, "remove_from_crl")])
        assert not holds(ask(leaf, top, crls=[illegal]))

    def test_without_its_base_it_says_nothing_good(self, top, leaf) -> None:
        assert not holds(ask(leaf, top, crls=[crl(top, number=6, base=5)]))
        assert not holds(ask(leaf, top, crls=[
            crl(top, [(leaf, NOW - 2 * DAY, "certificate_hold")], number=4),
            crl(top, [(leaf, NOW - MINUTE, "remove_from_crl")], this=NOW, number=6, base=5),
        ]))  # fmt: skip

    def test_what_it_lists_counts_even_without_a_base(self, top, leaf) -> None:
        alone = crl(top, [(leaf, NOW - MINUTE, None)], this=NOW, number=6, base=5)
        result = ask(leaf, top, crls=[alone, crl(top, number=2)])
        assert result.revocation_problem is SubIndication.REVOKED_NO_POE


# ── OCSP ──────────────────────────────────────────────────────────────────────────────────────


def test_good_by_the_issuer_and_by_a_delegate(top, leaf) -> None:
    assert holds(ask(leaf, top, ocsp_responses=[answer(leaf, top)]))
    assert holds(ask(leaf, top, ocsp_responses=[answer(leaf, top, digest=hashes.SHA256())]))
    delegate = responder(top)
    result = ask(leaf, top, ocsp_responses=[answer(leaf, top, by=delegate)])
    assert holds(result) and result.revocation[0].source == "OCSP"


@pytest.mark.parametrize(
    "make",
    [
        lambda top: issue("Responder", top),  # no usage
        lambda top: responder(root("Other CA")),
        lambda top: responder(root("Root")),  # the right name, another key
        lambda top: issue(
            "Responder", top, extensions=[(x509.ExtendedKeyUsage(
                [x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), False)],
        ),
        lambda top: responder(top, until=NOW - DAY),
        lambda top: responder(top, since=NOW + DAY),
        lambda top: responder(top, key_usage=making.usage("key_agreement")),
    ],
)  # fmt: skip
def test_a_responder_without_authority(top, leaf, make) -> None:
    result = ask(leaf, top, ocsp_responses=[answer(leaf, top, by=make(top))])
    assert result.revocation_problem is not None and status(result) is UNKNOWN


def test_an_expired_responder_has_a_word_of_its_own(top, leaf) -> None:
    old = responder(top, until=NOW - timedelta(hours=1))
    given = answer(leaf, top, by=old, this=NOW - timedelta(minutes=5))
    result = ask(leaf, top, ocsp_responses=[given])
    assert result.revocation_problem is SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE


def test_a_revoked_responder_says_nothing(top, leaf) -> None:
    delegate = responder(top)
    given = answer(leaf, top, by=delegate)
    result = ask(leaf, top, ocsp_responses=[given], crls=[
        crl(top, [delegate], idp=idp(only_contains_user_certs=True), sign_with=None),
    ])  # fmt: skip
    # The CRL itself says that the leaf is good; the answer of the revoked responder is set aside.
    assert holds(result) and any("Responder" in text for text in result.revocation[0].rejected)


def test_the_certificate_does_not_speak_for_itself(top) -> None:
    eku = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.OCSP_SIGNING])
    leaf = issue("Leaf", top, extensions=[(eku, False)])
    assert not holds(ask(leaf, top, ocsp_responses=[answer(leaf, top, by=leaf)]))


def test_answers_to_other_questions(top, leaf) -> None:
    twin_ca = root("Twin")
    twin = issue("Leaf", twin_ca, serial=leaf.x509.serial_number)
    assert not holds(ask(leaf, top, ocsp_responses=[answer(twin, twin_ca)]))
    assert not holds(ask(leaf, top, ocsp_responses=[answer(issue("Other", top), top)]))


@pytest.mark.parametrize(
    "options",
    [
        {"status": "UNKNOWN"},
        {"this": NOW - 2 * DAY, "until": NOW - DAY},
        {"this": NOW - 2 * DAY, "until": None},
        {"this": NOW + DAY, "until": None},
        {"sign_with": 78},
        {"this": NOW - 11 * DAY},
    ],
)
def test_an_answer_that_does_not_count(top, leaf, options) -> None:
    result = ask(leaf, top, ocsp_responses=[answer(leaf, top, **options)])
    assert result.revocation_problem is TRY_LATER and status(result) is UNKNOWN


def test_no_next_update_means_a_bounded_age(top, leaf) -> None:
    given = answer(leaf, top, this=NOW - timedelta(hours=23), until=None)
    assert holds(ask(leaf, top, ocsp_responses=[given]))
    assert not holds(
        ask(leaf, top, ocsp_responses=[given], max_age_without_next_update=timedelta(hours=1))
    )


def test_revoked_anywhere_wins(top, leaf) -> None:
    revoked = answer(leaf, top, status="REVOKED", revoked_at=NOW - DAY, reason="superseded")
    for crls, answers in (
        ([crl(top)], [revoked]),
        ([crl(top, [leaf])], [answer(leaf, top)]),
        ([], [answer(leaf, top), revoked]),
        ([], [revoked, answer(leaf, top)]),
    ):
        result = ask(leaf, top, crls=crls, ocsp_responses=answers)
        assert result.revocation_problem is SubIndication.REVOKED_NO_POE


def test_never_issued(top, leaf) -> None:
    """RFC 6960 § 2.2: revoked on 1970-01-01 with certificateHold is no suspension."""
    given = answer(
        leaf, top, status="REVOKED", revoked_at=datetime(1970, 1, 1, tzinfo=UTC),
        reason="certificateHold",
    )  # fmt: skip
    result = ask(leaf, top, ocsp_responses=[given])
    assert result.revocation_problem is SubIndication.REVOKED_NO_POE
    assert "never issued" in result.revocation_detail


def test_cert_hash_and_archive_cutoff(top) -> None:
    from hashlib import sha256

    from esign_kit.asn1.reader import GENERALIZED_TIME, OCTET_STRING, SEQUENCE, encode, encode_oid

    leaf = issue("Leaf", top, since=NOW - 10 * DAY, until=NOW - 2 * DAY)
    algorithm = encode(SEQUENCE, encode_oid("2.16.840.1.101.3.4.2.1"))
    for octets, good in ((leaf.der, True), (top.der, False)):
        value = encode(SEQUENCE, algorithm, encode(OCTET_STRING, sha256(octets).digest()))
        given = answer(
            leaf, top, this=NOW - 3 * DAY, until=None, single_extensions=[("1.3.36.8.3.13", value)]
        )
        result = ask(leaf, top, ocsp_responses=[given], at=NOW - 3 * DAY)
        assert holds(result) is good
    cutoff = ("1.3.6.1.5.5.7.48.1.6", encode(GENERALIZED_TIME, b"20200101000000Z"))
    for extensions, good in (((), False), ((cutoff,), True)):
        given = answer(leaf, top, single_extensions=extensions)
        options = {"at": NOW - 3 * DAY, "evidence_until": NOW}
        assert holds(ask(leaf, top, ocsp_responses=[given], **options)) is good


def test_rubbish_is_noted(top, leaf) -> None:
    result = ask(
        leaf, top, ocsp_responses=[b"\x30\x03\x0a\x01\x03", b"rubbish"], crls=[b"\x30\x00"]
    )
    assert result.revocation_problem is TRY_LATER
    assert "tryLater" in result.revocation_detail


def test_evidence_under_a_weak_digest_is_a_matter_of_strength(top, leaf) -> None:
    given = answer(leaf, top)
    narrow = AlgorithmPolicy({"SHA384": None}, AlgorithmPolicy().families)
    strong = issue("Leaf", top, digest=hashes.SHA384())
    result = ask(strong, top, ocsp_responses=[answer(strong, top)], algorithms=narrow)
    assert status(result) is GOOD
    assert result.algorithm_problem is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert given


# ── time ──────────────────────────────────────────────────────────────────────────────────────


def test_a_later_revocation_and_a_past_time(top, leaf) -> None:
    given = crl(top, [(leaf, NOW - DAY, "superseded")], this=NOW)
    past = NOW - 2 * DAY
    # Evidence of the future says nothing good by itself …
    assert not holds(ask(leaf, top, crls=[given], at=past))
    # … but when it is allowed to count, the certificate was good before it was revoked.
    result = ask(leaf, top, crls=[given], at=past, evidence_until=NOW)
    assert holds(result) and "later" in result.revocation[0].detail
    assert result.valid_until == b"20261120115959Z"
    assert not holds(ask(leaf, top, crls=[given], at=NOW, evidence_until=NOW))


def test_what_was_revoked_before_is_revoked_whenever_that_was_said(top, leaf) -> None:
    given = crl(top, [(leaf, NOW - 3 * DAY, "superseded")], this=NOW)
    result = ask(leaf, top, crls=[given], at=NOW - 2 * DAY)
    assert result.revocation_problem is SubIndication.REVOKED_NO_POE


def test_a_list_made_after_the_certificate_expired_has_forgotten_it(top) -> None:
    leaf = issue("Leaf", top, since=NOW - 10 * DAY, until=NOW - 2 * DAY)
    options = {"at": NOW - 3 * DAY, "evidence_until": NOW}
    assert not holds(ask(leaf, top, crls=[crl(top)], **options))
    from esign_kit.asn1.reader import GENERALIZED_TIME, encode

    keeps = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("2.5.29.60"), encode(GENERALIZED_TIME, b"20200101000000Z")
    )
    assert holds(ask(leaf, top, crls=[crl(top, extensions=[(keeps, False)])], **options))


def test_chain_model_and_a_ca_that_was_revoked_afterwards(top) -> None:
    ca = issue("CA", top, ca=True, since=NOW - 50 * DAY)
    leaf = issue("Leaf", ca, since=NOW - 10 * DAY)
    lists = [crl(top, [(ca, NOW - 2 * DAY, "superseded")]), crl(ca)]
    result = ask(leaf, top, [ca], crls=lists)
    assert result.revocation_problem is SubIndication.REVOKED_CA_NO_POE
    assert holds(ask(leaf, top, [ca], crls=lists, model=ValidityModel.CHAIN, evidence_until=NOW))


def test_short_term_and_no_revocation_available(top) -> None:
    for oid in ("2.5.29.56", "0.4.0.194121.2.1"):
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00")
        leaf = issue("Leaf", top, extensions=[(extension, False)])
        result = ask(leaf, top, revocation=Revocation.REQUIRED)
        assert holds(result) and status(result) is RevocationStatus.NOT_NEEDED
        revoked = ask(leaf, top, crls=[crl(top, [leaf])])
        assert revoked.revocation_problem is SubIndication.REVOKED_NO_POE


def test_an_answer_is_not_kept_beyond_its_evidence(top, leaf) -> None:
    store, policy = TrustStore([top.der]), ValidationPolicy()
    evidence = Evidence(crls=(crl(top),))

    def at(moment: datetime, given: Evidence = evidence) -> bool:
        return holds(
            making.Ask(store, evidence=given, policy=policy, at=moment, purpose=Purpose.SIGNING)(
                leaf
            )
        )

    assert at(NOW) and at(NOW + timedelta(hours=23))
    assert not at(NOW + timedelta(hours=25))
    assert not at(NOW, Evidence())
    assert not at(NOW, Evidence(crls=(*evidence.crls, crl(top, [leaf]))))
    # A list from the future counts as soon as its time has come.
    coming = Evidence(crls=(*evidence.crls, crl(top, [(leaf, NOW + timedelta(hours=2), None)],
                                                this=NOW + timedelta(hours=3))))  # fmt: skip
    assert at(NOW, coming)
    assert not at(NOW + timedelta(hours=4), coming)


def test_what_was_not_looked_at_might_say_revoked(top, leaf) -> None:
    """Floods must not push a revocation out of sight behind an answer that says good."""
    limits = ValidationPolicy().limits
    flood = [crl(top, sign_with=500 + n) for n in range(12)]
    real = crl(top, [leaf])
    good = answer(leaf, top)
    options = {"crls": [*flood, real], "ocsp_responses": [good], "cache": Cache.OFF}
    assert ask(leaf, top, **options).revocation_problem is SubIndication.REVOKED_NO_POE
    result = ask(leaf, top, limits=limits.with_(signature_checks=6), **options)
    assert result.revocation_problem is TRY_LATER
    assert result.revocation_code == "revocation.over-limit"
    result = ask(leaf, top, limits=limits.with_(evidence_items=5), **options)
    assert result.revocation_problem is TRY_LATER and not holds(result)
    for size in ({"crl_size": 100}, {"ocsp_size": 100}):
        result = ask(leaf, top, limits=limits.with_(**size), crls=[crl(top)], ocsp_responses=[good])
        assert result.revocation_code == "revocation.over-limit"


def test_memory_is_bounded_by_octets() -> None:
    from esign_kit.trust.cache import Bounded

    kept: Bounded[int] = Bounded(100, 1000)
    for number in range(50):
        kept.put(number, number, 100)
    assert len(kept) == 10 and kept.get(49) == 49 and kept.get(0) is None
    kept.put("large", 1, 2000)
    assert kept.get("large") is None and len(kept) == 10
    for number in range(300):
        kept.put(("light", number), number)
    assert len(kept) == 100
