"""What no public sample proves ends as unsupported, and the report calls it by its name."""

from __future__ import annotations

import esign_kit as ek
from esign_kit.asn1.certificate import load_certificates
from esign_kit.asn1.reader import encode_oid
from tests import corpora


def test_a_cms_with_an_algorithm_known_by_name_only() -> None:
    data = corpora.national("kz", "cms", "gost2015_ceo_attached_tsp.der").read_bytes()
    known, named = encode_oid("1.2.398.3.10.1.1.2.3.2"), encode_oid("1.2.398.3.10.1.1.2.3.1")
    at = data.rindex(known, 0, data.index(encode_oid("1.2.840.113549.1.9.16.2.14")))
    report = ek.verify(data[:at] + named + data[at + len(known) :])
    (signature,) = report.signatures
    assert signature.indication == "INDETERMINATE"
    text = " ".join(check.detail for check in signature.checks)
    assert "GOST 34.10-2015 with 256 bits (Kazakhstan)" in text


def test_a_certificate_with_an_algorithm_known_by_name_only() -> None:
    (certificate,) = load_certificates(
        corpora.national("kz", "certs", "2026_gost2015_ceo.cer").read_bytes()
    )
    issuer = load_certificates(
        corpora.national("kz", "ca", "test", "nca_gost2022_test.cer").read_bytes()
    )
    known, named = encode_oid("1.2.398.3.10.1.1.2.3.2"), encode_oid("1.2.398.3.10.1.1.2.3.1")
    report = ek.validate_certificate(
        certificate.der.replace(known, named), trust=ek.TrustStore(issuer)
    )
    assert report.indication == "INDETERMINATE"
    text = " ".join(check.detail for check in report.checks)
    assert "1.2.398.3.10.1.1.2.3.1 is not supported: GOST 34.10-2015 with 256 bits" in text


def test_the_report_says_who_computed_and_what_is_odd_about_the_key() -> None:
    from esign_kit.crypto import national

    data = corpora.national("uz", "synthetic", "attached_ozmst.p7").read_bytes()
    (check,) = [
        check for check in ek.verify(data).signatures[0].checks if check.name == "signature-value"
    ]
    assert check.status == "PASSED"
    assert check.facts["digests_by"] == national.provider()
    assert check.facts["curve"] == "CryptoPro-A"
    assert "1.2.860.3.15.2.1.2.1.1" in check.facts["remarks"][0]
