"""Path building (RFC 4158): every candidate that the names allow, the likely ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1 import names
from esign_kit.crypto import load_public_key
from esign_kit.errors import EsignError, InputError
from esign_kit.trust.facts import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.inquiry import Inquiry

__all__ = ["DeadEnd", "Pool", "paths"]


class Pool:
    """Certificates by subject. Names are compared by their octets first, by RFC 5280 § 7.1 then."""

    __slots__ = ("_equal", "_normalised", "all", "by_subject")

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self.all: tuple[Certificate, ...] = tuple(dict.fromkeys(certificates))
        self.by_subject: dict[bytes, list[Certificate]] = {}
        for certificate in self.all:
            self.by_subject.setdefault(certificate.subject, []).append(certificate)
        self._normalised: dict[object, list[bytes]] | None = None
        self._equal: dict[bytes, Sequence[Certificate]] = {}

    def named(self, name: bytes) -> Sequence[Certificate]:
        """Return the certificates with that subject, however the name is encoded."""
        found = self._equal.get(name)
        if found is None:
            found = self._named(name)
            if len(self._equal) < 4096:
                self._equal[name] = found
        return found

    def _named(self, name: bytes) -> Sequence[Certificate]:
        exact = self.by_subject.get(name, [])
        if len(self.by_subject) == (1 if exact else 0):
            return exact
        if self._normalised is None:
            self._normalised = {}
            for subject in self.by_subject:
                try:
                    key = names.normalised(subject)
                except InputError:
                    continue
                self._normalised.setdefault(key, []).append(subject)
        try:
            spellings = self._normalised.get(names.normalised(name), ())
        except InputError:
            return exact
        if not spellings or list(spellings) == [name]:
            return exact
        return [
            *exact,
            *(c for other in spellings if other != name for c in self.by_subject[other]),
        ]


class DeadEnd(EsignError):
    """The search is over: a limit of the policy is reached."""

    default_code = "chain.budget"


def paths(
    certificate: Certificate, inquiry: Inquiry, dead: list[tuple[tuple[Certificate, ...], str]]
) -> Iterator[tuple[Certificate, ...]]:
    """Yield paths from ``certificate`` to certificates that could be anchors, likely ones first.

    Every link has a signature that verifies. A candidate that stands in the path already, as
    itself or as the same name with the same key, is a loop and is left out.

    Args:
        certificate: where the paths start.
        inquiry: pools, anchors, budget.
        dead: receives the ends of the search that led nowhere, and why.

    Raises:
        LimitError: the budget of signature checks is spent.
    """
    anchors = inquiry.trust
    stack: list[tuple[tuple[Certificate, ...], Iterator[Certificate]]] = []
    path: tuple[Certificate, ...] = (certificate,)
    if _is_anchor(certificate, inquiry):
        yield path
    stack.append((path, iter(_candidates(certificate, inquiry))))
    longest = inquiry.policy.limits.path_length
    extended = {path: False}
    del anchors
    while stack:
        path, candidates = stack[-1]
        issuer = next(candidates, None)
        if issuer is None:
            stack.pop()
            if not extended.pop(path, True):
                _end(path, inquiry, dead, f"no issuer found: {path[-1].issuer_text}")
            continue
        if (
            any(
                issuer.der == other.der
                or (issuer.spki == other.spki and names.equal(issuer.subject, other.subject))
                for other in path[1:]
            )
            or issuer.der == path[0].der
        ):
            if len(path) > 1 or issuer.der != path[0].der:
                extended[path] = extended[path] or False
            continue
        if not _issued(path[-1], issuer, inquiry, path, dead):
            extended[path] = True
            continue
        extended[path] = True
        longer = (*path, issuer)
        anchor = _is_anchor(issuer, inquiry)
        if anchor:
            yield longer
        if len(longer) > longest:
            _end(longer, inquiry, dead, f"longer than {longest} certificates")
            continue
        if anchor and issuer.self_issued:
            continue
        extended[longer] = anchor
        stack.append((longer, iter(_candidates(issuer, inquiry))))


def _end(
    path: tuple[Certificate, ...],
    inquiry: Inquiry,
    dead: list[tuple[tuple[Certificate, ...], str]],
    why: str,
) -> None:
    dead.append((path, why))
    inquiry.candidates -= 1
    if inquiry.candidates < 0:
        raise DeadEnd("too many candidate paths", hint="the limit is limits.path_candidates")


def _issued(
    certificate: Certificate,
    issuer: Certificate,
    inquiry: Inquiry,
    path: tuple[Certificate, ...],
    dead: list[tuple[tuple[Certificate, ...], str]],
) -> bool:
    why = inquiry.verify(certificate, issuer.spki)
    if not why:
        return True
    if _inherits(issuer):
        return True
    _end((*path, issuer), inquiry, dead, f"not issued by {issuer.label}: {why}")
    return False


def _inherits(issuer: Certificate) -> bool:
    """A DSA key that takes its parameters from above is known only when the path is walked down."""
    try:
        return load_public_key(issuer.spki).native is None
    except InputError:
        return False


def _is_anchor(certificate: Certificate, inquiry: Inquiry) -> bool:
    from esign_kit.trust.engine import anchor_of

    return anchor_of(certificate, inquiry) is not None


def _candidates(certificate: Certificate, inquiry: Inquiry) -> Sequence[Certificate]:
    """Return possible issuers; key identifiers and dates only put them in order (RFC 4158 § 3.5)."""
    found = inquiry.issuers_of(certificate.issuer)
    if len(found) < 2:
        return found
    try:
        wanted = certificate.authority_key_identifier
    except InputError:
        wanted = None
    moment = inquiry.moment

    def rank(candidate: Certificate) -> tuple[bool, bool, bool, bool]:
        try:
            own = candidate.subject_key_identifier
        except InputError:
            own = None
        return (
            wanted is not None and own is not None and wanted != own,
            not _is_anchor(candidate, inquiry),
            not candidate.not_before <= moment <= candidate.not_after,
            facts(candidate).self_issued,
        )

    return sorted(found, key=rank)
