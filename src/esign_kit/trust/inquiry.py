"""One question to the engine: everything that its parts share while they answer it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm, split
from esign_kit.asn1.times import from_datetime, in_calendar
from esign_kit.crypto import explain, load_public_key, verify
from esign_kit.errors import EsignError, InputError, LimitError
from esign_kit.trust import cache
from esign_kit.trust.constraints import Budget
from esign_kit.trust.policy import Cache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.crypto import PublicKey
    from esign_kit.model.signature import Purpose
    from esign_kit.trust.evidence import EvidenceIndex
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.pool import Pool
    from esign_kit.trust.session import Session
    from esign_kit.trust.store import TrustStore

__all__ = ["DEPTH", "Inquiry", "SearchOver", "Signed", "shift"]


# Bound once: Python 3.11 takes 90 ns to look a member of an enumeration up in its class.
_ON = Cache.ON
_FOREVER = b"99991231235959Z"

DEPTH = 8
"""How far one status may hang on others: signers of evidence, and issuers on their paths."""


class SearchOver(EsignError):
    """The search ends: a limit of the policy is reached."""

    default_code = "chain.budget"


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
        session: what all questions of one call share.
        sliding: the time in question is still being looked for (EN 319 102-1 § 5.6.2.2): evidence
            counts whatever its age, and its signers are judged at the time when they signed.
        until: until when every algorithm met so far counts.
        strengths: digests and keys judged so far; ``algorithms`` by their identifiers.
        busy: certificates whose status is being asked for; stops circles.
    """

    __slots__ = (
        "algorithms",
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
        "session",
        "sliding",
        "strengths",
        "trust",
        "until",
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
        moment: bytes = b"",
        session: Session,
    ) -> None:
        self.trust = trust
        self.own = own
        self.extra = extra
        self.evidence = evidence
        # Certificates and evidence know no parts of a second, and neither does what is kept.
        self.at = at.replace(microsecond=0) if at.microsecond else at
        self.moment = moment or from_datetime(at)
        self.known = from_datetime(policy.latest(known or at))
        self.policy = policy
        self.purpose = purpose
        self.sliding = False
        self.budget = Budget(policy.limits.name_constraint_checks)
        self.checks = policy.limits.signature_checks
        self.candidates = policy.limits.path_candidates
        self.busy: set[bytes] = set()
        self.session = session
        self.local: dict[tuple[bytes, bytes], bool] = {}
        self.strengths: dict[tuple[str, int], str] = {}
        self.algorithms: dict[bytes, str] = {}
        self.until = _FOREVER
        self.helper_path = helper_path
        self.helper_results: dict[tuple[bytes, bytes, bytes], Helped] = {}

    def named(self, name: bytes) -> Sequence[Certificate]:
        """Return the certificates at hand with just these octets as subject."""
        found = self.own.named(name)
        if self.extra is None:
            return found
        more = self.extra.named(name)
        if not found or not more:
            return found or more
        return tuple(dict.fromkeys((*found, *more)))

    def otherwise(self, name: bytes) -> Sequence[Certificate]:
        """Return those with the same name in other octets (RFC 5280 § 7.1)."""
        found = self.own.otherwise(name)
        if self.extra is None:
            return found
        return tuple(dict.fromkeys((*found, *self.extra.otherwise(name))))

    def issuers_of(self, name: bytes) -> Sequence[Certificate]:
        """Return all certificates at hand with that name as subject, however it is encoded."""
        return (*self.named(name), *self.otherwise(name))

    def signers(self) -> tuple[bytes, ...]:
        """Return the helpers that could sign evidence: what else is at hand changes no issuer."""
        if self.extra is None:
            return ()
        found = self.extra.signers
        if found is None:
            found = self.extra.signers = tuple(
                [c.der for c in self.extra.all if may_sign_evidence(c)]
            )
        return found

    def spend_candidate(self) -> None:
        """Count a path that was tried; raises :class:`SearchOver` when there were enough."""
        self.candidates -= 1
        if self.candidates < 0:
            raise SearchOver("too many candidate paths", hint="the limit is limits.path_candidates")

    def inherits(self, issuer: Certificate) -> bool:
        """Tell whether a key takes its parameters from the one above (DSA, RFC 3279 § 2.3.2)."""
        try:
            return load_public_key(issuer.spki).native is None
        except InputError:
            return False

    def verify(self, item: Signed, spki: bytes, key: PublicKey | None = None) -> str:
        """Return why ``item`` is not signed by the key; empty if it is.

        Raises:
            LimitError: the budget of public-key operations is spent.
        """
        memory = (item.der, spki)
        # What a key verifies that has inherited its parameters is known for this path only.
        near = self.session.signatures if key is None else self.local
        known = near.get(memory)
        if known is None:
            if key is None and self.policy.cache is _ON:
                known = cache.signatures.get(memory)
            if known is None:
                try:
                    known = self._verify(item, spki, key)
                except LimitError:
                    raise
                except InputError as error:
                    return error.detail
                if key is None and self.policy.cache is _ON:
                    cache.signatures.put(memory, known, len(item.der))
            near[memory] = known
        return "" if known else "the signature does not verify"

    def _verify(self, item: Signed, spki: bytes, key: PublicKey | None) -> bool:
        algorithm = decode_signature_algorithm(item.signature_algorithm)
        if algorithm is None:
            raise InputError(_unsupported(item.signature_algorithm))
        if key is None:
            key = load_public_key(spki)
        if key.native is None:
            raise InputError("the key of its issuer lacks its parameters")
        self.checks -= 1
        if self.checks < 0:
            raise LimitError(
                "too many signatures to check for one certificate",
                code="limit.signature-checks",
                hint="the limit is limits.signature_checks",
            )
        return verify(key, algorithm, item.signature, item.tbs)

    def weakness(self, item: Signed) -> str:
        """Return why the algorithm of a signature does not count; empty if it does."""
        identifier = item.signature_algorithm
        known = self.algorithms.get(identifier)
        if known is None:
            known = self.algorithms[identifier] = self._weakness(identifier)
        return known

    def _weakness(self, identifier: bytes) -> str:
        try:
            algorithm = decode_signature_algorithm(identifier)
        except InputError as error:
            return error.detail
        if algorithm is None:
            return _unsupported(identifier)
        if algorithm.digest is None:
            return ""
        return self._judged(algorithm.digest, 0)

    def key_weakness(self, certificate: Certificate) -> str:
        """Return why the key of a certificate does not count; empty if it does.

        A key without parameters of its own is as strong as the one it inherits them from, which
        is judged on the same path.
        """
        try:
            key = load_public_key(certificate.spki)
        except InputError as error:
            return error.detail
        return "" if key.native is None else self._judged(family_of(key), key.bits)

    def _judged(self, name: str, bits: int) -> str:
        """Judge a digest (``bits`` 0) or a key once; the end date bounds every answer."""
        known = self.strengths.get((name, bits))
        if known is None:
            rules = self.policy.algorithms
            if bits:
                known = rules.key_problem(name, bits, self.at)
            else:
                known = rules.digest_problem(name, self.at)
            self.strengths[name, bits] = known
            if not known:
                self.until = min(self.until, _end_of(self.policy, name, bits))
        return known


def _end_of(policy: ValidationPolicy, name: str, bits: int) -> bytes:
    end = strength_until(policy, name, bits)
    return _FOREVER if end is None or isinstance(end, str) else from_datetime(end)


def strength_until(policy: ValidationPolicy, name: str, bits: int) -> datetime | str | None:
    """Return until when a digest (``bits`` 0) or a key counts; a text where it never does."""
    rules = policy.algorithms
    if not bits:
        return rules.digests.get(name, f"digest {name} is not accepted")
    for smallest, end in rules.families.get(name, ()):
        if bits >= smallest:
            return end
    return f"{name} with {bits} bits is not accepted"


def may_sign_evidence(certificate: Certificate) -> bool:
    """Tell whether a certificate could sign CRLs or OCSP answers, or issue one that could."""
    found = certificate._cache.get("signs")
    if found is None:
        try:
            usage = certificate.key_usage
            basic = certificate.basic_constraints
            extended = certificate.extended_key_usage
            found = (
                usage is None
                or "crl_sign" in usage
                or (basic is not None and basic.ca)
                or (extended is not None and "1.3.6.1.5.5.7.3.9" in extended)
            )
        except InputError:
            found = True
        certificate._cache["signs"] = found
    return found  # type: ignore[return-value]


def _unsupported(identifier: bytes) -> str:
    oid = split(identifier)[0]
    text = explain(oid)
    return f"signature algorithm {oid} is not supported" + (f": {text}" if text else "")


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
    """Return a moment in octets, moved; it saturates at the ends of the calendar.

    One that no calendar has stays where it is: no real time lies between it and the next ones.
    """
    found = in_calendar(moment)
    if found is None:
        return moment
    try:
        return from_datetime(found + by)
    except OverflowError:
        return _FOREVER if by > timedelta(0) else b"00010101000000Z"
