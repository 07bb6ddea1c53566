"""Certificate policies as a graph that grows linearly (RFC 5280 § 6.1 as updated by RFC 9618).

A level holds at most one node for each policy; a node names its parents in the level above.
Nodes without children are not deleted on the way: at the end the graph is read from the bottom up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.names import decode_string, printable
from esign_kit.asn1.reader import OID, SEQUENCE, decode_oid, read_all
from esign_kit.errors import InputError, LimitError
from esign_kit.trust.facts import ANY_POLICY, Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ROOT", "Graph", "add", "conclude", "map_policies", "notices"]

_USER_NOTICE = "1.3.6.1.5.5.7.2.2"


class Node(NamedTuple):
    """A policy that is valid at one depth."""

    qualifiers: bytes
    expected: frozenset[str]
    parents: tuple[str, ...]


Level = dict[str, Node]
Graph = tuple[Level, ...]

_ANY_SET = frozenset({ANY_POLICY})
ROOT: Graph = ({ANY_POLICY: Node(b"", _ANY_SET, ())},)
"""RFC 5280 § 6.1.2 a: the initial graph."""


def add(
    graph: Graph, policies: Mapping[str, bytes], *, any_allowed: bool, most: int
) -> Graph | None:
    """Add the level of one certificate (RFC 5280 § 6.1.3 d); ``None`` if the graph ends here.

    Raises:
        LimitError: more nodes than ``most``.
    """
    above = graph[-1]
    if sum(len(level) for level in graph) + len(above) + len(policies) > most:
        raise LimitError(
            "too many certificate policies",
            code="limit.policies",
            hint="the limit is limits.policy_nodes",
        )
    expecting: dict[str, list[str]] = {}
    for oid, node in above.items():
        for wanted in node.expected:
            expecting.setdefault(wanted, []).append(oid)
    level: Level = {}
    has_any = ANY_POLICY in above
    for oid, qualifiers in policies.items():
        if oid == ANY_POLICY:
            continue
        parents = expecting.get(oid)
        if parents is not None:  # d 1 i
            level[oid] = Node(qualifiers, frozenset({oid}), tuple(parents))
        elif has_any:  # d 1 ii
            level[oid] = Node(qualifiers, frozenset({oid}), (ANY_POLICY,))
    if ANY_POLICY in policies and any_allowed:  # d 2
        qualifiers = policies[ANY_POLICY]
        for wanted, parents in expecting.items():
            if wanted not in level:
                level[wanted] = Node(qualifiers, frozenset({wanted}), tuple(parents))
    return (*graph, level) if level else None


def map_policies(graph: Graph, found: Facts, *, allowed: bool) -> Graph | None:
    """Apply policy mappings to the last level (RFC 5280 § 6.1.4 b)."""
    targets: dict[str, set[str]] = {}
    for issuer, subject in found.mappings:
        targets.setdefault(issuer, set()).add(subject)
    level = dict(graph[-1])
    for oid, mapped in targets.items():
        node = level.get(oid)
        if not allowed:  # b 2
            level.pop(oid, None)
        elif node is not None:  # b 1
            level[oid] = node._replace(expected=frozenset(mapped))
        elif ANY_POLICY in level:
            qualifiers = (found.policies or {}).get(ANY_POLICY, b"")
            level[oid] = Node(qualifiers, frozenset(mapped), (ANY_POLICY,))
    return (*graph[:-1], level) if level else None


def conclude(
    graph: Graph | None, wanted: frozenset[str] | None
) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """Intersect with the policies of the caller (RFC 5280 § 6.1.5 g).

    Args:
        graph: after the last certificate.
        wanted: user-initial-policy-set; ``None`` for any policy.

    Returns:
        The valid policies in the anchor's own domain, and the qualifiers that go with them. Both
        are empty where the intersection is.
    """
    if graph is None or len(graph) == 1:
        # Without certificates below the anchor nothing restricts the policies.
        return ((ANY_POLICY,), ()) if graph is not None else ((), ())
    # From the bottom up: which nodes have a descendant at the last level.
    alive: list[set[str]] = [set() for _ in graph]
    alive[-1] = set(graph[-1])
    for depth in range(len(graph) - 1, 0, -1):
        for oid in alive[depth]:
            alive[depth - 1].update(graph[depth][oid].parents)
    anything = wanted is None or ANY_POLICY in wanted
    # From the top down: keep what the caller wants. A policy belongs to the anchor's domain
    # where its parent is anyPolicy; below, it is kept if one of its parents is.
    kept: list[set[str]] = [{ANY_POLICY}]
    origin: list[dict[str, set[str]]] = [{ANY_POLICY: set()}]
    for depth in range(1, len(graph)):
        here: dict[str, set[str]] = {}
        for oid in alive[depth]:
            roots: set[str] = set()
            for parent in graph[depth][oid].parents:
                if parent == ANY_POLICY:
                    if oid == ANY_POLICY or anything or oid in wanted:  # type: ignore[operator]
                        roots.add(oid)
                elif parent in kept[depth - 1]:
                    roots |= origin[depth - 1][parent]
            if roots:
                here[oid] = roots
        kept.append(set(here))
        origin.append(here)
    last = origin[-1]
    valid = {root for roots in last.values() for root in roots}
    if ANY_POLICY in last and not anything:
        valid = (valid | wanted) - {ANY_POLICY}  # type: ignore[operator]
    return tuple(sorted(valid)), _qualifiers(graph, kept)


def _qualifiers(graph: Graph, kept: list[set[str]]) -> tuple[bytes, ...]:
    """Collect the qualifiers of all nodes that lead to a valid policy, the last level first."""
    found: dict[bytes, None] = {}
    here = kept[-1]
    for depth in range(len(graph) - 1, 0, -1):
        above: set[str] = set()
        for oid in sorted(here):
            node = graph[depth][oid]
            if node.qualifiers:
                found[node.qualifiers] = None
            above.update(parent for parent in node.parents if parent in kept[depth - 1])
        here = above
    return tuple(found)


def notices(qualifiers: tuple[bytes, ...]) -> tuple[str, ...]:
    """Return the explicit texts of user notices; what cannot be read is left out."""
    found: dict[str, None] = {}
    for value in qualifiers:
        try:
            for item in read_all(value).expect(SEQUENCE):
                parts = item.items()
                if len(parts) != 2 or decode_oid(parts[0].expect(OID).contents) != _USER_NOTICE:
                    continue
                for field in parts[1]:
                    if field.tag not in (SEQUENCE,):
                        text = decode_string(field.tag, field.contents)
                        if text:
                            found[printable(text)] = None
        except InputError:
            continue
    return tuple(found)
