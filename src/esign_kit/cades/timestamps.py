"""Time-stamps in attributes and what their imprints cover (EN 319 122-1 § 5.3 to 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.algorithm_identifier import decode_digest_algorithm
from esign_kit.asn1.cms import ID_TST_INFO, SignedData
from esign_kit.asn1.reader import (
    OCTET_STRING,
    OID,
    SEQUENCE,
    children,
    decode_time,
    encode,
    header,
    read_all,
)
from esign_kit.cades import oids
from esign_kit.errors import InputError, LimitError
from esign_kit.model.signature import ParsedTimestamp, TimestampKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.algorithms import DigestAlgorithm
    from esign_kit.asn1.cms import AttributeSet, SignerInfo
    from esign_kit.model.document import Document
    from esign_kit.trust.policy import ValidationPolicy

    Content = Callable[[], "bytes | Document | None"]

__all__ = ["hash_index_problem", "timestamps"]

_ARCHIVE = (oids.ARCHIVE_TIMESTAMP_V1, oids.ARCHIVE_TIMESTAMP_V2, oids.ARCHIVE_TIMESTAMP_V3)

_UNSIGNED = (
    (oids.SIGNATURE_TIMESTAMP, TimestampKind.SIGNATURE),
    (oids.CADES_C_TIMESTAMP, TimestampKind.SIGNATURE_AND_REFERENCES),
    (oids.REFERENCES_TIMESTAMP, TimestampKind.REFERENCES),
    (oids.ARCHIVE_TIMESTAMP_V1, TimestampKind.ARCHIVE),
    (oids.ARCHIVE_TIMESTAMP_V2, TimestampKind.ARCHIVE),
    (oids.ARCHIVE_TIMESTAMP_V3, TimestampKind.ARCHIVE),
)


def timestamps(
    message: SignedData, signer: SignerInfo, content: Content, policy: ValidationPolicy
) -> tuple[ParsedTimestamp, ...]:
    """Return the time-stamps of a signer, in the order of their attributes.

    Args:
        message: the message that the signer stands in.
        signer: the SignerInfo.
        content: returns the signed content, or ``None`` where it is not at hand.
        policy: its limits bound the number of time-stamps.

    Raises:
        LimitError: more time-stamps than ``policy.limits.timestamps``.
    """
    found: list[ParsedTimestamp] = []
    signed, unsigned = signer.signed, signer.unsigned
    if signed is not None and oids.CONTENT_TIMESTAMP in signed:
        for token in signed.values(oids.CONTENT_TIMESTAMP):
            found.append(
                ParsedTimestamp(
                    kind=TimestampKind.CONTENT,
                    token=token,
                    imprint=content,
                    source="content-time-stamp",
                )
            )
    if unsigned is not None:
        for kind, meaning in _UNSIGNED:
            if kind not in unsigned:
                continue
            for value in unsigned.values(kind):
                token = _unwrapped(value)
                found.append(
                    ParsedTimestamp(
                        kind=meaning,
                        token=token,
                        imprint=_imprint(kind, message, signer, content, token),
                        source=oids.NAMES[kind],
                    )
                )
    if len(found) > policy.limits.timestamps:
        raise LimitError(
            f"{len(found)} time-stamps in one signature; the limit is {policy.limits.timestamps}",
            code="limits.timestamps",
        )
    return tuple(found)


def _unwrapped(value: bytes) -> bytes:
    """The token; some writers put it into an OCTET STRING."""
    if value[:1] != b"\x04":
        return value
    _, start, stop = header(value, 0, len(value))
    return value[start:stop]


def _imprint(
    kind: bytes, message: SignedData, signer: SignerInfo, content: Content, token: bytes
) -> Content:
    unsigned = signer.unsigned
    if kind == oids.SIGNATURE_TIMESTAMP:
        signature = signer.signature
        return lambda: signature
    if unsigned is None:
        return lambda: None
    if kind == oids.CADES_C_TIMESTAMP:
        return lambda: (
            signer.signature
            + _joined(
                unsigned,
                oids.SIGNATURE_TIMESTAMP,
                oids.CERTIFICATE_REFERENCES,
                oids.REVOCATION_REFERENCES,
            )
        )
    if kind == oids.REFERENCES_TIMESTAMP:
        return lambda: _joined(unsigned, oids.CERTIFICATE_REFERENCES, oids.REVOCATION_REFERENCES)
    if kind == oids.ARCHIVE_TIMESTAMP_V3:
        return lambda: _archive_v3(message, signer, content, token)
    if kind == oids.ARCHIVE_TIMESTAMP_V2:
        return lambda: _archive_v2(message, signer, unsigned, content, token)
    # The first version left encodings open; what its imprint covers is not computed.
    return lambda: None


def _joined(attributes: AttributeSet, *kinds: bytes) -> bytes:
    """Type and values of attributes, without the outer SEQUENCE (EN 319 122-1 § A.1.5)."""
    return b"".join(body for kind in kinds for body in attributes.bodies(kind))


# ── archive time-stamps ───────────────────────────────────────────────────────────────────────


def _archive_v3(
    message: SignedData, signer: SignerInfo, content: Content, token: bytes
) -> bytes | None:
    """The input of EN 319 122-1 § 5.5.3: content type, digest of content, signer, hash index."""
    stamp = SignedData.load(token)
    algorithm, _, _ = _token_info(stamp)
    covered = content()
    if algorithm is None or covered is None:
        return None
    digest = (
        algorithm.hash(covered) if isinstance(covered, bytes) else covered.digest(algorithm.name)
    )
    head = signer.data[signer.start : signer.signature_stop]
    return encode(OID, message.content_type) + digest + head + _hash_index(stamp.signer(0))


def _hash_index(signer: SignerInfo) -> bytes:
    if signer.unsigned is not None:
        for kind in (oids.ATS_HASH_INDEX_V3, oids.ATS_HASH_INDEX_V2, oids.ATS_HASH_INDEX):
            if kind in signer.unsigned:
                return signer.unsigned.only_raw(kind) or b""
    return b""


def hash_index_problem(message: SignedData, signer: SignerInfo) -> str:
    """Return what is wrong with the hash indices of archive time-stamps; empty if nothing.

    Every hash in an index must be that of a certificate or CRL of the message
    (EN 319 122-1 § 5.5.2); else what was protected has been taken out or replaced.
    """
    unsigned = signer.unsigned
    if unsigned is None or oids.ARCHIVE_TIMESTAMP_V3 not in unsigned:
        return ""
    for token in unsigned.values(oids.ARCHIVE_TIMESTAMP_V3):
        try:
            index = _hash_index(SignedData.load(_unwrapped(token)).signer(0))
            if not index:
                return "an archive-time-stamp-v3 has no hash index"
            problem = _index_problem(message, index)
        except (InputError, IndexError):
            return "the hash index of an archive-time-stamp-v3 cannot be read"
        if problem:
            return problem
    return ""


def _index_problem(message: SignedData, index: bytes) -> str:
    parts = read_all(index, "ats-hash-index").expect(SEQUENCE, "ats-hash-index").items()
    algorithm = digest_algorithm("SHA256")
    if len(parts) == 4:
        stated = decode_digest_algorithm(parts.pop(0).raw)
        if stated is None:
            return "the hash index of an archive-time-stamp-v3 uses an unknown digest"
        algorithm = stated
    if len(parts) != 3:
        raise InputError("malformed ats-hash-index", code="cades.timestamp")
    for part, span, what in (
        (parts[0], message.certificates_span, "certificate"),
        (parts[1], message.crls_span, "CRL"),
    ):
        hashes = {item.expect(OCTET_STRING).contents for item in part.expect(SEQUENCE)}
        if not hashes:
            continue
        start, stop = span if span is not None else (0, 0)
        here = {algorithm.hash(item.raw) for item in children(message.data, start, stop)}
        if not hashes <= here:
            return f"the hash index of an archive-time-stamp-v3 names a {what} that is not here"
    return ""


def _archive_v2(
    message: SignedData,
    signer: SignerInfo,
    unsigned: AttributeSet,
    content: Content,
    token: bytes,
) -> bytes | None:
    """The input of RFC 5126 § 6.4.1: everything, with the unsigned attributes of its time.

    Practice knows the unsigned attributes with and without the identifier and length of their
    set; the form whose digest is the imprint is returned, else the first.
    """
    data = message.data
    algorithm, imprint, made = _token_info(SignedData.load(token))
    start, stop = message.encapsulated_span
    parts = [data[start:stop]]
    if message.content_span is None:
        covered = content()
        if covered is None:
            return None
        parts.append(covered if isinstance(covered, bytes) else covered.octets())
    for tag, span in ((0xA0, message.certificates_span), (0xA1, message.crls_span)):
        if span is not None:
            parts.append(encode(tag, data[span[0] : span[1]]))
    parts.append(signer.data[signer.start : signer.signature_stop])
    attributes = _attributes_before(unsigned, token, made)
    head = b"".join(parts)
    forms = (head + encode(0xA1, attributes), head + attributes)
    if algorithm is not None:
        for form in forms:
            if algorithm.hash(form) == imprint:
                return form
    return forms[0]


def _attributes_before(unsigned: AttributeSet, token: bytes, made: bytes) -> bytes:
    """Unsigned attributes without this archive time-stamp and those that came after it."""
    data = unsigned.data
    kept = []
    for kind, entries in unsigned.by_type.items():
        for start, stop, first, last in entries:
            if kind in _ARCHIVE:
                tokens = [value.raw for value in children(data, first, last)]
                times = [
                    b"" if item == token else _token_info(SignedData.load(item))[2]
                    for item in tokens
                ]
                if token in tokens or any(time >= made for time in times):
                    continue
            kept.append((start, data[start:stop]))
    return b"".join(raw for _, raw in sorted(kept))


def _token_info(stamp: SignedData) -> tuple[DigestAlgorithm | None, bytes, bytes]:
    """Return digest algorithm, imprint and genTime of a token (RFC 3161 § 2.4.2)."""
    if stamp.content_type != ID_TST_INFO or stamp.content is None or len(stamp.signer_spans) != 1:
        raise InputError("no time-stamp token in a time-stamp", code="cades.timestamp")
    fields = read_all(stamp.content, "TSTInfo").expect(SEQUENCE, "TSTInfo").items()
    if len(fields) < 5:
        raise InputError("malformed TSTInfo", code="cades.timestamp")
    parts = fields[2].expect(SEQUENCE, "messageImprint").items()
    if len(parts) != 2:
        raise InputError("malformed messageImprint", code="cades.timestamp")
    return (
        decode_digest_algorithm(parts[0].raw),
        parts[1].expect(OCTET_STRING, "hashedMessage").contents,
        decode_time(fields[4].tag, fields[4].contents),
    )
