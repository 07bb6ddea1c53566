"""FakeSaml: a SAML identity provider (SEN, an eIDAS node) that can lie and wrap."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from esign_kit.algorithms import signature_algorithm
from esign_kit.login.saml import SamlIdentityProvider, names
from esign_kit.login.saml.request import escape, instant
from esign_kit.login.saml.signing import octets_of_signature, sign_element
from esign_kit.model.limits import Limits
from esign_kit.testing.pki import FixturePKI
from esign_kit.xmldsig import parse

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.login.result import Redirect
    from esign_kit.testing.entity import Entity

__all__ = ["LIES", "FakeSaml"]

LIES = (
    "unsigned", "sha1", "wrong-key", "issuer", "audience", "no-audience", "recipient",
    "destination", "request", "expired", "not-yet", "no-end", "session-over", "changed",
    "wrapped-beside", "wrapped-inside", "wrapped-object", "wrapped-response", "double-id",
    "foreign-reference", "extra-transform", "two-signatures", "encrypted", "condition",
    "double-attribute", "doctype", "confirmation-request", "confirmation-late", "stray-signature",
    "no-base64", "not-before", "failed", "denied", "no-login",
)  # fmt: skip
"""Everything it can do wrong; add names to ``fake.lies``."""

_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105
_MINUTES = timedelta(minutes=5)


class _Signer:
    """A key of the fixture that also does what a portal has to refuse."""

    def __init__(self, entity: Entity) -> None:
        self._key = entity.private_key
        self.certificate_der = entity.certificate_der
        self.algorithms = entity.private_key.algorithms

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        if algorithm.digest == "SHA1":
            from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
            from cryptography.hazmat.primitives.hashes import SHA1
            from cryptography.hazmat.primitives.serialization import load_der_private_key

            private: Any = load_der_private_key(self._key.pkcs8, None)
            value: bytes = private.sign(data, PKCS1v15(), SHA1())  # noqa: S303
            return value
        return self._key.sign(data, algorithm)


class FakeSaml:
    """An identity provider in memory.

    Attributes:
        attributes: what it says of whoever logs in; name to value, or to a list of values.
        context: the AuthnContextClassRef that it states.
        signs: ``"assertion"``, ``"response"`` or ``"both"``.
        lies: see :data:`LIES`.
        now: its time.
        last_request: the AuthnRequest that came last.
        encrypt_for: SubjectPublicKeyInfo of the portal, to encrypt assertions for.
    """

    def __init__(
        self,
        *,
        at: datetime,
        entity_id: str = "https://eid.mk",
        attributes: dict[str, Any] | None = None,
        context: str = _PASSWORD,
        key: str = "rsa",
        signs: str = "assertion",
    ) -> None:
        """Make one with a signing key of its own."""
        self.now = at
        self.entity_id = entity_id
        self.sso_url = f"{entity_id}/sso"
        self.attributes = attributes or {}
        self.context = context
        self.signs = signs
        self.lies: set[str] = set()
        self.name_id = "fixture-person"
        self.last_request = b""
        self.encrypt_for: bytes | None = None
        self._serial = 0
        pki = FixturePKI("xx", key=key, at=at)
        self._signer: Any = _Signer(pki.system())
        self._stranger: Any = _Signer(pki.system())
        self.certificate = bytes(self._signer.certificate_der)

    def provider(self, **options: Any) -> SamlIdentityProvider:
        """Return what a portal would be told about it."""
        return SamlIdentityProvider(self.entity_id, self.sso_url, (self.certificate,), **options)

    def log_in(self, redirect: Redirect, **attributes: Any) -> dict[str, str]:
        """Be the browser and the person: return the form that is posted back."""
        self.attributes.update(attributes)
        if redirect.form:
            xml = b64decode(redirect.form["SAMLRequest"])
            state = redirect.form["RelayState"]
        else:
            query = parse_qs(urlsplit(redirect.url).query)
            packed = b64decode(query["SAMLRequest"][0])
            xml = zlib.decompress(packed, wbits=-zlib.MAX_WBITS)
            state = query["RelayState"][0]
        self.last_request = xml
        root = parse(xml, Limits()).root
        issuer = next(iter(root.iter(names.ISSUER)))
        octets = self.response(root.get("ID"), root.get("AssertionConsumerServiceURL"), issuer.text)
        encoded = b64encode(octets).decode()
        if "no-base64" in self.lies:
            encoded = "!" + encoded
        return {"SAMLResponse": encoded, "RelayState": state}

    def response(self, request: str, acs: str, audience: str) -> bytes:
        """Return a response to a request, with all lies."""
        lies = self.lies
        self._serial += 1
        if "request" in lies:
            request = "_another"
        if lies & {"failed", "denied"}:
            return self._envelope(b"", request, acs)
        assertion = self._assertion(request, acs, audience)
        if self.signs in ("assertion", "both"):
            assertion = self._signed(assertion, self._a)
        if self.encrypt_for is not None:
            if "encrypted-other" in lies:
                assertion = b"<x/>"
            assertion = _encrypted(assertion, self.encrypt_for, self.lies)
        octets = self._envelope(assertion, request, acs)
        if self.signs in ("response", "both"):
            octets = self._signed(octets, self._r)
        return self._spoiled(octets, assertion, (request, acs, audience))

    @property
    def _a(self) -> str:
        return f"_a{self._serial}"

    @property
    def _r(self) -> str:
        return f"_r{self._serial}"

    def _signed(self, xml: bytes, identifier: str) -> bytes:
        lies = self.lies
        if "unsigned" in lies:
            return xml
        key = self._stranger if "wrong-key" in lies else self._signer
        algorithm = signature_algorithm("RSA-SHA1") if "sha1" in lies else None
        place = b"</saml:Issuer>"
        if "foreign-reference" in lies:
            # A good signature of the provider, over something else.
            other = b'<x ID="_x">harmless</x>'
            signature = octets_of_signature(other, "_x", key)
            return xml.replace(place, place + signature, 1)
        xml = sign_element(xml, identifier, key, place=place, algorithm=algorithm)
        if "two-signatures" in lies:
            start, end = xml.index(b"<ds:Signature "), xml.index(b"</ds:Signature>") + 15
            xml = xml[:end] + xml[start:end] + xml[end:]
        return xml

    def _spoiled(self, octets: bytes, assertion: bytes, asked: tuple[str, str, str]) -> bytes:
        lies = self.lies
        # Who wraps knows what was asked, so everything but the signature fits.
        evil = self._assertion(*asked).replace(self._a.encode(), b"_evil")
        if "changed" in lies:
            octets = octets.replace(b"</saml:AttributeValue>", b"0</saml:AttributeValue>", 1)
        if "wrapped-beside" in lies:
            octets = octets.replace(assertion, evil + assertion)
        if "wrapped-inside" in lies:
            inside = evil.replace(b"</saml:Assertion>", b"<saml:Advice>%s</saml:Advice>")
            octets = octets.replace(assertion, (inside + b"</saml:Assertion>") % assertion)
        if "wrapped-object" in lies:
            start, end = assertion.index(b"<ds:Signature "), assertion.index(b"</ds:Signature>")
            signature, rest = assertion[start:end], assertion[:start] + assertion[end + 15 :]
            held = signature + b"<ds:Object>" + rest + b"</ds:Object></ds:Signature>"
            moved = evil.replace(b"</saml:Issuer>", b"</saml:Issuer>" + held, 1)
            octets = octets.replace(assertion, moved)
        if "wrapped-response" in lies:
            outer = self._envelope(evil, asked[0], asked[1]).replace(self._r.encode(), b"_outer")
            octets = outer.replace(
                b"<samlp:Status>", b"<samlp:Extensions>%s</samlp:Extensions><samlp:Status>" % octets
            )
        if "double-id" in lies:
            octets = octets.replace(
                b"<samlp:Status>", b'<samlp:Extensions ID="%s"/><samlp:Status>' % self._a.encode()
            )
        if "stray-signature" in lies:
            start, end = octets.index(b"<ds:Signature "), octets.index(b"</ds:Signature>") + 15
            stray = b"<samlp:Extensions>" + octets[start:end] + b"</samlp:Extensions><samlp:Status>"
            octets = octets.replace(b"<samlp:Status>", stray, 1)
        if "extra-transform" in lies:
            octets = octets.replace(
                b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">',
                b'<ds:Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315">',
            )
        if "encrypted" in lies:
            octets = octets.replace(assertion, b"<saml:EncryptedAssertion/>")
        if "doctype" in lies:
            octets = b'<!DOCTYPE x [<!ENTITY e "v">]>' + octets
        return octets

    def _envelope(self, assertion: bytes, request: str, acs: str) -> bytes:
        lies = self.lies
        status = f'<samlp:StatusCode Value="{names.SUCCESS}"/>'
        if lies & {"failed", "denied"}:
            inner = names.AUTHN_FAILED if "failed" in lies else "urn:test:other"
            status = (
                '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">'
                f'<samlp:StatusCode Value="{inner}"/></samlp:StatusCode>'
            )
        destination = "https://other.test/acs" if "destination" in lies else acs
        return (
            (
                f'<samlp:Response xmlns:samlp="{names.SAMLP}" xmlns:saml="{names.SAML}"'
                f' ID="{self._r}" Version="2.0" IssueInstant="{instant(self.now)}"'
                f' Destination="{escape(destination)}" InResponseTo="{escape(request)}">'
                f"<saml:Issuer>{escape(self.entity_id)}</saml:Issuer>"
                f"<samlp:Status>{status}</samlp:Status>"
            ).encode()
            + assertion
            + b"</samlp:Response>"
        )

    def _assertion(self, request: str, acs: str, audience: str) -> bytes:
        lies, now = self.lies, self.now
        begin, end = now - _MINUTES, now + _MINUTES
        if "expired" in lies:
            begin, end = now - 4 * _MINUTES, now - 2 * _MINUTES
        if "not-yet" in lies:
            begin, end = now + 2 * _MINUTES, now + 4 * _MINUTES
        issuer = "https://evil.test" if "issuer" in lies else self.entity_id
        recipient = "https://other.test/acs" if "recipient" in lies else acs
        if "confirmation-request" in lies:
            request = "_another"
        late = now - 2 * _MINUTES if "confirmation-late" in lies else end
        for_whom = "https://other.test" if "audience" in lies else audience
        restriction = (
            f"<saml:AudienceRestriction><saml:Audience>{escape(for_whom)}</saml:Audience>"
            "</saml:AudienceRestriction>"
        )
        if "no-audience" in lies:
            restriction = ""
        if "condition" in lies:
            restriction += '<saml:Condition xmlns:x="urn:x"/>'
        limit = "" if "no-end" in lies else f' NotOnOrAfter="{instant(late)}"'
        early = f' NotBefore="{instant(begin)}"' if "not-before" in lies else ""
        over = now - 2 * _MINUTES if "session-over" in lies else now + timedelta(hours=8)
        login = (
            f'<saml:AuthnStatement AuthnInstant="{instant(now)}" SessionIndex="s{self._serial}"'
            f' SessionNotOnOrAfter="{instant(over)}"><saml:AuthnContext>'
            f"<saml:AuthnContextClassRef>{escape(self.context)}</saml:AuthnContextClassRef>"
            "</saml:AuthnContext></saml:AuthnStatement>"
        )
        return (
            f'<saml:Assertion xmlns:saml="{names.SAML}" ID="{self._a}" Version="2.0"'
            f' IssueInstant="{instant(now)}"><saml:Issuer>{escape(issuer)}</saml:Issuer>'
            f"<saml:Subject><saml:NameID>{escape(self.name_id)}</saml:NameID>"
            f'<saml:SubjectConfirmation Method="{names.BEARER}"><saml:SubjectConfirmationData'
            f'{early}{limit} Recipient="{escape(recipient)}" InResponseTo="{escape(request)}"/>'
            f"</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{instant(begin)}" NotOnOrAfter="{instant(end)}">'
            f"{restriction}</saml:Conditions>"
            f"{'' if 'no-login' in lies else login}"
            f"<saml:AttributeStatement>{self._attributes()}</saml:AttributeStatement>"
            "</saml:Assertion>"
        ).encode()

    def _attributes(self) -> str:
        found = ""
        for name, value in self.attributes.items():
            values = value if isinstance(value, list) else [value]
            inner = "".join(
                f"<saml:AttributeValue>{escape(str(item))}</saml:AttributeValue>" for item in values
            )
            found += f'<saml:Attribute Name="{escape(name)}">{inner}</saml:Attribute>'
        return found * 2 if "double-attribute" in self.lies else found


def _encrypted(assertion: bytes, spki: bytes, lies: set[str]) -> bytes:
    """Return an EncryptedAssertion by RSA-OAEP and AES-256-GCM; fixed key, for tests only."""
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key, nonce = bytes(range(32)), bytes(12)
    public: Any = load_der_public_key(spki)
    wrapped = public.encrypt(key, OAEP(MGF1(SHA1()), SHA1(), None))  # noqa: S303
    content = nonce + AESGCM(key).encrypt(nonce, assertion, None)
    if "cipher-changed" in lies:
        content = content[:-1] + bytes([content[-1] ^ 1])
    xenc = "http://www.w3.org/2001/04/xmlenc#"
    method = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
    if "cbc" in lies:
        method = xenc + "aes256-cbc"
    transport = xenc + ("rsa-1_5" if "pkcs1" in lies else "rsa-oaep-mgf1p")
    return (
        f'<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="{xenc}"'
        f' Type="{xenc}Element"><xenc:EncryptionMethod Algorithm="{method}"/>'
        '<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>'
        f'<xenc:EncryptionMethod Algorithm="{transport}"/><xenc:CipherData><xenc:CipherValue>'
        f"{b64encode(wrapped).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"
        "</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>"
        f"{b64encode(content).decode()}</xenc:CipherValue></xenc:CipherData>"
        "</xenc:EncryptedData></saml:EncryptedAssertion>"
    ).encode()
