"""What callers hand over by mistake is told in the words of the argument, not from deep inside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("kz", at=NOW, key="ec")


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("trust", "demo/trust", "TrustStore.from_path"),
        ("trust", [b"\x30"], "TrustStore"),
        ("policy", "strict", "ValidationPolicy"),
        ("fetcher", "http://ocsp.example", "HttpFetcher"),
        ("at", "2026-03-01", "datetime"),
    ],
)
@pytest.mark.parametrize("verb", [ek.verify, ek.validate_certificate])
def test_the_wrong_kind(pki: FixturePKI, verb: Any, argument: str, value: Any, words: str) -> None:
    person = pki.person()
    what = person.sign(b"x") if verb is ek.verify else person.certificate_der
    with pytest.raises(TypeError, match=rf"^{argument}= takes .*{words}"):
        verb(what, **{"trust": pki.trust, "at": NOW, argument: value})


def test_evidence_may_be_one_path(pki: FixturePKI, tmp_path: Path) -> None:
    holder = pki.person()
    issuing = tmp_path / "lists.pem"
    from base64 import encodebytes

    issuing.write_bytes(
        b"".join(
            b"-----BEGIN X509 CRL-----\n" + encodebytes(crl) + b"-----END X509 CRL-----\n"
            for crl in pki.evidence()
        )
    )
    signed = holder.sign(b"x")
    for given in (issuing, str(issuing), issuing.read_bytes()):
        report = ek.verify(signed, trust=pki.trust, evidence=given, at=NOW)
        assert report.indication == "TOTAL_PASSED"


def test_a_folder_is_called_a_folder(pki: FixturePKI, tmp_path: Path) -> None:
    with pytest.raises(ek.InputError, match="a folder, not a file"):
        ek.verify(tmp_path, trust=pki.trust, at=NOW)


def test_a_fallen_algorithm_is_told_once(pki: FixturePKI) -> None:
    late = FixturePKI("kz", at=NOW, key="rsa")
    signed = late.person().sign(b"x")
    report = ek.verify(signed, trust=late.trust, at=datetime(2040, 1, 1, tzinfo=UTC))
    detail = report.only.check("algorithm-strength").detail
    assert detail.count("RSA with 2048 bits is not accepted after") == 1


def test_a_document_without_a_name_is_not_asked_for_by_name(pki: FixturePKI) -> None:
    signed = pki.person().sign(b"x", packaging="detached")
    report = ek.verify(signed, trust=pki.trust, at=NOW)
    assert report.only.check("reference-digest").hint.endswith("detached=[…]")
