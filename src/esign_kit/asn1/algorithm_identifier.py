"""AlgorithmIdentifier ⇄ the algorithm table (RFC 5280 § 4.1.1.2, RFC 4055, RFC 5754, RFC 8419)."""

from __future__ import annotations

from functools import lru_cache

from esign_kit.algorithms import (
    DigestAlgorithm,
    SignatureAlgorithm,
    digest_algorithm,
    digest_by_oid,
    signature_algorithm,
    signature_by_oid,
)
from esign_kit.asn1.reader import (
    INTEGER,
    NULL,
    OID,
    SEQUENCE,
    Tlv,
    decode_integer,
    decode_oid,
    encode,
    encode_integer,
    encode_oid,
    read_all,
)
from esign_kit.errors import InputError, UnsupportedError

__all__ = [
    "decode_digest_algorithm",
    "decode_signature_algorithm",
    "encode_digest_algorithm",
    "encode_signature_algorithm",
    "same_algorithm",
    "split",
]

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
RSASSA_PSS = "1.2.840.113549.1.1.10"
MGF1 = "1.2.840.113549.1.1.8"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"

KEY_OID_FAMILIES = {
    RSA_ENCRYPTION: "RSA",
    EC_PUBLIC_KEY: "ECDSA",
    # The Kazakh client writes the key's OID for the old algorithm, and RSA's too.
    "1.2.398.3.10.1.1.1.1": "GOST34310",
    "1.2.398.3.10.1.1.2.2": "GOST3410",
    "1.2.860.3.15.1.1.2.1": "OZDST1092",
    "1.2.860.3.15.2.1.2.1": "OZMST286",
}
"""Key OIDs that CMS writers put where a signature OID belongs (RFC 5652 allows the first): the
digest comes from ``digestAlgorithm`` then. National packages add theirs."""


@lru_cache(maxsize=1024)
def split(der: bytes) -> tuple[str, bytes]:
    """Return ``(oid, DER of the parameters or b"")`` of an AlgorithmIdentifier.

    Raises:
        InputError: malformed.
    """
    parts = read_all(der, "AlgorithmIdentifier").expect(SEQUENCE, "AlgorithmIdentifier").items()
    if not parts or len(parts) > 2 or parts[0].tag != OID:
        raise InputError("malformed AlgorithmIdentifier", code="asn1.algorithm")
    return decode_oid(parts[0].contents), parts[1].raw if len(parts) == 2 else b""


def same_algorithm(left: bytes, right: bytes) -> bool:
    """Tell whether two AlgorithmIdentifiers say the same (RFC 5280 § 5.1.1.2).

    Absent parameters and NULL are the same statement: the Kazakh authority writes one inside and
    the other outside of its CRLs.
    """
    if left == right:
        return True
    try:
        (first, mine), (second, theirs) = split(left), split(right)
    except InputError:
        return False
    return first == second and {mine, theirs} == {b"", b"\x05\x00"}


def decode_digest_algorithm(der: bytes) -> DigestAlgorithm | None:
    """Return the digest of an AlgorithmIdentifier, or ``None`` if the table has none such.

    Raises:
        InputError: malformed.
    """
    return digest_by_oid(split(der)[0])


def decode_signature_algorithm(der: bytes, digest: str | None = None) -> SignatureAlgorithm | None:
    """Return the signature algorithm of an AlgorithmIdentifier, or ``None`` if unknown.

    Args:
        der: the AlgorithmIdentifier.
        digest: name of the digest to use where the OID is one of a key only.

    Raises:
        InputError: malformed, or RSASSA-PSS parameters that RFC 4055 does not allow.
    """
    return _decode(der, digest)


@lru_cache(maxsize=1024)
def _decode(der: bytes, digest: str | None) -> SignatureAlgorithm | None:
    oid, parameters = split(der)
    if oid == RSASSA_PSS:
        return _decode_pss(parameters)
    family = KEY_OID_FAMILIES.get(oid)
    if family is not None:
        if digest is None:
            return None
        try:
            return signature_algorithm(f"{family}-{digest}")
        except UnsupportedError:
            return None
    return signature_by_oid(oid)


def _decode_pss(parameters: bytes) -> SignatureAlgorithm | None:
    """RSASSA-PSS-params (RFC 4055 § 3.1); all defaults mean SHA-1 and a salt of 20 octets."""
    hash_name, mgf_name, salt = "SHA1", "SHA1", 20
    if parameters:
        for field in read_all(parameters, "RSASSA-PSS-params").expect(SEQUENCE):
            inner = field.items()
            if len(inner) != 1:
                raise InputError("malformed RSASSA-PSS-params", code="asn1.algorithm")
            if field.tag == 0xA0:
                digest = _digest(inner[0])
                if digest is None:
                    return None
                hash_name = digest.name
            elif field.tag == 0xA1:
                oid, mgf_parameters = split(inner[0].raw)
                if oid != MGF1:
                    return None
                digest = digest_by_oid(split(mgf_parameters)[0]) if mgf_parameters else None
                if digest is None:
                    return None
                mgf_name = digest.name
            elif field.tag == 0xA2:
                salt = decode_integer(inner[0].expect(INTEGER).contents)
                if not 0 <= salt <= 1024:
                    raise InputError("RSASSA-PSS salt length out of range", code="asn1.algorithm")
            elif field.tag == 0xA3:
                if decode_integer(inner[0].expect(INTEGER).contents) != 1:
                    raise InputError("RSASSA-PSS trailer field is not 1", code="asn1.algorithm")
            else:
                raise InputError("malformed RSASSA-PSS-params", code="asn1.algorithm")
    try:
        base = signature_algorithm(f"RSA-PSS-{hash_name}")
    except UnsupportedError:
        return None
    if base.mgf_digest == mgf_name and base.salt_length == salt:
        return base
    return base.with_pss(hash_name, mgf_name, salt)


def _digest(value: Tlv) -> DigestAlgorithm | None:
    return digest_by_oid(split(value.raw)[0])


def encode_digest_algorithm(algorithm: DigestAlgorithm) -> bytes:
    """Return the AlgorithmIdentifier of a digest; for SHA-2 without parameters (RFC 5754 § 2)."""
    return encode(SEQUENCE, encode_oid(algorithm.oid) + algorithm.parameters)


@lru_cache(maxsize=256)
def encode_signature_algorithm(algorithm: SignatureAlgorithm) -> bytes:
    """Return the AlgorithmIdentifier of a signature algorithm.

    Raises:
        UnsupportedError: it has no object identifier.
    """
    if algorithm.family != "RSA-PSS":
        return encode(SEQUENCE, encode_oid(algorithm.oid) + algorithm.parameters)
    null = encode(NULL, b"")
    hash_id = encode(SEQUENCE, encode_oid(digest_algorithm(algorithm.digest or "").oid) + null)
    mgf_hash = encode(SEQUENCE, encode_oid(digest_algorithm(algorithm.mgf_digest or "").oid) + null)
    parameters = encode(
        SEQUENCE,
        encode(0xA0, hash_id),
        encode(0xA1, encode(SEQUENCE, encode_oid(MGF1) + mgf_hash)),
        encode(0xA2, encode_integer(algorithm.salt_length or 0)),
    )
    return encode(SEQUENCE, encode_oid(RSASSA_PSS) + parameters)
