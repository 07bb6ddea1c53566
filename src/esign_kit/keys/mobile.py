"""Keys in a phone: ASAN İmza, SİMA and their relatives, as one port.

The portal starts a signature, shows a code, and asks again until the person has compared the code
on the phone and entered a PIN, has refused, or time is up. What differs between vendors is how the
three questions of :class:`MobileService` are put; what must hold is here, once: the code belongs to
these octets, the certificate is the one that was fixed in the signature, the value verifies, and an
answer counts once.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from esign_kit import crypto
from esign_kit.algorithms import digest_algorithm, signature_algorithm
from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import CancelledError, EsignError, InputError, KeyStoreError
from esign_kit.keys.held import HeldKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.algorithms import SignatureAlgorithm

__all__ = [
    "Job",
    "MobileAnswer",
    "MobileKey",
    "MobileService",
    "MobileState",
    "MobileUser",
    "Pending",
    "begin",
    "check",
    "mobile_key",
    "verification_code",
    "wait",
]

_SCHEMA = "esign-kit/mobile/1"


@dataclass(frozen=True, slots=True)
class MobileUser:
    """Who is asked.

    Attributes:
        phone: as the service wants it, usually +994…; shown shortened only.
        user_id: the person's number at the service, if it has such.
    """

    phone: str
    user_id: str = ""

    def __repr__(self) -> str:
        return f"MobileUser(…{self.phone[-2:]})"


class MobileState(StrEnum):
    """How far a signature is."""

    WAITING = "WAITING"
    SIGNED = "SIGNED"
    REFUSED = "REFUSED"
    TIMED_OUT = "TIMED_OUT"
    UNREACHABLE = "UNREACHABLE"
    """The phone is off, or has no network."""
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class MobileAnswer:
    """What the service says when it is asked again.

    Attributes:
        value: the signature value where the state is SIGNED.
        certificate: DER, where the service sends it along.
    """

    state: MobileState
    value: bytes = b""
    certificate: bytes = b""


class MobileService(Protocol):
    """A vendor's service; an adapter of these three questions is all that a new one needs.

    All raise :class:`KeyStoreError` (``mobile.unreachable``, ``mobile.no-such-user``, …).
    """

    def certificates(self, user: MobileUser) -> tuple[bytes, ...]:
        """Return DER of the person's signing certificate and its issuers."""
        ...

    def start(
        self, user: MobileUser, digest: bytes, algorithm: SignatureAlgorithm, text: str
    ) -> tuple[str, str]:
        """Start a signature; returns the session's name and the code that the phone shows.

        The code is empty where the service leaves it to :func:`verification_code`.
        """
        ...

    def status(self, session: str) -> MobileAnswer:
        """Say how far a session is."""
        ...


class Job(Protocol):
    """What :func:`begin` needs of a ``SigningJob``."""

    @property
    def to_be_signed(self) -> bytes:
        """The octets that are hashed."""
        ...

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """What the phone must do."""
        ...

    @property
    def certificate(self) -> bytes:
        """DER of the certificate that was fixed in the signature."""
        ...

    def complete(self, value: bytes) -> bytes:
        """Put the value in and return the signed file."""
        ...


@dataclass(frozen=True, slots=True)
class Pending:
    """A signature that waits for its person; plain text between two requests of a browser.

    Attributes:
        session: the service's name for it.
        code: what the person compares with the phone.
        digest: of the octets to be signed.
        certificate: DER of the signer's certificate.
        until: time of the clock that was used, seconds.
    """

    session: str
    code: str
    digest: bytes
    certificate: bytes
    until: float

    def to_json(self) -> str:
        """Return it as JSON; keep it on the server's side, it names a running session."""
        return json.dumps(
            {
                "schema": _SCHEMA,
                "session": self.session,
                "code": self.code,
                "digest": b64encode(self.digest).decode("ascii"),
                "certificate": b64encode(self.certificate).decode("ascii"),
                "until": self.until,
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Pending:
        """Read it back.

        Raises:
            InputError: it is none.
        """
        try:
            data = json.loads(text)
            if data["schema"] != _SCHEMA:
                raise ValueError
            return cls(
                str(data["session"]),
                str(data["code"]),
                b64decode(data["digest"], validate=True),
                b64decode(data["certificate"], validate=True),
                float(data["until"]),
            )
        except (ValueError, KeyError, TypeError, Error, RecursionError) as error:
            raise InputError("this is no pending signature", code="mobile.malformed") from error


def verification_code(digest: bytes) -> str:
    """Return four digits for a digest: its first six and last seven bits, as Mobile-ID does it.

    Whoever changes the octets on the way changes the code with a chance of 8191 in 8192.
    """
    return f"{(digest[0] >> 2) << 7 | digest[-1] & 0x7F:04d}"


def begin(
    service: MobileService,
    user: MobileUser,
    job: Job,
    *,
    text: str,
    now: float,
    seconds: float = 120.0,
) -> Pending:
    """Start the signature of a job in somebody's phone.

    Args:
        job: of ``esign_kit.prepare`` with the person's certificate.
        text: what the phone shows, a short sentence; vendors cut it.
        now: of the caller's clock, seconds.
        seconds: how long the person has.

    Raises:
        KeyStoreError: the service does not start it; ``mobile.code``: it shows a code that does
            not belong to these octets; ``mobile.algorithm``: it hashes what we cannot hash.
    """
    digest = _digest(job.to_be_signed, job.algorithm)
    session, code = service.start(user, digest, job.algorithm, text)
    own = verification_code(digest)
    if code and code != own:
        raise KeyStoreError(
            "the service shows a code that does not belong to these octets", code="mobile.code"
        )
    return Pending(session, own, digest, job.certificate, now + seconds)


def check(service: MobileService, pending: Pending, job: Job, *, now: float) -> bytes | None:
    """Ask once whether a signature is done; returns the signed file, or ``None`` to ask again.

    Raises:
        CancelledError: the person refused.
        KeyStoreError: ``mobile.timed-out mobile.unreachable mobile.failed``; ``mobile.other-job``:
            the pending signature is of another job; ``mobile.certificate``: another certificate
            answered.
        SigningError: the value does not verify.
    """
    if (
        pending.digest != _digest(job.to_be_signed, job.algorithm)
        or pending.certificate != job.certificate
    ):
        raise KeyStoreError("this signature belongs to another job", code="mobile.other-job")
    value = value_of(service.status(pending.session), pending.certificate)
    if value is not None:
        return job.complete(value)
    if now >= pending.until:
        raise _timed_out()
    return None


def wait(
    service: MobileService,
    pending: Pending,
    job: Job,
    *,
    pause: float = 2.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """Ask until the signature is done; ``pending`` was begun with the same clock.

    Raises:
        KeyStoreError, SigningError: as :func:`check`.
    """
    while True:
        signed = check(service, pending, job, now=clock())
        if signed is not None:
            return signed
        sleep(pause)


def value_of(answer: MobileAnswer, certificate: bytes) -> bytes | None:
    """Return the value of an answer, ``None`` while the person has not decided."""
    if answer.state is MobileState.WAITING:
        return None
    if answer.state is MobileState.REFUSED:
        raise CancelledError("the person refused on the phone")
    if answer.state is MobileState.TIMED_OUT:
        raise _timed_out()
    if answer.state is MobileState.UNREACHABLE:
        raise KeyStoreError(
            "the phone cannot be reached",
            code="mobile.unreachable",
            hint="it may be off or without a network",
        )
    if answer.state is not MobileState.SIGNED or not answer.value:
        raise KeyStoreError("the service failed to get the signature", code="mobile.failed")
    if answer.certificate and answer.certificate != certificate:
        raise KeyStoreError(
            "another certificate answered than the one that was asked", code="mobile.certificate"
        )
    return answer.value


def _timed_out() -> KeyStoreError:
    return KeyStoreError("the person did not confirm in time", code="mobile.timed-out")


def _digest(data: bytes, algorithm: SignatureAlgorithm) -> bytes:
    if algorithm.digest is None:
        raise KeyStoreError(
            f"a phone is given a digest, and {algorithm.name} has none", code="mobile.algorithm"
        )
    return digest_algorithm(algorithm.digest).hash(data)


class MobileKey:
    """A phone as a key that waits in :meth:`sign`, for scripts; a portal uses begin and check."""

    def __init__(
        self,
        service: MobileService,
        user: MobileUser,
        certificate: Certificate,
        algorithms: tuple[SignatureAlgorithm, ...],
        show: Callable[[str], None],
        text: str,
        **waiting: Any,
    ) -> None:
        self._service = service
        self._user = user
        self._certificate = certificate
        self._show = show
        self._text = text
        self._waiting = waiting
        self.algorithms = algorithms

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Start, show the code, wait, and return the verified value."""
        job = _Raw(data, algorithm, self._certificate.der)
        clock: Callable[[], float] = self._waiting.get("clock", time.monotonic)
        pending = begin(self._service, self._user, job, text=self._text, now=clock())
        self._show(pending.code)
        return wait(self._service, pending, job, **self._waiting)


@dataclass(frozen=True)
class _Raw:
    to_be_signed: bytes
    algorithm: SignatureAlgorithm
    certificate: bytes

    def complete(self, value: bytes) -> bytes:
        key = crypto.load_public_key(Certificate.load(self.certificate).spki)
        candidates = [value]
        if self.algorithm.family == "ECDSA":
            try:
                candidates.append(crypto.plain_to_der(value))
            except EsignError:
                candidates = [value]
        for candidate in candidates:
            if crypto.verify(key, self.algorithm, candidate, self.to_be_signed):
                return candidate
        raise KeyStoreError(
            "the phone signed something else, or with another key", code="mobile.value"
        )


def mobile_key(
    service: MobileService,
    user: MobileUser,
    *,
    show: Callable[[str], None],
    text: str,
    **waiting: Any,
) -> HeldKey:
    """Return a person's phone as a ``SigningKey``.

    Args:
        show: gets the code that the person compares.
        text: what the phone shows.
        **waiting: ``pause``, ``clock``, ``sleep`` of :func:`wait`.

    Raises:
        KeyStoreError: the service does not know the person, or the key is of an unusual kind.
    """
    first, *others = [Certificate.load(der) for der in service.certificates(user)]
    public = crypto.load_public_key(first.spki)
    names = {
        "RSA": ("RSA-SHA256", "RSA-SHA384", "RSA-SHA512"),
        "EC": ("ECDSA-SHA384",) if 256 < public.bits <= 384 else ("ECDSA-SHA256",),
    }.get(public.type)
    if names is None:
        raise KeyStoreError(
            f"the phone's key is of the kind {public.type}", code="mobile.algorithm"
        )
    algorithms = tuple(signature_algorithm(name) for name in names)
    key = MobileKey(service, user, first, algorithms, show, text, **waiting)
    chain = [view.der for view in others if not view.self_issued]
    return HeldKey(key, first, chain, name="phone")
