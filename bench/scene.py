"""The country, the payloads and the floors that the rows are measured with."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import esign_kit as ek
from esign_kit.testing import FixturePKI, keys
from esign_kit.testing.countries import country

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_COUNTRIES = 9
SIZES = {"1 KB": 1_000, "100 KB": 100_000, "10 MB": 10_000_000}


class Country(FixturePKI):
    """A country whose RSA keys are its own, where the factory's come from one pool."""

    def new_key(self, label: str, kind: Any = None, slot: int | None = None) -> Any:
        if self.key_kind == "rsa" and kind is None:
            kind = _rsa_key()
        return super().new_key(label, kind, slot)


def _rsa_key() -> Any:
    return keys.from_pkcs8(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _country(kind: str, number: int, at: datetime) -> FixturePKI:
    table = country("xx")

    def named(rows: Any) -> Any:
        return tuple((oid, text.replace("Fixture", f"Country {number}"), tag)
                     for oid, text, tag in rows)  # fmt: skip

    table = replace(table, root=named(table.root), issuing=named(table.issuing))
    return Country(table, at=at, key=kind, seed=f"country {number}")


class Stranger:
    """A country that the verifier has not seen, and one of its people."""

    def __init__(self, pki: FixturePKI) -> None:
        self.person = pki.person()
        self.leaf = self.person.certificate.der
        self.issuing = pki.issuing.certificate.der
        self.root = pki.root.certificate.der
        self.crls = tuple(pki.evidence())


class Scene:
    """One kind of key: a three-certificate chain, two CRLs, a signer."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.label = {"rsa": "RSA-2048", "ec": "P-256"}[kind]
        self.pki = FixturePKI("xx", at=datetime.now(UTC).replace(microsecond=0), key=kind)
        self.person = self.pki.person()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.person.export_pem(folder)
        self.key_pem = folder / "key.pem"
        self.certificate_pem = folder / "certificate.pem"
        self.root_pem = folder / "root.pem"
        self.root_pem.write_bytes(self.root_x509.public_bytes(serialization.Encoding.PEM))
        self.issuing_pem = folder / "issuing.pem"
        self.issuing_pem.write_bytes(self.issuing_x509.public_bytes(serialization.Encoding.PEM))
        self.root = self.pki.root.certificate.der
        self.issuing = self.pki.issuing.certificate.der
        self.crls = tuple(self.pki.evidence())
        self.at = self.pki.now
        self.policy = ek.ValidationPolicy()

    @cached_property
    def root_x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.pki.root.certificate.der)

    @cached_property
    def issuing_x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.pki.issuing.certificate.der)

    @cached_property
    def leaf_x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.person.certificate.der)

    @cached_property
    def private_key(self) -> Any:
        return serialization.load_pem_private_key(self.key_pem.read_bytes(), None)

    def payload(self, size: str) -> bytes:
        block = hashlib.sha256(size.encode()).hexdigest().encode()
        return (block * (SIZES[size] // len(block) + 1))[: SIZES[size]]

    def xml(self, size: str) -> bytes:
        """A document of about that size, forty octets an element."""
        count = max(1, (SIZES[size] - 60) // 40)
        items = b"".join(
            b'<item n="%08d">some text %04d</item>\n' % (i, i % 999) for i in range(count)
        )
        return b'<doc xmlns="urn:example:bench">\n' + items + b"</doc>"

    @cached_property
    def countries(self) -> list[FixturePKI]:
        """Countries with names, keys and lists of their own: nothing of one helps with another."""
        return [_country(self.kind, number, self.at) for number in range(_COUNTRIES)]

    @cached_property
    def strangers(self) -> list[Stranger]:
        """One signer from each of these countries."""
        return [Stranger(pki) for pki in self.countries]

    # ── floors ────────────────────────────────────────────────────────────────────────────────

    def raw_sign(self, data: bytes) -> bytes:
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return bytes(self.private_key.sign(data, ec.ECDSA(hashes.SHA256())))

    def _verifier(self, key: Any, signature: bytes, data: bytes) -> Callable[[], None]:
        if isinstance(key, rsa.RSAPublicKey):
            scheme, digest = padding.PKCS1v15(), hashes.SHA256()
            return lambda: key.verify(signature, data, scheme, digest)
        algorithm = ec.ECDSA(hashes.SHA256())
        return lambda: key.verify(signature, data, algorithm)

    @cached_property
    def signer_verify(self) -> Callable[[], None]:
        data = b"signed attributes" * 8
        return self._verifier(self.leaf_x509.public_key(), self.raw_sign(data), data)

    @cached_property
    def chain_verifies(self) -> list[Callable[[], None]]:
        """One verification per certificate below the root."""
        made = []
        for subject, issuer in (
            (self.leaf_x509, self.issuing_x509),
            (self.issuing_x509, self.root_x509),
        ):
            made.append(
                self._verifier(
                    issuer.public_key(), subject.signature, subject.tbs_certificate_bytes
                )
            )
        return made

    @cached_property
    def crl_verifies(self) -> list[Callable[[], None]]:
        made = []
        for der in self.crls:
            crl = x509.load_der_x509_crl(der)
            issuer = self.root_x509 if crl.issuer == self.root_x509.subject else self.issuing_x509
            made.append(self._verifier(issuer.public_key(), crl.signature, crl.tbs_certlist_bytes))
        return made

    def floor(self, payload: bytes, *parts: list[Callable[[], None]]) -> Callable[[], None]:
        """One hash of the payload, the signer's verification, and the parts."""
        operations = [self.signer_verify, *(one for part in parts for one in part)]

        def run() -> None:
            hashlib.sha256(payload).digest()
            for operation in operations:
                operation()

        return run

    def cold_floor(self, payload: bytes) -> Callable[[], None]:
        return self.floor(payload, self.chain_verifies, self.crl_verifies)

    def xml_floor(self, document: bytes, *parts: list[Callable[[], None]]) -> Callable[[], None]:
        """As above, with one parse and one canonicalisation of the document."""
        from lxml import etree

        operations = [self.signer_verify, *(one for part in parts for one in part)]

        def run() -> None:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
            root = etree.fromstring(document, parser)
            octets = etree.tostring(root, method="c14n", exclusive=True)
            hashlib.sha256(octets).digest()
            for operation in operations:
                operation()

        return run
