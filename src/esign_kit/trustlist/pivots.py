"""Who may sign a list of lists today: from the pinned certificates, step by step, over pivots.

When the operator changes its signing certificates, it issues a pivot: a list of lists that is
signed by an old certificate and names the new ones in its pointer to itself. The list of lists
names its pivots among its SchemeInformationURIs, the newest first, down to the announcement in
which the pinned certificates were published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import EvidenceError, InputError
from esign_kit.model.limits import Limits
from esign_kit.trustlist.read import read_list
from esign_kit.trustlist.verify import verify_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trustlist.model import TrustList

__all__ = ["pivot_urls", "signers_now"]

_MAX_PIVOTS = 32


def signers_now(
    data: bytes,
    url: str,
    pinned: tuple[Certificate, ...],
    copies: Callable[[str], Iterable[bytes]],
    *,
    announcement: str = "",
    policy: ValidationPolicy | None = None,
) -> tuple[Certificate, ...]:
    """Return the certificates that may sign the list of lists ``data``.

    Args:
        data: the list of lists, not yet verified: only the addresses of its pivots are read.
        url: its address, by which a pivot points to it.
        pinned: certificates that the caller trusts to have signed the oldest pivot.
        copies: yields copies of a pivot, one of which should hold.
        announcement: SchemeInformationURI at which pivots end.
        policy: for the signatures of pivots.

    Raises:
        EvidenceError: a pivot does not hold, or does not point to the list.
    """
    signers = pinned
    last: TrustList | None = None
    for pivot_url in reversed(pivot_urls(data, announcement)):
        pivot = _first_good(copies(pivot_url), signers, policy)
        if last is not None and pivot.sequence <= last.sequence:
            raise EvidenceError(
                f"the pivot {pivot_url} is older than the one before it", code="trustlist.pivot"
            )
        own = [
            pointer.identity.certificates
            for pointer in pivot.pointers
            if pointer.url == url and pointer.identity.certificates
        ]
        if not own:
            raise EvidenceError(
                f"the pivot {pivot_url} does not say who signs the list of lists",
                code="trustlist.pivot",
            )
        signers = tuple(dict.fromkeys(c for certificates in own for c in certificates))
        last = pivot
    return signers


def pivot_urls(data: bytes, announcement: str = "") -> tuple[str, ...]:
    """Return the addresses of pivots that a list of lists names, newest first.

    Raises:
        EvidenceError: it cannot be read, or names more pivots than anybody would.
    """
    try:
        found = read_list(data, Limits())
    except InputError as error:
        code = error.code if error.code.startswith("trustlist.") else "trustlist.malformed"
        raise EvidenceError(f"not a trusted list: {error.detail}", code=code) from error
    urls: list[str] = []
    for uri in found.information:
        if announcement and uri == announcement:
            break
        if uri.lower().endswith(".xml"):
            urls.append(uri)
    if len(urls) > _MAX_PIVOTS:
        raise EvidenceError(f"{len(urls)} pivots are too many", code="trustlist.pivot")
    return tuple(urls)


def _first_good(
    copies: Iterable[bytes], signers: tuple[Certificate, ...], policy: ValidationPolicy | None
) -> TrustList:
    problem = EvidenceError("a pivot cannot be had", code="trustlist.pivot")
    for data in copies:
        try:
            return verify_list(data, signers, policy=policy)
        except EvidenceError as error:
            problem = error
    raise problem
