"""How a token does an algorithm of the table: which mechanism, and what we do before and after.

A mechanism that hashes on the token is preferred where the data are small; else we hash, build the
DigestInfo of PKCS#1 (RFC 8017 § 9.2) where one is needed, and give the token what is left to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_algorithm, signature_algorithms
from esign_kit.asn1.reader import NULL, OCTET_STRING, SEQUENCE, encode, encode_oid

if TYPE_CHECKING:
    from collections.abc import Set

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.crypto import PublicKey

__all__ = ["Plan", "abilities", "plan_for"]

LARGE = 4096
"""Octets; more than that is hashed here, not sent to a token."""

_HASHES = {
    "SHA1": ("SHA1", "SHA_1", "SHA1"),
    "SHA224": ("SHA224", "SHA224", "SHA224"),
    "SHA256": ("SHA256", "SHA256", "SHA256"),
    "SHA384": ("SHA384", "SHA384", "SHA384"),
    "SHA512": ("SHA512", "SHA512", "SHA512"),
    "SHA3-256": ("SHA3_256", "SHA3_256", ""),
    "SHA3-384": ("SHA3_384", "SHA3_384", ""),
    "SHA3-512": ("SHA3_512", "SHA3_512", ""),
}
"""Digest → its name in combined mechanisms, as a mechanism, in mask generation (if there)."""

_LAST = ("SHA224", "SHA1", "MD5")


@dataclass(frozen=True, slots=True)
class Plan:
    """How one algorithm is done.

    Attributes:
        mechanism: name of the PKCS#11 mechanism, without ``CKM_``.
        digest: what we hash with first; ``None`` if the token gets the data.
        prefix: octets before the digest (DigestInfo).
        pss: digest mechanism, mask generation and salt length.
        pair: the value is r ‖ s and becomes DER.
        most: octets of the digest that the token gets; 0 for all (SEC 1 § 4.1.3: leftmost bits).
    """

    mechanism: str
    digest: str | None = None
    prefix: bytes = b""
    pss: tuple[str, str, int] | None = None
    pair: bool = False
    most: int = 0


def abilities(key: PublicKey, offered: Set[str]) -> tuple[SignatureAlgorithm, ...]:
    """Return what a key on such a token can do, the preferred algorithm first."""
    rows = [row for row in signature_algorithms() if row.key_type == key.type]
    if key.only is not None:
        rows = (
            [key.only]
            if key.only.digest is not None
            else [row for row in rows if row.family == "RSA-PSS"]
        )
    preferred = "SHA256"
    if key.type == "EC":
        preferred = "SHA512" if key.bits > 384 else "SHA384" if key.bits > 256 else "SHA256"
    able = [row for row in rows if plan_for(row, key, offered) is not None]
    return tuple(
        sorted(
            able,
            key=lambda row: (row.digest in _LAST, row.family == "RSA-PSS", row.digest != preferred),
        )
    )


def plan_for(
    algorithm: SignatureAlgorithm, key: PublicKey, offered: Set[str], size: int = 0
) -> Plan | None:
    """Return how to do an algorithm over ``size`` octets, or ``None`` if the token cannot."""
    if algorithm.key_type != key.type:
        return None
    if algorithm.family == "EDDSA":
        return Plan("EDDSA") if "EDDSA" in offered else None
    names = _HASHES.get(algorithm.digest or "")
    if names is None or algorithm.digest is None:
        return None
    whole, raw = _both(algorithm, key, names)
    if whole is None or raw is None:
        return None
    candidates = (raw, whole) if size > LARGE else (whole, raw)
    return next((plan for plan in candidates if plan.mechanism in offered), None)


def _both(
    algorithm: SignatureAlgorithm, key: PublicKey, names: tuple[str, str, str]
) -> tuple[Plan | None, Plan | None]:
    """The plan where the token hashes, and the one where we do."""
    digest = algorithm.digest or ""
    combined = names[0]
    if algorithm.family == "RSA":
        return (
            Plan(f"{combined}_RSA_PKCS"),
            Plan("RSA_PKCS", digest, prefix=_digest_info(digest)),
        )
    if algorithm.family == "ECDSA":
        return (
            Plan(f"ECDSA_{combined}", pair=True),
            Plan("ECDSA", digest, pair=True, most=(key.bits + 7) // 8),
        )
    if algorithm.family == "RSA-PSS":
        mask = _HASHES.get(algorithm.mgf_digest or "")
        room = (key.bits + 6) // 8
        salt = algorithm.salt_length or 0
        # RFC 8017 § 9.1.1: the modulus must hold digest, salt and two octets.
        if mask is None or not mask[2] or room < digest_algorithm(digest).size + salt + 2:
            return None, None
        pss = (names[1], mask[2], salt)
        return (
            Plan(f"{combined}_RSA_PKCS_PSS", pss=pss),
            Plan("RSA_PKCS_PSS", digest, pss=pss),
        )
    return None, None


def _digest_info(name: str) -> bytes:
    row = digest_algorithm(name)
    identifier = encode(SEQUENCE, encode_oid(row.oid), encode(NULL))
    whole = encode(SEQUENCE, identifier, encode(OCTET_STRING, bytes(row.size)))
    return whole[: -row.size]
