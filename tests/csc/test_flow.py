"""Remote signing: the whole flow of both versions, in the process and over HTTP, and what fails."""

from __future__ import annotations

import io
import logging
import traceback
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.keys.csc import Csc, HttpTransport, authorize_url, exchange_code
from esign_kit.keys.csc.client import Authorization
from esign_kit.keys.csc.transport import Answer
from esign_kit.net import Guard
from esign_kit.testing import FixturePKI
from esign_kit.testing.csc import FakeCsc

PKI = FixturePKI()
EC, RSA, OTHER = PKI.person(key="ec"), PKI.person(key="rsa"), PKI.person(key="ec")
LOCAL = HttpTransport(guard=Guard.of(hosts=["127.0.0.1"]))
POLICY = ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED)


def _open(fake: FakeCsc, **arguments: Any) -> Csc:
    arguments = {"pin": "4711", "clock": lambda: fake.now, "transport": fake, **arguments}
    arguments.setdefault("sleep", lambda seconds: setattr(fake, "now", fake.now + seconds))
    return Csc.open(fake.url, **arguments)


def _passes(signed: bytes) -> bool:
    report = ek.verify(signed, trust=PKI.trust, policy=POLICY, at=PKI.now)
    return str(report.indication) == "TOTAL_PASSED"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("http", [False, True], ids=["in-process", "http"])
@pytest.mark.parametrize("holder", [EC, RSA], ids=["ec", "rsa"])
def test_the_whole_flow(version: int, http: bool, holder: Any) -> None:
    with FakeCsc(OTHER, holder, PKI.person(), version=version, token="t0ken") as fake:
        transport = LOCAL if http else fake
        with _open(fake, transport=transport, token="t0ken") as store:
            assert len(store.entries) == 3
            key = store.find(serial=holder.serial)
            assert key.chain_der == holder.chain_der
            for algorithm in key.algorithms:
                if algorithm.name.endswith(("SHA1", "SHA224", "MD5")) or "SHA3" in algorithm.name:
                    continue
                for format, packaging in (("cades", "attached"), ("xades", "enveloped")):
                    signed = ek.sign(
                        ek.Document(b"<application/>", name="a.xml"),
                        key,
                        format=format,
                        packaging=packaging,
                        algorithm=algorithm.name,
                        signing_time=PKI.now,
                    )
                    assert _passes(signed), algorithm.name
        # The document never leaves: nothing that was asked holds it.
        assert "application" not in str(fake.questions)
    if holder is RSA:
        assert {row.family for row in key.algorithms} == {"RSA", "RSA-PSS"}


def test_prepare_and_complete() -> None:
    fake = FakeCsc(EC)
    with _open(fake) as store:
        key = store.find()
        job = ek.prepare(
            b"payload",
            certificate=key.certificate_der,
            chain=key.chain_der,
            format="cades",
            packaging="attached",
            signing_time=PKI.now,
        )
        job = ek.SigningJob.from_json(job.to_json())
        assert _passes(job.complete(key.sign(job.to_be_signed, job.algorithm)))


@pytest.mark.parametrize("version", [1, 2])
def test_batches(version: int) -> None:
    fake = FakeCsc(EC, version=version, multisign=4)
    with _open(fake) as store:
        key = store.find()
        items = [f"item {n}".encode() for n in range(10)]
        values = key._private.sign_all(items, key.algorithms[0])
        assert len(set(values)) == 10
    assert fake.asked.count("credentials/authorize") == 3
    assert fake.asked.count("signatures/signHash") == 3


def test_asynchronous() -> None:
    fake = FakeCsc(EC, asynchronous=3)
    with _open(fake) as store:
        key = store.find()
        assert key.sign(b"x", key.algorithms[0])
    assert fake.asked.count("signatures/signPolling") == 4


def test_it_never_gets_done() -> None:
    fake = FakeCsc(EC, misbehave={"never"})
    with _open(fake, seconds=20) as store:
        key = store.find()
        with pytest.raises(ek.KeyStoreError) as caught:
            key.sign(b"x", key.algorithms[0])
    assert caught.value.code == "csc.timeout"
    assert fake.asked.count("signatures/signPolling") < 15


@pytest.mark.parametrize("version", [1, 2])
def test_one_time_passwords(version: int) -> None:
    fake = FakeCsc(EC, version=version, otp="123123")
    asked: list[int] = []

    def ask() -> str:
        asked.append(fake.otp_sent)
        return "123123"

    with _open(fake, otp=ask) as store:
        key = store.find()
        for _ in range(2):
            key.sign(b"x", key.algorithms[0])
    assert asked == [1, 2]
    for given, code in (
        ({"otp": "000"}, "csc.otp"),
        ({"otp": "123123", "pin": "1"}, "csc.pin"),
        ({"otp": lambda: None}, "keys.cancelled"),
        ({}, "csc.secret-needed"),
    ):
        with _open(fake, **given) as store, pytest.raises(ek.KeyStoreError) as caught:
            store.find().sign(b"x", key.algorithms[0])
        assert caught.value.code == code


@pytest.mark.parametrize("http", [False, True], ids=["in-process", "http"])
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("expired", "csc.expired"),
        ("changed-hash", "csc.value"),
        ("wrong-key", "csc.value"),
        ("slow", "csc.timeout"),
        ("cut", "csc.cut"),
        ("rubbish", "csc.answer"),
        ("fewer", "csc.answer"),
        ("denied", "csc.denied"),
    ],
)
def test_misbehaviour(wrong: str, code: str, http: bool) -> None:
    with FakeCsc(EC, OTHER, delay=1.5) as fake:
        store = _open(fake, transport=LOCAL if http else fake, seconds=0.5)
        key = store.find(serial=EC.serial)
        fake.misbehave.add(wrong)
        with pytest.raises(ek.KeyStoreError) as caught:
            ek.sign(b"x", key, format="cades", packaging="attached")
        assert caught.value.code == code
        assert isinstance(caught.value, ek.CancelledError) == (wrong == "denied")
        fake.misbehave.clear()
        assert key.sign(b"x", key.algorithms[0])


@pytest.mark.parametrize("holder", [OTHER, RSA], ids=["same-kind", "other-kind"])
def test_a_wrong_certificate(holder: Any) -> None:
    """The service names another holder's certificate from the start."""
    fake = FakeCsc(EC, holder, misbehave={"wrong-certificate"})
    with _open(fake, credential="key-1") as store:
        if holder is RSA:
            assert [entry.key for entry in store.entries] == [None]
            return
        key = store.find()
        with pytest.raises(ek.KeyStoreError) as caught:
            key.sign(b"x", key.algorithms[0])
        assert caught.value.code == "csc.value"


def test_values_as_two_numbers() -> None:
    fake = FakeCsc(EC, misbehave={"plain"})
    with _open(fake) as store:
        signed = ek.sign(
            b"x", store.find(), format="cades", packaging="attached", signing_time=PKI.now
        )
    assert _passes(signed)


def test_an_authorisation_holds_for_its_hashes_and_its_time() -> None:
    fake = FakeCsc(EC)
    store = _open(fake)
    client = store.client
    credential = client.credential("key-1")
    oid = "2.16.840.1.101.3.4.2.1"
    granted = client.authorize(credential, [b"1" * 32], digest_oid=oid, pin="4711")
    arguments = {"digest_oid": oid, "algorithm_oid": "1.2.840.10045.4.3.2"}
    with pytest.raises(ek.KeyStoreError) as caught:
        client.sign_hashes(credential, granted, [b"2" * 32], **arguments)
    assert caught.value.code == "csc.hash"
    assert len(client.sign_hashes(credential, granted, [b"1" * 32], **arguments)) == 1
    fake.now += 61
    asked = len(fake.asked)
    with pytest.raises(ek.KeyStoreError) as caught:
        client.sign_hashes(credential, granted, [b"1" * 32], **arguments)
    assert caught.value.code == "csc.expired" and len(fake.asked) == asked
    forged = Authorization("sad-99", None)
    with pytest.raises(ek.KeyStoreError) as caught:
        client.sign_hashes(credential, forged, [b"1" * 32], **arguments)
    assert caught.value.code == "csc.sad"


def test_in_a_browser() -> None:
    fake = FakeCsc(EC, mode="oauth2code", pin=None)

    class Tokens:
        def post(self, url: str, body: bytes, **_: Any) -> Answer:
            assert url == "https://csc.example/oauth2/token" and b"code_verifier=" in body
            return Answer(200, {"access_token": self.sad, "expires_in": 60})

    def authorization(credential: Any, hashes: Any) -> Authorization:
        url, verifier = authorize_url(
            "https://csc.example",
            credential,
            hashes,
            digest_oid="2.16.840.1.101.3.4.2.1",
            client_id="portal",
            redirect_uri="https://portal.example/back",
            state="s",
        )
        assert "scope=credential" in url and verifier not in url and "S256" in url
        tokens = Tokens()
        tokens.sad = fake.grant(EC, list(hashes))  # type: ignore[attr-defined]
        return exchange_code(
            "https://csc.example",
            "code",
            verifier,
            client_id="portal",
            client_secret=None,
            redirect_uri="https://portal.example/back",
            transport=tokens,
            now=fake.now,
        )

    with _open(fake, authorization=authorization) as store:
        key = store.find()
        assert key.sign(b"x", key.algorithms[0])
    with _open(fake) as store, pytest.raises(ek.KeyStoreError) as caught:
        store.find().sign(b"x", key.algorithms[0])
    assert caught.value.code == "csc.oauth2"


def test_access_tokens() -> None:
    fake = FakeCsc(EC, token="right")
    with pytest.raises(ek.KeyStoreError) as caught:
        _open(fake, token="wrong")
    assert caught.value.code == "csc.token"
    assert _open(fake, token=lambda: "right").entries


def test_where_it_may_go() -> None:
    for url, code in (
        ("http://csc.example/csc/v2", "csc.address"),
        ("https://127.0.0.1:9/csc/v2", "csc.address"),
        ("ftp://csc.example", "csc.address"),
        ("https://", "csc.address"),
    ):
        with pytest.raises(ek.KeyStoreError) as caught:
            Csc.open(url, seconds=2)
        assert caught.value.code == code
    with pytest.raises(ek.KeyStoreError) as caught:
        Csc.open("http://127.0.0.1:9/csc/v2", transport=LOCAL, seconds=2)
    assert caught.value.code == "csc.unreachable"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"specs": "3.0"},
        {"specs": "2.0.0.0", "credentialIDs": 7},
        {"specs": "2.0.0.0", "credentialIDs": ["a"], "key": {}},
        {"specs": "2.0.0.0", "credentialIDs": ["a"], "key": {"algo": 5}},
        {
            "specs": "2.0.0.0",
            "credentialIDs": ["a"],
            "key": {"algo": []},
            "cert": {"certificates": ["!"]},
        },
        {"specs": "2.0.0.0", "credentialIDs": ["a"], "nextPageToken": "again"},
        {"specs": "1.0", "credentialIDs": ["a"], "key": {"algo": []}, "multisign": "many"},
        {"specs": "1.0", "credentialIDs": ["a"], "key": {"algo": []}, "PIN": [1]},
    ],
)
def test_strange_answers_are_our_errors(body: dict[str, Any]) -> None:
    class Strange:
        def post(self, url: str, data: bytes, **_: Any) -> Answer:
            return Answer(200, body)

    with pytest.raises(ek.KeyStoreError) as caught:
        Csc.open("https://csc.example/csc/v2", transport=Strange())
    assert caught.value.code == "csc.answer"


def test_secrets_are_nowhere() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    marks = {"pin": "MARKER-pin", "otp": "MARKER-otp", "token": "MARKER-token"}
    seen: list[str] = []
    try:
        with FakeCsc(EC, OTHER, misbehave={"echo"}, **marks) as fake:
            for given in (
                marks,
                {**marks, "pin": "MARKER-wrong"},
                {**marks, "otp": "MARKER-wrong"},
                {**marks, "token": "MARKER-wrong"},
                {**marks, "token": "MARKER\nwrong"},
            ):
                for wrong in ("", "expired", "denied", "rubbish", "cut", "wrong-key"):
                    fake.misbehave = {"echo", wrong}
                    try:
                        store = _open(fake, transport=LOCAL, **given)
                        key = store.find(serial=EC.serial)
                        seen += [repr(store), repr(key), repr(key._private), repr(store.client)]
                        seen.append(repr(key._private.way))
                        key.sign(b"x", key.algorithms[0])
                    except ek.EsignError as error:
                        seen.append("".join(traceback.format_exception(error)))
                        seen.append(repr(error) + str(vars(error)))
        assert "MARKER" not in repr(Authorization("MARKER", 1.0))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert len(seen) > 30
    assert "MARKER" not in "".join(seen) + stream.getvalue()
