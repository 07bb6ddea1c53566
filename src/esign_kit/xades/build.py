"""XAdES-B signatures built in two steps (EN 319 132-1 § 6), and plain XML signatures.

``prepare`` writes the whole signed file with a gap for the value and yields the canonical
ds:SignedInfo; ``assemble`` fills the gap. What is written outside the signature is in canonical
form, so that a verifier which knows how may hash the file without parsing it.

The options are listed in :data:`esign_kit.xades.options.OPTIONS`.
"""

from __future__ import annotations

from binascii import b2a_base64
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import INTEGER, SEQUENCE, read_all
from esign_kit.errors import SigningError, UnsupportedError
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Packaging
from esign_kit.model.signing import BuildState
from esign_kit.xades import names
from esign_kit.xades.options import Options, properties_xml
from esign_kit.xmldsig import names as ds
from esign_kit.xmldsig.builder import GAP, Frame, attribute_text, signed_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.algorithms import DigestAlgorithm, SignatureAlgorithm
    from esign_kit.model.document import Document
    from esign_kit.model.signing import SigningRequest

__all__ = ["assemble", "prepare"]

_DIGESTS = {"ED25519": "SHA512", "ED448": "SHA512"}
_NAME_SAFE = "/:@!$&'()*+,;=~-._?[]"
_RSA_PSS = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss"


def prepare(request: SigningRequest) -> BuildState:
    """Build everything but the signature value.

    Raises:
        SigningError: an unknown option, or a document that is not the one of ``existing``.
        InputError: what should hold the signature is no XML that we read.
        UnsupportedError: a level, an algorithm without an XML name.
    """
    if request.level != "B":
        raise UnsupportedError(f"level {request.level} is made by extending", code="signing.level")
    if not request.documents and request.existing is None:
        raise SigningError("nothing to sign", code="signing.no-document")
    options = Options.read(request.options)
    limits = _limits()
    frame = _frame(request, options, limits)
    return _Builder(request, options, frame).build()


def assemble(state: BuildState, signature_value: bytes) -> bytes:
    """Put the signature value in and return the signed file.

    Args:
        signature_value: as CMS has it; an ECDSA value is DER and becomes r ‖ s here.
    """
    fields = state.fields
    size = fields.get("plain_size")
    value = _plain(signature_value, int(size)) if size else signature_value
    head, tail = fields["head"], fields["tail"]
    return bytes(head) + b2a_base64(value, newline=False) + bytes(tail)


def _plain(der: bytes, size: int) -> bytes:
    """Return r ‖ s of a DER ECDSA-Sig-Value (XML Signature 1.1 § 6.4.3)."""
    parts = read_all(der, "signature value").expect(SEQUENCE).items()
    if len(parts) != 2:
        raise SigningError("the signature value is no ECDSA value", code="signing.value")
    try:
        return b"".join(
            int.from_bytes(part.expect(INTEGER).contents, "big").to_bytes(size, "big")
            for part in parts
        )
    except OverflowError:
        raise SigningError("the signature value is too long", code="signing.value") from None


@lru_cache(maxsize=1)
def _limits() -> Limits:
    return Limits()


def _frame(request: SigningRequest, options: Options, limits: Limits) -> Frame:
    """Return the document that the signature is put into."""
    packaging = request.packaging
    existing = request.existing
    if packaging is Packaging.ENVELOPED:
        base = existing if existing is not None else request.documents[0].octets()
        frame = Frame.of(base, limits, options.location_xpath)
        if existing is not None and request.documents:
            _same_document(frame, request.documents[0], limits)
        return frame
    if existing is not None:
        frame = Frame.of(existing, limits, None)
        return frame.wrapped("signatures") if frame.root_is_signature else frame
    if packaging is Packaging.INTERNALLY_DETACHED:
        return Frame.empty("internally-detached", limits)
    return Frame.empty(None, limits)


def _same_document(frame: Frame, document: Document, limits: Limits) -> None:
    other = Frame.of(document.octets(), limits, None)
    if frame.without_signatures() != other.without_signatures():
        raise SigningError(
            "the document is not the one that the existing file holds",
            code="signing.other-document",
        )


class _Builder:
    """One signature in the making."""

    def __init__(self, request: SigningRequest, options: Options, frame: Frame) -> None:
        self.request = request
        self.options = options
        self.frame = frame
        self.digest = _digest(request.algorithm, options)
        self.covered = self._covered() if request.packaging is Packaging.ENVELOPED else b""
        self.id = self._identifier()
        self.ds = options.namespace_prefix
        self.objects: list[str] = []
        self.data_ids: list[tuple[str, Document | None]] = []

    def _identifier(self) -> str:
        if self.options.id:
            return self.options.id
        seed = sha256(self.request.certificate)
        seed.update(str(self.request.signing_time).encode())
        documents = self.request.documents
        if self.covered:
            # The first document is in the frame, and its digest was computed already.
            seed.update(self.covered)
            documents = documents[1:]
        else:
            seed.update(self.frame.fingerprint())
        for document in documents:
            if document.has_octets and not document.is_file:
                seed.update(sha256(document.octets()).digest())
            seed.update((document.name or "").encode())
        name = f"id-{seed.hexdigest()[:24]}"
        while self.frame.has_id(name):
            name = f"id-{sha256(name.encode()).hexdigest()[:24]}"
        return name

    def build(self) -> BuildState:
        """Write the file with a gap and return what is to be signed."""
        references = self._references()
        signed_properties = ""
        if self.options.xades:
            signed_properties = self._signed_properties()
            octets = self._canonical_properties(signed_properties)
            references += self._properties_reference(self.digest.hash(octets))
        info = self._signed_info(references)
        signature = self._signature(info, signed_properties)
        to_be_signed = self._canonical_info(info, signature)
        before, after = self.frame.around()
        head, _, tail = signature.partition(GAP)
        return BuildState(
            to_be_signed,
            {
                "head": before + head.encode("utf-8"),
                "tail": tail.encode("utf-8") + after,
                "plain_size": _plain_size(self.request),
            },
        )

    def _canonical_info(self, info: str, signature: str) -> bytes:
        """Return the canonical ds:SignedInfo.

        We write it in canonical form, so that the exclusive one only adds the namespace that the
        file declares at the ds:Signature. The inclusive ones depend on what is in scope there.
        """
        if self.options.info_method.exclusive:
            opening = f"<{self.ds}:SignedInfo"
            declared = f'{opening} xmlns:{self.ds}="{ds.DS}"'
            return (declared + info.removeprefix(opening)).encode("utf-8")
        octets, _ = signed_parts(signature, self.frame, self.options.info_method, None)
        return octets

    def _canonical_properties(self, properties: str) -> bytes:
        """Return the exclusive canonical form of the signed properties that we wrote.

        Every element of XML Signature in them stands below elements of XAdES only, so each
        declares its namespace. A ``<`` in somebody's text is escaped and cannot be mistaken.
        """
        declared = f' xmlns:{self.ds}="{ds.DS}"'
        for name in (f"<{self.ds}:DigestMethod", f"<{self.ds}:DigestValue"):
            properties = properties.replace(name, name + declared)
        opening = "<xades:SignedProperties"
        rest = properties.removeprefix(opening)
        return f'{opening} xmlns:xades="{names.V132}"{rest}'.encode()

    # ── references ──────────────────────────────────────────────────────────────────────────

    def _references(self) -> str:
        request = self.request
        documents = list(request.documents)
        parts = []
        if request.packaging is Packaging.ENVELOPED:
            parts.append(self._enveloped(documents[0] if documents else None))
            documents = documents[1:]
            parts += [self._detached(document) for document in documents]
        elif request.packaging is Packaging.ENVELOPING:
            parts += [self._enveloping(document) for document in documents]
        elif request.packaging is Packaging.INTERNALLY_DETACHED:
            parts += self._internal(documents)
        else:
            parts += [self._detached(document) for document in documents]
        if self.options.manifest:
            parts = [self._manifest(parts)]
        return "".join(parts)

    def _reference(
        self,
        uri: str | None,
        digest: bytes,
        transforms: Sequence[str],
        document: Document | None,
        kind: str = "",
    ) -> str:
        name = f"{self.id}-r{len(self.data_ids) + 1}"
        self.data_ids.append((name, document))
        chain = "".join(transforms)
        if chain:
            chain = f"<{self.ds}:Transforms>{chain}</{self.ds}:Transforms>"
        attributes = f' Id="{name}"'
        if kind:
            attributes += f' Type="{kind}"'
        if uri is not None:
            attributes += f' URI="{attribute_text(uri)}"'
        return (
            f"<{self.ds}:Reference{attributes}>{chain}{self._digest_xml(digest)}"
            f"</{self.ds}:Reference>"
        )

    def _digest_xml(self, value: bytes) -> str:
        return (
            f'<{self.ds}:DigestMethod Algorithm="{self.digest.uri}"></{self.ds}:DigestMethod>'
            f"<{self.ds}:DigestValue>{_base64(value)}</{self.ds}:DigestValue>"
        )

    def _transform(self, algorithm: str, inner: str = "") -> str:
        return f'<{self.ds}:Transform Algorithm="{algorithm}">{inner}</{self.ds}:Transform>'

    def _enveloped(self, document: Document | None) -> str:
        options = self.options
        if options.transforms == "filter2":
            removal = self._transform(
                ds.T_FILTER2,
                f'<dsig-filter2:XPath xmlns:dsig-filter2="{ds.FILTER2}" Filter="subtract">'
                f"/descendant::{self.ds}:Signature</dsig-filter2:XPath>",
            )
        elif options.transforms == "xpath":
            removal = self._transform(
                ds.T_XPATH,
                f"<{self.ds}:XPath>not(ancestor-or-self::{self.ds}:Signature)</{self.ds}:XPath>",
            )
        else:
            removal = self._transform(ds.T_ENVELOPED)
        steps = [removal, self._transform(options.canonicalization)]
        return self._reference("", self.covered, steps, document)

    def _covered(self) -> bytes:
        """Return the digest of what an enveloped signature covers."""
        own_only = self.options.transforms == "enveloped"
        hasher = self.digest.new()
        for part in self.frame.canonical_parts(self.options.data_method, signatures=own_only):
            hasher.update(part)
        return hasher.digest()

    def _enveloping(self, document: Document) -> str:
        name = f"{self.id}-o{len(self.objects) + 1}"
        octets = document.octets()
        if self.options.embed_xml:
            inner = Frame.of(octets, self.frame.limits, None).canonical_root()
            content = f'<{self.ds}:Object Id="{name}">{inner}</{self.ds}:Object>'
            self.objects.append(content)
            covered = self._object_octets(content, name)
            steps = [self._transform(self.options.canonicalization)]
            return self._reference(
                f"#{name}", self.digest.hash(covered), steps, document, ds.TYPE_OBJECT
            )
        self.objects.append(
            f'<{self.ds}:Object Encoding="{ds.T_BASE64}" Id="{name}">'
            f"{_base64(octets)}</{self.ds}:Object>"
        )
        return self._reference(
            f"#{name}",
            document.digest(self.digest.name),
            [self._transform(ds.T_BASE64)],
            document,
            ds.TYPE_OBJECT,
        )

    def _object_octets(self, content: str, name: str) -> bytes:
        draft = f'<{self.ds}:Signature xmlns:{self.ds}="{ds.DS}">{content}</{self.ds}:Signature>'
        _, octets = signed_parts(draft, self.frame, self.options.data_method, name)
        return octets

    def _internal(self, documents: Sequence[Document]) -> list[str]:
        if self.request.existing is None:
            for position, document in enumerate(documents, 1):
                self.frame.add(
                    document.octets(), f"{self.id}-d{position}", as_xml=self.options.embed_xml
                )
        parts = []
        children = self.frame.children(self.options.data_method)
        for position, (name, octets, encoded) in enumerate(children):
            steps = [self._transform(ds.T_BASE64 if encoded else self.options.canonicalization)]
            given = documents[position] if position < len(documents) else None
            parts.append(self._reference(f"#{name}", self.digest.hash(octets), steps, given))
        if not parts:
            raise SigningError("the file holds nothing to sign", code="signing.no-document")
        return parts

    def _detached(self, document: Document) -> str:
        if document.name is None and len(self.request.documents) > 1:
            raise SigningError(
                "several detached documents need names", code="signing.document-name"
            )
        uri = None if document.name is None else quote(document.name, safe=_NAME_SAFE)
        return self._reference(uri, document.digest(self.digest.name), [], document)

    def _manifest(self, parts: list[str]) -> str:
        name = f"{self.id}-m"
        inner = f'<{self.ds}:Manifest Id="{name}">{"".join(parts)}</{self.ds}:Manifest>'
        content = f"<{self.ds}:Object>{inner}</{self.ds}:Object>"
        self.objects.append(content)
        octets = self._object_octets(content, name)
        self.data_ids = []
        reference = self._reference(
            f"#{name}",
            self.digest.hash(octets),
            [self._transform(self.options.canonicalization)],
            None,
            ds.TYPE_MANIFEST,
        )
        return reference.replace(f'Id="{self.id}-r1"', f'Id="{self.id}-rm"', 1)

    # ── the signature element ───────────────────────────────────────────────────────────────

    def _signed_properties(self) -> str:
        request, options = self.request, self.options
        formats = []
        for name, document in self.data_ids:
            reference = f"{self.id}-rm" if options.manifest else name
            formats.append((reference, self._media_type(document)))
        return properties_xml(
            f"{self.id}-sp",
            request.certificate,
            request.signing_time,
            self.digest,
            options,
            formats,
            self.ds,
        )

    def _media_type(self, document: Document | None) -> str:
        if self.options.media_type:
            return self.options.media_type
        if document is not None and document.media_type:
            return document.media_type
        enveloped = self.request.packaging is Packaging.ENVELOPED
        first = document is None or document is self.request.documents[0]
        return "text/xml" if enveloped and first else "application/octet-stream"

    def _properties_reference(self, digest: bytes) -> str:
        prefix = self.ds
        return (
            f'<{prefix}:Reference Type="{names.TYPE_SIGNED_PROPERTIES}" '
            f'URI="#{self.id}-sp"><{prefix}:Transforms>'
            f"{self._transform(ds.C14N_EXCLUSIVE)}</{prefix}:Transforms>"
            f"{self._digest_xml(digest)}</{prefix}:Reference>"
        )

    def _signed_info(self, references: str) -> str:
        prefix = self.ds
        return (
            f"<{prefix}:SignedInfo><{prefix}:CanonicalizationMethod "
            f'Algorithm="{self.options.signed_info_canonicalization}">'
            f"</{prefix}:CanonicalizationMethod>"
            f"{_signature_method(self.request.algorithm, prefix)}"
            f"{references}</{prefix}:SignedInfo>"
        )

    def _signature(self, info: str, signed_properties: str) -> str:
        prefix = self.ds
        objects = "".join(self.objects)
        if signed_properties:
            objects += (
                f'<{prefix}:Object><xades:QualifyingProperties xmlns:xades="{names.V132}" '
                f'Target="#{self.id}">{signed_properties}</xades:QualifyingProperties>'
                f"</{prefix}:Object>"
            )
        return (
            f'<{prefix}:Signature xmlns:{prefix}="{ds.DS}" Id="{self.id}">{info}'
            f'<{prefix}:SignatureValue Id="{self.id}-v">{GAP}</{prefix}:SignatureValue>'
            f"{_key_info(self.request.certificate, self.request.chain, prefix)}"
            f"{objects}</{prefix}:Signature>"
        )


@lru_cache(maxsize=64)
def _key_info(certificate: bytes, chain: tuple[bytes, ...], prefix: str) -> str:
    """The same for every signature of a signer."""
    held = "".join(
        f"<{prefix}:X509Certificate>{_base64(der)}</{prefix}:X509Certificate>"
        for der in (certificate, *chain)
    )
    return f"<{prefix}:KeyInfo><{prefix}:X509Data>{held}</{prefix}:X509Data></{prefix}:KeyInfo>"


def _digest(algorithm: SignatureAlgorithm, options: Options) -> DigestAlgorithm:
    if options.digest:
        return digest_algorithm(options.digest)
    return digest_algorithm(algorithm.digest or _DIGESTS.get(algorithm.name, "SHA512"))


def _signature_method(algorithm: SignatureAlgorithm, prefix: str) -> str:
    name = f"{prefix}:SignatureMethod"
    if algorithm.family == "RSA-PSS" and algorithm.digest is not None:
        digest = digest_algorithm(algorithm.digest)
        usual = algorithm.mgf_digest == algorithm.digest and algorithm.salt_length == digest.size
        if not usual or not algorithm.uris:
            return _pss_method(algorithm, digest, name, prefix)
    return f'<{name} Algorithm="{algorithm.uri}"></{name}>'


def _pss_method(
    algorithm: SignatureAlgorithm, digest: DigestAlgorithm, name: str, prefix: str
) -> str:
    mgf = digest_algorithm(algorithm.mgf_digest or digest.name)
    space = "http://www.w3.org/2007/05/xmldsig-more#"
    method = f"{prefix}:DigestMethod"
    return (
        f'<{name} Algorithm="{_RSA_PSS}"><pss:RSAPSSParams xmlns:pss="{space}">'
        f'<{method} Algorithm="{digest.uri}"></{method}>'
        f'<pss:MaskGenerationFunction Algorithm="{space}MGF1">'
        f'<{method} Algorithm="{mgf.uri}"></{method}></pss:MaskGenerationFunction>'
        f"<pss:SaltLength>{algorithm.salt_length}</pss:SaltLength>"
        f"<pss:TrailerField>1</pss:TrailerField></pss:RSAPSSParams></{name}>"
    )


def _plain_size(request: SigningRequest) -> int | None:
    if request.algorithm.family != "ECDSA":
        return None
    from esign_kit.crypto import load_public_key

    bits = load_public_key(Certificate.load(request.certificate).spki).bits
    return (int(bits) + 7) // 8


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")
