"""Evidence bundles: the same octets give the same answer, and nothing else is a bundle."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st

import esign_kit as ek
from esign_kit.bundle import Attachment, make, verify
from esign_kit.bundle.archive import read, write
from esign_kit.bundle.mandates import mandate_from_data
from esign_kit.bundle.policy import policy_from_data, policy_to_data
from esign_kit.model.identifier import Identifier
from esign_kit.model.mandate import Mandate, MandateScope
from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    from pathlib import Path

PAYLOAD = '{"өтініш": 1500}'.encode()


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("kz", at="2026-11-01", key="rsa")


@pytest.fixture(scope="module")
def director(pki: FixturePKI):  # type: ignore[no-untyped-def]
    return pki.employee(person="900101300017", organisation="150240000006", role="head")


def bundle(pki: FixturePKI, director: object, **more: object) -> bytes:
    signed = director.sign(PAYLOAD, packaging="detached")  # type: ignore[attr-defined]
    return make(
        signed,
        detached=[ek.Document(PAYLOAD, name="application.json")],
        profile=pki.profile,
        evidence=pki.evidence(),
        at=pki.now,
        **more,  # type: ignore[arg-type]
    )


def test_the_same_answer_comes_out_again(pki: FixturePKI, director: object) -> None:
    answer = verify(bundle(pki, director), trust=pki.trust)
    assert answer.differences == ()
    assert answer.identical
    assert answer.anchors_vouched
    assert answer.report.indication is ek.Indication.TOTAL_PASSED
    principal = answer.principals[0]
    assert principal is not None
    assert principal["acting_for"]["grantor"]["value"] == "150240000006"


def test_the_same_question_gives_the_same_octets(pki: FixturePKI, director: object) -> None:
    assert bundle(pki, director) == bundle(pki, director)


def test_documents_in_files_come_out_again(
    pki: FixturePKI, director: object, tmp_path: Path
) -> None:
    (tmp_path / "application.json").write_bytes(PAYLOAD)
    (tmp_path / "application.p7s").write_bytes(
        director.sign(PAYLOAD, packaging="detached")  # type: ignore[attr-defined]
    )
    data = make(
        tmp_path / "application.p7s",
        detached=ek.Document.from_path(tmp_path / "application.json"),
        profile=pki.profile,
        at=pki.now + timedelta(days=60),
    )
    answer = verify(data, trust=pki.trust)
    assert answer.differences == ()
    assert answer.report.indication is ek.Indication.INDETERMINATE


def test_anchors_are_worth_what_the_caller_says(pki: FixturePKI, director: object) -> None:
    data = bundle(pki, director)
    assert verify(data).anchors_vouched is None
    other = FixturePKI("eidas", at="2026-11-01")
    assert verify(data, trust=other.trust).anchors_vouched is False


def test_a_fetcher_is_asked_once_and_its_answers_are_kept(
    pki: FixturePKI, director: object
) -> None:
    signed = director.sign(PAYLOAD)  # type: ignore[attr-defined]
    data = make(signed, profile=pki.profile, fetcher=pki, at=pki.now)
    answer = verify(data, trust=pki.trust)
    assert answer.identical
    assert answer.report.indication is ek.Indication.TOTAL_PASSED
    assert any(name.startswith(("ocsp/", "crls/")) for name in read(data))


def test_a_refusal_is_kept_too(pki: FixturePKI, director: object) -> None:
    signed = director.sign(PAYLOAD, packaging="detached")  # type: ignore[attr-defined]
    data = make(
        signed, detached=[b"another"], profile=pki.profile, evidence=pki.evidence(), at=pki.now
    )
    answer = verify(data, trust=pki.trust)
    assert answer.identical
    assert answer.report.indication is ek.Indication.TOTAL_FAILED
    assert answer.principals == (None,)


def test_mandates_and_statements_are_kept(pki: FixturePKI, director: object) -> None:
    person = Identifier("KZ", "IIN", "900101300017")
    mandate = Mandate(
        grantor=Identifier("KZ", "BIN", "180140005198"),
        holder=person,
        rights=frozenset({"labour:submit"}),
        scope=MandateScope(units=frozenset({"almaty"}), procedures=None),
        valid_from=pki.now - timedelta(days=3),
        valid_until=pki.now + timedelta(days=3),
    )
    login = Attachment("login", "id-token.jwt", b"header.claims.value", "application/jwt", {"a": 1})
    answer = verify(bundle(pki, director, mandates=[mandate], attachments=[login]))
    assert answer.identical
    assert answer.mandates == (mandate.to_dict(),)
    assert answer.attachments[0].data == login.data
    principal = answer.principals[0]
    assert principal is not None
    assert mandate.to_dict() in principal["mandates"]


def test_a_mandate_survives_with_its_chain() -> None:
    top = Mandate(
        grantor=Identifier("KZ", "BIN", "180140005198"),
        holder=Identifier("KZ", "BIN", "000740000728"),
        rights=frozenset({"labour:submit", "labour:read:p1"}),
        may_sub_delegate=2,
    )
    below = Mandate(
        grantor=top.holder,
        holder=Identifier("KZ", "IIN", "900101300017"),
        rights=frozenset({"labour:submit"}),
        parent=top,
    )
    assert mandate_from_data(json.loads(json.dumps(below.to_dict()))) == below


def test_every_policy_field_survives() -> None:
    policy = ek.ValidationPolicy().with_(
        id="own",
        revocation=ek.Revocation.IF_AVAILABLE,
        required_level="BASELINE-B",
        initial_policies=frozenset({"1.2.3"}),
        max_revocation_age=timedelta(days=2),
        algorithms=ek.AlgorithmPolicy().accepting("SHA1").accepting_keys("RSA", 1024),
        limits=ek.Limits().with_(references=7),
        quorum=1,
    )
    again = policy_from_data(json.loads(json.dumps(policy_to_data(policy))))
    assert policy_to_data(again) == policy_to_data(policy)


def test_a_policy_with_an_unknown_field_is_another_question() -> None:
    with pytest.raises(ek.InputError, match="unknown here"):
        policy_from_data({**policy_to_data(ek.ValidationPolicy()), "leniency": True})


def _rewritten(data: bytes, change: dict[str, bytes | None]) -> bytes:
    files = read(data)
    for name, octets in change.items():
        if octets is None:
            del files[name]
        else:
            files[name] = octets
    return write(files)


def test_changed_files_are_refused(pki: FixturePKI, director: object) -> None:
    data = bundle(pki, director)
    for change in (
        {"report.json": b"{}"},
        {"documents/0": b"another"},
        {"crls/0": None},
        {"crls/99": b"more"},
        {"manifest.json": b"[]"},
        {"manifest.json": b"{" * 100_000},
    ):
        with pytest.raises(ek.InputError):
            verify(_rewritten(data, change))


def test_a_report_that_was_rewritten_with_its_digest_does_not_come_out(
    pki: FixturePKI, director: object
) -> None:
    from hashlib import sha256

    data = bundle(pki, director)
    files = read(data)
    forged = files["report.json"].replace(b"TOTAL_PASSED", b"TOTAL_FAILED")
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["report.json"]["sha256"] = sha256(forged).hexdigest()
    changed = {"report.json": forged, "manifest.json": json.dumps(manifest).encode()}
    answer = verify(_rewritten(data, changed))
    assert not answer.identical
    assert answer.report.indication is ek.Indication.TOTAL_PASSED


def test_other_archives_are_no_bundles(pki: FixturePKI, director: object) -> None:
    data = bundle(pki, director)
    deflated = io.BytesIO()
    with zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in read(data).items():
            archive.writestr(name, octets)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("manifest.json", b"{}")
        archive.writestr("manifest.json", b"{}")
    for other in (
        b"",
        b"PK\x03\x04",
        b"front" + data,
        data + b"behind",
        deflated.getvalue(),
        twice.getvalue(),
        write({}),
        write({"manifest.json": b"{}"}),
    ):
        with pytest.raises(ek.InputError):
            verify(other)
    for name in ("../etc/passwd", "/etc/passwd", "a\\b", "C:x", "a/b/c/d"):
        with pytest.raises((ek.InputError, ValueError)):
            read(write({name: b"x"}))


_made: list[tuple[FixturePKI, bytes]] = []


@settings(max_examples=60, deadline=None)
@given(place=st.integers(min_value=0), flip=st.integers(1, 255))
def test_any_changed_octet_is_refused(place: int, flip: int) -> None:
    if not _made:
        country = FixturePKI("kz", at="2026-11-01", key="ec")
        _made.append((country, bundle(country, country.person())))
    data = bytearray(_made[0][1])
    data[place % len(data)] ^= flip
    with pytest.raises(ek.InputError):
        verify(bytes(data))


def test_a_digest_alone_cannot_be_kept(pki: FixturePKI, director: object) -> None:
    from hashlib import sha256

    signed = director.sign(PAYLOAD, packaging="detached")  # type: ignore[attr-defined]
    digest = ek.Document.from_digests({"SHA256": sha256(PAYLOAD).digest()})
    with pytest.raises(ek.InputError, match="only a"):
        make(signed, detached=[digest], profile=pki.profile, at=pki.now)
