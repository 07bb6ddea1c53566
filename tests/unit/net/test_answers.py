"""The wrappings in which servers send certificates and CRLs, and where certificates point."""

from __future__ import annotations

from binascii import b2a_base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from esign_kit.asn1.reader import OCTET_STRING, SEQUENCE, SET, encode, encode_integer, encode_oid
from esign_kit.errors import EvidenceError, InputError
from esign_kit.model.evidence import Evidence, FetchPurpose, FetchRequest, FetchResponse
from esign_kit.net import CachingFetcher, MemoryCache, gather
from esign_kit.net.addresses import (
    crl_urls,
    delta_urls,
    issuer_urls,
    nonce_of,
    ocsp_urls,
    unwrapped,
)
from esign_kit.net.authentic import signed_by
from esign_kit.net.issuers import Budget, issuers_among, read_certificates
from esign_kit.testing.pki import FixturePKI
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.trust.store import TrustStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.asn1.certificate import Certificate


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI()


def pem(label: str, der: bytes) -> bytes:
    return (
        f"-----BEGIN {label}-----\n".encode()
        + b2a_base64(der)
        + f"-----END {label}-----\n".encode()
    )


def bag(*certificates: bytes) -> bytes:
    """Certificates in PKCS#7 without a signer, as many authorities publish them."""
    body = encode(
        SEQUENCE,
        encode_integer(1),
        encode(SET),
        encode(SEQUENCE, encode_oid("1.2.840.113549.1.7.1")),
        encode(0xA0, *certificates),
        encode(SET),
    )
    return encode(SEQUENCE, encode_oid("1.2.840.113549.1.7.2"), encode(0xA0, body))


WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "der": lambda der: der,
    "pem": lambda der: pem("CERTIFICATE", der),
    "base64": lambda der: b2a_base64(der),
    "bag": bag,
    "bag in pem": lambda der: pem("PKCS7", bag(der)),
    "bag with others": lambda der: bag(FixturePKI(seed="o").root.certificate.der, der),
    "pem with a remark": lambda der: b"Subject: CN=x\n" + pem("CERTIFICATE", der),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_issuers_in_every_wrapping(pki: FixturePKI, wrapping: str) -> None:
    issuing = pki.issuing.certificate
    found = read_certificates(WRAPPINGS[wrapping](issuing.der))
    assert issuing in found

    class Wrapped:
        def fetch(self, request: FetchRequest) -> FetchResponse:
            answer = pki.fetch(request)
            body = answer.body
            if request.purpose is FetchPurpose.AIA:
                body = WRAPPINGS[wrapping](body)
            return FetchResponse(request, body)

    gathered = gather(
        [pki.person().certificate],
        trust=TrustStore([pki.root.certificate]),
        evidence=Evidence(),
        at=pki.now,
        policy=ValidationPolicy(),
        fetcher=Wrapped(),
    )
    assert gathered.certificates == (issuing.der,)
    assert gathered.failures == ()


@pytest.mark.parametrize(
    "rubbish", [b"", b"\x30\x00", b"<html>", pem("PKCS7", b"\x30"), b"-----BEGIN X"]
)
def test_what_holds_no_certificate(rubbish: bytes) -> None:
    with pytest.raises(InputError):
        read_certificates(rubbish)


@pytest.mark.parametrize("wrapping", ["der", "pem", "base64"])
def test_crls_in_every_wrapping(pki: FixturePKI, wrapping: str) -> None:
    crl = pki.crl()
    wrapped = {"der": crl, "pem": pem("X509 CRL", crl), "base64": b2a_base64(crl)}[wrapping]
    assert unwrapped(wrapped) == crl


def test_what_is_no_crl_stays_as_it_is() -> None:
    for rubbish in (b"", b"\xff\xfe", b"-----BEGIN nothing"):
        assert unwrapped(rubbish) in (rubbish, b"")


def _with(pki: FixturePKI, oid: str, value: bytes) -> Certificate:
    extension = encode(SEQUENCE, encode_oid(oid), encode(OCTET_STRING, value))
    return pki.issue("person", extensions=[extension]).certificate


def _points(*urls: bytes) -> bytes:
    names = b"".join(encode(0x86, url) for url in urls)
    point = encode(SEQUENCE, encode(0xA0, encode(0xA0, names)))
    return encode(SEQUENCE, point)


def test_addresses_of_a_certificate(pki: FixturePKI) -> None:
    certificate = pki.person().certificate
    assert ocsp_urls(certificate) == (pki.base_url + "/ocsp/issuing",)
    assert crl_urls(certificate) == (pki.base_url + "/crl/issuing.crl",)
    assert issuer_urls(certificate) == (pki.base_url + "/aia/issuing.crt",)
    assert delta_urls(certificate) == ()


def test_deltas_and_addresses_that_are_passed_over(pki: FixturePKI) -> None:
    urls = [
        b"ldap://x/cn=y",
        b"HTTP://x/1",
        b"http://x/2",
        b"http://x/2",
        b"file:///x",
        b"https://x/3",
    ]
    found = delta_urls(_with(pki, "2.5.29.46", _points(*urls, b"http://x/4")))
    assert found == ("HTTP://x/1", "http://x/2", "https://x/3")
    assert delta_urls(_with(pki, "2.5.29.46", b"\x30\x03rubbish")) == ()
    assert delta_urls(_with(pki, "2.5.29.46", _points())) == ()


class NoOcsp:
    """A country whose responders are down; it serves a delta beside the CRL."""

    def __init__(self, pki: FixturePKI, delta: bytes) -> None:
        self.pki = pki
        self.delta = delta
        self.asked: list[str] = []

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.append(request.url.rsplit("/", 1)[1])
        if request.url.endswith("?delta"):
            return FetchResponse(request, self.delta)
        if request.purpose is FetchPurpose.OCSP:
            raise EvidenceError("down")
        return self.pki.fetch(request)


def test_a_delta_is_fetched_beside_its_base_and_remembered(pki: FixturePKI) -> None:
    """A base that says good may be corrected by its delta: both are handed to the judge."""
    value = _points(pki.base_url.encode() + b"/crl/issuing.crl?delta")
    certificate = _with(pki, "2.5.29.46", value)
    # Whether it is a delta, and fits its base, is for the judge to say; not for the one who asks.
    network = NoOcsp(pki, pem("X509 CRL", pki.crl(at=pki.now - timedelta(minutes=5))))
    cache = MemoryCache(clock=lambda: pki.now.timestamp())

    def collect() -> Evidence:
        network.asked.clear()
        return gather(
            [certificate, pki.issuing.certificate],
            trust=TrustStore([pki.root.certificate]),
            evidence=Evidence(),
            at=pki.now,
            policy=ValidationPolicy(),
            fetcher=CachingFetcher(network, cache),
        )

    first = collect()
    assert network.asked == ["issuing", "issuing.crl", "issuing.crl?delta", "root", "root.crl"]
    assert len(first.crls) == 3
    again = collect()
    assert network.asked == ["issuing", "root"]
    assert set(again.crls) == set(first.crls)
    stranger = FixturePKI(seed="stranger").crl()
    for wrong in (stranger, b"rubbish", pki.crl(pki.root)):
        network.delta, cache = wrong, MemoryCache(clock=lambda: pki.now.timestamp())
        found = collect()
        assert len(found.crls) == 2
        assert any("delta" in failure.detail for failure in found.failures)


def test_who_issued_whom(pki: FixturePKI) -> None:
    leaf, issuing, root = pki.person().certificate, pki.issuing.certificate, pki.root.certificate
    twin = FixturePKI(seed="twin").issuing.certificate
    assert twin.subject == issuing.subject
    assert signed_by(leaf, issuing)
    assert signed_by(root, root)
    assert not signed_by(leaf, root)
    assert not signed_by(leaf, twin)
    assert issuers_among(leaf, [twin, root, issuing, issuing], Budget(9)) == (issuing,)
    spent = Budget(1)
    assert issuers_among(leaf, [twin, issuing], spent) == ()
    assert spent.left == 0


def test_the_nonce_of_an_answer(pki: FixturePKI) -> None:
    person = pki.person()
    assert nonce_of(pki.ocsp(person, nonce=b"12345678")) == b"12345678"
    assert nonce_of(pki.ocsp(person)) is None
    assert nonce_of(b"rubbish") is None
