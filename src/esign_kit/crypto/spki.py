"""Reading the SubjectPublicKeyInfo of international key types (RFC 3279, 4055, 5480, 8410, 9881).

The public constructors of ``cryptography`` get slices of the original octets: no PEM, SSH or X.509
code is imported for a verification.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.reader import (
    INTEGER,
    NULL,
    OID,
    SEQUENCE,
    Tlv,
    decode_oid,
    header,
    read_all,
)
from esign_kit.crypto.keys import PublicKey, _usual_loaders, register_key
from esign_kit.errors import InputError, LimitError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.algorithms import SignatureAlgorithm

__all__ = ["inherit_dsa_parameters"]

_MAX_RSA_BITS = 16384
_MAX_DSA_BITS = 4096

_CURVES = {
    # OID: (our name, attribute of cryptography's ec module, bits)
    "1.2.840.10045.3.1.1": ("P-192", "SECP192R1", 192),
    "1.3.132.0.33": ("P-224", "SECP224R1", 224),
    "1.2.840.10045.3.1.7": ("P-256", "SECP256R1", 256),
    "1.3.132.0.34": ("P-384", "SECP384R1", 384),
    "1.3.132.0.35": ("P-521", "SECP521R1", 521),
    "1.3.132.0.10": ("secp256k1", "SECP256K1", 256),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", "BrainpoolP256R1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", "BrainpoolP384R1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", "BrainpoolP512R1", 512),
}
_KNOWN_ONLY_BY_NAME = {
    "1.3.36.3.3.2.8.1.1.1": "brainpoolP160r1",
    "1.3.36.3.3.2.8.1.1.3": "brainpoolP192r1",
    "1.3.36.3.3.2.8.1.1.5": "brainpoolP224r1",
    "1.3.36.3.3.2.8.1.1.8": "brainpoolP256t1",
    "1.3.36.3.3.2.8.1.1.9": "brainpoolP320r1",
    "1.3.36.3.3.2.8.1.1.10": "brainpoolP320t1",
    "1.3.36.3.3.2.8.1.1.12": "brainpoolP384t1",
    "1.3.36.3.3.2.8.1.1.14": "brainpoolP512t1",
    "1.2.250.1.223.101.256.1": "FRP256v1",
    "1.2.156.10197.1.301": "SM2",
}


def _malformed(detail: str) -> InputError:
    return InputError(detail, code="crypto.malformed-key")


def _integer(value: Tlv, what: str) -> int:
    contents = value.expect(INTEGER, what).contents
    if not contents or contents[0] & 0x80:
        raise _malformed(f"{what} is not a positive number")
    return int.from_bytes(contents, "big")


# ── RSA ───────────────────────────────────────────────────────────────────────────────────────


def _rsa(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    if parameters not in (b"\x05\x00", b""):
        raise _malformed("RSA key parameters are not NULL (RFC 3279 § 2.3.1)")
    return _rsa_key(spki, octets, None)


def _rsa_pss(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    from esign_kit.algorithms import signature_algorithm

    # Without parameters the key is bound to PSS but to no digest (RFC 4055 § 1.2).
    only: SignatureAlgorithm | None
    if parameters in (b"", b"\x05\x00"):
        from dataclasses import replace

        only = replace(signature_algorithm("RSA-PSS-SHA256"), name="RSA-PSS", digest=None)
    else:
        from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm

        # The SPKI starts with its own header; the AlgorithmIdentifier is what stands first in it.
        identifier = read_all(spki).items()[0].raw
        only = decode_signature_algorithm(identifier)
        if only is None:
            raise UnsupportedError(
                "an RSASSA-PSS key bound to an unknown digest", code="crypto.unsupported-key"
            )
    return _rsa_key(spki, octets, only)


@cache
def _whole_reader() -> Callable[[bytes], Any] | None:
    """Return the backend's own reader, which takes a third of the time of numbers and points.

    ``serialization`` offers it under a name that is ours to use, but takes 25 ms to import; below
    that name it is there at once. Should it move, numbers and points do as well.
    """
    try:
        from cryptography.hazmat.bindings._rust import openssl

        return openssl.keys.load_der_public_key
    except (ImportError, AttributeError):
        return None


def _read_whole(spki: bytes) -> Any:
    """Let the backend read the octets that were checked here; ``None`` if it does not."""
    reader = _whole_reader()
    if reader is None:
        return None
    try:
        return reader(spki)
    except Exception:
        # The way through numbers and points says what is wrong.
        return None


def _rsa_key(spki: bytes, octets: bytes, only: SignatureAlgorithm | None) -> PublicKey:
    size = len(octets)
    tag, start, stop = header(octets, 0, size)
    first, modulus_start, modulus_stop = header(octets, start, stop)
    second, exponent_start, exponent_stop = header(octets, modulus_stop, stop)
    if tag != SEQUENCE or stop != size or first != INTEGER or second != INTEGER:
        raise _malformed("an RSA key is a modulus and an exponent")
    if exponent_stop != stop:
        raise _malformed("an RSA key is a modulus and an exponent")
    modulus = int.from_bytes(octets[modulus_start:modulus_stop], "big", signed=True)
    exponent = int.from_bytes(octets[exponent_start:exponent_stop], "big", signed=True)
    if modulus <= 0 or exponent <= 0:
        raise _malformed("an RSA modulus or exponent that is not positive")
    bits = modulus.bit_length()
    if bits > _MAX_RSA_BITS or (bits > 3072 and exponent.bit_length() > 64):
        raise LimitError(
            f"an RSA key of {bits} bits with an exponent of {exponent.bit_length()} bits",
            code="crypto.key-too-large",
        )
    if not modulus & 1 or not exponent & 1:
        raise _malformed("an RSA modulus or exponent that is even")
    try:
        # With parameters of RSASSA-PSS the octets say more than the numbers.
        native = _read_whole(spki) if only is None else None
        if native is None:
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

            native = RSAPublicNumbers(exponent, modulus).public_key()
    except Exception as error:
        raise _refused("RSA", error) from error
    return PublicKey("RSA", bits, None, spki, native, only)


def _refused(kind: str, error: Exception) -> InputError:
    from cryptography.exceptions import UnsupportedAlgorithm

    if isinstance(error, UnsupportedAlgorithm):
        return UnsupportedError(
            f"the backend does not take this {kind} key", code="crypto.unsupported-key"
        )
    return _malformed(f"not a valid {kind} public key")


# ── elliptic curves ───────────────────────────────────────────────────────────────────────────


def _ec(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    if not parameters or parameters[0] != OID:
        # RFC 5480 § 2.1.1 forbids explicit parameters: a forged generator makes any key fit.
        raise UnsupportedError(
            "an EC key without a named curve (RFC 5480 § 2.1.1)", code="crypto.explicit-curve"
        )
    curve_oid = decode_oid(read_all(parameters).contents)
    row = _CURVES.get(curve_oid)
    if row is None:
        name = _KNOWN_ONLY_BY_NAME.get(curve_oid, "")
        raise UnsupportedError(
            f"no curve {curve_oid} {name}".rstrip(), code="crypto.unsupported-curve"
        )
    name, attribute, bits = row
    if not octets or octets[0] not in (2, 3, 4):
        raise _malformed("an EC point that is neither compressed nor uncompressed")
    try:
        native = _read_whole(spki)
        if native is None:
            from cryptography.hazmat.primitives.asymmetric import ec

            native = ec.EllipticCurvePublicKey.from_encoded_point(getattr(ec, attribute)(), octets)
    except Exception as error:
        raise _refused(name, error) from error
    return PublicKey("EC", bits, name, spki, native)


def _edwards(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    if parameters:
        raise _malformed("an Edwards key with parameters (RFC 8410 § 3)")
    kind: Any
    if oid == "1.3.101.112":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as kind

        name, bits = "ED25519", 255
    else:
        from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey as kind

        name, bits = "ED448", 448
    try:
        native = kind.from_public_bytes(octets)
    except Exception as error:
        raise _refused(name, error) from error
    return PublicKey(name, bits, name.capitalize(), spki, native)


# ── ML-DSA ────────────────────────────────────────────────────────────────────────────────────

_ML_DSA = {
    "2.16.840.1.101.3.4.3.17": ("ML-DSA-44", "MLDSA44PublicKey", 128),
    "2.16.840.1.101.3.4.3.18": ("ML-DSA-65", "MLDSA65PublicKey", 192),
    "2.16.840.1.101.3.4.3.19": ("ML-DSA-87", "MLDSA87PublicKey", 256),
}


def _ml_dsa(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    name, attribute, bits = _ML_DSA[oid]
    if parameters:
        raise _malformed("an ML-DSA key with parameters (RFC 9881 § 2)")
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError as error:
        raise UnsupportedError(
            f"the installed cryptography has no {name}", code="crypto.unsupported-key"
        ) from error
    try:
        native = getattr(mldsa, attribute).from_public_bytes(octets)
    except Exception as error:
        raise _refused(name, error) from error
    return PublicKey(name, bits, None, spki, native)


# ── DSA ───────────────────────────────────────────────────────────────────────────────────────


def _dsa(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    y = _integer(read_all(octets, "DSA key"), "DSA key")
    if not parameters or parameters[0] == NULL:
        return PublicKey("DSA", 0, None, spki, None)
    parts = read_all(parameters, "DSA parameters").expect(SEQUENCE, "DSA parameters").items()
    if len(parts) != 3:
        raise _malformed("DSA parameters are p, q and g")
    p, q, g = (_integer(part, "DSA parameter") for part in parts)
    return _dsa_key(spki, p, q, g, y)


def _dsa_key(spki: bytes, p: int, q: int, g: int, y: int) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.dsa import DSAParameterNumbers, DSAPublicNumbers

    bits = p.bit_length()
    if bits > _MAX_DSA_BITS:
        raise LimitError(f"a DSA key of {bits} bits", code="crypto.key-too-large")
    if not 1 < y < p:
        raise _malformed("a DSA key outside its group")
    try:
        native = DSAPublicNumbers(y, DSAParameterNumbers(p, q, g)).public_key()
    except Exception as error:
        raise _refused("DSA", error) from error
    return PublicKey("DSA", bits, None, spki, native)


def inherit_dsa_parameters(spki: bytes, issuer: PublicKey) -> PublicKey:
    """Return the DSA key of ``spki`` in the group of the issuer's key; raises ``InputError``."""
    numbers = issuer.native.public_numbers().parameter_numbers
    octets = read_all(spki).items()[1].contents[1:]
    y = _integer(read_all(octets, "DSA key"), "DSA key")
    return _dsa_key(spki, numbers.p, numbers.q, numbers.g, y)


# ── the most frequent keys ────────────────────────────────────────────────────────────────────

_RSA_2048 = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
_P_256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def _usual_rsa(spki: bytes) -> PublicKey | None:
    """2048 bits, the exponent 65537: everything but the modulus is constant."""
    if (
        spki.startswith(_RSA_2048)
        and spki.endswith(b"\x02\x03\x01\x00\x01")
        and spki[33] & 0x80
        and spki[288] & 1
    ):
        native = _read_whole(spki)
        if native is not None:
            return PublicKey("RSA", 2048, None, spki, native)
    return None


def _usual_ec(spki: bytes) -> PublicKey | None:
    """A point of P-256, uncompressed."""
    if spki.startswith(_P_256):
        native = _read_whole(spki)
        if native is not None:
            return PublicKey("EC", 256, "P-256", spki, native)
    return None


_usual_loaders.update({294: _usual_rsa, 91: _usual_ec})
for _oid, _loader in (
    ("1.2.840.113549.1.1.1", _rsa),
    ("1.2.840.113549.1.1.10", _rsa_pss),
    ("1.2.840.10045.2.1", _ec),
    ("1.3.101.112", _edwards),
    ("1.3.101.113", _edwards),
    *((_oid, _ml_dsa) for _oid in _ML_DSA),
    ("1.2.840.10040.4.1", _dsa),
):
    register_key(_oid, _loader)
