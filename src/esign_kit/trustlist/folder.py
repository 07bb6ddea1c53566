"""Where lists are kept: a file for each address, replaced in one step, by one process at a time."""

from __future__ import annotations

import contextlib
import os
import tempfile
from hashlib import sha256
from typing import TYPE_CHECKING

from esign_kit.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Folder"]

_LOCK = ".lock"
_PART = ".part"


class Folder:
    """Files by address.

    Args:
        path: made when something is written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)

    def _file(self, url: str) -> str:
        return os.path.join(self._path, sha256(url.encode("utf-8")).hexdigest()[:40] + ".xml")

    def read(self, url: str) -> bytes | None:
        """Return what is kept for an address; ``None`` if nothing can be read."""
        try:
            with open(self._file(url), "rb") as stream:
                return stream.read()
        except OSError:
            return None

    def put(
        self, url: str, data: bytes, seen: bytes | None, allow: Callable[[bytes], None]
    ) -> None:
        """Put a file in place in one step: a reader sees the old one or the new one.

        Args:
            url: the address.
            data: what is to stand there.
            seen: what stood there when ``data`` was judged.
            allow: asked about what stands there now, if another process has changed it since;
                raises if ``data`` may not replace it.

        Raises:
            EvidenceError: ``trustlist.folder``: it cannot be written; or what ``allow`` raises.
        """
        try:
            os.makedirs(self._path, exist_ok=True)
            with self._alone():
                present = self.read(url)
                if present == data:
                    return
                if present is not None and present != seen:
                    allow(present)
                self._sweep()
                self._replace(url, data)
        except OSError as error:
            raise EvidenceError(
                f"the list cannot be kept: {error.strerror or error}", code="trustlist.folder"
            ) from error

    def _replace(self, url: str, data: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(_PART, "list-", self._path)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self._file(url))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def _sweep(self) -> None:
        """Remove what a process left that was killed while it wrote; nobody else writes now."""
        for name in os.listdir(self._path):
            if name.startswith("list-") and name.endswith(_PART):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self._path, name))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from comparing and replacing at the same time."""
        try:
            import fcntl
        except ImportError:
            # No such locks here: of two at once the later one stays, each of them good.
            yield
            return
        descriptor = os.open(os.path.join(self._path, _LOCK), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
