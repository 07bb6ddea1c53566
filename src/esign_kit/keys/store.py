"""What all key stores in files have in common: a list of entries, and finding the one that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import InputError, KeyStoreError, UnsupportedError
from esign_kit.keys.held import HeldKey
from esign_kit.keys.purpose import purpose_of
from esign_kit.model.signature import Purpose

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from esign_kit.crypto import PrivateKey, PublicKey
    from esign_kit.keys.ciphers import Work
    from esign_kit.model.limits import Limits

__all__ = ["CertificateIndex", "FileStore", "KeyEntry", "load_entry", "read_octets"]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One private key of a store, usable or not.

    Attributes:
        key: the key with its certificate; ``None`` if it cannot be used.
        certificate: the certificate that belongs to it, if there is one.
        algorithm: OID of the key algorithm.
        name: what the store calls it; display only.
        problem: why it cannot be used; empty if it can.
        code: stable code of that reason.
    """

    key: HeldKey | None
    certificate: Certificate | None
    algorithm: str
    name: str = ""
    problem: str = ""
    code: str = ""

    @property
    def purpose(self) -> Purpose | None:
        """What it is for; ``None`` without a certificate."""
        return purpose_of(self.certificate) if self.certificate is not None else None

    @property
    def description(self) -> str:
        """One line: subject, purpose, validity, serial number."""
        if self.certificate is None:
            return self.problem
        found = self.certificate
        return (
            f"{found.label} ({self.purpose}, until {found.not_after_time:%Y-%m-%d}, "
            f"serial {found.serial:x})"
        )


class FileStore:
    """Keys that came out of a file; use it as a context manager.

    Attributes:
        entries: every private key of the file, usable or not.
        certificates: every certificate of the file.
    """

    _kind = "key file"

    def __init__(self, entries: Sequence[KeyEntry], certificates: Sequence[Certificate]) -> None:
        self.entries = tuple(entries)
        self.certificates = tuple(certificates)
        self._closed = False

    def keys(self) -> Iterator[HeldKey]:
        """Yield the keys that can sign, in the order of the file.

        Raises:
            KeyStoreError: the store is closed.
        """
        if self._closed:
            raise KeyStoreError(f"this {self._kind} is closed", code="keys.closed")
        return iter([entry.key for entry in self.entries if entry.key is not None])

    def find(
        self,
        *,
        purpose: Purpose | None = None,
        subject: str | None = None,
        serial: int | None = None,
        certificate: Certificate | bytes | None = None,
        at: datetime | None = None,
    ) -> HeldKey:
        """Return the one key that fits all that is asked.

        Args:
            purpose: with ``SIGNING`` an authentication key is never returned; a key whose
                certificate restricts nothing fits every purpose.
            subject: the whole value of an attribute of the subject (a name, an identifier with or
                without its prefix of letters), without regard to case.
            serial: serial number of the certificate.
            certificate: the certificate itself.
            at: leave out keys whose certificate was not valid at this time.

        Raises:
            KeyStoreError: none or several fit; the hint lists what is there by subject and
                purpose.
        """
        der = certificate.der if isinstance(certificate, Certificate) else certificate
        usable = list(self.keys())
        found = [
            key
            for key in usable
            if (purpose is None or purpose is Purpose.ANY or _serves(key, purpose))
            and (subject is None or _named(key.view, subject))
            and (serial is None or key.view.serial == serial)
            and (der is None or key.certificate_der == der)
            and (at is None or key.view.not_before_time <= at <= key.view.not_after_time)
        ]
        if len(found) == 1:
            return found[0]
        listing = "; ".join(entry.description for entry in self.entries)
        if found:
            raise KeyStoreError(
                f"{len(found)} keys of this {self._kind} fit; say which",
                code="keys.ambiguous",
                hint=f"choose by subject or serial: {listing}",
            )
        if not usable:
            raise self._nothing_usable()
        asked = f"for {purpose} " if purpose is not None else ""
        raise KeyStoreError(
            f"no key {asked}that fits in this {self._kind}",
            code="keys.no-such-key",
            hint=f"it holds: {listing}",
        )

    def _nothing_usable(self) -> KeyStoreError:
        for entry in self.entries:
            return KeyStoreError(entry.problem, code=entry.code)
        return KeyStoreError(f"there is no private key in this {self._kind}", code="keys.no-key")

    def close(self) -> None:
        """Forget the keys. Python cannot wipe memory; it is freed."""
        self.entries = ()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        what = "closed" if self._closed else "; ".join(e.description for e in self.entries)
        return f"<{self._kind}: {what}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key store is not pickled; open it again where it is needed")


def _serves(key: HeldKey, purpose: Purpose) -> bool:
    own = key.purpose
    return own is purpose or own is Purpose.ANY


def _named(certificate: Certificate, subject: str) -> bool:
    wanted = subject.strip().casefold()
    if not wanted:
        return False
    for attribute in certificate.subject_attributes:
        if attribute.value is None:
            continue
        value = attribute.value.strip().casefold()
        if wanted in (value, value.lstrip("abcdefghijklmnopqrstuvwxyz-")):
            return True
    return wanted == certificate.subject_text.casefold()


def load_entry(
    pkcs8: bytes,
    index: CertificateIndex,
    work: Work,
    *,
    name: str = "",
    hint: Certificate | None = None,
) -> KeyEntry:
    """Load one private key and put the certificate to it that fits.

    What fits is decided by the public key alone; ``hint`` (the certificate with the same
    localKeyID) only names the holder of a key that cannot be loaded.
    """
    from esign_kit import crypto

    algorithm = key_algorithm(pkcs8)
    work.key(rsa_bits(pkcs8))
    try:
        private = crypto.load_private_key(pkcs8)
    except UnsupportedError:
        return KeyEntry(
            None,
            hint,
            algorithm,
            name,
            f"key algorithm {algorithm} is not supported",
            "keys.unsupported-key",
        )
    except InputError as error:
        return KeyEntry(None, hint, algorithm, name, error.detail, "keys.malformed-key")
    own = index.fitting(private)
    if own is None:
        return KeyEntry(
            None,
            None,
            algorithm,
            name,
            "no certificate fits this private key",
            "keys.no-certificate",
        )
    return KeyEntry(
        HeldKey(private, own, chain_of(own, index.certificates), name=name), own, algorithm, name
    )


class CertificateIndex:
    """The certificates of one file by their public keys."""

    def __init__(self, certificates: Sequence[Certificate]) -> None:
        self.certificates = tuple(certificates)
        self._by_spki: dict[bytes, list[Certificate]] = {}
        for item in self.certificates:
            self._by_spki.setdefault(item.spki, []).append(item)
        self._by_numbers: dict[object, list[Certificate]] | None = None

    def fitting(self, private: PrivateKey) -> Certificate | None:
        """Return the certificate over this key; of renewed ones the latest is meant."""
        own = private.public_key
        found = self._by_spki.get(own.spki)
        if found is None:
            # The same key may be written in another way (compressed point, explicit parameters).
            numbers = _numbers(own)
            found = self._numbered().get(numbers, []) if numbers is not None else []
        return max(found, key=lambda item: item.not_after, default=None)

    def _numbered(self) -> dict[object, list[Certificate]]:
        from esign_kit import crypto

        if self._by_numbers is None:
            self._by_numbers = {}
            for spki, items in self._by_spki.items():
                try:
                    numbers = _numbers(crypto.load_public_key(spki))
                except InputError:
                    continue
                self._by_numbers.setdefault(numbers, []).extend(items)
        return self._by_numbers


def _numbers(key: PublicKey) -> object:
    numbers = getattr(key.native, "public_numbers", None)
    return (key.type, numbers()) if callable(numbers) else None


def chain_of(leaf: Certificate, certificates: Sequence[Certificate]) -> tuple[bytes, ...]:
    """Return the issuers of ``leaf`` among ``certificates``, nearest first, without a root."""
    chain: list[bytes] = []
    current = leaf
    while len(chain) < 16 and not current.self_issued:
        above = [
            item
            for item in certificates
            if item.subject == current.issuer and item.der not in chain and item != leaf
        ]
        wanted = _key_identifier(current)
        above = [i for i in above if wanted is None or _own_identifier(i) in (None, wanted)]
        if not above or above[0].self_issued:
            break
        current = above[0]
        chain.append(current.der)
    return tuple(chain)


def _key_identifier(certificate: Certificate) -> bytes | None:
    try:
        return certificate.authority_key_identifier
    except InputError:
        return None


def _own_identifier(certificate: Certificate) -> bytes | None:
    try:
        return certificate.subject_key_identifier
    except InputError:
        return None


def rsa_bits(key: bytes) -> int:
    """Return the length of an RSA key in PKCS#8 or PKCS#1; 0 for anything else.

    OpenSSL tests the primes of what it loads, which takes a minute at 16384 bits.
    """
    from esign_kit.asn1.reader import INTEGER, OCTET_STRING, SEQUENCE, read, read_all

    try:
        parts = read_all(key, "private key").expect(SEQUENCE).items()
        if key_algorithm(key):
            inner = parts[2].expect(OCTET_STRING)
            parts = read(inner.data, inner.start, inner.stop).expect(SEQUENCE).items()
        if len(parts) < 9:
            return 0
        # The primes count, not the modulus that is claimed beside them.
        sizes = [
            int.from_bytes(part.expect(INTEGER).contents, "big").bit_length() for part in parts[1:9]
        ]
        return max(sizes[0], 2 * sizes[3], 2 * sizes[4])
    except (InputError, IndexError):
        return 0


def key_algorithm(pkcs8: bytes) -> str:
    """Return the OID of the key algorithm of a PKCS#8 structure; empty if it is another one."""
    from esign_kit.asn1.reader import OID, SEQUENCE, decode_oid, read_all

    try:
        parts = read_all(pkcs8, "private key").expect(SEQUENCE).items()
        if len(parts) >= 2 and parts[1].tag == SEQUENCE:
            return decode_oid(parts[1].items()[0].expect(OID).contents)
    except (InputError, IndexError):
        pass
    return ""


def read_octets(
    source: bytes | str | os.PathLike[str], limits: Limits, what: str = "key file"
) -> bytes:
    """Return the octets of a key file that is given as octets or as a path.

    Raises:
        KeyStoreError: no such file, or it cannot be read.
        LimitError: larger than ``limits.key_file_size``.
    """
    from esign_kit.errors import LimitError

    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    else:
        try:
            with open(source, "rb") as stream:
                data = stream.read(limits.key_file_size + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no such path"
            raise KeyStoreError(
                f"cannot read the {what}: {reason}", code="keys.no-such-file"
            ) from error
    if len(data) > limits.key_file_size:
        raise LimitError(
            f"the {what} is larger than {limits.key_file_size} octets", code="keys.over-limit"
        )
    return data
