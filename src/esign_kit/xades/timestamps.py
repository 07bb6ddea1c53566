"""Time-stamps in XAdES properties and the octets that their imprints cover.

EN 319 132-1 § 5.2.8 and 5.3 to 5.5, TS 101 903 § 7 for the older forms. What is not computed here
answers ``None``, and then the time-stamp proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import InputError
from esign_kit.model.document import Document
from esign_kit.model.signature import Finding, ParsedTimestamp, ReferenceKind, TimestampKind
from esign_kit.xades import names
from esign_kit.xmldsig import (
    INCLUSIVE,
    Canonicalization,
    canonicalization,
    canonicalize,
    decode_base64,
    local_name,
    names as ds,
    namespace,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esign_kit.model.limits import Limits
    from esign_kit.model.signature import SignedReference
    from esign_kit.xades.properties import SignedProperties, UnsignedProperties
    from esign_kit.xmldsig import Element, SignatureElement, Target

__all__ = ["read_timestamps"]

_KINDS = {
    "AllDataObjectsTimeStamp": TimestampKind.CONTENT,
    "IndividualDataObjectsTimeStamp": TimestampKind.CONTENT,
    "SignatureTimeStamp": TimestampKind.SIGNATURE,
    "RefsOnlyTimeStamp": TimestampKind.REFERENCES,
    "RefsOnlyTimeStampV2": TimestampKind.REFERENCES,
    "SigAndRefsTimeStamp": TimestampKind.SIGNATURE_AND_REFERENCES,
    "SigAndRefsTimeStampV2": TimestampKind.SIGNATURE_AND_REFERENCES,
    "ArchiveTimeStamp": TimestampKind.ARCHIVE,
    "ArchiveTimeStampV2": TimestampKind.ARCHIVE,
}
_REFERENCES = (
    "CompleteCertificateRefs",
    "CompleteRevocationRefs",
    "AttributeCertificateRefs",
    "AttributeRevocationRefs",
)
_REFERENCES_V2 = (
    "CompleteCertificateRefsV2",
    "CompleteRevocationRefs",
    "AttributeCertificateRefsV2",
    "AttributeRevocationRefs",
)


class _Stamper:
    """What the imprints of one signature are made of."""

    def __init__(
        self,
        read: SignatureElement,
        references: Sequence[SignedReference],
        targets: Sequence[Target | None],
        kinds: Sequence[ReferenceKind],
        unsigned: UnsignedProperties | None,
    ) -> None:
        self.read = read
        self.references = references
        self.targets = targets
        self.kinds = kinds
        self.unsigned = unsigned


def read_timestamps(
    read: SignatureElement,
    references: Sequence[SignedReference],
    targets: Sequence[Target | None],
    kinds: Sequence[ReferenceKind],
    signed: SignedProperties | None,
    unsigned: UnsignedProperties | None,
    limits: Limits,
) -> tuple[tuple[ParsedTimestamp, ...], list[Finding]]:
    """Return all time-stamps of a signature, content time-stamps first, and what was wrong."""
    stamper = _Stamper(read, references, targets, kinds, unsigned)
    elements = [*(signed.timestamps if signed else ()), *(unsigned.timestamps if unsigned else ())]
    found: list[ParsedTimestamp] = []
    findings: list[Finding] = []
    for element in elements:
        name = local_name(element)
        tokens = [child for child in element.iterchildren("*") if _is_token(child)]
        if not tokens:
            findings.append(Finding("xades.timestamp", f"{name} holds no RFC 3161 token"))
        for child in tokens:
            if len(found) >= limits.timestamps:
                findings.append(
                    Finding(
                        "xades.too-many-timestamps",
                        "too many time-stamps",
                        fatal=True,
                        limited=True,
                    )
                )
                return tuple(found), findings
            try:
                token = decode_base64(value_text(child), name)
            except InputError as error:
                findings.append(Finding(error.code, f"{name}: {error.detail}"))
                continue
            found.append(
                ParsedTimestamp(
                    kind=_KINDS[name],
                    token=token,
                    imprint=_imprint(stamper, element),
                    source=name,
                )
            )
    return tuple(found), findings


def _is_token(child: Element) -> bool:
    return local_name(child) == "EncapsulatedTimeStamp"


def _imprint(stamper: _Stamper, element: Element) -> Callable[[], bytes | Document | None]:
    makers = {
        TimestampKind.SIGNATURE: _over_signature,
        TimestampKind.CONTENT: _over_content,
        TimestampKind.REFERENCES: _over_references,
        TimestampKind.SIGNATURE_AND_REFERENCES: _over_references,
        TimestampKind.ARCHIVE: _over_everything,
    }
    maker = makers[_KINDS[local_name(element)]]
    method = _method(element)

    def imprint() -> bytes | Document | None:
        if method is None:
            return None
        stamper.read.document.spend(0)
        octets = maker(stamper, element, method)
        if isinstance(octets, bytes):
            stamper.read.document.spend_on(octets)
        return octets

    return imprint


def _method(element: Element) -> Canonicalization | None:
    """Return the canonicalisation of a time-stamp; ``None`` if it is not one that we know."""
    for child in element.iterchildren("*"):
        name = local_name(child)
        if name == "CanonicalizationMethod":
            return canonicalization(child.get("Algorithm") or "", child)
        if name == "HashDataInfo":
            # TS 101 903 v1.1.1 and v1.2.2: transforms of each piece of data.
            for transform in child.iter(ds.TRANSFORM):
                return canonicalization(transform.get("Algorithm") or "", transform)
    return INCLUSIVE


def _over_signature(stamper: _Stamper, element: Element, method: Canonicalization) -> bytes | None:
    """EN 319 132-1 § 5.3: the ds:SignatureValue element."""
    value = stamper.read.value_element
    if value is None:
        return None
    own = value.get("Id")
    for child in element.iterchildren("*"):
        if local_name(child) in ("HashDataInfo", "Include"):
            uri = child.get("URI") or child.get("uri")
            if uri and uri != f"#{own}":
                return None
    return canonicalize(value, method)


def _over_content(
    stamper: _Stamper, element: Element, method: Canonicalization
) -> bytes | Document | None:
    """EN 319 132-1 § 5.2.8: the data that the references cover, one after the other."""
    if local_name(element) == "AllDataObjectsTimeStamp":
        chosen = [
            reference
            for reference, kind in zip(stamper.references, stamper.kinds, strict=False)
            if kind is not ReferenceKind.SIGNED_PROPERTIES
        ]
    else:
        known = {f"#{reference.id}": reference for reference in stamper.references}
        included = [
            child.get("URI") or child.get("uri") or ""
            for child in element.iterchildren("*")
            if local_name(child) in ("Include", "HashDataInfo")
        ]
        if not included or any(uri not in known for uri in included):
            return None
        chosen = [known[uri] for uri in included]
    return _joined(chosen)


def _joined(references: Sequence[SignedReference]) -> bytes | Document | None:
    parts: list[bytes] = []
    for reference in references:
        octets = _first(reference)
        if octets is None:
            return None
        if isinstance(octets, Document):
            if len(references) == 1:
                return octets
            if not octets.has_octets:
                return None
            octets = octets.octets()
        parts.append(octets)
    return b"".join(parts)


def _first(reference: SignedReference) -> bytes | Document | None:
    """Return the octets of a reference that match its digest; the first where none does."""
    first: bytes | Document | None = None
    for octets, _ in reference.resolve():
        if first is None:
            first = octets
        if reference.digest_algorithm is None:
            break
        document = octets if isinstance(octets, Document) else Document(octets)
        if document.digest(reference.digest_algorithm) == reference.digest_value:
            return octets
    return first


def _over_references(stamper: _Stamper, element: Element, method: Canonicalization) -> bytes | None:
    """The references, with or without value and signature time-stamps.

    EN 319 132-1 annex A.1.5 for the second version, TS 101 903 § 7.5 for the first: each covers the
    references of its own version.
    """
    unsigned, value = stamper.unsigned, stamper.read.value_element
    if unsigned is None or value is None:
        return None
    newer = local_name(element).endswith("V2")
    wanted: tuple[str, ...] = _REFERENCES_V2 if newer else _REFERENCES
    parts = []
    if "SigAndRefs" in local_name(element):
        wanted = ("SignatureTimeStamp", *wanted)
        parts.append(canonicalize(value, method))
    chosen = [item for item in _before(unsigned, element) if local_name(item) in wanted]
    if not newer:
        # Without V2 the order is fixed: time-stamps, certificates, revocation, attributes.
        chosen.sort(key=lambda item: wanted.index(local_name(item)))
    parts += [canonicalize(item, method) for item in chosen]
    return b"".join(parts)


def _before(unsigned: UnsignedProperties, element: Element) -> list[Element]:
    found = []
    for item in unsigned.elements:
        if item is element:
            break
        found.append(item)
    return found


def _over_everything(stamper: _Stamper, element: Element, method: Canonicalization) -> bytes | None:
    """EN 319 132-1 § 5.5.2.2: the not distributed case of the archive time-stamp."""
    read, unsigned = stamper.read, stamper.unsigned
    if unsigned is None or any(
        local_name(child) in ("Include", "HashDataInfo") for child in element.iterchildren("*")
    ):
        return None
    newer = namespace(element) == names.V141
    parts: list[bytes] = []
    covered: list[Element] = []
    for number, referred in enumerate(read.references):
        octets = _archived(stamper, number, method)
        if octets is None:
            return None
        parts.append(octets)
        target = stamper.targets[number]
        decoded = any(t.get("Algorithm") == ds.T_BASE64 for t in _steps(referred.transforms))
        if target is not None and target.element is not None and not (decoded and newer):
            # Since v1.4.1 an object of which only the decoded octets are covered comes again.
            covered.append(target.element)
    for item in (read.signed_info, read.value_element, read.key_info):
        if item is not None:
            parts.append(canonicalize(item, method))
    parts += [canonicalize(item, method) for item in _before(unsigned, element)]
    for held in read.objects:
        if any(child.tag in names.QUALIFYING for child in held.iterchildren("*")):
            continue
        if not any(held is known for known in covered):
            parts.append(canonicalize(held, method))
    return b"".join(parts)


def _archived(stamper: _Stamper, number: int, method: Canonicalization) -> bytes | None:
    """Return what one reference adds; a node-set is canonicalised as the time-stamp says."""
    reference, target = stamper.references[number], stamper.targets[number]
    transforms = stamper.read.references[number].transforms
    ends_in_nodes = transforms is None or _ends_in_nodes(transforms)
    if ends_in_nodes and target is not None and target.place == "element" and transforms is None:
        return canonicalize(target.element, method)
    octets = _first(reference)
    if isinstance(octets, Document):
        return octets.octets() if octets.has_octets else None
    return octets


def _steps(transforms: Element | None) -> list[Element]:
    return [] if transforms is None else list(transforms.iterchildren("*"))


def _ends_in_nodes(transforms: Element) -> bool:
    steps = _steps(transforms)
    if not steps:
        return True
    last = steps[-1]
    algorithm = last.get("Algorithm") or ""
    return canonicalization(algorithm, last) is None and algorithm != ds.T_BASE64
