"""The public names and the shape of the verbs, pinned.

A name that goes, or an argument that changes its name, breaks somebody's program. Adding is free;
taking away needs a line in the changelog and a change here that a reviewer sees.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import esign_kit as ek

VERBS = {
    "parse": ("signature", "*detached", "*certificates", "*policy"),
    "verify": (
        "signature", "*detached", "*profile", "*trust", "*certificates", "*evidence", "*policy",
        "*fetcher", "*at",
    ),
    "validate_certificate": (
        "certificate", "*trust", "*intermediates", "*evidence", "*policy", "*fetcher", "*at",
        "*purpose",
    ),
    "sign": ("document", "key", "*format", "*packaging", "*level", "*profile", "*existing"),
    "prepare": (
        "document", "*certificate", "*format", "*packaging", "*level", "*chain", "*profile",
        "*existing",
    ),
    "identify": ("signature_report", "*profile", "*minimum"),
}  # fmt: skip

NAMES = {
    "AlgorithmPolicy", "Assurance", "AssuranceError", "CancelledError", "CertificateProfile",
    "CertificateReport", "Check", "CheckStatus", "Coverage", "CoverageRule", "Digest", "Document",
    "EsignError", "EvidenceError", "FetchRequest", "FetchResponse", "Format", "HttpFetcher",
    "Identifier", "IdentityError", "Indication", "InputError", "KeyFile", "KeyStoreError", "Level",
    "LimitError", "Limits", "Mandate", "Organisation", "Packaging", "Person", "Pkcs11", "Pkcs12",
    "Principal", "ProfileError", "Purpose", "Revocation", "Scope", "SignatureRejected",
    "SignatureReport", "SigningError", "SigningJob", "SigningKey", "SubIndication",
    "TimestampReport", "TransformRule", "TrustAnchor", "TrustStore", "UnsupportedError",
    "ValidationPolicy", "ValidityModel",
    "VerificationReport", "__version__", "aio", "identify", "inspect", "parse", "prepare",
    "profile", "sign", "validate_certificate", "verify",
}  # fmt: skip

CHECKS = (
    "format", "signing-certificate", "coverage", "reference-digest", "signature-value",
    "certificate-chain", "revocation", "key-usage", "algorithm-strength", "signing-time",
    "timestamp", "archive-timestamp", "profile",
)  # fmt: skip

MEMBERS = {
    "Document": {"from_path", "from_digests"},
    "TrustStore": {"from_path", "empty", "__or__"},
    "SigningJob": {"to_be_signed", "to_json", "from_json", "complete"},
    "ValidationPolicy": {"with_", "limits", "revocation"},
    "VerificationReport": {
        "indication", "sub_indication", "signatures", "checks", "only", "raise_for_status",
        "to_dict",
    },
    "SignatureReport": {
        "id", "format", "level", "indication", "sub_indication", "checks", "signing_certificate",
        "chain", "signing_time", "best_signature_time", "signed", "timestamps",
        "counter_signatures", "raise_for_status", "to_dict",
    },
    "Check": {"name", "status", "sub_indication", "detail", "hint", "code", "facts", "to_dict"},
}  # fmt: skip


def test_no_public_name_is_missing() -> None:
    assert not NAMES - set(ek.__all__)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_loads(name: str) -> None:
    assert getattr(ek, name) is not None


def test_dir_and_unknown_names() -> None:
    assert set(ek.__all__) <= set(dir(ek))
    with pytest.raises(AttributeError):
        _ = ek.no_such_name


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_verbs_keep_their_arguments(verb: str) -> None:
    parameters = inspect.signature(getattr(ek, verb)).parameters.values()
    found = tuple(
        ("*" if p.kind is p.KEYWORD_ONLY else "") + p.name
        for p in parameters
        if p.kind is not p.VAR_KEYWORD
    )
    assert found == VERBS[verb]


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_types_keep_their_members(name: str) -> None:
    assert not MEMBERS[name] - set(dir(getattr(ek, name)))


def test_checks_keep_their_names_and_order() -> None:
    from esign_kit.model.report import CHECK_NAMES

    assert CHECK_NAMES == CHECKS


def test_a_report_has_no_truth_value() -> None:
    from esign_kit.testing import FixturePKI

    pki = FixturePKI()
    report = ek.verify(pki.person().sign(b"payload"), trust=pki.trust, at=pki.now)
    with pytest.raises(TypeError):
        bool(report)


def test_checkers_of_types_see_the_same_names() -> None:
    """The block under TYPE_CHECKING and the table of lazy names are one list, written twice."""
    tree = ast.parse(Path(ek.__file__).read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    ]
    seen = {
        alias.asname: node.module if node.module != "esign_kit" else f"esign_kit.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert seen == ek._HOMES
