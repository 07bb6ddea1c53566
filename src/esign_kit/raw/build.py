"""Building a raw signature: the octets of the document are signed as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import InputError, UnsupportedError
from esign_kit.model.signature import Packaging
from esign_kit.model.signing import BuildState

if TYPE_CHECKING:
    from esign_kit.model.signing import SigningRequest

__all__ = ["assemble", "prepare"]


def prepare(request: SigningRequest) -> BuildState:
    """Return the document's octets as what is to be signed.

    Raises:
        UnsupportedError: another packaging than detached, or options (there are none).
        InputError: not exactly one document, or one of which only digests are known.
    """
    if request.packaging is not Packaging.DETACHED:
        raise UnsupportedError("a raw signature is always detached", code="signing.packaging")
    if request.options:
        raise UnsupportedError(
            f"a raw signature has no option {', '.join(request.options)}", code="signing.option"
        )
    if request.existing is not None:
        raise UnsupportedError("a raw signature holds one value only", code="signing.existing")
    if len(request.documents) != 1:
        raise InputError("a raw signature covers one document", code="signing.documents")
    return BuildState(request.documents[0].octets(), {})


def assemble(state: BuildState, signature_value: bytes) -> bytes:
    """Return the value itself."""
    return signature_value
