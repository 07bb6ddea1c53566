"""CAdES-B signatures built in two steps (EN 319 122-1 § 6, RFC 5652 § 5).

``prepare`` yields the DER of the signed attributes, ``assemble`` puts the value in. The content is
copied once. An existing message keeps the octets of all that it holds; a new SignerInfo is
appended, so the signers stand in the order in which they signed.

The options are listed in :data:`esign_kit.cades.encode.OPTIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.algorithm_identifier import (
    decode_digest_algorithm,
    encode_digest_algorithm,
    encode_signature_algorithm,
)
from esign_kit.asn1.cms import ID_DATA, ID_SIGNED_DATA, SignedData, oid
from esign_kit.asn1.reader import OCTET_STRING, OID, SEQUENCE, SET, encode
from esign_kit.cades import encode as attributes, oids
from esign_kit.cades.wrapping import unwrap
from esign_kit.errors import InputError, SigningError, UnsupportedError
from esign_kit.model.signature import Packaging
from esign_kit.model.signing import BuildState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.algorithms import DigestAlgorithm
    from esign_kit.model.document import Document
    from esign_kit.model.signing import SigningRequest

__all__ = ["assemble", "prepare"]

_DIGESTS = {"ED25519": "SHA512", "ED448": "SHAKE256"}
_OWN_DIGEST = "SHA512"
"""RFC 8419 § 3.1 for EdDSA, RFC 9882 § 3.3 for ML-DSA: algorithms that name no digest."""

_V1 = b"\x02\x01\x01"


def prepare(request: SigningRequest) -> BuildState:
    """Build everything but the signature value.

    Raises:
        SigningError: an unknown option, or a document that is not the one of ``existing``.
        InputError: the document's octets or digest are not at hand, or ``existing`` is no CMS.
        UnsupportedError: a level, packaging or number of documents that CAdES-B does not have.
    """
    if request.level != "B":
        raise UnsupportedError(f"level {request.level} is made by extending", code="signing.level")
    if request.packaging not in (Packaging.ENVELOPING, Packaging.DETACHED):
        raise UnsupportedError(
            f"CAdES is attached or detached, not {request.packaging}", code="signing.packaging"
        )
    algorithm = request.algorithm
    digest = digest_algorithm(algorithm.digest or _DIGESTS.get(algorithm.name, _OWN_DIGEST))
    existing = _existing(request)
    options = attributes.read_options(request.options)
    kind = _content_type(options, existing)
    document = _document(request, existing)
    digest_identifier = encode_digest_algorithm(digest)
    signature_identifier = encode_signature_algorithm(algorithm)
    parts = [
        attributes.content_type(kind),
        attributes.message_digest(_content_digest(document, existing, digest)),
    ]
    if options.get("signing_certificate", True):
        parts.append(attributes.signing_certificate(request.certificate))
    if request.signing_time is not None:
        parts.append(attributes.signing_time(request.signing_time))
    if options.get("algorithm_protection", True):
        parts.append(attributes.algorithm_protection(digest_identifier, signature_identifier))
    media_type = document.media_type if document is not None else None
    if options or media_type is not None:
        parts += attributes.from_options(options, media_type)
    parts.sort()
    content = None
    if request.packaging is Packaging.ENVELOPING and existing is None and document is not None:
        content = document.octets()
    fields: dict[str, Any] = {
        "content_type": kind,
        "content": content,
        "digest": digest_identifier,
        "signer": encode(SEQUENCE, *attributes.issuer_and_serial(request.certificate)),
        "signature": signature_identifier,
        "certificates": [request.certificate, *request.chain],
        "existing": request.existing if existing is not None else None,
    }
    return BuildState(encode(SET, b"".join(parts)), fields)


def _content_type(options: Mapping[str, Any], existing: SignedData | None) -> bytes:
    stated = options.get("content_type")
    there = ID_DATA if existing is None else existing.content_type
    if not stated:
        return there
    try:
        wanted = oid(str(stated))
    except ValueError as error:
        raise SigningError(str(error), code="signing.option") from error
    if existing is not None and wanted != there:
        raise SigningError("the existing content is of another type", code="signing.option")
    return wanted


def assemble(state: BuildState, signature_value: bytes) -> bytes:
    """Put the signature value in and return the DER of the ContentInfo.

    Raises:
        InputError: ``existing`` in the state cannot be read.
    """
    fields = state.fields
    signer = encode(
        SEQUENCE,
        _V1,
        fields["signer"],
        fields["digest"],
        b"\xa0" + state.to_be_signed[1:],
        fields["signature"],
        encode(OCTET_STRING, signature_value),
    )
    if fields["existing"] is not None:
        return _append(fields, signer)
    kind = fields["content_type"]
    return _message(
        # RFC 5652 § 5.1: version 3 where the content is not id-data.
        1 if kind == ID_DATA else 3,
        fields["digest"],
        _encapsulated(kind, fields["content"]),
        b"".join(sorted(dict.fromkeys(fields["certificates"]))),
        b"",
        signer,
    )


# ── the message ───────────────────────────────────────────────────────────────────────────────


def _encapsulated(kind: bytes, content: bytes | None) -> list[bytes]:
    name = encode(OID, kind)
    if content is None:
        return [encode(SEQUENCE, name)]
    inner = _frame(OCTET_STRING, len(content))
    middle = _frame(0xA0, len(inner) + len(content))
    size = len(name) + len(middle) + len(inner) + len(content)
    return [_frame(SEQUENCE, size), name, middle, inner, content]


def _message(
    version: int,
    digests: bytes,
    encapsulated: list[bytes],
    certificates: bytes,
    crls: bytes,
    signers: bytes,
) -> bytes:
    """Join a ContentInfo; large parts are copied once only."""
    body = [
        bytes((2, 1, version)),
        encode(SET, digests),
        *encapsulated,
        encode(0xA0, certificates) if certificates else b"",
        encode(0xA1, crls) if crls else b"",
        encode(SET, signers),
    ]
    signed_data = _frame(SEQUENCE, sum(map(len, body)))
    size = len(signed_data) + sum(map(len, body))
    explicit = _frame(0xA0, size)
    name = encode(OID, ID_SIGNED_DATA)
    outer = _frame(SEQUENCE, len(name) + len(explicit) + size)
    return b"".join((outer, name, explicit, signed_data, *body))


def _frame(tag: int, size: int) -> bytes:
    """Identifier and length octets of a value of that size."""
    if size < 0x80:
        return bytes((tag, size))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets


def _append(fields: Any, signer: bytes) -> bytes:
    """Add a SignerInfo to a message; what is there keeps its octets."""
    message = SignedData.load(unwrap(fields["existing"]))
    data = message.data
    start, stop = message.digest_algorithms_span
    digests = data[start:stop]
    if fields["digest"] not in message.digest_algorithms:
        digests += fields["digest"]
    new = [der for der in fields["certificates"] if der not in message.certificates]
    certificates = _span(data, message.certificates_span) + b"".join(dict.fromkeys(new))
    first, last = message.encapsulated_span
    there = data[message.signer_spans[0][0] : message.signer_spans[-1][1]]
    return _message(
        message.version,
        digests,
        [data[first:last]],
        certificates,
        _span(data, message.crls_span),
        there + signer,
    )


def _span(data: bytes, span: tuple[int, int] | None) -> bytes:
    return b"" if span is None else data[span[0] : span[1]]


# ── what is signed ────────────────────────────────────────────────────────────────────────────


def _existing(request: SigningRequest) -> SignedData | None:
    if request.existing is None:
        return None
    message = SignedData.load(unwrap(request.existing))
    if message.trailing:
        raise SigningError(
            "octets follow after the existing signature; they would be lost",
            code="signing.existing",
        )
    if not message.signer_spans:
        raise InputError("the existing message has no signer", code="input.no-signature")
    attached = message.content_span is not None
    if attached is not (request.packaging is Packaging.ENVELOPING):
        raise SigningError(
            f"the existing message is {'attached' if attached else 'detached'}; "
            "a further signature must be so too",
            code="signing.packaging",
        )
    new = {request.certificate, *request.chain} - set(message.certificates)
    for signer in message.signers():
        if (
            new
            and signer.unsigned is not None
            and (
                oids.ARCHIVE_TIMESTAMP_V1 in signer.unsigned
                or oids.ARCHIVE_TIMESTAMP_V2 in signer.unsigned
            )
        ):
            raise SigningError(
                "an archive-time-stamp of the first two versions covers the set of certificates; "
                "adding one would break it",
                code="signing.existing",
                hint="make a separate detached signature",
            )
    return message


def _document(request: SigningRequest, existing: SignedData | None) -> Document | None:
    documents = request.documents
    if len(documents) > 1:
        raise UnsupportedError(
            "CAdES signs one document; sign each, or put them into a container",
            code="signing.documents",
        )
    if documents:
        return documents[0]
    if existing is None or existing.content_span is None:
        raise SigningError("there is no document to sign", code="signing.documents")
    return None


def _content_digest(
    document: Document | None, existing: SignedData | None, digest: DigestAlgorithm
) -> bytes:
    if existing is None:
        if document is None:
            raise SigningError("there is no document to sign", code="signing.documents")
        return document.digest(digest.name)
    content = existing.content
    if content is not None:
        value = digest.hash(content)
        if document is not None and document.digest(digest.name) != value:
            raise _other_document()
        return value
    if document is None:
        raise SigningError("there is no document to sign", code="signing.documents")
    _check_same_document(document, existing)
    return document.digest(digest.name)


def _check_same_document(document: Document, existing: SignedData) -> None:
    """A co-signature must cover what the first signer signed."""
    compared = False
    for signer in existing.signers():
        if signer.signed is None:
            continue
        stated = signer.signed.only(oids.MESSAGE_DIGEST)
        table = decode_digest_algorithm(signer.digest_algorithm)
        if stated is None or table is None:
            continue
        try:
            value = document.digest(table.name)
        except InputError:
            continue
        compared = True
        if value == signer.signed.data[stated[1] : stated[2]]:
            return
    if compared:
        raise _other_document()


def _other_document() -> SigningError:
    return SigningError(
        "the document is not the one that the existing signature covers",
        code="signing.other-document",
    )
