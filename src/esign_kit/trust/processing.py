"""Basic path validation, step by step as RFC 5280 § 6.1 numbers it.

The state after a CA certificate does not depend on what follows below it: where the standard
counts down from the length of the path plus one, nothing can come of it within the path, so the
counters start without a bound. That lets many leaves share the work on their issuers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1 import names
from esign_kit.errors import InputError, LimitError
from esign_kit.model.report import SubIndication
from esign_kit.trust import constraints as name_constraints, policies
from esign_kit.trust.facts import ANY_POLICY, Facts, facts, self_issued

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.constraints import Budget, NameConstraints
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["Failure", "State", "conclude", "initial", "next_state"]

_UNBOUNDED = 1 << 30


class Failure(NamedTuple):
    """Why a path falls."""

    problem: SubIndication
    code: str
    detail: str


class State(NamedTuple):
    """State variables (RFC 5280 § 6.1.2) after some certificates.

    Attributes:
        issuer: working_issuer_name.
        graph: valid_policy_graph; ``None`` for the empty one.
        explicit, mapping, inhibit_any: explicit_policy, policy_mapping, inhibit_anyPolicy.
        max_length: max_path_length.
        constraints: permitted and excluded subtrees, one set for each CA that has any.
        wanted: user-initial-policy-set, less what the anchor does not stand for.
    """

    issuer: bytes
    graph: policies.Graph | None
    explicit: int
    mapping: int
    inhibit_any: int
    max_length: int
    constraints: tuple[NameConstraints, ...]
    wanted: frozenset[str] | None


def initial(anchor: Certificate, policy: ValidationPolicy) -> State | Failure:
    """Return the state before the first certificate (§ 6.1.2), constraints of the anchor included.

    What stands in the anchor's own certificate is honoured as RFC 5937 § 3 describes.
    """
    state = State(
        anchor.subject,
        policies.ROOT,
        0 if policy.initial_explicit_policy else _UNBOUNDED,
        0 if policy.initial_policy_mapping_inhibit else _UNBOUNDED,
        0 if policy.initial_any_policy_inhibit else _UNBOUNDED,
        _UNBOUNDED if policy.max_path_length is None else policy.max_path_length,
        (),
        policy.initial_policies,
    )
    if not policy.anchor_constraints:
        return state
    found = facts(anchor)
    if found.problem:
        return _general("chain.anchor-malformed", anchor, found.problem)
    fault = _issuer_fault(anchor, found, anchor=True) or _critical_fault(anchor, found, policy)
    if fault is not None:
        return fault
    wanted = state.wanted
    if found.policies is not None and ANY_POLICY not in found.policies:
        stated = frozenset(found.policies)
        wanted = stated if wanted is None or ANY_POLICY in wanted else wanted & stated
        if not wanted and state.explicit == 0:
            return _policy_fault(anchor)
    if wanted is not state.wanted:
        state = state._replace(wanted=wanted)
    return _constrained(state, anchor, found, counting=False)


def next_state(
    state: State,
    certificate: Certificate,
    *,
    final: bool,
    policy: ValidationPolicy,
    budget: Budget,
) -> State | Failure:
    """Process one certificate (§ 6.1.3) and, unless it is the last, prepare for the next (§ 6.1.4).

    The signature (a 1), the validity (a 2) and the revocation (a 3) are judged by the caller.

    Raises:
        LimitError: more work than the policy allows.
    """
    found = facts(certificate)
    if found.problem:
        return _general("certificate.malformed", certificate, found.problem)
    if len(certificate.extensions) > policy.limits.extensions:
        raise LimitError(
            f"{certificate.label} has {len(certificate.extensions)} extensions",
            code="limit.extensions",
            hint="the limit is limits.extensions",
        )
    # (a 4) issuer name
    if certificate.issuer != state.issuer and not names.equal(certificate.issuer, state.issuer):
        return _general("chain.name", certificate, "its issuer is not the subject of the one above")
    # (b) (c) name constraints
    if state.constraints and (final or not self_issued(certificate)):
        try:
            broken = name_constraints.check(certificate, state.constraints, budget)
        except LimitError:
            raise
        except InputError as error:
            broken = error.detail
        if broken:
            return _general("chain.name-constraints", certificate, broken)
    # (d) (e) policies
    graph = state.graph
    if graph is not None:
        graph = None if found.policies is None else policies.add(
            graph,
            found.policies,
            any_allowed=state.inhibit_any > 0 or (not final and self_issued(certificate)),
            most=policy.limits.policy_nodes,
        )  # fmt: skip
    # (f)
    if state.explicit <= 0 and graph is None:
        return _policy_fault(certificate)
    state = State(
        certificate.subject,
        graph,
        state.explicit,
        state.mapping,
        state.inhibit_any,
        state.max_length,
        state.constraints,
        state.wanted,
    )
    if final:
        return _wrap_up(state, certificate, found, policy)
    return _prepare(state, certificate, found, policy)


def _prepare(
    state: State, certificate: Certificate, found: Facts, policy: ValidationPolicy
) -> State | Failure:
    """§ 6.1.4: prepare for the next certificate."""
    if found.mappings:
        if len(found.mappings) > policy.limits.policy_nodes:
            raise LimitError(
                f"{certificate.label} maps {len(found.mappings)} policies",
                code="limit.policies",
                hint="the limit is limits.policy_nodes",
            )
        # (a)
        if any(ANY_POLICY in pair for pair in found.mappings):
            return _general("chain.policy-mapping", certificate, "it maps anyPolicy")
        # (b)
        if state.graph is not None:
            graph = policies.map_policies(state.graph, found, allowed=state.mapping > 0)
            state = state._replace(graph=graph)
    # (k) (n)
    fault = _issuer_fault(certificate, found)
    if fault is not None:
        return fault
    # Counters without a bound never reach zero within a path; only bounded ones are counted.
    counting = min(
        state.max_length, state.explicit, state.mapping, state.inhibit_any
    ) < _UNBOUNDED and not self_issued(certificate)
    # (l)
    if counting:
        if state.max_length <= 0:
            return _general(
                "chain.path-length", certificate, "the path is longer than a CA above permits"
            )
        state = state._replace(max_length=_less(state.max_length))
    # (o) (p)
    fault = _critical_fault(certificate, found, policy)
    if fault is not None:
        return fault
    return _constrained(state, certificate, found, counting=counting)


def _constrained(
    state: State, certificate: Certificate, found: Facts, *, counting: bool
) -> State | Failure:
    """§ 6.1.4 (g) to (j) and (m): what this CA demands of those below."""
    if (
        not counting
        and found.path_length is None
        and not found.constraints
        and found.explicit is None
        and found.mapping is None
        and found.inhibit_any is None
    ):
        return state
    constraints = state.constraints
    if found.constraints:  # (g)
        try:
            constraints = (*constraints, name_constraints.parse(found.constraints))
        except InputError as error:
            return _general("chain.name-constraints", certificate, error.detail)
    explicit, mapping, inhibit_any = state.explicit, state.mapping, state.inhibit_any
    if counting:  # (h)
        explicit, mapping, inhibit_any = _less(explicit), _less(mapping), _less(inhibit_any)
    if found.explicit is not None:  # (i)
        explicit = min(explicit, found.explicit)
    if found.mapping is not None:
        mapping = min(mapping, found.mapping)
    if found.inhibit_any is not None:  # (j)
        inhibit_any = min(inhibit_any, found.inhibit_any)
    length = state.max_length
    if found.path_length is not None:  # (m)
        length = min(length, found.path_length)
    return State(
        state.issuer, state.graph, explicit, mapping, inhibit_any, length, constraints,
        state.wanted,
    )  # fmt: skip


def _wrap_up(
    state: State, certificate: Certificate, found: Facts, policy: ValidationPolicy
) -> State | Failure:
    """§ 6.1.5 (a) to (g)."""
    explicit = _less(state.explicit)  # (a)
    if found.explicit == 0:  # (b)
        explicit = 0
    fault = _critical_fault(certificate, found, policy)  # (e) (f)
    if fault is not None:
        return fault
    if explicit != state.explicit:
        state = state._replace(explicit=explicit)
    if explicit == 0:  # (g)
        valid, _ = policies.conclude(state.graph, state.wanted)
        if not valid:
            return _policy_fault(certificate)
    return state


def conclude(state: State) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the valid policies and the texts of their user notices (§ 6.1.6)."""
    valid, qualifiers = policies.conclude(state.graph, state.wanted)
    return valid, policies.notices(qualifiers) if qualifiers else ()


def _less(counter: int) -> int:
    return counter if counter in (0, _UNBOUNDED) else counter - 1


def _issuer_fault(
    certificate: Certificate, found: Facts, *, anchor: bool = False
) -> Failure | None:
    """§ 6.1.4 (k) and (n): may this certificate issue others?"""
    if found.ca is False:
        return _general("chain.not-a-ca", certificate, "it is no CA (basicConstraints)")
    if len(certificate.subject) <= 2:
        # RFC 5280 § 4.1.2.6: the subject of a CA is not empty; names could not chain otherwise.
        return _general("chain.name", certificate, "it issues and has no name")
    if found.ca is None and not anchor:
        # Versions 1 and 2 cannot say that they are a CA; only an anchor is known by other means.
        return _general("chain.not-a-ca", certificate, f"version {certificate.version}, no CA")
    try:
        usage = certificate.key_usage
    except InputError as error:
        return _general("certificate.malformed", certificate, error.detail)
    if usage is not None and "key_cert_sign" not in usage:
        return _general("chain.key-usage", certificate, "its key usage lacks keyCertSign")
    return None


def _critical_fault(
    certificate: Certificate, found: Facts, policy: ValidationPolicy
) -> Failure | None:
    for oid in found.critical:
        if oid not in policy.ignored_critical_extensions:
            return _general(
                "chain.critical-extension",
                certificate,
                f"critical extension {oid} is not processed",
            )
    return None


def _general(code: str, certificate: Certificate, detail: str) -> Failure:
    return Failure(
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, code, f"{certificate.label}: {detail}"
    )


def _policy_fault(certificate: Certificate) -> Failure:
    return Failure(
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        "chain.policy",
        f"{certificate.label}: no certificate policy is valid for the whole path",
    )
