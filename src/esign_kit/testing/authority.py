"""A certification authority: it issues, answers OCSP and writes CRLs."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import read_all
from esign_kit.errors import InputError
from esign_kit.testing import der, ocsp
from esign_kit.testing.countries import fill
from esign_kit.testing.entity import Entity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.testing.keys import AnyKey
    from esign_kit.testing.pki import FixturePKI

__all__ = ["Authority", "key_id", "moment"]


def moment(value: str | datetime) -> datetime:
    """Return a time as aware UTC in whole seconds; text is ISO 8601, UTC where it names no zone.

    Raises:
        ValueError: no such time, or a ``datetime`` without a zone.
    """
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
    elif value.tzinfo is None:
        raise ValueError("a time without a time zone")
    return value.astimezone(UTC).replace(microsecond=0)


def key_id(spki: bytes) -> bytes:
    """Return the key identifier: SHA-1 of the public key bits (RFC 5280 § 4.2.1.2, method 1)."""
    bits = read_all(spki).items()[1].contents[1:]
    return hashlib.sha1(bits, usedforsecurity=False).digest()


class Authority:
    """A certification authority of the country; made by the factory only.

    Attributes:
        slug: its name in addresses (``"root"``, ``"issuing"``).
        name: DER of its name.
        certificate: its certificate as our view.
    """

    def __init__(
        self,
        pki: FixturePKI,
        slug: str,
        name: bytes,
        issuer: Authority | None,
        private_key: AnyKey,
        *,
        not_before: datetime,
        not_after: datetime,
        path_length: int | None = None,
        extensions: Sequence[bytes] = (),
    ) -> None:
        self._pki = pki
        self.slug = slug
        self.name = name
        self.issuer = issuer
        self.private_key = private_key
        self.key_id = key_id(private_key.spki)
        self.issued: dict[int, bytes] = {}
        base = [
            der.basic_constraints(True, path_length),
            der.key_usage(("key_cert_sign", "crl_sign")),
            der.subject_key(self.key_id),
            *extensions,
        ]
        signer = issuer if issuer is not None else self
        if issuer is not None:
            base += signer.pointers
        self.certificate = Certificate.load(
            signer.issue(
                subject=name,
                spki=private_key.spki,
                extensions=base,
                not_before=not_before,
                not_after=not_after,
                seed=f"authority {slug}",
            )
        )

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        """This authority's certificate and those above it, without the root."""
        if self.issuer is None:
            return ()
        return (self.certificate.der, *self.issuer.chain_der)

    @property
    def certificate_der(self) -> bytes:
        """DER of the certificate."""
        return self.certificate.der

    @property
    def serial(self) -> int:
        """Serial number of the certificate."""
        return self.certificate.serial

    @cached_property
    def pointers(self) -> list[bytes]:
        """Extensions of what it issues: authority key, addresses of OCSP, issuer and CRL."""
        return [
            der.authority_key(self.key_id),
            der.addresses(self.url("ocsp"), self.url("aia") + ".crt"),
            der.crl_address(self.url("crl") + ".crl"),
        ]

    def url(self, service: str) -> str:
        """Return the address of one of its services: ``ocsp``, ``crl``, ``aia``."""
        return f"{self._pki.base_url}/{service}/{self.slug}"

    def issue(
        self,
        *,
        subject: bytes,
        spki: bytes,
        extensions: Sequence[bytes],
        not_before: datetime,
        not_after: datetime,
        seed: str,
        algorithm: SignatureAlgorithm | None = None,
        key: AnyKey | None = None,
        recorded: bool = True,
    ) -> bytes:
        """Issue any certificate at all; the higher-level makers of the factory end here.

        Args:
            subject: DER of the name.
            spki: DER of the public key.
            extensions: finished extensions, in order.
            not_before, not_after: validity.
            seed: what the serial number is derived from.
            algorithm: the key's preferred one by default.
            key: sign with this key in place of the authority's: a forgery.
            recorded: ``False`` makes a certificate that its OCSP responder does not know.
        """
        signer = key if key is not None else self.private_key
        serial = self._pki.serial(f"{self.slug} {seed}")
        made = der.certificate(
            serial=serial,
            issuer=self.name,
            subject=subject,
            not_before=not_before,
            not_after=not_after,
            spki=spki,
            extensions=extensions,
            key=signer,
            algorithm=algorithm or signer.algorithms[0],
        )
        if recorded:
            self.issued[serial] = made
        return made

    @cached_property
    def ocsp_responder(self) -> Entity:
        """Its delegated OCSP responder (RFC 6960 § 4.2.2.2), with id-pkix-ocsp-nocheck."""
        pki = self._pki
        table = pki.country
        private = pki.new_key("ocsp " + self.slug, slot=2 if self.issuer is not None else 3)
        made = self.issue(
            subject=der.name(fill(table.ocsp, {"country": table.code})),
            spki=private.spki,
            extensions=[
                der.key_usage(("digital_signature",)),
                der.extended_key_usage(("1.3.6.1.5.5.7.3.9",)),
                der.extension("1.3.6.1.5.5.7.48.1.5", b"\x05\x00"),
                der.subject_key(key_id(private.spki)),
                der.authority_key(self.key_id),
            ],
            not_before=self.certificate.not_before_time,
            not_after=self.certificate.not_after_time,
            seed="ocsp",
        )
        return Entity(pki, self, "ocsp", {}, made, private)

    def crl(self, *, at: datetime | str | None = None) -> bytes:
        """Return its CRL as of a time; the country's time by default."""
        now = moment(at) if at is not None else self._pki.now
        entries = []
        for serial in self.issued:
            event = self._pki.state(self, serial, now)
            if event is not None:
                entries.append((serial, event[0], event[1]))
        return der.revocation_list(
            issuer=self.name,
            this_update=now,
            next_update=now + self._pki.crl_validity if self._pki.crl_validity else None,
            entries=sorted(entries),
            number=int(now.timestamp()),
            key_id=self.key_id,
            key=self.private_key,
            algorithm=self.private_key.algorithms[0],
        )

    def answer(self, request: bytes, *, at: datetime | None = None) -> bytes:
        """Answer an OCSPRequest (DER); a malformed one gets ``malformedRequest``."""
        try:
            questions, nonce = ocsp.read_request(request)
        except InputError:
            return ocsp.failure(ocsp.MALFORMED)
        if not questions:
            return ocsp.failure(ocsp.MALFORMED)
        return self.respond(questions, nonce, at=at)

    def respond(
        self,
        questions: Sequence[ocsp.Question],
        nonce: bytes | None = None,
        *,
        at: datetime | None = None,
    ) -> bytes:
        """Return the signed answer to these questions."""
        from esign_kit.algorithms import digest_algorithm

        now = at if at is not None else self._pki.now
        public = read_all(self.certificate.spki).items()[1].contents[1:]
        statuses = []
        for question in questions:
            state, event = "unknown", None
            if question.digest and question.serial in self.issued:
                digest = digest_algorithm(question.digest)
                if question.name_hash == digest.hash(self.name) and (
                    question.key_hash == digest.hash(public)
                ):
                    event = self._pki.state(self, question.serial, now)
                    state = "good" if event is None else "revoked"
            when, reason = event if event is not None else (None, None)
            statuses.append(ocsp.Status(question, state, when, reason))
        responder = self.ocsp_responder
        validity = self._pki.ocsp_validity
        return ocsp.build_response(
            statuses,
            produced_at=now,
            this_update=now,
            next_update=now + validity if validity else None,
            key_id=key_id(responder.private_key.spki),
            key=responder.private_key,
            algorithm=responder.private_key.algorithms[0],
            certificates=(responder.certificate.der,),
            nonce=nonce,
        )

    def __repr__(self) -> str:
        return f"<authority {self.certificate.label!r}>"
