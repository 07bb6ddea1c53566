"""Java key stores, JKS and JCEKS (extra ``[jks]``).

pyjks reads the container; what it recovers is handed on like any PKCS#8 key. The format's own
protection is weak (JKS: SHA-1 and XOR) or old (JCEKS: MD5 and 3DES), so nothing is written in it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Self

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import InputError, KeyStoreError, LimitError
from esign_kit.keys.ciphers import Work
from esign_kit.keys.store import CertificateIndex, FileStore, KeyEntry, load_entry, read_octets
from esign_kit.model.limits import Limits

if TYPE_CHECKING:
    import os

__all__ = ["JavaKeyStore"]

_MAGIC = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_JCEKS_PBE = "1.3.6.1.4.1.42.2.19.1"


class JavaKeyStore(FileStore):
    """The private keys of a Java key store; secret keys and trusted certificates are passed over.

    A store whose keys have a password of their own needs that in ``key_password``.
    """

    _kind = "Java key store"

    @classmethod
    def open(
        cls,
        source: bytes | str | os.PathLike[str],
        *,
        password: str | None = None,
        key_password: str | None = None,
        limits: Limits | None = None,
    ) -> Self:
        """Open a store and load its keys.

        Args:
            source: path or octets.
            password: of the store.
            key_password: of the keys, where it is another.
            limits: ``key_file_size`` and ``kdf_iterations`` apply.

        Raises:
            KeyStoreError: by ``code``: ``keys.no-jks`` (the extra is not installed),
                ``keys.not-jks``, ``keys.wrong-password``, ``keys.password-needed``,
                ``keys.no-key``, ``keys.unsupported-key``.
            LimitError: larger, or more work, than allowed.
        """
        store = cls.look(source, password=password, key_password=key_password, limits=limits)
        if not any(e.key is not None or e.code == "keys.no-certificate" for e in store.entries):
            raise store._nothing_usable()
        return store

    @classmethod
    def look(
        cls,
        source: bytes | str | os.PathLike[str],
        *,
        password: str | None = None,
        key_password: str | None = None,
        limits: Limits | None = None,
    ) -> Self:
        """Open for a look: as :meth:`open`, but a store without a usable key is no error."""
        limits = limits or Limits()
        data = read_octets(source, limits, "key store")
        if data[:4] not in _MAGIC:
            raise KeyStoreError("not a Java key store", code="keys.not-jks")
        _weigh(data, limits)
        if password is None:
            raise KeyStoreError(
                "this key store is protected by a password", code="keys.password-needed"
            )
        if not _is_genuine(data, password):
            raise KeyStoreError(
                "the password is wrong, or the file is damaged", code="keys.wrong-password"
            )
        store = _read(data, password)
        entries, certificates = _entries(store, key_password or password, Work(limits))
        return cls(entries, certificates)


def _weigh(data: bytes, limits: Limits) -> None:
    """Compare the iteration counts of JCEKS entries with the limit before a backend does them."""
    from esign_kit.asn1.reader import decode_integer, encode_oid, read

    marker = encode_oid(_JCEKS_PBE)
    position = data.find(marker)
    while position >= 0:
        try:
            parameters = read(data, position + len(marker)).items()
            count = decode_integer(parameters[1].contents) if len(parameters) > 1 else 0
        except InputError:
            count = 0
        if count > limits.kdf_iterations:
            raise LimitError(
                "the key store asks for more rounds of key derivation than allowed",
                code="keys.over-limit",
                hint=f"the limit is kdf_iterations = {limits.kdf_iterations}",
            )
        position = data.find(marker, position + 1)


def _is_genuine(data: bytes, password: str) -> bool:
    """Compare the digest at the end, so that a backend sees only what the password vouches for."""
    hasher = hashlib.sha1(usedforsecurity=False)
    hasher.update(password.encode("utf-16-be", "surrogatepass"))
    hasher.update(b"Mighty Aphrodite")
    hasher.update(data[:-20])
    return hmac.compare_digest(hasher.digest(), data[-20:])


def _read(data: bytes, password: str) -> Any:
    try:
        import jks
    except ImportError:
        raise KeyStoreError(
            "reading Java key stores needs an extra that is not installed",
            code="keys.no-jks",
            hint="pip install 'esign-kit[jks]', or convert: keytool -importkeystore "
            "-deststoretype PKCS12",
        ) from None
    try:
        return jks.KeyStore.loads(data, password, try_decrypt_keys=False)
    except Exception as error:
        # pyjks raises whatever struct, pyasn1 or javaobj raise on broken input.
        raise KeyStoreError(
            f"not a readable Java key store ({type(error).__name__})", code="keys.not-jks"
        ) from None


def _entries(store: Any, password: str, work: Work) -> tuple[list[KeyEntry], list[Certificate]]:
    certificates: list[Certificate] = []
    entries: list[KeyEntry] = []
    for alias, item in sorted(store.private_keys.items()):
        try:
            own = [Certificate.load(bytes(der)) for _, der in item.cert_chain]
        except InputError as error:
            problem = f"a certificate in it cannot be read: {error.detail}"
            entries.append(KeyEntry(None, None, "", str(alias), problem, "keys.certificate"))
            continue
        certificates += [found for found in own if found not in certificates]
        try:
            if not item.is_decrypted():
                item.decrypt(password)
            pkcs8 = bytes(item.pkey_pkcs8)
        except Exception:
            entries.append(
                KeyEntry(
                    None,
                    own[0] if own else None,
                    "",
                    str(alias),
                    "this key has a password of its own",
                    "keys.wrong-password",
                )
            )
            continue
        entries.append(
            load_entry(
                pkcs8, CertificateIndex(own), work, name=str(alias), hint=own[0] if own else None
            )
        )
    return entries, certificates
