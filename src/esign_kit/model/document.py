"""Documents and what a signature covers of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.errors import InputError
from esign_kit.model.quick import lazy, quick

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

__all__ = ["Coverage", "Digest", "Document", "Scope"]

_BLOCK = 1024 * 1024
_OF_HASHLIB = type(hashlib.sha256())


def _table_name(digest: str) -> str:
    """Return how the table of algorithms spells a SHA-2, SHA-3 or SHA-1 digest."""
    spelled = digest.upper().replace("_", "-")
    if not spelled.startswith("SHA"):
        return digest
    return "SHA" + spelled.removeprefix("SHA-").removeprefix("SHA")


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest value and the name of its algorithm in ``esign_kit.algorithms`` (``"SHA256"``)."""

    algorithm: str
    value: bytes

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; the value as lower-case hex."""
        return {"algorithm": self.algorithm, "value": self.value.hex()}


class Document:
    """Something that is or will be signed: octets, a file that is read in blocks, or digests only.

    Args:
        data: the octets.
        name: the name by which a signature may refer to it (a URI or a file name).
        media_type: for example ``"application/json"``.
    """

    __slots__ = ("_data", "_digests", "_part", "_path", "media_type", "name")

    def __init__(self, data: bytes, name: str | None = None, media_type: str | None = None) -> None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"a Document holds octets, not {type(data).__name__}")
        self._data: bytes | None = bytes(data)
        self._part: tuple[bytes, int, int] | None = None
        self._path: str | None = None
        self._digests: dict[str, bytes] = {}
        self.name = name
        self.media_type = media_type

    @classmethod
    def from_path(
        cls,
        path: str | os.PathLike[str],
        name: str | None = None,
        media_type: str | None = None,
    ) -> Document:
        """A document in a file; it is read when needed, in blocks where only a digest is needed.

        Raises:
            InputError: the file does not exist or cannot be read.
        """
        import os

        filename = os.fspath(path)
        if not os.path.isfile(filename):
            what = "a folder, not a file" if os.path.isdir(filename) else "no such file"
            raise InputError(f"{what}: {filename}", code="input.no-such-file")
        document = cls(b"", name if name is not None else os.path.basename(filename), media_type)
        document._data = None
        document._path = filename
        return document

    @classmethod
    def from_digests(cls, digests: Mapping[str, bytes], name: str | None = None) -> Document:
        """A document that stays elsewhere; only its digests are known.

        Args:
            digests: digest values by algorithm name, for example ``{"SHA256": b"…"}``; the
                spellings of ``hashlib`` and of NIST (``sha256``, ``SHA-256``) are read too.
            name: as in the constructor.

        Raises:
            InputError: no digest at all.
        """
        if not digests:
            raise InputError("a document without octets needs at least one digest")
        document = cls(b"", name)
        document._data = None
        document._digests = {_table_name(key): bytes(value) for key, value in digests.items()}
        return document

    @classmethod
    def within(cls, data: bytes, start: int, stop: int) -> Document:
        """A document that stands inside other octets; it is copied only when they are asked for."""
        document = cls(b"")
        document._data = None
        document._part = (data, start, stop)
        return document

    @property
    def has_octets(self) -> bool:
        """False for a document of which only digests are known."""
        return self._data is not None or self._part is not None or self._path is not None

    @property
    def is_file(self) -> bool:
        """True for a document that is read from a file when it is needed."""
        return self._path is not None

    @property
    def path(self) -> str | None:
        """The file that holds the document, if it is one."""
        return self._path

    @property
    def size(self) -> int | None:
        """The size in octets, or ``None`` where only digests are known."""
        if self._data is not None:
            return len(self._data)
        if self._part is not None:
            return self._part[2] - self._part[1]
        if self._path is not None:
            import os

            return os.path.getsize(self._path)
        return None

    @property
    def digests(self) -> Mapping[str, bytes]:
        """The digests that were given or have been computed, by algorithm name."""
        return dict(self._digests)

    def octets(self) -> bytes:
        """Return the octets.

        Raises:
            InputError: only digests are known, or the file cannot be read.
        """
        if self._data is None and self._part is not None:
            data, start, stop = self._part
            self._data = data[start:stop]
        if self._data is not None:
            return self._data
        if self._path is not None:
            try:
                with open(self._path, "rb") as stream:
                    return stream.read()
            except OSError as error:
                raise InputError(f"cannot read {self._path}: {error.strerror}") from error
        raise InputError(
            "only a digest of this document is known", code="input.digest-only-document"
        )

    def blocks(self, size: int = _BLOCK) -> Iterator[bytes]:
        """Yield the octets in blocks of at most ``size``; a file is never read whole."""
        if self._path is None:
            yield self.octets()
            return
        try:
            with open(self._path, "rb") as stream:
                while block := stream.read(size):
                    yield block
        except OSError as error:
            raise InputError(f"cannot read {self._path}: {error.strerror}") from error

    def digest(self, algorithm: str) -> bytes:
        """Return the digest by an algorithm of the table; a computed one is kept.

        Raises:
            InputError: only other digests of this document are known.
        """
        known = self._digests.get(algorithm)
        if known is not None:
            return known
        if not self.has_octets:
            raise InputError(
                f"only {', '.join(self._digests)} of this document is known, not {algorithm}",
                code="input.digest-only-document",
            )
        from esign_kit.algorithms import digest_algorithm

        hasher = digest_algorithm(algorithm).new()
        part = self._part
        if part is not None and isinstance(hasher, _OF_HASHLIB):
            # Without a copy, which costs a fifth of the hash; other hashers promise only bytes.
            hasher.update(memoryview(part[0])[part[1] : part[2]])
        else:
            for block in self.blocks():
                hasher.update(block)
        value: bytes = hasher.digest()
        if self._path is None:
            # A file may change between two calls, octets in memory cannot.
            self._digests[algorithm] = value
        return value

    def __repr__(self) -> str:
        what = self._path or (f"{self.size} octets" if self.has_octets else "digests")
        return f"Document({what}, name={self.name!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Document):
            return NotImplemented
        if self._in_memory and other._in_memory:
            return self.octets() == other.octets() and self.name == other.name
        return self._path == other._path and self._digests == other._digests

    def __hash__(self) -> int:
        octets = self.octets() if self._in_memory else b""
        return hash((self.name, self._path, hashlib.sha256(octets).digest()))

    @property
    def _in_memory(self) -> bool:
        return self._data is not None or self._part is not None


class Coverage(StrEnum):
    """How much of the thing that a reader sees a reference covers."""

    FULL = "FULL"
    """The whole document: all octets of a detached or enveloped one, less the signature itself."""
    PARTIAL = "PARTIAL"
    """A part of the document, or the document after a transform that takes something out of it."""
    OBJECT = "OBJECT"
    """An object carried inside the signature (enveloping)."""
    DIGEST = "DIGEST"
    """A document of which the caller handed over only a digest."""
    MANIFEST = "MANIFEST"
    """A manifest; the files that it lists are scopes of their own."""
    SIGNATURE = "SIGNATURE"
    """Another signature (counter-signature)."""
    NONE = "NONE"
    """Nothing was found or nothing matched."""


@quick
@lazy("octets")
@dataclass(frozen=True, slots=True)
class Scope:
    """What one reference of a signature covers: exactly these octets, and where they came from.

    Attributes:
        name: the document's name or the reference's URI; empty if it has none.
        coverage: how much of the document that is.
        octets: the octets that the signature covers, as they went into the digest; ``None`` where
            only a digest was at hand or the document is a file (see ``document``).
        digest: the digest that the signature states.
        document: the caller's document, for a detached one.
        transforms: names of what was applied between document and octets.
        description: for people.
    """

    name: str
    coverage: Coverage
    octets: bytes | None = None
    digest: Digest | None = None
    document: Document | None = None
    transforms: tuple[str, ...] = ()
    description: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; of the octets only their number."""
        return {
            "name": self.name,
            "coverage": str(self.coverage),
            "size": len(self.octets) if self.octets is not None else None,
            "digest": self.digest.to_dict() if self.digest else None,
            "transforms": list(self.transforms),
            "description": self.description,
        }
