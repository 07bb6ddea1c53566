"""The suites about paths and revocation, through the engine itself: each case, cold and warm.

``python -m tests.conformance`` asks the same through the public API. Here the engine is asked
twice with one trust store and once without any memory: the answers must be the same.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.asn1.certificate import Certificate, load_certificates
from esign_kit.errors import EsignError
from esign_kit.model.evidence import Evidence
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import Cache
from esign_kit.trust.store import TrustStore
from tests import corpora
from tests.conformance import policies
from tests.conformance.paths import _der
from tests.conformance.table import deviations

if TYPE_CHECKING:
    from pathlib import Path

    from esign_kit.trust.path import PathResult
    from esign_kit.trust.policy import ValidationPolicy


def _holds(result: PathResult) -> bool:
    return (
        result.chain_problem is None
        and result.revocation_problem is None
        and result.algorithm_problem is None
    )


def _ask(
    target: bytes,
    anchors: list[bytes],
    helpers: list[bytes],
    evidence: Evidence,
    policy: ValidationPolicy,
    at: datetime,
) -> tuple[str, PathResult | None]:
    """Return ``accept`` or ``refuse``; a typed error is a refusal, any other escapes."""
    try:
        (certificate,) = load_certificates(target)
        views = tuple(c for helper in helpers for c in load_certificates(helper))
        store = TrustStore(anchors)
        cold = policy.with_(cache=Cache.OFF)
        results = [
            validate_path(
                certificate,
                trust=store,
                helpers=views,
                evidence=evidence,
                at=at,
                policy=rules,
                purpose=Purpose.ANY,
            )
            for rules in (policy, policy, cold)
        ]
    except EsignError:
        return "refuse", None
    assert results[0] == results[1] == results[2]
    return ("accept" if _holds(results[0]) else "refuse"), results[0]


@pytest.mark.parametrize(
    ("name", "count"), [("pkits", 161), ("openssl-ocsp", 19), ("crafted-revocation", 64)]
)
def test_suite_of_files(name: str, count: int) -> None:
    root = corpora.require(name)
    suite = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    assert len(suite["cases"]) >= count
    wrong = []
    for case in suite["cases"]:
        verdict, result = _case(root, suite, case)
        if case["expect"] not in (verdict, "either") and (name, case["id"]) not in deviations():
            wrong.append((case["id"], case["expect"], result))
        if verdict == "accept" and result is not None:
            if case.get("path_length"):
                assert len(result.chain) == case["path_length"], case["id"]
            assert case.get("user_notice") in (None, *result.user_notices), case["id"]
    assert not wrong


def _case(root: Path, suite: dict[str, Any], case: dict[str, Any]) -> tuple[str, PathResult | None]:
    def read(key: str) -> tuple[bytes, ...]:
        return tuple((root / file).read_bytes() for file in case.get(key, ()))

    return _ask(
        (root / case["target"]).read_bytes(),
        [(root / case.get("anchor", suite.get("anchor"))).read_bytes()],
        list(read("given_path" if "given_path" in case else "intermediates")),
        Evidence(crls=read("crls"), ocsp_responses=read("ocsp")),
        policies.for_case(suite, case),
        policies.moment(case.get("at", suite.get("at"))) or datetime.now(UTC),
    )


def test_x509_limbo() -> None:
    root = corpora.require("x509-limbo")
    suite = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    cases = json.loads((root / suite["file"]).read_text(encoding="utf-8"))["testcases"]
    excluded = tuple(suite["path_subset_excludes"])
    known = deviations()
    wrong = []
    asked = 0
    for case in cases:
        started = time.perf_counter()
        verdict, result = _ask(
            case["peer_certificate"].encode(),
            [pem.encode() for pem in case["trusted_certs"]],
            [pem.encode() for pem in case["untrusted_intermediates"]],
            Evidence(crls=tuple(_der(pem) for pem in case.get("crls", ()))),
            policies.for_limbo(case),
            policies.moment(case.get("validation_time")) or datetime.now(UTC),
        )
        assert time.perf_counter() - started < 5, case["id"]
        if case["id"].startswith(excluded):
            continue
        asked += 1
        expected = "accept" if case["expected_result"] == "SUCCESS" else "refuse"
        if verdict != expected and ("x509-limbo", case["id"]) not in known:
            wrong.append((case["id"], expected, result))
    assert asked >= 85
    assert not wrong


def test_the_views_of_all_certificates_are_slices() -> None:
    """What was signed is a part of the input, octet by octet."""
    for file in sorted(corpora.require("pkits", "certs").iterdir()):
        try:
            view = Certificate.load(file.read_bytes())
        except EsignError:
            continue
        assert view.tbs in view.der
