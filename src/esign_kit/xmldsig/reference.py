"""References: from a URI to the node or document it names, and on to the octets that are hashed.

Same-document references are ``""``, ``#id`` and their two XPointer spellings; everything else is a
name among the documents that the caller handed over. Nothing is ever fetched or opened.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from esign_kit.algorithms import digest_by_uri
from esign_kit.errors import InputError, UnsupportedError
from esign_kit.model.document import Coverage, Digest, Document, Scope
from esign_kit.model.signature import ReferenceKind, SignedReference
from esign_kit.xmldsig import names
from esign_kit.xmldsig.parser import local_name
from esign_kit.xmldsig.splice import covered_octets
from esign_kit.xmldsig.transforms import Selection, Step, apply, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from esign_kit.model.limits import Limits
    from esign_kit.trust.policy import TransformRule
    from esign_kit.xmldsig.parser import Element, XmlDocument
    from esign_kit.xmldsig.signature import ReferenceElement

__all__ = ["Resolver", "Target"]

_XPOINTER_ID = re.compile(r"""xpointer\(\s*id\(\s*(?:'([^']*)'|"([^"]*)")\s*\)\s*\)""")
WRAPPER = "internally-detached"
_PROPERTIES = (
    ReferenceKind.SIGNED_PROPERTIES,
    ReferenceKind.KEY_INFO,
    ReferenceKind.ATTRIBUTES,
)
_EXTERNAL = "external"
_WHOLE = "whole"
_ELEMENT = "element"
_MISSING = "missing"


class Target:
    """What a URI names.

    Attributes:
        place: ``"whole"``, ``"element"``, ``"external"`` or ``"missing"``.
        element: the element, for ``"element"``.
        comments: comments belong to the data (XML Signature 1.1 § 4.4.3.3).
    """

    __slots__ = ("comments", "element", "place")

    def __init__(self, place: str, element: Element = None, *, comments: bool = False) -> None:
        self.place = place
        self.element = element
        self.comments = comments


class Resolver:
    """Resolves the references of one signature.

    Args:
        document: the document that holds the signature.
        signature: its ds:Signature element.
        detached: the caller's documents.

    Attributes:
        covered: elements that references to data point at; set by the reader of the signature.
    """

    __slots__ = ("covered", "detached", "document", "limits", "objects", "rule", "signature")

    def __init__(
        self,
        document: XmlDocument,
        signature: Element,
        objects: Sequence[Element],
        detached: Sequence[Document],
        rule: TransformRule,
        limits: Limits,
    ) -> None:
        self.document = document
        self.signature = signature
        self.objects = objects
        self.detached = detached
        self.covered: list[Element] = []
        self.rule = rule
        self.limits = limits

    def target(self, uri: str | None) -> Target:
        """Find what a URI names.

        Raises:
            InputError: two elements hold the Id.
            UnsupportedError: an XPointer beyond the two forms of the standard.
        """
        if uri is None:
            return Target(_EXTERNAL)
        if uri == "":
            return Target(_WHOLE)
        if not uri.startswith("#"):
            return Target(_EXTERNAL)
        fragment = uri[1:]
        comments = False
        if fragment.startswith("xpointer("):
            if fragment == "xpointer(/)":
                return Target(_WHOLE, comments=True)
            match = _XPOINTER_ID.fullmatch(fragment)
            if match is None:
                raise UnsupportedError(
                    f"XPointer {fragment[:80]!r} is not accepted", code="reference.xpointer"
                )
            fragment = match.group(1) or match.group(2) or ""
            comments = True
        found = self.document.elements_with_id(fragment)
        if not found and "%" in fragment:
            found = self.document.elements_with_id(unquote(fragment))
        if len(found) > 1:
            raise InputError(
                f"{len(found)} elements have the Id {fragment!r}; nobody knows which was signed",
                code="xml.duplicate-id",
            )
        if not found:
            return Target(_MISSING)
        return Target(_ELEMENT, found[0], comments=comments)

    def reference(
        self,
        read: ReferenceElement,
        number: int,
        kind: ReferenceKind,
        target: Target | None,
        problem: InputError | None = None,
    ) -> SignedReference:
        """Return the reference as the checks know it; what forbids it is in its ``error``."""
        steps: tuple[Step, ...] = ()
        if problem is None:
            try:
                steps = plan(read.transforms, self.rule, self.limits, read.skip)
            except InputError as error:
                problem = error
        digest = digest_by_uri(read.digest_uri)

        def resolve() -> Iterable[tuple[bytes | Document, Scope]]:
            if problem is not None or target is None:
                return ()
            return self._resolve(read, kind, target, steps, digest.name if digest else None)

        return SignedReference(
            id=read.id or f"R-{number}",
            kind=kind,
            digest_algorithm=digest.name if digest is not None else None,
            digest_value=read.digest_value,
            resolve=resolve,
            uri=read.uri,
            error=problem.detail if problem is not None else "",
            error_code=problem.code if problem is not None else "",
            algorithm_label=read.digest_uri,
        )

    def _resolve(
        self,
        read: ReferenceElement,
        kind: ReferenceKind,
        target: Target,
        steps: tuple[Step, ...],
        digest: str | None,
    ) -> Iterable[tuple[bytes | Document, Scope]]:
        stated = Digest(digest, read.digest_value) if digest else None
        applied = tuple([step.algorithm for step in steps])
        if target.place == _EXTERNAL:
            yield from self._external(read, steps, stated, applied)
            return
        if target.place == _MISSING:
            return
        for later, octets, whole in self._forms(read, target, steps, digest):
            if not octets:
                return
            description = self._describe(target)
            if later:
                description += f" as it stood before {len(later)} later signature(s) were added"
            yield (
                octets,
                Scope(
                    name=read.uri or "",
                    coverage=self._coverage(kind, target, whole),
                    octets=octets,
                    digest=stated,
                    transforms=applied,
                    description=description,
                ),
            )

    def _forms(
        self, read: ReferenceElement, target: Target, steps: tuple[Step, ...], digest: str | None
    ) -> Iterable[tuple[list[Element], bytes, bool]]:
        """Yield what was taken out beside the usual, the octets, and whether they are all.

        A file that is written in canonical form needs no canonicalisation.
        """
        whole_document = target.place == _WHOLE or target.element is self.document.root
        if whole_document and digest is not None:
            written = covered_octets(
                self.document, self.signature, steps, digest, read.digest_value
            )
            if written is not None:
                yield [], written, True
                return
        for later in self._readings(target, steps):
            selection = Selection(self.document, target.element, comments=target.comments)
            selection.removed.extend(later)
            yield later, *apply(selection, steps, self.signature, self.limits)

    def _readings(self, target: Target, steps: tuple[Step, ...]) -> Iterable[list[Element]]:
        """Yield what else is taken out: nothing; then, for an enveloped one, later signatures.

        Wide practice (Kazakhstan) signs a document with its signatures again, checks the last
        signature first and takes out each one checked. What the first of them covers is the
        document as it stood then, and every signature taken out has a report of its own.
        """
        yield []
        if target.place != _WHOLE and target.element is not self.document.root:
            return
        if not any(step.kind == "enveloped" for step in steps):
            return
        later: list[Element] = []
        seen = False
        for element in self.document.signatures():
            if element is self.signature:
                seen = True
            elif seen and not any(a is self.signature for a in element.iterancestors()):
                later.append(element)
        if later:
            yield later

    def _external(
        self,
        read: ReferenceElement,
        steps: tuple[Step, ...],
        stated: Digest | None,
        applied: tuple[str, ...],
    ) -> Iterable[tuple[bytes | Document, Scope]]:
        for document in self._documents(read.uri):
            if not document.has_octets:
                if any(step.kind != "c14n" for step in steps):
                    continue
                # The caller's digest is that of the octets that were hashed.
                yield (
                    document,
                    Scope(document.name or "", Coverage.DIGEST, None, stated, document, applied),
                )
                continue
            if not steps:
                yield (
                    document,
                    Scope(
                        name=document.name or read.uri or "",
                        coverage=Coverage.FULL,
                        octets=None if document.is_file else document.octets(),
                        digest=stated,
                        document=document,
                    ),
                )
                continue
            plain = document.octets()
            self.document.spend(len(plain))
            octets, whole = apply(plain, steps, self.signature, self.limits)
            yield (
                octets,
                Scope(
                    name=document.name or read.uri or "",
                    coverage=Coverage.FULL if whole else Coverage.PARTIAL,
                    octets=octets,
                    digest=stated,
                    document=document,
                    transforms=applied,
                ),
            )

    def _documents(self, uri: str | None) -> list[Document]:
        """Return the caller's documents that the URI may mean; several only if none has a name."""
        if uri is None:
            return list(self.detached)
        plain = unquote(uri)
        named = [d for d in self.detached if d.name is not None and d.name in (uri, plain)]
        return named or [d for d in self.detached if d.name is None]

    def _coverage(self, kind: ReferenceKind, target: Target, whole: bool) -> Coverage:
        if kind is ReferenceKind.MANIFEST:
            return Coverage.MANIFEST
        if kind is ReferenceKind.COUNTERSIGNED:
            return Coverage.SIGNATURE
        if kind in _PROPERTIES:
            # Properties of the signature are no content that a reader sees.
            return Coverage.NONE
        element = target.element
        root = self.document.root
        if target.place == _WHOLE or element is root:
            return Coverage.FULL if whole and self.signature is not root else Coverage.PARTIAL
        for held in self.objects:
            if element is held or (element.getparent() is held and _only_content(held, element)):
                return Coverage.OBJECT
        encoded = element.get("Encoding") == names.T_BASE64
        if (whole or encoded) and element.getparent() is root and self._covers_wrapper(root):
            return Coverage.FULL
        return Coverage.PARTIAL

    def _covers_wrapper(self, root: Element) -> bool:
        """Return whether the root is a bare wrapper and the signature covers all that it holds.

        Internally detached data need an element around them; this one says nothing by itself.
        """
        if root.tag != WRAPPER or root.attrib or (root.text or "").strip():
            return False
        return all(
            (child.tag == names.SIGNATURE or any(child is known for known in self.covered))
            and not (child.tail or "").strip()
            for child in root.iterchildren("*")
        )

    def _describe(self, target: Target) -> str:
        if target.place == _WHOLE:
            return f"document element {local_name(self.document.root)}"
        return f"element {local_name(target.element)}"


def _only_content(held: Element, element: Element) -> bool:
    """Return whether the element is all that the object holds."""
    return len(held) == 1 and not (held.text or "").strip() and not (element.tail or "").strip()
