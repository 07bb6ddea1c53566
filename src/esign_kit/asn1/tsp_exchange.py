"""The exchange with a time-stamping authority: TimeStampReq and TimeStampResp (RFC 3161 § 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esign_kit.asn1.algorithm_identifier import encode_digest_algorithm
from esign_kit.asn1.reader import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    decode_integer,
    encode,
    encode_integer,
    encode_oid,
    read_all,
    to_definite,
)
from esign_kit.asn1.tsp import MAX_TOKEN
from esign_kit.errors import InputError, LimitError

if TYPE_CHECKING:
    from esign_kit.model.document import Digest

__all__ = ["TimestampResponse", "encode_request"]

STATUS_WORDS = {
    0: "granted",
    1: "granted with modifications",
    2: "rejected",
    3: "waiting",
    4: "revocation warning",
    5: "revocation notification",
}
"""PKIStatus, RFC 3161 § 2.4.2."""

FAILURE_WORDS = {
    0: "the algorithm is not recognised or not supported",
    2: "the transaction is not permitted",
    5: "the data have the wrong format",
    14: "the authority's time source is not available",
    15: "the requested policy is not supported",
    16: "the requested extension is not supported",
    17: "additional information is needed and not available",
    25: "the request cannot be handled because of a system failure",
}
"""PKIFailureInfo, bit numbers of RFC 3161 § 2.4.2."""


@dataclass(frozen=True, slots=True)
class TimestampResponse:
    """A TimeStampResp (RFC 3161 § 2.4.2).

    Attributes:
        status: PKIStatus as a number; 0 and 1 come with a token.
        words: the authority's own text, if any.
        failures: numbers of the failure bits that are set.
        token: the token as octets; ``None`` if there is none.
    """

    status: int
    words: str
    failures: tuple[int, ...]
    token: bytes | None

    @staticmethod
    def load(data: bytes) -> TimestampResponse:
        """Read an answer.

        Raises:
            InputError: malformed.
        """
        if len(data) > MAX_TOKEN:
            raise LimitError("time-stamp answer larger than 4 MiB", code="timestamp.too-large")
        try:
            return _read_response(data)
        except InputError as error:
            if error.code != "asn1.ber":
                raise
        der, used = to_definite(data)
        if used != len(data):
            raise InputError("octets follow after the answer", code="asn1.trailing")
        return _read_response(der)

    @property
    def granted(self) -> bool:
        """The authority granted a token and sent it."""
        return self.status in (0, 1) and self.token is not None

    @property
    def reason(self) -> str:
        """Why there is no token, for people."""
        found = [STATUS_WORDS.get(self.status, f"status {self.status}")]
        found += [FAILURE_WORDS.get(bit, f"failure {bit}") for bit in self.failures]
        if self.words:
            found.append(repr(self.words))
        return ": ".join(found)


def _read_response(data: bytes) -> TimestampResponse:
    items = read_all(data, "time-stamp answer").expect(SEQUENCE, "TimeStampResp").items()
    if not 1 <= len(items) <= 2:
        raise InputError("malformed time-stamp answer", code="timestamp.malformed")
    parts = items[0].expect(SEQUENCE, "PKIStatusInfo").items()
    if not parts:
        raise InputError("malformed PKIStatusInfo", code="timestamp.malformed")
    status = decode_integer(parts[0].expect(INTEGER, "status").contents)
    words = ""
    failures: tuple[int, ...] = ()
    for part in parts[1:]:
        if part.tag == SEQUENCE:
            words = "; ".join(t.contents.decode("utf-8", "replace") for t in part)[:500]
        elif part.tag == BIT_STRING:
            bits = part.contents[1:5]
            failures = tuple(n for n in range(8 * len(bits)) if bits[n // 8] & 0x80 >> n % 8)
    return TimestampResponse(status, words, failures, items[1].raw if len(items) == 2 else None)


def encode_request(
    imprint: Digest,
    *,
    nonce: int | None = None,
    policy: str | None = None,
    certificates: bool = True,
) -> bytes:
    """Return the DER of a TimeStampReq (RFC 3161 § 2.4.1).

    Raises:
        UnsupportedError: the digest has no object identifier.
    """
    from esign_kit.algorithms import digest_algorithm

    algorithm = encode_digest_algorithm(digest_algorithm(imprint.algorithm))
    fields = [
        encode_integer(1),
        encode(SEQUENCE, algorithm, encode(OCTET_STRING, imprint.value)),
    ]
    if policy is not None:
        fields.append(encode_oid(policy))
    if nonce is not None:
        fields.append(encode_integer(nonce))
    if certificates:
        fields.append(encode(BOOLEAN, b"\xff"))
    return encode(SEQUENCE, *fields)
