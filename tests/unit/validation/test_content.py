"""Attached content is hashed once for all signers, and large content is not copied to be hashed."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.model.document import Document
from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    import pytest

LARGE = 8 * 1024 * 1024


def test_large_content_is_not_copied_until_it_is_asked_for() -> None:
    pki = FixturePKI()
    content = bytes(LARGE)
    signed = pki.person().sign(content, packaging="attached")
    tracemalloc.start()
    try:
        report = ek.verify(signed, trust=pki.trust, evidence=pki.evidence(), at=pki.now)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.indication is ek.Indication.TOTAL_PASSED
    assert peak < LARGE // 2
    (scope,) = report.only.signed
    assert (scope.coverage, scope.octets, scope.document) == (ek.Coverage.OBJECT, content, None)


def test_two_signers_share_one_hash_of_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    pki = FixturePKI()
    signed = pki.person().sign(b"content", packaging="attached")
    signed = ek.sign(
        b"content",
        pki.issue("person", person="00000002").key,
        format="cades",
        packaging="attached",
        existing=signed,
    )
    asked: list[Document] = []
    digest = Document.digest

    def counted(document: Document, algorithm: str) -> bytes:
        asked.append(document)
        return digest(document, algorithm)

    monkeypatch.setattr(Document, "digest", counted)
    report = ek.verify(signed, trust=pki.trust, evidence=pki.evidence(), at=pki.now)
    assert [scope.octets for one in report for scope in one.signed] == [b"content"] * 2
    assert len(asked) == 2
    assert asked[0] is asked[1]


def test_one_changed_octet_of_shared_content_fails_every_signer() -> None:
    pki = FixturePKI()
    signed = pki.person().sign(b"content", packaging="attached")
    signed = ek.sign(
        b"content",
        pki.issue("person", person="00000002").key,
        format="cades",
        packaging="attached",
        existing=signed,
    )
    report = ek.verify(signed.replace(b"content", b"Content"), trust=pki.trust, at=pki.now)
    assert [one.sub_indication for one in report] == [ek.SubIndication.HASH_FAILURE] * 2
    assert [one.signed for one in report] == [(), ()]
