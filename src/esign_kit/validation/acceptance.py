"""Signature acceptance (EN 319 102-1 § 5.2.8): algorithms and the claimed time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit import crypto
from esign_kit.errors import EsignError
from esign_kit.model.quick import later
from esign_kit.model.report import Check, CheckStatus, SubIndication
from esign_kit.validation.cryptographic import unknown_algorithm

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.signature import ParsedSignature
    from esign_kit.trust.path import PathResult
    from esign_kit.trust.policy import AlgorithmPolicy, ValidationPolicy

__all__ = ["check_algorithms", "check_signing_time"]


def check_algorithms(
    parsed: ParsedSignature,
    certificate: Certificate | None,
    path: PathResult | None,
    at: datetime,
    policy: ValidationPolicy,
) -> Check:
    """Judge every algorithm of the signature and its path at the time that is proven.

    Args:
        at: best signature time: an algorithm that has fallen since does not count against a
            signature that is proven to be older (EN 319 102-1 § 5.2.8.4.2).
    """
    if parsed.algorithm is None:
        return Check(
            "algorithm-strength",
            CheckStatus.INDETERMINATE,
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            unknown_algorithm(parsed.algorithm_label),
            code="algorithm.unsupported",
        )
    problems = algorithm_problems(parsed, certificate, at, policy.algorithms)
    if path is not None and path.algorithm_problem is not None:
        problems.append(path.algorithm_detail)
    if not problems:
        return _strong(parsed.algorithm.name)
    return Check(
        "algorithm-strength",
        CheckStatus.INDETERMINATE,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        "; ".join(dict.fromkeys(problems)),
        "a time-stamp from the time when the algorithm still counted would help",
        "algorithm.weak",
        {"signature": parsed.algorithm.name, "at": at},
    )


@lru_cache(maxsize=128)
def _strong(name: str) -> Check:
    return Check("algorithm-strength", CheckStatus.PASSED, detail=name, facts={"signature": name})


def algorithm_problems(
    parsed: ParsedSignature,
    certificate: Certificate | None,
    at: datetime,
    policy: AlgorithmPolicy,
) -> list[str]:
    """Return what the policy has against the algorithms of the signature itself."""
    algorithm = parsed.algorithm
    if algorithm is None:
        return ["unknown signature algorithm"]
    names = {algorithm.digest, parsed.digest_algorithm, algorithm.mgf_digest}
    for reference in parsed.references:
        names.add(reference.digest_algorithm)
    for binding in parsed.certificate_references[:1]:
        # SHA-1 is all that the old kind of property has, and only a second preimage breaks it.
        if binding.digest_algorithm != "SHA1":
            names.add(binding.digest_algorithm)
    problems = []
    if certificate is not None:
        try:
            bits = crypto.load_public_key(certificate.spki).bits
        except EsignError as error:
            problems.append(error.detail)
        else:
            # Nearly all signatures of a time use the same few: until when they count is looked up
            # once.
            question = (id(policy), algorithm.family, frozenset(names), bits)
            known = _accepted.get(question)
            if known is None:
                known = _acceptance(policy, algorithm.family, names, bits)
                if len(_accepted) >= 1024:
                    _accepted.clear()
                # The policy is kept with the answer, so that its id stays its own.
                _accepted[question] = known
            if known[1] is not None and at <= known[1]:
                return []
            problems.append(policy.key_problem(algorithm.family, bits, at))
    problems += [policy.digest_problem(name, at) for name in names if name is not None]
    return sorted(filter(None, problems))


_ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)
_accepted: dict[tuple[object, ...], tuple[AlgorithmPolicy, datetime | None]] = {}


def _acceptance(
    policy: AlgorithmPolicy, family: str, names: set[str | None], bits: int
) -> tuple[AlgorithmPolicy, datetime | None]:
    """Return until when the policy has nothing against these; ``None`` if it always has."""
    ends: list[datetime] = [_ALWAYS]
    for name in names:
        if name is not None:
            if name not in policy.digests:
                return policy, None
            ends.append(policy.digests[name] or _ALWAYS)
    for smallest, end in policy.families.get(family, ()):
        if bits >= smallest:
            return policy, min(*ends, end or _ALWAYS)
    return policy, None


_PASSED = CheckStatus.PASSED
_UNCLAIMED = Check(
    "signing-time",
    CheckStatus.NOT_RUN,
    detail="the signer claims no time",
    code="signing-time.absent",
)


def check_signing_time(
    parsed: ParsedSignature, best_signature_time: datetime, policy: ValidationPolicy
) -> Check:
    """Look at the time that the signer claims. It is shown, and moves no verdict.

    A claim that is later than the time at which the signature is proven to exist is a
    contradiction, and told.
    """
    claimed = parsed.claimed_signing_time
    if claimed is None:
        return _UNCLAIMED
    if claimed > policy.latest(best_signature_time):
        return Check(
            "signing-time",
            CheckStatus.INDETERMINATE,
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"claimed {_text(claimed)}, later than the signature is known to exist",
            code="signing-time.later-than-proof",
            facts={"claimed": claimed},
        )
    told = later(lambda: f"claimed {_text(claimed)}; a claim proves nothing")
    return Check("signing-time", _PASSED, None, told, "", "", {"claimed": claimed})


def _text(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")[:19] + " UTC"
