"""Where things stand in a signed XML file: inside the signature, around it, beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.model.signature import Packaging, ReferenceKind, SignedReference
from esign_kit.xades import names
from esign_kit.xmldsig import names as ds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.xmldsig import Element, Target

__all__ = [
    "holds_only_properties",
    "is_within",
    "manifest_of",
    "missing_value",
    "packaging_of",
    "signed_child",
]

_ORDER = (
    Packaging.ENVELOPED,
    Packaging.ENVELOPING,
    Packaging.INTERNALLY_DETACHED,
    Packaging.DETACHED,
)


def is_within(element: Element, around: Element) -> bool:
    """Return whether one element stands inside another."""
    while element is not None:
        element = element.getparent()
        if element is around:
            return True
    return False


def packaging_of(
    signature: Element, kinds: Sequence[ReferenceKind], targets: Sequence[Target | None]
) -> Packaging | None:
    """Return where the signed data are, seen from the signature."""
    found = {
        _packaging(signature, kind, target)
        for kind, target in zip(kinds, targets, strict=True)
        if kind in (ReferenceKind.DATA, ReferenceKind.MANIFEST) and target is not None
    }
    return next((packaging for packaging in _ORDER if packaging in found), None)


def _packaging(signature: Element, kind: ReferenceKind, target: Target) -> Packaging | None:
    if target.place == "external":
        return Packaging.DETACHED
    if target.place == "whole":
        return Packaging.ENVELOPED
    element = target.element
    if element is None:
        return None
    if kind is ReferenceKind.MANIFEST:
        manifest = manifest_of(element)
        uris = [] if manifest is None else [entry.get("URI") for entry in manifest]
        outside = any(not (uri or "").startswith("#") for uri in uris)
        return Packaging.DETACHED if outside else Packaging.ENVELOPING
    if is_within(element, signature):
        return Packaging.ENVELOPING
    if is_within(signature, element):
        return Packaging.ENVELOPED
    return Packaging.INTERNALLY_DETACHED


def missing_value() -> SignedReference:
    """Return the reference that a counter-signature should have and has not."""
    return SignedReference(
        id="countersigned",
        kind=ReferenceKind.COUNTERSIGNED,
        digest_algorithm="SHA256",
        digest_value=b"",
        resolve=tuple,
    )


def holds_only_properties(element: Element) -> bool:
    """Return whether it is, or is an Object with nothing but, ds:SignatureProperties."""
    if element.tag == ds.SIGNATURE_PROPERTIES:
        return True
    if element.tag != ds.OBJECT or (element.text or "").strip():
        return False
    children = list(element.iterchildren("*"))
    return bool(children) and all(
        child.tag.rpartition("}")[2] == "SignatureProperties" or child.tag in names.QUALIFYING
        for child in children
    )


def manifest_of(element: Element) -> Element | None:
    """Return the ds:Manifest that the element is, or holds as its only child."""
    if element.tag == ds.MANIFEST:
        return element
    children = list(element.iterchildren("*"))
    if len(children) == 1 and children[0].tag == ds.MANIFEST:
        return children[0]
    return None


def signed_child(holder: Element) -> Element | None:
    """Return the first SignedProperties of a QualifyingProperties."""
    for child in holder.iterchildren("*"):
        if child.tag in names.SIGNED_PROPERTIES:
            return child
    return None
