"""The ZIP file: written so that the same contents give the same octets, read as hostile input."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from esign_kit.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read", "write"]

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}(/[0-9A-Za-z][0-9A-Za-z._-]{0,80}){0,2}", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ENTRIES = 2048
_TOTAL = 512 * 1024 * 1024


def write(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP of the files in the given order: stored, without times or other attributes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    """Return the files of a bundle by name.

    Names are keys and never paths. Only what :func:`write` makes is read: stored entries, plain
    names, each once, headers that agree, nothing before, between or behind.

    Raises:
        InputError: no ZIP, or one that says two things.
        LimitError: too many files or octets.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _ENTRIES:
                raise LimitError(f"a bundle of {len(entries)} files", code="bundle.over-limit")
            if sum(entry.file_size for entry in entries) > _TOTAL:
                raise LimitError("a bundle of more than 512 MiB", code="bundle.over-limit")
            files: dict[str, bytes] = {}
            for entry in entries:
                _check(entry, files)
                files[entry.filename] = archive.read(entry)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        OverflowError,
        OSError,
        IndexError,
    ) as error:
        ours = data[:4] == b"PK\x03\x04" and data[30:43] == b"manifest.json"
        what = "an evidence bundle that is damaged" if ours else "no evidence bundle"
        raise InputError(f"this is {what}", code="bundle.malformed") from error
    if write(files) != data:
        # One archive, one reading: whatever else the octets could mean to another program is shut
        # out by demanding exactly the octets that we would write.
        raise InputError(
            "this archive was not written as an evidence bundle, or was changed since",
            code="bundle.malformed",
        )
    return files


def _check(entry: zipfile.ZipInfo, files: Mapping[str, bytes]) -> None:
    if entry.filename in files or not _NAME.fullmatch(entry.filename):
        raise InputError("a bundle with a name that may not be there", code="bundle.name")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise InputError("no evidence bundle: its files are compressed", code="bundle.malformed")
