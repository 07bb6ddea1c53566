"""A login that was begun: JSON under an HMAC, bound to one browser's session.

The portal keeps the sealed text in that session (or in a cookie that scripts cannot read) and
gives it back with the answer. Whoever brings an answer without it began no login here.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from esign_kit.login import faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from esign_kit.login.once import OnceStore

__all__ = [
    "LIFETIME",
    "Pending",
    "accept",
    "aware",
    "begin",
    "open_sealed",
    "parameter",
    "resume",
    "seal",
]

LIFETIME = timedelta(minutes=10)
_DOMAIN = b"esign-kit/pending-login/1\x00"
_MIN_SECRET = 16
_MAX_SEALED = 16 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Pending:
    """What has to be known when the answer comes. ``repr()`` hides everything but the protocol.

    Attributes:
        protocol: ``"oidc"``, ``"oneid"``, ``"saml"``, ``"challenge"``.
        provider: which of several.
        state: goes through the browser and comes back; names this login.
        nonce: comes back inside the provider's token.
        verifier: of PKCE (RFC 7636).
        extra: plain JSON data of the protocol and of the portal.
    """

    protocol: str
    provider: str
    state: str
    issued: datetime
    expires: datetime
    nonce: str = ""
    verifier: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Pending({self.protocol!r}, {self.provider!r}, ***)"


def aware(at: datetime) -> datetime:
    """Return the moment in UTC; raises ``ValueError`` without a time zone."""
    if at.tzinfo is None:
        raise ValueError("at= needs a time zone")
    return at.astimezone(UTC)


def begin(
    protocol: str,
    provider: str,
    *,
    at: datetime,
    lifetime: timedelta = LIFETIME,
    nonce: bool = False,
    verifier: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> Pending:
    """Begin a login with fresh random values of 256 bits."""
    moment = aware(at)
    return Pending(
        protocol,
        provider,
        token_urlsafe(32),
        moment,
        moment + lifetime,
        token_urlsafe(32) if nonce else "",
        token_urlsafe(48) if verifier else "",
        dict(extra or {}),
    )


def seal(pending: Pending, session_secret: bytes) -> str:
    """Return the login as text that only this session's secret opens.

    Raises:
        ValueError: the secret is shorter than 16 octets.
    """
    data = {
        "protocol": pending.protocol,
        "provider": pending.provider,
        "state": pending.state,
        "nonce": pending.nonce,
        "verifier": pending.verifier,
        "issued": pending.issued.isoformat(),
        "expires": pending.expires.isoformat(),
        "extra": pending.extra,
    }
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    mac = _mac(body, session_secret)
    return f"{urlsafe_b64encode(body).decode()}.{urlsafe_b64encode(mac).decode()}"


def open_sealed(
    sealed: str | None, session_secret: bytes, *, protocol: str, provider: str, at: datetime
) -> Pending:
    """Read a sealed login back.

    Raises:
        LoginStateError: none is there, it was sealed for another session, or it is too old.
    """
    if not sealed:
        raise faults.state("login.state-missing", "the session holds no login that was begun")
    body, mac = _parts(sealed)
    if not hmac.compare_digest(mac, _mac(body, session_secret)):
        raise faults.state("login.state-foreign", "the begun login was sealed for another session")
    data = json.loads(body)
    pending = Pending(
        data["protocol"],
        data["provider"],
        data["state"],
        datetime.fromisoformat(data["issued"]),
        datetime.fromisoformat(data["expires"]),
        data["nonce"],
        data["verifier"],
        data["extra"],
    )
    if (pending.protocol, pending.provider) != (protocol, provider):
        raise faults.state(
            "login.state-foreign",
            f"begun at {pending.protocol} {pending.provider}, answered by {protocol} {provider}",
        )
    if aware(at) >= pending.expires:
        raise faults.state("login.state-expired", f"the login expired at {pending.expires}")
    return pending


def accept(pending: Pending, state: str, once: OnceStore, *, at: datetime) -> None:
    """Compare the state that came back and use it up.

    Raises:
        LoginStateError: it is another one, or was used before.
    """
    if not hmac.compare_digest(state.encode(), pending.state.encode()):
        raise faults.state("login.state-foreign", "the answer carries the state of another login")
    key = f"{pending.protocol}:{sha256(pending.state.encode()).hexdigest()}"
    if not once.use(key, until=pending.expires, at=aware(at)):
        raise faults.state("login.state-used", "this login was finished before")


def resume(
    sealed: str | None,
    session_secret: bytes,
    answer: Mapping[str, str | Sequence[str]],
    state_field: str,
    *,
    protocol: str,
    provider: str,
    once: OnceStore,
    at: datetime,
) -> Pending:
    """Read a begun login back and use up the state that came with the answer.

    Args:
        answer: the parameters of the call back.
        state_field: the one that carries the state (``"state"``, ``"RelayState"``).

    Raises:
        LoginStateError: as :func:`open_sealed` and :func:`accept`.
        LoginAnswerError: the state stands twice.
    """
    pending = open_sealed(sealed, session_secret, protocol=protocol, provider=provider, at=at)
    accept(pending, parameter(answer, state_field), once, at=at)
    return pending


def parameter(query: Mapping[str, str | Sequence[str]], name: str) -> str:
    """Return a parameter that must not stand twice; empty if it is absent.

    Raises:
        LoginAnswerError: it stands twice, or is no text.
    """
    found = query.get(name, "")
    if not isinstance(found, str):
        if len(found) > 1:
            raise faults.answer("login.answer-malformed", f"the parameter {name} stands twice")
        found = found[0] if found else ""
    if len(found) > 512 * 1024 or not isinstance(found, str):
        raise faults.answer("login.answer-malformed", f"the parameter {name} is too long")
    return found


def _mac(body: bytes, session_secret: bytes) -> bytes:
    if len(session_secret) < _MIN_SECRET:
        raise ValueError(f"session_secret needs at least {_MIN_SECRET} octets")
    return hmac.new(session_secret, _DOMAIN + body, sha256).digest()


def _parts(sealed: str) -> tuple[bytes, bytes]:
    try:
        if len(sealed) > _MAX_SEALED:
            raise ValueError
        body, mac = sealed.split(".")
        return urlsafe_b64decode(body.encode("ascii")), urlsafe_b64decode(mac.encode("ascii"))
    except ValueError:
        raise faults.state("login.state-foreign", "the begun login cannot be read") from None
