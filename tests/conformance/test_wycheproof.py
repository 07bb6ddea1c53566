"""Every Wycheproof vector through ``esign_kit.crypto.verify``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.algorithms import signature_algorithm
from esign_kit.crypto import load_public_key, verify
from esign_kit.errors import InputError
from tests import corpora

if TYPE_CHECKING:
    from pathlib import Path

_FILES = sorted(corpora.folder().joinpath("wycheproof").glob("*_test.json"))


def _algorithm(name: str, group: dict[str, Any]) -> Any:
    sha = group.get("sha", "").replace("SHA-", "SHA")
    kind = group["type"]
    if kind.startswith("RsassaPkcs1"):
        return signature_algorithm(f"RSA-{sha}")
    if kind.startswith("RsassaPss"):
        mgf = group["mgfSha"].replace("SHA-", "SHA")
        return signature_algorithm("RSA-PSS-SHA256").with_pss(sha, mgf, group["sLen"])
    if kind.startswith("Ecdsa"):
        return signature_algorithm(f"ECDSA-{sha}")
    if kind == "EddsaVerify":
        return signature_algorithm("ED448" if "448" in name else "ED25519")
    return signature_algorithm("ML-DSA-65")


def test_vectors_are_there() -> None:
    corpora.require("wycheproof")
    assert len(_FILES) > 20


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_every_vector(path: Path) -> None:
    wrong = []
    for group in json.loads(path.read_text())["testGroups"]:
        algorithm = _algorithm(path.stem, group)
        for test in group["tests"]:
            if test.get("ctx"):
                continue  # CMS, X.509 and XML sign with the empty context only.
            try:
                key = load_public_key(bytes.fromhex(group["publicKeyDer"]))
                good = verify(
                    key,
                    algorithm,
                    bytes.fromhex(test["sig"]),
                    bytes.fromhex(test["msg"]),
                    plain="P1363" in group["type"],
                )
            except InputError:
                good = False
            # "acceptable" vectors are those that only a lax verifier takes: we are strict.
            if good != (test["result"] == "valid"):
                wrong.append((test["tcId"], test["result"], test["comment"], test["flags"], good))
    assert wrong == []
