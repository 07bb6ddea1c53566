"""Files, pipes and devices: how a verb reads what it was given and leaves what it made."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.model.document import Document

__all__ = ["atomic_write", "deliver", "document", "file_argument", "read_paths"]


def file_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``FILE``, which :func:`document` reads; ``-`` is standard input."""
    return click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))(
        function
    )


def document(path: str, media_type: str | None = None) -> Document:
    """Return the document at a path; ``-``, a pipe and a device are read to their end here.

    Raises:
        InputError: it cannot be read, or a stream is longer than a gigabyte.
    """
    from esign_kit.model.document import Document

    if path != "-" and (os.path.isfile(path) or not os.path.exists(path)):
        return Document.from_path(path, media_type=media_type)
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_LONGEST_STREAM + 1)
        else:
            with open(path, "rb") as stream:
                data = stream.read(_LONGEST_STREAM + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _LONGEST_STREAM:
        raise InputError(f"{path}: more than a gigabyte; write it to a file first")
    return Document(data, media_type=media_type)


_LONGEST_STREAM = 1 << 30


def read_paths(paths: tuple[str, ...]) -> list[bytes]:
    """Read files, and the files of folders, in a stable order."""
    found: list[bytes] = []
    for path in paths:
        names = (
            sorted(os.path.join(path, name) for name in os.listdir(path))
            if os.path.isdir(path)
            else [path]
        )
        for name in names:
            if os.path.isfile(name):
                try:
                    with open(name, "rb") as stream:
                        found.append(stream.read())
                except OSError as error:
                    raise InputError(f"cannot read {name}: {error.strerror}") from error
    return found


def deliver(path: str, data: bytes) -> None:
    """Write a result: ``-`` is standard output, pipes and devices get it as it comes.

    Raises:
        InputError: it cannot be written.
    """
    if path == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif os.path.exists(path) and not os.path.isfile(path):
        try:
            with open(path, "wb") as stream:
                stream.write(data)
        except OSError as error:
            raise InputError(
                f"cannot write {path}: {error.strerror}", code="output.write"
            ) from error
    else:
        atomic_write(path, data)


def atomic_write(path: str, data: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    import tempfile

    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".esign-")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", code="output.write") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except OSError as error:
        if os.path.exists(name):
            os.unlink(name)
        raise InputError(f"cannot write {path}: {error.strerror}", code="output.write") from error
