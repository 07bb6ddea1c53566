"""What a signature format is asked to build, and what it hands back half-way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.model.document import Document
    from esign_kit.model.signature import Packaging

__all__ = ["BuildState", "SigningRequest"]


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """One signature to be built.

    Attributes:
        documents: what is signed; one for most packagings.
        certificate: DER of the signing certificate; it is fixed in a signed property.
        chain: DER of issuers to embed, nearest first, without the anchor.
        level: ``"B"``; higher levels are made by extending.
        signing_time: the claimed time, UTC; ``None`` leaves the property out.
        existing: a signed file to which this signature is added.
        options: what only one format knows, by name; an unknown name is an error.
    """

    documents: tuple[Document, ...]
    certificate: bytes
    algorithm: SignatureAlgorithm
    packaging: Packaging
    level: str = "B"
    chain: tuple[bytes, ...] = ()
    signing_time: datetime | None = None
    existing: bytes | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildState:
    """A signature that lacks only its value.

    Attributes:
        to_be_signed: the octets that the key signs.
        fields: all that :func:`assemble` needs, as str, int, bool, None, bytes, list and dict.
    """

    to_be_signed: bytes
    fields: Mapping[str, Any]
