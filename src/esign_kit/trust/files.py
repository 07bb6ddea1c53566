"""Trust stores from files: folder, PEM bundle, DER, PKCS#7, PKCS#12, Java keystore.

A Java keystore of the old kinds (JKS, JCEKS) needs the extra ``[jks]``; today's kind is PKCS#12.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate, from_block, load_certificates
from esign_kit.asn1.pem import PKCS7_LABELS, blocks
from esign_kit.asn1.reader import OID, SEQUENCE, decode_oid, is_definite, read, to_definite
from esign_kit.errors import InputError, KeyStoreError, LimitError
from esign_kit.trust.store import TrustAnchor, TrustStore

if TYPE_CHECKING:
    import os

    from esign_kit.errors import EsignError

__all__ = ["load", "read_certificates"]

SUFFIXES = frozenset({".crt", ".cer", ".der", ".pem", ".p7b", ".p7c", ".jks"})
_MOST = 64 * 1024 * 1024
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_PUBLISHED = "changeit"
"""The password of a Java trust store that nobody has changed; it protects nothing."""


def load(path: str | os.PathLike[str], password: str | None = None) -> TrustStore:
    """Read a trust store; see :meth:`TrustStore.from_path`.

    Raises:
        InputError: no such file, or one that cannot be read.
    """
    place = Path(path)
    if not place.is_dir():
        note = str(place)
        return TrustStore([TrustAnchor(c, note=note) for c in _file(place, password)])
    # One certificate in several files (a name and its hash, say) is one anchor.
    anchors: dict[Certificate, TrustAnchor] = {}
    for file in _files(place):
        for certificate in _file(file, password):
            anchors.setdefault(certificate, TrustAnchor(certificate, note=str(file)))
    helpers = place / "intermediates"
    intermediates = [
        c for file in (_files(helpers) if helpers.is_dir() else ()) for c in _file(file, password)
    ]
    return TrustStore(anchors.values(), intermediates)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(
            item
            for item in folder.iterdir()
            if item.suffix.lower() in SUFFIXES and item.is_file() and not item.name.startswith(".")
        )
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}") from error


def _file(path: Path, password: str | None) -> tuple[Certificate, ...]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MOST:
        raise LimitError(f"{path} is larger than {_MOST} octets")
    try:
        return read_certificates(data, password)
    except InputError as error:
        raise type(error)(f"{path}: {error.detail}", code=error.code, hint=error.hint) from error


def read_certificates(data: bytes, password: str | None = None) -> tuple[Certificate, ...]:
    """Read certificates from DER, PEM, base64, PKCS#7, PKCS#12 or a Java keystore.

    Args:
        data: the file.
        password: of a PKCS#12 trust store; none, and the one that Java uses unasked, are tried.

    Raises:
        InputError: nothing of the kind; ``input.pkcs12``: a PKCS#12 file that holds a key or that
            the password does not open.
    """
    if data[:4] in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
        return _keystore(data)
    if _is_pkcs12(data):
        return _pkcs12(data, password)
    if data[:1] == b"\x30":
        found = _pkcs7(data)
        return found if found is not None else _certificate(data)
    if any(b"-----BEGIN " + label + b"-----" in data for label in PKCS7_LABELS):
        return _bundle(data)
    return load_certificates(data)


def _certificate(data: bytes) -> tuple[Certificate, ...]:
    """One certificate in DER; a revocation list, which is often taken for one, is told apart."""
    try:
        return load_certificates(data)
    except InputError:
        from esign_kit.asn1.revocation import classify

        if classify(data) != "crl":
            raise
        raise InputError(
            "a revocation list and no certificate",
            code="certificate.none",
            hint="lists are evidence: evidence=[…]",
        ) from None


def _is_pkcs12(data: bytes) -> bool:
    """PFX (RFC 7292 § 4): version 3, then a ContentInfo."""
    try:
        if not is_definite(data):
            data, _ = to_definite(data)
        parts = read(data).items()
        return len(parts) >= 2 and parts[0].raw == b"\x02\x01\x03" and parts[1].tag == SEQUENCE
    except InputError:
        return False


def _pkcs12(data: bytes, password: str | None) -> tuple[Certificate, ...]:
    """A trust store in PKCS#12: certificates without a key, as Java keeps them since version 9."""
    from esign_kit.keys.pkcs12 import Pkcs12

    problem: EsignError | None = None
    for attempt in (None, _PUBLISHED) if password is None else (password,):
        try:
            store = Pkcs12.look(data, password=attempt)
        except KeyStoreError as error:
            problem = error
            continue
        if store.entries:
            raise InputError(
                "a PKCS#12 file with a private key, which has no place in a trust store",
                code="input.pkcs12",
                hint="export its certificates: openssl pkcs12 -in FILE -nokeys -out anchors.pem",
            )
        if not store.certificates:
            raise InputError("a PKCS#12 file without certificates", code="certificate.none")
        return tuple(dict.fromkeys(store.certificates))
    raise InputError(
        f"a PKCS#12 file that does not open: {problem.detail if problem else ''}",
        code="input.pkcs12",
        hint="export its certificates: openssl pkcs12 -in FILE -nokeys -out anchors.pem",
    ) from problem


def _bundle(data: bytes) -> tuple[Certificate, ...]:
    """Read a PEM bundle with bags of certificates in it, beside single ones."""
    found: list[Certificate] = []
    for label, der in blocks(data):
        if label in PKCS7_LABELS:
            found += _pkcs7(der) or ()
        elif (single := from_block(label, der)) is not None:
            found.append(single)
    return tuple(found)


def _pkcs7(data: bytes) -> tuple[Certificate, ...] | None:
    """The certificates of a SignedData (RFC 5652 § 5.1); ``None`` if it is none."""
    try:
        if not is_definite(data):
            data, _ = to_definite(data)
        outer = read(data)
        parts = outer.items()
        if len(parts) != 2 or parts[0].tag != OID or parts[1].tag != 0xA0:
            return None
        if decode_oid(parts[0].contents) != _SIGNED_DATA:
            raise InputError("a CMS that carries no certificates", code="certificate.none")
        fields = read(data, parts[1].start, parts[1].stop).expect(SEQUENCE, "SignedData")
    except InputError:
        if data[:1] != b"\x30" or not is_definite(data):
            raise
        return None
    found = tuple(
        Certificate.load(item.raw)
        for field in fields
        if field.tag == 0xA0
        for item in field
        if item.tag == SEQUENCE
    )
    if not found:
        raise InputError("a CMS that carries no certificates", code="certificate.none")
    return found


def _keystore(data: bytes) -> tuple[Certificate, ...]:
    try:
        import jks
    except ImportError as error:
        raise InputError(
            "a Java keystore needs the extra [jks]",
            code="input.extra-missing",
            hint="pip install 'esign-kit[jks]', or export it with keytool as PEM",
        ) from error
    try:
        # Certificates are not encrypted; without a password only the integrity goes unchecked.
        store = jks.KeyStore.loads(data, None)
        found = [entry.cert for entry in store.certs.values()]
    except Exception as error:
        raise InputError(f"a Java keystore that cannot be read: {error}") from error
    if not found:
        raise InputError("a Java keystore without trusted certificates", code="certificate.none")
    return tuple(Certificate.load(der) for der in found)
