"""What CRLs say about one certificate (RFC 5280 § 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1 import names
from esign_kit.asn1.algorithm_identifier import same_algorithm
from esign_kit.asn1.reader import encode, encode_integer, read
from esign_kit.asn1.revocation import (
    ALL_REASONS,
    CRL_REASONS,
    Crl,
    CrlEntry,
    DistributionPoint,
    IssuingDistributionPoint,
)
from esign_kit.asn1.times import shown
from esign_kit.errors import InputError, LimitError
from esign_kit.trust.facts import facts
from esign_kit.trust.finding import Finding, Kind, dated
from esign_kit.trust.issuance import crl_fault
from esign_kit.trust.policy import CertificateProfile

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.inquiry import Inquiry

__all__ = ["findings"]

# Bound once: Python 3.11 takes 90 ns to look a member of an enumeration up in its class.
_GOOD, _REJECTED, _RFC5280 = Kind.GOOD, Kind.REJECTED, CertificateProfile.RFC5280
_PROCESSED = frozenset({"2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.35"})
_HOLD = 6
_REMOVE = 8
_NO_POINT = IssuingDistributionPoint()


def findings(
    certificate: Certificate, issuer: Certificate, anchor: Certificate, inquiry: Inquiry, at: bytes
) -> list[Finding]:
    """Return what each CRL says about the certificate at that time.

    Several CRLs that cover some reasons each come as findings with their share of reasons.
    """
    said: list[Finding] = []
    lists = inquiry.evidence.crls_of(certificate.issuer)
    if inquiry.evidence.indirect:
        lists = list(dict.fromkeys((*lists, *inquiry.evidence.indirect)))
    for crl in lists:
        try:
            found = _finding(crl, lists, certificate, issuer, anchor, inquiry, at)
            said.append(found._replace(item=crl.der) if inquiry.sliding else found)
        except InputError as error:
            kind = Kind.OVER_LIMIT if isinstance(error, LimitError) else Kind.REJECTED
            said.append(Finding(kind, "CRL", crl.this_update, detail=_label(crl, error.detail)))
    return said


def _label(crl: Crl, detail: str) -> str:
    return f"CRL of {names.label(crl.issuer)} of {shown(crl.this_update)[:10]}: {detail}"


def _finding(
    crl: Crl,
    lists: list[Crl],
    certificate: Certificate,
    issuer: Certificate,
    anchor: Certificate,
    inquiry: Inquiry,
    at: bytes,
) -> Finding:
    def rejected(detail: str, kind: Kind = _REJECTED) -> Finding:
        return Finding(kind, "CRL", crl.this_update, crl.next_update, detail=_label(crl, detail))

    reasons, why = _scope(crl, certificate)
    if not reasons and not _may_name_own(crl, certificate):
        return rejected(why)
    if inquiry.policy.certificate_profile is _RFC5280:
        fault = crl_fault(crl)
        if fault:
            return rejected(fault)
    signer, problem, expired, until, weak = _signer(crl, issuer, anchor, inquiry, at)
    if signer is None:
        return rejected(problem, Kind.SIGNER_EXPIRED if expired else Kind.REJECTED)
    # Only a list that somebody signed is walked: anybody can make a long one.
    if crl.fault is None:
        crl.fault = _own_fault(crl)
    if crl.fault:
        return rejected(crl.fault)
    entry = _entry(crl, certificate, at)
    if not reasons:
        if signer is not issuer or entry is None or entry.reason == _REMOVE:
            return rejected(why)
        return _listed(crl, entry, at, weak)
    if crl.base_number is not None:
        if entry is None or entry.reason == _REMOVE:
            return rejected("a delta CRL says nothing about a certificate that it does not list")
        return _listed(crl, entry, at, weak)
    stale, limit = dated(
        crl.this_update,
        crl.next_update,
        certificate,
        inquiry,
        at,
        kept_since=crl.keeps_expired_since,
    )
    until = min(until, limit) if until and limit else until or limit
    this_update = crl.this_update
    delta = _latest_delta(crl, lists, signer, certificate, inquiry, at) if stale is None else None
    if delta is not None:
        this_update = max(this_update, delta.this_update)
        until = min(filter(None, (until, delta.next_update)), default=b"")
        entry = _changed(entry, _entry(delta, certificate, at))
    if entry is not None:
        return _listed(crl, entry, at, weak)
    if stale is not None:
        return stale.of("CRL", crl.this_update, crl.next_update, _label(crl, stale.detail))
    if crl.this_update > signer.not_after:
        return rejected(f"made after {signer.label} expired", Kind.SIGNER_EXPIRED)
    return Finding(
        _GOOD, "CRL", this_update, crl.next_update,
        until=until, weak=weak and _label(crl, weak), reasons=reasons,
    )  # fmt: skip


def _changed(entry: CrlEntry | None, change: CrlEntry | None) -> CrlEntry | None:
    """§ 5.2.4: base and delta together are the complete list of the time of the delta.

    What takes an entry back (removeFromCRL) takes back a suspension only.
    """
    if change is None:
        return entry
    if change.reason != _REMOVE:
        return change
    return None if entry is not None and entry.reason == _HOLD else entry


def _own_fault(crl: Crl) -> str:
    """Return why a list counts for no certificate at all; empty if it may."""
    for oid, (critical, _) in crl.extensions.items():
        if critical and oid not in _PROCESSED:
            return f"critical extension {oid} is not processed"
    unknown = crl.unknown_critical_entry()
    if unknown:
        # RFC 5280 § 5.3: such a list must not be used for any certificate.
        return f"critical entry extension {unknown} is not processed"
    if not same_algorithm(crl.tbs_signature_algorithm, crl.signature_algorithm):
        return "the signature algorithm is stated differently inside and outside"
    return ""


def _listed(crl: Crl, entry: CrlEntry, at: bytes, weak: str) -> Finding:
    number = entry.reason
    reason = None
    if number is not None and 0 <= number < len(CRL_REASONS):
        reason = CRL_REASONS[number]
    kind = Kind.HOLD if number == _HOLD else Kind.REVOKED
    detail = "" if entry.revoked_at <= at else "revoked later than the time in question"
    if entry.invalidity_date:
        since = shown(entry.invalidity_date)
        detail = (detail + "; " if detail else "") + f"key suspected since {since}"
    return Finding(
        kind, "CRL", crl.this_update, crl.next_update, entry.revoked_at, reason, detail, weak=weak,
        until=crl.next_update,
    )  # fmt: skip


def _entry(crl: Crl, certificate: Certificate, at: bytes) -> CrlEntry | None:
    """Return the entry for the certificate; in an indirect CRL the issuer must fit too.

    A list that names it twice is malformed: what has happened by the time in question comes before
    what has not, and what is final before what is not.
    """
    if crl.empty:
        return None
    found = [
        entry
        for entry in crl.find(certificate.serial, _encodings(certificate))
        if entry.issuers is None
        or any(names.equal(name, certificate.issuer) for name in entry.issuers)
    ]
    if len(found) < 2:
        return found[0] if found else None
    return min(found, key=lambda e: (e.revoked_at > at, e.reason in (_HOLD, _REMOVE), e.revoked_at))


def _may_name_own(crl: Crl, certificate: Certificate) -> bool:
    """Tell whether an issuer may list its own certificate where it need not have looked for it.

    Such a list never says "good" about it; but a serial number is given once, and who names it
    means it. (Attribute certificates have numbers of their own.) Nothing is verified yet, so
    nothing is looked up either: the number stands somewhere, that is all.
    """
    if crl.idp is not None and crl.idp.only_attribute:
        return False
    if crl.issuer != certificate.issuer and not names.equal(crl.issuer, certificate.issuer):
        return False
    return any(encoding in crl.der for encoding in _encodings(certificate))


def _encodings(certificate: Certificate) -> tuple[bytes, ...]:
    """The serial number in its minimal form, and as this issuer encodes it should that differ."""
    tbs = certificate.tbs
    minimal = encode_integer(certificate.serial)
    # Where it stands after a version: a number could look like the version before it.
    if tbs.find(minimal, 7, 9 + len(minimal)) >= 0:
        return (minimal,)
    outer = read(tbs)
    first = read(tbs, outer.start, outer.stop)
    if first.tag == 0xA0:
        first = read(tbs, first.stop, outer.stop)
    return (minimal, first.raw)


# ── scope ─────────────────────────────────────────────────────────────────────────────────────


def _scope(crl: Crl, certificate: Certificate) -> tuple[int, str]:
    """Return for which reasons the CRL speaks about the certificate (§ 6.3.3 b), else why not."""
    found = facts(certificate)
    idp = crl.idp
    direct = crl.issuer == certificate.issuer or names.equal(crl.issuer, certificate.issuer)
    if idp is None:
        if direct:
            # § 6.3.3, last paragraph: the issuer's own complete list serves every certificate.
            return ALL_REASONS, ""
        return 0, "it is from another issuer"
    if idp.only_attribute:
        return 0, "it is about attribute certificates only"
    if idp.only_user and found.ca:
        return 0, "it is about user certificates only"
    if idp.only_ca and not found.ca:
        return 0, "it is about CA certificates only"
    own = _names(idp.names, idp.relative, crl.issuer)
    implicit = DistributionPoint(names=(encode(0xA4, certificate.issuer),))
    reasons = 0
    why = "it is from another issuer"
    for point in (*(found.points or ()), implicit):
        if point.issuers:
            if not idp.indirect or not any(names.equal(n, crl.issuer) for n in point.issuers):
                continue
        elif not direct:
            continue
        if own:
            base = point.issuers[0] if point.issuers else certificate.issuer
            theirs = _names(point.names, point.relative, base)
            if not theirs:
                theirs = _names(tuple(encode(0xA4, n) for n in point.issuers), b"", base)
            if not own & theirs:
                why = "it is from another distribution point"
                continue
        reasons |= (ALL_REASONS if point.reasons is None else point.reasons) & (
            ALL_REASONS if idp.reasons is None else idp.reasons
        )
    return reasons, why


def _names(general: tuple[bytes, ...], relative: bytes, base: bytes) -> frozenset[object]:
    found: set[object] = set()
    for name in general:
        if name[:1] == b"\xa4":
            outer = read(name)
            found.add(names.normalised(read(name, outer.start, outer.stop).raw))
        else:
            found.add(name)
    if relative:
        # nameRelativeToCRLIssuer: one more RDN below the issuer's name.
        outer = read(base)
        found.add(names.normalised(encode(0x30, outer.contents + encode(0x31, relative))))
    return frozenset(found)


# ── signer ────────────────────────────────────────────────────────────────────────────────────


def _signer(
    crl: Crl, issuer: Certificate, anchor: Certificate, inquiry: Inquiry, at: bytes
) -> tuple[Certificate | None, str, bool, bytes, str]:
    """Return who signed the CRL, else why nobody counts (§ 6.3.3 f g)."""
    weak = inquiry.weakness(crl)
    problem = "nobody with its issuer's name at hand signed it"
    expired = False
    if crl.issuer == issuer.subject or names.equal(crl.issuer, issuer.subject):
        if not _may_sign(issuer):
            problem = f"the key usage of {issuer.label} lacks cRLSign"
        else:
            problem = inquiry.verify(crl, issuer.spki)
            if not problem:
                return issuer, "", False, b"", weak
    for other in inquiry.issuers_of(crl.issuer):
        if other.der == issuer.der or (other.spki == issuer.spki and _may_sign(issuer)):
            continue
        if not _may_sign(other) or inquiry.verify(crl, other.spki):
            continue
        when = crl.this_update if inquiry.sliding else at
        helped = inquiry.helper_path(inquiry, other, anchor, when)
        if not helped.problem:
            return other, "", False, helped.until, weak or helped.weak
        problem = f"its signer {other.label} is not valid: {helped.problem}"
        expired = expired or helped.expired
    return None, problem, expired, b"", ""


def _may_sign(certificate: Certificate) -> bool:
    usage = certificate.key_usage
    return usage is None or "crl_sign" in usage


# ── deltas ────────────────────────────────────────────────────────────────────────────────────


def _latest_delta(
    base: Crl,
    lists: list[Crl],
    signer: Certificate,
    certificate: Certificate,
    inquiry: Inquiry,
    at: bytes,
) -> Crl | None:
    """Return the newest delta that fits the base: it tells all changes since (§ 5.2.4)."""
    deltas = [crl for crl in lists if crl.base_number is not None and crl.number is not None]
    deltas.sort(key=lambda crl: crl.number or 0, reverse=True)
    for delta in deltas:
        if _fits(delta, base, signer, certificate, inquiry, at):
            return delta
    return None


def _fits(
    delta: Crl,
    base: Crl,
    signer: Certificate,
    certificate: Certificate,
    inquiry: Inquiry,
    at: bytes,
) -> bool:
    """Tell whether a delta may be combined with a base (§ 5.2.4, § 6.3.3 c)."""
    if (
        delta.base_number is None
        or base.number is None
        or delta.number is None
        or not delta.base_number <= base.number <= delta.number
        or not names.equal(delta.issuer, base.issuer)
        or (delta.idp or _NO_POINT) != (base.idp or _NO_POINT)
        or delta.authority_key_identifier != base.authority_key_identifier
    ):
        return False
    if any(critical and oid not in _PROCESSED for oid, (critical, _) in delta.extensions.items()):
        return False
    if inquiry.verify(delta, signer.spki) or delta.unknown_critical_entry():
        return False
    return dated(delta.this_update, delta.next_update, certificate, inquiry, at)[0] is None
