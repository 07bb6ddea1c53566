"""Gathering: what a path still lacks is asked of the addresses that its certificates name.

Nothing is fetched that is already there, nothing that cannot matter (without an anchor nobody's
word on revocation counts), and nothing fails: a question that brought no usable answer is noted in
the evidence and surfaces as TRY_LATER.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import readable_certificates
from esign_kit.asn1.revocation import Crl, build_ocsp_request
from esign_kit.asn1.times import in_calendar
from esign_kit.errors import EsignError, InputError
from esign_kit.model.evidence import Evidence, FetchPurpose, FetchRequest, RevocationStatus
from esign_kit.model.signature import Purpose
from esign_kit.net.addresses import (
    crl_urls,
    delta_urls,
    issuer_urls,
    list_signer_urls,
    nonce_of,
    ocsp_urls,
    passed_over,
    unwrapped,
)
from esign_kit.net.authentic import crl_until, ocsp_is_sound, signed_by, unproven_delegate
from esign_kit.net.cache import CacheKey
from esign_kit.net.desk import Desk, info_of, why
from esign_kit.net.issuers import Budget, issuers_among, read_certificates
from esign_kit.trust.policy import Revocation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Fetcher, RevocationInfo
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustStore

__all__ = ["gather"]

_MAX_TARGETS = 16
_MAX_LIST_SIGNERS = 8
_OCSP_REQUEST = "application/ocsp-request"
_ISSUER_KEPT = 30 * 24 * 3600.0
_TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
_KNOWN = frozenset({RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.ON_HOLD})


def gather(
    certificates: Iterable[Certificate],
    *,
    trust: TrustStore,
    evidence: Evidence,
    at: datetime,
    policy: ValidationPolicy,
    fetcher: Fetcher,
    nonce: bool | None = None,
) -> Evidence:
    """Return ``evidence`` with what could be fetched for the paths of ``certificates``.

    Args:
        certificates: signers and authorities with whatever else came along; those that issued
            none of the others are the ones whose paths are completed.
        trust: anchors and helpers.
        evidence: what is there already; it is not asked for again.
        at: validation time.
        policy: what is demanded; ``limits.fetches``, ``fetch_depth`` and ``fetch_seconds`` bound
            the work for all certificates together.
        fetcher: the way to the network; one with a ``cache`` is looked up there first.
        nonce: send a nonce with each OCSP request and demand it in the answer; the cache is not
            asked for OCSP answers then. By default as ``fetcher.ocsp_nonce`` says, if it does.

    Returns:
        Given and fetched evidence; ``failures`` names what could not be had.
    """
    if nonce is None:
        nonce = bool(getattr(fetcher, "ocsp_nonce", False))
    job = _Job(tuple(dict.fromkeys(certificates)), trust, evidence, at, policy, fetcher, nonce)
    for target in _targets(job.certificates):
        job.serve(target)
    return job.evidence


def _targets(certificates: Sequence[Certificate]) -> list[Certificate]:
    """Certificates that issued none of the others, in the order in which they were given."""
    issuers = {c.issuer for c in certificates if not c.self_issued}
    found = [c for c in certificates if c.subject not in issuers]
    return (found or list(certificates))[:_MAX_TARGETS]


class _Job(Desk):
    """Which questions are asked, in which order."""

    def __init__(
        self,
        certificates: tuple[Certificate, ...],
        trust: TrustStore,
        evidence: Evidence,
        at: datetime,
        policy: ValidationPolicy,
        fetcher: Fetcher,
        nonce: bool,
    ) -> None:
        super().__init__(certificates, trust, evidence, at, policy, fetcher)
        self._nonce = nonce
        self._digest = str(getattr(fetcher, "ocsp_digest", "SHA1"))
        self._served: set[bytes] = set()

    def serve(self, target: Certificate) -> None:
        """Complete the path of one certificate and learn the status of all in it."""
        purpose = _purpose(target)
        rule = self._policy.revocation
        if purpose is Purpose.TIMESTAMPING:
            rule = self._policy.revocation_for_timestamps
        self._complete(target)
        if rule is Revocation.NOT_CHECKED:
            return
        result = self._path(target, purpose, self.evidence)
        if result is None or result.anchor is None:
            return
        chain, before = result.chain, self.evidence
        if rule is Revocation.TARGET_ONLY:
            chain = chain[:2]
        for number, certificate in enumerate(chain[:-1]):
            if certificate.der in self._served or info_of(result, number).status in (
                *_KNOWN,
                RevocationStatus.NOT_NEEDED,
            ):
                continue
            self._served.add(certificate.der)
            if self.evidence is not before:
                # What was fetched for one certificate of the path may speak about the next.
                now = info_of(self._path(certificate, purpose, self.evidence), 0)
                if now.status in _KNOWN:
                    continue
            self._ask_status(certificate, chain[number + 1], purpose)

    # ── issuers ───────────────────────────────────────────────────────────────────────────────

    def _complete(self, certificate: Certificate) -> None:
        """Fetch issuers that are missing, from the certificate upwards."""
        trust = self._trust
        anchors = tuple(anchor.certificate for anchor in trust.anchors)
        seen = {certificate.der}
        depth = 0
        while certificate not in anchors and not certificate.self_issued:
            pool = (
                *anchors,
                *self.certificates,
                *trust.intermediates,
                *readable_certificates(self.evidence.certificates),
            )
            found = issuers_among(certificate, pool, self._budget)
            if not found:
                depth += 1
                if depth > self._policy.limits.fetch_depth:
                    return
                found = self._ask_issuer(certificate)
            certificate = next((c for c in found if c.der not in seen), certificate)
            if certificate.der in seen:
                return
            seen.add(certificate.der)
            if len(seen) > self._policy.limits.path_length:
                return

    def _ask_issuer(self, certificate: Certificate) -> tuple[Certificate, ...]:
        for url in issuer_urls(certificate):
            key = CacheKey.of_issuer(certificate, url).text
            kept = self._recall(key)
            if kept is not None:
                found = self._issuers_in(kept, certificate)
                if found:
                    return found
                self._forget(key)
            body = self._fetch(FetchRequest(FetchPurpose.AIA, url), certificate.der)
            if body is None:
                continue
            found = self._issuers_in(body, certificate)
            if found:
                self._keep(key, body, time.time() + _ISSUER_KEPT)
                return found
            self._failed(FetchPurpose.AIA, url, "the answer holds no certificate of the issuer")
        return ()

    def _issuers_in(self, body: bytes, certificate: Certificate | Crl) -> tuple[Certificate, ...]:
        try:
            found = issuers_among(certificate, read_certificates(body), self._budget)
        except InputError:
            return ()
        self._add(certificates=tuple(c.der for c in found))
        return found

    # ── revocation ────────────────────────────────────────────────────────────────────────────

    def _ask_status(self, certificate: Certificate, issuer: Certificate, purpose: Purpose) -> None:
        """OCSP first: an answer is a thousand times smaller than a national CRL."""
        if self._ask_ocsp(certificate, issuer, purpose):
            return
        if self._ask_crl(certificate, issuer, purpose):
            return
        for url in passed_over(certificate):
            self._failed(FetchPurpose.CRL, url, "only http and https are fetched")

    def _ask_ocsp(self, certificate: Certificate, issuer: Certificate, purpose: Purpose) -> bool:
        urls = ocsp_urls(certificate)
        key = CacheKey.of_ocsp(certificate, issuer).text
        if (
            not self._nonce
            and urls
            and self._believe_kept(key, certificate, issuer, purpose, ocsp=True)
        ):
            return True
        for url in urls:
            nonce = secrets.token_bytes(16) if self._nonce else None
            try:
                question = build_ocsp_request(certificate, issuer, digest=self._digest, nonce=nonce)
            except EsignError as error:
                self._failed(FetchPurpose.OCSP, url, error.detail)
                return False
            body = self._fetch(
                FetchRequest(FetchPurpose.OCSP, url, question, _OCSP_REQUEST), certificate.der
            )
            if body is None:
                continue
            if nonce is not None and nonce_of(body) != nonce:
                self._failed(FetchPurpose.OCSP, url, "the answer does not repeat our nonce")
                continue
            info = self._weigh_ocsp(body, certificate, issuer, purpose)
            if info.status in _KNOWN and info.source == "OCSP":
                self._add(ocsp_responses=(body,))
                self._keep_until(key, body, info)
                return True
            if info.status not in _KNOWN or info.rejected:
                self._failed(FetchPurpose.OCSP, url, why(info))
            if info.status in _KNOWN:
                # The list that was fetched for the responder speaks about this certificate too.
                return True
        return False

    def _weigh_ocsp(
        self, body: bytes, certificate: Certificate, issuer: Certificate, purpose: Purpose
    ) -> RevocationInfo:
        """Judge an answer; where its responder's own status is open, ask for that first.

        RFC 6960 § 4.2.2.2.1: a delegate without id-pkix-ocsp-nocheck is a certificate like others.
        """
        given = Evidence(ocsp_responses=(body,))
        info = self._judge(given, certificate, purpose)
        if info.status in _KNOWN:
            return info
        responder = unproven_delegate(body, issuer)
        if responder is None or responder.der == certificate.der:
            return info
        if responder.der not in self._served:
            self._served.add(responder.der)
            # The CRL first: a responder has no say about itself, and few have a second one.
            if not self._ask_crl(responder, issuer, purpose):
                self._ask_ocsp(responder, issuer, purpose)
        more = Evidence(crls=self.evidence.crls, ocsp_responses=self.evidence.ocsp_responses)
        return self._judge(given + more, certificate, purpose)

    def _ask_crl(self, certificate: Certificate, issuer: Certificate, purpose: Purpose) -> bool:
        """Ask for lists until one says it, or those together that share the reasons among them."""
        found: list[tuple[str, bytes, datetime | None]] = []
        failures: list[tuple[str, str]] = []
        for url in crl_urls(certificate):
            key = CacheKey.of_crl(certificate, issuer, url).text
            if self._believe_kept(key, certificate, issuer, purpose, ocsp=False):
                self._ask_delta(certificate, issuer)
                return True
            body = self._fetch(FetchRequest(FetchPurpose.CRL, url), b"")
            if body is None:
                continue
            body = unwrapped(body)
            try:
                end = in_calendar(Crl.load(body).next_update)
            except InputError as error:
                failures.append((url, f"the answer is no list: {error.detail}"))
                continue
            found.append((key, body, end))
            info = self._weigh_crls((body,), certificate, issuer, purpose)
            if info.status in _KNOWN:
                # What came before and did not count is not kept beside it.
                found = found[-1:]
            elif len(found) > 1:
                together = tuple(one for _, one, _ in found)
                info = self._weigh_crls(together, certificate, issuer, purpose)
            if info.status in _KNOWN:
                self._take_crls(found)
                self._ask_delta(certificate, issuer)
                return True
            failures.append((url, why(info)))
        for url, detail in failures:
            self._failed(FetchPurpose.CRL, url, detail)
        return False

    def _take_crls(self, found: Sequence[tuple[str, bytes, datetime | None]]) -> None:
        """Add lists to the evidence, and keep each to its own end: the verdict names only one."""
        self._add(crls=tuple(body for _, body, _ in found))
        for key, body, end in found:
            if end is not None:
                self._keep(key, body, end.timestamp())

    def _weigh_crls(
        self,
        bodies: tuple[bytes, ...],
        certificate: Certificate,
        issuer: Certificate,
        purpose: Purpose,
    ) -> RevocationInfo:
        """Judge lists; where another than the issuer signed one, ask for that signer first.

        RFC 5280 § 6.3.3 f: the path of such a signer is validated like any other.
        """
        given = Evidence(crls=bodies)
        info = self._judge(given, certificate, purpose)
        if info.status in _KNOWN:
            return info
        signers = [self._list_signer(body, issuer) for body in bodies]
        found = [one for one in signers if one is not None and one.der != certificate.der]
        if not found:
            return info
        for signer in found:
            self.serve(signer)
        more = Evidence(crls=self.evidence.crls, ocsp_responses=self.evidence.ocsp_responses)
        return self._judge(given + more, certificate, purpose)

    def _list_signer(self, body: bytes, issuer: Certificate) -> Certificate | None:
        """Return who signed a list, if it is another than the issuer and can be found.

        A list says itself where its signer's certificate is (RFC 5280 § 5.2.7).
        """
        try:
            crl = Crl.load(body)
        except InputError:
            return None
        if signed_by(crl, issuer):
            return None
        pool = (
            *self.certificates,
            *self._trust.intermediates,
            *readable_certificates(self.evidence.certificates),
        )
        # A list may be large, and anybody may hand over certificates with its signer's name.
        found = issuers_among(crl, pool, Budget(_MAX_LIST_SIGNERS))
        for url in () if found else list_signer_urls(crl):
            answer = self._fetch(FetchRequest(FetchPurpose.AIA, url), body[:64])
            if answer is None:
                continue
            found = self._issuers_in(answer, crl)
            if found:
                break
            self._failed(FetchPurpose.AIA, url, "the answer holds no certificate of the signer")
        return found[0] if found else None

    def _ask_delta(self, certificate: Certificate, issuer: Certificate) -> None:
        """A base may be a day old: its delta says what happened since (RFC 5280 § 5.2.4)."""
        for url in delta_urls(certificate)[:1]:
            key = CacheKey.of_crl(certificate, issuer, url).text
            kept = self._recall(key)
            if kept is not None and crl_until(kept, issuer) is not None:
                self._add(crls=(kept,))
                return
            body = self._fetch(FetchRequest(FetchPurpose.CRL, url), b"")
            if body is None:
                return
            body = unwrapped(body)
            until = crl_until(body, issuer)
            if until is None:
                self._failed(FetchPurpose.CRL, url, "the delta is not signed by the issuer")
                return
            # What it says is for the path engine to judge, together with its base.
            self._add(crls=(body,))
            self._keep(key, body, until)

    def _believe_kept(
        self,
        key: str,
        certificate: Certificate,
        issuer: Certificate,
        purpose: Purpose,
        *,
        ocsp: bool,
    ) -> bool:
        """Take an entry of the cache, if it stands up to the same judgement as a fresh answer.

        One that does not help here, because another time is asked for or the certificate is younger
        than it, may help others: only what is not authentic is forgotten.
        """
        kept = self._recall(key)
        if kept is None:
            return False
        info = (
            self._weigh_ocsp(kept, certificate, issuer, purpose)
            if ocsp
            else self._weigh_crls((kept,), certificate, issuer, purpose)
        )
        if info.status not in _KNOWN:
            if not (
                ocsp_is_sound(kept, certificate, issuer)
                if ocsp
                else crl_until(kept, issuer) is not None
            ):
                self._forget(key)
            return False
        if ocsp:
            self._add(ocsp_responses=(kept,))
        else:
            self._add(crls=(kept,))
        return True


# ── small things ──────────────────────────────────────────────────────────────────────────────


def _purpose(certificate: Certificate) -> Purpose:
    try:
        usages = certificate.extended_key_usage or ()
    except InputError:
        usages = ()
    return Purpose.TIMESTAMPING if _TIME_STAMPING in usages else Purpose.SIGNING
