"""Proofs of existence and the sliding of the time in question (EN 319 102-1 § 5.6.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes

from esign_kit.model.evidence import Evidence, ProofOfExistence
from esign_kit.model.report import SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust.past import PastResult, validate_past
from esign_kit.trust.poe import ProofsOfExistence
from esign_kit.trust.policy import AlgorithmPolicy, ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.unit.trust.making import DAY, NOW, Entity, answer, crl, issue, responder, root

HOUR = timedelta(hours=1)


def past(
    target: Entity,
    top: Entity,
    helpers: tuple[Entity, ...] = (),
    *,
    crls: tuple[bytes, ...] = (),
    answers: tuple[bytes, ...] = (),
    proofs: ProofsOfExistence | None = None,
    policy: ValidationPolicy | None = None,
) -> PastResult:
    return validate_past(
        target.view,
        trust=TrustStore([top.der]),
        helpers=[h.view for h in helpers],
        evidence=Evidence(crls=crls, ocsp_responses=answers),
        proofs=proofs or ProofsOfExistence(NOW),
        policy=policy or ValidationPolicy(),
        purpose=Purpose.SIGNING,
    )


def proven(at: datetime, *items: bytes) -> ProofsOfExistence:
    found = ProofsOfExistence(NOW)
    for item in items:
        found.prove(item, at, "test")
    return found


def test_proofs_keep_the_earliest_and_know_octets_only() -> None:
    proofs = ProofsOfExistence(NOW)
    assert proofs.earliest(b"a") == NOW and proofs.proven(b"a", NOW)
    proofs.prove(b"a", NOW - DAY, "first")
    proofs.prove(b"a", NOW - HOUR, "later")
    assert proofs.earliest(b"a") == NOW - DAY and len(proofs) == 1
    assert not proofs.proven(b"b", NOW - DAY)
    proofs.add(ProofOfExistence(next(iter(proofs)).subject, NOW - 2 * DAY, "archive"))
    assert proofs.earliest(b"a") == NOW - 2 * DAY


def test_a_good_present_leaves_the_control_time_at_now() -> None:
    top = root()
    ca = issue("CA", top, ca=True)
    leaf = issue("Leaf", ca)
    found = past(leaf, top, (ca,), crls=(crl(top), crl(ca)))
    assert (found.problem, found.control_time, found.steps) == (None, NOW, ())


def test_a_revocation_moves_it_to_the_revocation() -> None:
    top = root()
    leaf = issue("Leaf", top)
    found = past(leaf, top, crls=(crl(top, [(leaf, NOW - 3 * DAY, "superseded")]),))
    assert found.control_time == NOW - 3 * DAY and "revoked" in found.steps[0]


def test_an_expired_certificate_moves_it_to_the_last_evidence_in_time() -> None:
    top = root()
    leaf = issue("Leaf", top, until=NOW - 5 * DAY)
    old = crl(top, this=NOW - 6 * DAY, until=NOW - 4 * DAY)
    found = past(leaf, top, crls=(old,))
    assert found.control_time == NOW - 6 * DAY
    # A list made after it expired may have dropped it, and says nothing.
    assert past(leaf, top, crls=(crl(top),)).problem is SubIndication.NO_POE


def test_a_ca_revoked_later_still_carries_what_was_before() -> None:
    """The evidence about the leaf must be proven to be older than the revocation of its CA."""
    top = root()
    ca = issue("CA", top, ca=True)
    leaf = issue("Leaf", ca)
    revoked = crl(top, [(ca, NOW - 2 * DAY, "ca_compromise")])
    early = crl(ca, this=NOW - 4 * DAY, until=NOW - 3 * DAY)
    late = crl(ca, this=NOW - DAY)
    assert past(leaf, top, (ca,), crls=(revoked, late)).problem is SubIndication.NO_POE
    # Without a proof, an early list may have been made up with the key that was lost.
    assert past(leaf, top, (ca,), crls=(revoked, early)).problem is SubIndication.NO_POE
    proofs = proven(NOW - 3 * DAY, early, leaf.der)
    found = past(leaf, top, (ca,), crls=(revoked, early, late), proofs=proofs)
    assert found.problem is None and found.control_time == NOW - 4 * DAY
    assert next(iter(found.steps)).endswith("CA was revoked")
    only = proven(NOW - 3 * DAY, early)
    result = past(leaf, top, (ca,), crls=(revoked, early), proofs=only)
    assert result.code == "past.certificate-without-proof"
    # Nor is the proof of the certificate one of the list, nor that of a list that is dated later.
    for items in (
        (early, proven(NOW - 3 * DAY, leaf.der)),
        (late, proven(NOW - 3 * DAY, late, leaf.der)),
    ):
        result = past(leaf, top, (ca,), crls=(revoked, items[0]), proofs=items[1])
        assert result.code == "past.revocation-without-proof"


def test_answers_of_a_responder_that_has_expired_since() -> None:
    top = root()
    leaf = issue("Leaf", top)
    delegate = responder(top, until=NOW - DAY)
    given = answer(leaf, top, by=delegate, this=NOW - 2 * DAY, until=None)
    found = past(leaf, top, answers=(given,))
    assert found.problem is None and found.control_time == NOW - 2 * DAY


def test_an_algorithm_that_has_ended_moves_it_to_its_end() -> None:
    top = root()
    leaf = issue("Leaf", top, digest=hashes.SHA224(), since=NOW - 50 * DAY)
    ended = AlgorithmPolicy().accepting("SHA224", until=NOW - 10 * DAY)
    policy = ValidationPolicy(algorithms=ended)
    found = past(leaf, top, crls=(crl(top),), policy=policy)
    assert found.control_time == NOW - 10 * DAY
    never = AlgorithmPolicy({"SHA256": None}, AlgorithmPolicy().families)
    found = past(leaf, top, crls=(crl(top),), policy=ValidationPolicy(algorithms=never))
    assert found.problem is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


def test_no_evidence_and_no_path() -> None:
    top = root()
    leaf = issue("Leaf", top)
    assert past(leaf, top).problem is SubIndication.NO_POE
    found = past(leaf, root("Other"), crls=(crl(top),))
    assert found.problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    never = issue("Leaf", root("Old", until=NOW - 20 * DAY), since=NOW - 10 * DAY)
    assert past(never, top).problem is not None


@pytest.mark.parametrize("order", [1, -1])
def test_one_of_several_certificates_of_the_ca_slides_further(order: int) -> None:
    """The first that lets a conclusion be drawn is taken, in whatever order they are found."""
    top = root()
    expired = issue("CA", top, ca=True, number=880, until=NOW - 200 * DAY, since=NOW - 300 * DAY)
    current = issue("CA", top, ca=True, number=880)
    leaf = issue("Leaf", current)
    helpers = (expired, current)[::order]
    found = past(leaf, top, helpers, crls=(crl(top), crl(current)))
    assert found.problem is None and found.chain[1].der == current.der
