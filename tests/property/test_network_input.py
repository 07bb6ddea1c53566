"""Whatever stands in a certificate, an answer or a list: our own errors, and nothing else."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.tsp import TimestampToken, is_response, is_token
from esign_kit.asn1.tsp_exchange import TimestampResponse
from esign_kit.errors import EvidenceError, InputError
from esign_kit.model.evidence import Evidence
from esign_kit.model.limits import Limits
from esign_kit.model.report import Indication
from esign_kit.model.signature import ParsedTimestamp, TimestampKind
from esign_kit.net import gather
from esign_kit.net.guard import refusal, split_url
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.trustlist import ListedService, ListScheme
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.trust.store import TrustStore
from esign_kit.trustlist import verify_list
from esign_kit.trustlist.read import read_list
from esign_kit.validation.timestamps import check_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

PKI = FixturePKI()
TOKEN = PKI.tsa.timestamp(b"data", nonce=7)
RESPONSE = PKI.tsa.respond
SCHEME = ListScheme(PKI)
SCHEME.add("XX", [ListedService.of(PKI.issuing.certificate)])
LIST = SCHEME.files[SCHEME.lists["XX"].url]
SIGNERS = (SCHEME.lists["XX"].signer.certificate,)
POLICY = ValidationPolicy()


def mutations(data: bytes) -> st.SearchStrategy[bytes]:
    """Octets with a few places changed, cut, doubled or put in."""
    place = st.integers(0, len(data) - 1)

    def apply(steps: list[tuple[int, int, bytes]]) -> bytes:
        found = data
        for start, size, new in steps:
            found = found[:start] + new + found[start + size :]
        return found

    step = st.tuples(place, st.integers(0, 8), st.binary(max_size=8))
    return st.lists(step, min_size=1, max_size=3).map(apply)


@settings(max_examples=300, deadline=None)
@given(mutations(TOKEN))
def test_a_mutated_token_is_a_report(data: bytes) -> None:
    is_token(data)
    is_response(data)
    stamp = ParsedTimestamp(kind=TimestampKind.CONTENT, token=data, imprint=lambda: b"data")
    report = check_timestamp(
        stamp, trust=PKI.trust, helpers=(), evidence=Evidence(), at=PKI.now, policy=POLICY
    )
    if report.indication is Indication.TOTAL_PASSED:
        # Only what no signature covers was touched.
        view = TimestampToken.load(data)
        assert view.content == TimestampToken.load(TOKEN).content
        assert report.time == PKI.now


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), mutations(TOKEN)))
def test_answers_of_authorities(data: bytes) -> None:
    for read in (TimestampResponse.load, TimestampToken.load):
        with contextlib.suppress(InputError):
            read(data)


@settings(max_examples=150, deadline=None)
@given(mutations(LIST))
def test_a_mutated_list_is_refused_or_the_same(data: bytes) -> None:
    with contextlib.suppress(InputError):
        read_list(data, Limits())
    try:
        found = verify_list(data, SIGNERS)
    except EvidenceError as error:
        assert error.code.startswith("trustlist.")
        return
    assert found == verify_list(LIST, SIGNERS)


LEAF = PKI.person().certificate.der
STORE = TrustStore([PKI.root.certificate])


@settings(max_examples=200, deadline=None)
@given(mutations(LEAF))
def test_certificates_of_any_shape_are_served_or_left_alone(data: bytes) -> None:
    try:
        certificate = Certificate(data)
    except InputError:
        return
    found = gather(
        [certificate], trust=STORE, evidence=Evidence(), at=PKI.now, policy=POLICY, fetcher=PKI
    )
    assert len(found.failures) <= POLICY.limits.fetches + 2


HOSTS = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[0-9a-fx.:\[\]%@\\/]{1,40}", fullmatch=True),
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda a: f"[{a}]"),
    st.integers(0, 2**33).map(str),
    st.integers(0, 2**33).map(hex),
)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(["http", "https", "ftp", "HTTP", ""]), HOSTS, st.text(max_size=30))
def test_any_url_is_taken_apart_or_refused(scheme: str, host: str, rest: str) -> None:
    try:
        target = split_url(f"{scheme}://{host}{rest}")
    except EvidenceError as error:
        assert error.code in ("fetch.url", "fetch.scheme", "fetch.host")
        return
    assert target.scheme in ("http", "https")
    assert 0 < target.port < 65536
    # What is sent is a request line and a Host field and nothing that could end them early.
    for part in (target.host, target.path, target.authority):
        assert part.isascii()
        assert not any(character <= " " or character == "\x7f" for character in part)
    if target.host.replace(".", "").isdigit():
        assert str(ip_address(target.host)) == target.host


@settings(max_examples=300, deadline=None)
@given(st.ip_addresses(v=4))
def test_every_disguise_of_an_address_is_refused(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    embedded: list[Callable[[int], int]] = [
        lambda n: n,
        lambda n: 0xFFFF << 32 | n,
        lambda n: 0x64FF9B << 96 | n,
        lambda n: 0x64FF9B0001 << 80 | n,
        lambda n: 0x2002 << 112 | n << 80,
        lambda n: 0x20010000 << 96 | n,
        lambda n: 0x2A001450 << 96 | 0x5EFE << 32 | n,
    ]
    for wrap in embedded:
        value = wrap(number)
        assert refusal(ip_address(value.to_bytes(16, "big"))) != ""


@pytest.mark.parametrize("network", ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7"])
def test_whole_networks_are_refused(network: str) -> None:
    from ipaddress import ip_network

    block = ip_network(network)
    for offset in (0, 1, block.num_addresses // 2, block.num_addresses - 1):
        assert refusal(block[offset]) != ""
