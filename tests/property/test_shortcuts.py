"""What makes the engine fast changes no answer: straight paths, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

from hypothesis import given, settings

from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.trust import engine
from esign_kit.trust.policy import Cache, ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.property.chains import Scenario, build, scenarios
from tests.unit.trust.making import NOW

if TYPE_CHECKING:
    from esign_kit.trust.path import PathResult


def ask(parts: tuple, trust: TrustStore, policy: ValidationPolicy) -> PathResult:
    _, chain, leaf, lists = parts
    return engine.validate_path(
        leaf.view,
        trust=trust,
        helpers=[c.view for c in chain],
        evidence=Evidence(crls=tuple(lists)),
        at=NOW,
        policy=policy,
        purpose=Purpose.ANY,
    )


@settings(max_examples=80)
@given(scenarios())
def test_neither_memory_nor_the_straight_path_changes_an_answer(scenario: Scenario) -> None:
    parts = build(scenario)
    trust = TrustStore([parts[0].der])
    policy = ValidationPolicy(initial_explicit_policy=scenario.explicit)
    with mock.patch.object(engine, "straight_path", return_value=None):
        searched = ask(parts, trust, policy.with_(cache=Cache.OFF, id=policy.id))
    straight = ask(parts, trust, policy.with_(cache=Cache.OFF, id=policy.id))
    first, again = ask(parts, trust, policy), ask(parts, trust, policy)
    assert searched == straight == first == again


def test_the_straight_path_is_taken() -> None:
    """Else the test above would compare the search with itself."""
    from tests.unit.trust.making import crl, issue, root

    top = root()
    ca = issue("CA", top, ca=True)
    leaf = issue("Leaf", ca)
    with mock.patch.object(engine, "paths", side_effect=AssertionError("searched")):
        result = ask(
            (top, [ca], leaf, [crl(top), crl(ca)]), TrustStore([top.der]), ValidationPolicy()
        )
    assert result.chain_problem is None and result.revocation_problem is None
