"""ds:KeyInfo: hints, never trust; nothing in it is followed."""

from __future__ import annotations

import base64
from functools import lru_cache

import pytest

from esign_kit.model.limits import Limits
from esign_kit.testing import FixturePKI
from esign_kit.xmldsig import names
from esign_kit.xmldsig.keyinfo import KeyInfo, read_key_info
from esign_kit.xmldsig.parser import parse


@lru_cache
def certificate(kind: str = "ec", name: str = "person") -> bytes:
    pki = FixturePKI(key=kind)
    der: bytes = getattr(pki, name)().key.certificate_der
    return der


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def read(inner: str, beside: str = "") -> KeyInfo:
    source = (
        f'<r xmlns:ds="{names.DS}" xmlns:d11="{names.DS11}" xmlns:wsse="{names.WSSE}" '
        f'xmlns:wsu="{names.WSU}"><ds:KeyInfo>{inner}</ds:KeyInfo>{beside}</r>'
    )
    document = parse(source.encode(), Limits())
    return read_key_info(document.root[0], document, Limits(certificates=4))


def codes(found: KeyInfo) -> list[str]:
    return [finding.code for finding in found.findings]


def x509(*inner: str) -> str:
    return f"<ds:X509Data>{''.join(inner)}</ds:X509Data>"


def held(der: bytes) -> str:
    return f"<ds:X509Certificate>{encoded(der)}</ds:X509Certificate>"


def test_one_certificate_is_put_forward_as_the_signers() -> None:
    found = read(x509(held(certificate())))
    assert found.certificates == [certificate()]
    assert found.signer.certificate == certificate()


def test_of_several_none_is_preferred() -> None:
    found = read(x509(held(certificate()), held(certificate("rsa"))))
    assert len(found.certificates) == 2
    assert found.signer.certificate is None


def test_pointers() -> None:
    found = read(
        "<ds:KeyName> me </ds:KeyName>"
        + x509(
            "<ds:X509SKI>AQI=</ds:X509SKI>",
            "<ds:X509IssuerSerial><ds:X509IssuerName>CN=x</ds:X509IssuerName>"
            "<ds:X509SerialNumber>-42</ds:X509SerialNumber></ds:X509IssuerSerial>",
            "<ds:X509CRL>MAA=</ds:X509CRL>",
        )
    )
    assert found.signer.key_name == "me"
    assert found.signer.subject_key_identifier == b"\x01\x02"
    assert (found.signer.issuer_text, found.signer.serial) == ("CN=x", -42)
    assert found.crls == [b"0\x00"]


@pytest.mark.parametrize("number", ["x", "1.5", "9" * 81, "٤", "--1", ""])
def test_serial_numbers_are_numbers(number: str) -> None:
    found = read(
        x509(
            f"<ds:X509IssuerSerial><ds:X509SerialNumber>{number}</ds:X509SerialNumber>"
            "</ds:X509IssuerSerial>"
        )
    )
    assert found.signer.serial is None
    assert codes(found) == ["xml.issuer-serial"]


def test_a_broken_certificate_is_told_and_the_rest_read() -> None:
    found = read(x509("<ds:X509Certificate>***</ds:X509Certificate>") + x509(held(certificate())))
    assert found.certificates == [certificate()]
    assert codes(found) == ["xml.base64"]
    split = read(x509("<ds:X509Certificate>MA<!-- x -->==</ds:X509Certificate>"))
    assert codes(split) == ["xml.value-not-plain"]


def test_certificates_are_bounded() -> None:
    found = read(x509(held(certificate())) * 6)
    assert any(finding.fatal for finding in found.findings)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_key_value_that_is_the_certificates_key(kind: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_der_x509_certificate

    der = certificate(kind)
    key = load_der_x509_certificate(der).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        modulus = encoded(numbers.n.to_bytes(256, "big"))
        exponent = encoded(numbers.e.to_bytes(3, "big"))
        value = (
            f"<ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>"
            f"<ds:Exponent>{exponent}</ds:Exponent></ds:RSAKeyValue>"
        )
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        value = (
            '<d11:ECKeyValue><d11:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/>'
            f"<d11:PublicKey>{encoded(point)}</d11:PublicKey></d11:ECKeyValue>"
        )
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = read(f"<ds:KeyValue>{value}</ds:KeyValue>" + x509(held(der)))
    assert found.key_value == spki
    assert codes(found) == []
    other = certificate("ec" if kind == "rsa" else "rsa")
    differs = read(f"<ds:KeyValue>{value}</ds:KeyValue>" + x509(held(other)))
    assert codes(differs) == ["xml.key-value-differs"]


@pytest.mark.parametrize(
    "value",
    [
        "<ds:RSAKeyValue/>",
        "<ds:RSAKeyValue><ds:Modulus>*</ds:Modulus></ds:RSAKeyValue>",
        f"<ds:RSAKeyValue><ds:Modulus>{'AAAA' * 1000}</ds:Modulus></ds:RSAKeyValue>",
        '<d11:ECKeyValue><d11:NamedCurve URI="urn:oid:9.x"/><d11:PublicKey>AA==</d11:PublicKey>'
        "</d11:ECKeyValue>",
        '<d11:ECKeyValue><d11:NamedCurve URI="urn:oid:1.40.1"/><d11:PublicKey>AA==</d11:PublicKey>'
        "</d11:ECKeyValue>",
        "<d11:ECKeyValue/>",
        "<ds:DSAKeyValue><ds:Y>AA==</ds:Y></ds:DSAKeyValue>",
        "<ds:Unknown/>",
    ],
)
def test_broken_key_values_are_no_key(value: str) -> None:
    assert read(f"<ds:KeyValue>{value}</ds:KeyValue>").key_value is None


@pytest.mark.parametrize(
    "inner",
    [
        '<ds:RetrievalMethod URI="http://127.0.0.1/c"/>',
        '<ds:RetrievalMethod URI="#c"/>',
        '<ds:RetrievalMethod URI="#k"><ds:Transforms/></ds:RetrievalMethod>',
        '<d11:KeyInfoReference URI="#k"/>',
    ],
)
def test_key_information_elsewhere_is_never_followed(inner: str) -> None:
    beside = f'<ds:KeyInfo Id="k">{x509(held(certificate()))}</ds:KeyInfo>'
    found = read(inner, beside + f'<c Id="c">{encoded(certificate())}</c>')
    assert found.certificates == []
    assert codes(found) == ["xml.retrieval-method"]


def test_web_service_security_with_a_whole_certificate() -> None:
    inner = (
        "<wsse:SecurityTokenReference><wsse:KeyIdentifier ValueType='urn:x#X509v3'>"
        f"{encoded(certificate())}</wsse:KeyIdentifier></wsse:SecurityTokenReference>"
    )
    assert read(inner).signer.certificate == certificate()
    short = inner.replace(encoded(certificate()), "AQI=")
    assert read(short).certificates == []


def test_web_service_security_with_a_token_beside() -> None:
    token = (
        f'<wsse:BinarySecurityToken wsu:Id="t">{encoded(certificate())}</wsse:BinarySecurityToken>'
    )
    inner = '<wsse:SecurityTokenReference><wsse:Reference URI="#t"/></wsse:SecurityTokenReference>'
    assert read(inner, token).certificates == [certificate()]
    assert read(inner, token * 2).certificates == []
    assert read(inner, token.replace("BinarySecurityToken", "Other")).certificates == []
    assert read(inner).certificates == []
