"""Path building (RFC 4158): every candidate that the names allow, the likely ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1 import names
from esign_kit.errors import InputError
from esign_kit.model.report import PathAttempt
from esign_kit.trust.facts import self_issued

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.inquiry import Inquiry

__all__ = ["DeadEnd", "Path", "attempt", "paths", "straight_path"]

Path = tuple["Certificate", ...]


class DeadEnd(NamedTuple):
    """A path that leads nowhere, and why."""

    path: Path
    code: str
    why: str


def attempt(path: Path, code: str, detail: str) -> PathAttempt:
    """Return a path that was tried in the words of a report."""
    return PathAttempt(tuple([certificate.der for certificate in path]), code, detail)


def straight_path(
    certificate: Certificate, inquiry: Inquiry, is_anchor: Callable[[Certificate], bool]
) -> Path | None:
    """Return the first path of :func:`paths` where the names leave no choice on the way to it.

    That is how nearly all paths are. ``None`` where there is a choice, or anything to explain.
    """
    path = [certificate]
    if is_anchor(certificate):
        return None
    for _ in range(inquiry.policy.limits.path_length):
        found = inquiry.named(path[-1].issuer)
        if len(found) != 1:
            return None
        issuer = found[0]
        if _loops(issuer, path) or inquiry.verify(path[-1], issuer.spki):
            return None
        path.append(issuer)
        if is_anchor(issuer):
            return tuple(path)
    return None


def paths(
    certificate: Certificate, inquiry: Inquiry, is_anchor: Callable[[Certificate], bool]
) -> Iterator[Path | DeadEnd]:
    """Yield paths from a certificate to anchors, likely ones first, and the dead ends met.

    Every link has a signature that verifies. A candidate that stands in the path already, as
    itself or as the same name with the same key, is a loop and is passed over.

    Raises:
        LimitError: the budget of signature checks is spent.
        SearchOver: the budget of candidates is spent.
    """
    if is_anchor(certificate):
        yield (certificate,)
    longest = inquiry.policy.limits.path_length
    # An explicit stack: the path so far, the candidates still to try, and whether any was taken.
    stack: list[tuple[Path, Iterator[Certificate]]] = [
        ((certificate,), _candidates(certificate, inquiry, is_anchor))
    ]
    taken = [False]
    while stack:
        path, candidates = stack[-1]
        issuer = next(candidates, None)
        if issuer is None:
            stack.pop()
            if not taken.pop():
                last = path[-1]
                inquiry.spend_candidate()
                yield DeadEnd(path, "chain.incomplete", f"no issuer found: {last.issuer_text}")
            continue
        if _loops(issuer, path):
            continue
        why = inquiry.verify(path[-1], issuer.spki)
        if why and not inquiry.inherits(issuer):
            inquiry.spend_candidate()
            taken[-1] = True
            yield DeadEnd(
                (*path, issuer), "chain.signature", f"not issued by {issuer.label}: {why}"
            )
            continue
        taken[-1] = True
        longer = (*path, issuer)
        anchor = is_anchor(issuer)
        if anchor:
            inquiry.spend_candidate()
            yield longer
            if issuer.subject == issuer.issuer:
                continue
        if len(longer) > longest:
            inquiry.spend_candidate()
            yield DeadEnd(longer, "chain.incomplete", f"longer than {longest} certificates")
            continue
        stack.append((longer, _candidates(issuer, inquiry, is_anchor)))
        taken.append(anchor)


def _loops(issuer: Certificate, path: Sequence[Certificate]) -> bool:
    for other in path:
        if issuer is other or issuer.der == other.der:
            return True
        # The target itself may be another certificate of the same CA: only issuers make a loop.
        if (
            other is not path[0]
            and issuer.spki == other.spki
            and names.equal(issuer.subject, other.subject)
        ):
            return True
    return False


def _candidates(
    certificate: Certificate, inquiry: Inquiry, is_anchor: Callable[[Certificate], bool]
) -> Iterator[Certificate]:
    """Yield possible issuers; key identifiers and dates only put them in order (RFC 4158 § 3.5)."""
    found = inquiry.named(certificate.issuer)
    yield from found if len(found) < 2 else _ordered(found, certificate, inquiry, is_anchor)
    others = inquiry.otherwise(certificate.issuer)
    yield from others if len(others) < 2 else _ordered(others, certificate, inquiry, is_anchor)


def _ordered(
    found: Sequence[Certificate],
    certificate: Certificate,
    inquiry: Inquiry,
    is_anchor: Callable[[Certificate], bool],
) -> list[Certificate]:
    wanted = _identifier(certificate, "authority_key_identifier")
    moment = inquiry.moment

    def rank(candidate: Certificate) -> tuple[bool, bool, bool, bool]:
        own = _identifier(candidate, "subject_key_identifier")
        return (
            wanted is not None and own is not None and wanted != own,
            not is_anchor(candidate),
            not candidate.not_before <= moment <= candidate.not_after,
            self_issued(candidate),
        )

    return sorted(found, key=rank)


def _identifier(certificate: Certificate, name: str) -> bytes | None:
    try:
        return getattr(certificate, name)  # type: ignore[no-any-return]
    except InputError:
        return None
