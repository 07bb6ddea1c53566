"""What the pages do, whatever the framework: challenge, login, document, upload.

A session is a mapping of JSON values that the framework keeps for one browser. Nothing of it goes
to the browser but the token that its own pages send back.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_bytes, token_urlsafe
from typing import TYPE_CHECKING, Any

from esign_kit import api
from esign_kit.agents import eimzo, ncalayer, unwrap
from esign_kit.eid.identity import subject_continuity
from esign_kit.errors import IdentityError, InputError, LimitError, LoginStateError
from esign_kit.login.challenge import ChallengeLogin
from esign_kit.web.statement import principal_from_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping

    from esign_kit.login import Login, OnceStore
    from esign_kit.model.assurance import Assurance
    from esign_kit.model.evidence import Evidence, Fetcher
    from esign_kit.model.levels import Level
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import SignatureReport
    from esign_kit.profiles import Profile

    Session = MutableMapping[str, Any]

__all__ = ["Agents", "KeyPortal", "Upload"]

_SECRET, _TOKEN, _PENDING, _PRINCIPAL, _OFFERS = (
    "esign.secret",
    "esign.token",
    "esign.pending",
    "esign.principal",
    "esign.offers",
)
_MOST_OFFERS = 20


@dataclass(frozen=True, slots=True)
class Agents:
    """Where the page finds the programs that hold keys; ``None`` leaves one out.

    Attributes:
        ncalayer: Kazakhstan.
        eimzo: Uzbekistan.
        eimzo_keys: pairs of domain and API key that the vendor gave for this portal.
        login_keys: which keys NCALayer offers for a login: ``"any"``, because a GOST-2015 key
            serves both and bears the usage of signing only; ``"login"`` where nobody has one.
    """

    ncalayer: str | None = ncalayer.ADDRESS
    eimzo: str | None = eimzo.ADDRESS
    eimzo_keys: tuple[tuple[str, str], ...] = ()
    login_keys: str = "any"


@dataclass(frozen=True, slots=True)
class Upload:
    """A signed document that was accepted.

    Attributes:
        principal: who signed; the one who is logged in.
        document: the octets that were shown, and signed.
        signature: the signed file.
        report: to be kept, for example with ``esign_kit.bundle``.
    """

    name: str
    principal: Principal
    document: bytes
    signature: bytes
    report: SignatureReport


class KeyPortal:
    """Login with a key and signed upload.

    Args:
        origin: of the portal (``"https://portal.example"``).
        profile: whose certificates are accepted.
        once: remembers what was used; several workers share one.
        fetcher: the way to revocation answers; or ``evidence``, a function that returns them.
        agents: where the browser finds the programs with the keys.
        login_minimum, signing_minimum: how sure a login and a signature have to be.
        clock: the present; the system's by default.
        size: most octets of an answer.
    """

    def __init__(
        self,
        origin: str,
        *,
        profile: Profile,
        once: OnceStore,
        fetcher: Fetcher | None = None,
        evidence: Callable[[], Iterable[bytes] | Evidence] = tuple,
        agents: Agents | None = None,
        login_minimum: Level | Assurance | None = None,
        signing_minimum: Level | Assurance | None = None,
        lifetime: timedelta = timedelta(minutes=3),
        clock: Callable[[], datetime] | None = None,
        size: int = 4 * 1024 * 1024,
    ) -> None:
        self._logins = ChallengeLogin(origin, profile=profile, once=once, lifetime=lifetime)
        self.origin = origin.rstrip("/")
        self.agents = agents or Agents()
        self.clock = clock or _now
        self.size = size
        self._profile = profile
        self._once = once
        self._fetcher = fetcher
        self._evidence = evidence
        self._login_minimum = login_minimum
        self._signing_minimum = signing_minimum

    # ── session ───────────────────────────────────────────────────────────────────────────────

    def token(self, session: Session) -> str:
        """Return the token that pages of this session send back; made when first asked for."""
        token: str = session.get(_TOKEN) or ""
        if not token:
            token = session[_TOKEN] = token_urlsafe(32)
        return token

    def principal(self, session: Session) -> Principal | None:
        """Return who is logged in, as established by the login."""
        data = session.get(_PRINCIPAL)
        return principal_from_data(data) if data else None

    def log_out(self, session: Session) -> None:
        """Forget the login and all that was begun."""
        for name in (_SECRET, _TOKEN, _PENDING, _PRINCIPAL, _OFFERS):
            session.pop(name, None)

    def _secret(self, session: Session) -> bytes:
        held = session.get(_SECRET)
        if not held:
            held = session[_SECRET] = urlsafe_b64encode(token_bytes(32)).decode("ascii")
        return urlsafe_b64decode(held)

    # ── login ─────────────────────────────────────────────────────────────────────────────────

    def challenge(self, session: Session) -> dict[str, Any]:
        """Return a fresh challenge as the page hands it to the agent."""
        issued = self._logins.issue(session_secret=self._secret(session), at=self.clock())
        session[_PENDING] = issued.pending
        return {
            "data": issued.base64,
            "ncalayer": ncalayer.basics_sign(issued.text, keys=self.agents.login_keys),
            "expires": issued.expires.isoformat(),
        }

    def log_in(self, session: Session, answer: bytes) -> Login:
        """Take the signed challenge; the session then carries the principal.

        The framework gives the session a new name afterwards, so that a name planted before the
        login is worth nothing.

        Raises:
            LoginError: see ``ChallengeLogin.finish``.
            AssuranceError: less than ``login_minimum``.
        """
        self._check_size(answer)
        pending = session.pop(_PENDING, None)
        evidence = self._evidence()  # before the clock: an answer of later than now is none
        login = self._logins.finish(
            unwrap(answer),
            pending,
            session_secret=self._secret(session),
            at=self.clock(),
            evidence=evidence,
            fetcher=self._fetcher,
            minimum=self._login_minimum,
        )
        self.log_out(session)
        session[_PRINCIPAL] = login.principal.to_dict()
        return login

    # ── upload ────────────────────────────────────────────────────────────────────────────────

    def offer(self, session: Session, name: str, document: bytes) -> None:
        """Remember that a document is shown for signing.

        Raises:
            LoginStateError: nobody is logged in.
        """
        self._who(session)
        offers = dict(session.get(_OFFERS) or {})
        offers.pop(name, None)
        offers[name] = {"digest": sha256(document).hexdigest(), "nonce": token_urlsafe(16)}
        while len(offers) > _MOST_OFFERS:
            offers.pop(next(iter(offers)))
        session[_OFFERS] = offers

    def offered(self, session: Session, name: str, document: bytes) -> dict[str, Any]:
        """Return a document that was shown, for the agent.

        Raises:
            LoginStateError: nobody is logged in, or it was not shown.
            InputError: it is another one by now.
        """
        self._who(session)
        self._check_offer((session.get(_OFFERS) or {}).get(name), document)
        return {
            "data": b64encode(document).decode("ascii"),
            "ncalayer": ncalayer.basics_sign(document),
            "name": name,
        }

    @staticmethod
    def _check_offer(offered: Mapping[str, str] | None, document: bytes) -> Mapping[str, str]:
        if offered is None:
            raise LoginStateError(
                "this document was not shown in this session",
                code="upload.not-offered",
                hint="open the document and sign it again",
            )
        if offered["digest"] != sha256(document).hexdigest():
            raise InputError(
                "the document changed after it was shown",
                code="upload.changed",
                hint="open the document and read it again",
            )
        return offered

    def accept(self, session: Session, name: str, document: bytes, answer: bytes) -> Upload:
        """Take a signed document: what was shown, signed by the one who is logged in, once.

        Args:
            document: the octets as they are now.
            answer: the signed file from the agent.

        Raises:
            LoginStateError: nobody is logged in, or it was not shown, or was sent before.
            InputError: other octets than the shown ones were signed.
            SignatureRejected: the signature did not pass.
            IdentityError: somebody else signed.
            AssuranceError: less than ``signing_minimum``.
        """
        self._check_size(answer)
        login = self._who(session)
        offers = dict(session.get(_OFFERS) or {})
        offered = offers.pop(name, None)
        session[_OFFERS] = offers
        nonce = self._check_offer(offered, document)["nonce"]
        now = self.clock()
        if not self._once.use(f"upload:{nonce}", until=now + timedelta(days=1), at=now):
            raise LoginStateError(
                "the offer was used before", code="upload.used", hint="open the document again"
            )
        report = self._verify(unwrap(answer), document)
        principal = api.identify(report, profile=self._profile, minimum=self._signing_minimum)
        same = subject_continuity(login=login.identifier, signature=principal.identifier)
        if same.status != "PASSED":
            raise IdentityError(same.detail, code=same.code, hint=same.hint)
        return Upload(name, principal, document, answer, report)

    def _verify(self, answer: bytes, document: bytes) -> SignatureReport:
        evidence = self._evidence()
        report = api.verify(
            answer,
            profile=self._profile,
            fetcher=self._fetcher,
            evidence=evidence,
            at=self.clock(),
        )
        if len(report.signatures) != 1:
            raise InputError("more than one signature", code="upload.signatures")
        found = report.signatures[0]
        found.raise_for_status()
        if [scope.octets for scope in found.signed] != [document]:
            raise InputError(
                "what was signed is not what was shown",
                code="upload.content",
                hint="open the document and sign it again",
            )
        return found

    def _who(self, session: Session) -> Principal:
        found = self.principal(session)
        if found is None:
            raise LoginStateError(
                "nobody is logged in", code="login.required", hint="log in with your key first"
            )
        return found

    def _check_size(self, answer: bytes) -> None:
        if len(answer) > self.size:
            raise LimitError("the answer is too large", code="request.size")


def _now() -> datetime:
    return datetime.now(UTC)
