"""What leaves the factory for other programs: PKCS#12, PEM, trust folders. Deterministic too."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from esign_kit.asn1.reader import (
    NULL,
    OCTET_STRING,
    SEQUENCE,
    SET,
    encode,
    encode_integer,
    encode_oid,
)
from esign_kit.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.testing.entity import Entity
    from esign_kit.testing.pki import FixturePKI

__all__ = ["pem", "pkcs12", "write_p12", "write_pem", "write_trust"]

SCHEMES = ("aes", "3des", "none")
_ARC = "1.2.840.113549.1."
_DATA, _ENCRYPTED = _ARC + "7.1", _ARC + "7.6"
_BAG = _ARC + "12.10.1."


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """Return PEM with lines of 64 characters (RFC 7468)."""
    from binascii import b2a_base64

    text = b2a_base64(der, newline=False)
    lines = b"\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label.encode(), lines, label.encode())


def pkcs12(
    holders: Entity | Sequence[Entity],
    password: str,
    *,
    scheme: str = "aes",
    iterations: int = 2048,
    include_chain: str = "chain",
    mac: str | None = None,
) -> bytes:
    """Return a PKCS#12 file with the keys of one or several holders.

    Args:
        holders: whose keys.
        password: may be empty, and of any script.
        scheme: ``aes`` (PBES2, AES-256, MAC with SHA-256), ``3des`` (the scheme of the nineties,
            MAC with SHA-1), ``none`` (nothing is encrypted).
        iterations: of every key derivation.
        include_chain: ``chain`` (issuing certificates), ``root`` (and the root), ``leaf``.
        mac: digest of the MAC; by scheme if absent; ``""`` leaves the MAC out.
    """
    if scheme not in SCHEMES:
        raise UnsupportedError(f"no scheme {scheme!r}", hint="there are " + ", ".join(SCHEMES))
    from esign_kit.testing.entity import Entity

    several = [holders] if isinstance(holders, Entity) else list(holders)
    seed = hashlib.sha256(b"".join(h.certificate.der for h in several) + scheme.encode()).digest()
    writer = _Writer(password, scheme, iterations, seed)
    keys, certificates = [], []
    extra: dict[bytes, None] = {}
    for holder in several:
        attributes = _attributes(holder)
        keys.append(writer.key_bag(holder.private_key.pkcs8, attributes))
        certificates.append(_certificate_bag(holder.certificate.der, attributes))
        if include_chain != "leaf":
            extra.update(dict.fromkeys(holder.chain_der))
        if include_chain == "root":
            extra[_root_of(holder)] = None
    certificates += [_certificate_bag(der, b"") for der in extra]
    safes = encode(
        SEQUENCE,
        writer.content(encode(SEQUENCE, *certificates)),
        _content_info(_DATA, encode(OCTET_STRING, encode(SEQUENCE, *keys))),
    )
    digest = mac if mac is not None else {"aes": "sha256", "3des": "sha1", "none": "sha1"}[scheme]
    return encode(
        SEQUENCE,
        encode_integer(3),
        _content_info(_DATA, encode(OCTET_STRING, safes)),
        writer.mac(digest, safes) if digest else b"",
    )


def _root_of(holder: Entity) -> bytes:
    authority = holder.issuer
    while authority.issuer is not None:
        authority = authority.issuer
    return authority.certificate.der


def _attributes(holder: Entity) -> bytes:
    """FriendlyName and localKeyID, as key stores write them."""
    name = encode(0x1E, holder.certificate.label.encode("utf-16-be"))
    key_id = encode(OCTET_STRING, holder.certificate.subject_key_identifier or b"\x01")
    rows = sorted(
        encode(SEQUENCE, encode_oid(oid) + encode(SET, value))
        for oid, value in ((_ARC + "9.20", name), (_ARC + "9.21", key_id))
    )
    return encode(SET, *rows)


def _content_info(oid: str, value: bytes) -> bytes:
    return encode(SEQUENCE, encode_oid(oid) + encode(0xA0, value))


def _certificate_bag(der: bytes, attributes: bytes) -> bytes:
    inner = encode_oid(_ARC + "9.22.1") + encode(0xA0, encode(OCTET_STRING, der))
    bag = encode(0xA0, encode(SEQUENCE, inner))
    return encode(SEQUENCE, encode_oid(_BAG + "3") + bag + attributes)


class _Writer:
    """Encrypts the parts of one file; salts and IVs follow from its seed."""

    def __init__(self, password: str, scheme: str, iterations: int, seed: bytes) -> None:
        self._utf8 = password.encode("utf-8")
        self._bmp = password.encode("utf-16-be") + b"\x00\x00"
        self._scheme = scheme
        self._iterations = iterations
        self._seed = seed
        self._drawn = 0

    def _draw(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(self._seed + bytes((self._drawn,))).digest(size)

    def key_bag(self, pkcs8: bytes, attributes: bytes) -> bytes:
        if self._scheme == "none":
            kind, value = "1", pkcs8
        else:
            algorithm, secret = self._encrypt(pkcs8)
            kind, value = "2", encode(SEQUENCE, algorithm + encode(OCTET_STRING, secret))
        return encode(SEQUENCE, encode_oid(_BAG + kind) + encode(0xA0, value) + attributes)

    def content(self, safe: bytes) -> bytes:
        if self._scheme == "none":
            return _content_info(_DATA, encode(OCTET_STRING, safe))
        algorithm, secret = self._encrypt(safe)
        info = encode(SEQUENCE, encode_oid(_DATA) + algorithm + encode(0x80, secret))
        return _content_info(_ENCRYPTED, encode(SEQUENCE, encode_integer(0) + info))

    def _encrypt(self, plain: bytes) -> tuple[bytes, bytes]:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        salt = self._draw(16)
        if self._scheme == "3des":
            from esign_kit.keys.ciphers import pkcs12_kdf

            key = pkcs12_kdf("sha1", self._bmp, salt, self._iterations, 1, 24)
            iv = pkcs12_kdf("sha1", self._bmp, salt, self._iterations, 2, 8)
            cipher = Cipher(TripleDES(key), modes.CBC(iv))
            parameters = encode(OCTET_STRING, salt) + encode_integer(self._iterations)
            algorithm = encode(SEQUENCE, encode_oid(_ARC + "12.1.3") + encode(SEQUENCE, parameters))
            block = 8
        else:
            key = hashlib.pbkdf2_hmac("sha256", self._utf8, salt, self._iterations, 32)
            iv = self._draw(16)
            cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
            prf = encode(SEQUENCE, encode_oid("1.2.840.113549.2.9") + encode(NULL, b""))
            kdf = encode(OCTET_STRING, salt) + encode_integer(self._iterations) + prf
            parameters = encode(
                SEQUENCE,
                encode(SEQUENCE, encode_oid(_ARC + "5.12") + encode(SEQUENCE, kdf)),
                encode(
                    SEQUENCE,
                    encode_oid("2.16.840.1.101.3.4.1.42") + encode(OCTET_STRING, iv),
                ),
            )
            algorithm = encode(SEQUENCE, encode_oid(_ARC + "5.13") + parameters)
            block = 16
        count = block - len(plain) % block
        encryptor = cipher.encryptor()
        secret = encryptor.update(plain + bytes((count,)) * count) + encryptor.finalize()
        return algorithm, secret

    def mac(self, digest: str, content: bytes) -> bytes:
        from esign_kit.algorithms import digest_algorithm
        from esign_kit.keys.ciphers import pkcs12_kdf

        salt = self._draw(16)
        size = hashlib.new(digest).digest_size
        key = pkcs12_kdf(digest, self._bmp, salt, self._iterations, 3, size)
        oid = digest_algorithm(digest.upper()).oid
        info = encode(SEQUENCE, encode_oid(oid) + encode(NULL, b""))
        value = encode(OCTET_STRING, hmac.digest(key, content, digest))
        return encode(
            SEQUENCE,
            encode(SEQUENCE, info + value),
            encode(OCTET_STRING, salt),
            # DER leaves a default out.
            encode_integer(self._iterations) if self._iterations != 1 else b"",
        )


# ── files ─────────────────────────────────────────────────────────────────────────────────────


def write(path: str | os.PathLike[str], data: bytes, mode: int = 0o644) -> None:
    """Write a file atomically."""
    target = os.fspath(path)
    temporary = f"{target}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    os.replace(temporary, target)


def write_p12(
    holder: Entity,
    path: str | os.PathLike[str],
    password: str,
    *,
    scheme: str = "aes",
    include_chain: str = "chain",
) -> None:
    """Write key and certificates of a holder as PKCS#12; see :func:`pkcs12`."""
    data = pkcs12(holder, password, scheme=scheme, include_chain=include_chain)
    write(path, data, 0o600)


def write_pem(holder: Entity, folder: str | os.PathLike[str]) -> None:
    """Write ``key.pem``, ``certificate.pem`` and ``chain.pem`` into a folder."""
    base = os.fspath(folder)
    os.makedirs(base, exist_ok=True)
    write(os.path.join(base, "key.pem"), pem(holder.private_key.pkcs8, "PRIVATE KEY"), 0o600)
    write(os.path.join(base, "certificate.pem"), pem(holder.certificate.der))
    chain = b"".join(pem(der) for der in (holder.certificate.der, *holder.chain_der))
    write(os.path.join(base, "chain.pem"), chain)


def write_trust(pki: FixturePKI, folder: str | os.PathLike[str]) -> None:
    """Write a trust folder: ``root.pem``, and the authorities below under ``intermediates``."""
    base = os.fspath(folder)
    below = os.path.join(base, "intermediates")
    os.makedirs(below, exist_ok=True)
    for slug, authority in pki.authorities.items():
        place = base if authority.issuer is None else below
        write(os.path.join(place, f"{slug}.pem"), pem(authority.certificate.der))
