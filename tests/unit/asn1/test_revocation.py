"""CRL and OCSP views over their octets; search without a walk, confirmed by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, strategies as st

from esign_kit.asn1.revocation import (
    ALL_REASONS,
    Crl,
    OcspResponse,
    build_ocsp_request,
    classify,
    distribution_points,
)
from esign_kit.errors import InputError
from tests.unit.trust.making import DAY, NOW, answer, crl, issue, key, responder, root

TOP = root()


def test_fields_of_a_crl() -> None:
    leaf = issue("Leaf", TOP)
    view = Crl.load(crl(TOP, [(leaf, NOW - DAY, "key_compromise")], number=7))
    assert view.number == 7 and view.base_number is None and view.idp is None
    assert view.this_update == b"20261120120000Z" and view.next_update == b"20261122120000Z"
    (entry,) = view.find(leaf.view.serial)
    assert entry.reason == 1 and entry.revoked_at == b"20261120120000Z"
    assert view.der[view.der.index(view.tbs) :].startswith(view.tbs)
    assert len(view) == 1


def test_search_finds_what_a_walk_finds() -> None:
    """Serial numbers that stand inside each other, in dates and in extensions."""
    serials = [1, 2, 5, 127, 128, 255, 256, 0x0201, 0x020101, 0x170D, 2**63, 2**150 + 7, 0x0A0101]
    entities = [issue(f"{n}", TOP, serial=n) for n in serials]
    view = Crl.load(crl(TOP, [(e, NOW - DAY, "key_compromise") for e in entities]))
    for serial in [*serials, 3, 4, 0x0101, 0x0202, 2**62, 0x3030, 13, 10, 6]:
        assert bool(view.find(serial)) is (serial in serials), serial
    walked = {entry.serial for entry in view.entries()}
    assert walked == set(serials)


def test_an_entry_inside_an_entry_is_none() -> None:
    """An extension whose value reads as the entry of another certificate."""
    from esign_kit.asn1.reader import OCTET_STRING, SEQUENCE, UTC_TIME, encode, encode_integer

    target = issue("Target", TOP, serial=0x5566778899AABB)
    fake = encode(SEQUENCE, encode_integer(target.view.serial), encode(UTC_TIME, b"261101000000Z"))
    for size in (0, 90, 200, 70000):
        value = encode(OCTET_STRING, bytes(size) + fake)
        holder = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.9"), value)
        others = [issue(f"Other {n}", TOP) for n in range(3)]
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(77)
            .revocation_date(NOW - DAY)
            .add_extension(holder, critical=False)
            .build()
        )
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(TOP.name)
            .last_update(NOW - DAY)
            .next_update(NOW + DAY)
        )
        for other in others:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(other.view.serial)
                .revocation_date(NOW - DAY)
                .build()
            )
        builder = builder.add_revoked_certificate(entry)
        data = builder.sign(key(TOP.number), hashes.SHA256()).public_bytes(Encoding.DER)
        view = Crl.load(data)
        assert fake in data and view.find(target.view.serial) == ()
        assert view.find(77) and all(view.find(o.view.serial) for o in others)


def test_the_index_says_the_same_as_the_search() -> None:
    entities = [issue(f"{n}", TOP, serial=n * 7919 + 1) for n in range(1, 200)]
    view = Crl.load(crl(TOP, entities))
    for _ in range(100):
        assert view.find(7920) and not view.find(7921)
    assert view._index is not None


def test_serial_numbers_that_are_not_minimal() -> None:
    """A CA that pads its numbers pads them in its list too."""
    leaf = issue("Leaf", TOP, serial=0x0102)
    data = crl(TOP, [leaf])
    old, new = b"\x02\x02\x01\x02", b"\x02\x03\x00\x01\x02"
    assert data.count(old) == 1
    view = Crl.load(data)
    assert view.find(0x0102) and view.find(0x0102, (new, old))
    assert not view.find(0x0102, (new,))


def test_times_and_extensions_are_checked() -> None:
    data = crl(TOP)
    for cut in range(1, len(data), 7):
        with pytest.raises(InputError):
            Crl.load(data[:cut])
    with pytest.raises(InputError):
        Crl.load(data + b"\x00")


def test_fields_of_an_ocsp_answer() -> None:
    leaf = issue("Leaf", TOP)
    delegate = responder(TOP)
    view = OcspResponse.load(answer(leaf, TOP, by=delegate, until=None))
    (single,) = view.responses
    assert (single.status, single.next_update) == ("good", b"")
    assert view.certificates == (delegate.der,)
    assert view.responder_key and not view.responder_name
    # The inner BasicOCSPResponse, as signatures embed it, is read the same.
    position = (
        view.der.index(b"\x04\x82") if b"\x04\x82" in view.der else view.der.index(b"\x04\x81")
    )
    inner = OcspResponse.load(view.der[position + (4 if view.der[position + 1] == 0x82 else 3) :])
    assert inner.tbs == view.tbs and inner.responses == view.responses


def test_error_answers() -> None:
    assert OcspResponse.load(b"\x30\x03\x0a\x01\x03").status == "tryLater"
    assert OcspResponse.load(b"\x30\x03\x0a\x01\x06").responses == ()


def test_a_request_is_what_others_read() -> None:
    leaf = issue("Leaf", TOP)
    for digest in ("SHA1", "SHA256"):
        der = build_ocsp_request(leaf.view, TOP.view, digest=digest, nonce=b"0123456789abcdef")
        request = ocsp.load_der_ocsp_request(der)
        assert request.serial_number == leaf.view.serial
        assert request.hash_algorithm.name == digest.lower()
        assert request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == (
            b"0123456789abcdef"
        )


def test_what_is_it() -> None:
    leaf = issue("Leaf", TOP)
    given_answer = answer(leaf, TOP)
    assert classify(leaf.der) == "certificate"
    assert classify(crl(TOP)) == "crl"
    assert classify(given_answer) == "ocsp"
    assert classify(b"\x30\x03\x0a\x01\x03") == "ocsp"
    assert classify(b"") is None and classify(b"rubbish") is None
    assert classify(leaf.der[:-1]) is None


def test_distribution_points_and_reasons() -> None:
    flags = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.aa_compromise})
    point = x509.DistributionPoint(
        [x509.UniformResourceIdentifier("http://x/")], None, flags, [x509.DirectoryName(TOP.name)]
    )
    leaf = issue("Leaf", TOP, extensions=[(x509.CRLDistributionPoints([point]), False)])
    (found,) = distribution_points(leaf.view.extensions["2.5.29.31"].value)
    assert found.reasons == 0b1_0000_0010 and found.reasons & ALL_REASONS == found.reasons
    assert found.names == (b"\x86\x09http://x/",)
    assert found.issuers == (TOP.view.subject,)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_rubbish_and_changed_octets_end_in_an_input_error(data: bytes, at: int, octet: int) -> None:
    leaf = issue("Leaf", TOP, serial=99)
    for good in (crl(TOP, [leaf]), answer(leaf, TOP, this=NOW - timedelta(hours=1))):
        changed = bytearray(good)
        changed[at % len(changed)] = octet
        for item in (bytes(changed), data, good[: at % len(good)] + data):
            classify(item)
            for reader in (Crl.load, OcspResponse.load):
                try:
                    view = reader(item)
                    if isinstance(view, Crl):
                        view.find(99)
                        view.unknown_critical_entry()
                except InputError:
                    continue
