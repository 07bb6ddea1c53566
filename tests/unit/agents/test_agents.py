"""Agents: requests, every shape of answer, and the way from an agent's file to a principal."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.agents import (
    AgentJob,
    Outcome,
    complete_agent,
    complete_login,
    eimzo,
    ncalayer,
    unwrap as unwrapped,
)
from esign_kit.agents.egov_qr import EgovDocument, EgovOffer, EgovOrganisation, launch_link, take
from esign_kit.agents.eimzo import EimzoServer, ServerVerification
from esign_kit.errors import LoginRefusedError
from esign_kit.login import ChallengeLogin, MemoryOnceStore, Secret
from esign_kit.testing import FixturePKI
from esign_kit.testing.login import (
    FakeEgovMobile,
    FakeEimzo,
    FakeEimzoServer,
    FakeNcaLayer,
    LoopbackAgent,
)
from tests.corpora import national

SESSION = b"a session secret of this browser"
DATA = b"application of a citizen"
XML = b'<?xml version="1.0"?><!-- a comment --><application  id="1"><a/></application>'


@pytest.fixture(scope="module")
def kz() -> FixturePKI:
    return FixturePKI("kz", key="ec")


@pytest.fixture(scope="module")
def uz() -> FixturePKI:
    return FixturePKI("uz", key="ec")


@pytest.fixture
def layer(kz: FixturePKI) -> FakeNcaLayer:
    return FakeNcaLayer(kz.person(), login_key=kz.person(purpose="AUTHENTICATION"))


def asked(agent: Any, request: dict[str, Any]) -> Any:
    return json.loads(agent.answer(json.dumps(request)))


def done(pki: FixturePKI, job: AgentJob, answer: Any, **options: Any) -> Any:
    options.setdefault("evidence", pki.evidence())
    return complete_agent(job, answer, profile=pki.profile, at=pki.now, **options)


# ── NCALayer ──────────────────────────────────────────────────────────────────────────────────


def test_basics_request_is_as_the_agent_wants_it() -> None:
    request = ncalayer.basics_sign(DATA, timestamp=True, storages=["PKCS12"], issuers=[b"x"])
    assert request == {
        "module": "kz.gov.pki.knca.basics",
        "method": "sign",
        "args": {
            "allowedStorages": ["PKCS12"],
            "format": "cms",
            "data": b64encode(DATA).decode(),
            "signingParams": {
                "decode": True, "encapsulate": True, "digested": False, "tsaProfile": {},
            },
            "signerParams": {"extKeyUsageOids": ["1.3.6.1.5.5.7.3.4"], "chain": ["eA=="]},
            "locale": "ru",
        },
    }  # fmt: skip
    plain = ncalayer.basics_sign([DATA, DATA], keys="login", attached=False)["args"]
    assert plain["data"] == [b64encode(DATA).decode()] * 2
    assert "tsaProfile" not in plain["signingParams"]
    assert plain["signerParams"]["extKeyUsageOids"] == ["1.3.6.1.5.5.7.3.2"]
    assert ncalayer.create_cms(DATA)["args"][0] == "PKCS12"
    for wrong in ({"format": "pdf"}, {"keys": "x"}, {"storages": ["x"]}, {"locale": "x"}):
        with pytest.raises(ValueError, match=r"is|no storage"):
            ncalayer.basics_sign(DATA, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("lie", ["", "array", "pem-in-base64"])
@pytest.mark.parametrize("attached", [True, False])
def test_from_ncalayer_to_the_principal(
    kz: FixturePKI, layer: FakeNcaLayer, lie: str, attached: bool
) -> None:
    layer.lies = {lie}
    job = AgentJob.from_json(AgentJob.of([DATA]).to_json())
    answer = ncalayer.read_answer(asked(layer, ncalayer.basics_sign(DATA, attached=attached)))
    assert answer.outcome is Outcome.OK
    (found,) = done(kz, job, answer, documents=[DATA])
    assert found.principal.kind == "PERSON"
    assert found.report.passed
    assert [check.name for check in found.checks] == ["content"]


def test_common_utils(kz: FixturePKI, layer: FakeNcaLayer) -> None:
    for request in (ncalayer.create_cades(DATA), ncalayer.create_cms(DATA)):
        answer = ncalayer.read_answer(asked(layer, request))
        assert done(kz, AgentJob.of([DATA]), answer)
    tokens = ncalayer.read_answer(asked(layer, ncalayer.get_active_tokens()))
    assert tokens.data["result"] == ["AKKaztokenStore"]
    key = ncalayer.read_answer(asked(layer, ncalayer.get_key_info()))
    assert "subjectDn" in key.data["result"]
    assert ncalayer.read_answer(asked(layer, ncalayer.change_locale("kk"))).ok
    assert ncalayer.read_greeting(layer.greeting) == "1.4"


def test_xml_comes_back_as_it_was_offered(kz: FixturePKI, layer: FakeNcaLayer) -> None:
    for request in (
        ncalayer.basics_sign(XML, format="xml"),
        ncalayer.sign_xml(XML.decode()),
        ncalayer.sign_xml([XML.decode()]),
    ):
        answer = ncalayer.read_answer(asked(layer, request))
        assert done(kz, AgentJob.of([XML], xml=True), answer)
    layer.lies = {"content"}
    answer = ncalayer.read_answer(asked(layer, ncalayer.basics_sign(XML, format="xml")))
    with pytest.raises(ek.InputError) as caught:
        done(kz, AgentJob.of([XML], xml=True), answer)
    assert caught.value.code == "agents.content"


def test_a_series_is_complete_or_nothing(kz: FixturePKI, layer: FakeNcaLayer) -> None:
    series = [b"one", b"two", b"three"]
    answer = ncalayer.read_answer(asked(layer, ncalayer.basics_sign(series)))
    assert len(done(kz, AgentJob.of(series), answer)) == 3
    with pytest.raises(ek.InputError) as caught:
        done(kz, AgentJob.of([b"two", b"one", b"three"]), answer)
    assert caught.value.code == "agents.content"
    layer.lies = {"missing"}
    answer = ncalayer.read_answer(asked(layer, ncalayer.basics_sign(series)))
    with pytest.raises(ek.InputError) as caught:
        done(kz, AgentJob.of(series), answer)
    assert caught.value.code == "agents.results"


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ({"status": True, "body": {}}, Outcome.CANCELLED),
        ({"status": False, "code": "500", "message": "x"}, Outcome.ERROR),
        ({"status": False, "code": None, "message": None}, Outcome.ERROR),
        ({"code": "500", "message": "action.canceled"}, Outcome.CANCELLED),
        ({"code": 500, "message": "java.lang.Exception"}, Outcome.ERROR),
        ({"code": 200, "responseObject": None}, Outcome.OK),
    ],
)
def test_outcomes(message: dict[str, Any], outcome: Outcome) -> None:
    answer = ncalayer.read_answer(json.dumps(message))
    assert answer.outcome is outcome
    if outcome is Outcome.CANCELLED:
        with pytest.raises(ek.CancelledError):
            answer.raise_for_outcome()
    if outcome is Outcome.ERROR:
        with pytest.raises(ek.KeyStoreError):
            _ = answer.result


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"status": true}',
        '{"code": "200"}',
        "[" * 5000,
        '{"status":true,"body":[]}',
    ],
)  # fmt: skip
def test_no_answer_at_all(text: str) -> None:
    with pytest.raises(ek.InputError):
        ncalayer.read_answer(text)


def test_login_through_ncalayer(kz: FixturePKI, layer: FakeNcaLayer) -> None:
    login = ChallengeLogin("https://portal.test", profile=kz.profile, once=MemoryOnceStore())

    def attempt() -> Any:
        issued = login.issue(session_secret=SESSION, at=kz.now)
        request = ncalayer.basics_sign(issued.text, keys="login")
        answer = ncalayer.read_answer(asked(layer, request))
        return complete_login(
            login, issued.pending, answer, session_secret=SESSION, at=kz.now,
            evidence=kz.evidence(),
        )  # fmt: skip

    assert attempt().principal.established_by[0].kind == "LOGIN"
    layer.cancels = True
    with pytest.raises(LoginRefusedError) as caught:
        attempt()
    assert caught.value.code == "login.cancelled"
    layer.cancels, layer.error = False, "boom"
    with pytest.raises(LoginRefusedError) as caught:
        attempt()
    assert caught.value.code == "login.agent"


def test_expected_signer(kz: FixturePKI) -> None:
    person = kz.person("900101300017")
    answer = ncalayer.read_answer(asked(FakeNcaLayer(person), ncalayer.basics_sign(DATA)))
    own = ek.Identifier("KZ", "IIN", "900101300017")
    (found,) = done(kz, AgentJob.of([DATA], signer=own), answer)
    assert [check.name for check in found.checks] == ["content", "subject-continuity"]
    other = ek.Identifier("KZ", "IIN", "850505400015")
    with pytest.raises(ek.IdentityError) as caught:
        done(kz, AgentJob.of([DATA], signer=other), answer)
    assert caught.value.code == "identity.subject-continuity"


def test_what_does_not_pass(kz: FixturePKI) -> None:
    answer = ncalayer.read_answer(
        asked(FakeNcaLayer(kz.near_miss("revoked")), ncalayer.basics_sign(DATA))
    )
    with pytest.raises(ek.SignatureRejected):
        done(kz, AgentJob.of([DATA]), answer)
    with pytest.raises(ek.InputError):
        done(kz, AgentJob.of([DATA]), b"nonsense")
    with pytest.raises(ek.InputError):
        AgentJob.of([])
    with pytest.raises(ek.InputError):
        AgentJob.from_json("{}")


@pytest.mark.parametrize(
    "text",
    ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "AAAA", "%%%", "QUFBQQ=="],
)
def test_other_wrappings(text: str) -> None:
    with pytest.raises(ek.InputError):
        unwrapped(text)


# ── E-IMZO ────────────────────────────────────────────────────────────────────────────────────


def test_from_eimzo_to_the_principal(uz: FixturePKI) -> None:
    agent = FakeEimzo(uz.person(), uz.employee())
    listed = eimzo.read_answer(asked(agent, eimzo.list_all_certificates()))
    person, worker = eimzo.read_certificates(listed)
    assert not person.organisation_number
    assert worker.organisation_number
    assert worker.fields["o"] == "sinov, savdo mchj"
    loaded = eimzo.read_answer(asked(agent, eimzo.load_key(worker)))
    key = loaded.data["keyId"]
    for detached in (False, True):
        answer = eimzo.read_answer(asked(agent, eimzo.create_pkcs7(DATA, key, detached=detached)))
        (found,) = done(uz, AgentJob.of([DATA]), answer, documents=[DATA])
        assert found.principal.organisation is not None
    agent.lies = {"content"}
    answer = eimzo.read_answer(asked(agent, eimzo.create_pkcs7(DATA, key)))
    with pytest.raises(ek.InputError) as caught:
        done(uz, AgentJob.of([DATA]), answer)
    assert caught.value.code == "agents.content"
    lost = eimzo.read_answer(asked(agent, eimzo.create_pkcs7(DATA, "nobody")))
    assert (lost.outcome, lost.code) == (Outcome.ERROR, "-1010")
    agent.status = -5000
    assert eimzo.read_answer(asked(agent, eimzo.version())).outcome is Outcome.CANCELLED


def test_public_samples_of_capiws() -> None:
    def sample(name: str) -> Any:
        return json.loads(national("uz", "responses", f"{name}.json").read_bytes())

    (one,) = eimzo.read_certificates(eimzo.read_answer(sample("capiws_list_all_certificates")))
    assert one.fields["o"] == "sinov, savdo mchj"
    assert (one.personal_number, one.organisation_number) == ("61508030000012", "301234567")
    assert one.fields["validto"] == "2027.01.01 05:00:00"
    assert eimzo.read_answer(sample("capiws_error_cancel")).outcome is Outcome.CANCELLED
    old = {"success": False, "reason": "javax.crypto.BadPaddingException: x"}
    assert eimzo.read_answer(old).message == "the password is wrong"
    for bad in ({}, {"success": 1}, {"success": True, "pkcs7_64": 5}):
        with pytest.raises(ek.InputError):
            eimzo.read_answer(bad)


def test_mobile_code() -> None:
    for row in json.loads(national("uz", "vectors", "mobile_qr.json").read_bytes())["vectors"]:
        text = row["text"].encode()
        assert eimzo.mobile_code(row["siteId"], row["documentId"], text) == row["qc"]
        read = eimzo.read_code(eimzo.deep_link(row["qc"]))
        assert (read.site, read.document, read.digest) == (
            row["siteId"], row["documentId"], row["hash"],
        )  # fmt: skip
        assert read.fits(text)
        assert not read.fits(text + b"x")
        wrong = row["qc"][:20] + ("0" if row["qc"][20] != "0" else "1") + row["qc"][21:]
        with pytest.raises(ek.InputError):
            eimzo.read_code(wrong)
    with pytest.raises(ek.InputError):
        eimzo.mobile_code("zz", "1", b"")


def test_site_keys() -> None:
    data = json.loads(national("uz", "vectors", "apikey.json").read_bytes())
    assert len(data["valid"]) >= 4
    for domain, key in data["valid"].items():
        assert eimzo.check_api_key(domain, key)
        assert not eimzo.check_api_key(domain + "x", key)
    for domain, key in data["invalid"].items():
        assert not eimzo.check_api_key(domain, key)
    for key in ("", "zz", "00" * 64, "ff" * 64, "00"):
        assert not eimzo.check_api_key("localhost", key)


def server_of(uz: FixturePKI, **options: Any) -> tuple[EimzoServer, FakeEimzoServer]:
    fake = FakeEimzoServer(uz, **options)
    return EimzoServer("http://eimzo.test:8080", host="portal.test", transport=fake), fake


IP = "192.0.2.7"


def test_the_server_and_we_agree(uz: FixturePKI) -> None:
    server, fake = server_of(uz)
    signed = uz.employee().sign(DATA)
    found = server.verify(signed, user_ip=IP, profile=uz.profile, at=uz.now, fetcher=uz)
    assert found.accepted
    assert found.check.name == "server-agreement"
    detached = uz.person().sign(DATA, packaging="detached")
    found = server.verify(
        detached, content=DATA, user_ip=IP, profile=uz.profile, at=uz.now, fetcher=uz
    )
    assert found.accepted
    sent = fake.requests[-1]
    assert sent.headers["X-Real-IP"] == IP
    assert sent.headers["Host"] == "portal.test"


@pytest.mark.parametrize(
    "lie",
    ["accepts", "rejects", "pinfl", "stir", "serial", "digest", "drops-signer", "status-only"],
)
def test_a_server_that_lies(uz: FixturePKI, lie: str) -> None:
    server, fake = server_of(uz)
    fake.lies.add(lie)
    entity = uz.near_miss("forged") if lie == "accepts" else uz.employee()
    found = server.verify(entity.sign(DATA), user_ip=IP, profile=uz.profile, at=uz.now, fetcher=uz)
    assert not found.accepted
    if lie not in ("accepts", "rejects"):
        assert found.check.status == "FAILED"


def test_status_one_proves_nothing() -> None:
    for name, accepted in (
        ("eimzo_verify_attached", True),
        ("eimzo_verify_detached_two_signers", True),
        ("eimzo_verify_revoked", False),
        ("eimzo_verify_status1_signer_false", False),
    ):
        data = json.loads(national("uz", "responses", f"{name}.json").read_bytes())
        assert ServerVerification.of(data).accepted is accepted, name
    data["pkcs7Info"]["signers"][0].pop("certificateVerified")
    assert not ServerVerification.of(data).accepted
    assert not ServerVerification.of({"status": 1}).accepted
    assert not ServerVerification.of({"status": True, "pkcs7Info": []}).accepted


def test_server_challenge_and_errors(uz: FixturePKI) -> None:
    server, fake = server_of(uz)
    person = uz.person()
    text = server.challenge(user_ip=IP)
    info = server.auth(person.sign(text.encode()), user_ip=IP)
    assert info["serialNumber"] == format(person.serial, "x")
    with pytest.raises(ek.EvidenceError) as caught:
        server.auth(person.sign(text.encode()), user_ip=IP)
    assert caught.value.code == "eimzo.auth.-20"
    local = server.time(server.ping()["serverDateTime"])
    assert abs(local - uz.now) < timedelta(seconds=1)
    fake.lies.add("down")
    with pytest.raises(ek.EvidenceError) as caught:
        server.ping()
    assert caught.value.code == "eimzo.unavailable"


def test_by_telephone(uz: FixturePKI) -> None:
    server, fake = server_of(uz)
    site, document, text = server.mobile_auth(user_ip=IP)
    assert eimzo.read_code(eimzo.mobile_code(site, document, text.encode()))
    assert not server.mobile_done(document, user_ip=IP)
    fake.phone = uz.person()
    assert server.mobile_done(document, user_ip=IP)
    assert server.mobile_authenticate(document, user_ip=IP)
    with pytest.raises(ek.EvidenceError) as caught:
        server.mobile_done(document, user_ip=IP)
    assert caught.value.code == "eimzo.mobile.-2"
    _, document = server.mobile_sign(user_ip=IP)
    cms = server.mobile_verify(document, DATA, user_ip=IP)
    (found,) = done(uz, AgentJob.of([DATA]), cms)
    assert found.principal.person is not None


# ── eGov Mobile ───────────────────────────────────────────────────────────────────────────────


def offer_of(kz: FixturePKI, method: str = "CMS_WITH_DATA", **options: Any) -> EgovOffer:
    data = [XML, b"<b/>"] if method == "XML" else [DATA, b"second"]
    return EgovOffer(
        EgovOrganisation("000740000728", "Центр", "Орталық"),
        tuple(EgovDocument(str(n), item, "Заявление") for n, item in enumerate(data, 1)),
        "https://portal.test/qr/2",
        kz.now + timedelta(minutes=5),
        method,
        **{"token": Secret("one-time"), **options},
    )


@pytest.mark.parametrize("method", ["XML", "CMS_WITH_DATA", "CMS_SIGN_ONLY"])
def test_egov_round_trip(kz: FixturePKI, method: str) -> None:
    person = kz.person("900101300017")
    offer = offer_of(kz, method, signer=ek.Identifier("KZ", "IIN", "900101300017"))
    phone = FakeEgovMobile(person)
    shown = phone.authorization(offer.who_asks())
    body = phone.sign(offer.what_is_signed(shown, at=kz.now))
    found = take(
        offer, json.dumps(body), profile=kz.profile, at=kz.now, authorization=shown,
        evidence=kz.evidence(),
    )  # fmt: skip
    assert len(found) == 2
    assert "one-time" not in repr(offer)


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ("content", "agents.content"), ("ids", "agents.ids"), ("order", "agents.ids"),
        ("drops", "agents.ids"), ("adds", "agents.ids"), ("method", "agents.method"),
        ("unsigned", "input.no-signature"),
    ],
)  # fmt: skip
def test_egov_refusals(kz: FixturePKI, lie: str, code: str) -> None:
    offer = offer_of(kz)
    phone = FakeEgovMobile(kz.person())
    phone.lies.add(lie)
    body = phone.sign(offer.what_is_signed("Bearer one-time", at=kz.now))
    with pytest.raises(ek.InputError) as caught:
        take(
            offer, body, profile=kz.profile, at=kz.now, authorization="Bearer one-time",
            evidence=kz.evidence(),
        )  # fmt: skip
    assert caught.value.code == code


def test_egov_time_token_and_person(kz: FixturePKI) -> None:
    offer = offer_of(kz, signer=ek.Identifier("KZ", "IIN", "850505400015"))
    for shown, at, code in (
        ("", kz.now, "agents.authorization"),
        ("Bearer other", kz.now, "agents.authorization"),
        ("Bearer one-time", kz.now + timedelta(minutes=5), "agents.expired"),
    ):
        with pytest.raises(ek.InputError) as caught:
            offer.what_is_signed(shown, at=at)
        assert caught.value.code == code
    body = FakeEgovMobile(kz.person("900101300017")).sign(
        offer.what_is_signed("Bearer one-time", at=kz.now)
    )
    with pytest.raises(ek.IdentityError):
        take(
            offer, body, profile=kz.profile, at=kz.now, authorization="Bearer one-time",
            evidence=kz.evidence(),
        )  # fmt: skip
    assert "mobileSign" in launch_link("https://portal.test/qr/1", app="business")
    with pytest.raises(ek.InputError):
        launch_link("http://portal.test")


# ── over a socket ─────────────────────────────────────────────────────────────────────────────


def test_web_socket(layer: FakeNcaLayer) -> None:
    with LoopbackAgent(layer) as served:
        port = int(served.url.rpartition(":")[2].strip("/"))
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            stream = line.makefile("rb")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += stream.read(1)
            # The value of RFC 6455 § 1.3.
            assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head

            def receive() -> bytes:
                size = stream.read(2)[1]
                if size == 126:
                    size = int.from_bytes(stream.read(2), "big")
                return stream.read(size)

            assert ncalayer.read_greeting(receive()) == "1.4"
            text = json.dumps(ncalayer.get_active_tokens()).encode()
            mask = b"\x01\x02\x03\x04"
            masked = bytes(c ^ mask[i % 4] for i, c in enumerate(text))
            line.sendall(bytes([0x81, 0x80 | len(text)]) + mask + masked)
            assert ncalayer.read_answer(receive()).ok
