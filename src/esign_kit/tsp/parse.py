"""A lone time-stamp: a token (or a whole answer of an authority) over data that stand beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1 import tsp
from esign_kit.asn1.algorithm_identifier import split
from esign_kit.asn1.reader import decode_time, read_all
from esign_kit.asn1.tsp_exchange import TimestampResponse
from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Coverage, Digest, Scope
from esign_kit.model.signature import (
    Finding,
    Format,
    Packaging,
    ParsedSignature,
    ParsedTimestamp,
    ReferenceKind,
    SignedDocument,
    SignedReference,
    SignerHint,
    TimestampKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from esign_kit.model.document import Document
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["parse", "recognises"]

LEVEL = "RFC3161"


def recognises(data: bytes) -> bool:
    """Tell cheaply whether this is a time-stamp token or a time-stamp answer, DER or BER."""
    return tsp.is_token(data) or tsp.is_response(data)


def parse(data: bytes, *, detached: Sequence[Document], policy: ValidationPolicy) -> SignedDocument:
    """Read a lone time-stamp.

    The one :class:`ParsedSignature` carries the token as its only time-stamp; its imprint covers
    the detached document (of several, the one whose digest is in the token).

    Raises:
        InputError: no time-stamp (``input.no-signature``), or an answer without a token.
        LimitError: larger than ``policy.limits``.
    """
    if len(data) > policy.limits.signature_size:
        raise LimitError(
            f"the time-stamp has {len(data)} octets, more than the limit",
            code="input.over-limit",
        )
    if not recognises(data):
        raise InputError("this is no time-stamp", code="input.no-signature")
    token = data
    if not tsp.is_token(data):
        answer = TimestampResponse.load(data)
        if answer.token is None:
            raise InputError(
                f"the time-stamping authority sent no token: {answer.reason}",
                code="input.no-signature",
                hint="ask for the time-stamp again and keep the token",
            )
        token = answer.token
    signature = _signature(token, tuple(detached))
    return SignedDocument(
        format=Format.TIMESTAMP,
        signatures=(signature,),
        certificates=signature.certificates,
    )


def _signature(token: bytes, documents: tuple[Document, ...]) -> ParsedSignature:
    try:
        view = tsp.TimestampToken.load(token)
    except InputError as error:
        return _broken(token, error, documents)
    info = view.info
    chosen = _choose(info, documents)
    stamp = ParsedTimestamp(
        kind=TimestampKind.CONTENT, token=token, imprint=lambda: chosen, source="TimeStampToken"
    )
    references: tuple[SignedReference, ...] = ()
    if info is not None:
        references = (
            SignedReference(
                id="messageImprint",
                kind=ReferenceKind.DATA,
                digest_algorithm=info.imprint_algorithm,
                digest_value=info.imprint,
                resolve=_resolver(chosen, info),
                algorithm_label=info.imprint_algorithm_oid,
            ),
        )
    return ParsedSignature(
        id="S-1",
        format=Format.TIMESTAMP,
        level=LEVEL,
        packaging=Packaging.DETACHED,
        algorithm=view.algorithm,
        algorithm_label=split(view.signature_algorithm)[0],
        signature_value=view.signature,
        signed_octets=(view.signed_octets,),
        references=references,
        digest_algorithm=view.digest_algorithm,
        certificate_references=view.references,
        certificate_reference_attribute=bool(view.references),
        signer=SignerHint(
            issuer=view.signer_issuer,
            serial=view.signer_serial,
            subject_key_identifier=view.signer_key_identifier,
        ),
        certificates=view.certificates,
        crls=view.crls,
        ocsp_responses=view.ocsp_responses,
        claimed_signing_time=_claimed(view),
        timestamps=(stamp,),
    )


def _broken(token: bytes, error: InputError, documents: tuple[Document, ...]) -> ParsedSignature:
    first = documents[0] if documents else None
    return ParsedSignature(
        id="S-1",
        format=Format.TIMESTAMP,
        level=LEVEL,
        packaging=Packaging.DETACHED,
        algorithm=None,
        algorithm_label="",
        signature_value=b"",
        signed_octets=(),
        references=(),
        timestamps=(
            ParsedTimestamp(
                kind=TimestampKind.CONTENT,
                token=token,
                imprint=lambda: first,
                source="TimeStampToken",
            ),
        ),
        findings=(Finding(error.code, error.detail, fatal=True),),
    )


def _choose(info: tsp.TstInfo | None, documents: tuple[Document, ...]) -> Document | None:
    if len(documents) < 2 or info is None or info.imprint_algorithm is None:
        return documents[0] if documents else None
    for document in documents:
        try:
            if document.digest(info.imprint_algorithm) == info.imprint:
                return document
        except InputError:
            continue
    return documents[0]


def _resolver(
    document: Document | None, info: tsp.TstInfo
) -> Callable[[], Iterable[tuple[bytes | Document, Scope]]]:
    def resolve() -> Iterable[tuple[bytes | Document, Scope]]:
        if document is None:
            return
        yield (
            document,
            Scope(
                name=document.name or "",
                coverage=Coverage.FULL if document.has_octets else Coverage.DIGEST,
                digest=Digest(info.imprint_algorithm or "", info.imprint),
                document=document,
                description="time-stamped data",
            ),
        )

    return resolve


def _claimed(view: tsp.TimestampToken) -> datetime | None:
    from esign_kit.asn1.times import to_datetime

    try:
        value = view.single(tsp.SIGNING_TIME)
        if value is None:
            return None
        item = read_all(value, "signingTime")
        return to_datetime(decode_time(item.tag, item.contents))
    except InputError:
        return None
