"""Open a key file whatever it is: the kind is told by its first octets, never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.asn1.reader import INTEGER, SEQUENCE, decode_integer, read, to_definite
from esign_kit.errors import InputError, KeyStoreError
from esign_kit.keys.store import FileStore, read_octets
from esign_kit.model.limits import Limits

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = ["kind_of", "look", "open_keys"]

_NEEDED = ("keys.password-needed", "keys.wrong-password")


def kind_of(data: bytes) -> str:
    """Return ``pkcs12``, ``key`` (PEM or DER private keys), ``jks`` or ``""``."""
    if data[:4] in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
        return "jks"
    if b"-----BEGIN " in data[:65536]:
        return "key"
    if data[:1] != b"\x30":
        return ""
    try:
        outer = read(to_definite(data)[0])
        first = next(iter(outer), None)
    except InputError:
        return "pkcs12"
    if first is None:
        return ""
    if first.tag == INTEGER and decode_integer(first.contents) == 3:
        return "pkcs12"
    return "key" if first.tag in (INTEGER, SEQUENCE) else ""


def open_keys(
    source: bytes | str | os.PathLike[str],
    *,
    password: str | Callable[[], str] | None = None,
    certificate: Any = None,
    limits: Limits | None = None,
) -> FileStore:
    """Open a key file of any kind.

    Args:
        source: path or octets.
        password: the password, or something that asks for it; it is called once, and only if the
            file does not open without.
        certificate: for files that hold bare keys.
        limits: as in :meth:`Pkcs12.open`.

    Raises:
        KeyStoreError: as ``open`` of the kind that it is; ``keys.unknown-kind`` if it is none.
        LimitError: more work, memory or size than allowed.
    """
    return _with("open", source, password, certificate, limits)


def look(
    source: bytes | str | os.PathLike[str],
    *,
    password: str | Callable[[], str] | None = None,
    certificate: Any = None,
    limits: Limits | None = None,
) -> FileStore:
    """Open for a look: as :func:`open_keys`, but a file without a usable key is no error."""
    return _with("look", source, password, certificate, limits)


def _with(
    how: str,
    source: bytes | str | os.PathLike[str],
    password: str | Callable[[], str] | None,
    certificate: Any,
    limits: Limits | None,
) -> FileStore:
    limits = limits or Limits()
    data = read_octets(source, limits)
    opener = _opener(kind_of(data), how, certificate)
    if not callable(password):
        return opener(data, password=password, limits=limits)
    try:
        return opener(data, password=None, limits=limits)
    except KeyStoreError as error:
        if error.code not in _NEEDED:
            raise
    return opener(data, password=password(), limits=limits)


def _opener(kind: str, how: str, certificate: Any) -> Callable[..., FileStore]:
    if kind == "pkcs12":
        from esign_kit.keys.pkcs12 import Pkcs12

        return Pkcs12.open if how == "open" else Pkcs12.look
    if kind == "key":
        from functools import partial

        from esign_kit.keys.files import KeyFile

        return partial(KeyFile.open if how == "open" else KeyFile.look, certificate=certificate)
    if kind == "jks":
        from esign_kit.keys.jks import JavaKeyStore

        return JavaKeyStore.open if how == "open" else JavaKeyStore.look
    raise KeyStoreError(
        "this is no key file that can be read",
        code="keys.unknown-kind",
        hint="known are PKCS#12 (.p12, .pfx), PEM, PKCS#8 in DER, and Java key stores",
    )
