"""pysaml2 as the identity provider: what it makes we read, what we ask it understands."""

from __future__ import annotations

import gc
import warnings
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

import esign_kit as ek
from esign_kit.errors import LoginAnswerError, LoginStateError
from esign_kit.login import MemoryOnceStore, SamlIdentityProvider, SamlLogin, SamlServiceProvider
from esign_kit.testing import FixturePKI
from tests.login.conftest import command, peer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SESSION = b"a session secret of this browser"
IDP, PORTAL, ACS = "https://eid.test/idp", "https://portal.test/saml", "https://portal.test/acs"
EMBG = "0101990450006"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


class Peer:
    """A pysaml2 server that knows our portal."""

    def __init__(self, folder: Path) -> None:
        pki = FixturePKI("xx", key="rsa", at=datetime.now(UTC))
        self.idp, self.portal = pki.system(), pki.system()
        self.idp.export_pem(folder)
        metadata = folder / "portal.xml"
        certificate = b64encode(self.portal.certificate_der).decode()
        metadata.write_text(
            '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"'
            f' entityID="{PORTAL}"><SPSSODescriptor AuthnRequestsSigned="true"'
            ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">'
            f"<X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>"
            f'</KeyDescriptor><AssertionConsumerService Binding="{POST}" Location="{ACS}"'
            ' index="0" isDefault="true"/></SPSSODescriptor></EntityDescriptor>'
        )
        config = peer("saml2.config").IdPConfig()
        config.load(
            {
                "entityid": IDP,
                "xmlsec_binary": command("xmlsec1"),
                "key_file": str(folder / "key.pem"),
                "cert_file": str(folder / "certificate.pem"),
                "metadata": {"local": [str(metadata)]},
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": [(f"{IDP}/sso", REDIRECT)]},
                        "want_authn_requests_signed": True,
                        "policy": {"default": {"lifetime": {"minutes": 5}}},
                    }
                },
            }
        )
        self.server = peer("saml2.server").Server(config=config)

    def login(self, *, binding: str = "redirect") -> SamlLogin:
        provider = SamlIdentityProvider(
            IDP,
            f"{IDP}/sso",
            (self.idp.certificate_der,),
            binding,
            {"embg": "MK/EMBG", "holder": "name"},
        )
        portal = SamlServiceProvider(PORTAL, ACS, self.portal.key)
        return SamlLogin(provider, portal, profile=ek.profile("mk"), once=MemoryOnceStore())

    def answer(self, begun: Any, **options: Any) -> dict[str, str]:
        """Be the provider's page: read the request by pysaml2 and make a response."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
        asked = self.server.parse_authn_request(
            query["SAMLRequest"],
            REDIRECT,
            relay_state=query["RelayState"],
            sigalg=query["SigAlg"],
            signature=query["Signature"],
        )
        given = {
            "in_response_to": asked.message.id,
            "destination": asked.message.assertion_consumer_service_url,
            "sp_entity_id": asked.message.issuer.text,
            "sign_assertion": True,
            "sign_response": False,
            "sign_alg": RSA_SHA256,
            "digest_alg": SHA256,
            **options,
        }
        made = self.server.create_authn_response(
            {"embg": EMBG, "holder": "ТЕСТ ТЕСТОВСКИ"},
            userid="fixture",
            name_id=peer("saml2.saml").NameID(text="fixture"),
            authn={
                "class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
                "authn_auth": IDP,
            },
            **given,
        )
        encoded = b64encode(str(made).encode()).decode()
        return {"SAMLResponse": encoded, "RelayState": query["RelayState"]}


@pytest.fixture(scope="module")
def saml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    peer("saml2")
    made = Peer(tmp_path_factory.mktemp("saml"))
    yield made
    # The peer leaves temporary files open; they are collected here, where nobody minds.
    del made.server
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def begin(login: SamlLogin) -> Any:
    return login.begin(session_secret=SESSION, at=datetime.now(UTC))


def finish(login: SamlLogin, form: dict[str, str], begun: Any) -> Any:
    return login.finish(form, begun.pending, session_secret=SESSION, at=datetime.now(UTC))


@pytest.mark.parametrize(("assertion", "response"), [(True, False), (False, True), (True, True)])
def test_good(saml: Peer, assertion: bool, response: bool) -> None:
    login = saml.login()
    begun = begin(login)
    form = saml.answer(begun, sign_assertion=assertion, sign_response=response)
    who = finish(login, form, begun).principal
    assert who.identifier == ek.Identifier("MK", "EMBG", EMBG)
    assert who.person.name.raw == "ТЕСТ ТЕСТОВСКИ"


def test_replayed(saml: Peer) -> None:
    login = saml.login()
    begun = begin(login)
    form = saml.answer(begun)
    finish(login, form, begun)
    with pytest.raises(LoginStateError):
        finish(login, form, begun)
    # Under the state of another login the old assertion answers the wrong request.
    other = begin(login)
    state = saml.answer(other)["RelayState"]
    with pytest.raises(LoginAnswerError) as caught:
        finish(login, {**form, "RelayState": state}, other)
    assert caught.value.code == "login.saml-request"


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"sign_assertion": False}, {"login.saml-unsigned"}),
        (
            {
                "sign_alg": "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                "digest_alg": "http://www.w3.org/2000/09/xmldsig#sha1",
            },
            {"login.saml-algorithm"},
        ),
        ({"digest_alg": "http://www.w3.org/2000/09/xmldsig#sha1"}, {"login.saml-algorithm"}),
        ({"sp_entity_id": "https://other.test"}, {"login.saml-audience"}),
        ({"destination": "https://other.test/acs"}, {"login.saml-recipient"}),
        ({"in_response_to": "_another"}, {"login.saml-request"}),
    ],
)
def test_refused(saml: Peer, options: dict[str, Any], codes: set[str]) -> None:
    login = saml.login()
    begun = begin(login)
    with pytest.raises(LoginAnswerError) as caught:
        finish(login, saml.answer(begun, **options), begun)
    assert caught.value.code in codes


@pytest.mark.parametrize("how", ["beside", "inside", "changed"])
def test_wrapped(saml: Peer, how: str) -> None:
    login = saml.login()
    begun = begin(login)
    form = saml.answer(begun)
    xml = b64decode(form["SAMLResponse"]).decode()
    start, end = xml.index(":Assertion ") - 4, xml.rindex(":Assertion>") + 11
    start = xml.rindex("<", 0, start + 5)
    good = xml[start:end]
    evil = good.replace(EMBG, "2501990450004")
    if how == "beside":
        evil = evil.replace('ID="', 'ID="_evil', 1)
        bad = xml.replace(good, evil + good)
    elif how == "inside":
        at = evil.rindex("</")
        bad = xml.replace(good, evil.replace('ID="', 'ID="_evil', 1)[: at + 5] + good + evil[at:])
    else:
        bad = xml.replace(good, evil)
    form["SAMLResponse"] = b64encode(bad.encode()).decode()
    with pytest.raises(LoginAnswerError) as caught:
        finish(login, form, begun)
    expected = "login.saml-digest" if how == "changed" else "login.saml-structure"
    assert caught.value.code == expected


def test_our_signed_requests_are_understood(saml: Peer) -> None:
    login = saml.login(binding="post")
    form = begin(login).form
    read = saml.server.parse_authn_request(form["SAMLRequest"], POST)
    assert read.message.issuer.text == PORTAL
    changed = b64decode(form["SAMLRequest"]).replace(b"/acs", b"/evil")
    with pytest.raises(Exception, match=r"."):
        saml.server.parse_authn_request(b64encode(changed).decode(), POST)
