"""libxmlsec encrypts an assertion for us, and we open it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.errors import LoginAnswerError
from esign_kit.keys.decryption import RsaDecryptionKey
from esign_kit.login import MemoryOnceStore, SamlLogin, SamlServiceProvider
from esign_kit.testing import FixturePKI
from esign_kit.testing.login import FakeSaml
from tests.login.conftest import peer

pytestmark = pytest.mark.filterwarnings("ignore")

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = b"a session secret of this browser"
EMBG = "0101990450006"


def encrypted(response: bytes, certificate_pem: bytes, content: str, transport: str) -> bytes:
    xmlsec: Any = peer("xmlsec")
    etree: Any = peer("lxml.etree")
    root = etree.fromstring(response)
    saml = "urn:oasis:names:tc:SAML:2.0:assertion"
    assertion = root.find(f"{{{saml}}}Assertion")
    holder = etree.SubElement(root, f"{{{saml}}}EncryptedAssertion")
    holder.append(assertion)
    data = xmlsec.template.encrypted_data_create(
        holder, getattr(xmlsec.constants, content), type=xmlsec.constants.TypeEncElement, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped = xmlsec.template.add_encrypted_key(info, getattr(xmlsec.constants, transport))
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped)
    manager = xmlsec.KeysManager()
    manager.add_key(
        xmlsec.Key.from_memory(certificate_pem, xmlsec.constants.KeyDataFormatCertPem, None)
    )
    context = xmlsec.EncryptionContext(manager)
    size = 128 if "128" in content else 256
    kinds = xmlsec.constants
    context.key = xmlsec.Key.generate(kinds.KeyDataAes, size, kinds.KeyDataTypeSession)
    context.encrypt_xml(data, assertion)
    made: bytes = etree.tostring(root)
    return made


@pytest.mark.parametrize(
    ("content", "transport", "good"),
    [
        ("TransformAes256Gcm", "TransformRsaOaep", True),
        ("TransformAes128Gcm", "TransformRsaOaep", True),
        ("TransformAes256Cbc", "TransformRsaOaep", False),
        ("TransformAes256Gcm", "TransformRsaPkcs1", False),
    ],
)
def test_encrypted_by_libxmlsec(content: str, transport: str, good: bool) -> None:
    portal = FixturePKI("xx", key="rsa").organisation()
    fake = FakeSaml(at=AT, attributes={"embg": EMBG})
    login = SamlLogin(
        fake.provider(attributes={"embg": "MK/EMBG"}),
        SamlServiceProvider(
            "https://portal.test/saml",
            "https://portal.test/acs",
            decryption_key=RsaDecryptionKey(portal.private_key.pkcs8),
        ),
        profile=ek.profile("mk"),
        once=MemoryOnceStore(),
    )
    begun = login.begin(session_secret=SESSION, at=AT)
    form = fake.log_in(begun)
    body = b64encode(portal.certificate_der).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    pem = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n".encode()
    made = encrypted(b64decode(form["SAMLResponse"]), pem, content, transport)
    assert b"EncryptedData" in made
    assert EMBG.encode() not in made
    form["SAMLResponse"] = b64encode(made).decode()
    if good:
        done = login.finish(form, begun.pending, session_secret=SESSION, at=AT)
        assert done.principal.identifier == ek.Identifier("MK", "EMBG", EMBG)
        return
    with pytest.raises(LoginAnswerError) as caught:
        login.finish(form, begun.pending, session_secret=SESSION, at=AT)
    assert caught.value.code == "login.saml-encrypted"
