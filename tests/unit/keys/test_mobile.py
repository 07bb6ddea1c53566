"""A key in a phone: code, polling, signed, refused, timed out; and a service that lies."""

from __future__ import annotations

import pytest

import esign_kit as ek
from esign_kit.keys.mobile import (
    MobileUser,
    Pending,
    begin,
    check,
    mobile_key,
    verification_code,
    wait,
)
from esign_kit.testing import FixturePKI
from esign_kit.testing.mobile import FakeMobile

PKI = FixturePKI("az")
HOLDER, OTHER = PKI.person(), PKI.person()
USER, SECOND = MobileUser("+994501234567", "123456"), MobileUser("+994507654321", "654321")
POLICY = ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED)


def _fake(reaction: str = "sign", *wrong: str, after: float = 5.0) -> FakeMobile:
    fake = FakeMobile(misbehave=set(wrong))
    fake.register(USER, HOLDER, reaction=reaction, after=after)
    fake.register(SECOND, OTHER)
    return fake


def _job(data: bytes = b"payload", format: str = "cades") -> ek.SigningJob:
    return ek.prepare(
        ek.Document(data, name="a.xml"),
        certificate=HOLDER.certificate_der,
        chain=HOLDER.chain_der,
        format=format,
        packaging="enveloped" if format == "xades" else "attached",
        signing_time=PKI.now,
    )


@pytest.mark.parametrize("format", ["cades", "xades"])
def test_the_way_of_a_portal(format: str) -> None:
    """Each step is a request of the browser; what lies between is text."""
    fake = _fake()
    job = _job(b"<application/>", format)
    pending = begin(fake, USER, job, text="Application 81", now=fake.now)
    assert fake.screens == [(USER.phone, "Application 81", pending.code)]
    kept = (job.to_json(), pending.to_json())
    asked = 0
    while True:
        job, pending = ek.SigningJob.from_json(kept[0]), Pending.from_json(kept[1])
        signed = check(fake, pending, job, now=fake.now)
        asked += 1
        if signed is not None:
            break
        fake.sleep(2)
    assert asked == 4
    report = ek.verify(signed, trust=PKI.trust, policy=POLICY, at=PKI.now)
    assert str(report.indication) == "TOTAL_PASSED"
    # An answer counts once.
    with pytest.raises(ek.KeyStoreError):
        check(fake, pending, job, now=fake.now)


@pytest.mark.parametrize(
    ("reaction", "code"),
    [
        ("refuse", "keys.cancelled"),
        ("ignore", "mobile.timed-out"),
        ("off", "mobile.unreachable"),
        ("broken", "mobile.failed"),
    ],
)
def test_it_does_not_come_about(reaction: str, code: str) -> None:
    fake = _fake(reaction)
    job = _job()
    pending = begin(fake, USER, job, text="x", now=fake.now)
    with pytest.raises(ek.KeyStoreError) as caught:
        wait(fake, pending, job, clock=fake.clock, sleep=fake.sleep)
    assert caught.value.code == code
    assert isinstance(caught.value, ek.CancelledError) == (reaction == "refuse")
    assert fake.now <= 92


def test_our_own_time_runs_out_too() -> None:
    fake = _fake("ignore")
    fake.seconds = 1e9
    job = _job()
    pending = begin(fake, USER, job, text="x", now=fake.now, seconds=30)
    with pytest.raises(ek.KeyStoreError) as caught:
        wait(fake, pending, job, clock=fake.clock, sleep=fake.sleep)
    assert caught.value.code == "mobile.timed-out" and fake.now == 30


@pytest.mark.parametrize(
    ("wrong", "kind", "code"),
    [
        ("changed-hash", ek.SigningError, "signing.value-mismatch"),
        ("wrong-key", ek.SigningError, "signing.value-mismatch"),
        ("wrong-certificate", ek.KeyStoreError, "mobile.certificate"),
    ],
)
def test_a_service_that_lies(wrong: str, kind: type[ek.EsignError], code: str) -> None:
    fake = _fake("sign", wrong)
    job = _job()
    pending = begin(fake, USER, job, text="x", now=fake.now)
    with pytest.raises(kind) as caught:
        wait(fake, pending, job, clock=fake.clock, sleep=fake.sleep)
    assert caught.value.code == code


def test_a_code_that_belongs_to_something_else() -> None:
    fake = _fake("sign", "wrong-code")
    with pytest.raises(ek.KeyStoreError) as caught:
        begin(fake, USER, _job(), text="x", now=fake.now)
    assert caught.value.code == "mobile.code"


def test_codes() -> None:
    # First six bits and last seven: 110100 and 0110111 are 26*... = 0b1101000110111.
    digest = bytes([0b11010011]) + bytes(30) + bytes([0b10110111])
    assert verification_code(digest) == f"{0b1101000110111:04d}" == "6711"
    assert verification_code(bytes(32)) == "0000"
    assert verification_code(b"\xff" * 32) == "8191"


def test_a_pending_signature_is_of_its_job() -> None:
    fake = _fake()
    pending = begin(fake, USER, _job(b"one"), text="x", now=fake.now)
    fake.sleep(10)
    with pytest.raises(ek.KeyStoreError) as caught:
        check(fake, pending, _job(b"two"), now=fake.now)
    assert caught.value.code == "mobile.other-job"


def test_somebody_unknown() -> None:
    fake = _fake()
    for user in (MobileUser("+1"), MobileUser(USER.phone, "999999")):
        with pytest.raises(ek.KeyStoreError) as caught:
            begin(fake, user, _job(), text="x", now=fake.now)
        assert caught.value.code == "mobile.no-such-user"
    assert USER.phone not in repr(USER) and USER.user_id not in repr(USER)


def test_as_a_key() -> None:
    fake = _fake()
    shown: list[str] = []
    key = mobile_key(
        fake, USER, show=shown.append, text="Letter 5", clock=fake.clock, sleep=fake.sleep
    )
    signed = ek.sign(b"x", key, format="cades", packaging="attached", signing_time=PKI.now)
    report = ek.verify(signed, trust=PKI.trust, policy=POLICY, at=PKI.now)
    assert str(report.indication) == "TOTAL_PASSED"
    assert shown == [fake.screens[0][2]]
    fake.misbehave.add("changed-hash")
    with pytest.raises(ek.KeyStoreError) as caught:
        key.sign(b"x", key.algorithms[0])
    assert caught.value.code == "mobile.value"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "esign-kit/mobile/1"}', "7"])
def test_rubbish_is_no_pending_signature(text: str) -> None:
    with pytest.raises(ek.InputError):
        Pending.from_json(text)
