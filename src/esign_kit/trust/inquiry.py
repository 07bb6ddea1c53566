"""One question to the engine: everything that its parts share while they answer it."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm, split
from esign_kit.asn1.certificate import Certificate, from_datetime, to_datetime
from esign_kit.crypto import load_public_key, verify
from esign_kit.errors import InputError, LimitError
from esign_kit.trust import cache
from esign_kit.trust.constraints import Budget
from esign_kit.trust.policy import Cache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.crypto import PublicKey
    from esign_kit.model.signature import Purpose
    from esign_kit.trust.building import Pool
    from esign_kit.trust.evidence import EvidenceIndex
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustStore

__all__ = ["Inquiry", "Signed", "shift"]


class Signed(Protocol):
    """What certificates, CRLs and OCSP answers have in common."""

    @property
    def der(self) -> bytes:
        """All octets."""
        ...

    @property
    def tbs(self) -> bytes:
        """The signed octets."""
        ...

    @property
    def signature(self) -> bytes:
        """The value."""
        ...

    @property
    def signature_algorithm(self) -> bytes:
        """DER of the AlgorithmIdentifier."""
        ...


class Helped(NamedTuple):
    """The path of a certificate that signs evidence: empty ``problem`` means that it holds."""

    problem: str
    expired: bool = False
    until: bytes = b""
    weak: str = ""


class HelperPath(Protocol):
    """Validates a certificate that signs evidence, under the same anchor."""

    def __call__(
        self, inquiry: Inquiry, certificate: Certificate, anchor: Certificate, at: bytes
    ) -> Helped:
        """Return whether its path holds at that time."""
        ...


class Inquiry:
    """Who is asked about, with which trust, evidence and policy, and what is left of the budget.

    Attributes:
        at: validation time; ``moment`` is the same as octets.
        known: evidence made up to this time counts (octets, clock skew included).
        checks: public-key operations that are left.
        busy: certificates whose status is being asked for; stops circles.
    """

    __slots__ = (
        "at",
        "budget",
        "busy",
        "candidates",
        "checks",
        "evidence",
        "extra",
        "helper_path",
        "helper_results",
        "known",
        "local",
        "moment",
        "own",
        "policy",
        "purpose",
        "trust",
    )

    def __init__(
        self,
        *,
        trust: TrustStore,
        own: Pool,
        extra: Pool | None,
        evidence: EvidenceIndex,
        at: datetime,
        known: datetime | None,
        policy: ValidationPolicy,
        purpose: Purpose,
        helper_path: HelperPath,
    ) -> None:
        self.trust = trust
        self.own = own
        self.extra = extra
        self.evidence = evidence
        self.at = at
        self.moment = from_datetime(at)
        self.known = from_datetime((known or at) + policy.clock_skew)
        self.policy = policy
        self.purpose = purpose
        self.budget = Budget(policy.limits.name_constraint_checks)
        self.checks = policy.limits.signature_checks
        self.candidates = policy.limits.path_candidates
        self.busy: set[bytes] = set()
        self.local: dict[tuple[bytes, bytes], bool] = {}
        self.helper_path = helper_path
        self.helper_results: dict[tuple[bytes, bytes, bytes], Helped] = {}

    def issuers_of(self, name: bytes) -> Sequence[Certificate]:
        """Return all certificates at hand with that subject."""
        found = self.own.named(name)
        if self.extra is not None:
            more = self.extra.named(name)
            if more:
                return list(dict.fromkeys((*found, *more)))
        return found

    def verify(self, item: Signed, spki: bytes, key: PublicKey | None = None) -> str:
        """Return why ``item`` is not signed by the key; empty if it is.

        Raises:
            LimitError: the budget of public-key operations is spent.
        """
        memory = (item.der, spki)
        known = self.local.get(memory)
        remembering = key is None and self.policy.cache is Cache.ON
        if known is None and remembering:
            known = cache.signatures.get(memory)
        if known is None:
            try:
                algorithm = decode_signature_algorithm(item.signature_algorithm)
                if algorithm is None:
                    oid = split(item.signature_algorithm)[0]
                    return f"signature algorithm {oid} is not supported"
                if key is None:
                    key = load_public_key(spki)
                if key.native is None:
                    return "the key of its issuer lacks its parameters"
                self.checks -= 1
                if self.checks < 0:
                    raise LimitError(
                        "too many signatures to check for one certificate",
                        code="limit.signature-checks",
                        hint="the limit is limits.signature_checks",
                    )
                known = verify(key, algorithm, item.signature, item.tbs)
            except LimitError:
                raise
            except InputError as error:
                return error.detail
            self.local[memory] = known
            if remembering:
                cache.signatures.put(memory, known)
        return "" if known else "the signature does not verify"

    def weakness(self, item: Signed, at: datetime) -> str:
        """Return why the algorithm of a signature does not count at that time; empty if it does."""
        try:
            algorithm = decode_signature_algorithm(item.signature_algorithm)
        except InputError as error:
            return error.detail
        if algorithm is None:
            return f"signature algorithm {split(item.signature_algorithm)[0]} is not supported"
        return algorithm_weakness(self.policy, algorithm, at)

    def key_weakness(self, certificate: Certificate, at: datetime) -> str:
        """Return why the key of a certificate does not count at that time; empty if it does.

        A key without parameters of its own is as strong as the one it inherits them from, which
        is judged on the same path.
        """
        try:
            key = load_public_key(certificate.spki)
            if key.native is None:
                return ""
        except InputError as error:
            return error.detail
        return self.policy.algorithms.key_problem(family_of(key), key.bits, at)

    def oldest(self, age: timedelta) -> bytes:
        """Return the validation time less ``age``."""
        return shift(self.moment, -age)


def algorithm_weakness(
    policy: ValidationPolicy, algorithm: SignatureAlgorithm, at: datetime
) -> str:
    """Return why the digest of a signature algorithm does not count at that time."""
    if algorithm.digest is None:
        return ""
    return policy.algorithms.digest_problem(algorithm.digest, at)


def family_of(key: PublicKey) -> str:
    """Return under which family of the algorithm policy a key is judged."""
    kind = key.type
    if kind == "RSA":
        return "RSA"
    if kind == "EC":
        return "ECDSA"
    if kind.startswith("ED"):
        return "EDDSA"
    if kind.startswith("ML-DSA"):
        return "ML-DSA"
    if kind.startswith(("GOST", "OZDST")):
        return "GOST"
    return kind


def shift(moment: bytes, by: timedelta) -> bytes:
    """Return a moment in octets, moved; it saturates at the ends of the calendar."""
    try:
        return from_datetime(to_datetime(moment).astimezone(UTC) + by)
    except (OverflowError, ValueError):
        return b"99991231235959Z" if by > timedelta(0) else b"00010101000000Z"
