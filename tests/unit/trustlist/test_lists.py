"""Trusted lists: what is read, what is refused and why, and what stays in use meanwhile."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.errors import EvidenceError
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Purpose
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.trustlist import (
    GRANTED,
    OCSP_QC,
    QTST,
    WITHDRAWN,
    ListedService,
    ListScheme,
    list_xml,
    sign_list,
)
from esign_kit.trustlist import (
    RefreshReport,
    Selection,
    anchors_of,
    load,
    refresh,
    verify_list,
)
from esign_kit.trustlist.read import read_list
from esign_kit.trustlist.verify import check_age

if TYPE_CHECKING:
    from pathlib import Path

    from esign_kit.trustlist import TrustList

SUPERVISED = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/undersupervision"
YEAR = timedelta(days=365)


@pytest.fixture
def scheme() -> ListScheme:
    pki = FixturePKI()
    made = ListScheme(pki)
    made.add("XX", [ListedService.of(pki.issuing.certificate)])
    made.add("YY", [ListedService.of(pki.tsa.certificate, type=QTST)])
    return made


def code(scheme: ListScheme, data: bytes, signers: Any = None) -> str:
    with pytest.raises(EvidenceError) as caught:
        verify_list(data, signers if signers is not None else scheme.pinned)
    return caught.value.code


# ── one list ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", [5, 6])
def test_a_list_of_lists_is_read(version: int) -> None:
    scheme = ListScheme(FixturePKI(), version=version)
    scheme.add("XX", [])
    found = verify_list(scheme.files[scheme.url], scheme.pinned)
    assert (found.version, found.sequence, found.territory) == (version, 2, "EU")
    assert found.is_list_of_lists
    assert found.signer == scheme.pinned[0]
    assert found.next_update is not None
    assert [p.media_type for p in found.pointers] == [
        "application/vnd.etsi.tsl+xml",
        "application/vnd.etsi.tsl+xml",
        "application/pdf",
    ]
    assert found.pointers[1].territory == "XX"
    assert found.pointers[1].identity.certificates == (scheme.lists["XX"].signer.certificate,)


def test_services_and_their_history(scheme: ListScheme) -> None:
    pki = scheme.pki
    service = (
        ListedService.of(pki.issuing.certificate, since="2012-01-01T00:00:00Z")
        .then(GRANTED, "2016-07-01T00:00:00Z")
        .then(WITHDRAWN, "2024-01-01T00:00:00Z")
    )
    scheme.add("XX", [service])
    signer = scheme.lists["XX"].signer.certificate
    found = verify_list(scheme.list_file("XX"), [signer])
    (read,) = found.services
    assert [p.status for p in read.periods] == [WITHDRAWN, GRANTED, GRANTED]
    assert read.periods[1].until == datetime(2024, 1, 1, tzinfo=UTC)
    assert read.periods[1].identity.key_identifiers
    assert read.periods[1].identity.certificates == ()
    period = read.at(datetime(2020, 1, 1, tzinfo=UTC))
    assert period is not None
    assert period.status == GRANTED
    assert read.at(datetime(2000, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<TSLSequenceNumber>3<", b"<TSLSequenceNumber>9<"),
        (b"XX</SchemeTerritory>", b"YY</SchemeTerritory>"),
        (b"<SchemeInformation>", b"<!-- x --><SchemeInformation><!-- y -->"),
        (b"<SchemeInformation>", b"<SchemeInformation> "),
        (b"</TrustServiceStatusList>", b"<TrustServiceProviderList/></TrustServiceStatusList>"),
        (b'TSLTag="http', b'extra="1" TSLTag="http'),
    ],
)
def test_a_tampered_list_is_refused(scheme: ListScheme, old: bytes, new: bytes) -> None:
    data = scheme.files[scheme.url]
    assert old in data
    broken = data.replace(old, new, 1)
    if b"<!--" in new:
        # Comments are outside of what exclusive canonicalisation covers, and outside of what is
        # read: the list is the same.
        found = verify_list(broken, scheme.pinned)
        assert found == verify_list(data, scheme.pinned)
        return
    assert code(scheme, broken) == "trustlist.signature"


def test_who_may_sign(scheme: ListScheme) -> None:
    data = scheme.files[scheme.url]
    other = scheme.lists["XX"].signer
    assert code(scheme, data, [other.certificate]) == "trustlist.signature"
    assert code(scheme, data, [scheme.pki.issuing.certificate]) == "trustlist.signature"
    assert code(scheme, data, []) == "trustlist.no-signer"
    assert code(scheme, scheme.list_of_lists(signer=other)) == "trustlist.signature"
    both = [other.certificate, *scheme.pinned]
    assert verify_list(data, both).signer == scheme.pinned[0]


def test_a_pinned_certificate_does_not_vouch_for_others(scheme: ListScheme) -> None:
    """An issuer that is pinned may sign lists itself; what it issues may not."""
    issued = scheme.pki.organisation()
    data = scheme.list_of_lists(signer=issued)
    assert code(scheme, data, [scheme.pki.issuing.certificate]) == "trustlist.signature"
    assert code(scheme, data, [scheme.pki.root.certificate]) == "trustlist.signature"


def _unsigned(scheme: ListScheme) -> bytes:
    now = scheme.pki.now
    return list_xml(territory="EU", sequence=1, issued=now, next_update=now + YEAR)


def test_unsigned_partly_signed_and_twice_signed(scheme: ListScheme) -> None:
    operator = scheme.operators[0]
    plain = _unsigned(scheme)
    assert code(scheme, plain) == "trustlist.signature"
    signed = sign_list(plain, operator)
    assert verify_list(signed, scheme.pinned).sequence == 1
    twice = operator.sign(signed, format="xades", packaging="enveloped")
    assert code(scheme, twice) == "trustlist.signature"
    # The genuine list as a part of a forged one.
    start, end = signed.index(b"<TrustServiceStatusList"), signed.rindex(b"</TrustServ")
    inner = signed[start:end] + b"</TrustServiceStatusList>"
    forged = plain.replace(b"</TrustServiceStatusList>", inner + b"</TrustServiceStatusList>")
    assert code(scheme, forged) == "trustlist.signature"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda xml: b"", "trustlist.malformed"),
        (lambda xml: b"<a/>", "trustlist.none"),
        (lambda xml: b"not xml", "trustlist.malformed"),
        (lambda xml: b"<!DOCTYPE a>" + xml, "trustlist.malformed"),
        (lambda xml: xml[: len(xml) // 2], "trustlist.malformed"),
        (lambda xml: xml.replace(b"Identifier>6<", b"Identifier>4<"), "trustlist.version"),
        (lambda xml: xml.replace(b"Identifier>6<", b"Identifier>7<"), "trustlist.version"),
        (lambda xml: xml.replace(b"Number>1<", b"Number>one<"), "trustlist.malformed"),
        (lambda xml: xml.replace(b"Number>1<", b"Number><"), "trustlist.malformed"),
        (lambda xml: xml.replace(b"Number>1<", b"Number>1<!-- -->2<"), "trustlist.malformed"),
        (lambda xml: xml.replace(b"2026-11-01T", b"2026-13-01T"), "trustlist.malformed"),
        (lambda xml: xml.replace(b"02231/v2#", b"02231/v1#"), "trustlist.none"),
        (
            lambda xml: xml.replace(b"<SchemeTerritory>", b"<SchemeTerritory/><SchemeTerritory>"),
            "trustlist.malformed",
        ),
    ],
)
def test_what_is_no_list(scheme: ListScheme, change: Any, expected: str) -> None:
    xml = _unsigned(scheme)
    broken = change(xml)
    assert broken != xml
    assert code(scheme, broken) == expected


def test_the_signer_is_judged_at_the_time_of_issue(scheme: ListScheme) -> None:
    operator = scheme.operators[0]
    now = scheme.pki.now
    late = list_xml(territory="EU", sequence=9, issued=now + 2 * YEAR, next_update=now + 3 * YEAR)
    assert code(scheme, sign_list(late, operator)) == "trustlist.signature"
    kept = verify_list(scheme.files[scheme.url], scheme.pinned)
    check_age(kept, now)


@pytest.mark.parametrize(
    ("issued", "due", "expected"),
    [
        (-10, 10, ""),
        (-10, -1, "trustlist.expired"),
        (-10, None, "trustlist.closed"),
        (2, 10, "trustlist.future"),
    ],
)
def test_the_age_of_a_list(scheme: ListScheme, issued: int, due: int | None, expected: str) -> None:
    now = scheme.pki.now
    day = timedelta(days=1)
    xml = list_xml(
        territory="EU",
        sequence=1,
        issued=now + issued * day,
        next_update=None if due is None else now + due * day,
    )
    found = verify_list(sign_list(xml, scheme.operators[0]), scheme.pinned)
    if not expected:
        check_age(found, now)
        return
    with pytest.raises(EvidenceError) as caught:
        check_age(found, now)
    assert caught.value.code == expected


# ── anchors ───────────────────────────────────────────────────────────────────────────────────


def _read(scheme: ListScheme, *services: ListedService) -> TrustList:
    now = scheme.pki.now
    xml = list_xml(
        territory="XX", sequence=1, issued=now, next_update=now + YEAR, services=services
    )
    return read_list(xml, Limits())


def test_purposes_by_type(scheme: ListScheme) -> None:
    pki = scheme.pki
    found = _read(
        scheme,
        ListedService.of(pki.issuing.certificate),
        ListedService.of(pki.tsa.certificate, type=QTST),
        ListedService.of(pki.root.certificate, type=OCSP_QC),
        ListedService.of(pki.root.certificate, type="http://uri.etsi.org/TrstSvc/Svctype/unknown"),
    )
    anchors = {a.certificate: a.purposes for a in anchors_of(found)}
    assert anchors == {
        pki.issuing.certificate: {Purpose.SIGNING, Purpose.AUTHENTICATION},
        pki.tsa.certificate: {Purpose.TIMESTAMPING},
        pki.root.certificate: {Purpose.OCSP_SIGNING},
    }


@pytest.mark.parametrize("by_key", [True, False])
def test_status_and_time(scheme: ListScheme, by_key: bool) -> None:
    certificate = scheme.pki.issuing.certificate
    service = ListedService(
        (certificate,),
        statuses=(
            (GRANTED, datetime(2024, 1, 1, tzinfo=UTC)),
            (WITHDRAWN, datetime(2022, 1, 1, tzinfo=UTC)),
            (GRANTED, datetime(2016, 7, 1, tzinfo=UTC)),
            (SUPERVISED, datetime(2010, 1, 1, tzinfo=UTC)),
        ),
        history_by_key=by_key,
    )
    anchors = anchors_of(_read(scheme, service))
    spans = [(a.since and a.since.year, a.until and a.until.year) for a in anchors]
    assert spans == [(2010, 2021), (2024, None)]
    for year, trusted in ((2009, 0), (2012, 1), (2020, 1), (2023, 0), (2025, 1)):
        moment = datetime(year, 6, 1, tzinfo=UTC)
        assert sum(a.serves(Purpose.SIGNING, moment) for a in anchors) == trusted
    assert not anchors[0].serves(Purpose.SIGNING, datetime(2022, 1, 1, tzinfo=UTC))
    assert "Fixture Trust Services" in anchors[0].note


def test_what_is_not_taken(scheme: ListScheme) -> None:
    certificate = scheme.pki.issuing.certificate
    withdrawn = ListedService((certificate,), statuses=((WITHDRAWN, scheme.pki.now),))
    critical = ListedService.of(certificate, critical="OnlyOnSundays")
    informative = ListedService.of(certificate, critical="TakenOverBy")
    assert anchors_of(_read(scheme, withdrawn)) == ()
    assert anchors_of(_read(scheme, critical)) == ()
    assert len(anchors_of(_read(scheme, informative))) == 1
    seals = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForeSeals"
    listed = _read(scheme, ListedService.of(certificate))
    assert anchors_of(listed, Selection(additional=frozenset({seals}))) == ()
    silent = _read(scheme, ListedService.of(certificate, additional=()))
    assert len(anchors_of(silent, Selection(additional=frozenset({seals})))) == 1


def test_many_services_of_one_certificate_do_not_cost_their_square(
    scheme: ListScheme, monkeypatch: pytest.MonkeyPatch
) -> None:
    from esign_kit.trust.store import TrustAnchor, TrustStore

    certificate = scheme.pki.issuing.certificate
    services = [ListedService.of(certificate, name=f"Service {n}") for n in range(300)]
    anchors = anchors_of(_read(scheme, *services))
    compared = 0
    equal = TrustAnchor.__eq__

    def counted(left: TrustAnchor, right: object) -> bool:
        nonlocal compared
        compared += 1
        return equal(left, right)

    monkeypatch.setattr(TrustAnchor, "__eq__", counted)
    assert len(TrustStore(anchors)) == 300
    assert compared < 300


def test_a_signature_is_verified_with_a_list(scheme: ListScheme, tmp_path: Path) -> None:
    import esign_kit as ek

    pki = scheme.pki
    trust = refresh(scheme.source, scheme, tmp_path, at=pki.now).trust
    signed = pki.person().sign(b"data")
    policy = ek.ValidationPolicy(revocation=ek.Revocation.NOT_CHECKED)
    report = ek.verify(signed, trust=trust, at=pki.now, policy=policy)
    assert report.indication is ek.Indication.TOTAL_PASSED
    # A service for time-stamps is no authority for signatures, and the other way round.
    stamps = ek.TrustStore([a for a in trust if Purpose.TIMESTAMPING in a.purposes])
    report = ek.verify(signed, trust=stamps, at=pki.now, policy=policy)
    assert report.indication is ek.Indication.INDETERMINATE
    stamp = ek.verify(
        pki.tsa.timestamp(b"x"), detached=[ek.Document(b"x")], trust=stamps, at=pki.now
    )
    assert stamp.indication is ek.Indication.TOTAL_PASSED


# ── refreshing ────────────────────────────────────────────────────────────────────────────────


def facts(report: RefreshReport) -> list[tuple[str, str]]:
    return [(str(state.action), state.code) for state in report.lists]


def test_refresh_then_load(scheme: ListScheme, tmp_path: Path) -> None:
    now = scheme.pki.now
    first = refresh(scheme.source, scheme, tmp_path, at=now)
    assert facts(first) == [("NEW", "")] * 3
    assert first.complete
    assert len(first.trust) == 2
    assert facts(refresh(scheme.source, scheme, tmp_path, at=now)) == [("UNCHANGED", "")] * 3
    scheme.requests.clear()
    loaded = load(scheme.source, tmp_path, at=now)
    assert facts(loaded) == [("LOADED", "")] * 3
    assert scheme.requests == []
    assert set(loaded.trust) == set(first.trust)
    assert {s["territory"] for s in loaded.to_dict()["lists"]} == {"EU", "XX", "YY"}


def test_only_some_territories(scheme: ListScheme, tmp_path: Path) -> None:
    from dataclasses import replace

    source = replace(scheme.source, territories=frozenset({"YY"}))
    report = refresh(source, scheme, tmp_path, at=scheme.pki.now)
    assert [state.territory for state in report.lists] == ["EU", "YY"]


def test_a_territory_that_is_not_there_is_said(scheme: ListScheme, tmp_path: Path) -> None:
    from dataclasses import replace

    source = replace(scheme.source, territories=frozenset({"YY", "QQ"}))
    report = refresh(source, scheme, tmp_path, at=scheme.pki.now)
    assert [state.territory for state in report.lists] == ["EU", "YY", "QQ"]
    assert facts(report)[2] == ("MISSING", "trustlist.territory")
    assert not report.complete


def test_no_list_is_passed_over_in_silence(
    scheme: ListScheme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from esign_kit.trustlist import updating

    monkeypatch.setattr(updating, "_MAX_LISTS", 1)
    report = refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    assert facts(report) == [("NEW", ""), ("NEW", ""), ("MISSING", "trustlist.too-many")]


def test_a_single_list_without_a_list_of_lists(scheme: ListScheme, tmp_path: Path) -> None:
    from esign_kit.trustlist import ListSource

    held = scheme.lists["XX"]
    source = ListSource(held.url, (held.signer.certificate.der,))
    report = refresh(source, scheme, tmp_path, at=scheme.pki.now)
    assert facts(report) == [("NEW", "")]
    assert len(report.trust) == 1


def test_nothing_in_the_folder(scheme: ListScheme, tmp_path: Path) -> None:
    report = load(scheme.source, tmp_path / "none", at=scheme.pki.now)
    assert facts(report) == [("MISSING", "trustlist.missing")]
    assert len(report.trust) == 0


def test_the_old_list_stays_until_the_new_one_holds(scheme: ListScheme, tmp_path: Path) -> None:
    now = scheme.pki.now
    good = refresh(scheme.source, scheme, tmp_path, at=now)
    url = scheme.lists["XX"].url
    genuine = scheme.files[url]
    stranger = FixturePKI(seed="stranger").organisation()
    day = timedelta(days=1)
    bends = {
        "trustlist.signature": genuine.replace(b"Number>2<", b"Number>7<"),
        "trustlist.malformed": genuine[:500],
        "trustlist.none": b"<html/>",
        "trustlist.expired": scheme.list_file(
            "XX", sequence=9, next_update=now - day, issued=now - 9 * day
        ),
        "trustlist.older": scheme.list_file("XX", sequence=1),
        "trustlist.version": scheme.list_file("XX", version=4),
        "trustlist.type": scheme.list_file("XX", sequence=9, type=scheme_type()),
        "trustlist.closed": scheme.list_file("XX", sequence=9, next_update=None),
    }
    for expected, data in bends.items():
        scheme.files[url] = data
        report = refresh(scheme.source, scheme, tmp_path, at=now)
        assert (str(report.lists[1].action), report.lists[1].code) == ("KEPT", expected)
        assert set(report.trust) == set(good.trust)
        assert report.lists[1].reason
        assert not report.complete
    scheme.files[url] = scheme.list_file("XX", signer=stranger, sequence=9)
    assert refresh(scheme.source, scheme, tmp_path, at=now).lists[1].code == "trustlist.signature"
    scheme.files[url] = scheme.files[scheme.lists["YY"].url]
    assert refresh(scheme.source, scheme, tmp_path, at=now).lists[1].code == "trustlist.signature"
    del scheme.files[url]
    report = refresh(scheme.source, scheme, tmp_path, at=now)
    assert report.lists[1].code == "evidence.not-found"
    assert set(report.trust) == set(good.trust)
    assert facts(load(scheme.source, tmp_path, at=now)) == [("LOADED", "")] * 3


def scheme_type() -> str:
    from esign_kit.testing.trustlist import LIST_OF_LISTS

    return LIST_OF_LISTS


def test_a_list_of_another_territory_by_the_same_operator(tmp_path: Path) -> None:
    scheme = ListScheme(FixturePKI())
    scheme.add("XX", [])
    scheme.files[scheme.lists["XX"].url] = scheme.list_file("XX", territory="ZZ")
    report = refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    assert facts(report)[1] == ("MISSING", "trustlist.territory")


def test_rollback_is_refused_even_after_the_kept_list_expired(
    scheme: ListScheme, tmp_path: Path
) -> None:
    old = dict(scheme.files)
    scheme.renew()
    refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    scheme.files.update(old)
    report = refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    assert facts(report) == [("KEPT", "trustlist.older")] * 3
    scheme.pki.travel(days=200)
    late = scheme.pki.now
    report = refresh(scheme.source, scheme, tmp_path, at=late)
    assert facts(report) == [("MISSING", "trustlist.expired")]
    assert len(report.trust) == 0
    # The operator wakes up, and everything is as it should be.
    scheme.renew()
    report = refresh(scheme.source, scheme, tmp_path, at=late)
    assert facts(report) == [("NEW", "")] * 3


def test_expired_lists_are_not_loaded(scheme: ListScheme, tmp_path: Path) -> None:
    refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    report = load(scheme.source, tmp_path, at=scheme.pki.now + timedelta(days=200))
    assert facts(report) == [("MISSING", "trustlist.expired")]


def test_a_poisoned_folder_is_not_believed(scheme: ListScheme, tmp_path: Path) -> None:
    now = scheme.pki.now
    refresh(scheme.source, scheme, tmp_path, at=now)
    forger = ListScheme(FixturePKI(seed="forger"))
    forger.add("XX", [ListedService.of(forger.pki.issuing.certificate)])
    for file in tmp_path.glob("*.xml"):
        file.write_bytes(forger.files[forger.url])
    report = load(scheme.source, tmp_path, at=now)
    assert facts(report) == [("MISSING", "trustlist.signature")]
    for file in tmp_path.glob("*.xml"):
        file.write_bytes(b"torn")
    assert len(load(scheme.source, tmp_path, at=now).trust) == 0
    assert facts(refresh(scheme.source, scheme, tmp_path, at=now)) == [("NEW", "")] * 3


def test_a_folder_that_cannot_be_written(scheme: ListScheme, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    report = refresh(scheme.source, scheme, blocked / "x", at=scheme.pki.now)
    assert facts(report) == [("NEW", "trustlist.folder")] * 3
    assert len(report.trust) == 2


def test_no_half_written_file_is_ever_seen(
    scheme: ListScheme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    scheme.renew()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    report = refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    assert facts(report) == [("NEW", "trustlist.folder")] * 3
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_what_a_killed_process_left_is_removed(scheme: ListScheme, tmp_path: Path) -> None:
    left = tmp_path / "list-abc.part"
    left.write_bytes(b"half")
    refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    assert not left.exists()
    assert len(list(tmp_path.glob("*.xml"))) == 3


def test_an_unsigned_number_in_the_folder_does_not_bar_the_way(
    scheme: ListScheme, tmp_path: Path
) -> None:
    """Only a number that was signed counts: whoever writes to the folder cannot stop the clock."""
    now = scheme.pki.now
    refresh(scheme.source, scheme, tmp_path, at=now)
    for file in tmp_path.glob("*.xml"):
        genuine = file.read_bytes()
        bent = re.sub(rb"Number>\d+<", b"Number>900<", genuine)
        assert bent != genuine
        file.write_bytes(bent)
    scheme.renew()
    assert facts(refresh(scheme.source, scheme, tmp_path, at=now)) == [("NEW", "")] * 3


def test_a_new_signer_does_not_open_the_way_back(scheme: ListScheme, tmp_path: Path) -> None:
    """The list that the former signer made still has its number when its signer is replaced."""
    now = scheme.pki.now
    held = scheme.lists["XX"]
    successor = scheme.pki.organisation(organisation_name="Successor")
    early = scheme.list_file("XX", signer=successor)
    scheme.renew()
    refresh(scheme.source, scheme, tmp_path, at=now)
    held.signer = successor
    scheme.renew()
    scheme.files[held.url] = early
    assert facts(refresh(scheme.source, scheme, tmp_path, at=now))[1][1] == "trustlist.older"


def test_of_two_refreshes_at_once_the_newer_list_stays(scheme: ListScheme, tmp_path: Path) -> None:
    now = scheme.pki.now
    refresh(scheme.source, scheme, tmp_path, at=now)
    scheme.renew()
    slow, url = dict(scheme.files), scheme.lists["XX"].url

    class Slow:
        """Has fetched, and while it thinks about it, another process refreshes."""

        def fetch(self, request: Any) -> Any:
            answer = scheme.fetch(request)
            if request.url == url:
                scheme.renew()
                assert facts(refresh(scheme.source, scheme, tmp_path, at=now))[1] == ("NEW", "")
                answer = type(answer)(request, slow[url])
            return answer

    report = refresh(scheme.source, Slow(), tmp_path, at=now)
    assert facts(report)[1] == ("KEPT", "trustlist.older")
    assert report.lists[1].sequence == 4
    assert load(scheme.source, tmp_path, at=now).lists[1].sequence == 4


# ── pivots ────────────────────────────────────────────────────────────────────────────────────


def test_pivots_lead_from_the_pinned_certificate_to_today_s(
    scheme: ListScheme, tmp_path: Path
) -> None:
    now = scheme.pki.now
    for number in range(3):
        scheme.new_operator()
        fresh = tmp_path / f"fresh-{number}"
        report = refresh(scheme.source, scheme, fresh, at=now)
        assert facts(report) == [("NEW", "")] * 3
        report = refresh(scheme.source, scheme, tmp_path / "same", at=now)
        assert facts(report) == [("NEW", "")] * 3
    scheme.requests.clear()
    refresh(scheme.source, scheme, tmp_path / "same", at=now)
    assert not [url for url in scheme.requests if "pivot" in url], "pivots are kept"
    assert facts(load(scheme.source, tmp_path / "same", at=now)) == [("LOADED", "")] * 3


def test_pivots_that_do_not_hold(scheme: ListScheme, tmp_path: Path) -> None:
    now = scheme.pki.now
    scheme.new_operator()
    scheme.new_operator()
    first, second = scheme.pivots
    genuine = dict(scheme.files)
    stranger = FixturePKI(seed="stranger").organisation()

    def outcome() -> tuple[str, str]:
        report = refresh(scheme.source, scheme, tmp_path / "x", at=now)
        scheme.files.update(genuine)
        assert len(report.trust) == 0
        assert not list((tmp_path).glob("x/*")), "nothing of it is kept"
        return facts(report)[0]

    scheme.files[first] = scheme.list_of_lists(signer=stranger)
    assert outcome() == ("MISSING", "trustlist.signature")
    scheme.files[second] = genuine[first]
    assert outcome() == ("MISSING", "trustlist.signature")
    scheme.files[first] = scheme.list_of_lists(signer=scheme.operators[0], sequence=99)
    assert outcome() == ("MISSING", "trustlist.signature")
    scheme.files[first] = scheme.list_of_lists(signer=scheme.operators[0], pointers=[])
    assert outcome() == ("MISSING", "trustlist.pivot")
    del scheme.files[first]
    assert outcome() == ("MISSING", "evidence.not-found")
    # The last operator alone, without the way to it.
    scheme.files[scheme.url] = scheme.list_of_lists(information=["http://lists.test/about"])
    assert outcome() == ("MISSING", "trustlist.signature")
    many = [f"http://lists.test/{n}.xml" for n in range(40)]
    scheme.files[scheme.url] = scheme.list_of_lists(information=many)
    assert outcome() == ("MISSING", "trustlist.pivot")


def test_a_poisoned_pivot_in_the_folder_is_fetched_again(
    scheme: ListScheme, tmp_path: Path
) -> None:
    scheme.new_operator()
    refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    pivot = scheme.files[scheme.pivots[0]]
    (file,) = [f for f in tmp_path.iterdir() if f.read_bytes() == pivot]
    file.write_bytes(b"poison")
    report = refresh(scheme.source, scheme, tmp_path, at=scheme.pki.now)
    assert facts(report)[0] in (("UNCHANGED", ""), ("NEW", ""))
    assert facts(load(scheme.source, tmp_path, at=scheme.pki.now))[0][0] == "LOADED"


def test_a_pivot_that_did_not_hold_is_not_kept(scheme: ListScheme, tmp_path: Path) -> None:
    """What was fetched in vain to judge the old list does not slip in with the new one."""
    now = scheme.pki.now
    scheme.new_operator()
    refresh(scheme.source, scheme, tmp_path, at=now)
    (pivot,) = scheme.pivots
    (file,) = [f for f in tmp_path.iterdir() if f.read_bytes() == scheme.files[pivot]]
    file.unlink()
    scheme.files[pivot] = b"<html>moved</html>"
    scheme.files[scheme.url] = scheme.list_of_lists(
        signer=scheme.operators[0], information=[scheme.announcement], sequence=99
    )
    assert facts(refresh(scheme.source, scheme, tmp_path, at=now))[0] == ("NEW", "")
    assert not file.exists()
