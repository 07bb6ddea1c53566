"""A large document under a national digest: bounded time with libgcrypt, a clear word without."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit.crypto import national
from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 6 * 1024 * 1024


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[FixturePKI, Path, bytes]:
    if national.slow():
        pytest.skip("libgcrypt does not load here: nothing can sign a large document")
    path = tmp_path_factory.mktemp("large") / "application"
    path.write_bytes(b"An application. " * (SIZE // 16))
    pki = FixturePKI("kz", key="gost")
    person = pki.person()
    value = person.sign(ek.Document.from_path(path), format="cades", packaging="detached")
    return pki, path, value


def _verify(signed: tuple[FixturePKI, Path, bytes], **changes: object) -> ek.VerificationReport:
    pki, path, value = signed
    policy = ek.ValidationPolicy()
    if changes:
        policy = policy.with_(limits=policy.limits.with_(**changes))
    return ek.verify(
        value,
        detached=[ek.Document.from_path(path)],
        trust=pki.trust,
        fetcher=pki,
        at=pki.now,
        policy=policy,
    )


def test_native_code_takes_it_at_once(signed: tuple[FixturePKI, Path, bytes]) -> None:
    started = time.perf_counter()
    report = _verify(signed)
    assert report.indication == "TOTAL_PASSED"
    # A fortieth of a second on a quiet machine.
    assert time.perf_counter() - started < 5


def test_python_refuses_it_with_a_way_out(
    signed: tuple[FixturePKI, Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(national, "_library", None)
    started = time.perf_counter()
    report = _verify(signed)
    assert time.perf_counter() - started < 5
    assert report.indication == "INDETERMINATE"
    (signature,) = report.signatures
    assert any("STREEBOG-512" in check.detail for check in signature.checks)


def test_a_digest_from_elsewhere_is_enough(
    signed: tuple[FixturePKI, Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pki, path, value = signed
    digest = ek.Document.from_path(path).digest("STREEBOG-512")
    monkeypatch.setattr(national, "_library", None)
    report = ek.verify(
        value,
        detached=[ek.Document.from_digests({"STREEBOG-512": digest})],
        trust=pki.trust,
        fetcher=pki,
        at=pki.now,
    )
    assert report.indication == "TOTAL_PASSED"
