"""Evidence whose signer hangs on what it speaks about: no crash, and nothing kept that hides it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from esign_kit.model.evidence import Evidence
from esign_kit.trust.policy import Cache, Revocation, ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.unit.trust.making import DAY, NOW, Ask, answer, ask, crl, holds, issue, root


def test_a_list_signed_below_the_ca_that_it_is_about_ends() -> None:
    top = root()
    ca = issue("CA", top, ca=True)
    below = issue(top.name, ca, ca=True)  # the root's name, issued by the CA
    leaf = issue("Leaf", ca)
    lists = [crl(top, sign_with=below.number), crl(ca)]
    result = ask(leaf, top, [ca, below], crls=lists, revocation=Revocation.REQUIRED)
    assert result.revocation_code == "revocation.unusable"
    assert "hangs on itself" in result.revocation_detail


@pytest.mark.parametrize("kept", [Cache.ON, Cache.OFF])
@pytest.mark.parametrize("rule", [Revocation.REQUIRED, Revocation.IF_AVAILABLE])
def test_what_was_left_out_in_a_circle_is_not_kept(rule: Revocation, kept: Cache) -> None:
    top = root()
    ca = issue("CA", top, ca=True)
    below = issue(top.name, ca, ca=True)
    lists = (
        crl(top, this=NOW - 2 * DAY),
        crl(top, [ca], sign_with=below.number),
        crl(ca),
    )
    question = Ask(
        TrustStore([top.der]),
        (ca.view, below.view),
        Evidence(crls=lists),
        ValidationPolicy(revocation=rule, cache=kept),
    )
    # The second signer under the same CA asks the memory that the first one left.
    for name in ("First", "Second", "Third"):
        assert question(issue(name, ca)).revocation_code == "revocation.ca-revoked"


def test_responders_that_hang_on_one_another_are_followed_so_far_and_no_further() -> None:
    top = root()
    leaf = issue("Leaf", top)
    usage = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)

    def chain(length: int) -> bool:
        found = [
            issue(f"Responder {n}", top, extensions=[usage], points=True) for n in range(length)
        ]
        answers = [answer(leaf, top, by=found[0])]
        answers += [answer(a, top, by=b) for a, b in pairwise(found)]
        answers.append(answer(found[-1], top))
        result = ask(leaf, top, ocsp_responses=answers)
        assert len(result.revocation_detail) < 4000
        return holds(result)

    assert chain(3)
    assert not chain(60)
