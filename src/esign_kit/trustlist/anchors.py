"""From services of a list to trust anchors with purposes and times (TS 119 612 § 5.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.errors import InputError
from esign_kit.model.signature import Purpose
from esign_kit.trust.store import TrustAnchor
from esign_kit.trustlist.qualifiers import Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trustlist.model import Period, Service, TrustList

__all__ = ["IN_FORCE", "PURPOSES", "Selection", "anchors_of"]

_TYPE = "http://uri.etsi.org/TrstSvc/Svctype/"
_STATUS = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"
_OLD_STATUS = "http://uri.etsi.org/TrstSvc/eSigDir-1999-93-EC-TrustedList/Svcstatus/"
_CERTIFYING = frozenset({Purpose.SIGNING, Purpose.AUTHENTICATION})
_STAMPING = frozenset({Purpose.TIMESTAMPING})

PURPOSES: Mapping[str, frozenset[Purpose]] = {
    _TYPE + "CA/QC": _CERTIFYING,
    _TYPE + "CA/PKC": _CERTIFYING,
    _TYPE + "NationalRootCA-QC": _CERTIFYING,
    _TYPE + "TSA": _STAMPING,
    _TYPE + "TSA/QTST": _STAMPING,
    _TYPE + "TSA/TSS-QC": _STAMPING,
    _TYPE + "TSA/TSS-AdESQCandQES": _STAMPING,
    _TYPE + "Certstatus/OCSP": frozenset({Purpose.OCSP_SIGNING}),
    _TYPE + "Certstatus/OCSP/QC": frozenset({Purpose.OCSP_SIGNING}),
    _TYPE + "Certstatus/CRL": frozenset({Purpose.CRL_SIGNING}),
    _TYPE + "Certstatus/CRL/QC": frozenset({Purpose.CRL_SIGNING}),
}
"""What a service type of the European scheme is trusted for (§ 5.5.1, annex D.2)."""

IN_FORCE = frozenset(
    {
        _STATUS + "granted",
        _STATUS + "recognisedatnationallevel",
        _STATUS + "setbynationallaw",
        _STATUS + "undersupervision",
        _STATUS + "supervisionincessation",
        _STATUS + "accredited",
        _OLD_STATUS + "undersupervision",
        _OLD_STATUS + "supervisionincessation",
        _OLD_STATUS + "accredited",
    }
)
"""Statuses under which a service may be relied on (§ 5.5.4); the older words count for the time
before July 2016."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which services become anchors.

    A national scheme gives types and statuses a meaning of its own; these are the European ones.

    Attributes:
        purposes: what each service type is trusted for; other types are passed over.
        statuses: those under which a service counts.
        additional: at least one of these AdditionalServiceInformation URIs must be there if the
            service has any; empty asks nothing.
    """

    purposes: Mapping[str, frozenset[Purpose]] = field(default_factory=lambda: PURPOSES)
    statuses: frozenset[str] = IN_FORCE
    additional: frozenset[str] = frozenset()


def anchors_of(found: TrustList, selection: Selection | None = None) -> tuple[TrustAnchor, ...]:
    """Return an anchor for each certificate of a service and each span of time in force."""
    chosen = selection or Selection()
    return tuple(
        anchor for service in found.services for anchor in _anchors(found, service, chosen)
    )


class _Span(NamedTuple):
    """A time during which a service was trusted for the same, with the same certificates."""

    since: datetime
    until: datetime | None
    purposes: frozenset[Purpose]
    certificates: tuple[Certificate, ...]
    listing: Listing


def _anchors(found: TrustList, service: Service, selection: Selection) -> Iterator[TrustAnchor]:
    note = f"{found.territory or found.operator}: {service.provider}, {service.name}"
    for since, until, purposes, certificates, listing in _spans(found, service, selection):
        for certificate in certificates:
            yield TrustAnchor(
                certificate,
                purposes=purposes,
                since=since,
                until=until,
                note=note,
                listing=listing,
            )


def _spans(found: TrustList, service: Service, selection: Selection) -> Iterator[_Span]:
    """Periods that count, oldest first; those that join without a gap are one span."""
    open_span: _Span | None = None
    for period in reversed(service.periods):
        purposes = _purposes(period, selection)
        if not purposes:
            continue
        end = None if period.until is None else period.until - timedelta(seconds=1)
        if end is not None and end < period.since:
            continue
        listing = Listing(
            found.territory,
            service.provider,
            service.name,
            period.type,
            period.additional,
            period.qualifications,
        )
        span = _Span(period.since, end, purposes, _certificates(period, service), listing)
        if open_span is not None:
            before = open_span.until
            joined = before is not None and before + timedelta(seconds=1) == period.since
            if joined and open_span[2:] == span[2:]:
                open_span = open_span._replace(until=end)
                continue
            yield open_span
        open_span = span
    if open_span is not None:
        yield open_span


def _purposes(period: Period, selection: Selection) -> frozenset[Purpose]:
    if period.status not in selection.statuses or period.unknown_critical:
        return frozenset()
    if (
        selection.additional
        and period.additional
        and not selection.additional & set(period.additional)
    ):
        return frozenset()
    return selection.purposes.get(period.type, frozenset())


def _certificates(period: Period, service: Service) -> tuple[Certificate, ...]:
    """Certificates of a period; history may name them by key identifier only (§ 5.6.3)."""
    if period.identity.certificates:
        return period.identity.certificates
    wanted = set(period.identity.key_identifiers)
    known = dict.fromkeys(c for other in service.periods for c in other.identity.certificates)
    return tuple(c for c in known if _key_identifier(c) in wanted)


def _key_identifier(certificate: Certificate) -> bytes | None:
    try:
        return certificate.subject_key_identifier
    except InputError:
        return None
