"""The mathematics of every national sample: each signature value, digest, list, answer and token.

What a verifier makes of them (chains, revocation, time, persons) is tested elsewhere; here a value
either is one by the key that its file names, or it is not.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.revocation import Crl, OcspResponse
from esign_kit.asn1.tsp import TimestampToken
from esign_kit.cades import parse as cades
from esign_kit.crypto import load_public_key, verify
from esign_kit.model.document import Document
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.xades import parse as xades
from tests import corpora

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from esign_kit.model.signature import ParsedSignature

POLICY = ValidationPolicy()


def _der(path: Path) -> bytes:
    data = path.read_bytes()
    match = re.search(rb"-----BEGIN [A-Z ]+-----(.*?)-----END", data, re.DOTALL)
    if match is not None:
        return base64.b64decode(match[1])
    return data if data[:1] == b"\x30" else base64.b64decode(data)


def _certificates(*folders: tuple[str, ...]) -> dict[str, Certificate]:
    result = {}
    for folder in folders:
        for path in sorted(corpora.national(*folder).iterdir()):
            if path.suffix in (".cer", ".crt", ".pem"):
                result[path.name] = Certificate.load(_der(path))
    assert result
    return result


def _signed_by(issuer: Certificate, algorithm: bytes, value: bytes, data: bytes) -> bool:
    row = decode_signature_algorithm(algorithm)
    assert row is not None
    return verify(load_public_key(issuer.spki), row, value, data)


# ── certificates ──────────────────────────────────────────────────────────────────────────────

KAZAKH_ISSUERS = {
    "root_gost.pem": "root_gost.pem",
    "root_rsa.pem": "root_rsa.pem",
    "nca_gost.pem": "root_gost.pem",
    "nca_rsa.pem": "root_rsa.pem",
    "root_gost_2020.cer": "root_gost_2020.cer",
    "root_rsa_2020.cer": "root_rsa_2020.cer",
    "root_gost_2022.pem": "root_gost_2022.pem",
    "nca_gost_2022.pem": "root_gost_2022.pem",
    "nca_rsa_2022.cer": "root_rsa_2020.cer",
    "ucgo_gost.cer": "root_gost_2020.cer",
    "btsd_gost.cer": "root_gost_2020.cer",
    "root_test_gost_2022.cer": "root_test_gost_2022.cer",
    "nca_gost2022_test.cer": "root_test_gost_2022.cer",
    "kuc_gost_test.cer": "kuc_gost_test.cer",
    "kuc_rsa_test.cer": "kuc_rsa_test.cer",
    "nca_gost_test.cer": "kuc_gost_test.cer",
    "nca_rsa_test.cer": "kuc_rsa_test.cer",
    "root_gost_test_old.crt": "root_gost_test_old.crt",
    "root_rsa_test_old.crt": "root_rsa_test_old.crt",
    "nca_gost_test_old.crt": "root_gost_test_old.crt",
    "nca_rsa_test_old.crt": "root_rsa_test_old.crt",
    "2018_gost2004_prod_hr_test_person.pem": "nca_gost.pem",
    "2020_gost2004_ceo_sign.cer": "nca_gost_test_old.crt",
    "2020_rsa_individual_sign.cer": "nca_rsa_test_old.crt",
    "2022_rsa_individual_sign.cer": "nca_rsa_test_old.crt",
    "2022_rsa_individual_auth.cer": "nca_rsa_test_old.crt",
    "2026_gost2015_individual.cer": "nca_gost2022_test.cer",
    "2026_gost2015_ceo.cer": "nca_gost2022_test.cer",
}
KAZAKH_FOLDERS = (("kz", "ca", "prod"), ("kz", "ca", "test"), ("kz", "certs"))


def test_kazakh_certificates_have_exactly_one_issuer() -> None:
    certificates = _certificates(*KAZAKH_FOLDERS)
    assert set(certificates) == set(KAZAKH_ISSUERS)
    for name, certificate in certificates.items():
        good = [
            issuer
            for issuer, candidate in certificates.items()
            if _signed_by(
                candidate, certificate.signature_algorithm, certificate.signature, certificate.tbs
            )
        ]
        assert good == [KAZAKH_ISSUERS[name]], name


def test_uzbek_certificates() -> None:
    real = _certificates(("uz", "certs"))
    root = real["uz_root_eri_2016_2036.cer"]
    for name in ("uz_root_eri_2016_2036.cer", "uz_ca_e-imzo_2018_2022.cer"):
        c = real[name]
        assert _signed_by(root, c.signature_algorithm, c.signature, c.tbs)
    ministry = real["uz_mvd_endentity_paramset_1_2.cer"]
    key = load_public_key(ministry.spki)
    assert (key.type, key.curve, key.remarks) == ("OZDST1092-256", "CryptoPro-C", ())
    for c in real.values():
        assert not _signed_by(c, ministry.signature_algorithm, ministry.signature, ministry.tbs)
    made = _certificates(("uz", "synthetic"))
    for name, c in made.items():
        issuer = made["root.cer" if name in ("root.cer", "ca.cer") else "ca.cer"]
        assert _signed_by(issuer, c.signature_algorithm, c.signature, c.tbs), name


# ── CMS and XML ───────────────────────────────────────────────────────────────────────────────

GOST_OLD, GOST_NEW = "GOST34310-GOST34311-TEST", "GOST3410-STREEBOG-512"
RSA, UZ, UZ_2024 = "RSA-SHA256", "OZDST1092-GOST34311-CP", "OZMST286-GOST34311-CP-2024"

Expected = list[tuple[str, bool, bool | None]]
"""Per signer: algorithm, is the value good, does the digest match (None: no document)."""

CMS: dict[tuple[str, ...], tuple[str | None, Expected]] = {
    ("kz", "cms", "gost2015_individual_attached_tsp.der"): (None, [(GOST_NEW, True, True)]),
    ("kz", "cms", "gost2015_individual_detached_tsp.der"): (
        "gost2015_individual_detached_tsp.document.txt",
        [(GOST_NEW, True, True)],
    ),
    ("kz", "cms", "gost2015_ceo_attached_tsp.der"): (None, [(GOST_NEW, True, True)]),
    ("kz", "cms", "gost2015_ceo_attached_tsp_gost2004tsa.der"): (None, [(GOST_NEW, True, True)]),
    ("kz", "cms", "gost2004_ceo_attached.der"): (None, [(GOST_OLD, True, True)]),
    ("kz", "cms", "gost2004_hr_detached_nodoc.pem"): (None, [(GOST_OLD, True, None)]),
    ("kz", "cms", "gost2004_prodca_hr_attached_tsp2018.pem"): (None, [(GOST_OLD, True, True)]),
    ("kz", "cms", "rsa_individual_attached.der"): (None, [(RSA, True, True)]),
    ("kz", "cms", "rsa_ceo_authkey_attached.der"): (None, [(RSA, True, True)]),
    ("kz", "cms", "two_signers_gost2015_rsa_attached.der"): (
        None,
        [(GOST_NEW, True, True), (RSA, True, True)],
    ),
    ("kz", "cms", "cosigned_detached_gost2004_BADSIG_plus_rsa.der"): (
        "cosigned_detached_gost2004_BADSIG_plus_rsa.document.xml",
        [(GOST_OLD, False, True), (RSA, True, True)],
    ),
    ("kz", "tsp", "tsp_token.bin"): (None, [(GOST_OLD, True, True)]),
    ("kz", "tsp", "tsp_token_prod_gost2004_2020.der"): (None, [(GOST_OLD, True, True)]),
    ("uz", "synthetic", "attached_person.p7"): (None, [(UZ, True, True)]),
    ("uz", "synthetic", "attached_person_ber.p7"): (None, [(UZ, True, True)]),
    ("uz", "synthetic", "detached_org.p7"): ("document.bin", [(UZ, True, True)]),
    ("uz", "synthetic", "attached_two_signers_ber.p7"): (
        None,
        [(UZ, True, True), (UZ, True, True)],
    ),
    ("uz", "synthetic", "attached_ozmst.p7"): (None, [(UZ_2024, True, True)]),
    ("uz", "synthetic", "attached_paramset_1_2.p7"): (None, [(UZ, True, True)]),
    ("uz", "synthetic", "auth_challenge.p7"): (None, [(UZ, True, True)]),
    ("uz", "synthetic", "bad_content.p7"): (None, [(UZ, True, False)]),
    ("uz", "synthetic", "bad_signature.p7"): (None, [(UZ, False, True)]),
    ("uz", "synthetic", "bad_chain_self_issued.p7"): (None, [(UZ, True, True)]),
}
XML: dict[tuple[str, ...], Expected] = {
    ("kz", "xml", "gost2004_ceo_enveloped.xml"): [(GOST_OLD, True, True)],
    ("kz", "xml", "rsa_individual_enveloped.xml"): [(RSA, True, True)],
    ("kz", "xml", "rsa_ceo_authkey_enveloped.xml"): [(RSA, True, True)],
    ("kz", "xml", "two_signatures_rsa_then_gost2015.xml"): [
        (RSA, True, True),
        (GOST_NEW, True, True),
    ],
    ("kz", "xml", "wsse_soap_rsa.xml"): [(RSA, True, True)],
    ("kz", "xml", "wsse_soap_rsa_BROKEN_whitespace.xml"): [(RSA, False, True)],
}


def _value_good(signature: ParsedSignature) -> bool:
    assert signature.algorithm is not None
    return any(
        verify(
            load_public_key(Certificate.load(certificate).spki),
            signature.algorithm,
            signature.signature_value,
            octets,
            plain=signature.plain_signature,
        )
        for certificate in signature.certificates
        for octets in signature.signed_octets
    )


def _digest_good(signature: ParsedSignature) -> bool | None:
    answers = []
    for reference in signature.references:
        row = digest_algorithm(reference.digest_algorithm or "")
        for data, _ in reference.resolve():
            octets = data.octets() if isinstance(data, Document) else data
            answers.append(row.hash(octets) == reference.digest_value)
    return any(answers) if answers else None


def _outcome(module: ModuleType, path: Path, detached: list[Document]) -> Expected:
    parsed = module.parse(path.read_bytes(), detached=detached, policy=POLICY)
    return [
        (s.algorithm.name if s.algorithm else s.algorithm_label, _value_good(s), _digest_good(s))
        for s in parsed.signatures
    ]


@pytest.mark.parametrize("parts", CMS, ids="/".join)
def test_cms(parts: tuple[str, ...]) -> None:
    path = corpora.national(*parts)
    name, expected = CMS[parts]
    detached = [Document.from_path(path.parent / name)] if name else []
    assert _outcome(cades, path, detached) == expected


@pytest.mark.parametrize("parts", XML, ids="/".join)
def test_xml(parts: tuple[str, ...]) -> None:
    assert _outcome(xades, corpora.national(*parts), []) == XML[parts]


def test_no_sample_is_left_out() -> None:
    found = set()
    for folder, suffixes in (
        (("kz", "cms"), (".der", ".pem")),
        (("kz", "xml"), (".xml",)),
        (("uz", "synthetic"), (".p7",)),
    ):
        found |= {
            (*folder, path.name)
            for path in corpora.national(*folder).iterdir()
            if path.suffix in suffixes and "." not in path.stem
        }
    assert found <= set(CMS) | set(XML)


def test_timestamps_inside_cms() -> None:
    seen = 0
    for parts in CMS:
        path = corpora.national(*parts)
        for signature in cades.parse(path.read_bytes(), detached=(), policy=POLICY).signatures:
            for stamp in signature.timestamps:
                inner = cades.parse(stamp.token, detached=(), policy=POLICY).signatures
                assert [_value_good(s) for s in inner] == [True]
                info = TimestampToken.load(stamp.token).info
                assert info is not None
                row = digest_algorithm(info.imprint_algorithm or "")
                assert row.hash(signature.signature_value) == info.imprint
                seen += 1
    assert seen >= 5


# ── lists and answers ─────────────────────────────────────────────────────────────────────────

CRLS = {
    "nca_gost2022_test_2026.crl": "nca_gost2022_test.cer",
    "nca_gost2022_test_2025.crl": "nca_gost2022_test.cer",
    "nca_gost2022_d_test_2025.crl": "nca_gost2022_test.cer",
    "nca_gost_test_2023.crl": "nca_gost_test.cer",
    "nca_rsa_test_2023.crl": "nca_rsa_test.cer",
    "nca_d_rsa_test_2023.crl": "nca_rsa_test.cer",
    "nca_gost_test_2022.crl": "nca_gost_test_old.crt",
    "nca_rsa_test_2022.crl": "nca_rsa_test_old.crt",
}


def test_revocation_lists() -> None:
    certificates = _certificates(("kz", "ca", "test"))
    folder = corpora.national("kz", "crl")
    assert {path.name for path in folder.iterdir()} == set(CRLS)
    for name, issuer in CRLS.items():
        crl = Crl.load(_der(folder / name))
        good = [
            other
            for other, candidate in certificates.items()
            if _signed_by(candidate, crl.signature_algorithm, crl.signature, crl.tbs)
        ]
        assert good == [issuer], name


def test_ocsp_answers() -> None:
    certificates = _certificates(("kz", "ca", "test"))
    for path in sorted(corpora.national("kz", "ocsp").iterdir()):
        answer = OcspResponse.load(path.read_bytes())
        responders = [Certificate.load(der) for der in answer.certificates]
        good = [
            responder
            for responder in responders
            if _signed_by(responder, answer.signature_algorithm, answer.signature, answer.tbs)
        ]
        assert len(good) == 1, path.name
        c = good[0]
        assert any(
            _signed_by(ca, c.signature_algorithm, c.signature, c.tbs)
            for ca in certificates.values()
        ), path.name
