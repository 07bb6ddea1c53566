"""Password-based encryption of key files: what is asked for is read and weighed before it is done.

PKCS#12 key derivation and schemes (RFC 7292 § B and § C), PBES1 and PBES2 (RFC 8018), scrypt
(RFC 7914). A file may ask for any amount of work: iterations and memory are compared with the
limits first, summed over the whole file.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import digest_by_oid
from esign_kit.asn1.reader import (
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    Tlv,
    decode_integer,
    decode_oid,
    read_all,
    to_definite,
)
from esign_kit.errors import InputError, KeyStoreError, LimitError
from esign_kit.keys.rc2 import rc2_cbc_decrypt, rc4
from esign_kit.model.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Password",
    "Work",
    "algorithm_of",
    "bounded",
    "decrypt",
    "pkcs12_kdf",
    "register_cipher",
]


_MAX_ELEMENTS = 100_000


class Work:
    """What deriving keys for one file has cost so far, against the limits."""

    __slots__ = ("_checks", "_iterations", "_limits")

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._iterations = 0
        self._checks = 0

    def key(self, rsa_bits: int) -> None:
        """Allow the checks of one more private key; ``rsa_bits`` is 0 for other kinds.

        Raises:
            LimitError: too many keys, or too long ones.
        """
        self._checks += max(1, -(-(rsa_bits**3) // 1024**3))
        if self._checks > self._limits.key_checks:
            raise LimitError(
                "the key file holds too many or too long private keys",
                code="keys.over-limit",
                hint=f"the limit is key_checks = {self._limits.key_checks}",
            )

    def iterations(self, count: int) -> int:
        """Return ``count`` if that many more rounds are allowed.

        Raises:
            LimitError: they are not; nothing has been computed yet.
            InputError: no such count.
        """
        if count < 1:
            raise InputError("a key file with an iteration count below 1", code="keys.malformed")
        self._iterations += count
        if self._iterations > self._limits.kdf_iterations:
            raise LimitError(
                f"the key file asks for {_number(count)} rounds of key derivation",
                code="keys.over-limit",
                hint=f"the limit is kdf_iterations = {self._limits.kdf_iterations}",
            )
        return count

    def memory(self, octets: int) -> None:
        """Allow that many octets; raises :class:`LimitError`."""
        if octets > self._limits.kdf_memory:
            raise LimitError(
                f"the key file asks for {_number(octets)} octets of memory for key derivation",
                code="keys.over-limit",
                hint=f"the limit is kdf_memory = {self._limits.kdf_memory}",
            )


def _number(value: int) -> str:
    # A hostile number may be megabytes long; Python refuses to print such a one.
    return str(value) if value < 1 << 64 else "an absurd number of"


class Password:
    """A password in one of the spellings that writers of key files have used.

    It never shows itself.
    """

    __slots__ = ("bmp", "utf8")

    def __init__(self, utf8: bytes, bmp: bytes) -> None:
        self.utf8 = utf8
        self.bmp = bmp

    @classmethod
    def spellings(cls, password: str | bytes | None) -> list[Password]:
        """Return the spellings to try, the right one first.

        RFC 7292 § B.1 has a BMPString with a closing zero for its own key derivation; PBES2 takes
        UTF-8. Seen besides: no octets at all for an empty password, and UTF-8 octets each taken
        for a character.
        """
        if password is None:
            password = ""
        try:
            text = password if isinstance(password, str) else password.decode("utf-8")
        except UnicodeDecodeError:
            text = bytes(password).decode("latin-1") if not isinstance(password, str) else ""
        if not text:
            return [cls(b"", b"\x00\x00"), cls(b"", b"")]
        utf8 = text.encode("utf-8", "surrogatepass")
        found = [cls(utf8, text.encode("utf-16-be", "surrogatepass") + b"\x00\x00")]
        if not text.isascii():
            found.append(cls(utf8, utf8.decode("latin-1").encode("utf-16-be") + b"\x00\x00"))
        return found

    def __repr__(self) -> str:
        return "Password(…)"


def wrong_password() -> KeyStoreError:
    """Return the error for a password that does not fit."""
    return KeyStoreError(
        "the password is wrong, or the file is damaged",
        code="keys.wrong-password",
        hint="check the keyboard layout and the shift key",
    )


def unsupported(what: str, oid: str) -> KeyStoreError:
    """Return the error for an algorithm that we do not have."""
    return KeyStoreError(f"{what} {oid} is not supported", code="keys.unsupported-encryption")


def bounded(data: bytes) -> Tlv:
    """Return the one value of ``data``, indefinite lengths rewritten, its elements counted.

    Raises:
        LimitError: more elements than any key file has, or nested too deeply.
        InputError: malformed, or octets follow.
    """
    rewritten, used = to_definite(data, max_elements=_MAX_ELEMENTS)
    if data[used:].strip(b"\x00\r\n"):
        raise InputError("octets follow after the end", code="keys.malformed")
    return read_all(rewritten)


# ── key derivation ────────────────────────────────────────────────────────────────────────────


def pkcs12_kdf(
    digest: str, password: bytes, salt: bytes, iterations: int, purpose: int, size: int
) -> bytes:
    """Return key material by RFC 7292 § B.2: purpose 1 is a key, 2 an IV, 3 a MAC key.

    Args:
        digest: name of ``hashlib``.
        password: BMPString octets with the closing zero.
        size: octets wanted.
    """
    block = hashlib.new(digest).block_size

    def stretched(data: bytes) -> bytes:
        if not data:
            return b""
        length = block * -(-len(data) // block)
        return (data * -(-length // len(data)))[:length]

    state = bytearray(stretched(salt) + stretched(password))
    diversifier = bytes((purpose,)) * block
    new: Callable[[bytes], Any] = getattr(hashlib, digest)
    found = b""
    while True:
        value: bytes = new(diversifier + state).digest()
        for _ in range(iterations - 1):
            value = new(value).digest()
        found += value
        if len(found) >= size:
            return found[:size]
        add = int.from_bytes((value * -(-block // len(value)))[:block], "big") + 1
        modulus = 1 << 8 * block
        for offset in range(0, len(state), block):
            part = int.from_bytes(state[offset : offset + block], "big") + add
            state[offset : offset + block] = (part % modulus).to_bytes(block, "big")


def hash_name(oid: str) -> str | None:
    """Return the name in ``hashlib`` of a digest, if it is one of those."""
    algorithm = digest_by_oid(oid)
    if algorithm is None:
        return None
    name = algorithm.name.lower()
    name = name.replace("-", "_") if name.startswith("sha3") else name
    return name if name in hashlib.algorithms_available else None


_HMACS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
    "2.16.840.1.101.3.4.2.13": "sha3_224",
    "2.16.840.1.101.3.4.2.14": "sha3_256",
    "2.16.840.1.101.3.4.2.15": "sha3_384",
    "2.16.840.1.101.3.4.2.16": "sha3_512",
}


def hmac_name(oid: str) -> str | None:
    """Return the name in ``hashlib`` of the digest of an HMAC, if we have it."""
    return _HMACS.get(oid)


def algorithm_of(value: Tlv) -> tuple[str, Tlv | None]:
    """Return OID and parameters of an AlgorithmIdentifier; raises :class:`InputError`."""
    parts = value.expect(SEQUENCE, "AlgorithmIdentifier").items()
    if not parts or len(parts) > 2:
        raise InputError("malformed AlgorithmIdentifier", code="keys.malformed")
    oid = decode_oid(parts[0].expect(OID, "algorithm").contents)
    return oid, parts[1] if len(parts) == 2 else None


def pbkdf2_parameters(parameters: Tlv | None, work: Work) -> tuple[str, bytes, int, int | None]:
    """Return digest, salt, iterations, key length of PBKDF2-params, weighed (RFC 8018 § A.2)."""
    parts = _sequence(parameters)
    if len(parts) < 2:
        raise InputError("malformed PBKDF2 parameters", code="keys.malformed")
    salt = parts[0].expect(OCTET_STRING, "salt").contents
    iterations = work.iterations(decode_integer(parts[1].expect(INTEGER).contents))
    length, digest = None, "sha1"
    for item in parts[2:]:
        if item.tag == INTEGER:
            length = decode_integer(item.contents)
        else:
            oid, _ = algorithm_of(item)
            found = hmac_name(oid)
            if found is None:
                raise unsupported("key derivation", oid)
            digest = found
    return digest, salt, iterations, length


def _scrypt(parameters: Tlv | None, password: bytes, size: int, work: Work) -> bytes:
    parts = _sequence(parameters)
    if len(parts) < 4:
        raise InputError("malformed scrypt parameters", code="keys.malformed")
    salt = parts[0].expect(OCTET_STRING, "salt").contents
    n, r, p = (decode_integer(item.expect(INTEGER).contents) for item in parts[1:4])
    if n < 2 or n & n - 1 or r < 1 or p < 1:
        raise InputError("impossible scrypt parameters", code="keys.malformed")
    work.memory(128 * n * r)
    work.memory(128 * r * p)
    # One round of scrypt costs about as much as two hundred of PBKDF2 per block of memory.
    work.iterations(2 * n * r * p)
    try:
        return hashlib.scrypt(
            password, salt=salt, n=n, r=r, p=p, dklen=size, maxmem=128 * r * (n + p + 2) + 65536
        )
    except (ValueError, MemoryError) as error:
        raise InputError("scrypt parameters that cannot be used", code="keys.malformed") from error


def _sequence(value: Tlv | None) -> list[Tlv]:
    if value is None:
        raise InputError("an algorithm without its parameters", code="keys.malformed")
    return value.expect(SEQUENCE, "parameters").items()


# ── schemes ───────────────────────────────────────────────────────────────────────────────────

_registered: dict[str, Any] = {}


def register_cipher(
    oid: str, decrypt: Callable[[Tlv | None, bytes, Password, Work], bytes]
) -> None:
    """Teach a password-based encryption scheme of a national container.

    Args:
        oid: of the scheme.
        decrypt: gets the parameters, the cipher text, the password and the work allowance, and
            returns the plain text; raises :func:`wrong_password` or :class:`InputError`.
    """
    _registered[oid] = decrypt


_PKCS12_SCHEMES = {
    # last arc of 1.2.840.113549.1.12.1: (cipher, octets of key, octets of IV)
    "1": ("RC4", 16, 0),
    "2": ("RC4", 5, 0),
    "3": ("3DES", 24, 8),
    "4": ("3DES", 16, 8),
    "5": ("RC2", 16, 8),
    "6": ("RC2", 5, 8),
}
_PBES1_SCHEMES = {
    "1.2.840.113549.1.5.3": ("md5", "DES"),
    "1.2.840.113549.1.5.6": ("md5", "RC2"),
    "1.2.840.113549.1.5.10": ("sha1", "DES"),
    "1.2.840.113549.1.5.11": ("sha1", "RC2"),
}
_AES = {
    "2.16.840.1.101.3.4.1.2": 16,
    "2.16.840.1.101.3.4.1.22": 24,
    "2.16.840.1.101.3.4.1.42": 32,
}
_PKCS12_ARC, _PBES2 = "1.2.840.113549.1.12.1.", "1.2.840.113549.1.5.13"
_PBKDF2, _SCRYPT = "1.2.840.113549.1.5.12", "1.3.6.1.4.1.11591.4.11"


def decrypt(algorithm: Tlv, data: bytes, password: Password, work: Work) -> bytes:
    """Return the plain text of a password-encrypted part of a key file.

    Raises:
        KeyStoreError: wrong password, or a scheme that we do not have (its OID is named).
        LimitError: more work than allowed; nothing was computed.
        InputError: malformed.
    """
    oid, parameters = algorithm_of(algorithm)
    if oid in _registered:
        return bytes(_registered[oid](parameters, data, password, work))
    if oid == _PBES2:
        return _pbes2(parameters, data, password, work)
    scheme = _PKCS12_SCHEMES.get(oid.removeprefix(_PKCS12_ARC)) if _PKCS12_ARC in oid else None
    if scheme is None and oid not in _PBES1_SCHEMES:
        raise unsupported("encryption", oid)
    parts = _sequence(parameters)
    if len(parts) != 2:
        raise InputError("malformed encryption parameters", code="keys.malformed")
    salt = parts[0].expect(OCTET_STRING, "salt").contents
    iterations = work.iterations(decode_integer(parts[1].expect(INTEGER).contents))
    if scheme is not None:
        cipher, size, iv_size = scheme
        key = pkcs12_kdf("sha1", password.bmp, salt, iterations, 1, size)
        iv = pkcs12_kdf("sha1", password.bmp, salt, iterations, 2, iv_size) if iv_size else b""
        return _plain(cipher, key, iv, data, work)
    digest, cipher = _PBES1_SCHEMES[oid]
    material = password.utf8 + salt
    for _ in range(iterations):
        material = hashlib.new(digest, material, usedforsecurity=False).digest()
    return _plain(cipher, material[:8], material[8:16], data, work)


def _pbes2(parameters: Tlv | None, data: bytes, password: Password, work: Work) -> bytes:
    parts = _sequence(parameters)
    if len(parts) != 2:
        raise InputError("malformed PBES2 parameters", code="keys.malformed")
    scheme, scheme_parameters = algorithm_of(parts[1])
    cipher, size, iv, bits = _pbes2_cipher(scheme, scheme_parameters)
    kdf, kdf_parameters = algorithm_of(parts[0])
    if kdf == _PBKDF2:
        digest, salt, iterations, length = pbkdf2_parameters(kdf_parameters, work)
        if cipher == "RC2" and length is not None and 1 <= length <= 128:
            size = length
        key = hashlib.pbkdf2_hmac(digest, password.utf8, salt, iterations, size)
    elif kdf == _SCRYPT:
        key = _scrypt(kdf_parameters, password.utf8, size, work)
    else:
        raise unsupported("key derivation", kdf)
    return _plain(cipher, key, iv, data, work, bits)


def _pbes2_cipher(oid: str, parameters: Tlv | None) -> tuple[str, int, bytes, int | None]:
    """Return cipher, octets of key, IV and effective bits (RC2 only)."""
    if parameters is None:
        raise InputError("a cipher without its parameters", code="keys.malformed")
    if oid == "1.2.840.113549.3.2":
        items = _sequence(parameters)
        version = decode_integer(items[0].contents) if len(items) == 2 else 58
        bits = {160: 40, 120: 64, 58: 128}.get(version, version if version >= 256 else 128)
        if bits > 1024:
            raise InputError("impossible RC2 parameters", code="keys.malformed")
        iv = items[-1].expect(OCTET_STRING, "IV").contents if items else b""
        return "RC2", bits // 8, _iv(iv, 8), bits
    names = {oid: ("AES", size, 16) for oid, size in _AES.items()}
    names["1.2.840.113549.3.7"] = ("3DES", 24, 8)
    names["1.3.14.3.2.7"] = ("DES", 8, 8)
    if oid not in names:
        raise unsupported("encryption", oid)
    cipher, size, iv_size = names[oid]
    return cipher, size, _iv(parameters.expect(OCTET_STRING, "IV").contents, iv_size), None


def _iv(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise InputError("an IV of the wrong length", code="keys.malformed")
    return value


def _plain(
    cipher: str, key: bytes, iv: bytes, data: bytes, work: Work, bits: int | None = None
) -> bytes:
    """Decrypt and take off the padding; a padding that does not fit is a wrong password."""
    # The two ciphers written out in Python cost as much as some rounds of a digest each.
    if cipher == "RC4":
        work.iterations(len(data) or 1)
        return rc4(key, data)
    block = 16 if cipher == "AES" else 8
    if not data or len(data) % block:
        raise InputError("encrypted data of a wrong length", code="keys.malformed")
    if cipher == "RC2":
        work.iterations(12 * len(data))
        plain = rc2_cbc_decrypt(key, iv, data, bits)
    else:
        plain = _native(cipher, key, iv, data)
    count = plain[-1]
    if not 1 <= count <= block or plain[-count:] != bytes((count,)) * count:
        raise wrong_password()
    return plain[:-count]


def _native(cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    algorithm: Any
    if cipher == "AES":
        algorithm = algorithms.AES(key)
    else:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

        # One key three times is single DES; two keys are the first again at the end.
        algorithm = TripleDES({8: key * 3, 16: key + key[:8], 24: key}[len(key)])
    try:
        decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
        plain: bytes = decryptor.update(data) + decryptor.finalize()
        return plain
    except UnsupportedAlgorithm as error:
        raise KeyStoreError(
            f"this machine's cryptographic library refuses {cipher}",
            code="keys.unsupported-encryption",
        ) from error
