"""Reading XAdES and plain XML signatures into :class:`ParsedSignature`, without judging them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from esign_kit.errors import InputError, LimitError
from esign_kit.model.signature import (
    Finding,
    Format,
    ParsedSignature,
    ReferenceKind,
    SignedDocument,
    SignedReference,
)
from esign_kit.xades import names
from esign_kit.xades.levels import detect_level
from esign_kit.xades.places import (
    holds_only_properties,
    is_within,
    manifest_of,
    missing_value,
    packaging_of,
    signed_child,
)
from esign_kit.xades.properties import (
    SignedProperties,
    UnsignedProperties,
    read_signed,
    read_unsigned,
)
from esign_kit.xades.structure import Structures
from esign_kit.xmldsig import (
    KeyInfo,
    ReferenceElement,
    Resolver,
    SignatureElement,
    Target,
    looks_like_xml,
    names as ds,
    parse as parse_xml,
    read_key_info,
    read_reference,
    read_signature,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.model.document import Document
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.xmldsig import Element, XmlDocument

__all__ = ["parse", "recognises"]

_DATA = (ReferenceKind.DATA, ReferenceKind.MANIFEST, ReferenceKind.COUNTERSIGNED)


def recognises(data: bytes) -> bool:
    """Return whether the octets look like XML."""
    return looks_like_xml(data)


def parse(data: bytes, *, detached: Sequence[Document], policy: ValidationPolicy) -> SignedDocument:
    """Read all signatures of an XML file.

    Raises:
        InputError: not well-formed XML, a document type declaration, or no signature in it.
        LimitError: more than ``policy.limits`` allows.
    """
    document = parse_xml(data, policy.limits)
    elements = document.signatures()
    if not elements:
        raise InputError("the XML holds no ds:Signature", code="input.no-signature")
    if len(elements) > policy.limits.signatures:
        raise LimitError(
            f"{len(elements)} signatures; the limit is {policy.limits.signatures}",
            code="xml.too-many-signatures",
        )
    room = _Room(document, detached, policy)
    readers = [_Reader(element, number, room) for number, element in enumerate(elements, 1)]
    signatures = _arrange(readers)
    # The way back to the readers ends here: a tree in a circle of references would stay in memory
    # until the collector comes by, and each further file would need fresh pages.
    room.by_value.clear()
    return SignedDocument(Format.XADES, signatures)


class _Room:
    """What all signatures of one file share."""

    __slots__ = ("by_value", "detached", "document", "policy", "structures", "used_ids")

    def __init__(
        self, document: XmlDocument, detached: Sequence[Document], policy: ValidationPolicy
    ) -> None:
        self.document = document
        self.detached = detached
        self.policy = policy
        self.structures = Structures(document.octets)
        self.used_ids: set[str] = set()
        self.by_value: dict[Element, _Reader] = {}


def _arrange(readers: list[_Reader]) -> tuple[ParsedSignature, ...]:
    """Put counter-signatures below what they sign; return those that stand for themselves."""
    by_element = {reader.read.element: reader for reader in readers}
    top = []
    for reader in readers:
        owner = _owner(reader, by_element)
        if owner is None or owner is reader:
            top.append(reader)
        else:
            owner.counters.append(reader)
    return tuple(reader.finish() for reader in top)


def _owner(reader: _Reader, by_element: dict[Element, _Reader]) -> _Reader | None:
    parent = reader.read.element.getparent()
    if parent is not None and parent.tag in names.COUNTER_SIGNATURE:
        for ancestor in parent.iterancestors():
            if ancestor.tag == ds.SIGNATURE:
                owner = by_element.get(ancestor)
                if owner is not None:
                    reader.check_counter(owner)
                return owner
    return reader.countersigned()


class _Reader:
    """Reads one signature; ``finish`` gives the result."""

    def __init__(self, element: Element, number: int, room: _Room) -> None:
        self.room = room
        self.number = number
        self.read: SignatureElement = read_signature(element, room.document)
        self.findings: list[Finding] = list(self.read.findings)
        self.counters: list[_Reader] = []
        self.countersigns_nothing = False
        self.listed: list[ReferenceElement] = []
        self.id = self._unique(self.read.id or f"S-{number}")
        self.signed: SignedProperties | None = None
        self.unsigned: UnsignedProperties | None = None
        self.qualifying: Element | None = None
        self.resolver = Resolver(
            room.document,
            element,
            self.read.objects,
            room.detached,
            room.policy.transforms,
            room.policy.limits,
        )
        self.targets: list[Target | None] = []
        self.kinds: list[ReferenceKind] = []
        self.problems: list[InputError | None] = []
        if self.read.value_element is not None:
            room.by_value[self.read.value_element] = self
        self._find_targets()
        self.key_info: KeyInfo = read_key_info(
            self.read.key_info, room.document, room.policy.limits
        )
        self.findings += self.key_info.findings
        self._read_properties()

    def _unique(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self.room.used_ids:
            count += 1
            name = f"{wanted}-{count}"
        self.room.used_ids.add(name)
        return name

    def _find_targets(self) -> None:
        for reference in self.read.references:
            target: Target | None = None
            problem: InputError | None = None
            try:
                target = self._properties_target(reference) or self.resolver.target(reference.uri)
            except InputError as error:
                problem = error
                if error.code == "xml.duplicate-id":
                    self.findings.append(Finding(error.code, error.detail, fatal=True))
            self.targets.append(target)
            self.problems.append(problem)
            kind = self._kind(reference, target)
            if kind is ReferenceKind.MANIFEST and target is not None and self._hidden(target):
                # The schema puts a manifest into a ds:Object; one that stands deeper was moved.
                self.problems[-1] = InputError(
                    "the manifest does not stand in a ds:Object of the signature",
                    code="reference.manifest-misplaced",
                )
            self.kinds.append(kind)
            if kind is ReferenceKind.DATA and target is not None and target.element is not None:
                self.resolver.covered.append(target.element)

    def _hidden(self, target: Target) -> bool:
        """Return whether an element inside the signature is not just below one of its objects."""
        element = target.element
        if element is None or not is_within(element, self.read.element):
            return False
        parent = element.getparent()
        return not any(held in (element, parent) for held in self.read.objects)

    def _properties_target(self, reference: ReferenceElement) -> Target | None:
        """Return the signed properties where an XPath filter chooses them out of the document."""
        transforms = reference.transforms
        if reference.uri != "" or reference.type not in names.SIGNED_PROPERTIES_TYPES:
            return None
        if (
            transforms is None
            or not len(transforms)
            or transforms[0].get("Algorithm") != ds.T_FILTER2
        ):
            return None
        from esign_kit.xmldsig.xpath import selected_properties

        chosen = selected_properties(transforms)
        if chosen is None:
            return None
        identifier, space = chosen
        holder = self.resolver.target(f"#{identifier}").element
        if holder is None:
            return None
        path = f"{{{space}}}QualifyingProperties/{{{space}}}SignedProperties"
        found = holder.findall(path)
        if len(found) != 1:
            return None
        reference.skip = 1
        return Target("element", found[0])

    def _kind(self, reference: ReferenceElement, target: Target | None) -> ReferenceKind:
        element = target.element if target is not None else None
        if element is not None:
            tag = element.tag
            if tag in names.SIGNED_PROPERTIES and is_within(element, self.read.element):
                return ReferenceKind.SIGNED_PROPERTIES
            if element is self.read.key_info:
                return ReferenceKind.KEY_INFO
            if tag == ds.SIGNATURE_VALUE and element is not self.read.value_element:
                return ReferenceKind.COUNTERSIGNED
            if tag == ds.MANIFEST:
                return ReferenceKind.MANIFEST
            if is_within(element, self.read.element) and holds_only_properties(element):
                return ReferenceKind.ATTRIBUTES
            if reference.type == ds.TYPE_MANIFEST and manifest_of(element) is not None:
                return ReferenceKind.MANIFEST
        return ReferenceKind.DATA

    # ── properties ──────────────────────────────────────────────────────────────────────────

    def _read_properties(self) -> None:
        holders = [
            child
            for held in self.read.objects
            for child in held.iterchildren("*")
            if child.tag in names.QUALIFYING
        ]
        positions = [
            number
            for number, reference in enumerate(self.read.references)
            if reference.type in names.SIGNED_PROPERTIES_TYPES
            or self.kinds[number] is ReferenceKind.SIGNED_PROPERTIES
        ]
        if len(holders) > 1:
            self._fatal(
                "xades.several-qualifying-properties",
                "more than one QualifyingProperties in the signature",
            )
        if len(positions) > 1:
            self._fatal(
                "xades.several-signed-properties", "more than one reference to SignedProperties"
            )
            return
        if not positions and any(signed_child(holder) is not None for holder in holders):
            self._fatal(
                "xades.properties-not-signed",
                "the signed properties are not covered by any reference",
            )
        if positions:
            self._read_signed(positions[0], holders)
        self._read_unsigned(holders)

    def _read_signed(self, number: int, holders: list[Element]) -> None:
        target = self.targets[number]
        element = target.element if target is not None else None
        if element is None or self.kinds[number] is not ReferenceKind.SIGNED_PROPERTIES:
            self.kinds[number] = ReferenceKind.SIGNED_PROPERTIES
            if element is not None and not holders and is_within(element, self.read.element):
                self.findings.append(
                    Finding(
                        "xades.foreign-properties",
                        "the signed properties are not those of any XAdES version",
                    )
                )
                return
            self._fatal(
                "xades.signed-properties",
                "the reference to the signed properties does not lead to those of this signature",
            )
            return
        holder = element.getparent()
        if not any(holder is known for known in holders):
            self._fatal(
                "xades.signed-properties", "the signed properties stand outside a ds:Object"
            )
            return
        if self.read.references[number].type not in names.SIGNED_PROPERTIES_TYPES:
            self.findings.append(
                Finding(
                    "xades.reference-type",
                    "the reference to the signed properties does not state their Type",
                )
            )
        self.qualifying = holder
        if holder.get("Target") != f"#{self.read.id}" or not self.read.id:
            self._fatal(
                "xades.target", "QualifyingProperties are made for another signature (Target)"
            )
        reference = self.read.references[number]
        if reference.transforms is not None:
            for transform in list(reference.transforms.iterchildren("*"))[reference.skip :]:
                if "c14n" not in (transform.get("Algorithm") or ""):
                    self._fatal(
                        "xades.properties-transformed",
                        "the reference to the signed properties does more than canonicalise",
                    )
        self.signed = read_signed(element)
        self.findings += self.signed.findings

    def _read_unsigned(self, holders: list[Element]) -> None:
        holder = self.qualifying
        if holder is None and len(holders) == 1:
            holder = holders[0]
        if holder is None:
            return
        self.unsigned = read_unsigned(holder, self.room.policy.limits.evidence_items)
        self.findings += self.unsigned.findings

    def _fatal(self, code: str, detail: str) -> None:
        self.findings.append(Finding(code, detail, fatal=True))

    # ── counter-signatures ──────────────────────────────────────────────────────────────────

    def countersigned(self) -> _Reader | None:
        """Return the reader of the signature whose value alone is signed here."""
        owner: _Reader | None = None
        for kind, target in zip(self.kinds, self.targets, strict=True):
            if kind is ReferenceKind.COUNTERSIGNED and target is not None:
                owner = self.room.by_value.get(target.element)
            elif kind in _DATA:
                return None
        return owner

    def check_counter(self, owner: _Reader) -> None:
        """Demand that a CounterSignature property signs the value it stands beside."""
        value = owner.read.value_element
        for kind, target in zip(self.kinds, self.targets, strict=True):
            element = target.element if target is not None else None
            if kind is ReferenceKind.COUNTERSIGNED and element is value:
                return
        self.countersigns_nothing = True
        self._fatal(
            "xades.counter-signature",
            "the counter-signature does not sign the value of the signature that holds it",
        )

    # ── result ──────────────────────────────────────────────────────────────────────────────

    def finish(self) -> ParsedSignature:
        """Return the signature as the checks know it."""
        read = self.read
        references = self._references()
        data = [k for k in self.kinds if k in _DATA]
        if read.references and not data:
            self._fatal("xml.no-data-reference", "the signature covers no data, only properties")
        signed, unsigned, keys = self.signed, self.unsigned, self.key_info
        level = detect_level(
            signed,
            unsigned,
            certificates=keys.certificates,
            references=[reference.id for reference in (*read.references, *self.listed)],
            countersigns=ReferenceKind.COUNTERSIGNED in self.kinds,
        )
        certificates = list(
            dict.fromkeys([*keys.certificates, *(unsigned.certificates if unsigned else ())])
        )
        attributes: dict[str, Any] = dict(signed.attributes) if signed is not None else {}
        parent = read.element.getparent()
        beside = str(parent.tag).rpartition("}")[2] if parent is not None else ""
        algorithm = read.algorithm
        return ParsedSignature(
            id=self.id,
            format=Format.XADES,
            level=level,
            packaging=packaging_of(self.read.element, self.kinds, self.targets),
            algorithm=algorithm,
            algorithm_label=read.algorithm_uri,
            signature_value=read.value,
            signed_octets=() if read.signed_octets is None else (read.signed_octets,),
            references=references,
            digest_algorithm=algorithm.digest if algorithm is not None else None,
            plain_signature=True,
            certificate_references=signed.certificate_references if signed is not None else (),
            certificate_reference_attribute=signed is not None and signed.certificate_attribute,
            signer=keys.signer,
            certificates=tuple(certificates),
            crls=(*keys.crls, *(unsigned.crls if unsigned else ())),
            ocsp_responses=tuple(unsigned.ocsp_responses) if unsigned else (),
            key_value=keys.key_value,
            claimed_signing_time=signed.signing_time if signed is not None else None,
            signed_attributes=attributes,
            unsigned_attributes={
                "properties": list(unsigned.present) if unsigned else [],
                "parent_element": beside,
            },
            timestamps=self._timestamps(references),
            counter_signatures=tuple(counter.finish() for counter in self.counters),
            findings=tuple(self.findings),
            structure=partial(self.room.structures.of, self.number),
        )

    def _timestamps(self, references: tuple[SignedReference, ...]) -> tuple[Any, ...]:
        signed, unsigned = self.signed, self.unsigned
        if not (signed and signed.timestamps) and not (unsigned and unsigned.timestamps):
            return ()
        from esign_kit.xades.timestamps import read_timestamps

        stamps, findings = read_timestamps(
            self.read,
            references,
            self.targets,
            self.kinds,
            signed,
            unsigned,
            self.room.policy.limits,
        )
        self.findings += findings
        return stamps

    def _references(self) -> tuple[SignedReference, ...]:
        found: list[SignedReference] = []
        manifests: list[SignedReference] = []
        for number, reference in enumerate(self.read.references):
            kind, target = self.kinds[number], self.targets[number]
            made = self.resolver.reference(
                reference, number + 1, kind, target, self.problems[number]
            )
            found.append(made)
            if kind is ReferenceKind.MANIFEST and not made.error and target is not None:
                manifests += self._manifest(target.element, number + 1)
        if self.countersigns_nothing:
            found.append(missing_value())
        return (*found, *manifests)

    def _manifest(self, element: Element, number: int) -> list[SignedReference]:
        manifest = manifest_of(element)
        if manifest is None:
            return []
        entries = []
        children = list(manifest.iterchildren("*"))
        if len(children) > self.room.policy.limits.manifest_entries:
            code, detail = "xml.too-many-manifest-entries", "the manifest has too many entries"
            self.findings.append(Finding(code, detail, fatal=True, limited=True))
            return []
        for position, child in enumerate(children, 1):
            try:
                if child.tag != ds.REFERENCE:
                    raise InputError("a manifest holds ds:Reference only", code="xml.manifest")
                read = read_reference(child)
            except InputError as error:
                self._fatal(error.code, f"ds:Manifest: {error.detail}")
                continue
            self.listed.append(read)
            target = problem = None
            try:
                target = self.resolver.target(read.uri)
            except InputError as error:
                problem = error
            entry = self.resolver.reference(
                read, position, ReferenceKind.MANIFEST_ENTRY, target, problem
            )
            entry.id = read.id or f"R-{number}.{position}"
            entries.append(entry)
        return entries
