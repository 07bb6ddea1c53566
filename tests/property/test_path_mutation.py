"""Any changed octet of a path or its evidence ends the pass, and ends in a verdict."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings, strategies as st

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import InputError
from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.unit.trust.making import NOW, answer, crl, holds, issue, responder, root


@cache
def parts() -> tuple[TrustStore, tuple[bytes, ...]]:
    """A path of three: leaf, CA, CRL of the root, OCSP answer of a delegated responder."""
    top = root()
    ca = issue("CA", top, ca=True)
    leaf = issue("Leaf", ca)
    return TrustStore([top.der]), (
        leaf.der,
        ca.der,
        crl(top),
        answer(leaf, ca, by=responder(ca)),
    )


def ask(leaf: bytes, ca: bytes, revoked: bytes, ocsp: bytes) -> bool:
    store, _ = parts()
    try:
        target, helper = Certificate.load(leaf), Certificate.load(ca)
    except InputError:
        return False
    return holds(
        validate_path(
            target,
            trust=store,
            helpers=[helper],
            evidence=Evidence(crls=(revoked,), ocsp_responses=(ocsp,)),
            at=NOW,
            policy=ValidationPolicy(),
            purpose=Purpose.SIGNING,
        )
    )


def test_the_untouched_path_holds() -> None:
    assert ask(*parts()[1])


@settings(max_examples=300)
@given(st.integers(0, 3), st.integers(0, 2**16), st.integers(1, 255))
def test_a_changed_octet_ends_the_pass(which: int, place: int, change: int) -> None:
    items = list(parts()[1])
    octets = bytearray(items[which])
    octets[place % len(octets)] ^= change
    items[which] = bytes(octets)
    assert not ask(*items)


@settings(max_examples=200)
@given(st.integers(0, 3), st.integers(0, 2**16), st.integers(0, 2**16), st.binary(max_size=40))
def test_cuts_and_grafts_end_in_a_verdict(
    which: int, start: int, length: int, graft: bytes
) -> None:
    items = list(parts()[1])
    octets = items[which]
    at = start % len(octets)
    changed = octets[:at] + graft + octets[at + length % 64 :]
    items[which] = changed
    assert not ask(*items) or changed == octets
