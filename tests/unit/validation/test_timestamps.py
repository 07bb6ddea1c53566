"""The rules by which a time-stamp proves its time (RFC 3161, RFC 5816, EN 319 102-1 § 5.4)."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from hashlib import sha1, sha256
from typing import Any

import pytest

from esign_kit.asn1.reader import OCTET_STRING, SEQUENCE, SET, encode, encode_oid, read_all
from esign_kit.asn1.tsp import TimestampToken
from esign_kit.errors import InputError
from esign_kit.model.document import Digest, Document
from esign_kit.model.evidence import Evidence
from esign_kit.model.report import CheckStatus, Indication, SubIndication, TimestampReport
from esign_kit.model.signature import ParsedTimestamp, Purpose, TimestampKind
from esign_kit.testing import der
from esign_kit.testing.entity import Entity
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.tsa import TimestampAuthority
from esign_kit.trust.policy import Revocation, ValidationPolicy
from esign_kit.trust.store import TrustAnchor, TrustStore
from esign_kit.validation.timestamps import check_timestamp

POLICY = ValidationPolicy()
PASSED, FAILED = Indication.TOTAL_PASSED, Indication.TOTAL_FAILED
INDETERMINATE = Indication.INDETERMINATE


@pytest.fixture
def pki() -> FixturePKI:
    return FixturePKI()


def judge(
    pki: FixturePKI,
    token: bytes,
    octets: Any = b"data",
    *,
    at: datetime | None = None,
    policy: ValidationPolicy = POLICY,
    trust: TrustStore | None = None,
    evidence: Evidence | None = None,
) -> TimestampReport:
    def imprint() -> Any:
        if isinstance(octets, Exception):
            raise octets
        return octets

    return check_timestamp(
        ParsedTimestamp(kind=TimestampKind.SIGNATURE, token=token, imprint=imprint, source="test"),
        trust=trust or pki.trust,
        helpers=(),
        evidence=evidence or Evidence(),
        at=at or pki.now,
        policy=policy,
    )


def authority(
    pki: FixturePKI,
    *extensions: bytes,
    usage: tuple[str, ...] = ("digital_signature",),
    until: datetime | None = None,
    since: datetime | None = None,
) -> TimestampAuthority:
    """A unit with other extensions than it should have."""
    private = pki.new_key(f"tsa {extensions!r} {usage} {until} {since}")
    certificate = pki.issuing.issue(
        subject=der.name([("2.5.4.3", "Odd TSA", 0x0C)]),
        spki=private.spki,
        extensions=[*([der.key_usage(usage)] if usage else []), *extensions],
        not_before=since or pki.issuing.certificate.not_before_time,
        not_after=until or pki.issuing.certificate.not_after_time,
        seed=f"odd {extensions!r} {usage} {until} {since}",
    )
    holder = Entity(pki, pki.issuing, "tsa", {}, certificate, private)
    return TimestampAuthority(pki, holder, "http://odd.test/", "1.2.3.4")


STAMPING = "1.3.6.1.5.5.7.3.8"


def test_a_good_one(pki: FixturePKI) -> None:
    report = judge(pki, pki.tsa.timestamp(b"data"))
    assert report.indication is PASSED
    assert report.sub_indication is None
    assert report.time == pki.now
    assert (report.imprint_found, report.imprint_intact, report.token_intact) == (True, True, True)
    assert report.certificate_der == pki.tsa.certificate.der
    assert len(report.chain_der) == 3
    assert report.source == "test"
    assert report.policy == pki.tsa.policy
    assert [check.name for check in report.checks] == [
        "format",
        "signing-certificate",
        "reference-digest",
        "signature-value",
        "certificate-chain",
        "revocation",
        "key-usage",
        "algorithm-strength",
        "signing-time",
    ]


def test_a_document_in_a_file_and_one_known_by_digest(pki: FixturePKI, tmp_path: Any) -> None:
    token = pki.tsa.timestamp(b"data")
    (tmp_path / "f").write_bytes(b"data")
    assert judge(pki, token, Document.from_path(tmp_path / "f")).indication is PASSED
    digest = {"SHA256": Document(b"data").digest("SHA256")}
    assert judge(pki, token, Document.from_digests(digest)).indication is PASSED
    unknown = judge(pki, token, Document.from_digests({"SHA512": bytes(64)}))
    assert unknown.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND


def test_the_wrong_octets(pki: FixturePKI) -> None:
    report = judge(pki, pki.tsa.timestamp(b"data"), b"other")
    assert (report.indication, report.sub_indication) == (FAILED, SubIndication.HASH_FAILURE)
    assert report.imprint_found is True
    assert report.imprint_intact is False
    assert report.check("reference-digest").code == "timestamp.imprint-mismatch"
    # What else can be said is still said.
    assert report.token_intact is True


@pytest.mark.parametrize("octets", [None, InputError("cannot be computed", code="x.y")])
def test_octets_that_are_not_here(pki: FixturePKI, octets: Any) -> None:
    report = judge(pki, pki.tsa.timestamp(b"data"), octets)
    assert report.indication is INDETERMINATE
    assert report.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND
    assert report.imprint_found is False


def test_no_bit_of_a_token_can_be_changed(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data")
    chosen = random.Random(3)
    survivors = 0
    for position in chosen.sample(range(len(token) * 8), 400):
        broken = bytearray(token)
        broken[position // 8] ^= 1 << position % 8
        report = judge(pki, bytes(broken))
        if report.indication is PASSED:
            # Certificates that nobody needs and the outer digest list are not signed.
            survivors += 1
            assert report.certificate_der == pki.tsa.certificate.der
            assert report.time == pki.now
    assert survivors < 400


def test_no_bit_of_the_statement_can_be_changed(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data", nonce=5)
    content = TimestampToken.load(token).content
    start = token.index(content)
    for position in range(len(content) * 8):
        broken = bytearray(token)
        broken[start + position // 8] ^= 1 << position % 8
        assert judge(pki, bytes(broken)).indication is not PASSED


def test_rubbish_is_a_report_and_no_exception(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data")
    for broken in (b"", b"\x30", b"rubbish", token[:-1], token + b"\0", pki.crl()):
        report = judge(pki, broken)
        assert report.sub_indication is SubIndication.FORMAT_FAILURE
        assert report.indication is FAILED
        assert {c.status for c in report.checks[1:]} == {CheckStatus.NOT_RUN}


def test_a_malformed_algorithm_is_a_report_and_no_exception(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data")
    identifier = encode(SEQUENCE, encode_oid("1.2.840.10045.4.3.2"))
    place = token.rindex(identifier)
    for position in range(len(identifier)):
        for bit in range(8):
            broken = bytearray(token)
            broken[place + position] ^= 1 << bit
            assert judge(pki, bytes(broken)).indication is not PASSED


def test_a_plain_signature_is_no_time_stamp(pki: FixturePKI) -> None:
    report = judge(pki, pki.person().sign(b"data"))
    assert report.sub_indication is SubIndication.FORMAT_FAILURE
    assert report.check("format").code == "timestamp.content-type"


@pytest.mark.parametrize("delta", [-400, 1])
def test_the_future_and_the_limits_of_a_clock(pki: FixturePKI, delta: int) -> None:
    token = pki.tsa.timestamp(b"data", at=pki.now + timedelta(seconds=300 + delta))
    report = judge(pki, token)
    assert report.indication is (PASSED if delta < 0 else INDETERMINATE)
    if delta > 0:
        assert report.check("signing-time").code == "timestamp.future"


@pytest.mark.parametrize(
    ("extensions", "usage", "code"),
    [
        ((), ("digital_signature",), "timestamp.usage"),
        ((der.extended_key_usage(("2.5.29.37.0",), True),), (), "timestamp.usage"),
        ((der.extended_key_usage((STAMPING,), False),), (), "timestamp.usage-strict"),
        (
            (der.extended_key_usage((STAMPING, "1.3.6.1.5.5.7.3.4"), True),),
            ("digital_signature",),
            "timestamp.usage-strict",
        ),
        (
            (der.extended_key_usage((STAMPING,), True),),
            ("key_encipherment",),
            "timestamp.key-usage",
        ),
    ],
)
def test_certificates_that_are_not_for_this(
    pki: FixturePKI, extensions: tuple[bytes, ...], usage: tuple[str, ...], code: str
) -> None:
    token = authority(pki, *extensions, usage=usage).timestamp(b"data")
    report = judge(pki, token)
    assert report.indication is INDETERMINATE
    assert report.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    assert report.check("key-usage").code == code
    loose = judge(pki, token, policy=POLICY.with_(timestamp_usage_strict=False))
    assert (loose.indication is PASSED) == (code == "timestamp.usage-strict")
    if loose.indication is PASSED:
        assert loose.check("key-usage").code == "timestamp.usage-loose"


def test_the_authority_was_valid_when_it_stamped(pki: FixturePKI) -> None:
    usage = der.extended_key_usage((STAMPING,), True)
    day = timedelta(days=1)
    expired = authority(pki, usage, until=pki.now + day)
    inside = expired.timestamp(b"data")
    outside = expired.timestamp(b"data", at=pki.now + 2 * day)
    early = authority(pki, usage, since=pki.now).timestamp(b"data", at=pki.now - day)
    report = judge(pki, outside, at=pki.now + 2 * day)
    assert (report.indication, report.sub_indication) == (FAILED, SubIndication.EXPIRED)
    report = judge(pki, early)
    assert (report.indication, report.sub_indication) == (FAILED, SubIndication.NOT_YET_VALID)
    # Expired since: nothing but a later proof of existence would tell it from a forgery made now.
    report = judge(pki, inside, at=pki.now + 2 * day)
    assert report.indication is INDETERMINATE
    assert report.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_anchors_that_are_not_for_time_stamps(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data")
    below = [pki.issuing.certificate]
    for purposes, expected in (
        ({Purpose.SIGNING}, INDETERMINATE),
        ({Purpose.TIMESTAMPING}, PASSED),
        ({Purpose.ANY}, PASSED),
    ):
        store = TrustStore([TrustAnchor(pki.root.certificate, purposes=purposes)], below)
        assert judge(pki, token, trust=store).indication is expected
    own = FixturePKI(seed="forger").tsa.timestamp(b"data", at=pki.now)
    assert judge(pki, own).sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


@pytest.mark.parametrize("digest", ["MD5", "SHA1"])
def test_weak_imprints(pki: FixturePKI, digest: str) -> None:
    token = pki.tsa.timestamp(Digest(digest, Document(b"data").digest(digest)))
    report = judge(pki, token)
    assert report.indication is INDETERMINATE
    assert report.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    allowed = POLICY.with_(algorithms=POLICY.algorithms.accepting(digest))
    assert judge(pki, token, policy=allowed).indication is PASSED


def test_without_the_authority_s_certificate(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data", include_certificates=False)
    report = judge(pki, token)
    assert report.sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    given = Evidence(certificates=(pki.tsa.certificate.der,))
    assert judge(pki, token, evidence=given).indication is PASSED


def _revoked(pki: FixturePKI, reason: str | None, *, later: bool) -> TimestampReport:
    token = pki.tsa.timestamp(b"data", at=pki.now - timedelta(days=5))
    when = pki.now - timedelta(days=2 if later else 8)
    pki.revoke(pki.tsa.entity, at=when, reason=reason)
    strict = POLICY.with_(revocation_for_timestamps=Revocation.REQUIRED)
    crls = tuple(pki.evidence())
    return judge(pki, token, policy=strict, evidence=Evidence(crls=crls))


@pytest.mark.parametrize(
    ("reason", "later", "good"),
    [
        ("superseded", True, True),
        ("cessationOfOperation", True, True),
        ("affiliationChanged", True, True),
        ("superseded", False, False),
        ("keyCompromise", True, False),
        ("cACompromise", True, False),
        ("certificateHold", True, False),
        (None, True, False),
    ],
)
def test_a_withdrawn_authority(
    pki: FixturePKI, reason: str | None, later: bool, good: bool
) -> None:
    """RFC 3161 § 4: tokens from before stay good only if a harmless reason is stated."""
    report = _revoked(pki, reason, later=later)
    assert (report.indication is PASSED) == good
    if good:
        assert report.check("revocation").code == "timestamp.revoked-later"


def test_revocation_as_the_policy_asks(pki: FixturePKI) -> None:
    token = pki.tsa.timestamp(b"data")
    report = judge(pki, token)
    assert report.check("revocation").status is CheckStatus.INDETERMINATE
    required = POLICY.with_(revocation_for_timestamps=Revocation.REQUIRED)
    report = judge(pki, token, policy=required)
    assert (report.indication, report.sub_indication) == (INDETERMINATE, SubIndication.TRY_LATER)
    report = judge(pki, token, policy=required, evidence=Evidence(crls=pki.evidence()))
    assert report.indication is PASSED
    assert report.check("revocation").status is CheckStatus.PASSED
    ignored = POLICY.with_(revocation_for_timestamps=Revocation.NOT_CHECKED)
    report = judge(pki, token, policy=ignored)
    assert report.check("revocation").status is CheckStatus.NOT_RUN


def test_evidence_of_a_revoked_authority_counts_although_none_was_demanded(
    pki: FixturePKI,
) -> None:
    token = pki.tsa.timestamp(b"data")
    pki.revoke(pki.tsa.entity, at=pki.now - timedelta(days=1))
    report = judge(pki, token, evidence=Evidence(crls=pki.evidence()))
    assert report.indication is not PASSED


def test_limits_for_slow_digests(pki: FixturePKI, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from esign_kit import algorithms
    from esign_kit.validation import timestamp_token

    slow = replace(algorithms.digest_algorithm("SHA256"), slow_here=lambda: True)
    monkeypatch.setattr(timestamp_token, "digest_algorithm", lambda name: slow)
    token = pki.tsa.timestamp(bytes(5 * 1024 * 1024))
    report = judge(pki, token, bytes(5 * 1024 * 1024))
    assert report.check("reference-digest").code == "input.over-limit"
    assert report.indication is INDETERMINATE


# ── tokens that no decent authority makes ─────────────────────────────────────────────────────

CONTENT_TYPE, DIGEST, TIME = (f"1.2.840.113549.1.9.{n}" for n in (3, 4, 5))
ESS_1, ESS_2 = (f"1.2.840.113549.1.9.16.2.{n}" for n in (12, 47))
PROTECTION = "1.2.840.113549.1.9.52"
TST_INFO = "1.2.840.113549.1.9.16.1.4"


def attribute(kind: str, *values: bytes) -> bytes:
    return encode(SEQUENCE, encode_oid(kind), encode(SET, *values))


def usual(pki: FixturePKI, info: bytes) -> dict[str, bytes]:
    """The signed attributes of a good token, by type."""
    certificate = pki.tsa.certificate.der
    identifier = encode(SEQUENCE, encode(OCTET_STRING, sha256(certificate).digest()))
    return {
        CONTENT_TYPE: attribute(CONTENT_TYPE, encode_oid(TST_INFO)),
        DIGEST: attribute(DIGEST, encode(OCTET_STRING, sha256(info).digest())),
        ESS_2: attribute(ESS_2, encode(SEQUENCE, encode(SEQUENCE, identifier))),
    }


def forged(pki: FixturePKI, attributes: list[bytes], *, in_order: bool = True) -> bytes:
    """A token of the real authority with whatever signed attributes."""
    outer = read_all(pki.tsa.timestamp(b"data")).items()
    signed = read_all(outer[1].contents).items()
    signer = read_all(signed[-1].contents).items()
    ordered = sorted(attributes) if in_order else attributes
    algorithm = pki.tsa.entity.private_key.algorithms[0]
    value = pki.tsa.entity.private_key.sign(encode(SET, *ordered), algorithm)
    parts = [item.raw for item in signer]
    parts[3] = encode(0xA0, *ordered)
    parts[5] = encode(OCTET_STRING, value)
    body = [item.raw for item in signed[:-1]]
    content = encode(SEQUENCE, *body, encode(SET, encode(SEQUENCE, *parts)))
    return encode(SEQUENCE, outer[0].raw, encode(0xA0, content))


def statement(pki: FixturePKI) -> bytes:
    return TimestampToken.load(pki.tsa.timestamp(b"data")).content


def test_the_forge_makes_good_tokens_of_good_attributes(pki: FixturePKI) -> None:
    good = list(usual(pki, statement(pki)).values())
    assert judge(pki, forged(pki, good)).indication is PASSED


def test_attributes_in_another_order(pki: FixturePKI) -> None:
    """The signature covers the DER order (RFC 5652 § 5.4); the order of the wire only by name."""
    jumbled = sorted(usual(pki, statement(pki)).values(), reverse=True)
    token = forged(pki, jumbled, in_order=False)
    report = judge(pki, token)
    assert report.sub_indication is SubIndication.SIG_CRYPTO_FAILURE
    allowed = judge(pki, token, policy=POLICY.with_(wire_order_attributes=True))
    assert allowed.indication is PASSED
    assert allowed.check("signature-value").code == "cms.attributes-not-der"


def _bent_attributes(pki: FixturePKI, kind: str) -> list[bytes]:
    info = statement(pki)
    good = usual(pki, info)
    digest = encode(OCTET_STRING, sha256(info).digest())
    other = encode(SEQUENCE, encode(OCTET_STRING, sha256(b"other").digest()))
    if kind == "no-content-type":
        del good[CONTENT_TYPE]
    elif kind == "other-content-type":
        good[CONTENT_TYPE] = attribute(CONTENT_TYPE, encode_oid("1.2.840.113549.1.7.1"))
    elif kind == "no-digest":
        del good[DIGEST]
    elif kind == "empty-digest":
        good[DIGEST] = attribute(DIGEST)
    elif kind == "two-values":
        good[DIGEST] = attribute(DIGEST, digest, digest)
    elif kind == "digest-twice":
        return [*good.values(), good[DIGEST]]
    elif kind == "digest-no-octets":
        good[DIGEST] = attribute(DIGEST, encode_oid("1.2.3"))
    elif kind == "no-ess":
        del good[ESS_2]
    elif kind == "ess-twice":
        return [*good.values(), good[ESS_2]]
    elif kind == "empty-ess":
        good[ESS_2] = attribute(ESS_2, encode(SEQUENCE, encode(SEQUENCE)))
    elif kind == "other-ess":
        good[ESS_2] = attribute(ESS_2, encode(SEQUENCE, encode(SEQUENCE, other)))
    elif kind == "second-ess":
        certificate = encode(OCTET_STRING, sha256(pki.tsa.certificate.der).digest())
        ids = encode(SEQUENCE, other, encode(SEQUENCE, certificate))
        good[ESS_2] = attribute(ESS_2, encode(SEQUENCE, ids))
    else:
        assert kind == "ess-1-of-another"
        one = encode(SEQUENCE, encode(OCTET_STRING, sha1(b"other").digest()))
        good[ESS_1] = attribute(ESS_1, encode(SEQUENCE, encode(SEQUENCE, one)))
    return list(good.values())


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("no-content-type", "format"),
        ("other-content-type", "format"),
        ("no-digest", "format"),
        ("empty-digest", "format"),
        ("two-values", "format"),
        ("digest-twice", "format"),
        ("digest-no-octets", "signature-value"),
        ("no-ess", "signing-certificate"),
        ("ess-twice", "format"),
        ("empty-ess", "format"),
        ("other-ess", "signing-certificate"),
        ("second-ess", "signing-certificate"),
        ("ess-1-of-another", "signing-certificate"),
    ],
)
def test_attributes_that_are_missing_doubled_or_wrong(
    pki: FixturePKI, kind: str, check: str
) -> None:
    report = judge(pki, forged(pki, _bent_attributes(pki, kind)))
    assert report.indication is not PASSED
    assert report.check(check).status in (CheckStatus.FAILED, CheckStatus.INDETERMINATE)


def test_both_generations_of_the_certificate_identifier(pki: FixturePKI) -> None:
    good = usual(pki, statement(pki))
    one = encode(SEQUENCE, encode(OCTET_STRING, sha1(pki.tsa.certificate.der).digest()))
    good[ESS_1] = attribute(ESS_1, encode(SEQUENCE, encode(SEQUENCE, one)))
    assert judge(pki, forged(pki, list(good.values()))).indication is PASSED
    del good[ESS_2]
    # RFC 3161 § 2.4.2 knew only this one; real authorities still do.
    assert judge(pki, forged(pki, list(good.values()))).indication is PASSED


@pytest.mark.parametrize(
    ("digest", "agrees"),
    [("2.16.840.1.101.3.4.2.1", True), ("2.16.840.1.101.3.4.2.3", False)],
)
def test_algorithm_protection(pki: FixturePKI, digest: str, agrees: bool) -> None:
    """RFC 6211: the algorithms may be signed too, and then they have to be the ones outside."""
    ecdsa = encode_oid("1.2.840.10045.4.3.2")
    value = encode(SEQUENCE, encode(SEQUENCE, encode_oid(digest)), encode(0xA1, ecdsa))
    good = usual(pki, statement(pki))
    good[PROTECTION] = attribute(PROTECTION, value)
    report = judge(pki, forged(pki, list(good.values())))
    assert (report.indication is PASSED) == agrees
    if not agrees:
        assert report.check("format").code == "timestamp.algorithm-protection"
