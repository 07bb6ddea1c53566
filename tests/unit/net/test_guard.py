from __future__ import annotations

import threading
import time
from ipaddress import ip_address

import pytest

from esign_kit.errors import EvidenceError
from esign_kit.net.guard import Guard, refusal, split_url


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.88.99.1", "198.18.0.1",
        "198.51.100.7", "203.0.113.9", "192.0.2.1", "224.0.0.1", "224.0.1.1", "239.255.255.250",
        "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "ff0e::1", "fec0::1",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "::127.0.0.1", "::8.8.8.8",
        "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:2::808:808",
        "2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:0:4136:e378::", "2001:db8::1",
        "100::1", "2a00:1450:4001::5efe:127.0.0.1", "2a00:1450:4001:0:200:5efe:7f00:1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(text: str) -> None:
    assert refusal(ip_address(text)) != ""


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2a00:1450:4001:80b::200e", "2606:4700::1111"]
)
def test_public_addresses_pass(text: str) -> None:
    assert refusal(ip_address(text)) == ""


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01", "0", "1",
        "00000000000000000000000000000000017700000001", "127.0.0.1.", "0x7f.0x0.0x0.0x1",
        "4294967296", "0x",
    ],
)  # fmt: skip
def test_disguised_addresses_are_refused_before_anything_is_resolved(host: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        split_url(f"http://{host}/x")
    assert caught.value.code == "fetch.host"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.test/x", "fetch.scheme"),
        ("file:///etc/passwd", "fetch.scheme"),
        ("ldap://example.test/cn=x", "fetch.scheme"),
        ("gopher://example.test", "fetch.scheme"),
        ("//example.test/x", "fetch.scheme"),
        ("", "fetch.scheme"),
        ("http://", "fetch.url"),
        ("http:///x", "fetch.url"),
        ("http://user@example.test/", "fetch.url"),
        ("http://user:word@example.test/", "fetch.url"),
        ("http://@example.test/", "fetch.url"),
        ("http://example.test:0/", "fetch.url"),
        ("http://example.test:99999/", "fetch.url"),
        ("http://example.test:x/", "fetch.url"),
        ("http://[::1/", "fetch.url"),
        ("http://example.test/\r\nHost: other", "fetch.url"),
        ("http://example.test/\x00", "fetch.url"),
        ("http://" + "a" * 3000, "fetch.url"),
        ("http://exa mple.test/", "fetch.host"),
        ("http://example..test/", "fetch.host"),
        ("http://example.test/\ud800", "fetch.url"),
        ("http://[fe80::1%25eth0]/", "fetch.host"),
        ("http://[2606:4700::1111%x y]/", "fetch.host"),
        ("http://ex%61mple.test/", "fetch.host"),
        ("http://example.test\\@other.test/", "fetch.url"),
        ("http://" + "é" * 300 + ".test/", "fetch.host"),
    ],
)
def test_malformed_urls(url: str, code: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        split_url(url)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "host",
    [
        "１２７.０.０.１",
        "127。0。0。1",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "0.0.0.0",
        "[::]",
    ],
)
def test_other_spellings_of_an_address_are_judged_as_that_address(host: str) -> None:
    target = split_url(f"http://{host}/")
    with pytest.raises(EvidenceError) as caught:
        Guard().check_host(target.host)
    assert caught.value.code == "fetch.address"


def test_a_closed_network_behind_a_proxy_counts_names_only() -> None:
    """The proxy resolves: that some network is allowed says nothing about a name."""
    guard = Guard.of(hosts=["ocsp.inside.test"], networks=["10.1.0.0/16"], only_listed=True)
    guard.check_proxied("ocsp.inside.test")
    guard.check_proxied("10.1.2.3")
    for host in ("public.test", "10.2.0.1"):
        with pytest.raises(EvidenceError) as caught:
            guard.check_proxied(host)
        assert caught.value.code == "fetch.not-listed"


def test_good_urls_keep_their_parts() -> None:
    target = split_url("HTTP://Crl.Example.TEST:8080/a b/c.crl?x=1&y=2#part")
    assert target == ("http", "crl.example.test", 8080, "/a%20b/c.crl?x=1&y=2")
    assert target.authority == "crl.example.test:8080"
    assert split_url("https://[2A00:1450::1]/").authority == "[2a00:1450::1]"
    assert split_url("http://пример.test/").host == "xn--e1afmkfd.test"


def test_one_bad_address_among_good_ones_is_enough_to_refuse() -> None:
    guard = Guard.of(resolve=lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(EvidenceError) as caught:
        guard.addresses("rebinding.test", 80, 1)
    assert caught.value.code == "fetch.address"


def test_a_private_responder_is_reached_when_it_is_allowed_by_name_or_network() -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["10.1.2.3"]

    for guard in (
        Guard.of(hosts=["OCSP.inside.test"], resolve=resolve),
        Guard.of(hosts=["*.inside.test"], resolve=resolve),
        Guard.of(networks=["10.1.0.0/16"], resolve=resolve),
    ):
        guard.check_host("ocsp.inside.test")
        assert guard.addresses("ocsp.inside.test", 80, 1) == ("10.1.2.3",)
    with pytest.raises(EvidenceError):
        Guard.of(hosts=["*.inside.test"], resolve=resolve).addresses("inside.test", 80, 1)
    with pytest.raises(EvidenceError):
        Guard.of(networks=["10.2.0.0/16"], resolve=resolve).addresses("x.test", 80, 1)


def test_a_closed_network_reaches_nothing_else() -> None:
    guard = Guard.of(hosts=["ocsp.inside.test"], only_listed=True, resolve=lambda h, p: ["8.8.8.8"])
    guard.check_host("ocsp.inside.test")
    for host in ("public.test", "8.8.8.8", "evil-ocsp.inside.test"):
        with pytest.raises(EvidenceError) as caught:
            guard.check_host(host)
        assert caught.value.code == "fetch.not-listed"


def test_a_resolver_that_hangs_does_not_hang_us() -> None:
    guard = Guard.of(resolve=lambda host, port: time.sleep(3) or [])
    begin = time.monotonic()
    with pytest.raises(EvidenceError) as caught:
        guard.addresses("slow.test", 80, 0.2)
    assert caught.value.code == "fetch.timeout"
    assert time.monotonic() - begin < 1.5


def test_slow_names_keep_so_many_threads_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from esign_kit.net import guard as module

    monkeypatch.setattr(module, "_turns", threading.BoundedSemaphore(3))
    go_on = threading.Event()
    waiting: list[str] = []

    def slow(host: str, port: int) -> list[str]:
        waiting.append(host)
        go_on.wait(5)
        return ["8.8.8.8"]

    guard = Guard.of(resolve=slow)
    for number in range(6):
        with pytest.raises(EvidenceError) as caught:
            guard.addresses(f"{number}.test", 80, 0.02)
        assert caught.value.code == "fetch.timeout"
    assert waiting == ["0.test", "1.test", "2.test"]
    go_on.set()
    assert guard.addresses("good.test", 80, 2) == ("8.8.8.8",)


def test_what_does_not_resolve() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    for resolve in (fails, lambda host, port: [], lambda host, port: ["not an address"]):
        with pytest.raises(EvidenceError) as caught:
            Guard.of(resolve=resolve).addresses("gone.test", 80, 1)
        assert caught.value.code == "fetch.dns"
