"""A verified time-stamp moves the question to its time (EN 319 102-1 § 5.5.4), and only so far."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.cades.maker import attribute

import esign_kit as ek
from esign_kit.asn1.reader import encode, read_all
from esign_kit.cades import oids
from esign_kit.model.signature import TimestampKind
from esign_kit.testing import FixturePKI
from esign_kit.validation import process

DAY = timedelta(days=1)
CADES, XADES = ("cades", "enveloping"), ("xades", "enveloped")


def stamped(signature: bytes, pki: FixturePKI, at: datetime) -> bytes:
    """Add a signature time-stamp of that time."""
    if signature.lstrip()[:1] == b"<":
        return _stamped_xml(signature, pki, at)
    content_info = read_all(signature).items()
    signed_data = content_info[1].items()[0].items()
    (signer,) = signed_data[-1].items()
    fields = signer.items()
    token = pki.tsa.timestamp(fields[-1].contents, at=at)
    unsigned = encode(0xA1, attribute(oids.SIGNATURE_TIMESTAMP, token))
    changed = encode(0x30, *[field.raw for field in fields], unsigned)
    body = encode(0x30, *[item.raw for item in signed_data[:-1]], encode(0x31, changed))
    return encode(0x30, content_info[0].raw, encode(0xA0, body))


def _stamped_xml(signature: bytes, pki: FixturePKI, at: datetime) -> bytes:
    from lxml import etree

    tree = etree.fromstring(signature)
    value = tree.find(".//{http://www.w3.org/2000/09/xmldsig#}SignatureValue")
    canonical = etree.tostring(value, method="c14n", exclusive=True)
    token = base64.b64encode(pki.tsa.timestamp(canonical, at=at)).decode()
    space = "http://uri.etsi.org/01903/v1.3.2#"
    properties = tree.find(f".//{{{space}}}QualifyingProperties")
    unsigned = etree.SubElement(properties, f"{{{space}}}UnsignedProperties")
    unsigned = etree.SubElement(unsigned, f"{{{space}}}UnsignedSignatureProperties")
    stamp = etree.SubElement(unsigned, f"{{{space}}}SignatureTimeStamp")
    method = etree.SubElement(stamp, "{http://www.w3.org/2000/09/xmldsig#}CanonicalizationMethod")
    method.set("Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#")
    etree.SubElement(stamp, f"{{{space}}}EncapsulatedTimeStamp").text = token
    return etree.tostring(tree)


class Case:
    """A signature of day 0 whose certificate ends after ten days, looked at on day 20."""

    def __init__(self, kind: tuple[str, str] = CADES, *, until: float = 10, **details: Any) -> None:
        self.pki = FixturePKI()
        self.other = FixturePKI(seed="time-stamps of another authority")
        self.start = self.pki.now
        self.person = self.pki.person(valid_until=self.start + until * DAY, **details)
        data = b"<form/>" if kind is XADES else b"an application"
        self.signature = self.person.sign(data, format=kind[0], packaging=kind[1])

    def stamp(self, day: float = 1) -> Case:
        self.signature = stamped(self.signature, self.other, self.start + day * DAY)
        return self

    def evidence(self, *days: float) -> tuple[bytes, ...]:
        return tuple(item for day in days for item in self.pki.evidence(at=self.start + day * DAY))

    def verify(
        self, *days: float, at: float = 20, more: tuple[bytes, ...] = (), **policy: Any
    ) -> tuple[ek.Indication, ek.SubIndication | None]:
        # The root's own list is of today; what is about the signer is of the days given.
        now = self.start + at * DAY
        own = (*self.evidence(*days), self.pki.root.crl(at=now))
        evidence = (*own, *self.other.evidence(at=now), *more)
        report = ek.verify(
            self.signature,
            trust=self.pki.trust | self.other.trust,
            evidence=evidence,
            at=now,
            policy=ek.ValidationPolicy().with_(**policy),
        )
        self.report = report.only
        return self.report.indication, self.report.sub_indication


PASSED = (ek.Indication.TOTAL_PASSED, None)


def open_(name: str) -> tuple[ek.Indication, ek.SubIndication]:
    return ek.Indication.INDETERMINATE, ek.SubIndication[name]


@pytest.mark.parametrize("kind", [CADES, XADES])
def test_an_expired_certificate_passes_as_of_the_time_stamp(kind) -> None:
    case = Case(kind).stamp(1)
    assert case.verify(2) == PASSED
    assert case.report.best_signature_time == case.start + DAY
    # Without evidence that covers the time of the stamp nothing is known.
    assert case.verify() == open_("TRY_LATER")


def test_without_a_stamp_it_is_out_of_bounds() -> None:
    indication, sub = Case().verify(2)
    assert indication is ek.Indication.INDETERMINATE
    assert "OUT_OF_BOUNDS" in sub


def test_a_stamp_from_after_the_end_proves_nothing_useful() -> None:
    case = Case().stamp(11)
    assert case.verify(2)[0] is ek.Indication.INDETERMINATE
    assert case.verify(2, 12)[0] is ek.Indication.INDETERMINATE


@pytest.mark.parametrize("kind", [CADES, XADES])
@pytest.mark.parametrize(("revoked", "good"), [(3, True), (0.5, False), (1, False)])
@pytest.mark.parametrize("until", [10, 300])
def test_revoked_after_or_before_the_stamp(kind, revoked: float, good: bool, until: int) -> None:
    case = Case(kind, until=until).stamp(1)
    case.pki.revoke(case.person, at=case.start + revoked * DAY)
    days = (4,) if until == 10 else (4, 19)
    assert (case.verify(*days) == PASSED) is good
    if not good:
        assert case.report.sub_indication == "REVOKED_NO_POE"
    else:
        check = case.report.check("revocation")
        assert check.code == "revocation.later"
        assert "Alex Example was revoked on 2026-11-04 12:00 UTC, keyCompromise" in check.detail


def test_a_stamp_that_is_not_trusted_moves_nothing() -> None:
    case = Case().stamp(1)
    case.other = FixturePKI(seed="trusted in place of the one that stamped")
    assert case.verify(2)[0] is ek.Indication.INDETERMINATE
    assert case.report.best_signature_time == case.report.at


def test_a_stamp_over_the_content_proves_nothing_about_the_signature() -> None:
    """It is older than the signature, so that it would make an expired signer good."""
    case = Case().stamp(1)
    assert case.verify(2) == PASSED
    (stamp,) = case.report.timestamps
    value = case.report.check("signature-value")
    for kind in TimestampKind:
        best = process._best_signature_time(
            (replace(stamp, kind=str(kind)),), case.report.at, value
        )
        over_the_value = kind in ("SIGNATURE", "SIGNATURE_AND_REFERENCES", "ARCHIVE")
        assert (best == stamp.time) is over_the_value
    broken = replace(value, status=ek.CheckStatus.FAILED)
    assert process._best_signature_time((stamp,), case.report.at, broken) == case.report.at


@pytest.mark.parametrize(("begins", "good"), [(1, True), (1 + 1 / 1440, True), (1.1, False)])
def test_a_signature_older_than_its_certificate_is_refused(begins: float, good: bool) -> None:
    """A minute is a difference of clocks, hours are a contradiction."""
    case = Case(valid_from=FixturePKI().now + begins * DAY, until=300).stamp(1)
    expected = PASSED if good else (ek.Indication.TOTAL_FAILED, ek.SubIndication.NOT_YET_VALID)
    assert case.verify(19) == expected
    # Dates that nobody vouches for contradict nothing.
    case.pki = FixturePKI(seed="another country")
    assert case.verify(19) == open_("NO_CERTIFICATE_CHAIN_FOUND")


# ── the authority that speaks about the signer has ended since ────────────────────────────────


@pytest.mark.parametrize(
    ("reason", "revoked", "said", "good"),
    [
        # In good order: what it said before counts by its own date.
        ("superseded", 5, 4, True),
        ("cessationOfOperation", 5, 4, True),
        ("superseded", 5, 5, False),
        ("superseded", 5, 19, False),
        ("superseded", 0.5, 0.4, False),
        # Somebody else may have its key, and write any date.
        ("keyCompromise", 5, 4, False),
        ("cACompromise", 5, 4, False),
        (None, 5, 4, False),
    ],
)
def test_a_ca_that_was_revoked_after_the_stamp(reason, revoked, said, good) -> None:
    case = Case(until=300).stamp(1)
    case.pki.revoke(case.pki.issuing, at=case.start + revoked * DAY, reason=reason)
    assert case.verify(said) == (PASSED if good else open_("REVOKED_CA_NO_POE"))


def test_a_list_forged_with_the_stolen_key_of_a_ca_hides_no_revocation() -> None:
    case = Case(until=300).stamp(1)
    forged = tuple(case.pki.crl(at=case.start + day * DAY) for day in (2, 19))
    case.pki.revoke(case.person, at=case.start + 0.5 * DAY)
    case.pki.revoke(case.pki.issuing, at=case.start + 5 * DAY)
    for item in forged:
        assert case.verify(more=(item,)) == open_("REVOKED_CA_NO_POE")


def _below(case: Case, *ends: float) -> list[Any]:
    """Put authorities that end after so many days between the root and the signer."""
    found = [case.pki.root]
    for number, end in enumerate(ends):
        found.append(
            case.pki.authority(f"ca {number}", issuer=found[-1], valid_until=case.start + end * DAY)
        )
    case.person = case.pki.person(issuer=found[-1], valid_until=case.start + 300 * DAY)
    case.signature = case.person.sign(b"an application")
    case.stamp(1)
    return found


def test_what_a_ca_says_after_it_expired_does_not_count() -> None:
    case = Case()
    top, ca = _below(case, 10)
    early, late = (ca.crl(at=case.start + day * DAY) for day in (4, 15))
    above = top.crl(at=case.start + 4 * DAY)
    assert case.verify(more=(above, early)) == PASSED
    assert case.verify(more=(above, early, late)) == PASSED
    assert case.verify(more=(above, late)) == open_("REVOCATION_OUT_OF_BOUNDS_NO_POE")
    answers = (case.pki.ocsp(case.person, at=case.start + day * DAY) for day in (4, 15))
    for answer, expected in zip(
        answers, (PASSED, open_("REVOCATION_OUT_OF_BOUNDS_NO_POE")), strict=True
    ):
        assert case.verify(more=(above, answer)) == expected


def test_nor_does_what_others_say_after_the_ca_above_them_expired() -> None:
    case = Case()
    top, upper, ca = _below(case, 10, 300)
    early, late = (ca.crl(at=case.start + day * DAY) for day in (4, 15))
    above = tuple(a.crl(at=case.start + 4 * DAY) for a in (top, upper))
    assert case.verify(more=(*above, early)) == PASSED
    assert case.verify(more=(*above, late)) == open_("REVOCATION_OUT_OF_BOUNDS_NO_POE")
