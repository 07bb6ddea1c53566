"""A time-stamping authority over DER (RFC 3161, RFC 5816)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_algorithm, digest_by_oid
from esign_kit.asn1.algorithm_identifier import encode_digest_algorithm, encode_signature_algorithm
from esign_kit.asn1.reader import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    decode_oid,
    encode,
    encode_integer,
    encode_oid,
    read_all,
)
from esign_kit.errors import InputError, UnsupportedError
from esign_kit.model.document import Digest
from esign_kit.testing import der

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.pki import FixturePKI

__all__ = ["TimestampAuthority"]

_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
BAD_ALGORITHM, BAD_REQUEST, BAD_FORMAT, TIME_UNAVAILABLE, BAD_POLICY = 0, 2, 5, 14, 15
"""PKIFailureInfo bits, RFC 3161 § 2.4.2."""


class TimestampAuthority:
    """The country's time-stamping authority; it answers with the country's own time.

    Attributes:
        url: its address.
        policy: OID that its tokens carry.
        accuracy_seconds: what its tokens state; ``None`` states nothing.
        out_of_order: set to make it refuse every request (timeNotAvailable).
    """

    def __init__(self, pki: FixturePKI, holder: Entity, url: str, policy: str) -> None:
        self._pki = pki
        self._holder = holder
        self.url = url
        self.policy = policy
        self.accuracy_seconds: int | None = 1
        self.out_of_order = False

    @property
    def certificate(self) -> Certificate:
        """The certificate of the time-stamping unit."""
        return self._holder.certificate

    @property
    def entity(self) -> Entity:
        """The time-stamping unit as a holder of a key, for ``pki.revoke``."""
        return self._holder

    def timestamp(
        self,
        imprint: Digest | bytes,
        *,
        at: datetime | None = None,
        nonce: int | None = None,
        policy: str | None = None,
        include_certificates: bool = True,
    ) -> bytes:
        """Return a time-stamp token (DER of a CMS ContentInfo).

        Args:
            imprint: digest that is stamped; octets are hashed with SHA-256 first.
            at: time that the token says; the country's time by default.
            nonce: of the request.
            policy: OID; the authority's own by default.
            include_certificates: embed the unit's certificate and its issuer's.
        """
        if not isinstance(imprint, Digest):
            imprint = Digest("SHA256", hashlib.sha256(imprint).digest())
        moment = at if at is not None else self._pki.now
        info = self._info(imprint, moment, nonce, policy or self.policy)
        return self._token(info, include_certificates)

    def respond(self, request: bytes) -> bytes:
        """Answer a TimeStampReq with a TimeStampResp; refusals are answers too."""
        if self.out_of_order:
            return _refusal(TIME_UNAVAILABLE)
        try:
            imprint, policy, nonce, wants_certificates = _read_request(request)
        except UnsupportedError:
            return _refusal(BAD_ALGORITHM)
        except InputError:
            return _refusal(BAD_FORMAT)
        if policy is not None and policy != self.policy:
            return _refusal(BAD_POLICY)
        token = self.timestamp(imprint, nonce=nonce, include_certificates=wants_certificates)
        return encode(SEQUENCE, encode(SEQUENCE, encode_integer(0)) + token)

    def _info(self, imprint: Digest, at: datetime, nonce: int | None, policy: str) -> bytes:
        serial = hashlib.sha256(
            b"time-stamp" + self._pki.seed + imprint.value + at.isoformat().encode("ascii")
        ).digest()
        accuracy = b""
        if self.accuracy_seconds is not None:
            accuracy = encode(SEQUENCE, encode_integer(self.accuracy_seconds))
        return encode(
            SEQUENCE,
            encode_integer(1),
            encode_oid(policy),
            encode(
                SEQUENCE,
                encode_digest_algorithm(digest_algorithm(imprint.algorithm)),
                encode(OCTET_STRING, imprint.value),
            ),
            encode_integer(int.from_bytes(serial[:8], "big") >> 1),
            der.generalized(at),
            accuracy,
            encode_integer(nonce) if nonce is not None else b"",
        )

    def _token(self, info: bytes, include_certificates: bool) -> bytes:
        certificate = self._holder.certificate
        algorithm: SignatureAlgorithm = self._holder.private_key.algorithms[0]
        # EdDSA hashes by itself; SHA-512 is the message digest then (RFC 8419 § 3.1).
        digest = digest_algorithm(algorithm.digest or "SHA512")
        ess = encode(OCTET_STRING, hashlib.sha256(certificate.der).digest())
        attributes = sorted(
            (
                _attribute(_CONTENT_TYPE, encode_oid(_TST_INFO)),
                _attribute(_MESSAGE_DIGEST, encode(OCTET_STRING, digest.hash(info))),
                _attribute(
                    _SIGNING_CERTIFICATE_V2,
                    encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, ess))),
                ),
            )
        )
        value = self._holder.private_key.sign(encode(SET, *attributes), algorithm)
        signer = encode(
            SEQUENCE,
            encode_integer(1),
            encode(SEQUENCE, certificate.issuer + der.serial(certificate.serial)),
            encode_digest_algorithm(digest),
            encode(0xA0, *attributes),
            encode_signature_algorithm(algorithm),
            encode(OCTET_STRING, value),
        )
        certificates = b""
        if include_certificates:
            chain = sorted((certificate.der, *self._holder.chain_der))
            certificates = encode(0xA0, *chain)
        signed_data = encode(
            SEQUENCE,
            encode_integer(3),
            encode(SET, encode_digest_algorithm(digest)),
            encode(SEQUENCE, encode_oid(_TST_INFO) + encode(0xA0, encode(OCTET_STRING, info))),
            certificates,
            encode(SET, signer),
        )
        return encode(SEQUENCE, encode_oid(_SIGNED_DATA) + encode(0xA0, signed_data))


def _attribute(oid: str, value: bytes) -> bytes:
    return encode(SEQUENCE, encode_oid(oid) + encode(SET, value))


def _refusal(bit: int) -> bytes:
    octets = bytearray(bit // 8 + 1)
    octets[bit // 8] |= 0x80 >> bit % 8
    flags = encode(BIT_STRING, bytes((7 - bit % 8,)) + bytes(octets))
    return encode(SEQUENCE, encode(SEQUENCE, encode_integer(2) + flags))


def _read_request(data: bytes) -> tuple[Digest, str | None, int | None, bool]:
    parts = read_all(data, "TimeStampReq").expect(SEQUENCE).items()
    if len(parts) < 2 or parts[0].raw != encode_integer(1):
        raise InputError("malformed TimeStampReq", code="tsp.request")
    imprint = parts[1].expect(SEQUENCE, "messageImprint").items()
    if len(imprint) != 2:
        raise InputError("malformed messageImprint", code="tsp.request")
    algorithm = imprint[0].expect(SEQUENCE).items()
    digest = digest_by_oid(decode_oid(algorithm[0].expect(OID).contents)) if algorithm else None
    if digest is None:
        raise UnsupportedError("unknown digest")
    value = imprint[1].expect(OCTET_STRING).contents
    if len(value) != digest.size:
        raise InputError("imprint of the wrong size", code="tsp.request")
    policy, nonce, wants = None, None, False
    for item in parts[2:]:
        if item.tag == OID:
            policy = decode_oid(item.contents)
        elif item.tag == INTEGER:
            nonce = int.from_bytes(item.contents, "big", signed=True)
        elif item.tag == BOOLEAN:
            wants = item.contents != b"\x00"
    return Digest(digest.name, value), policy, nonce, wants
