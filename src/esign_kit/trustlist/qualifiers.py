"""What a service of a list says about the certificates that it issues (TS 119 612 § 5.5.9.2).

A service may state qualifiers, such as QCForESig, for those of its certificates that meet criteria.
They are read and evaluated here, and told. They grant nothing: whether a signature is qualified is
decided by rules (TS 119 615) that are not applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.asn1 import names
from esign_kit.errors import InputError
from esign_kit.trust.store import as_certificates

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.signature import Purpose
    from esign_kit.trust.store import TrustStore

__all__ = ["Assertion", "Condition", "Criteria", "Listed", "Listing", "Qualification", "listed"]


class Assertion(StrEnum):
    """How the parts of a list of criteria add up."""

    ALL = "all"
    AT_LEAST_ONE = "atLeastOne"
    NONE = "none"


class Condition(StrEnum):
    """What a single criterion looks at; all of its values must be found."""

    KEY_USAGE = "key-usage"
    """Values are names of bits; with ``!`` before them, they must not be set."""
    POLICIES = "policies"
    EXTENDED_KEY_USAGE = "extended-key-usage"
    SUBJECT_ATTRIBUTES = "subject-attributes"
    OTHER = "other"
    """Something that is not evaluated here; whether it is met is not known."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """A list of criteria, or (with ``condition``) a single one.

    Attributes:
        assertion: how ``parts`` add up.
        parts: criteria below.
        condition: what a single criterion looks at.
        values: names or OIDs that a single criterion looks for.
    """

    assertion: Assertion = Assertion.ALL
    parts: tuple[Criteria, ...] = ()
    condition: Condition | None = None
    values: tuple[str, ...] = ()

    def met_by(self, certificate: Certificate) -> bool | None:
        """Tell whether a certificate meets them; ``None`` where that cannot be known."""
        if self.condition is not None:
            try:
                return _holds(self.condition, self.values, certificate)
            except InputError:
                return None
        if not self.parts:
            return None
        found = {part.met_by(certificate) for part in self.parts}
        if self.assertion is Assertion.ALL:
            return False if False in found else None if None in found else True
        some = True if True in found else None if None in found else False
        if self.assertion is Assertion.AT_LEAST_ONE:
            return some
        return None if some is None else not some


def _holds(condition: Condition, values: tuple[str, ...], certificate: Certificate) -> bool | None:
    if condition is Condition.OTHER or not values:
        return None
    if condition is Condition.KEY_USAGE:
        # Without the extension no bit is set.
        usage = certificate.key_usage or frozenset()
        return all((value.lstrip("!") in usage) != value.startswith("!") for value in values)
    if condition is Condition.POLICIES:
        have: Iterable[str] = certificate.policies
    elif condition is Condition.EXTENDED_KEY_USAGE:
        have = certificate.extended_key_usage or ()
    else:
        have = [attribute.oid for attribute in names.attributes(certificate.subject)]
    return set(values) <= set(have)


@dataclass(frozen=True, slots=True)
class Qualification:
    """Qualifiers (URIs), and for which certificates they are stated."""

    qualifiers: tuple[str, ...]
    criteria: Criteria


@dataclass(frozen=True, slots=True)
class Listing:
    """The service behind an anchor, during the span of time of the anchor.

    Attributes:
        territory: of the list.
        provider, service: names.
        type: URI of the service type.
        additional: URIs of AdditionalServiceInformation (§ 5.5.9.4).
        qualifications: what is said about some of its certificates.
    """

    territory: str
    provider: str
    service: str
    type: str
    additional: tuple[str, ...] = ()
    qualifications: tuple[Qualification, ...] = ()

    def about(self, certificate: Certificate) -> Listed:
        """Return what the service says about a certificate that it has issued."""
        stated: dict[str, None] = {}
        undecided: dict[str, None] = {}
        for item in self.qualifications:
            met = item.criteria.met_by(certificate)
            if met is not False:
                (stated if met else undecided).update(dict.fromkeys(item.qualifiers))
        return Listed(self, tuple(stated), tuple(uri for uri in undecided if uri not in stated))


@dataclass(frozen=True, slots=True)
class Listed:
    """What one service says about one certificate.

    Attributes:
        listing: the service.
        qualifiers: URIs whose criteria the certificate meets.
        undecided: URIs of which that is not known; they count for nothing.
    """

    listing: Listing
    qualifiers: tuple[str, ...]
    undecided: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "territory": self.listing.territory,
            "provider": self.listing.provider,
            "service": self.listing.service,
            "type": self.listing.type,
            "additional": list(self.listing.additional),
            "qualifiers": list(self.qualifiers),
            "undecided": list(self.undecided),
        }

    def __str__(self) -> str:
        words = ", ".join(_short(uri) for uri in self.qualifiers) or "no qualifier"
        if self.undecided:
            words += f"; not decided: {', '.join(_short(uri) for uri in self.undecided)}"
        place = self.listing
        kind = "/".join(place.type.rsplit("/", 2)[-2:])
        return f"{place.territory}, {place.provider}, {place.service} ({kind}): {words}"


def _short(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2] or uri


def listed(
    chain: Iterable[Any], trust: TrustStore, *, purpose: Purpose, at: datetime
) -> tuple[Listed, ...]:
    """Return what trusted lists say about the first certificate of a path.

    Args:
        chain: from the certificate to the anchor, as ``chain_der`` of a report has it.
        trust: a store that :func:`esign_kit.trustlist.load` or ``refresh`` has made.
        purpose: what the certificate serves; an anchor for time-stamps says nothing on signatures.
        at: the time in question: the service as it was then.
    """
    path = [certificate for item in chain for certificate in as_certificates(item)]
    return tuple(
        anchor.listing.about(path[0])
        for anchor in trust.anchors
        if path
        and isinstance(anchor.listing, Listing)
        and anchor.certificate == path[-1]
        and anchor.serves(purpose, at)
    )
