"""The pytest plugin and the loopback server."""

from __future__ import annotations

import http.client
from urllib.parse import quote, urlsplit

from cryptography import x509
from cryptography.x509 import ocsp as x509_ocsp

from esign_kit.testing import ocsp


def _ask(url: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET" if body is None else "POST", parts.path, body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    finally:
        connection.close()


def test_fixtures(esign_pki, esign_person, esign_organisation) -> None:
    assert esign_person.certificate.issuer == esign_pki.issuing.certificate.subject
    assert esign_organisation.kind == "organisation"


def test_the_clock_travels(esign_pki, esign_clock) -> None:
    start = esign_clock()
    esign_clock.travel(days=3)
    assert (esign_pki.now - start).days == 3 and esign_clock.now == esign_clock()


def test_the_clock_was_set_back(esign_pki) -> None:
    assert f"{esign_pki.now:%Y-%m-%dT%H:%M:%SZ}" == "2026-11-01T12:00:00Z"


def test_http_serves_what_the_certificates_name(esign_http) -> None:
    pki = esign_http.pki
    person = pki.person()
    certificate = person.certificate
    status, kind, body = _ask(certificate.crl_urls[0])
    assert (status, kind) == (200, "application/pkix-crl")
    assert body == pki.crl()
    assert _ask(certificate.issuer_urls[0])[2] == pki.issuing.certificate.der
    question = ocsp.build_request([ocsp.certificate_id(pki.issuing.certificate, person.serial)])
    by_post = _ask(certificate.ocsp_urls[0], question)[2]
    from base64 import b64encode

    by_get = _ask(f"{certificate.ocsp_urls[0]}/{quote(b64encode(question), safe='')}")[2]
    assert by_post == by_get
    answer = x509_ocsp.load_der_ocsp_response(by_post)
    assert answer.certificate_status is x509_ocsp.OCSPCertStatus.GOOD
    assert _ask(esign_http.url + "/nothing")[0] == 404
    assert _ask(pki.tsa.url, b"nonsense")[1] == "application/timestamp-reply"
    assert len(esign_http.requests) == 6
    assert len(x509.load_der_x509_crl(body)) == 0
