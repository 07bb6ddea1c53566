"""The factory: authorities that issue, people and organisations that sign, a clock that travels.

``FixturePKI`` is a ``Fetcher``: what its certificates point to (OCSP, CRLs, issuers, time-stamps)
it answers itself, from memory.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EvidenceError, UnsupportedError
from esign_kit.model.evidence import FetchPurpose, FetchRequest, FetchResponse
from esign_kit.model.signature import Purpose
from esign_kit.testing import der, keys, ocsp
from esign_kit.testing.authority import Authority, key_id, moment
from esign_kit.testing.countries import Country, Layout, Usage, country, fill
from esign_kit.testing.entity import Entity
from esign_kit.testing.register import Register

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.profiles import Profile
    from esign_kit.testing.keys import AnyKey
    from esign_kit.testing.tsa import TimestampAuthority
    from esign_kit.trust.store import TrustStore

__all__ = ["Authority", "Entity", "FixturePKI", "moment"]

DEFAULT_TIME = "2026-11-01T12:00:00Z"
_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)


class FixturePKI:
    """A country in memory.

    Attributes:
        country: its table.
        now: its time, UTC; nothing here asks the clock.
        base_url: what its addresses begin with.
        crl_validity, ocsp_validity: until when an answer claims to hold; ``None`` leaves
            nextUpdate out.
        requests: all that was fetched from it, in order.
        unreachable: purposes for which fetching fails, for tests of bad days.
    """

    def __init__(
        self,
        country: str | Country = "xx",
        *,
        at: str | datetime = DEFAULT_TIME,
        key: str | None = None,
        base_url: str | None = None,
        seed: str = "",
    ) -> None:
        """Make a country: a root and an issuing authority; all else when it is asked for.

        Args:
            country: name of a table (``xx``, ``eidas``, ``kz``, …) or a table.
            at: the country's time; text is ISO 8601 and UTC unless it says otherwise.
            key: kind of keys (``ec``, ``rsa``, ``p384``, ``ed25519``, …); the country's usual
                kind by default.
            base_url: what addresses in certificates begin with.
            seed: another seed gives other keys under the same names.

        Raises:
            UnsupportedError: no such country or kind of key.
        """
        self.country = country if isinstance(country, Country) else _table(country)
        code = self.country.code.lower()
        self.now = moment(at)
        self.key_kind = key or self.country.key
        self.base_url = (base_url or f"http://pki.{code}.test").rstrip("/")
        self.seed = f"{code} {self.key_kind} {seed}".encode()
        self.crl_validity: timedelta | None = 7 * _DAY
        self.ocsp_validity: timedelta | None = _DAY
        self.requests: list[FetchRequest] = []
        self.unreachable: set[FetchPurpose] = set()
        self.authorities: dict[str, Authority] = {}
        self._counts: Counter[str] = Counter()
        self._slot = 5
        # Keys of costly kinds come from a pool by number; another seed takes other ones, or a
        # country "of another making" would hold the very keys of this one.
        self._slots = {"root": 15, "issuing": 14} if seed else {"root": 0, "issuing": 1}
        self._register = Register()
        # Whole years around the start, so that travelling does not end the authorities by accident.
        start = self.now.replace(month=1, day=1, hour=0, minute=0, second=0)
        self._start = start
        self.root = self._authority("root", None, start - 5 * _YEAR, start + 25 * _YEAR, None)
        self.issuing = self._authority(
            "issuing", self.root, start - 3 * _YEAR, start + 12 * _YEAR, 0
        )

    # ── time ──────────────────────────────────────────────────────────────────────────────────

    def travel_to(self, when: str | datetime) -> None:
        """Set the country's time, forwards or backwards."""
        self.now = moment(when)

    def travel(self, **delta: float) -> None:
        """Move the country's time by a ``timedelta`` given by its keywords (``days=2``)."""
        self.now += timedelta(**delta)

    # ── authorities ───────────────────────────────────────────────────────────────────────────

    def _authority(
        self,
        slug: str,
        issuer: Authority | None,
        not_before: datetime,
        not_after: datetime,
        path_length: int | None,
    ) -> Authority:
        rows = self.country.root if issuer is None else self.country.issuing
        slot = self._slots.get(slug)
        made = Authority(
            self,
            slug,
            der.name(fill(rows, {"country": self.country.code})),
            issuer,
            self.new_key("authority " + slug, slot=slot),
            not_before=not_before,
            not_after=not_after,
            path_length=path_length,
        )
        self.authorities[slug] = made
        return made

    def authority(
        self,
        name: str,
        *,
        issuer: Authority | None = None,
        key: str | AnyKey | None = None,
        path_length: int | None = None,
        extensions: Sequence[bytes] = (),
        valid_from: str | datetime | None = None,
        valid_until: str | datetime | None = None,
    ) -> Authority:
        """Return one more authority below ``issuer`` (the root by default)."""
        above = issuer if issuer is not None else self.root
        slug = "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower()).strip("-")
        while slug in self.authorities or not slug:
            slug += "-2"
        rows = [row for row in fill(self.country.issuing, {"country": self.country.code})]
        rows[-1] = (rows[-1][0], name, der.UTF8)
        made = Authority(
            self,
            slug,
            der.name(rows),
            above,
            self.new_key("authority " + slug, key),
            not_before=moment(valid_from) if valid_from else self._start - 2 * _YEAR,
            not_after=moment(valid_until) if valid_until else self._start + 10 * _YEAR,
            path_length=path_length,
            extensions=extensions,
        )
        self.authorities[slug] = made
        return made

    @cached_property
    def tsa(self) -> TimestampAuthority:
        """The time-stamping authority."""
        from esign_kit.testing.tsa import TimestampAuthority

        private = self.new_key("tsa", slot=4)
        made = self.issuing.issue(
            subject=der.name(fill(self.country.tsa, {"country": self.country.code})),
            spki=private.spki,
            extensions=[
                der.key_usage(("digital_signature",)),
                der.extended_key_usage(("1.3.6.1.5.5.7.3.8",), True),
                der.subject_key(key_id(private.spki)),
                *self.issuing.pointers,
            ],
            not_before=self.issuing.certificate.not_before_time,
            not_after=self.issuing.certificate.not_after_time,
            seed="tsa",
        )
        holder = Entity(self, self.issuing, "tsa", {}, made, private)
        return TimestampAuthority(self, holder, self.base_url + "/tsa", self.country.tsa_policy)

    def new_key(
        self, label: str, kind: str | AnyKey | None = None, slot: int | None = None
    ) -> AnyKey:
        """Return a key for a holder; the same label again gives another key."""
        if kind is not None and not isinstance(kind, str):
            return kind
        self._counts["key " + label] += 1
        number = self._counts["key " + label]
        if slot is None:
            slot, self._slot = self._slot, self._slot + 1
        seed = b"%s/%s/%d" % (self.seed, label.encode(), number)
        return keys.make(kind or self.key_kind, seed, slot)

    def serial(self, label: str) -> int:
        """Return the next serial number of a label; it follows from the label."""
        self._counts["serial " + label] += 1
        text = b"serial %s/%s/%d" % (self.seed, label.encode(), self._counts["serial " + label])
        # Positive and of full length: the top bits are 01 (RFC 5280 § 4.1.2.2).
        return int.from_bytes(hashlib.sha256(text).digest()[:16], "big") & (1 << 126) - 1 | 1 << 126

    def count(self, what: str) -> int:
        """Return 1, 2, 3, … for each new thing of a sort."""
        self._counts["count " + what] += 1
        return self._counts["count " + what]

    # ── people and organisations ──────────────────────────────────────────────────────────────

    def person(self, identifier: str | None = None, **details: Any) -> Entity:
        """Return a citizen with a certificate; see :meth:`issue` for the details."""
        return self.issue("person", person=identifier, **details)

    def employee(
        self,
        person: str | None = None,
        organisation: str | None = None,
        role: str = "employee",
        *,
        organization: str | None = None,
        **details: Any,
    ) -> Entity:
        """Return somebody who acts for an organisation in a role.

        Args:
            person: national identifier of the person.
            organisation: national identifier of the organisation.
            role: one of the country's roles (``head``, ``sign``, ``employee``, …).
            organization: the same as ``organisation``.
            **details: see :meth:`issue`.
        """
        number = organisation if organisation is not None else organization
        return self.issue("employee", person=person, organisation=number, role=role, **details)

    def organisation(self, identifier: str | None = None, **details: Any) -> Entity:
        """Return an organisation with a seal."""
        return self.issue("organisation", organisation=identifier, **details)

    organization = organisation

    def system(
        self, name: str = "Labour portal", organisation: str | None = None, **details: Any
    ) -> Entity:
        """Return an information system of an organisation."""
        return self.issue("system", system=name, organisation=organisation, **details)

    def issue(
        self,
        kind: str,
        *,
        person: str | None = None,
        organisation: str | None = None,
        role: str | None = None,
        system: str | None = None,
        surname: str | None = None,
        given_name: str | None = None,
        patronymic: str | None = None,
        organisation_name: str | None = None,
        title: str | None = None,
        purpose: Purpose | str = Purpose.SIGNING,
        key: str | AnyKey | None = None,
        valid_from: str | datetime | None = None,
        valid_until: str | datetime | None = None,
        issuer: Authority | None = None,
        algorithm: SignatureAlgorithm | None = None,
        usage: Usage | None = None,
        extensions: Sequence[bytes] = (),
        subject: bytes | None = None,
        recorded: bool = True,
        forged_by: AnyKey | None = None,
    ) -> Entity:
        """Issue a certificate to a holder of any kind; what is not said is made up sensibly.

        Args:
            kind: ``person``, ``employee``, ``organisation`` or ``system``.
            person, organisation: national identifiers.
            role: what an employee may do.
            system: name of an information system.
            surname, given_name, patronymic, organisation_name, title: names.
            purpose: ``SIGNING`` or ``AUTHENTICATION``.
            key: kind of key, or a key.
            valid_from, valid_until: thirty days ago until eleven months ahead by default.
            issuer: authority; the issuing one by default.
            algorithm: that the certificate is signed with.
            usage: other key usages than the country's.
            extensions: further extensions, finished.
            subject: DER of a name that takes the place of the country's layout.
            recorded: ``False``: the OCSP responder does not know the certificate.
            forged_by: sign with this key in the authority's name.

        Raises:
            UnsupportedError: the country has no such kind, role or purpose.
        """
        from esign_kit.testing.holders import values_of

        layout = self._layout(kind)
        values = values_of(
            self,
            kind,
            person=person,
            organisation=organisation,
            role=role,
            system=system,
            surname=surname,
            given_name=given_name,
            patronymic=patronymic,
            organisation_name=organisation_name,
            title=title,
        )
        chosen = usage if usage is not None else self._usage(layout, str(purpose), role)
        holder = f"{kind} {values['person'] or ''} {values['organisation'] or system or ''}"
        private = self.new_key(f"{holder} {purpose}", key)
        authority = issuer if issuer is not None else self.issuing
        made = authority.issue(
            subject=subject if subject is not None else der.name(fill(layout.subject, values)),
            spki=private.spki,
            extensions=[
                der.key_usage(chosen.key_usage),
                *((der.extended_key_usage(chosen.extended),) if chosen.extended else ()),
                *((der.policies(chosen.policies),) if chosen.policies else ()),
                *layout.extensions,
                der.subject_key(key_id(private.spki)),
                *authority.pointers,
                *extensions,
            ],
            not_before=moment(valid_from) if valid_from else self.now - 30 * _DAY,
            not_after=moment(valid_until) if valid_until else self.now + 335 * _DAY,
            seed=f"{holder} {purpose}",
            algorithm=algorithm,
            key=forged_by,
            recorded=recorded,
        )
        return Entity(self, authority, kind, values, made, private)

    def near_miss(self, kind: str, **details: Any) -> Entity:
        """Return a signer that must not pass: one of ``NEAR_MISSES``, details as :meth:`issue`."""
        from esign_kit.testing.near_misses import near_miss

        return near_miss(self, kind, **details)

    def _layout(self, kind: str) -> Layout:
        layout = self.country.layouts.get(kind)
        if layout is None:
            raise UnsupportedError(f"{self.country.title} has no certificates for {kind!r}")
        return layout

    def _usage(self, layout: Layout, purpose: str, role: str | None) -> Usage:
        usage = layout.usages.get(purpose)
        if usage is None:
            raise UnsupportedError(f"{self.country.title} has no certificates for {purpose}")
        added = self.country.roles.get(role or "", ())
        if role is not None and not added and role not in self.country.titles:
            known = sorted({*self.country.roles, *self.country.titles})
            raise UnsupportedError(
                f"{self.country.title} has no role {role!r}", hint="roles: " + ", ".join(known)
            )
        return Usage(usage.key_usage, usage.extended + added, usage.policies)

    # ── revocation ────────────────────────────────────────────────────────────────────────────

    def revoke(
        self,
        who: Entity | Authority | Certificate,
        *,
        at: str | datetime | None = None,
        reason: str | None = "keyCompromise",
    ) -> None:
        """Revoke from a time on; the country's time by default. Reasons as in RFC 5280."""
        if reason is not None and reason not in der.REASONS:
            raise ValueError(f"no such reason: {reason}")
        self._record(who, moment(at) if at is not None else self.now, reason)

    def hold(
        self, who: Entity | Authority | Certificate, *, at: str | datetime | None = None
    ) -> None:
        """Suspend: revoked with the reason certificateHold."""
        self.revoke(who, at=at, reason="certificateHold")

    def release(
        self, who: Entity | Authority | Certificate, *, at: str | datetime | None = None
    ) -> None:
        """End a suspension."""
        self._record(who, moment(at) if at is not None else self.now, "removeFromCRL")

    def _record(
        self, who: Entity | Authority | Certificate, at: datetime, reason: str | None
    ) -> None:
        certificate = who if isinstance(who, Certificate) else who.certificate
        self._register.record(certificate.issuer, certificate.serial, at, reason)

    def state(
        self, issuer: Authority, serial: int, at: datetime
    ) -> tuple[datetime, str | None] | None:
        """Return since when and why a certificate is revoked at a time, or ``None``."""
        return self._register.state(issuer.name, serial, at)

    def ocsp(
        self,
        who: Entity | Authority | Certificate,
        *,
        at: str | datetime | None = None,
        nonce: bytes | None = None,
        digest: str = "sha1",
    ) -> bytes:
        """Return an OCSP answer (DER) about one certificate, as of a time."""
        certificate = who if isinstance(who, Certificate) else who.certificate
        issuer = self._issuer_of(certificate)
        raw = ocsp.certificate_id(issuer.certificate, certificate.serial, digest)
        return issuer.respond(
            [ocsp.read_certificate_id(raw)],
            der.octets(nonce) if nonce is not None else None,
            at=moment(at) if at is not None else None,
        )

    def crl(self, issuer: Authority | None = None, *, at: str | datetime | None = None) -> bytes:
        """Return the CRL (DER) of an authority, the issuing one by default, as of a time."""
        return (issuer if issuer is not None else self.issuing).crl(at=at)

    def evidence(self, *, at: str | datetime | None = None) -> tuple[bytes, ...]:
        """Return the CRLs of all authorities: what an offline verification needs."""
        return tuple(authority.crl(at=at) for authority in self.authorities.values())

    def _issuer_of(self, certificate: Certificate) -> Authority:
        for authority in self.authorities.values():
            if authority.name == certificate.issuer:
                return authority
        raise EvidenceError("no authority of this country issued that certificate")

    # ── trust ─────────────────────────────────────────────────────────────────────────────────

    @property
    def trust(self) -> TrustStore:
        """A store that trusts the root; issuing authorities help to find paths."""
        from esign_kit.trust.store import TrustAnchor, TrustStore

        anchor = TrustAnchor(self.root.certificate, note="fixture root")
        below = [a.certificate for a in self.authorities.values() if a.issuer is not None]
        return TrustStore([anchor], below)

    @property
    def profile(self) -> Profile:
        """The country's profile, trusting this country's root in place of the real ones.

        Raises:
            ProfileError: there is no such profile.
        """
        from esign_kit.testing.profile import fixture_profile

        return fixture_profile(self)

    def export_trust(self, folder: str | os.PathLike[str]) -> None:
        """Write a trust folder: the root, and the other authorities under ``intermediates``."""
        from esign_kit.testing.export import write_trust

        write_trust(self, folder)

    # ── the network ───────────────────────────────────────────────────────────────────────────

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Answer what a ``Fetcher`` is asked: OCSP, CRL, AIA and time-stamps, from memory.

        Raises:
            EvidenceError: an address of another house, or one made unreachable.
        """
        self.requests.append(request)
        if request.purpose in self.unreachable:
            raise EvidenceError(f"{request.url} does not answer", code="evidence.unreachable")
        if not request.url.startswith(self.base_url + "/"):
            raise EvidenceError(
                f"{request.url} is not in this country", code="evidence.unreachable"
            )
        answer = self.serve(request.url[len(self.base_url) :], request.body)
        if answer is None:
            raise EvidenceError(f"there is nothing at {request.url}", code="evidence.not-found")
        body, media_type = answer
        return FetchResponse(request, body, media_type)

    def serve(self, path: str, body: bytes | None = None) -> tuple[bytes, str] | None:
        """Return octets and media type of what stands under a path, or ``None``."""
        from esign_kit.testing.services import serve

        return serve(self, path, body)

    def __repr__(self) -> str:
        return f"<{self.country.title} on {self.now:%Y-%m-%d}>"


def _table(name: str) -> Country:
    return country(name)
