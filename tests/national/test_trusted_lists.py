"""Genuine trusted lists of Slovakia and Cyprus, and forgeries that were made of one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EvidenceError
from esign_kit.model.signature import Purpose
from esign_kit.testing.pki import FixturePKI
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.trustlist import anchors_of, verify_list
from esign_kit.xades import parse as xades
from tests import corpora

if TYPE_CHECKING:
    from esign_kit.trustlist import TrustList

FOLDER = ("dss", "files", "dss-xades", "validation")


def _read(name: str) -> bytes:
    return corpora.require(*FOLDER, *name.split("/")).read_bytes()


def _carried(data: bytes) -> list[Certificate]:
    """Certificates inside the file: pinning them tests everything but the pin."""
    parsed = xades.parse(data, detached=(), policy=ValidationPolicy())
    return [Certificate.load(der) for s in parsed.signatures for der in s.certificates]


def _verified(name: str, signer: str) -> TrustList:
    data = _read(name)
    pinned = [c for c in _carried(data) if c.label == signer]
    assert len(pinned) == 1
    found = verify_list(data, pinned)
    assert found.signer == pinned[0]
    return found


@pytest.mark.parametrize(
    ("name", "signer", "territory", "sequence", "services"),
    [
        ("sk-tsl.xml", "TL and Signature Policy List 6", "SK", 76, 131),
        ("xsw/original.xml", "TL and Signature Policy List 2", "SK", 45, 101),
        ("xsw/TSL-CY-sign.xml", "CY-TSL Signer1", "CY", 28, 0),
    ],
)
def test_genuine_lists(
    name: str, signer: str, territory: str, sequence: int, services: int
) -> None:
    found = _verified(name, signer)
    assert (found.version, found.territory, found.sequence) == (5, territory, sequence)
    assert len(found.services) == services
    assert not found.is_list_of_lists


def test_services_of_a_genuine_list_at_several_times() -> None:
    found = _verified("sk-tsl.xml", "TL and Signature Policy List 6")
    anchors = anchors_of(found)
    assert {p for a in anchors for p in a.purposes} >= {Purpose.SIGNING, Purpose.TIMESTAMPING}
    assert all(a.since is not None for a in anchors)

    def trusted(year: int) -> int:
        moment = datetime(year, 6, 1, tzinfo=UTC)
        return sum(a.serves(Purpose.SIGNING, moment) for a in anchors)

    assert trusted(2000) == 0
    assert trusted(2012) > 0
    assert trusted(2021) > 0
    ended = [a for a in anchors if a.until is not None]
    assert ended, "some services were withdrawn"


def test_a_critical_extension_with_qualifiers_is_read() -> None:
    """The service stays, and says which of its certificates are for seals and for web sites."""
    found = _verified("sk-tsl.xml", "TL and Signature Policy List 6")
    (anchor,) = [a for a in anchors_of(found) if a.listing.qualifications]
    assert (anchor.since, anchor.listing.service) == (
        datetime(2017, 12, 18, tzinfo=UTC), "(82) SNCA3"
    )  # fmt: skip
    pki = FixturePKI()
    person, seal = pki.person().certificate, pki.organisation().certificate
    assert [uri.rpartition("/")[2] for uri in anchor.listing.about(seal).qualifiers] == [
        "QCForESeal"
    ]
    assert anchor.listing.about(person).qualifiers == ()
    assert anchor.listing.about(seal).undecided == anchor.listing.about(person).undecided == ()


def test_another_certificate_of_the_chain_does_not_do() -> None:
    data = _read("sk-tsl.xml")
    issuer = [c for c in _carried(data) if c.label == "KCA NBU SR 3"]
    with pytest.raises(EvidenceError) as caught:
        verify_list(data, issuer)
    assert caught.value.code == "trustlist.signature"


@pytest.mark.parametrize(
    "name",
    [
        "xsw/XSW-enveloped-fake-content.xml",
        "xsw/XSW-enveloped-fake-content-misplaced.xml",
        "xsw/XSW-enveloped-fake-content-two-same-id.xml",
    ],
)
def test_wrapped_forgeries_of_a_genuine_list(name: str) -> None:
    data = _read(name)
    with pytest.raises(EvidenceError) as caught:
        verify_list(data, _carried(data))
    assert caught.value.code == "trustlist.signature"
