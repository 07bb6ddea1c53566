"""An organisation's seal on a server: one key, many workers, and three brakes.

Every signature is asked for by somebody, is counted, and stands in a chained audit log *before* it
is made and again with its outcome. A switch stops the seal at once, for all workers.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from esign_kit.errors import EsignError, KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography import x509

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.keys.audit import AuditLog
    from esign_kit.keys.base import SigningKey
    from esign_kit.model.signature import Purpose

__all__ = ["RateLimit", "Seal"]


class RateLimit:
    """So many signatures in so many seconds, over a sliding window; for the threads of a process.

    Args:
        signatures: at most so many …
        seconds: … within any such time.
        clock: seconds that only grow.
    """

    def __init__(
        self, signatures: int, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if signatures < 1 or seconds <= 0:
            raise ValueError("a rate has at least one signature and a time")
        self.signatures = signatures
        self.seconds = seconds
        self._clock = clock
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one; return 0, or the seconds to wait if there is none left."""
        with self._lock:
            now = self._clock()
            while self._times and now - self._times[0] >= self.seconds:
                self._times.popleft()
            if len(self._times) >= self.signatures:
                return self.seconds - (now - self._times[0])
            self._times.append(now)
            return 0.0


class Seal:
    """A key of an organisation, held open, used by many; itself a ``SigningKey``.

    The name of who asks is set with :meth:`asked_by` and belongs to the thread or task::

        with seal.asked_by("clerk 17, application 2026/81"):
            signed = esign_kit.sign(document, seal, format="cades", packaging="detached")

    Args:
        key: the key; any store's.
        log: the audit log.
        rate: how much it may be used; ``None`` for no bound. The bound is one of this process:
            with n workers divide it by n.
        stopped: the switch: a file whose presence stops the seal, or something that answers
            whether it is stopped. It is asked before each signature; if it cannot be asked, the
            seal is stopped.
        anonymous: what the log says where nobody was named; ``None`` refuses to sign then.
        clock: the time that the log shows, aware.
    """

    def __init__(
        self,
        key: SigningKey,
        log: AuditLog,
        *,
        rate: RateLimit | None = None,
        stopped: str | os.PathLike[str] | Callable[[], bool] | None = None,
        anonymous: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._key = key
        self._log = log
        self._rate = rate
        self._stopped = stopped
        self._anonymous = anonymous
        self._clock = clock
        self._who: ContextVar[str | None] = ContextVar("esign_kit_seal_who", default=None)

    @property
    def certificate(self) -> x509.Certificate:
        """The seal's certificate."""
        return self._key.certificate

    @property
    def certificate_der(self) -> bytes:
        """The seal's certificate as DER."""
        return self._key.certificate_der

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        """Issuers, nearest first."""
        return self._key.chain_der

    @property
    def algorithms(self) -> tuple[SignatureAlgorithm, ...]:
        """What the key can do, the preferred algorithm first."""
        return self._key.algorithms

    @property
    def purpose(self) -> Purpose:
        """What the certificate says that the key is for."""
        return self._key.purpose

    @contextmanager
    def asked_by(self, who: str) -> Iterator[Seal]:
        """Name who asks for the signatures of this block; the log holds the name as it is."""
        token = self._who.set(who)
        try:
            yield self
        finally:
            self._who.reset(token)

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign, if the switch, the rate and the log allow it.

        Raises:
            KeyStoreError: ``keys.seal-stopped``, ``keys.seal-rate``, ``keys.seal-nobody`` (nobody
                was named), ``keys.audit`` (the log cannot be written: then nothing is signed, or
                what was signed is not handed out), and whatever the key raises.
        """
        who = self._who.get() or self._anonymous
        event = {
            "time": self._clock().isoformat(),
            "who": who,
            "serial": f"{self._serial():x}",
            "algorithm": algorithm.name,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        refusal = self._refusal(who)
        if refusal is not None:
            self._log.append({**event, "outcome": refusal.code})
            raise refusal
        asked = self._log.append({**event, "outcome": "asked"})
        try:
            value = self._key.sign(data, algorithm)
        except EsignError as error:
            self._log.append({**self._after(event, asked), "outcome": error.code})
            raise
        except BaseException as error:
            self._log.append({**self._after(event, asked), "outcome": type(error).__name__})
            raise
        self._log.append({**self._after(event, asked), "outcome": "signed"})
        return value

    def _after(self, event: dict[str, str | None], asked: str) -> dict[str, str | None]:
        return {**event, "time": self._clock().isoformat(), "asked": asked}

    def _refusal(self, who: str | None) -> KeyStoreError | None:
        if self._is_stopped():
            return KeyStoreError(
                "this seal is stopped",
                code="keys.seal-stopped",
                hint="whoever stopped it knows why",
            )
        if not who:
            return KeyStoreError(
                "nobody is named as the one who asks for this seal",
                code="keys.seal-nobody",
                hint="sign within seal.asked_by(…)",
            )
        wait = self._rate.take() if self._rate is not None else 0.0
        if wait > 0:
            return KeyStoreError(
                "this seal has been used too often in a short time",
                code="keys.seal-rate",
                hint=f"the next signature is possible in {wait:.1f} seconds",
            )
        return None

    def _is_stopped(self) -> bool:
        if self._stopped is None:
            return False
        try:
            if callable(self._stopped):
                return bool(self._stopped())
            os.lstat(self._stopped)
        except FileNotFoundError:
            return callable(self._stopped)
        except Exception:
            # Whether it may go on cannot be learnt: then it may not.
            return True
        return True

    def _serial(self) -> int:
        from esign_kit.asn1.certificate import Certificate

        return Certificate.load(self._key.certificate_der).serial

    def __repr__(self) -> str:
        return f"<seal with {self._key!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a seal is not pickled; open its key where it is needed")
