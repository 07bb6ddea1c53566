"""The container of the Kazakh National CA: ``META-INF/NCAManifest.xml`` and CMS over its octets.

The manifest lists files with their digests; each CMS is detached over the manifest as it is stored
(the blank after its XML declaration included). A file that the manifest does not list is covered by
nobody, and the scopes say so.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_by_uri
from esign_kit.asic.archive import read_archive
from esign_kit.cades import parse as cades
from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Coverage, Document, Scope
from esign_kit.model.signature import (
    Finding,
    ParsedSignature,
    ReferenceKind,
    SignedDocument,
    SignedReference,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.xmldsig.parser import Element

__all__ = ["MANIFEST", "parse", "recognises"]

MANIFEST = "META-INF/NCAManifest.xml"
_FOLDER = "META-INF/"


def recognises(data: bytes) -> bool:
    """Tell whether a ZIP archive names such a manifest; nothing is unpacked."""
    return MANIFEST.encode() in data


def parse(data: bytes, *, detached: Sequence[Document], policy: ValidationPolicy) -> SignedDocument:
    """Read a container.

    Args:
        data: the ZIP archive.
        detached: files that the manifest lists and the container lacks, by name.
        policy: its limits and closed lists apply.

    Raises:
        InputError: no such container, or a malformed one.
    """
    files = read_archive(data, policy.limits)
    manifest = files.get(MANIFEST)
    if manifest is None:
        raise InputError("the container has no NCAManifest", code="input.no-signature")
    root = _root(manifest, policy)
    pointers = [_uri(element) for element in root if _name(element) == "SigReference"]
    if not pointers:
        raise InputError("the manifest names no signature", code="input.no-signature")
    entries = [element for element in root if _name(element) == "DataObjectReference"]
    if len(entries) > policy.limits.manifest_entries:
        raise LimitError(f"{len(entries)} entries in the manifest", code="limits.manifest-entries")
    listed = {_uri(element) for element in entries}
    loose = sorted(name for name in files if name not in listed and not name.startswith(_FOLDER))
    own = Document(manifest, name=MANIFEST)
    signatures: list[ParsedSignature] = []
    certificates: list[bytes] = []
    for pointer in dict.fromkeys(pointers):
        octets = files.get(pointer)
        if octets is None:
            raise InputError(
                "the manifest names a signature that is not in the container",
                code="container.signature-missing",
            )
        found = cades.parse(octets, detached=(own,), policy=policy)
        certificates += found.certificates
        for signature in found.signatures:
            signatures.append(
                _with_entries(signature, len(signatures) + 1, entries, files, detached, loose)
            )
    if len(signatures) > policy.limits.signatures:
        raise LimitError(f"{len(signatures)} signatures in one container")
    return SignedDocument(signatures[0].format, tuple(signatures), tuple(certificates))


def _root(manifest: bytes, policy: ValidationPolicy) -> Element:
    from esign_kit.xmldsig.parser import parse as parse_xml

    root = parse_xml(manifest, policy.limits).root
    if _name(root) != "NCAManifest":
        raise InputError("the manifest is no NCAManifest", code="input.no-signature")
    return root


def _name(element: Element) -> str:
    """Return the local name; comments and instructions have none."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _uri(element: Element) -> str:
    uri = element.get("URI")
    if not uri:
        raise InputError("a reference of the manifest names nothing", code="container.manifest")
    return str(uri)


def _with_entries(
    signature: ParsedSignature,
    number: int,
    entries: Sequence[Element],
    files: dict[str, bytes],
    detached: Sequence[Document],
    loose: Sequence[str],
) -> ParsedSignature:
    signature.id = f"S-{number}"
    for reference in signature.references:
        # What the CMS covers is the manifest; the files are scopes of their own.
        reference.kind = ReferenceKind.MANIFEST
        reference.resolve = _as_manifest(reference.resolve)
    coverage = Coverage.PARTIAL if loose else Coverage.FULL
    signature.references += tuple(
        _entry(element, position, files, detached, coverage)
        for position, element in enumerate(entries, 1)
    )
    findings = [*signature.findings]
    if loose:
        shown = ", ".join(loose[:5]) + (", …" if len(loose) > 5 else "")
        findings.append(
            Finding("container.not-covered", f"files that the manifest does not list: {shown}")
        )
    signature.findings = tuple(findings)
    return signature


def _as_manifest(
    resolve: Callable[[], Iterable[tuple[bytes | Document, Scope]]],
) -> Callable[[], Iterator[tuple[bytes | Document, Scope]]]:
    def candidates() -> Iterator[tuple[bytes | Document, Scope]]:
        for octets, scope in resolve():
            yield (
                octets,
                Scope(scope.name, Coverage.MANIFEST, scope.octets, document=scope.document),
            )

    return candidates


def _entry(
    element: Element,
    position: int,
    files: dict[str, bytes],
    detached: Sequence[Document],
    coverage: Coverage,
) -> SignedReference:
    uri = _uri(element)
    method = next((c for c in element if _name(c) == "DigestMethod"), None)
    value = next((c for c in element if _name(c) == "DigestValue"), None)
    label = str(method.get("Algorithm") or "") if method is not None else ""
    digest = digest_by_uri(label)
    try:
        octets = a2b_base64((value.text or "") if value is not None else "", strict_mode=False)
    except (Error, ValueError):
        octets = b""
    return SignedReference(
        id=f"manifest-{position}",
        kind=ReferenceKind.MANIFEST_ENTRY,
        uri=uri,
        digest_algorithm=digest.name if digest else None,
        digest_value=octets,
        resolve=_file(uri, files, detached, coverage),
        algorithm_label=label,
    )


def _file(
    uri: str, files: dict[str, bytes], detached: Sequence[Document], coverage: Coverage
) -> Callable[[], Iterator[tuple[bytes | Document, Scope]]]:
    def candidates() -> Iterator[tuple[bytes | Document, Scope]]:
        inside = files.get(uri)
        if inside is not None:
            yield inside, Scope(uri, coverage, inside)
            return
        for document in detached:
            if document.name == uri:
                yield document, Scope(uri, coverage, document=document)

    return candidates
