"""PKCS#12 key files of every kind (RFC 7292, RFC 9579), BER or DER, read by ourselves.

The outer structure and every count in it are read before anything is computed; the MAC is checked
first, so that a wrong password is told from everything else that can be wrong with a file.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, NamedTuple, Self

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import (
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    Tlv,
    decode_integer,
    decode_oid,
    to_definite,
)
from esign_kit.errors import InputError, KeyStoreError, LimitError
from esign_kit.keys.ciphers import (
    Password,
    Work,
    algorithm_of,
    bounded,
    decrypt,
    hash_name,
    hmac_name,
    pbkdf2_parameters,
    pkcs12_kdf,
    unsupported,
    wrong_password,
)
from esign_kit.keys.store import CertificateIndex, FileStore, load_entry, read_octets
from esign_kit.model.limits import Limits

if TYPE_CHECKING:
    import os

__all__ = ["Pkcs12"]

_DATA, _SIGNED, _ENVELOPED, _ENCRYPTED = (
    "1.2.840.113549.1.7.1",
    "1.2.840.113549.1.7.2",
    "1.2.840.113549.1.7.3",
    "1.2.840.113549.1.7.6",
)
_BAG = "1.2.840.113549.1.12.10.1."
_X509, _FRIENDLY_NAME, _LOCAL_KEY_ID = (
    "1.2.840.113549.1.9.22.1",
    "1.2.840.113549.1.9.20",
    "1.2.840.113549.1.9.21",
)
_PBMAC1, _PBKDF2 = "1.2.840.113549.1.5.14", "1.2.840.113549.1.5.12"
_MAX_BAGS = 4096
_MAX_NESTING = 8


class Pkcs12(FileStore):
    """The keys and certificates of a PKCS#12 file."""

    _kind = "PKCS#12 file"

    @classmethod
    def open(
        cls,
        source: bytes | str | os.PathLike[str],
        *,
        password: str | bytes | None = None,
        limits: Limits | None = None,
    ) -> Self:
        """Open a file and load what is in it.

        Args:
            source: path or octets.
            password: text (or its UTF-8 octets); ``None`` and ``""`` both try the two ways in
                which an empty password is written.
            limits: ``kdf_iterations``, ``kdf_memory`` and ``key_file_size`` apply.

        Raises:
            KeyStoreError: by ``code``: ``keys.wrong-password``, ``keys.password-needed``,
                ``keys.not-pkcs12``, ``keys.no-key``, ``keys.unsupported-key`` (a key algorithm,
                its OID is named), ``keys.unsupported-encryption``, ``keys.no-such-file``.
            LimitError: it asks for more work, memory or size than allowed; nothing was computed.
        """
        store = cls.look(source, password=password, limits=limits)
        if not any(entry.key is not None for entry in store.entries) and not any(
            entry.code == "keys.no-certificate" for entry in store.entries
        ):
            raise store._nothing_usable()
        return store

    @classmethod
    def look(
        cls,
        source: bytes | str | os.PathLike[str],
        *,
        password: str | bytes | None = None,
        limits: Limits | None = None,
    ) -> Self:
        """Open a file for a look: as :meth:`open`, but a file without a usable key is no error."""
        limits = limits or Limits()
        data = read_octets(source, limits)
        work = Work(limits)
        try:
            bags = _read(data, password, work)
        except KeyStoreError as error:
            if error.code == "keys.wrong-password" and not password:
                raise KeyStoreError(
                    "this file is protected by a password", code="keys.password-needed"
                ) from None
            raise
        except LimitError:
            raise
        except InputError as error:
            raise KeyStoreError(
                f"not a PKCS#12 file: {error.detail}", code="keys.not-pkcs12", hint=_looks(data)
            ) from error
        certificates = [bag.certificate for bag in bags if bag.certificate is not None]
        by_id = {bag.key_id: bag.certificate for bag in bags if bag.certificate and bag.key_id}
        index = CertificateIndex(certificates)
        entries = [
            load_entry(bag.pkcs8, index, work, name=bag.name, hint=by_id.get(bag.key_id or b"\x00"))
            for bag in bags
            if bag.pkcs8 is not None
        ]
        return cls(entries, certificates)


def _looks(data: bytes) -> str:
    """Say what else it could be."""
    if b"-----BEGIN" in data[:4096]:
        return "this is a PEM file: open it with KeyFile"
    if data[:4] in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
        return "this is a Java key store: convert it with keytool -importkeystore"
    if not data:
        return "the file is empty"
    return ""


class _Bag(NamedTuple):
    """A key or a certificate as it stands in the file, decrypted."""

    pkcs8: bytes | None
    certificate: Certificate | None
    key_id: bytes | None
    name: str

    def __repr__(self) -> str:
        return "<bag>"


class _Mac(NamedTuple):
    """What a password is checked against."""

    algorithm: Tlv
    value: bytes
    salt: bytes
    iterations: int


def _read(data: bytes, password: str | bytes | None, work: Work) -> list[_Bag]:
    """Return the bags of a file; raises what :meth:`Pkcs12.open` does, and plain InputError."""
    content, mac = _outer(data)
    spellings = Password.spellings(password)
    if mac is not None:
        right = _check_mac(mac, content, spellings, work)
        if right is None:
            raise wrong_password()
        spellings = [right]
    safes = [_content_info(item) for item in bounded(content).expect(SEQUENCE)]
    for number, spelling in enumerate(spellings):
        try:
            bags: list[_Bag] = []
            for kind, value in safes:
                plain = _safe(kind, value, spelling, work)
                _collect(bounded(plain).expect(SEQUENCE), spelling, work, bags, 0)
            return bags
        except KeyStoreError as error:
            if error.code != "keys.wrong-password" or number + 1 == len(spellings):
                raise
        except InputError as error:
            # Without a MAC a wrong password shows as nonsense where it does not as a bad padding.
            nonsense = error.code.startswith(("asn1.", "certificate."))
            if mac is None and nonsense and any(kind == _ENCRYPTED for kind, _ in safes):
                if number + 1 < len(spellings):
                    continue
                raise wrong_password() from None
            raise
    raise wrong_password()


def _outer(data: bytes) -> tuple[bytes, _Mac | None]:
    """Return the octets under the MAC, and the MAC if there is one."""
    parts = bounded(data).expect(SEQUENCE, "PFX").items()
    if len(parts) not in (2, 3) or parts[0].tag != INTEGER:
        raise InputError("it has another structure", code="keys.malformed")
    if decode_integer(parts[0].contents) != 3:
        raise InputError("it has a version other than 3", code="keys.malformed")
    kind, value = _content_info(parts[1])
    if kind == _SIGNED:
        raise KeyStoreError(
            "this PKCS#12 file is protected by a signature in place of a password",
            code="keys.unsupported-encryption",
        )
    if kind != _DATA:
        raise InputError("its content is of an unknown kind", code="keys.malformed")
    content = value.expect(OCTET_STRING, "content").contents
    return content, _mac(parts[2]) if len(parts) == 3 else None


def _content_info(item: Tlv) -> tuple[str, Tlv]:
    parts = item.expect(SEQUENCE, "ContentInfo").items()
    if len(parts) != 2 or parts[1].tag != 0xA0:
        raise InputError("malformed ContentInfo", code="keys.malformed")
    inner = parts[1].items()
    if len(inner) != 1:
        raise InputError("malformed ContentInfo", code="keys.malformed")
    return decode_oid(parts[0].expect(OID).contents), inner[0]


def _mac(item: Tlv) -> _Mac:
    parts = item.expect(SEQUENCE, "MacData").items()
    if len(parts) not in (2, 3):
        raise InputError("malformed MacData", code="keys.malformed")
    info = parts[0].expect(SEQUENCE, "DigestInfo").items()
    if len(info) != 2:
        raise InputError("malformed DigestInfo", code="keys.malformed")
    iterations = decode_integer(parts[2].expect(INTEGER).contents) if len(parts) == 3 else 1
    return _Mac(
        info[0],
        info[1].expect(OCTET_STRING, "MAC").contents,
        parts[1].expect(OCTET_STRING, "salt").contents,
        iterations,
    )


def _check_mac(mac: _Mac, content: bytes, spellings: list[Password], work: Work) -> Password | None:
    """Return the spelling of the password under which the MAC is right."""
    oid, parameters = algorithm_of(mac.algorithm)
    if oid == _PBMAC1:
        return _check_pbmac1(mac, parameters, content, spellings, work)
    digest = hash_name(oid)
    if digest is None:
        raise unsupported("MAC", oid)
    iterations = work.iterations(mac.iterations)
    size = hashlib.new(digest).digest_size
    for spelling in spellings:
        key = pkcs12_kdf(digest, spelling.bmp, mac.salt, iterations, 3, size)
        if hmac.compare_digest(hmac.digest(key, content, digest), mac.value):
            return spelling
    return None


def _check_pbmac1(
    mac: _Mac, parameters: Tlv | None, content: bytes, spellings: list[Password], work: Work
) -> Password | None:
    """RFC 9579: a MAC whose key comes from PBKDF2."""
    if parameters is None:
        raise InputError("malformed PBMAC1 parameters", code="keys.malformed")
    parts = parameters.expect(SEQUENCE).items()
    if len(parts) != 2:
        raise InputError("malformed PBMAC1 parameters", code="keys.malformed")
    kdf, kdf_parameters = algorithm_of(parts[0])
    scheme, _ = algorithm_of(parts[1])
    digest = hmac_name(scheme)
    if kdf != _PBKDF2 or digest is None:
        raise unsupported("MAC", kdf if kdf != _PBKDF2 else scheme)
    prf, salt, iterations, length = pbkdf2_parameters(kdf_parameters, work)
    if length is None or not 1 <= length <= 1024:
        # RFC 9579 § 5: the length must be stated.
        raise InputError("PBMAC1 without a key length", code="keys.malformed")
    for spelling in spellings[:1]:
        key = hashlib.pbkdf2_hmac(prf, spelling.utf8, salt, iterations, length)
        if hmac.compare_digest(hmac.digest(key, content, digest), mac.value):
            return spelling
    return None


def _safe(kind: str, value: Tlv, password: Password, work: Work) -> bytes:
    """Return the SafeContents of one part of the file, decrypted."""
    if kind == _DATA:
        return value.expect(OCTET_STRING, "content").contents
    if kind == _ENVELOPED:
        raise KeyStoreError(
            "a part of this PKCS#12 file is encrypted for a key in place of a password",
            code="keys.unsupported-encryption",
        )
    if kind != _ENCRYPTED:
        raise InputError("a part of an unknown kind", code="keys.malformed")
    parts = value.expect(SEQUENCE, "EncryptedData").items()
    info = parts[1].expect(SEQUENCE).items() if len(parts) >= 2 else []
    if len(info) != 3:
        raise InputError("malformed EncryptedData", code="keys.malformed")
    if info[2].tag == 0xA0:
        # BER: an implicitly tagged OCTET STRING in segments.
        cipher_text = b"".join(part.expect(OCTET_STRING).contents for part in info[2])
    else:
        cipher_text = info[2].expect(0x80, "encrypted content").contents
    return decrypt(info[1], cipher_text, password, work)


def _collect(contents: Tlv, password: Password, work: Work, bags: list[_Bag], depth: int) -> None:
    """Add the keys and certificates of a SafeContents to ``bags``."""
    if depth > _MAX_NESTING:
        raise LimitError("a PKCS#12 file nested too deeply", code="keys.over-limit")
    for item in contents:
        parts = item.expect(SEQUENCE, "SafeBag").items()
        if len(parts) not in (2, 3) or parts[1].tag != 0xA0:
            raise InputError("malformed SafeBag", code="keys.malformed")
        if len(bags) >= _MAX_BAGS:
            raise LimitError("too many entries in a PKCS#12 file", code="keys.over-limit")
        kind = decode_oid(parts[0].expect(OID).contents).removeprefix(_BAG)
        inner = parts[1].items()
        if len(inner) != 1:
            raise InputError("malformed SafeBag", code="keys.malformed")
        value = inner[0]
        name, key_id = _attributes(parts[2]) if len(parts) == 3 else ("", None)
        if kind == "1":
            bags.append(_Bag(value.raw, None, key_id, name))
        elif kind == "2":
            bags.append(_Bag(_shrouded(value, password, work), None, key_id, name))
        elif kind == "3":
            certificate = _certificate(value)
            if certificate is not None:
                bags.append(_Bag(None, certificate, key_id, name))
        elif kind == "6":
            _collect(value.expect(SEQUENCE), password, work, bags, depth + 1)


def _shrouded(value: Tlv, password: Password, work: Work) -> bytes:
    """EncryptedPrivateKeyInfo (RFC 5958 § 3)."""
    parts = value.expect(SEQUENCE, "EncryptedPrivateKeyInfo").items()
    if len(parts) != 2:
        raise InputError("malformed EncryptedPrivateKeyInfo", code="keys.malformed")
    plain = decrypt(
        parts[0], parts[1].expect(OCTET_STRING, "encrypted key").contents, password, work
    )
    try:
        return bounded(plain).expect(SEQUENCE, "private key").raw
    except InputError:
        # A padding can fit by accident (1 in 256); what is under it then is no structure.
        raise wrong_password() from None


def _certificate(value: Tlv) -> Certificate | None:
    parts = value.expect(SEQUENCE, "CertBag").items()
    if len(parts) != 2 or decode_oid(parts[0].expect(OID).contents) != _X509:
        return None
    inner = parts[1].items()
    if len(inner) != 1:
        raise InputError("malformed CertBag", code="keys.malformed")
    der, _ = to_definite(inner[0].expect(OCTET_STRING, "certificate").contents)
    return Certificate.load(der)


def _attributes(item: Tlv) -> tuple[str, bytes | None]:
    """Return friendlyName and localKeyID; attributes that are malformed are passed over."""
    name, key_id = "", None
    try:
        for attribute in item:
            parts = attribute.expect(SEQUENCE).items()
            values = parts[1].items() if len(parts) == 2 else []
            if not values:
                continue
            oid = decode_oid(parts[0].expect(OID).contents)
            if oid == _FRIENDLY_NAME:
                name = values[0].contents.decode("utf-16-be", "replace")
            elif oid == _LOCAL_KEY_ID:
                key_id = values[0].contents
    except InputError:
        pass
    return name, key_id
