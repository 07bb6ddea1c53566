"""Issue a challenge, take what an agent signed, and say who holds the key."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from esign_kit.api import check
from esign_kit.arguments import to_certificates, to_evidence
from esign_kit.asn1.certificate import readable_certificates
from esign_kit.eid.identity import describe, identify
from esign_kit.errors import (
    AssuranceError,
    EsignError,
    IdentityError,
    InputError,
    LoginError,
    SignatureRejected,
)
from esign_kit.login import faults
from esign_kit.login.challenge.content import signs_exactly
from esign_kit.login.challenge.text import (
    challenge_text,
    challenge_xml,
    check_purpose,
    origin_of,
)
from esign_kit.login.pending import accept, aware, begin, open_sealed, seal
from esign_kit.login.result import Login, check_subject, passed
from esign_kit.model.assurance import Assurance, FederationLevel, Reason
from esign_kit.model.document import Document
from esign_kit.model.principal import Proof, ProofKind
from esign_kit.model.signature import Packaging
from esign_kit.reading import read_signed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from esign_kit.arguments import AnyCertificate
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.login.once import OnceStore
    from esign_kit.login.pending import Pending
    from esign_kit.model.evidence import Evidence, Fetcher
    from esign_kit.model.identifier import Identifier
    from esign_kit.model.levels import Level
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import SignatureReport
    from esign_kit.model.signature import SignedDocument
    from esign_kit.profiles.data import Profile
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["Challenge", "ChallengeLogin"]

_LIFETIME = timedelta(minutes=3)
_CLOCK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, repr=False)
class Challenge:
    """What the agent signs.

    Attributes:
        text: octets for CMS, attached or detached, and for raw values.
        xml: the same for agents that sign XML.
        pending: sealed; keep it in this browser's session and give it to ``finish``.
    """

    text: bytes
    xml: bytes
    pending: str
    expires: datetime

    @property
    def base64(self) -> str:
        """The text as agents take it."""
        return b64encode(self.text).decode("ascii")

    def __repr__(self) -> str:
        return f"Challenge(expires {self.expires.isoformat()})"


class ChallengeLogin:
    """Login with a key of the profile's certificates (NCALayer, E-IMZO, SİMA, any other).

    A key that the country gives out for logins is accepted here and nowhere else; where one key
    serves both, the text of the challenge keeps logins and documents apart.

    Args:
        origin: of the portal (``"https://portal.example"``).
        profile: its anchors, policy and identity rules.
        once: remembers which challenges were answered.
        purpose: one word that stands in the challenge.
        lifetime: how long a challenge holds; one to five minutes are usual.
        clock: how far the signer's clock may be off, where a signing time is stated; ``None`` does
            not look at it.
    """

    protocol = "challenge"

    def __init__(
        self,
        origin: str,
        *,
        profile: Profile,
        once: OnceStore,
        purpose: str = "login",
        lifetime: timedelta = _LIFETIME,
        clock: timedelta | None = _CLOCK,
    ) -> None:
        self._origin = origin_of(origin)
        self._profile = profile
        self._once = once
        self._purpose = check_purpose(purpose)
        self._lifetime = lifetime
        self._clock = clock

    def issue(
        self, *, session_secret: bytes, at: datetime, subject: Identifier | None = None
    ) -> Challenge:
        """Return a fresh challenge.

        Args:
            session_secret: of this browser's session, 16 octets or more.
            subject: who has to sign; nobody in particular by default.
        """
        extra = {
            "origin": self._origin,
            "purpose": self._purpose,
            "subject": subject.urn() if subject else "",
        }
        pending = begin(
            self.protocol, self._origin, at=at, lifetime=self._lifetime, nonce=True, extra=extra
        )
        return Challenge(
            challenge_text(pending),
            challenge_xml(pending),
            seal(pending, session_secret),
            pending.expires,
        )

    def finish(
        self,
        answer: bytes,
        pending: str | None,
        *,
        session_secret: bytes,
        at: datetime,
        certificates: Iterable[AnyCertificate] = (),
        evidence: Iterable[bytes] | Evidence = (),
        fetcher: Fetcher | None = None,
        minimum: Level | Assurance | None = None,
    ) -> Login:
        """Verify what was signed and return who holds the key.

        The challenge is used up by this call, whatever its outcome.

        Args:
            answer: CMS (DER, PEM, base64), XML, or a raw value.
            pending: what ``issue`` gave to this session.
            certificates: for a raw value, the signer's; else helpers that are not trusted.
            evidence: CRLs and OCSP answers.
            fetcher: the way to fresh ones.
            minimum: what is demanded at least.

        Raises:
            LoginError: see the tree in ``esign_kit.errors``; where the signature was rejected its
                cause is ``SignatureRejected`` with the report.
            AssuranceError: less than ``minimum``.
        """
        moment = aware(at)
        begun = open_sealed(
            pending, session_secret, protocol=self.protocol, provider=self._origin, at=moment
        )
        accept(begun, begun.state, self._once, at=moment)
        if begun.extra["purpose"] != self._purpose:
            raise faults.state("login.state-foreign", "the challenge was for another purpose")
        try:
            report = self._verify(answer, begun, moment, certificates, evidence, fetcher)
            principal = self._identify(report)
        except LoginError:
            raise
        except (InputError, IdentityError) as error:
            raise self._rejected(error) from None
        assurance = self._assurance(principal, report, moment)
        checks = (
            passed("state", "begun in this browser, used once"),
            passed("challenge", "origin, purpose and time as they were issued"),
            *(item for item in report.checks if item.name != "profile"),
            *check_subject(principal.identifier, begun.extra["subject"] or None),
        )
        missing = assurance.missing(minimum) if minimum is not None else ()
        if missing:
            raise AssuranceError(
                "not sure enough: " + "; ".join(missing), needed=minimum, found=assurance
            )
        proof = Proof(
            ProofKind.LOGIN,
            moment,
            digest=sha256(answer).hexdigest(),
            reference=sha256(begun.nonce.encode()).hexdigest()[:16],
            subjects=principal.subject.identifiers,
            assurance=assurance,
        )
        found = replace(principal, at=moment, assurance=assurance, established_by=(proof,))
        return Login(found, checks)

    def _verify(
        self,
        answer: bytes,
        begun: Pending,
        at: datetime,
        certificates: Iterable[AnyCertificate],
        evidence: Iterable[bytes] | Evidence,
        fetcher: Fetcher | None,
    ) -> SignatureReport:
        policy = self._profile.policy
        # A login key has no content commitment; what it is given out for is looked at below.
        policy = policy.with_(key_usages=policy.key_usages | {"digital_signature"})
        helpers = to_certificates(certificates)
        text, xml = challenge_text(begun), challenge_xml(begun)
        parsed = _read(answer, text, policy, helpers)
        if len(parsed.signatures) != 1:
            raise faults.answer(
                "login.challenge-content", f"{len(parsed.signatures)} signatures; one is expected"
            )
        signature = parsed.signatures[0]
        if not signs_exactly(signature, text, xml):
            raise faults.answer(
                "login.challenge-content", "what was signed is not the challenge that was issued"
            )
        self._check_clock(signature.claimed_signing_time, begun)
        report = check(
            parsed,
            trust=self._profile.trust,
            helpers=(*helpers, *readable_certificates(parsed.certificates)),
            evidence=to_evidence(evidence, policy),
            policy=policy,
            at=at,
            fetcher=fetcher,
        )
        found = report.signatures[0]
        if not found.passed:
            raise self._not_passed(found)
        return found

    def _check_clock(self, claimed: datetime | None, begun: Pending) -> None:
        if self._clock is None or claimed is None:
            return
        if not begun.issued - self._clock <= claimed <= begun.expires + self._clock:
            raise faults.answer(
                "login.challenge-clock",
                f"signed at {claimed.isoformat()} by the signer's clock, issued at "
                f"{begun.issued.isoformat()}",
            )

    def _identify(self, report: SignatureReport) -> Principal:
        known = {rule.purpose for rule in self._profile.purposes}
        purpose = "AUTHENTICATION" if "AUTHENTICATION" in known else "SIGNING"
        try:
            return identify(report, profile=self._profile, purpose=purpose)
        except IdentityError as error:
            if error.code != "identity.purpose":
                raise
            raise faults.answer("login.challenge-purpose", error.detail) from None

    def _assurance(self, principal: Principal, report: SignatureReport, at: datetime) -> Assurance:
        """The certificate speaks about identity and presence; no document was signed."""
        subject = describe(report.signing_certificate_der, self._profile)
        reason = Reason(
            "federation",
            FederationLevel.BOUND,
            "login-challenge",
            f"origin={self._origin}, purpose={self._purpose}",
            self._profile.version,
            "a fresh challenge was signed with the key itself",
        )
        bound = Assurance.of("federation", FederationLevel.BOUND, reason)
        return replace(subject.assurance.strengthened_by(bound), at=at)

    @staticmethod
    def _rejected(error: EsignError) -> LoginError:
        if error.code == "input.no-signature":
            return faults.answer("login.challenge-content", f"no signature: {error.detail}")
        return faults.from_esign(error, "login.challenge-rejected", "not accepted")

    @staticmethod
    def _not_passed(report: SignatureReport) -> LoginError:
        failed = [
            f"{item.name} {item.code or item.status}"
            for item in report.checks
            if item.status in ("FAILED", "INDETERMINATE")
        ]
        error = faults.answer(
            "login.challenge-rejected",
            f"{report.indication} {report.sub_indication or ''}: {', '.join(failed)}",
        )
        error.__cause__ = SignatureRejected("the signed challenge did not pass", report=report)
        return error


def _read(
    answer: bytes, text: bytes, policy: ValidationPolicy, helpers: tuple[Certificate, ...]
) -> SignedDocument:
    document = (Document(text, name="challenge"),)
    try:
        parsed = read_signed(answer, (), policy, helpers)
    except InputError:
        # A bare value needs to be told what it signs.
        return read_signed(answer, document, policy, helpers)
    if any(item.packaging is Packaging.DETACHED for item in parsed.signatures):
        return read_signed(answer, document, policy, helpers)
    return parsed
