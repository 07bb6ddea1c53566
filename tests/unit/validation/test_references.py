"""Digests of what references lead to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from esign_kit.model.document import Coverage, Document, Scope
from esign_kit.model.limits import Limits
from esign_kit.model.report import CheckStatus
from esign_kit.model.signature import Format, ParsedSignature, ReferenceKind, SignedReference
from esign_kit.validation.cryptographic import check_references

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_file_is_read_once_for_all_references(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"content")
    document = Document.from_path(path)
    reads = []
    blocks = Document.blocks

    def counted(self: Document, *arguments: Any) -> Any:
        reads.append(self)
        return blocks(self, *arguments)

    monkeypatch.setattr(Document, "blocks", counted)

    def reference(algorithm: str) -> SignedReference:
        digest = hashlib.new(algorithm, b"content").digest()
        return SignedReference(
            id="r",
            kind=ReferenceKind.DATA,
            digest_algorithm=algorithm.upper(),
            digest_value=digest,
            resolve=lambda: [(document, Scope("", Coverage.FULL))],
        )

    parsed = ParsedSignature(
        id="s",
        format=Format.XADES,
        level="",
        packaging=None,
        algorithm=None,
        algorithm_label="",
        signature_value=b"",
        signed_octets=(),
        references=(*[reference("sha256")] * 50, *[reference("sha512")] * 50),
    )
    scopes, check = check_references(parsed, Limits())
    assert check.status is CheckStatus.PASSED
    assert len(scopes) == 100
    assert len(reads) == 2
