"""Our reading beside that of asn1crypto, over genuine signatures of many makers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from asn1crypto import cms, tsp

from esign_kit.asn1.cms import SignedData
from esign_kit.cades import oids
from esign_kit.cades.parse import parse, recognises
from esign_kit.cades.references import certificate_references
from esign_kit.cades.wrapping import unwrap
from esign_kit.errors import InputError
from esign_kit.trust.policy import ValidationPolicy
from tests.corpora import require


def samples() -> list[bytes]:
    folder = require("dss")
    table = json.loads((folder / "corpus.json").read_text("utf-8"))
    names = sorted({case["file"] for case in table["cases"] if case["format"] == "CAdES"})
    return [(folder / "files" / name).read_bytes() for name in names]


def oracle(data: bytes) -> Any:
    return cms.ContentInfo.load(unwrap(data))["content"]


def test_messages_and_signers() -> None:
    compared = 0
    for data in samples():
        ours, theirs = SignedData.load(unwrap(data)), oracle(data)
        assert ours.version == int(theirs["version"])
        try:
            encapsulated = theirs["encap_content_info"]
            content = encapsulated["content"].contents
        except ValueError:
            # The oracle wants SignedData without the OCTET STRING around it.
            assert ours.content_type_text == "1.2.840.113549.1.7.2"
        else:
            assert ours.content_type_text == encapsulated["content_type"].dotted
            assert ours.ber or (ours.content or b"") == content
        if theirs["certificates"]:
            assert len(ours.certificates) == len(theirs["certificates"])
        for signer, expected in zip(ours.signers(), theirs["signer_infos"], strict=True):
            compared += 1
            identifier = expected["sid"].chosen
            if expected["sid"].name == "issuer_and_serial_number":
                assert signer.serial == identifier["serial_number"].native
                assert signer.issuer == identifier["issuer"].dump()
            else:
                assert signer.subject_key_identifier == identifier.native
            assert signer.signature == expected["signature"].native
            assert signer.digest_algorithm == expected["digest_algorithm"].dump()
            assert signer.signature_algorithm == expected["signature_algorithm"].dump()
            for mine, field in (
                (signer.signed, "signed_attrs"),
                (signer.unsigned, "unsigned_attrs"),
            ):
                kinds = [item["type"].contents for item in expected[field] or ()]
                assert sorted(mine.by_type if mine else ()) == sorted(set(kinds))
    assert compared > 60


def test_certificate_references() -> None:
    compared = 0
    for data in samples():
        ours, theirs = SignedData.load(unwrap(data)), oracle(data)
        for signer, expected in zip(ours.signers(), theirs["signer_infos"], strict=True):
            for item in expected["signed_attrs"] or ():
                if item["type"].contents != oids.SIGNING_CERTIFICATE_V2 or signer.signed is None:
                    continue
                (value,) = signer.signed.values(oids.SIGNING_CERTIFICATE_V2)
                found = certificate_references(value, 2)
                certificates = tsp.SigningCertificateV2.load(value)["certs"]
                for mine, entry in zip(found, certificates, strict=True):
                    compared += 1
                    assert mine.digest == entry["cert_hash"].native
                    name = entry["hash_algorithm"]["algorithm"].native
                    assert mine.digest_algorithm == name.upper()
                    serial = entry["issuer_serial"]
                    if serial.native is not None:
                        assert mine.serial == serial["serial_number"].native
    assert compared > 40


def test_archive_imprints() -> None:
    """What we say an archive time-stamp covers has the digest that its authority signed."""
    intact = dict.fromkeys(("archive-time-stamp-v2", "archive-time-stamp-v3"), 0)
    for data in samples():
        for signature in parse(data, detached=(), policy=ValidationPolicy()).signatures:
            for stamp in signature.timestamps:
                if stamp.source not in intact:
                    continue
                covered = stamp.imprint()
                if not isinstance(covered, bytes):
                    continue  # detached content, which this test does not hand over
                token = cms.ContentInfo.load(stamp.token)["content"]
                info = tsp.TSTInfo.load(token["encap_content_info"]["content"].contents)
                imprint = info["message_imprint"]
                name = imprint["hash_algorithm"]["algorithm"].native
                stated = imprint["hashed_message"].native
                intact[stamp.source] += hashlib.new(name, covered).digest() == stated
    assert intact["archive-time-stamp-v2"] >= 5
    assert intact["archive-time-stamp-v3"] >= 5


@pytest.mark.parametrize("suite", ["cms-attacks", "crafted-cms", "dss"])
def test_every_file_is_read_or_refused(suite: str) -> None:
    folder = require(suite) / "files"
    read = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.stat().st_size > 4_000_000:
            continue
        data = path.read_bytes()
        try:
            document = parse(data, detached=(), policy=ValidationPolicy())
        except InputError:
            continue
        read += 1
        assert document.signatures
        if path.suffix in (".p7s", ".p7m", ".pkcs7"):
            assert recognises(data)
        for signature in document.signatures:
            dict(signature.signed_attributes)
            dict(signature.unsigned_attributes)
    assert read > 10
