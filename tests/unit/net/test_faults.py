"""Bad days, end to end: whatever the network does, never a pass, never a crash, never a hang."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import esign_kit as ek
from esign_kit.model.limits import Limits
from esign_kit.net import CachingFetcher, Guard, HttpFetcher, MemoryCache, SqliteCache
from esign_kit.testing.pki import FixturePKI
from tests.unit.net.loopback import Loopback, http

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

HERE = Guard.of(networks=["127.0.0.0/8"])
POLICY = ek.ValidationPolicy(limits=Limits(fetch_seconds=1.5, ocsp_size=64_000, crl_size=256_000))


class Portal:
    """A country on loopback, a signature, and what the portal knows: the root."""

    def __init__(self, serve: Callable[..., Loopback]) -> None:
        self.bend: Callable[[socket.socket, str, bytes], None] | None = None
        self.server = serve(self._answer)
        now = datetime.now(UTC).replace(microsecond=0)
        self.pki = FixturePKI(at=now, base_url=self.server.url)
        self.trust = ek.TrustStore([self.pki.root.certificate])
        self.person = self.pki.person()
        self.signed = self.person.sign(b"an application", include_chain=False)

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        path = head.split(b" ")[1].decode("ascii")
        if self.bend is not None and not path.startswith("/aia/"):
            self.bend(connection, path, body)
            return
        found = self.pki.serve(path, body or None)
        connection.sendall(http(found[0]) if found else http(b"", status="404 Gone"))

    def verify(self, fetcher: Any = None, **options: Any) -> ek.VerificationReport:
        fetcher = fetcher or HttpFetcher(guard=HERE, limits=POLICY.limits)
        options.setdefault("policy", POLICY)
        options.setdefault("at", self.pki.now)
        return ek.verify(self.signed, trust=self.trust, fetcher=fetcher, **options)


@pytest.fixture
def portal(serve: Callable[..., Loopback]) -> Portal:
    return Portal(serve)


def test_a_good_day(portal: Portal) -> None:
    report = portal.verify()
    assert report.indication is ek.Indication.TOTAL_PASSED
    assert len(portal.server.requests) == 3


def test_offline_is_the_default_and_touches_nothing(portal: Portal) -> None:
    report = ek.verify(portal.signed, trust=portal.trust, at=portal.pki.now)
    assert report.indication is ek.Indication.INDETERMINATE
    assert portal.server.requests == []


def test_a_revoked_signer_is_found(portal: Portal) -> None:
    portal.pki.revoke(portal.person, at="2020-01-01T00:00:00Z")
    assert portal.verify().indication is not ek.Indication.TOTAL_PASSED


def test_a_nonce_on_demand(portal: Portal, tmp_path: Path) -> None:
    inner = HttpFetcher(guard=HERE, limits=POLICY.limits, ocsp_nonce=True)
    fetcher = CachingFetcher(inner, SqliteCache(tmp_path / "cache.db"))
    for _ in range(2):
        assert portal.verify(fetcher).indication is ek.Indication.TOTAL_PASSED
    # Issuers come from the cache the second time, answers never do.
    asked = [request.split(b" ")[1].split(b"/")[1] for request in portal.server.requests]
    assert asked == [b"aia", b"ocsp", b"ocsp", b"ocsp", b"ocsp"]
    old = portal.pki.ocsp(portal.person)
    portal.bend = lambda connection, path, body: connection.sendall(http(old))
    assert portal.verify(fetcher).indication is ek.Indication.INDETERMINATE


@pytest.mark.parametrize("digest", ["SHA1", "SHA256"])
def test_the_digest_that_names_the_certificate(portal: Portal, digest: str) -> None:
    from esign_kit.algorithms import digest_algorithm

    inner = HttpFetcher(guard=HERE, limits=POLICY.limits, ocsp_digest=digest)
    fetcher = CachingFetcher(inner, MemoryCache())
    assert portal.verify(fetcher).indication is ek.Indication.TOTAL_PASSED
    name = digest_algorithm(digest).hash(portal.person.certificate.issuer)
    assert name in portal.server.requests[1]


def _slow(connection: socket.socket, path: str, body: bytes) -> None:
    time.sleep(3)


def _dripping(connection: socket.socket, path: str, body: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(60):
        connection.sendall(b"0")
        time.sleep(0.05)


def _endless(connection: socket.socket, path: str, body: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(1 << 14):
        connection.sendall(b"\x30\x80" * 32768)


def _says(data: bytes) -> Callable[[socket.socket, str, bytes], None]:
    return lambda connection, path, body: connection.sendall(data)


FAULTS: dict[str, Callable[[socket.socket, str, bytes], None]] = {
    "slow": _slow,
    "dripping": _dripping,
    "a gigabyte": _endless,
    "a gigabyte announced": _says(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n\x30"),
    "cut": _says(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n\x30\x82\x03\x00"),
    "nothing": _says(b""),
    "an error": _says(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
    "a page": _says(http(b"<html>please sign in</html>")),
    "an empty answer": _says(http(b"")),
    "try later": _says(http(b"\x30\x03\x0a\x01\x03")),
    "nesting": _says(http(b"\x30\x80" * 20_000)),
    "zeros": _says(http(bytes(50_000))),
    "another host": _says(
        b"HTTP/1.1 302 Away\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    ),
    "another protocol": _says(b"SSH-2.0-OpenSSH_9.2\r\n"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_makes_anything_pass(portal: Portal, fault: str, tmp_path: Path) -> None:
    portal.bend = FAULTS[fault]
    cache = SqliteCache(tmp_path / "cache.db")
    fetcher = CachingFetcher(HttpFetcher(guard=HERE, limits=POLICY.limits), cache)
    begin = time.monotonic()
    report = portal.verify(fetcher)
    assert time.monotonic() - begin < 4
    assert report.indication is ek.Indication.INDETERMINATE
    assert report.sub_indication is ek.SubIndication.TRY_LATER
    check = report.only.check("revocation")
    assert f"asked in vain: {portal.server.url}/ocsp/" in check.detail
    assert check.hint.startswith("try again later")
    # Nothing of it was remembered: the next day everything is as it should be.
    portal.bend = None
    assert portal.verify(fetcher).indication is ek.Indication.TOTAL_PASSED
    cache.close()


def test_the_responder_is_down(portal: Portal) -> None:
    portal.server.close()
    assert portal.verify().indication is ek.Indication.INDETERMINATE


def test_a_good_entry_survives_bad_days(portal: Portal, tmp_path: Path) -> None:
    cache = SqliteCache(tmp_path / "cache.db")
    fetcher = CachingFetcher(HttpFetcher(guard=HERE, limits=POLICY.limits), cache)
    assert portal.verify(fetcher).indication is ek.Indication.TOTAL_PASSED
    portal.bend = FAULTS["a page"]
    asked = len(portal.server.requests)
    assert portal.verify(fetcher).indication is ek.Indication.TOTAL_PASSED
    assert len(portal.server.requests) == asked
    portal.server.close()
    again = CachingFetcher(HttpFetcher(guard=HERE), SqliteCache(tmp_path / "cache.db"))
    assert portal.verify(again).indication is ek.Indication.TOTAL_PASSED
    cache.close()


def test_private_addresses_in_certificates_are_not_followed(tripwire: Loopback) -> None:
    pki = FixturePKI(base_url=tripwire.url)
    signed = pki.person().sign(b"x", include_chain=False)
    report = ek.verify(
        signed,
        trust=ek.TrustStore([pki.root.certificate]),
        fetcher=HttpFetcher(seconds=2),
        at=pki.now,
    )
    assert report.indication is ek.Indication.INDETERMINATE


def test_external_references_of_a_file_are_never_fetched(tripwire: Loopback) -> None:
    """Even with a fetcher: what a signature refers to is handed over, or is not there."""
    pki = FixturePKI()
    signed = pki.person().sign(b"<a/>", format="xades")
    place = tripwire.url.encode()
    for old, new in (
        (b'URI=""', b'URI="' + place + b'/x.xml"'),
        (
            b"<ds:X509Data>",
            b'<ds:RetrievalMethod URI="' + place + b'/k"/><ds:X509Data>',
        ),
        (b"<a>", b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="'
         + place + b'/i"/>'),
        (b"<a>", b'<a xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:schemaLocation="u '
         + place + b'/s">'),
    ):  # fmt: skip
        assert old in signed
        report = ek.verify(
            signed.replace(old, new, 1),
            trust=pki.trust,
            fetcher=HttpFetcher(guard=HERE, seconds=2),
            at=pki.now,
        )
        assert report.indication is not ek.Indication.TOTAL_PASSED
    doctype = b'<!DOCTYPE a SYSTEM "' + place + b'/d.dtd">' + signed
    with pytest.raises(ek.InputError):
        ek.verify(doctype, trust=pki.trust, fetcher=HttpFetcher(guard=HERE), at=pki.now)


def test_the_whole_job_has_one_deadline(portal: Portal) -> None:
    portal.bend = _slow
    people = [portal.pki.person().certificate for _ in range(6)]
    begin = time.monotonic()
    report = portal.verify(certificates=people)
    assert time.monotonic() - begin < 4
    assert report.indication is ek.Indication.INDETERMINATE
