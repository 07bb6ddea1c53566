from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.errors import EvidenceError
from esign_kit.model.evidence import (
    Evidence,
    FetchPurpose,
    FetchRequest,
    FetchResponse,
    RevocationStatus,
)
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Purpose
from esign_kit.net.cache import CachingFetcher, MemoryCache
from esign_kit.net.gathering import gather
from esign_kit.testing import der
from esign_kit.testing.pki import FixturePKI
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import Revocation, ValidationPolicy
from esign_kit.trust.store import TrustAnchor, TrustStore
from tests.unit.trust import making

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.asn1.certificate import Certificate

POLICY = ValidationPolicy()
GOOD = RevocationStatus.GOOD


class World:
    """A country, a person in it, and nothing known but the root."""

    def __init__(self) -> None:
        self.pki = FixturePKI()
        self.person = self.pki.person()
        self.store = TrustStore([TrustAnchor(self.pki.root.certificate)])

    @property
    def leaf(self) -> Certificate:
        return self.person.certificate

    def gather(self, fetcher: Any = None, **options: Any) -> Evidence:
        return gather(
            options.pop("certificates", [self.leaf]),
            trust=options.pop("trust", self.store),
            evidence=options.pop("evidence", Evidence()),
            at=self.pki.now,
            policy=options.pop("policy", POLICY),
            fetcher=fetcher or self.pki,
            **options,
        )

    def status(self, evidence: Evidence) -> list[RevocationStatus]:
        result = validate_path(
            self.leaf,
            trust=self.store,
            helpers=(),
            evidence=evidence,
            at=self.pki.now,
            policy=POLICY,
            purpose=Purpose.SIGNING,
        )
        return [info.status for info in result.revocation]

    def asked(self) -> list[tuple[FetchPurpose, str]]:
        asked = [(r.purpose, r.url.rsplit("/", 1)[1]) for r in self.pki.requests]
        self.pki.requests.clear()
        return asked


@pytest.fixture
def world() -> World:
    return World()


ISSUER = (FetchPurpose.AIA, "issuing.crt")
LEAF_OCSP = (FetchPurpose.OCSP, "issuing")
CA_OCSP = (FetchPurpose.OCSP, "root")
LEAF_CRL = (FetchPurpose.CRL, "issuing.crl")
CA_CRL = (FetchPurpose.CRL, "root.crl")


def test_a_lone_certificate_is_completed(world: World) -> None:
    found = world.gather()
    assert world.asked() == [ISSUER, LEAF_OCSP, CA_OCSP]
    assert found.failures == ()
    assert world.status(found)[:2] == [GOOD, GOOD]


def test_what_is_there_is_not_asked_for_again(world: World) -> None:
    issuing = world.pki.issuing.certificate
    given = Evidence(ocsp_responses=(world.pki.ocsp(world.person),))
    found = world.gather(certificates=[world.leaf, issuing], evidence=given)
    assert world.asked() == [CA_OCSP]
    assert found.ocsp_responses[0] == given.ocsp_responses[0]
    assert world.gather(certificates=[issuing, world.leaf], evidence=found) == found
    assert world.asked() == []


def test_crl_where_ocsp_fails(world: World) -> None:
    world.pki.unreachable = {FetchPurpose.OCSP}
    found = world.gather()
    assert world.asked() == [ISSUER, LEAF_OCSP, LEAF_CRL, CA_OCSP, CA_CRL]
    assert world.status(found)[:2] == [GOOD, GOOD]
    assert [f.purpose for f in found.failures] == [FetchPurpose.OCSP] * 2


def test_a_revoked_certificate_is_found_revoked(world: World) -> None:
    world.pki.revoke(world.person, at="2026-10-01T00:00:00Z")
    assert world.status(world.gather())[0] is RevocationStatus.REVOKED


def test_nothing_answers(world: World) -> None:
    world.pki.unreachable = set(FetchPurpose)
    found = world.gather()
    assert [f.purpose for f in found.failures] == [FetchPurpose.AIA]
    world.pki.unreachable = {FetchPurpose.OCSP, FetchPurpose.CRL}
    world.pki.requests.clear()
    found = world.gather()
    assert world.asked() == [ISSUER, LEAF_OCSP, LEAF_CRL, CA_OCSP, CA_CRL]
    assert len(found.failures) == 4
    assert all("does not answer" in f.detail for f in found.failures)
    assert RevocationStatus.GOOD not in world.status(found)


def test_no_anchor_no_questions_about_revocation(world: World) -> None:
    stranger = TrustStore([TrustAnchor(FixturePKI(seed="other").root.certificate)])
    found = world.gather(trust=stranger)
    asked = world.asked()
    assert all(purpose is FetchPurpose.AIA for purpose, _ in asked)
    assert found.ocsp_responses == found.crls == ()


def test_revocation_that_is_not_asked_for_is_not_fetched(world: World) -> None:
    world.gather(policy=POLICY.with_(revocation=Revocation.NOT_CHECKED))
    assert world.asked() == [ISSUER]
    world.gather(policy=POLICY.with_(revocation=Revocation.TARGET_ONLY))
    assert world.asked() == [ISSUER, LEAF_OCSP]
    world.gather(policy=POLICY.with_(revocation=Revocation.IF_AVAILABLE))
    assert world.asked() == [ISSUER, LEAF_OCSP, CA_OCSP]


def test_a_time_stamping_unit_is_a_target_of_its_own(world: World) -> None:
    unit = world.pki.tsa.certificate
    found = world.gather(certificates=[world.leaf, unit, world.pki.issuing.certificate])
    assert world.asked() == [LEAF_OCSP, CA_OCSP, LEAF_OCSP]
    assert found.failures == ()
    skip = POLICY.with_(revocation_for_timestamps=Revocation.NOT_CHECKED)
    world.gather(certificates=[unit, world.pki.issuing.certificate], policy=skip)
    assert world.asked() == []


def test_the_number_of_fetches_is_bounded(world: World) -> None:
    people = [world.pki.person().certificate for _ in range(12)]
    found = world.gather(certificates=people)
    assert len(world.asked()) == POLICY.limits.fetches == 8
    assert any("limit" in f.detail for f in found.failures)
    one = POLICY.with_(limits=Limits(fetches=1))
    world.gather(certificates=people, policy=one)
    assert len(world.asked()) == 1


class Liar:
    """Passes everything through a function on its way."""

    def __init__(self, pki: FixturePKI, bend: Callable[[FetchRequest, bytes], bytes]) -> None:
        self.pki = pki
        self.bend = bend

    def fetch(self, request: FetchRequest) -> FetchResponse:
        answer = self.pki.fetch(request)
        return replace(answer, body=self.bend(request, answer.body))


def _bent(kind: str, world: World) -> Callable[[FetchRequest, bytes], bytes]:
    other = FixturePKI(seed="other")
    neighbour = world.pki.person()

    def bend(request: FetchRequest, body: bytes) -> bytes:
        if request.purpose is FetchPurpose.AIA:
            return body
        if kind == "rubbish":
            return b"<html>sign in to the free network</html>"
        if kind == "empty":
            return b""
        if kind == "cut":
            return body[: len(body) // 2]
        if kind == "flipped":
            return body[:-5] + bytes((body[-5] ^ 1,)) + body[-4:]
        if kind == "other-certificate":
            return world.pki.ocsp(neighbour)
        if kind == "other-authority":
            return (
                other.crl() if request.purpose is FetchPurpose.CRL else other.ocsp(other.person())
            )
        if kind == "crl-for-ocsp":
            return world.pki.ocsp(neighbour) if request.purpose is FetchPurpose.CRL else other.crl()
        assert kind == "certificate"
        return world.leaf.der

    return bend


@pytest.mark.parametrize(
    "kind",
    [
        "rubbish",
        "empty",
        "cut",
        "flipped",
        "other-certificate",
        "other-authority",
        "crl-for-ocsp",
        "certificate",
    ],
)
def test_a_lying_responder_gains_nothing_and_is_not_remembered(world: World, kind: str) -> None:
    clock = world.pki.now.timestamp
    cache = MemoryCache(clock=clock)
    kept: list[str] = []
    keep = cache.put
    cache.put = lambda key, value, until: kept.append(key) or keep(key, value, until)  # type: ignore[method-assign,func-returns-value]
    liar = CachingFetcher(Liar(world.pki, _bent(kind, world)), cache)
    found = world.gather(liar)
    assert found.crls == found.ocsp_responses == ()
    assert len(found.failures) == 4
    assert all(status is not GOOD for status in world.status(found))
    assert not [key for key in kept if not key.startswith("AIA")]


def test_a_wrong_issuer_is_not_taken(world: World) -> None:
    other = FixturePKI(seed="other").issuing.certificate.der

    def bend(request: FetchRequest, body: bytes) -> bytes:
        return other if request.purpose is FetchPurpose.AIA else body

    found = world.gather(Liar(world.pki, bend))
    assert found.certificates == ()
    assert "no certificate of the issuer" in found.failures[0].detail


def test_the_second_time_the_cache_answers(world: World) -> None:
    cache = MemoryCache(clock=lambda: world.pki.now.timestamp())
    fetcher = CachingFetcher(world.pki, cache)
    first = world.gather(fetcher)
    assert world.asked() == [ISSUER, LEAF_OCSP, CA_OCSP]
    assert world.gather(fetcher) == first
    assert world.asked() == []
    # Another person of the same authority: only that person's status is new.
    neighbour = world.pki.person()
    world.gather(fetcher, certificates=[neighbour.certificate])
    assert world.asked() == [LEAF_OCSP]
    world.pki.travel(days=2)
    world.gather(fetcher)
    assert world.asked() == [LEAF_OCSP, CA_OCSP]


def test_a_list_that_is_kept_for_a_year_is_asked_for_again_where_the_policy_says(
    world: World,
) -> None:
    world.pki.crl_validity = timedelta(days=365)
    world.pki.unreachable = {FetchPurpose.OCSP}
    fetcher = CachingFetcher(world.pki, MemoryCache(clock=lambda: world.pki.now.timestamp()))
    world.gather(fetcher)
    world.pki.travel(days=30)
    world.asked()
    world.gather(fetcher)
    assert LEAF_CRL not in world.asked()
    world.gather(fetcher, policy=POLICY.with_(max_revocation_age=timedelta(days=7)))
    asked = world.asked()
    assert LEAF_CRL in asked and CA_CRL in asked


def test_a_kept_crl_serves_every_certificate_of_its_authority(world: World) -> None:
    cache = MemoryCache(clock=lambda: world.pki.now.timestamp())
    fetcher = CachingFetcher(world.pki, cache)
    world.pki.unreachable = {FetchPurpose.OCSP}
    world.gather(fetcher)
    world.pki.requests.clear()
    world.gather(fetcher, certificates=[world.pki.person().certificate])
    assert LEAF_CRL not in world.asked()


def test_poisoned_entries_are_dropped_and_asked_for_again(world: World) -> None:
    clock = world.pki.now.timestamp
    cache = MemoryCache(clock=clock)
    fetcher = CachingFetcher(world.pki, cache)
    good = world.gather(fetcher)
    world.pki.requests.clear()
    far = world.pki.now.timestamp() + 9e6
    neighbour = world.pki.ocsp(world.pki.person())
    for poison in (b"rubbish", neighbour, world.leaf.der, b""):
        for key in list(cache._entries):
            cache.put(key, poison, far)
        assert world.gather(fetcher) == good
        assert world.asked() == [ISSUER, LEAF_OCSP, CA_OCSP]
        assert poison not in {value for value, _ in cache._entries.values()}


def test_an_answer_from_before_the_revocation_does_not_outlive_its_time(world: World) -> None:
    cache = MemoryCache(clock=lambda: world.pki.now.timestamp())
    fetcher = CachingFetcher(world.pki, cache)
    world.gather(fetcher)
    world.pki.revoke(world.person)
    world.pki.travel(days=2)
    assert world.status(world.gather(fetcher))[0] is RevocationStatus.REVOKED


@pytest.mark.parametrize("delegated", [False, True])
def test_an_entry_that_does_not_help_here_is_not_forgotten(world: World, delegated: bool) -> None:
    """A question about the past, or about a newer certificate, is no reason to lose an answer."""
    cache = MemoryCache(clock=lambda: world.pki.now.timestamp())
    fetcher = CachingFetcher(world.pki, cache)
    if delegated:
        world.pki.unreachable = {FetchPurpose.OCSP}
    good = world.gather(fetcher)
    held = dict(cache._entries)
    assert len(held) == 3
    world.pki.unreachable = set(FetchPurpose)
    past = gather(
        [world.leaf],
        trust=world.store,
        evidence=Evidence(),
        at=world.pki.now - timedelta(days=20),
        policy=POLICY,
        fetcher=fetcher,
    )
    assert past.ocsp_responses == past.crls == ()
    young = world.pki.issue("person", valid_from=world.pki.now + timedelta(hours=1))
    world.pki.travel(hours=2)
    world.gather(fetcher, certificates=[young.certificate])
    assert dict(cache._entries) == held
    assert set(world.gather(fetcher).crls) == set(good.crls)
    assert set(world.gather(fetcher).ocsp_responses) == set(good.ocsp_responses)


def test_a_nonce_is_demanded_back_and_the_cache_is_not_asked(world: World) -> None:
    cache = MemoryCache(clock=lambda: world.pki.now.timestamp())
    fetcher = CachingFetcher(world.pki, cache)
    world.gather(fetcher)
    world.pki.requests.clear()
    found = world.gather(fetcher, nonce=True)
    assert world.asked() == [LEAF_OCSP, CA_OCSP]
    assert found.failures == ()
    old = world.pki.ocsp(world.person)

    def replay(request: FetchRequest, body: bytes) -> bytes:
        return old if request.purpose is FetchPurpose.OCSP else body

    replayed = world.gather(Liar(world.pki, replay), nonce=True)
    assert replayed.ocsp_responses == ()
    assert "nonce" in replayed.failures[0].detail


def test_a_fetcher_that_is_told_its_bounds(world: World) -> None:
    told = {}

    class Bounded:
        def bounded(self, *, seconds: float, fetches: int) -> Any:
            told.update(seconds=seconds, fetches=fetches)
            return world.pki

        def fetch(self, request: FetchRequest) -> FetchResponse:
            raise EvidenceError("the unbounded one must not be asked")

    assert world.gather(Bounded()).failures == ()
    assert told == {"seconds": 20.0, "fetches": 8}


def test_addresses_that_are_never_asked_are_named(world: World) -> None:
    issuing = world.pki.issuing
    point = "ldap://directory.test/cn=issuing?certificateRevocationList"
    issuing.__dict__["pointers"] = [der.crl_address(point), der.addresses("file:///etc/x", "")]
    leaf = world.pki.person().certificate
    found = world.gather(certificates=[leaf, issuing.certificate])
    assert world.asked() == [CA_OCSP]
    told = [(f.url, f.detail) for f in found.failures]
    assert told == [
        ("file:///etc/x", "only http and https are fetched"),
        (point, "only http and https are fetched"),
    ]


def _tower(height: int, *, loop: bool) -> dict[str, Any]:
    """Certificates of which each names the address of the next; the last one names the first."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    def pointer(number: int) -> list[Any]:
        place = x509.UniformResourceIdentifier(f"http://aia.test/{number}")
        entry = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        return [(x509.AuthorityInformationAccess([entry]), False)]

    found: dict[str, Any] = {}
    above = None
    for number in reversed(range(height)):
        above = making.issue(
            f"Floor {number}",
            above,
            ca=number > 0,
            number=number + 1,
            issuer_name=making.name("Floor 1") if above is None and loop else None,
            sign_with=2 if above is None and loop else None,
            extensions=pointer(1 if above is None and loop else number + 1),
        )
        found[f"http://aia.test/{number}"] = above
    return found


@pytest.mark.parametrize("loop", [True, False])
def test_issuers_that_lead_on_and_on(loop: bool) -> None:
    tower = _tower(3 if loop else 12, loop=loop)
    asked: list[str] = []

    class Tower:
        def fetch(self, request: FetchRequest) -> FetchResponse:
            asked.append(request.url)
            return FetchResponse(request, tower[request.url].der)

    found = gather(
        [tower["http://aia.test/0"].view],
        trust=TrustStore([TrustAnchor(making.root("Elsewhere").view)]),
        evidence=Evidence(),
        at=making.NOW,
        policy=POLICY,
        fetcher=Tower(),
    )
    assert asked == [f"http://aia.test/{n + 1}" for n in range(2 if loop else 4)]
    assert len(found.certificates) == len(asked)


# ── a responder whose own status is open ──────────────────────────────────────────────────────


def _appoint(world: World, authority: Any, *extensions: bytes) -> Any:
    """Let the authority answer by a delegate without id-pkix-ocsp-nocheck."""
    old = authority.ocsp_responder
    made = authority.issue(
        subject=der.name([("2.5.4.3", f"Responder of {authority.slug}", 0x0C)]),
        spki=old.private_key.spki,
        extensions=[
            der.key_usage(("digital_signature",)),
            der.extended_key_usage(("1.3.6.1.5.5.7.3.9",)),
            *extensions,
        ],
        not_before=authority.certificate.not_before_time,
        not_after=authority.certificate.not_after_time,
        seed="ocsp without nocheck",
    )
    fresh = type(old)(world.pki, authority, "ocsp", {}, made, old.private_key)
    authority.__dict__["ocsp_responder"] = fresh
    return fresh


def test_the_status_of_a_responder_is_asked_for(world: World) -> None:
    issuing = world.pki.issuing
    _appoint(world, issuing, der.crl_address(issuing.url("crl") + ".crl"))
    cache = MemoryCache(clock=lambda: world.pki.now.timestamp())
    fetcher = CachingFetcher(world.pki, cache)
    found = world.gather(fetcher)
    assert world.asked() == [ISSUER, LEAF_OCSP, LEAF_CRL, CA_OCSP]
    assert found.failures == ()
    assert len(found.ocsp_responses) == 2 and len(found.crls) == 1
    assert world.status(found)[:2] == [GOOD, GOOD]
    # All of it is remembered, and one list of the authority serves for every answer.
    assert world.gather(fetcher) == found
    assert world.asked() == []
    neighbour = world.pki.person()
    assert world.gather(fetcher, certificates=[neighbour.certificate]).failures == ()
    assert world.asked() == [LEAF_OCSP]


def test_a_revoked_responder_is_not_believed(world: World) -> None:
    issuing = world.pki.issuing
    responder = _appoint(world, issuing, der.crl_address(issuing.url("crl") + ".crl"))
    world.pki.revoke(responder, at="2026-10-01T00:00:00Z")
    found = world.gather()
    assert "was revoked" in found.failures[0].detail
    assert len(found.ocsp_responses) == 1, "the root's"
    # The list that speaks about the responder speaks about the signer as well.
    assert world.status(found)[0] is GOOD


def test_a_responder_whose_status_nobody_tells(world: World) -> None:
    issuing = world.pki.issuing
    _appoint(world, issuing, der.crl_address(issuing.url("crl") + ".crl"))
    world.pki.unreachable = {FetchPurpose.CRL}
    found = world.gather()
    assert world.asked() == [ISSUER, LEAF_OCSP, LEAF_CRL, CA_OCSP]
    assert world.status(found)[0] is RevocationStatus.UNKNOWN
    assert [f.purpose for f in found.failures] == [FetchPurpose.CRL, FetchPurpose.OCSP]


def test_a_responder_that_points_to_itself_gains_nothing(world: World) -> None:
    issuing = world.pki.issuing
    _appoint(world, issuing, der.addresses(issuing.url("ocsp"), ""))
    found = world.gather()
    assert world.asked() == [ISSUER, LEAF_OCSP, LEAF_OCSP, LEAF_CRL, CA_OCSP]
    assert world.status(found)[0] is GOOD, "by the list"
    assert len(found.ocsp_responses) == 1
    world.pki.unreachable = {FetchPurpose.CRL}
    assert world.status(world.gather())[0] is RevocationStatus.UNKNOWN


def test_many_responders_are_bounded_like_everything(world: World) -> None:
    issuing = world.pki.issuing
    _appoint(world, issuing, der.crl_address(issuing.url("crl") + ".crl"))
    people = [world.pki.person().certificate for _ in range(12)]
    world.pki.unreachable = {FetchPurpose.CRL}
    world.gather(certificates=people)
    assert len(world.asked()) == POLICY.limits.fetches == 8


def test_an_answer_without_a_next_update_counts_and_is_not_kept(world: World) -> None:
    """RFC 6960 § 4.2.2.1: there is newer information all the time, so it is asked for each time."""
    world.pki.ocsp_validity = None
    cache = MemoryCache(clock=lambda: world.pki.now.timestamp())
    fetcher = CachingFetcher(world.pki, cache)
    for _ in range(2):
        assert world.status(world.gather(fetcher))[:2] == [GOOD, GOOD]
        assert world.asked()[-2:] == [LEAF_OCSP, CA_OCSP]
    assert not [key for key in cache._entries if key.startswith("OCSP")]


# ── lists by another signer, and lists that share the reasons ─────────────────────────────────


class Village:
    """Three certificates, and lists at addresses; no OCSP."""

    def __init__(self, **leaf: Any) -> None:
        self.top = making.root("Village")
        point = _points(("http://crl.test/top", None))
        self.ca = making.issue("Council", self.top, ca=True, extensions=point)
        # Another key of the same authority, which signs nothing but lists.
        self.signer = making.issue(
            "Council", self.top, key_usage=making.usage("crl_sign"), extensions=point
        )
        self.leaf = making.issue(
            "Citizen", self.ca, extensions=leaf.get("points", _points(("http://crl.test/ca", None)))
        )
        self.files = {"http://crl.test/top": making.crl(self.top)}
        self.asked: list[str] = []

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.append(request.url.rsplit("/", 1)[1])
        if request.url not in self.files:
            raise EvidenceError("gone")
        return FetchResponse(request, self.files[request.url])

    def gather(self, *helpers: Any, fetcher: Any = None, **limits: int) -> Evidence:
        self.asked.clear()
        self.store = TrustStore([self.top.der])
        self.helpers = [helper.view for helper in helpers]
        found = gather(
            [self.leaf.view, self.ca.view, *self.helpers],
            trust=self.store,
            evidence=Evidence(),
            at=making.NOW,
            policy=POLICY.with_(limits=Limits(**limits)),
            fetcher=fetcher or self,
        )
        result = validate_path(
            self.leaf.view,
            trust=self.store,
            helpers=[self.ca.view, *self.helpers],
            evidence=found,
            at=making.NOW,
            policy=POLICY,
            purpose=Purpose.SIGNING,
        )
        self.told = [str(info.status) for info in result.revocation]
        return found


def _points(*points: tuple[str, frozenset[Any] | None]) -> list[Any]:
    from cryptography import x509

    return [
        (
            x509.CRLDistributionPoints(
                [
                    x509.DistributionPoint(
                        [x509.UniformResourceIdentifier(url)], None, reasons, None
                    )
                    for url, reasons in points
                ]
            ),
            False,
        )
    ]


def test_a_list_by_another_key_of_the_authority() -> None:
    village = Village()
    village.files["http://crl.test/ca"] = making.crl(village.ca, sign_with=village.signer.number)
    cache = MemoryCache(clock=lambda: making.NOW.timestamp())
    fetcher = CachingFetcher(village, cache)
    found = village.gather(village.signer, fetcher=fetcher)
    assert village.asked == ["ca", "top"]
    assert village.told == ["GOOD", "GOOD", "NOT_NEEDED"]
    assert found.failures == ()
    # The list is remembered, and so is what its signer's status rests on.
    assert set(village.gather(village.signer, fetcher=fetcher).crls) == set(found.crls)
    assert village.asked == []
    village.files["http://crl.test/top"] = making.crl(village.top, [village.signer])
    assert village.gather(village.signer).failures[0].detail.startswith("the answer does not count")
    assert village.told[0] == "UNKNOWN"
    # A signer that nobody knows is none.
    assert village.gather().crls == (village.files["http://crl.test/top"],)
    assert village.told[0] == "UNKNOWN"


@pytest.mark.parametrize("wrong", ["page", "forged", "endless"])
def test_a_bad_address_beside_a_good_one_harms_nothing(wrong: str) -> None:
    village = Village(
        points=_points(("http://crl.test/bad", None), ("http://crl.test/ca", None)),
    )
    good = making.crl(village.ca)
    if wrong == "endless":
        # A list whose nextUpdate is on a day that is none counts, and is not kept.
        good = _until_no_day(good, village.ca)
    village.files["http://crl.test/ca"] = good
    forged = making.crl(village.ca, sign_with=7777)
    village.files["http://crl.test/bad"] = forged if wrong == "forged" else b"<html></html>"
    cache = MemoryCache(clock=lambda: making.NOW.timestamp())
    found = village.gather(fetcher=CachingFetcher(village, cache))
    assert village.told == ["GOOD", "GOOD", "NOT_NEEDED"]
    assert found.crls == (good, village.files["http://crl.test/top"])
    kept = {value for value, _ in cache._entries.values()}
    assert kept == set(found.crls) - ({good} if wrong == "endless" else set())


def _until_no_day(crl: bytes, by: making.Entity) -> bytes:
    from esign_kit.asn1.reader import encode, read_all
    from esign_kit.asn1.revocation import Crl

    fields = [item.raw for item in read_all(Crl.load(crl).tbs).items()]
    fields[4] = encode(0x18, b"20270230000000Z")
    return making.signed(encode(0x30, *fields), by, by).der


def test_a_list_names_the_address_of_its_signer() -> None:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    village = Village()
    place = x509.UniformResourceIdentifier("http://crl.test/signer")
    entry = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
    village.files["http://crl.test/ca"] = making.crl(
        village.ca,
        sign_with=village.signer.number,
        extensions=[(x509.AuthorityInformationAccess([entry]), False)],
    )
    village.files["http://crl.test/signer"] = village.signer.der
    found = village.gather()
    assert village.asked == ["ca", "signer", "top"]
    assert village.told == ["GOOD", "GOOD", "NOT_NEEDED"]
    assert found.certificates == (village.signer.der,)
    village.files["http://crl.test/signer"] = village.leaf.der
    found = village.gather()
    assert village.told[0] == "UNKNOWN"
    assert "no certificate of the signer" in found.failures[0].detail
    village.gather(fetches=1)
    assert village.asked == ["ca"]


def test_many_who_claim_to_have_signed_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try costs a digest of the whole list: a few are enough."""
    from esign_kit.asn1.revocation import Crl
    from esign_kit.net import issuers

    village = Village()
    village.files["http://crl.test/ca"] = making.crl(village.ca, sign_with=7777)
    claimants = [making.issue("Council", village.top) for _ in range(30)]
    tried = 0
    real = issuers.signed_by

    def counted(item: Any, issuer: Certificate) -> bool:
        nonlocal tried
        tried += isinstance(item, Crl)
        return real(item, issuer)

    monkeypatch.setattr(issuers, "signed_by", counted)
    village.gather(*claimants, fetches=1)
    assert village.told[0] == "UNKNOWN"
    assert 0 < tried <= 8


def test_lists_that_share_the_reasons_among_them() -> None:
    from cryptography import x509

    flags = x509.ReasonFlags
    one = frozenset({flags.key_compromise})
    rest = frozenset(flags) - one - {flags.unspecified, flags.remove_from_crl}
    points = _points(("http://crl.test/one", one), ("http://crl.test/rest", rest))
    village = Village(points=points)

    def part(url: str, reasons: Any, days: int) -> bytes:
        scope = x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier(url)],
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=reasons,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        return making.crl(village.ca, idp=scope, until=making.NOW + days * making.DAY)

    village.files["http://crl.test/one"] = part("http://crl.test/one", one, 30)
    village.files["http://crl.test/rest"] = part("http://crl.test/rest", rest, 2)
    cache = MemoryCache(clock=lambda: making.NOW.timestamp())
    found = village.gather(fetcher=CachingFetcher(village, cache))
    ends = {value: until - making.NOW.timestamp() for value, until in cache._entries.values()}
    assert ends[village.files["http://crl.test/one"]] == 30 * 86400
    assert ends[village.files["http://crl.test/rest"]] == 2 * 86400
    assert village.asked == ["one", "rest", "top"]
    assert village.told == ["GOOD", "GOOD", "NOT_NEEDED"]
    assert found.failures == ()
    # One half alone says nothing good.
    del village.files["http://crl.test/rest"]
    found = village.gather()
    assert village.told[0] == "UNKNOWN"
    assert sorted(f.url for f in found.failures) == ["http://crl.test/one", "http://crl.test/rest"]
