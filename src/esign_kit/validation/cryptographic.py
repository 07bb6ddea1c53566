"""Cryptographic verification (EN 319 102-1 § 5.2.7): references first, then the signature value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit import crypto
from esign_kit.algorithms import digest_algorithm
from esign_kit.errors import EsignError, LimitError
from esign_kit.model.document import Coverage, Document, Scope
from esign_kit.model.report import Check, CheckStatus, SubIndication
from esign_kit.model.signature import Format
from esign_kit.trust.policy import CoverageRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.limits import Limits
    from esign_kit.model.signature import ParsedSignature, SignedReference
    from esign_kit.trust.policy import ValidationPolicy

__all__ = [
    "check_coverage",
    "check_references",
    "check_signature_value",
    "unknown_algorithm",
]

_VALUE_PASSED = Check(
    "signature-value", CheckStatus.PASSED, detail="the value verifies with the signer's key"
)
_COVERED = Check("coverage", CheckStatus.PASSED, detail="the whole document")
_OBJECTS_COVERED = Check("coverage", CheckStatus.PASSED, detail="the signed objects")
_FULL, _OBJECT = Coverage.FULL, Coverage.OBJECT


@dataclass(slots=True)
class _Outcome:
    """What came of one reference."""

    reference: SignedReference
    scope: Scope | None = None
    sub_indication: SubIndication | None = None
    detail: str = ""
    code: str = ""
    computed: bytes | None = None

    def facts(self) -> dict[str, Any]:
        reference = self.reference
        return {
            "id": reference.id,
            "kind": str(reference.kind),
            "uri": reference.uri,
            "digest_algorithm": reference.digest_algorithm or reference.algorithm_label,
            "stated": reference.digest_value.hex(),
            "computed": self.computed.hex() if self.computed is not None else None,
            "found": self.computed is not None or self.scope is not None,
            "intact": self.scope is not None,
            "code": self.code,
        }


def check_references(parsed: ParsedSignature, limits: Limits) -> tuple[tuple[Scope, ...], Check]:
    """Compare the digest of every reference with the octets that it covers.

    Returns:
        The scopes of the references that match, and the check ``reference-digest``.
    """
    references = parsed.references
    if not references:
        if parsed.signed_octets and isinstance(parsed.signed_octets[0], Document):
            # The value covers the content itself (raw, CMS without signed attributes).
            return (), Check(
                "reference-digest",
                CheckStatus.NOT_RUN,
                detail="no references: the signature value covers the content itself",
                code="reference.none",
            )
        return (), Check(
            "reference-digest",
            CheckStatus.INDETERMINATE,
            SubIndication.SIGNED_DATA_NOT_FOUND,
            "the signature refers to nothing",
            code="reference.none",
        )
    # A file is read once for each algorithm, however many references lead to it.
    read: dict[tuple[Document, str], bytes] = {}
    outcomes = [_check_reference(reference, limits, read) for reference in references]
    scopes = tuple([o.scope for o in outcomes if o.scope is not None])
    if len(scopes) == len(outcomes):
        return scopes, _ONE_PASSED if len(scopes) == 1 else _digests_passed(len(scopes))
    problems = [o for o in outcomes if o.sub_indication is not None]
    worst = next(
        (o for o in problems if o.sub_indication is SubIndication.HASH_FAILURE), problems[0]
    )
    failed = worst.sub_indication is SubIndication.HASH_FAILURE
    return scopes, Check(
        "reference-digest",
        CheckStatus.FAILED if failed else CheckStatus.INDETERMINATE,
        worst.sub_indication,
        worst.detail,
        _hint(worst),
        worst.code,
        {"references": [o.facts() for o in outcomes]},
    )


_ONE_PASSED = Check("reference-digest", CheckStatus.PASSED, detail="1 reference matches")


@lru_cache(maxsize=64)
def _digests_passed(number: int) -> Check:
    return Check("reference-digest", CheckStatus.PASSED, detail=f"{number} references match")


def _hint(outcome: _Outcome) -> str:
    if outcome.sub_indication is not SubIndication.SIGNED_DATA_NOT_FOUND:
        return ""
    named = " under the name that the signature uses" if outcome.reference.uri else ""
    return f"hand over the signed document as detached=[…]{named}"


def _label(reference: SignedReference) -> str:
    return f"reference {reference.uri!r}" if reference.uri else f"reference {reference.id}"


def _check_reference(
    reference: SignedReference, limits: Limits, read: dict[tuple[Document, str], bytes]
) -> _Outcome:
    if reference.error:
        return _Outcome(
            reference,
            sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE,
            detail=f"{_label(reference)}: {reference.error}",
            code=reference.error_code or "reference.unusable",
        )
    if reference.digest_algorithm is None:
        return _Outcome(
            reference,
            sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            detail=f"{_label(reference)}: {unknown_algorithm(reference.algorithm_label, 'digest')}",
            code="algorithm.unsupported",
        )
    computed: bytes | None = None
    problem: EsignError | None = None
    try:
        for octets, scope in reference.resolve():
            computed = _digest(octets, reference.digest_algorithm, limits, read)
            if computed == reference.digest_value:
                return _Outcome(reference, scope, None, "", "", computed)
    except EsignError as error:
        # A closed list says no, or a limit is reached: nobody knows whether it matches.
        problem = error
    if computed is not None and problem is None:
        return _Outcome(
            reference,
            sub_indication=SubIndication.HASH_FAILURE,
            detail=f"{_label(reference)}: the data are not what was signed",
            code="digest.mismatch",
            computed=computed,
        )
    return _Outcome(
        reference,
        sub_indication=SubIndication.SIGNED_DATA_NOT_FOUND
        if problem is None or problem.code.startswith("reference.")
        else SubIndication.SIG_CONSTRAINTS_FAILURE,
        detail=f"{_label(reference)}: "
        + (problem.detail if problem else "the signed data are not here"),
        code=problem.code if problem else "reference.not-found",
    )


def unknown_algorithm(label: str, what: str = "signature") -> str:
    """Say which algorithm the table does not have, with its name where that at least is known."""
    text = crypto.explain(label)
    return f"unknown {what} algorithm {label or '(none)'}" + (f": {text}" if text else "")


def _digest(
    octets: bytes | Document,
    algorithm: str,
    limits: Limits,
    read: dict[tuple[Document, str], bytes],
) -> bytes:
    if isinstance(octets, Document) and octets.is_file:
        key = (octets, algorithm)
        if key not in read:
            read[key] = _computed(octets, algorithm, limits)
        return read[key]
    return _computed(octets, algorithm, limits)


def _computed(octets: bytes | Document, algorithm: str, limits: Limits) -> bytes:
    table = digest_algorithm(algorithm)
    if table.slow:
        size = octets.size if isinstance(octets, Document) else len(octets)
        if size is not None and size > limits.slow_hash_size:
            raise LimitError(
                f"{algorithm} over {size} octets would take too long without native code",
                code="digest.slow",
                hint="install libgcrypt, or raise limits.slow_hash_size",
            )
        from esign_kit.crypto.national import slow_hash_limit

        with slow_hash_limit(limits.slow_hash_size):
            return octets.digest(algorithm) if isinstance(octets, Document) else table.hash(octets)
    if isinstance(octets, Document):
        return octets.digest(algorithm)
    return table.hash(octets)


def check_coverage(scopes: Sequence[Scope], policy: ValidationPolicy) -> Check:
    """Say how much of what a reader sees is covered (threat: signature wrapping).

    ``scopes`` are those of references that match; what did not match covers nothing.
    """
    objects = bool(scopes)
    for scope in scopes:
        if scope.coverage is _FULL:
            return _COVERED
        objects = objects and scope.coverage is _OBJECT
    if objects:
        return _OBJECTS_COVERED
    kinds = {scope.coverage for scope in scopes}
    facts = {"scopes": [{"name": s.name, "coverage": str(s.coverage)} for s in scopes]}
    data = kinds - {Coverage.NONE}
    if not data:
        return Check(
            "coverage",
            CheckStatus.INDETERMINATE,
            SubIndication.SIGNED_DATA_NOT_FOUND,
            "no signed data were found",
            code="coverage.none",
            facts=facts,
        )
    if Coverage.PARTIAL in data:
        parts = ", ".join(s.name or "(unnamed)" for s in scopes if s.coverage is Coverage.PARTIAL)
        if policy.coverage is CoverageRule.ANY:
            return Check(
                "coverage",
                CheckStatus.PASSED,
                detail=f"only a part: {parts}",
                code="coverage.partial",
                facts=facts,
            )
        return Check(
            "coverage",
            CheckStatus.INDETERMINATE,
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"only a part of the document is signed: {parts}",
            "read the content from .signed only, or accept parts with coverage=CoverageRule.ANY",
            "coverage.partial",
            facts,
        )
    if data == {Coverage.MANIFEST}:
        return Check(
            "coverage",
            CheckStatus.INDETERMINATE,
            SubIndication.SIGNED_DATA_NOT_FOUND,
            "a manifest is signed, but nothing that it lists was found",
            code="coverage.manifest-only",
            facts=facts,
        )
    return Check("coverage", CheckStatus.PASSED, detail="the signed objects", facts=facts)


def _national(name: str, key: crypto.PublicKey) -> Check:
    """The same for a national algorithm: who computed it, and what its key is remarkable for."""
    from esign_kit.crypto.national import provider

    facts: dict[str, Any] = {"algorithm": name, "curve": key.curve, "digests_by": provider()}
    if key.remarks:
        facts["remarks"] = list(key.remarks)
    return replace(_VALUE_PASSED, facts=facts)


def _contradiction(parsed: ParsedSignature, algorithm: SignatureAlgorithm) -> Check | None:
    """RFC 5652 § 5.4, RFC 8933 § 3: one digest algorithm for the content and what is signed.

    The parameters of RSASSA-PSS state theirs themselves; there the difference is only told.
    """
    if None in (parsed.digest_algorithm, algorithm.digest) or algorithm.family == "RSA-PSS":
        return None
    return Check(
        "signature-value",
        CheckStatus.FAILED,
        SubIndication.SIG_CRYPTO_FAILURE,
        f"the signature says that {parsed.digest_algorithm} is its digest, and signs with "
        f"{algorithm.name}",
        code="cms.digest-disagrees",
        facts={"algorithm": algorithm.name, "digest_algorithm": parsed.digest_algorithm},
    )


def check_signature_value(
    parsed: ParsedSignature, candidates: Sequence[Certificate], limits: Limits
) -> tuple[Certificate | None, Check]:
    """Verify the signature value with the key of a candidate certificate.

    Returns:
        The certificate whose key verified it (``None`` if none did) and the check
        ``signature-value``.
    """
    algorithm = parsed.algorithm
    if algorithm is None or not candidates or not parsed.signed_octets:
        return None, _nothing_to_verify(parsed, algorithm, candidates)
    if parsed.digest_algorithm != algorithm.digest and parsed.format is Format.CADES:
        contradiction = _contradiction(parsed, algorithm)
        if contradiction is not None:
            return None, contradiction
    problem: EsignError | None = None
    tried = 0
    for certificate in candidates:
        try:
            key = crypto.load_public_key(certificate.spki)
            for octets in parsed.signed_octets:
                tried += 1
                if crypto.verify(
                    key,
                    algorithm,
                    parsed.signature_value,
                    octets,
                    plain=parsed.plain_signature,
                    limits=limits,
                ):
                    if algorithm.family == "GOST":
                        return certificate, _national(algorithm.name, key)
                    return certificate, _VALUE_PASSED
        except EsignError as error:
            problem = error
    if problem is not None and (not tried or len(candidates) == 1):
        return None, _undecided(problem, algorithm)
    return None, Check(
        "signature-value",
        CheckStatus.FAILED,
        SubIndication.SIG_CRYPTO_FAILURE,
        f"the signature value does not verify with the key of {candidates[0].label}",
        code="signature.bad",
        facts={"algorithm": algorithm.name},
    )


def _nothing_to_verify(
    parsed: ParsedSignature,
    algorithm: SignatureAlgorithm | None,
    candidates: Sequence[Certificate],
) -> Check:
    """Say what is missing: the algorithm, else the key, else the data."""
    if algorithm is None:
        return Check(
            "signature-value",
            CheckStatus.INDETERMINATE,
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            unknown_algorithm(parsed.algorithm_label),
            code="algorithm.unsupported",
            facts={"algorithm": parsed.algorithm_label},
        )
    if not candidates:
        return Check(
            "signature-value",
            CheckStatus.NOT_RUN,
            detail="without the signer's certificate there is no key to verify with",
            code="certificate.missing",
        )
    return Check(
        "signature-value",
        CheckStatus.INDETERMINATE,
        SubIndication.SIGNED_DATA_NOT_FOUND,
        "the data that the signature value covers are not here",
        "hand over the signed document as detached=[…]",
        "reference.not-found",
    )


def _undecided(problem: EsignError, algorithm: SignatureAlgorithm) -> Check:
    """Say why the value could not be verified with the one key that there is."""
    return Check(
        "signature-value",
        CheckStatus.INDETERMINATE,
        SubIndication.SIGNED_DATA_NOT_FOUND
        if problem.code == "input.digest-only-document"
        else SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
        problem.detail,
        problem.hint,
        problem.code,
        {"algorithm": algorithm.name},
    )
