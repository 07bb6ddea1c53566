"""DER of the signed attributes that we write (RFC 5652 § 11, RFC 5035, EN 319 122-1 § 5.2).

Every function returns one whole Attribute. What does not depend on the document is remembered.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.algorithm_identifier import encode_digest_algorithm
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import (
    GENERALIZED_TIME,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTC_TIME,
    encode,
    encode_integer,
    encode_oid,
)
from esign_kit.asn1.times import from_datetime
from esign_kit.cades import oids
from esign_kit.cades.attributes import COMMITMENTS
from esign_kit.errors import SigningError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

__all__ = ["CONVENTIONS", "OPTIONS", "from_options", "read_options", "signing_certificate"]

_UTF8 = 0x0C
_ROLE_NAME = "2.5.4.41"
_SPURI = "1.2.840.113549.1.9.16.5.1"
_COMMITMENT_OIDS = {name: dotted for dotted, name in COMMITMENTS.items()}

OPTIONS = frozenset(
    {
        "algorithm_protection",
        "commitments",
        "content_hints",
        "content_type",
        "media_type",
        "place",
        "policy",
        "profile_conventions",
        "roles",
        "signing_certificate",
    }
)
"""Names that ``SigningRequest.options`` may hold for CAdES:

``roles``
    claimed roles, text or a sequence of texts.
``policy``
    mapping with ``id`` (OID), ``digest_algorithm``, ``digest`` (octets or hex), optional ``uri``.
``commitments``
    names (``"proof-of-origin"``, ``"proof-of-approval"``, …) or OIDs.
``place``
    mapping with ``country``, ``city``, ``postal_address`` (lines); ``state``, ``street`` and
    ``postal_code`` become lines of the postal address.
``media_type``
    of the content; the document's own if left out, ``None`` writes no attribute.
``content_hints``
    a description of the content.
``content_type``
    OID of the content, id-data if left out.
``algorithm_protection``
    ``False`` leaves CMSAlgorithmProtection out.
``signing_certificate``
    ``False`` leaves signing-certificate-v2 out: plain CMS, which no longer fixes its signer.
``profile_conventions``
    ``"kz"``: the four attributes that the tools of Kazakhstan write; ``"uz"``: the three that
    those of Uzbekistan write, without signing-certificate-v2.
"""

CONVENTIONS: Mapping[str, Mapping[str, Any]] = {
    "kz": {"algorithm_protection": False, "media_type": None},
    "uz": {"algorithm_protection": False, "media_type": None, "signing_certificate": False},
}
_PLACE = frozenset({"country", "city", "postal_address", "street", "postal_code", "state"})


def attribute(kind: bytes, *values: bytes) -> bytes:
    """Return the DER of an Attribute; the values are put in the order of DER."""
    return encode(SEQUENCE, encode(OID, kind), encode(SET, b"".join(sorted(values))))


@lru_cache(maxsize=64)
def content_type(kind: bytes) -> bytes:
    """content-type (RFC 5652 § 11.1)."""
    return attribute(oids.CONTENT_TYPE, encode(OID, kind))


_MESSAGE_DIGEST = encode(OID, oids.MESSAGE_DIGEST)
_SIGNING_TIME = encode(OID, oids.SIGNING_TIME)


def message_digest(value: bytes) -> bytes:
    """message-digest (RFC 5652 § 11.2)."""
    return encode(SEQUENCE, _MESSAGE_DIGEST, encode(SET, encode(OCTET_STRING, value)))


def signing_time(moment: datetime) -> bytes:
    """signing-time (RFC 5652 § 11.3): UTCTime from 1950 to 2049, else GeneralizedTime."""
    text = from_datetime(moment)
    value = (
        encode(UTC_TIME, text[2:])
        if b"1950" <= text[:4] <= b"2049"
        else encode(GENERALIZED_TIME, text)
    )
    return encode(SEQUENCE, _SIGNING_TIME, encode(SET, value))


@lru_cache(maxsize=1024)
def issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    """Return issuer Name and serialNumber of a certificate as DER."""
    view = Certificate.load(certificate)
    return view.issuer, encode_integer(view.serial)


@lru_cache(maxsize=1024)
def signing_certificate(certificate: bytes, digest: str = "SHA256") -> bytes:
    """signing-certificate-v2 with issuerSerial (RFC 5035 § 3, EN 319 122-1 § 5.2.2.3)."""
    table = digest_algorithm(digest)
    issuer, serial = issuer_and_serial(certificate)
    names = encode(SEQUENCE, encode(0xA4, issuer))
    identifier = encode(
        SEQUENCE,
        # DER: the default, SHA-256, is left out.
        b"" if digest == "SHA256" else encode_digest_algorithm(table),
        encode(OCTET_STRING, table.hash(certificate)),
        encode(SEQUENCE, names, serial),
    )
    value = encode(SEQUENCE, encode(SEQUENCE, identifier))
    return attribute(oids.SIGNING_CERTIFICATE_V2, value)


@lru_cache(maxsize=256)
def algorithm_protection(digest: bytes, signature: bytes) -> bytes:
    """CMSAlgorithmProtection (RFC 6211 § 2)."""
    value = encode(SEQUENCE, digest, b"\xa1" + signature[1:])
    return attribute(oids.ALGORITHM_PROTECTION, value)


def read_options(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options with those of a convention filled in.

    Raises:
        SigningError: an option that is not in :data:`OPTIONS`, or an unknown convention.
    """
    if not given:
        return given
    unknown = given.keys() - OPTIONS
    if unknown:
        raise SigningError(
            f"CAdES has no option {', '.join(sorted(unknown))}",
            code="signing.option",
            hint="known are " + ", ".join(sorted(OPTIONS)),
        )
    name = given.get("profile_conventions")
    if name is None or name is False:
        return given
    preset = CONVENTIONS.get(str(name))
    if preset is None:
        raise SigningError(
            f"no CMS conventions {name!r}; there are {', '.join(CONVENTIONS)}",
            code="signing.option",
        )
    return {**preset, **given}


def from_options(options: Mapping[str, Any], media_type: str | None) -> list[bytes]:
    """Return the attributes that the options ask for.

    Raises:
        SigningError: a value that cannot be written.
    """
    found = []
    media_type = options.get("media_type", media_type)
    try:
        if media_type is not None:
            found.append(attribute(oids.MIME_TYPE, _text(media_type)))
        if options.get("content_hints"):
            kind = str(options.get("content_type") or "1.2.840.113549.1.7.1")
            value = encode(SEQUENCE, _text(options["content_hints"]), encode_oid(kind))
            found.append(attribute(oids.CONTENT_HINTS, value))
        if options.get("roles"):
            found.append(_roles(options["roles"]))
        if options.get("policy"):
            found.append(_policy(options["policy"]))
        if options.get("place"):
            found.append(_place(options["place"]))
        commitments = options.get("commitments") or ()
        for name in (commitments,) if isinstance(commitments, str) else commitments:
            dotted = _COMMITMENT_OIDS.get(str(name), str(name))
            found.append(attribute(oids.COMMITMENT_TYPE, encode(SEQUENCE, encode_oid(dotted))))
    except (KeyError, TypeError, ValueError) as error:
        raise SigningError(
            f"an option cannot be written: {error}", code="signing.option"
        ) from error
    return found


def _text(value: Any) -> bytes:
    return encode(_UTF8, str(value).encode("utf-8"))


def _roles(roles: str | Iterable[Any]) -> bytes:
    """signer-attributes-v2 with claimed roles (EN 319 122-1 § 5.2.6.1)."""
    names = (roles,) if isinstance(roles, str) else tuple(roles)
    values = b"".join(sorted(_text(name) for name in names))
    claimed = encode(SEQUENCE, encode(SEQUENCE, encode_oid(_ROLE_NAME), encode(SET, values)))
    return attribute(oids.SIGNER_ATTRIBUTES_V2, encode(SEQUENCE, encode(0xA0, claimed)))


def _policy(policy: Mapping[str, Any]) -> bytes:
    """signature-policy-identifier (EN 319 122-1 § 5.2.9)."""
    name = str(policy["id"]).removeprefix("urn:oid:")
    try:
        table = digest_algorithm(str(policy.get("digest_algorithm", "SHA256")))
    except UnsupportedError as error:
        raise ValueError(error.detail) from error
    value = policy["digest"]
    digest = bytes.fromhex(value) if isinstance(value, str) else bytes(value)
    if len(digest) != table.size:
        raise ValueError(f"the policy digest has {len(digest)} octets, {table.size} are expected")
    parts = [
        encode_oid(name),
        encode(SEQUENCE, encode_digest_algorithm(table), encode(OCTET_STRING, digest)),
    ]
    if policy.get("uri"):
        uri = encode(0x16, str(policy["uri"]).encode("ascii"))
        parts.append(encode(SEQUENCE, encode(SEQUENCE, encode_oid(_SPURI), uri)))
    return attribute(oids.SIGNATURE_POLICY, encode(SEQUENCE, *parts))


def _place(place: Mapping[str, Any]) -> bytes:
    """signer-location (RFC 5126 § 5.11.2)."""
    unknown = place.keys() - _PLACE
    if unknown:
        raise ValueError(f"place has no {', '.join(sorted(unknown))}")
    parts = []
    if place.get("country"):
        parts.append(encode(0xA0, _text(place["country"])))
    if place.get("city"):
        parts.append(encode(0xA1, _text(place["city"])))
    lines = place.get("postal_address") or ()
    address = [lines] if isinstance(lines, str) else list(lines)
    address += [place[key] for key in ("street", "postal_code", "state") if place.get(key)]
    if len(address) > 6:
        raise ValueError("a postal address has at most six lines")
    if address:
        parts.append(encode(0xA2, encode(SEQUENCE, *(_text(line) for line in address))))
    if not parts:
        raise ValueError("a place needs at least one of country, city, postal_address")
    return attribute(oids.SIGNER_LOCATION, encode(SEQUENCE, *parts))
