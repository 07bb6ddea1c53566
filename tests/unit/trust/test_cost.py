"""What paths and CRLs cost, as multiples of what no design can avoid, measured side by side."""

from __future__ import annotations

import time
from hashlib import sha256
from statistics import median
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm
from esign_kit.asn1.reader import BIT_STRING, SEQUENCE, UTC_TIME, encode, encode_integer
from esign_kit.asn1.revocation import Crl
from esign_kit.crypto import load_public_key, verify
from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.unit.trust.making import NOW, Entity, crl, holds, issue, key, root

if TYPE_CHECKING:
    from collections.abc import Callable

_ECDSA = bytes.fromhex("300a06082a8648ce3d040302")


def large_crl(issuer: Entity, count: int, *, uneven: bool) -> bytes:
    """Write a list with that many entries without a builder, which would take minutes."""
    day = encode(UTC_TIME, b"261101000000Z")
    entries = b"".join(
        encode(
            SEQUENCE, encode_integer((n * 2654435761 << (80 + 8 * (uneven and n % 2))) | 1) + day
        )
        for n in range(1, count + 1)
    )
    times = encode(UTC_TIME, b"261121000000Z") + encode(UTC_TIME, b"261122000000Z")
    tbs = encode(
        SEQUENCE, encode_integer(1), _ECDSA, issuer.view.subject, times, encode(SEQUENCE, entries)
    )
    value = key(issuer.number).sign(tbs, ec.ECDSA(hashes.SHA256()))
    return encode(SEQUENCE, tbs, _ECDSA, encode(BIT_STRING, b"\x00" + value))


def spend(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def within(work: Callable[[], object], floor: Callable[[], object], times: float) -> bool:
    """Tell whether the best of some rounds stays below so many times the best of the floor.

    Both are measured in turn, so that another load on the machine meets both; a machine that is
    busy gets more rounds, not a wider limit.
    """
    least = least_floor = float("inf")
    for number in range(400):
        least_floor = min(least_floor, spend(floor))
        least = min(least, spend(work))
        if number > 3 and least < times * least_floor:
            return True
    return False


def test_a_crl_of_a_hundred_thousand_entries() -> None:
    """Read, its signature checked and one serial looked up: at most four times its SHA-256."""
    top = root()
    spki = load_public_key(top.view.spki)
    for uneven in (False, True):
        data = large_crl(top, 100_000, uneven=uneven)
        listed = [entry.serial for entry in Crl.load(data).entries()][-1]

        def ask(serial: int, data: bytes = data) -> int:
            view = Crl.load(data)
            assert not view.unknown_critical_entry()
            algorithm = decode_signature_algorithm(view.signature_algorithm)
            assert algorithm is not None and verify(spki, algorithm, view.signature, view.tbs)
            return len(view.find(serial))

        assert ask(listed) == 1 and ask(listed + 2) == 0
        for wanted in (listed, listed + 2):
            assert within(
                lambda ask=ask, wanted=wanted: ask(wanted),
                lambda data=data: sha256(data).digest(),
                4,
            )


def test_new_signers_of_a_known_ca_cost_the_same_to_the_last() -> None:
    top = root()
    ca = issue("CA", top, ca=True)
    evidence = Evidence(crls=(crl(top), crl(ca)))
    store, policy = TrustStore([top.der]), ValidationPolicy()
    spent = []
    for number in range(400):
        leaf = issue(f"Signer {number}", ca)
        started = time.perf_counter()
        result = validate_path(
            leaf.view, trust=store, helpers=[ca.view], evidence=evidence, at=NOW, policy=policy,
            purpose=Purpose.SIGNING,
        )  # fmt: skip
        spent.append(time.perf_counter() - started)
        assert holds(result)
    assert median(spent[-100:]) < 2 * median(spent[50:150])


def test_a_known_answer_is_a_look_into_a_dictionary() -> None:
    top = root()
    leaf = issue("Leaf", top)
    evidence = Evidence(crls=(crl(top),))
    store, policy = TrustStore([top.der]), ValidationPolicy()

    def ask() -> None:
        validate_path(
            leaf.view, trust=store, helpers=(), evidence=evidence, at=NOW, policy=policy,
            purpose=Purpose.SIGNING,
        )  # fmt: skip

    public = top.x509.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    certificate = leaf.x509
    signed = certificate.tbs_certificate_bytes

    def floor() -> None:
        public.verify(certificate.signature, signed, ec.ECDSA(hashes.SHA256()))

    ask()
    assert within(ask, floor, 1)
