"""A holder of a key and a certificate: a person, an employee, an organisation, a system."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import Certificate

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from esign_kit.keys.held import HeldKey
    from esign_kit.testing.authority import Authority
    from esign_kit.testing.keys import AnyKey
    from esign_kit.testing.pki import FixturePKI

__all__ = ["Entity"]


class Entity:
    """Somebody or something with a key and a certificate; made by the factory only.

    Attributes:
        kind: ``person``, ``employee``, ``organisation``, ``system``, ``ocsp`` or ``tsa``.
        values: what is known about the holder: ``person``, ``organisation``, ``role``, names.
        certificate_der: DER of the certificate.
        private_key: the key without its certificate.
    """

    def __init__(
        self,
        pki: FixturePKI,
        issuer: Authority,
        kind: str,
        values: Mapping[str, str | None],
        certificate: bytes,
        private_key: AnyKey,
    ) -> None:
        self._pki = pki
        self.issuer = issuer
        self.kind = kind
        self.values = dict(values)
        self.certificate_der = certificate
        self.private_key = private_key

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate as our view; ``.der`` are its octets."""
        return Certificate.load(self.certificate_der)

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        """Issuing certificates, nearest first, without the root."""
        return self.issuer.chain_der

    @property
    def serial(self) -> int:
        """Serial number of the certificate."""
        return self.certificate.serial

    @cached_property
    def key(self) -> HeldKey:
        """The key with its certificate, as ``esign_kit.sign`` takes it."""
        from esign_kit.keys.held import HeldKey

        return HeldKey(self.private_key, self.certificate, self.chain_der)

    def sign(
        self,
        data: Any,
        *,
        format: str = "cades",
        packaging: str | None = None,
        **options: Any,
    ) -> bytes:
        """Sign with ``esign_kit.sign``, at the country's time unless ``signing_time`` is given.

        Args:
            data: octets, or a ``Document``.
            format: as in ``esign_kit.sign``.
            packaging: as there; attached for CAdES and enveloped for XAdES by default.
            **options: all else that ``esign_kit.sign`` takes.
        """
        from esign_kit import api
        from esign_kit.model.document import Document

        document = Document(bytes(data)) if isinstance(data, (bytes, bytearray)) else data
        options.setdefault("signing_time", self._pki.now)
        if packaging is None:
            packaging = "attached" if str(format).lower() in ("cades", "raw") else "enveloped"
        signed: bytes = api.sign(document, self.key, format=format, packaging=packaging, **options)
        return signed

    def export_p12(self, path: str | os.PathLike[str], password: str, **options: Any) -> None:
        """Write key and certificates as PKCS#12; see ``esign_kit.testing.export``."""
        from esign_kit.testing.export import write_p12

        write_p12(self, path, password, **options)

    def export_pem(self, folder: str | os.PathLike[str]) -> None:
        """Write ``key.pem``, ``certificate.pem`` and ``chain.pem`` into a folder."""
        from esign_kit.testing.export import write_pem

        write_pem(self, folder)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.certificate.label!r}>"
