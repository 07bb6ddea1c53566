"""Evidence at odds with itself or with other evidence: what speaks against the signer counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from esign_kit.asn1.reader import SEQUENCE, encode, read_all
from esign_kit.asn1.revocation import Crl
from esign_kit.model.evidence import Evidence
from esign_kit.model.limits import Limits
from esign_kit.trust.evidence import index
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.unit.trust.making import DAY, NOW, Ask, Entity, answer, ask, crl, issue, root, signed

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def top() -> Entity:
    return root()


@pytest.fixture(scope="module")
def leaf(top: Entity) -> Entity:
    return issue("Leaf", top, points=True)


def code(leaf: Entity, top: Entity, *lists: bytes, **options) -> str:
    return ask(leaf, top, crls=lists, **options).revocation_code


@pytest.mark.parametrize(
    "entries",
    [
        [(9, "key_compromise"), (2, "certificate_hold")],
        [(2, "certificate_hold"), (9, "key_compromise")],
        [(9, "key_compromise"), (-2, "key_compromise")],
        [(9, "key_compromise"), (2, "remove_from_crl")],
    ],
)
@pytest.mark.parametrize("asked", [0, 100])
def test_a_list_that_names_a_certificate_twice_means_the_worse(top, entries, asked) -> None:
    leaf = issue("Leaf", top)
    listed = [(leaf, NOW - days * DAY, reason) for days, reason in entries]
    # Long enough that many questions make an index.
    others = [(issue(f"Other {n}", top), NOW - DAY, None) for n in range(2)] * 60
    malformed = crl(top, [*listed, *others])
    clean = crl(top, this=NOW - 2 * HOUR)
    for _ in range(asked):
        assert not code(issue("Someone", top), top, malformed)
    assert code(leaf, top, malformed, clean) == "revocation.revoked"


def test_listed_before_the_date_that_the_list_states_is_listed(top, leaf) -> None:
    tomorrow = NOW + DAY
    assert code(leaf, top, crl(top, [(leaf, tomorrow, None)])) == "revocation.revoked"
    said = answer(leaf, top, status="REVOKED", revoked_at=tomorrow)
    result = ask(leaf, top, ocsp_responses=[said])
    assert result.revocation_code == "revocation.revoked"


def test_a_suspension_counts_as_long_as_nothing_newer_lifts_it(top, leaf) -> None:
    held = [(leaf, NOW - 3 * DAY, "certificate_hold")]
    past = crl(top, held, this=NOW - 2 * DAY, until=NOW - DAY)
    older, newer = (crl(top, this=NOW - days * DAY, until=NOW + DAY) for days in (2.5, 0.5))
    assert code(leaf, top, older, past) == "revocation.on-hold"
    assert code(leaf, top, past, newer, older) == ""
    # Of the same moment: the one that speaks against the signer.
    assert code(leaf, top, crl(top), crl(top, held)) == "revocation.on-hold"
    answers = [
        answer(leaf, top, status="REVOKED", reason="certificateHold", this=NOW - 2 * HOUR,
               until=NOW - HOUR),
        answer(leaf, top, this=NOW - 3 * HOUR),
    ]  # fmt: skip
    result = ask(leaf, top, ocsp_responses=answers)
    assert result.revocation_code == "revocation.on-hold"


def test_the_newest_delta_tells_all_changes_since_its_base(top, leaf) -> None:
    def delta(number: int, reason: str | None) -> bytes:
        listed = [(leaf, NOW - 3 * DAY, reason)] if reason else []
        return crl(top, listed, number=number, base=10, this=NOW - (13 - number) * 6 * HOUR)

    base = crl(top, this=NOW - 2 * DAY)
    hold, lift, again = "certificate_hold", "remove_from_crl", "certificate_hold"
    assert code(leaf, top, base, delta(11, hold), delta(12, lift)) == ""
    assert code(leaf, top, delta(12, lift), delta(11, hold), base) == ""
    held = crl(top, [(leaf, NOW - 3 * DAY, hold)], this=NOW - 2 * DAY)
    for lists in ((held, delta(11, lift), delta(12, again)), (delta(12, again), delta(11, lift))):
        assert code(leaf, top, *lists, held) == "revocation.on-hold"


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ({"full_name": [x509.UniformResourceIdentifier("http://crl.example/other.crl")]}, True),
        ({"only_contains_ca_certs": True}, True),
        ({"only_contains_attribute_certs": True}, False),
    ],
)
def test_an_issuer_that_lists_its_certificate_elsewhere_means_it(top, leaf, scope, counts) -> None:
    nothing = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }  # fmt: skip
    idp = x509.IssuingDistributionPoint(**{**nothing, **scope})
    expected = "revocation.revoked" if counts else ""
    assert code(leaf, top, crl(top), crl(top, [leaf], idp=idp)) == expected
    # Neither a list without it, nor one by another key of that name, says anything.
    assert code(leaf, top, crl(top, idp=idp)) == "revocation.unusable"
    assert code(leaf, top, crl(top), crl(top, [leaf], idp=idp, sign_with=4711)) == ""
    renewed = issue(top.name, top, ca=True)
    other_key = crl(renewed, [leaf], idp=idp)
    assert ask(leaf, top, [renewed], crls=[crl(top), other_key]).revocation_code == ""
    lifted = [(leaf, NOW - DAY, "remove_from_crl")]
    assert code(leaf, top, crl(top), crl(top, lifted, idp=idp, number=12, base=10)) == ""


def test_a_list_that_nobody_signed_is_not_walked(top, leaf, monkeypatch) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")
    listed = [(issue("Other", top), NOW - DAY, None, odd)]
    walked = []
    entries = Crl.entries
    monkeypatch.setattr(Crl, "entries", lambda self: walked.append(self) or entries(self))
    for delta in ({}, {"number": 12, "base": 10}):
        forged = crl(top, listed, sign_with=4711, **delta)
        assert code(leaf, top, crl(top), forged) == "" and not walked
        assert code(leaf, top, crl(top), crl(top, listed, **delta)) == "" and walked
        walked.clear()


def test_answers_are_counted_and_not_only_the_responses_that_hold_them(top, leaf) -> None:
    """Thousands of answers in one response cost as much as thousands of responses."""
    flood = answer(leaf, top, repeat=40, sign_with=4711)
    real = answer(leaf, top, status="REVOKED")
    few = Limits(evidence_items=30)
    for given in ((flood,), (flood, real), (real, flood)):
        result = ask(leaf, top, crls=[crl(top)], ocsp_responses=given, limits=few)
        expected = "revoked" if given[0] is real else "over-limit"
        assert result.revocation_code == f"revocation.{expected}"
    result = ask(leaf, top, crls=[crl(top)], ocsp_responses=[flood], limits=Limits())
    assert result.revocation_code == ""
    both = Evidence(ocsp_responses=(flood, answer(leaf, top, repeat=40)))
    found = index(both, ValidationPolicy(limits=few))
    assert sum(len(items) for items in found.ocsp.values()) == 30 and found.cut


def test_an_answer_is_not_kept_into_the_second_of_the_revocation(top, leaf) -> None:
    revoked_at = NOW - HOUR
    question = Ask(
        TrustStore([top.der]),
        evidence=Evidence(crls=(crl(top, [(leaf, revoked_at, None)], this=NOW - 3 * HOUR),)),
        policy=ValidationPolicy(evidence_until=NOW),
    )
    # A list that is dated back, as many are.
    before = Ask(**{**_fields(question), "at": revoked_at - timedelta(seconds=1)})
    exactly = Ask(**{**_fields(question), "at": revoked_at})
    assert before(leaf).revocation_code == ""
    assert exactly(leaf).revocation_code == "revocation.revoked"


def _fields(question: Ask) -> dict:
    return {
        "trust": question.trust, "evidence": question.evidence, "policy": question.policy,
    }  # fmt: skip


def test_a_serial_number_that_its_issuer_pads_is_found_as_it_is_written(top) -> None:
    """``02 02 00 02`` for 2, which as ``02 01 02`` looks like the version before it."""
    padded = bytes.fromhex("02020002")
    model = issue("Leaf", top, serial=2)
    fields = [item.raw for item in read_all(model.view.tbs).items()]
    leaf = signed(encode(SEQUENCE, fields[0], padded, *fields[2:]), model, top)
    listed = Crl.load(crl(top, [model]))
    outer = [item.raw for item in read_all(listed.tbs).items()]
    ((_, *rest),) = [entry.items() for entry in read_all(outer[5])]
    outer[5] = encode(SEQUENCE, encode(SEQUENCE, padded, *[item.raw for item in rest]))
    changed = signed(encode(SEQUENCE, *outer), model, top).der
    assert code(leaf, top, changed) == "revocation.revoked"
    assert code(leaf, top, listed.der) == "revocation.revoked"


REASON = "551d15"


@pytest.mark.parametrize(
    ("date", "extension", "expected"),
    [
        (encode(0x18, b"20261331000000Z"), b"", "unusable"),
        (encode(0x17, b"261120"), b"", "unusable"),
        (encode(0x13, b"yesterday"), b"", "unusable"),
        # There is no such day, and it lies in the past all the same.
        (encode(0x18, b"20260230000000Z"), b"", "revoked"),
        # Listed is revoked; a reason that cannot be read takes nothing back.
        (None, encode(0x02, b"\x08"), "revoked"),
        (None, encode(0x0A, b""), "revoked"),
        (None, b"\x0a\x05\x01", "revoked"),
    ],
)
@pytest.mark.parametrize("asked", [0, 100])
def test_an_entry_that_cannot_be_read_is_not_absent(top, date, extension, expected, asked) -> None:
    leaf = issue("Leaf", top)
    others = [(issue(f"Other {n}", top), NOW - DAY, None) for n in range(150)]
    listed = Crl.load(crl(top, [(leaf, NOW - DAY, None), *others]))
    outer = [item.raw for item in read_all(listed.tbs).items()]
    first, *rest = [item.raw for item in read_all(outer[5])]
    parts = [item.raw for item in read_all(first)]
    if date is not None:
        parts[1] = date
    if extension:
        reason = encode(SEQUENCE, bytes.fromhex("0603" + REASON), encode(0x04, extension))
        parts.append(encode(SEQUENCE, reason))
    outer[5] = encode(SEQUENCE, encode(SEQUENCE, *parts), *rest)
    changed = signed(encode(SEQUENCE, *outer), leaf, top).der
    for _ in range(asked):
        assert code(issue("Someone", top), top, changed) == ""
    assert code(leaf, top, changed) == f"revocation.{expected}"


def test_an_answer_with_a_reason_that_cannot_be_read_says_revoked(top, leaf) -> None:
    said = answer(leaf, top, status="REVOKED", reason="certificateHold", reason_tag=0x02)
    result = ask(leaf, top, crls=[crl(top)], ocsp_responses=[said])
    assert result.revocation_code == "revocation.revoked"


def test_an_answer_that_an_issuer_gave_after_it_expired_does_not_count() -> None:
    top = root(until=NOW - 5 * DAY)
    leaf = issue("Leaf", top, until=NOW + DAY)
    options = {"at": NOW - 8 * DAY, "evidence_until": NOW, "anchor_constraints": False}
    for days, expected in ((6, ""), (4, "revocation.signer-expired")):
        said = answer(leaf, top, this=NOW - days * DAY, until=NOW)
        assert ask(leaf, top, ocsp_responses=[said], **options).revocation_code == expected
