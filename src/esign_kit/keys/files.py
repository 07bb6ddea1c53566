"""Private keys in PEM and DER files: PKCS#8 and its encrypted form, SEC 1, PKCS#1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from esign_kit.asn1.certificate import Certificate, load_certificates
from esign_kit.asn1.reader import INTEGER, OCTET_STRING, SEQUENCE
from esign_kit.errors import InputError, KeyStoreError, LimitError
from esign_kit.keys.ciphers import Password, Work, bounded, decrypt, wrong_password
from esign_kit.keys.store import CertificateIndex, FileStore, load_entry, read_octets
from esign_kit.model.limits import Limits

if TYPE_CHECKING:
    import os

__all__ = ["KeyFile"]

_PLAIN = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE")


class KeyFile(FileStore):
    """The private keys of a PEM or DER file, with certificates from it or from beside it."""

    _kind = "key file"

    @classmethod
    def open(
        cls,
        source: bytes | str | os.PathLike[str],
        *,
        certificate: Any = None,
        password: str | bytes | None = None,
        limits: Limits | None = None,
    ) -> Self:
        """Open a file and load what is in it.

        Args:
            source: path or octets. PEM may hold keys and certificates in any order; DER is one
                PKCS#8 key, encrypted or not.
            certificate: the key's certificate (DER, PEM, a path, an object), with its issuers if
                there are several; certificates in the file itself are found without it.
            password: for an encrypted key.
            limits: ``kdf_iterations``, ``kdf_memory`` and ``key_file_size`` apply.

        A key without a certificate is no error here, but :meth:`find` cannot return it.

        Raises:
            KeyStoreError: by ``code``: ``keys.wrong-password``, ``keys.password-needed``,
                ``keys.not-a-key``, ``keys.no-key``, ``keys.unsupported-key``,
                ``keys.unsupported-encryption``, ``keys.no-such-file``.
            LimitError: it asks for more work, memory or size than allowed; nothing was computed.
        """
        store = cls.look(source, certificate=certificate, password=password, limits=limits)
        codes = [entry.code for entry in store.entries]
        if not codes or all(c not in ("", "keys.no-certificate") for c in codes):
            raise store._nothing_usable()
        return store

    @classmethod
    def look(
        cls,
        source: bytes | str | os.PathLike[str],
        *,
        certificate: Any = None,
        password: str | bytes | None = None,
        limits: Limits | None = None,
    ) -> Self:
        """Open a file for a look: as :meth:`open`, but a file without a usable key is no error."""
        limits = limits or Limits()
        data = read_octets(source, limits)
        work = Work(limits)
        given = _given(certificate, limits)
        try:
            keys, found = _read(data, password, work)
        except (KeyStoreError, LimitError):
            raise
        except InputError as error:
            raise KeyStoreError(
                f"not a key file: {error.detail}", code="keys.not-a-key", hint=_looks(data)
            ) from error
        certificates = [*given, *(item for item in found if item not in given)]
        index = CertificateIndex(certificates)
        return cls([load_entry(key, index, work) for key in keys], certificates)


def _given(certificate: Any, limits: Limits) -> tuple[Certificate, ...]:
    """Read the certificates that were handed in beside the key."""
    if certificate is None:
        return ()
    if isinstance(certificate, Certificate):
        return (certificate,)
    if hasattr(certificate, "public_bytes"):
        from cryptography.hazmat.primitives.serialization import Encoding

        return (Certificate.load(certificate.public_bytes(Encoding.DER)),)
    return load_certificates(read_octets(certificate, limits, "certificate"))


def _looks(data: bytes) -> str:
    if data[:1] == b"\x30" and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" in data[:64]:
        return "this is a PKCS#12 file: open it with Pkcs12"
    return "the file is empty" if not data else ""


def _read(
    data: bytes, password: str | bytes | None, work: Work
) -> tuple[list[bytes], list[Certificate]]:
    if b"-----BEGIN " not in data:
        return [_private_key(data, password, work)], []
    keys: list[bytes] = []
    certificates: list[Certificate] = []
    for label, headers, body in _pem(data):
        if label in _CERTIFICATES:
            certificates.append(Certificate.load(body))
        elif label == "ENCRYPTED PRIVATE KEY" or (label in _PLAIN and not headers):
            keys.append(_private_key(body, password, work))
        elif label in _PLAIN:
            # OpenSSL's own encryption has one round of MD5 for a key derivation: no protection.
            raise KeyStoreError(
                "this PEM file is encrypted in the old way of OpenSSL",
                code="keys.unsupported-encryption",
                hint="convert it: openssl pkcs8 -topk8 -in OLD -out NEW",
            )
    return keys, certificates


def _pem(data: bytes) -> list[tuple[str, bytes, bytes]]:
    """Return (label, headers, octets) of every block; a broken one spoils the file.

    Raises:
        InputError: a block without an end, or with something else than base64 in it.
    """
    from binascii import Error, a2b_base64

    found = []
    # Offsets into one object: slicing off the rest for each block would cost quadratic time.
    position = 0
    while (begin := data.find(b"-----BEGIN ", position)) >= 0:
        start = data.find(b"-----", begin + 11, begin + 200)
        label = data[begin + 11 : start] if start >= 0 else b""
        closing = b"-----END " + label + b"-----"
        end = data.find(b"-----", start + 5) if start >= 0 else -1
        if end < 0 or not data.startswith(closing, end):
            raise InputError("a PEM block without its end", code="input.pem")
        body = data[start + 5 : end]
        position = end + len(closing)
        headers, body = _split_headers(body)
        try:
            octets = a2b_base64(b"".join(body.split()), strict_mode=True)
        except Error as error:
            raise InputError("a PEM block with broken base64", code="input.pem") from error
        found.append((label.decode("latin-1"), headers, octets))
    return found


def _split_headers(body: bytes) -> tuple[bytes, bytes]:
    if b":" not in body:
        return b"", body
    normal = body.replace(b"\r\n", b"\n").lstrip(b"\n")
    headers, _, rest = normal.partition(b"\n\n")
    return headers, rest


def _private_key(data: bytes, password: str | bytes | None, work: Work) -> bytes:
    """Return an unencrypted private key structure.

    Raises:
        KeyStoreError: a password is needed or wrong.
        InputError: no private key.
    """
    outer = bounded(data).expect(SEQUENCE, "private key")
    parts = outer.items()
    if len(parts) == 2 and parts[0].tag == SEQUENCE and parts[1].tag == OCTET_STRING:
        return _encrypted(parts[0], parts[1].contents, password, work)
    if len(parts) < 3 or parts[0].tag != INTEGER:
        raise InputError("it has another structure", code="keys.malformed")
    if parts[1].tag == SEQUENCE:
        return outer.raw
    if parts[1].tag in (OCTET_STRING, INTEGER):
        # SEC 1 and PKCS#1; the backend reads both.
        return outer.raw
    raise InputError("it has another structure", code="keys.malformed")


def _encrypted(algorithm: Any, data: bytes, password: str | bytes | None, work: Work) -> bytes:
    if password is None:
        raise KeyStoreError("this key is protected by a password", code="keys.password-needed")
    # All schemes of bare keys but one take UTF-8; that one is rare enough for a single spelling.
    plain = decrypt(algorithm, data, Password.spellings(password)[0], work)
    try:
        found = bounded(plain).expect(SEQUENCE)
        tags = [item.tag for item in found.items()[:3]]
    except InputError:
        tags = []
    # A padding that fits by accident leaves nonsense under it, and a stream cipher has no padding:
    # what is not OneAsymmetricKey (RFC 5958 § 2) was opened with another password.
    if tags != [INTEGER, SEQUENCE, OCTET_STRING]:
        raise wrong_password()
    return found.raw
