"""The Kazakh container: what is listed is covered, the rest is told, ZIP tricks are refused."""

from __future__ import annotations

import io
import warnings
import zipfile
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI

MANIFEST = "META-INF/NCAManifest.xml"
SIGNATURE = "META-INF/signature-1.cms"


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("kz", key="ec")


def manifest_of(
    files: dict[str, bytes], method: str = "http://www.w3.org/2001/04/xmlenc#sha256"
) -> bytes:
    rows = "".join(
        f'<DataObjectReference URI="{name}"><DigestMethod Algorithm="{method}"/>'
        f"<DigestValue>{b64encode(sha256(data).digest()).decode()}</DigestValue></DataObjectReference>"
        for name, data in files.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?> \n'
        f'<NCAManifest><SigReference URI="{SIGNATURE}"/>{rows}</NCAManifest>'
    ).encode()


def pack(pki: FixturePKI, files: dict[str, bytes], **changes: Any) -> bytes:
    manifest = changes.pop("manifest", None) or manifest_of(files)
    signature = pki.person().sign(manifest, format="cades", packaging="detached")
    members = {MANIFEST: manifest, SIGNATURE: signature, **files, **changes.pop("extra", {})}
    members |= changes.pop("replace", {})
    for name in changes.pop("remove", ()):
        del members[name]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, data in changes.pop("twice", {}).items():
                archive.writestr(name, data)
    return buffer.getvalue()


def verify(pki: FixturePKI, data: bytes, **options: Any) -> ek.VerificationReport:
    return ek.verify(data, profile=pki.profile, evidence=pki.evidence(), at=pki.now, **options)


NAMELESS = (
    b'<NCAManifest><SigReference URI="META-INF/signature-1.cms"/>'
    b"<DataObjectReference/></NCAManifest>"
)
FILES = {"application.json": b'{"iin": "900101300017"}', "photo.bin": bytes(range(256))}


def test_all_files_listed(pki: FixturePKI) -> None:
    report = verify(pki, pack(pki, FILES))
    assert report.indication == "TOTAL_PASSED", report.checks
    scopes = {scope.name: scope for scope in report.only.signed}
    assert set(scopes) == {MANIFEST, *FILES}
    assert scopes[MANIFEST].coverage == "MANIFEST"
    assert scopes["photo.bin"].octets == FILES["photo.bin"]
    assert ek.identify(report.only, profile=pki.profile).identifier is not None


def test_a_file_that_is_not_listed_is_told_and_does_not_pass(pki: FixturePKI) -> None:
    report = verify(pki, pack(pki, FILES, extra={"smuggled.txt": b"pay"}))
    assert report.indication != "TOTAL_PASSED"
    assert report.only.check("coverage").code == "coverage.partial"
    assert any("smuggled.txt" in note for note in report.only.notes)
    parts = pki.profile.policy.with_(coverage=ek.CoverageRule.ANY)
    loose = verify(pki, pack(pki, FILES, extra={"smuggled.txt": b"pay"}), policy=parts)
    assert loose.indication == "TOTAL_PASSED"
    assert "smuggled.txt" not in {scope.name for scope in loose.only.signed}


def test_a_changed_file_fails(pki: FixturePKI) -> None:
    report = verify(pki, pack(pki, FILES, replace={"application.json": b"{}"}))
    assert (report.indication, report.sub_indication) == ("TOTAL_FAILED", "HASH_FAILURE")


def test_a_changed_manifest_fails(pki: FixturePKI) -> None:
    other = manifest_of({"application.json": b"{}"})
    data = pack(
        pki, FILES, replace={MANIFEST: other, "application.json": b"{}"}, remove=["photo.bin"]
    )
    report = verify(pki, data)
    assert report.indication == "TOTAL_FAILED"


def test_a_missing_file_is_not_found_or_handed_over(pki: FixturePKI) -> None:
    data = pack(pki, FILES, remove=["photo.bin"])
    report = verify(pki, data)
    assert report.sub_indication == "SIGNED_DATA_NOT_FOUND"
    photo = ek.Document(FILES["photo.bin"], name="photo.bin")
    assert verify(pki, data, detached=[photo]).indication == "TOTAL_PASSED"


def test_unknown_digest_is_told(pki: FixturePKI) -> None:
    data = pack(pki, FILES, manifest=manifest_of(FILES, method="urn:nobody"))
    report = verify(pki, data)
    assert report.indication != "TOTAL_PASSED"
    assert "urn:nobody" in report.only.check("reference-digest").detail


@pytest.mark.parametrize(
    "changes",
    [
        {"twice": {"application.json": b"{}"}},
        {"extra": {"../escape": b"x"}},
        {"remove": [SIGNATURE]},
        {"manifest": b"<NCAManifest/>"},
        {"manifest": b"<Other/>"},
        {"manifest": b"<!DOCTYPE NCAManifest [<!ENTITY a 'b'>]><NCAManifest/>"},
        {"manifest": NAMELESS},
        {"replace": {SIGNATURE: b"not a signature"}},
    ],
)
def test_refused(pki: FixturePKI, changes: dict[str, Any]) -> None:
    with pytest.raises(ek.InputError):
        verify(pki, pack(pki, FILES, **changes))


def test_a_bomb_is_refused_before_it_is_unpacked(pki: FixturePKI) -> None:
    data = pack(pki, {"zeros": bytes(8 * 1024 * 1024)})
    policy = pki.profile.policy
    small = policy.with_(limits=policy.limits.with_(signature_size=1024 * 1024))
    assert len(data) < 100_000
    with pytest.raises(ek.LimitError):
        verify(pki, data, policy=small)


def test_damage_is_a_typed_error(pki: FixturePKI) -> None:
    data = pack(pki, FILES)
    for position in range(0, len(data), 97):
        broken = data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]
        try:
            report = verify(pki, broken)
        except ek.EsignError:
            continue
        assert {scope.name for scope in report.only.signed} <= {MANIFEST, *FILES}
    for size in range(4, len(data), 211):
        with pytest.raises(ek.EsignError):
            verify(pki, data[:size])
