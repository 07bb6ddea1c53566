"""Asking a time-stamping authority for a token (RFC 3161 § 2.4, § 3.4)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from esign_kit.asn1.tsp import TST_INFO, TimestampToken
from esign_kit.asn1.tsp_exchange import TimestampResponse, encode_request
from esign_kit.errors import EvidenceError, InputError
from esign_kit.model.evidence import FetchPurpose, FetchRequest

if TYPE_CHECKING:
    from esign_kit.asn1.tsp import TstInfo
    from esign_kit.model.document import Digest
    from esign_kit.model.evidence import Fetcher

__all__ = ["request"]

_QUERY = "application/timestamp-query"


def request(
    imprint: Digest,
    url: str,
    fetcher: Fetcher,
    *,
    policy: str | None = None,
    nonce: int | None = None,
) -> bytes:
    """Ask for a time-stamp and check that the answer is one to this question.

    What is checked is what only the asker can know: that the authority granted it, and that
    imprint, nonce and policy are those that were asked for. Whether the token is *good* is the
    business of ``esign_kit.validation.timestamps``.

    Args:
        imprint: digest of the octets to be stamped.
        url: of the authority.
        fetcher: the way to the network.
        policy: OID under which the token is to be made; the authority's own by default.
        nonce: a positive number; random by default.

    Returns:
        The token (DER or BER, as it came).

    Raises:
        EvidenceError: nothing came, or ``timestamp.refused timestamp.malformed timestamp.imprint
            timestamp.nonce timestamp.policy timestamp.no-certificate``.
        UnsupportedError: the digest has no object identifier.
    """
    if nonce is None:
        # The top bit but one is set: a sign can neither be lost nor gained on the way.
        nonce = secrets.randbits(62) | 1 << 62
    question = encode_request(imprint, nonce=nonce, policy=policy)
    response = fetcher.fetch(FetchRequest(FetchPurpose.TIMESTAMP, url, question, _QUERY))
    try:
        answer = TimestampResponse.load(response.body)
    except InputError as error:
        raise EvidenceError(
            f"{url} did not answer with a time-stamp: {error.detail}", code="timestamp.malformed"
        ) from error
    if not answer.granted or answer.token is None:
        raise EvidenceError(
            f"the time-stamping authority sent no token: {answer.reason}", code="timestamp.refused"
        )
    try:
        token = TimestampToken.load(answer.token)
    except InputError as error:
        raise EvidenceError(
            f"{url} sent a malformed token: {error.detail}", code="timestamp.malformed"
        ) from error
    if token.info is None:
        raise EvidenceError(
            f"{url} sent a signature of {token.content_type} in place of {TST_INFO}",
            code="timestamp.malformed",
        )
    _compare(token.info, imprint, policy, nonce)
    if not token.certificates:
        raise EvidenceError(
            "the token came without the authority's certificate, which was asked for",
            code="timestamp.no-certificate",
        )
    return answer.token


def _compare(info: TstInfo, imprint: Digest, policy: str | None, nonce: int) -> None:
    if (info.imprint_algorithm, info.imprint) != (imprint.algorithm, imprint.value):
        raise EvidenceError("the time-stamp is over another digest", code="timestamp.imprint")
    if info.nonce != nonce:
        raise EvidenceError("the time-stamp answers another question", code="timestamp.nonce")
    if policy is not None and info.policy != policy:
        raise EvidenceError(
            f"the time-stamp was made under policy {info.policy}, not {policy}",
            code="timestamp.policy",
        )
