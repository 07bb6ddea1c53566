"""Raw signature vectors in the schemas of Wycheproof, through ``esign_kit.crypto``."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from esign_kit import crypto
from esign_kit.algorithms import SignatureAlgorithm, signature_algorithm
from esign_kit.errors import EsignError, UnsupportedError
from tests.conformance.model import Job, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EXPECT = {"valid": "accept", "invalid": "refuse", "acceptable": "either"}
_BLOCK = 400


def vector_jobs(root: Path, suite: dict[str, Any]) -> Iterator[Job]:
    """Yield jobs of some hundred vectors each."""
    for name, entry in suite["files"].items():
        path = root / entry["file"]
        groups = json.loads(path.read_bytes())["testGroups"]
        block: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        for group in groups:
            for test in group["tests"]:
                block.append((f"{name}#{test['tcId']}", group, test))
                if len(block) >= _BLOCK:
                    yield _job(suite["suite"], entry["algorithm"], block)
                    block = []
        if block:
            yield _job(suite["suite"], entry["algorithm"], block)


def _job(
    suite: str, algorithm: str, block: list[tuple[str, dict[str, Any], dict[str, Any]]]
) -> Job:
    asks = tuple((name, _EXPECT[test["result"]]) for name, _, test in block)

    def run() -> list[Row]:
        return [_row(suite, algorithm, *item) for item in block]

    return Job(suite, asks, run, seconds=0.5, alone=False)


def _row(suite: str, family: str, name: str, group: dict[str, Any], test: dict[str, Any]) -> Row:
    expect = _EXPECT[test["result"]]
    try:
        good = _verify(family, group, test)
        verdict, note = ("accept" if good else "refuse"), test.get("comment", "")
    except UnsupportedError as error:
        verdict, note = "refuse", f"unsupported: {error.detail}"
        if family.startswith("ML-DSA"):
            # The suite allows to pass these over where the backend has no ML-DSA.
            return Row(suite, name, expect, verdict, None, note)
    except EsignError as error:
        verdict, note = "refuse", f"{type(error).__name__} {error.code}: {error.detail}"[:300]
    except Exception as error:
        return Row(suite, name, expect, "untyped", False, f"{type(error).__name__}: {error}"[:300])
    right = expect == "either" or verdict == expect
    return Row(suite, name, expect, verdict, right, note)


def _verify(family: str, group: dict[str, Any], test: dict[str, Any]) -> bool:
    key = crypto.load_public_key(bytes.fromhex(group["publicKeyDer"]))
    algorithm = _algorithm(family, group, key.type)
    if test.get("ctx"):
        raise UnsupportedError("a context string is not supported")
    return crypto.verify(
        key,
        algorithm,
        bytes.fromhex(test["sig"]),
        bytes.fromhex(test["msg"]),
        plain="P1363" in group["type"],
    )


def _algorithm(family: str, group: dict[str, Any], key_type: str) -> SignatureAlgorithm:
    digest = _digest(group.get("sha", ""))
    if family == "RSASSA-PKCS1-v1_5":
        return signature_algorithm(f"RSA-{digest}")
    if family == "RSASSA-PSS":
        base = signature_algorithm("RSA-PSS-SHA256")
        return base.with_pss(digest, _digest(group["mgfSha"]), int(group["sLen"]))
    if family == "ECDSA":
        return signature_algorithm(f"ECDSA-{digest}")
    if family == "EDDSA":
        return signature_algorithm(key_type)
    return replace(signature_algorithm(family))


def _digest(name: str) -> str:
    """``SHA-256`` → ``SHA256``, ``SHA3-256`` and ``SHA-512/256`` stay what they are."""
    return re.sub(r"^SHA-(\d+)$", r"SHA\1", name)
