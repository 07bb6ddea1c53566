"""A trusted list as plain data (ETSI TS 119 612 § 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trustlist.qualifiers import Qualification

__all__ = ["Identity", "Period", "Pointer", "Service", "TrustList"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a digital identity says (§ 5.5.3): certificates, or only a name or key identifier.

    Attributes:
        certificates: those that could be read.
        key_identifiers: subject key identifiers.
        subject_names: names as text; for people only.
        unreadable: number of certificates that could not be read.
    """

    certificates: tuple[Certificate, ...] = ()
    key_identifiers: tuple[bytes, ...] = ()
    subject_names: tuple[str, ...] = ()
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """A service during the time in which it had one status (§ 5.5.4, § 5.6).

    Attributes:
        since: start of the status, UTC.
        until: start of the next status; ``None`` for the present one.
        additional: URIs of AdditionalServiceInformation (§ 5.5.9.4).
        qualifications: qualifiers and their criteria (§ 5.5.9.2).
        unknown_critical: names of critical extensions that are not processed here.
    """

    type: str
    status: str
    since: datetime
    until: datetime | None
    identity: Identity
    additional: tuple[str, ...] = ()
    qualifications: tuple[Qualification, ...] = ()
    unknown_critical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A trust service of a provider.

    Attributes:
        periods: the present one first, then back in time.
    """

    provider: str
    name: str
    periods: tuple[Period, ...]

    def at(self, moment: datetime) -> Period | None:
        """Return the period that holds a moment, or ``None`` if it lies before all of them."""
        for period in self.periods:
            if moment >= period.since and (period.until is None or moment < period.until):
                return period
        return None


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer to another list, with the certificates that may sign it (§ 5.3.13)."""

    url: str
    identity: Identity
    territory: str = ""
    type: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class TrustList:
    """A list; all of it was covered by its signature.

    Attributes:
        version: TSLVersionIdentifier, 5 or 6.
        sequence: TSLSequenceNumber; it grows with each issue.
        issued: ListIssueDateTime, UTC.
        next_update: UTC; ``None`` for a list that was closed (§ 5.3.15).
        information: SchemeInformationURI in order, each once.
        signer: the certificate whose key verified the signature.
    """

    version: int
    sequence: int
    type: str
    territory: str
    operator: str
    issued: datetime
    next_update: datetime | None
    pointers: tuple[Pointer, ...] = ()
    information: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    signer: Certificate | None = None

    @property
    def is_list_of_lists(self) -> bool:
        """It is made of pointers (§ 5.3.3, annex D.5)."""
        return self.type.lower().rstrip("/").endswith("listofthelists")
