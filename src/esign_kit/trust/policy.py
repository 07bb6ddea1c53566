"""What a validation demands. Strict by default, and loosened by name only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.model.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AlgorithmPolicy",
    "Cache",
    "CertificateProfile",
    "CoverageRule",
    "Revocation",
    "TransformRule",
    "ValidationPolicy",
    "ValidityModel",
    "derived",
]


class Revocation(StrEnum):
    """What must be known about revocation of the certificates below the anchor."""

    REQUIRED = "REQUIRED"
    """A valid answer for each certificate, whatever it declares; none is TRY_LATER."""
    IF_DECLARED = "IF_DECLARED"
    """As REQUIRED for certificates that name a CRL or OCSP address; else what is given counts."""
    TARGET_ONLY = "TARGET_ONLY"
    """As REQUIRED, for the certificate in question only."""
    IF_AVAILABLE = "IF_AVAILABLE"
    """What is given counts; nothing given is INDETERMINATE in the check, but no hindrance."""
    NOT_CHECKED = "NOT_CHECKED"
    """Not looked at; the check says NOT_RUN."""


class CoverageRule(StrEnum):
    """How much of what a reader sees must be covered."""

    WHOLE_DOCUMENT = "WHOLE_DOCUMENT"
    ANY = "ANY"
    """Partial coverage may pass; the scopes still say what was covered."""


class TransformRule(StrEnum):
    """Which XML transforms may be evaluated."""

    CLOSED = "CLOSED"
    """Canonicalisation, base64, enveloped-signature; nothing else."""
    SIGNATURE_REMOVAL = "SIGNATURE_REMOVAL"
    """Also XPath and XPath Filter 2 in the forms that take signatures out of what they sign."""
    XPATH = "XPATH"
    """Also any XPath and XPath Filter 2, under the cost limit."""


class ValidityModel(StrEnum):
    """At which time the certificates of a chain must be valid."""

    SHELL = "SHELL"
    """All at the validation time (RFC 5280 and EN 319 102-1)."""
    CHAIN = "CHAIN"
    """Each issuer at the time at which it issued the next."""


class CertificateProfile(StrEnum):
    """Whether certificates must be made as RFC 5280 § 4 tells issuers to make them."""

    AS_ISSUED = "AS_ISSUED"
    """What path validation (§ 6) needs; slips that change no decision are passed over."""
    RFC5280 = "RFC5280"
    """Also the rules for conforming issuers: key identifiers, serial numbers, criticality, …."""


class Cache(StrEnum):
    """Whether answers of pure computations may be remembered in the process."""

    ON = "ON"
    OFF = "OFF"


_FOREVER: datetime | None = None


def _day(year: int, month: int = 12, day: int = 31) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


_DIGESTS: Mapping[str, datetime | None] = {
    # What is absent is refused at any time. Ends follow ETSI TS 119 312 and the SOG-IS list of
    # agreed mechanisms (legacy ones: end of 2025): an end date is the last moment at which the
    # algorithm still counts, judged at the proven time.
    "MD5": _day(2004, 8, 1),
    "SHA1": _day(2012, 8, 1),
    "SHA224": _day(2025),
    "SHA256": _FOREVER,
    "SHA384": _FOREVER,
    "SHA512": _FOREVER,
    "SHA3-224": _day(2025),
    "SHA3-256": _FOREVER,
    "SHA3-384": _FOREVER,
    "SHA3-512": _FOREVER,
    "SHAKE256": _FOREVER,
    # National digests stand here by the name of the algorithm table; a profile may end them.
    "GOST34311-TEST": _FOREVER,
    "GOST34311-CP": _FOREVER,
    "GOST34311-CP-2024": _FOREVER,
    "STREEBOG-256": _FOREVER,
    "STREEBOG-512": _FOREVER,
}

_FAMILIES: Mapping[str, tuple[tuple[int, datetime | None], ...]] = {
    # family -> (smallest key in bits, end): the first row that the key reaches counts.
    "RSA": ((3072, _FOREVER), (1900, _day(2028)), (1024, _day(2009))),
    "RSA-PSS": ((3072, _FOREVER), (1900, _day(2028)), (1024, _day(2009))),
    "DSA": ((1900, _day(2025)), (1024, _day(2009))),
    "ECDSA": ((256, _FOREVER), (224, _day(2021)), (192, _day(2012))),
    "EDDSA": ((255, _FOREVER),),
    "ML-DSA": ((1, _FOREVER),),
    "GOST": ((256, _FOREVER),),
}


@dataclass(frozen=True, slots=True)
class AlgorithmPolicy:
    """Which algorithms count until when (EN 319 102-1 § 5.2.8, ETSI TS 119 312).

    Attributes:
        digests: end date by digest name; ``None`` for no end; an absent digest never counts.
        families: rows of (smallest key in bits, end date) by signature family, largest first.
    """

    digests: Mapping[str, datetime | None] = field(default_factory=lambda: _DIGESTS)
    families: Mapping[str, tuple[tuple[int, datetime | None], ...]] = field(
        default_factory=lambda: _FAMILIES
    )

    def digest_problem(self, name: str, at: datetime) -> str:
        """Return why the digest does not count at that time; empty if it does."""
        if name not in self.digests:
            return f"digest {name} is not accepted"
        end = self.digests[name]
        if end is not None and at > end:
            return f"digest {name} is not accepted after {end:%Y-%m-%d}"
        return ""

    def key_problem(self, family: str, bits: int, at: datetime) -> str:
        """Return why a key of that family and size does not count then; empty if it does."""
        rows = self.families.get(family)
        if rows is None:
            return f"{family} is not accepted"
        for smallest, end in rows:
            if bits >= smallest:
                if end is not None and at > end:
                    return f"{family} with {bits} bits is not accepted after {end:%Y-%m-%d}"
                return ""
        return f"{family} with {bits} bits is too short"

    def accepting(self, *names: str, until: datetime | None = None) -> AlgorithmPolicy:
        """Return a copy that accepts the named digests (until a date)."""
        return AlgorithmPolicy({**self.digests, **dict.fromkeys(names, until)}, self.families)

    def accepting_keys(
        self, family: str, bits: int, until: datetime | None = None
    ) -> AlgorithmPolicy:
        """Return a copy that accepts keys of that family from that many bits on."""
        rows = [row for row in self.families.get(family, ()) if row[0] > bits]
        return AlgorithmPolicy(self.digests, {**self.families, family: (*rows, (bits, until))})


@dataclass(frozen=True, slots=True)
class ValidationPolicy:
    """What must hold for a signature to pass.

    Attributes:
        id: name that reports carry.
        revocation: see :class:`Revocation`.
        revocation_for_timestamps: the same for the chains of time-stamping units.
        max_age_without_next_update: how old evidence may be that states no nextUpdate.
        max_revocation_age: evidence older than this before the validation time does not count,
            whatever its nextUpdate; ``None`` for no such rule.
        clock_skew: tolerance for thisUpdate, producedAt and genTime in the future.
        evidence_until: evidence made after the validation time counts if it was made up to this
            time. ``None``: nothing made later than the validation time says "good". Set it to the
            present to ask for a past time with evidence of today.
        key_usages: the signing certificate must allow one of these (names of RFC 5280), if it
            has the extension at all.
        extended_key_usages: one of these OIDs must be there if any is; ``None`` asks nothing.
        required_level: ``"BASELINE-B"`` demands an AdES baseline signature (signed attributes,
            signed signing-certificate reference); ``None`` accepts what is sound, and reports
            tell the level.
        coverage: see :class:`CoverageRule`.
        transforms: see :class:`TransformRule`.
        wire_order_attributes: accept a CMS signature over signed attributes that stand, and were
            signed, in an order that is not DER; the report says so.
        quorum: pass if at least this many signatures pass; ``None`` demands all.
        initial_policies: acceptable certificate policies (RFC 5280 § 6.1.1); ``None`` is any. By
            § 6.1.5 they restrict what is reported; that a path must have one of them is asked for
            by ``initial_explicit_policy``.
        initial_explicit_policy, initial_policy_mapping_inhibit, initial_any_policy_inhibit:
            RFC 5280 § 6.1.1.
        anchor_constraints: honour constraints in the anchor's own certificate (RFC 5937).
        ignored_critical_extensions: OIDs of critical extensions that may be passed over because
            the caller processes them.
        max_path_length: certificates between anchor and target; ``None`` leaves it to ``limits``.
        model: see :class:`ValidityModel`.
        certificate_profile: see :class:`CertificateProfile`.
        timestamp_usage_strict: time-stamping usage must be critical and alone (RFC 3161 § 2.3).
        cache: see :class:`Cache`.
    """

    id: str = "esign-kit/strict/1"
    revocation: Revocation = Revocation.REQUIRED
    revocation_for_timestamps: Revocation = Revocation.IF_AVAILABLE
    max_age_without_next_update: timedelta = timedelta(days=1)
    max_revocation_age: timedelta | None = None
    clock_skew: timedelta = timedelta(minutes=5)
    evidence_until: datetime | None = None
    algorithms: AlgorithmPolicy = field(default_factory=AlgorithmPolicy)
    key_usages: frozenset[str] = frozenset({"digital_signature", "content_commitment"})
    extended_key_usages: frozenset[str] | None = None
    required_level: str | None = None
    coverage: CoverageRule = CoverageRule.WHOLE_DOCUMENT
    transforms: TransformRule = TransformRule.SIGNATURE_REMOVAL
    wire_order_attributes: bool = False
    quorum: int | None = None
    initial_policies: frozenset[str] | None = None
    initial_explicit_policy: bool = False
    initial_policy_mapping_inhibit: bool = False
    initial_any_policy_inhibit: bool = False
    anchor_constraints: bool = True
    ignored_critical_extensions: frozenset[str] = frozenset()
    max_path_length: int | None = None
    model: ValidityModel = ValidityModel.SHELL
    certificate_profile: CertificateProfile = CertificateProfile.AS_ISSUED
    timestamp_usage_strict: bool = True
    cache: Cache = Cache.ON
    limits: Limits = field(default_factory=Limits)

    def latest(self, moment: datetime) -> datetime:
        """Return the last moment that passes for that one; the end of the calendar is the end."""
        try:
            return moment + self.clock_skew
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def with_(self, **changes: Any) -> ValidationPolicy:
        """Return a copy with the named fields changed.

        The id gets a ``+`` so that no report claims an unchanged policy, unless ``id`` is given.

        Raises:
            TypeError: no such field.
        """
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        unknown = changes.keys() - values.keys()
        if unknown:
            raise TypeError(f"no such policy field: {', '.join(sorted(unknown))}")
        if "id" not in changes and not self.id.endswith("+"):
            changes["id"] = self.id + "+"
        return ValidationPolicy(**{**values, **changes})


_derived: dict[tuple[object, ...], tuple[ValidationPolicy, ValidationPolicy]] = {}


def derived(policy: ValidationPolicy, **changes: Any) -> ValidationPolicy:
    """Return ``policy.with_(**changes)`` under its own id: the same object for the same question.

    For the parts of a validation that ask a policy other than the caller's. Answers are remembered
    by the policy's identity, so that a new object each time would never find one.
    """
    key = (id(policy), *sorted(changes.items()))
    found = _derived.get(key)
    if found is not None and found[0] is policy:
        return found[1]
    made = policy.with_(id=policy.id, **changes)
    if len(_derived) >= 256:
        _derived.clear()
    # The origin is kept too, so that no other object gets its identity.
    _derived[key] = (policy, made)
    return made
