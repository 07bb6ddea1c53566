"""A ZIP archive whose names and sizes are looked at before anything is unpacked (APPNOTE 6.3)."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

from esign_kit.errors import InputError, LimitError, UnsupportedError

if TYPE_CHECKING:
    from esign_kit.model.limits import Limits

__all__ = ["is_archive", "read_archive"]

_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_archive(data: bytes) -> bool:
    """Tell whether the octets begin as a ZIP archive does."""
    return data[:4] == _MAGIC


def read_archive(data: bytes, limits: Limits) -> dict[str, bytes]:
    """Return the files of an archive by name; folders are left out.

    Raises:
        InputError: no archive, one name twice, a name that leads out of it, or damaged.
        LimitError: more files or more octets than the limits allow, by what the directory states
            and by what unpacking gives.
        UnsupportedError: encrypted, or packed by a method other than stored and deflate.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            _check(members, limits)
            found: dict[str, bytes] = {}
            left = limits.signature_size
            for member in members:
                if member.is_dir():
                    continue
                with archive.open(member) as stream:
                    octets = stream.read(left + 1)
                left -= len(octets)
                if left < 0:
                    raise LimitError("the container unpacks to more than limits.signature_size")
                found[member.filename] = octets
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError) as error:
        raise InputError(f"damaged ZIP archive: {error}", code="container.damaged") from error
    except (NotImplementedError, RuntimeError) as error:
        raise UnsupportedError(f"ZIP archive: {error}", code="container.unsupported") from error


def _check(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > 4 * limits.manifest_entries:
        raise LimitError(f"{len(members)} files in one container", code="limits.manifest-entries")
    if sum(member.file_size for member in members) > limits.signature_size:
        raise LimitError("the container states more than limits.signature_size")
    names: set[str] = set()
    for member in members:
        name = member.filename
        if name in names:
            raise InputError(
                "one name stands twice in the container: nobody knows which file was meant",
                code="container.duplicate-name",
            )
        names.add(name)
        parts = name.replace("\\", "/").split("/")
        if name.startswith("/") or ".." in parts or "\x00" in member.orig_filename:
            raise InputError("a name leads out of the container", code="container.name")
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise UnsupportedError(
                "encrypted or packed by an unknown method", code="container.unsupported"
            )
