"""Random chains with random defects: our engine against pyhanko-certvalidator.

Each way in which the two may differ is named in ``settled``, and settled from the text of RFC 5280
in ``docs/decisions/0010-where-path-engines-differ.md``. Anything else that differs fails.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings

from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import Cache, Revocation, ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.property.chains import Scenario, build, scenarios
from tests.unit.trust.making import NOW, holds

pytest.importorskip("pyhanko_certvalidator")


def ours(scenario: Scenario, parts: tuple) -> bool:
    top, chain, leaf, lists = parts
    return holds(
        validate_path(
            leaf.view,
            trust=TrustStore([top.der]),
            helpers=[c.view for c in chain],
            evidence=Evidence(crls=tuple(lists)),
            at=NOW,
            policy=ValidationPolicy(
                cache=Cache.OFF,
                anchor_constraints=False,
                initial_explicit_policy=scenario.explicit,
                revocation=Revocation.REQUIRED,
            ),
            purpose=Purpose.ANY,
        )
    )


def theirs(scenario: Scenario, parts: tuple) -> bool:
    from asn1crypto import x509 as asn1
    from pyhanko_certvalidator import CertificateValidator, ValidationContext
    from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError
    from pyhanko_certvalidator.policy_decl import PKIXValidationParams

    top, chain, leaf, lists = parts
    context = ValidationContext(
        trust_roots=[asn1.Certificate.load(top.der)],
        other_certs=[asn1.Certificate.load(c.der) for c in chain],
        moment=NOW,
        crls=lists,
        revocation_mode="require",
        time_tolerance=timedelta(minutes=5),
    )
    validator = CertificateValidator(
        asn1.Certificate.load(leaf.der),
        validation_context=context,
        pkix_params=PKIXValidationParams(initial_explicit_policy=scenario.explicit),
    )
    try:
        asyncio.run(validator.async_validate_path())
    except (PathBuildingError, PathValidationError):
        return False
    return True


def settled(scenario: Scenario) -> set[bool]:
    """Return which of our verdicts may differ from the other engine's, for a settled reason."""
    allowed = set()
    subjects = (*scenario.links, scenario.leaf)
    for status, subject in zip(scenario.lists, subjects, strict=True):
        if status is not None and status.this < subject.since:
            # A CRL that is older than the certificate says nothing about it.
            allowed.add(False)
    if any(link.self_issued for link in scenario.links):
        # Two keys under one name. A list by the newer key is no word about the newer certificate
        # itself; and a list that does not apply must not keep another one from being looked at.
        allowed |= {False, True}
    return allowed


@settings(max_examples=200)
@given(scenarios())
def test_two_engines_agree_or_the_difference_is_settled(scenario: Scenario) -> None:
    parts = build(scenario)
    mine, other = ours(scenario, parts), theirs(scenario, parts)
    if mine != other:
        assert mine in settled(scenario), f"ours {mine}, theirs {other}: {scenario}"
