"""SAML 2.0: what is believed is what was signed; every lie and every wrapping by its name."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import esign_kit as ek
from esign_kit import crypto
from esign_kit.algorithms import signature_by_uri
from esign_kit.errors import LoginAnswerError, LoginError, LoginRefusedError, LoginStateError
from esign_kit.keys.decryption import RsaDecryptionKey
from esign_kit.login import (
    MemoryOnceStore,
    SamlLogin,
    SamlServiceProvider,
    with_login_system,
)
from esign_kit.login.saml import EIDAS_ATTRIBUTES
from esign_kit.login.saml.signing import signed_octets
from esign_kit.login.systems import EIDAS_LEVELS
from esign_kit.testing import FixturePKI
from esign_kit.testing.login import FakeSaml
from esign_kit.testing.login.saml import LIES
from esign_kit.xmldsig import parse

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = b"a session secret of this browser"
EMBG = "0101990450006"
KNOWN = {"urn:test:embg": "MK/EMBG", "urn:test:name": "name", "urn:test:reg": "fact:registration"}


def fake_of(**options: Any) -> FakeSaml:
    options.setdefault(
        "attributes",
        {"urn:test:embg": EMBG, "urn:test:name": "ТЕСТ ТЕСТОВСКИ", "urn:test:reg": "tax-account"},
    )
    return FakeSaml(at=AT, **options)


def login_with(fake: FakeSaml, **options: Any) -> SamlLogin:
    portal = SamlServiceProvider(
        "https://portal.test/saml", "https://portal.test/acs", **options.pop("portal", {})
    )
    known = {"attributes": KNOWN, **options.pop("known", {})}
    options.setdefault("once", MemoryOnceStore())
    options.setdefault("profile", ek.profile("mk"))
    return SamlLogin(fake.provider(**known), portal, **options)


def run(fake: FakeSaml, login: SamlLogin | None = None, **options: Any) -> Any:
    login = login or login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    form = fake.log_in(begun)
    return login.finish(form, begun.pending, session_secret=SESSION, at=AT, **options)


@pytest.mark.parametrize("signs", ["assertion", "response", "both"])
@pytest.mark.parametrize("key", ["rsa", "ec"])
@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_sen(signs: str, key: str, binding: str) -> None:
    fake = fake_of(signs=signs, key=key)
    done = run(fake, login_with(fake, known={"binding": binding}))
    who = done.principal
    assert who.identifier == ek.Identifier("MK", "EMBG", EMBG)
    assert who.person.name.raw == "ТЕСТ ТЕСТОВСКИ"
    levels = who.assurance
    assert (levels.identity, levels.authentication, levels.federation) == ("LOW", "LOW", "SIGNED")
    assert done.check("saml-signature").status == "PASSED"
    assert EMBG not in repr(done)


EXPECTED = {
    "unsigned": "login.saml-unsigned", "sha1": "login.saml-algorithm",
    "wrong-key": "login.saml-signature", "issuer": "login.saml-issuer",
    "audience": "login.saml-audience", "no-audience": "login.saml-audience",
    "recipient": "login.saml-recipient", "destination": "login.saml-recipient",
    "request": "login.saml-request", "expired": "login.saml-expired",
    "not-yet": "login.saml-times", "no-end": "login.saml-times",
    "session-over": "login.saml-expired", "changed": "login.saml-digest",
    "wrapped-beside": "login.saml-structure", "wrapped-inside": "login.saml-structure",
    "wrapped-object": "login.saml-structure", "wrapped-response": "login.saml-structure",
    "double-id": "login.saml-reference", "foreign-reference": "login.saml-reference",
    "extra-transform": "login.saml-reference", "two-signatures": "login.saml-signature",
    "encrypted": "login.saml-encrypted", "condition": "login.saml-condition",
    "double-attribute": "login.saml-attribute", "doctype": "login.saml-structure",
    "no-base64": "login.saml-structure", "not-before": "login.saml-times",
    "confirmation-request": "login.saml-request", "confirmation-late": "login.saml-expired",
    "stray-signature": "login.saml-structure", "failed": "login.cancelled",
    "denied": "login.refused", "no-login": "login.saml-structure",
}  # fmt: skip


def test_every_lie_is_in_the_table() -> None:
    assert set(EXPECTED) == set(LIES)


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_is_noticed_by_its_name(lie: str) -> None:
    fake = fake_of()
    fake.lies.add(lie)
    with pytest.raises(LoginError) as caught:
        run(fake)
    assert caught.value.code == EXPECTED[lie], caught.value
    assert caught.value.hint


@pytest.mark.parametrize("lie", ["wrapped-beside", "wrapped-inside", "wrapped-response", "changed"])
def test_wrapping_of_a_signed_response(lie: str) -> None:
    fake = fake_of(signs="response")
    fake.lies.add(lie)
    with pytest.raises(LoginAnswerError):
        run(fake)


def test_a_comment_cuts_nothing_off() -> None:
    """Canonical forms drop comments, so the signature stays good; the value must stay whole."""
    fake = fake_of()
    login = login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    form = fake.log_in(begun)
    xml = b64decode(form["SAMLResponse"])
    cut = xml.replace(EMBG.encode(), EMBG[:4].encode() + b"<!-- -->" + EMBG[4:].encode())
    assert cut != xml
    form["SAMLResponse"] = b64encode(cut).decode()
    done = login.finish(form, begun.pending, session_secret=SESSION, at=AT)
    assert done.principal.identifier == ek.Identifier("MK", "EMBG", EMBG)


def test_an_assertion_is_taken_once_even_under_another_state() -> None:
    fake = fake_of()
    once = MemoryOnceStore()
    login = login_with(fake, once=once)
    begun = login.begin(session_secret=SESSION, at=AT)
    form = fake.log_in(begun)
    login.finish(form, begun.pending, session_secret=SESSION, at=AT)
    with pytest.raises(LoginStateError):
        login.finish(form, begun.pending, session_secret=SESSION, at=AT)
    # Where the store forgot the state and not the assertion, the assertion still stops it.
    once._held = {key: end for key, end in once._held.items() if key.startswith("saml-assertion")}
    with pytest.raises(LoginAnswerError) as caught:
        login.finish(form, begun.pending, session_secret=SESSION, at=AT)
    assert caught.value.code == "login.saml-replay"


def test_nobody_comes_without_having_been_sent() -> None:
    fake = fake_of()
    login = login_with(fake)
    first = login.begin(session_secret=SESSION, at=AT)
    second = login.begin(session_secret=SESSION, at=AT)
    answer = fake.log_in(first)
    for form, pending, secret, code in (
        (answer, None, SESSION, "login.state-missing"),
        (answer, first.pending, b"another session secret", "login.state-foreign"),
        (answer, second.pending, SESSION, "login.state-foreign"),
    ):
        with pytest.raises(LoginStateError) as caught:
            login.finish(form, pending, session_secret=secret, at=AT)
        assert caught.value.code == code
    # The answer to one request under the state of another.
    mixed = {**answer, "RelayState": fake.log_in(second)["RelayState"]}
    with pytest.raises(LoginAnswerError) as wrong:
        login.finish(mixed, second.pending, session_secret=SESSION, at=AT)
    assert wrong.value.code == "login.saml-request"


def test_signed_requests() -> None:
    key = FixturePKI("xx", key="rsa").system().key
    fake = fake_of()
    login = login_with(fake, known={"binding": "post"}, portal={"key": key})
    assert run(fake, login)
    document = parse(fake.last_request, ek.Limits())
    assert signed_octets(document, document.root, (key.certificate_der,))
    login = login_with(fake, portal={"key": key})
    begun = login.begin(session_secret=SESSION, at=AT)
    head, _, signature = begun.url.partition("&Signature=")
    query = parse_qs(urlsplit(begun.url).query)
    algorithm = signature_by_uri(query["SigAlg"][0])
    assert algorithm is not None
    public = crypto.load_public_key(_spki(key))
    value = b64decode(query["Signature"][0])
    assert crypto.verify(public, algorithm, value, head.partition("?")[2].encode(), plain=True)
    assert signature


def _spki(key: Any) -> bytes:
    from esign_kit.asn1.certificate import Certificate

    return Certificate.load(key.certificate_der).spki


def test_eidas_node() -> None:
    natural = "http://eidas.europa.eu/attributes/naturalperson/"
    fake = fake_of(
        entity_id="https://node.test",
        context="http://eidas.europa.eu/LoA/substantial",
        attributes={
            natural + "PersonIdentifier": "ES/MK/02635542Yz",
            natural + "CurrentFamilyName": "García",
            natural + "CurrentGivenName": "José",
            natural + "DateOfBirth": "1965-01-01",
        },
    )
    profile = with_login_system(
        ek.profile("eidas"), "node", issuer="https://node.test", levels=EIDAS_LEVELS
    )
    login = login_with(
        fake,
        known={"attributes": EIDAS_ATTRIBUTES, "binding": "post"},
        profile=profile,
        portal={
            "context": ("http://eidas.europa.eu/LoA/substantial",),
            "sector": "public",
            "requested": (natural + "PersonIdentifier",),
        },
    )
    who = run(fake, login).principal
    assert who.identifier == ek.Identifier("ES", "EIDAS", "02635542Yz")
    assert who.person.name.family == "García"
    assert (who.assurance.overall, who.assurance.federation) == ("SUBSTANTIAL", "SIGNED")
    assert b"<eidas:SPType>public</eidas:SPType>" in fake.last_request
    # Another provider that says the same has no level here.
    other = fake_of(
        entity_id="https://other.test", context=fake.context, attributes=fake.attributes
    )
    login = login_with(other, known={"attributes": EIDAS_ATTRIBUTES}, profile=profile)
    assert run(other, login).principal.assurance.overall == "UNKNOWN"
    fake.attributes[natural + "PersonIdentifier"] = "02635542Yz"
    with pytest.raises(LoginAnswerError):
        run(fake)


@pytest.mark.parametrize("signs", ["assertion", "response", "both"])
def test_encrypted_assertions(signs: str) -> None:
    pki = FixturePKI("xx", key="rsa")
    entity, stranger = pki.system(), pki.system()
    key = RsaDecryptionKey(entity.private_key.pkcs8)
    fake = fake_of(signs=signs)
    fake.encrypt_for = entity.certificate.spki
    login = login_with(fake, portal={"decryption_key": key})
    assert run(fake, login).principal.identifier == ek.Identifier("MK", "EMBG", EMBG)
    for lie, options in (
        ("cbc", {"decryption_key": key}),
        ("pkcs1", {"decryption_key": key}),
        ("cipher-changed", {"decryption_key": key}),
        ("encrypted-other", {"decryption_key": key}),
        ("", {"decryption_key": RsaDecryptionKey(stranger.private_key.pkcs8)}),
        ("", {}),
    ):
        fake.lies = {lie}
        with pytest.raises(LoginAnswerError) as caught:
            run(fake, login_with(fake, portal=options))
        assert caught.value.code == "login.saml-encrypted"
    # What was encrypted is not thereby signed.
    fake.lies = {"unsigned"}
    with pytest.raises(LoginAnswerError) as caught:
        run(fake, login_with(fake, portal={"decryption_key": key}))
    assert caught.value.code == "login.saml-unsigned"
    fake.lies = {"wrong-key"}
    with pytest.raises(LoginAnswerError) as caught:
        run(fake, login_with(fake, portal={"decryption_key": key}))
    assert caught.value.code == "login.saml-signature"


def test_smart_card_and_organisation() -> None:
    fake = fake_of(
        context="urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
        attributes={"urn:test:embg": EMBG, "urn:test:edb": "4030000375897", "urn:test:firm": "ДОО"},
    )
    known = {**KNOWN, "urn:test:edb": "organisation:MK/EDB", "urn:test:firm": "organisation_name"}
    who = run(fake, login_with(fake, known={"attributes": known})).principal
    assert who.assurance.authentication == "HIGH"
    assert who.affiliation.identifier == ek.Identifier("MK", "EDB", "4030000375897")
    assert who.mandates == ()


def test_wrong_persons() -> None:
    fake = fake_of(attributes={"urn:test:name": "X"})
    with pytest.raises(LoginAnswerError) as caught:
        run(fake)
    assert caught.value.code == "login.no-identifier"
    fake = fake_of(attributes={"urn:test:embg": [EMBG, "2501990450004"]})
    with pytest.raises(LoginAnswerError) as caught:
        run(fake)
    assert caught.value.code == "login.saml-attribute"
    fake = fake_of()
    login = login_with(fake)
    begun = login.begin(
        session_secret=SESSION, at=AT, expected=ek.Identifier("MK", "EMBG", "0101991450006")
    )
    with pytest.raises(LoginAnswerError) as caught:
        login.finish(fake.log_in(begun), begun.pending, session_secret=SESSION, at=AT)
    assert caught.value.code == "login.subject"


def test_late() -> None:
    fake = fake_of()
    login = login_with(fake, lifetime=timedelta(hours=1))
    begun = login.begin(session_secret=SESSION, at=AT)
    form = fake.log_in(begun)
    with pytest.raises(LoginAnswerError) as caught:
        login.finish(form, begun.pending, session_secret=SESSION, at=AT + timedelta(minutes=7))
    assert caught.value.code == "login.saml-expired"


def test_who_cancelled() -> None:
    fake = fake_of()
    fake.lies.add("failed")
    with pytest.raises(LoginRefusedError):
        run(fake)
