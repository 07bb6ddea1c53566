"""A mobile signature service that behaves: code, polling, consent, refusal, time running out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import KeyStoreError
from esign_kit.keys.mobile import MobileAnswer, MobileState, MobileUser, verification_code

if TYPE_CHECKING:
    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.testing.entity import Entity

__all__ = ["FakeMobile"]


class FakeMobile:
    """A service with the phones of some people, and a clock that a test moves.

    Attributes:
        now: seconds; :meth:`sleep` moves it.
        seconds: how long the service itself waits for a person.
        screens: what phones have shown: (phone, text, code).
        misbehave: ``wrong-code``, ``changed-hash``, ``wrong-key``, ``wrong-certificate``,
            ``twice`` (keeps a finished session).
    """

    def __init__(self, *, seconds: float = 90.0, misbehave: set[str] | None = None) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.misbehave = misbehave if misbehave is not None else set()
        self.screens: list[tuple[str, str, str]] = []
        self._phones: dict[str, tuple[MobileUser, Entity, str, float]] = {}
        self._sessions: dict[str, tuple[str, bytes, SignatureAlgorithm, float]] = {}
        self._answers: dict[str, MobileState] = {}

    def register(
        self, user: MobileUser, holder: Entity, *, reaction: str = "sign", after: float = 5.0
    ) -> None:
        """Give somebody a phone.

        Args:
            reaction: ``sign``, ``refuse``, ``ignore``, ``off`` or ``broken``.
            after: seconds until the person reacts.
        """
        self._phones[user.phone] = (user, holder, reaction, after)

    def clock(self) -> float:
        """The service's and the test's time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def certificates(self, user: MobileUser) -> tuple[bytes, ...]:
        """Return the person's certificate and its issuers."""
        holder = self._phone(user)[1]
        return (holder.certificate_der, *holder.chain_der)

    def start(
        self, user: MobileUser, digest: bytes, algorithm: SignatureAlgorithm, text: str
    ) -> tuple[str, str]:
        """Start a signature."""
        self._phone(user)
        code = verification_code(digest)
        if "wrong-code" in self.misbehave:
            code = f"{(int(code) + 1) % 8192:04d}"
        self.screens.append((user.phone, text[:40], code))
        name = f"session-{len(self._sessions) + 1}"
        self._sessions[name] = (user.phone, digest, algorithm, self.now)
        return name, code

    def status(self, session: str) -> MobileAnswer:
        """Say how far a session is; a finished one is forgotten."""
        if session not in self._sessions:
            raise KeyStoreError("no such session", code="mobile.no-such-session")
        phone, digest, algorithm, began = self._sessions[session]
        _, holder, reaction, after = self._phones[phone]
        passed = self.now - began
        if reaction == "off" and passed >= after:
            return self._end(session, MobileAnswer(MobileState.UNREACHABLE))
        if reaction == "broken" and passed >= after:
            return self._end(session, MobileAnswer(MobileState.FAILED))
        if reaction in ("sign", "refuse") and after <= passed < self.seconds:
            if reaction == "refuse":
                return self._end(session, MobileAnswer(MobileState.REFUSED))
            return self._end(session, self._signed(holder, digest, algorithm))
        if passed >= self.seconds:
            return self._end(session, MobileAnswer(MobileState.TIMED_OUT))
        return MobileAnswer(MobileState.WAITING)

    def _signed(self, holder: Entity, digest: bytes, algorithm: SignatureAlgorithm) -> MobileAnswer:
        from esign_kit import crypto
        from esign_kit.crypto.backend import backend_for

        others = [item for _, item, _, _ in self._phones.values() if item is not holder]
        signer = others[0] if "wrong-key" in self.misbehave else holder
        shown = others[0] if "wrong-certificate" in self.misbehave else holder
        if "changed-hash" in self.misbehave:
            digest = bytes(octet ^ 1 for octet in digest)
        private = crypto.load_private_key(signer.private_key.pkcs8, trusted_source=True)
        value = backend_for(algorithm.family).sign_digest(private, algorithm, digest)
        return MobileAnswer(MobileState.SIGNED, value, shown.certificate_der)

    def _phone(self, user: MobileUser) -> tuple[MobileUser, Entity, str, float]:
        found = self._phones.get(user.phone)
        if found is None or found[0].user_id != user.user_id:
            raise KeyStoreError("no such person", code="mobile.no-such-user")
        return found

    def _end(self, session: str, answer: MobileAnswer) -> MobileAnswer:
        if "twice" not in self.misbehave:
            del self._sessions[session]
        return answer
