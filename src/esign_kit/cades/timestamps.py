"""Time-stamps in attributes and what their imprints cover (EN 319 122-1 § 5.3 to 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_by_oid
from esign_kit.asn1.algorithm_identifier import split
from esign_kit.asn1.cms import ID_TST_INFO, SignedData
from esign_kit.asn1.reader import SEQUENCE, encode, read_all
from esign_kit.cades import oids
from esign_kit.errors import InputError, LimitError
from esign_kit.model.signature import ParsedTimestamp, TimestampKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.asn1.cms import AttributeSet, SignerInfo
    from esign_kit.model.document import Document
    from esign_kit.trust.policy import ValidationPolicy

    Content = Callable[[], "bytes | Document | None"]

__all__ = ["timestamps"]

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
            for token in unsigned.values(kind):
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
    return lambda: None


def _joined(attributes: AttributeSet, *kinds: bytes) -> bytes:
    """Type and values of attributes, without the outer SEQUENCE (EN 319 122-1 § A.1.5)."""
    return b"".join(body for kind in kinds for body in attributes.bodies(kind))


def _archive_v3(
    message: SignedData, signer: SignerInfo, content: Content, token: bytes
) -> bytes | None:
    """The input of EN 319 122-1 § 5.5.3: content type, digest of content, signer, hash index."""
    stamp = SignedData.load(token)
    if stamp.content_type != ID_TST_INFO or stamp.content is None or len(stamp.signer_spans) != 1:
        raise InputError("archive-time-stamp without a time-stamp token", code="cades.timestamp")
    algorithm = _imprint_algorithm(stamp.content)
    index = _hash_index(stamp.signer(0))
    covered = content()
    if algorithm is None or index is None or covered is None:
        return None
    table = digest_by_oid(algorithm)
    if table is None:
        return None
    digest = table.hash(covered) if isinstance(covered, bytes) else covered.digest(table.name)
    head = signer.data[signer.start : signer.signature_stop]
    return encode(0x06, message.content_type) + digest + head + index


def _imprint_algorithm(tst_info: bytes) -> str | None:
    """OID of the digest in TSTInfo.messageImprint (RFC 3161 § 2.4.2)."""
    fields = read_all(tst_info, "TSTInfo").expect(SEQUENCE, "TSTInfo").items()
    if len(fields) < 3:
        raise InputError("malformed TSTInfo", code="cades.timestamp")
    parts = fields[2].expect(SEQUENCE, "messageImprint").items()
    return split(parts[0].raw)[0] if parts else None


def _hash_index(signer: SignerInfo) -> bytes | None:
    if signer.unsigned is None:
        return None
    for kind in (oids.ATS_HASH_INDEX_V3, oids.ATS_HASH_INDEX_V2, oids.ATS_HASH_INDEX):
        if kind in signer.unsigned:
            return signer.unsigned.only_raw(kind)
    return None
