"""The provider's public keys: kept, and fetched again when a new key id turns up."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from esign_kit.login import calls, faults

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.login.oidc.provider import OidcProvider
    from esign_kit.model.http import Transport

__all__ = ["KeyRing"]

_MAX_KEYS = 64
_FAMILIES = {"R": "RSA", "P": "RSA", "E": "EC"}


class KeyRing:
    """Keys of one provider. Shared by all logins through it; may be used from several threads.

    Args:
        keep: how long a fetched set is used at most.
        pause: how soon an unknown key id may cause another fetch; without it anybody could make
            us knock at the provider for each forged token.
    """

    def __init__(
        self,
        provider: OidcProvider,
        transport: Transport,
        *,
        keep: timedelta = timedelta(hours=1),
        pause: timedelta = timedelta(seconds=30),
    ) -> None:
        self._provider = provider
        self._transport = transport
        self._keep = keep
        self._pause = pause
        self._lock = threading.Lock()
        self._rows: list[Mapping[str, Any]] = []
        self._fetched: datetime | None = None
        if provider.keys is not None:
            self._rows = _rows(provider.keys, provider.name)

    def find(self, key_id: str | None, algorithm: str, *, at: datetime) -> Mapping[str, Any]:
        """Return the one key that a token names.

        A token without a key id is accepted only where exactly one key fits.

        Raises:
            LoginAnswerError: no key fits, or several.
            LoginProviderError: the set cannot be fetched.
        """
        with self._lock:
            if self._stale(at):
                self._fetch(at)
            found = self._fitting(key_id, algorithm)
            if not found and self._may_fetch_again(at):
                self._fetch(at)
                found = self._fitting(key_id, algorithm)
        if len(found) != 1:
            word = "no key" if not found else f"{len(found)} keys"
            raise faults.answer(
                "login.token-key",
                f"{self._provider.name} has {word} for {algorithm}, key id "
                f"{faults.shown(key_id, 64)!r}",
            )
        return found[0]

    def _stale(self, at: datetime) -> bool:
        if self._provider.keys is not None:
            return False
        return self._fetched is None or at - self._fetched >= self._keep

    def _may_fetch_again(self, at: datetime) -> bool:
        if self._provider.keys is not None or self._fetched is None:
            return False
        return at - self._fetched >= self._pause

    def _fetch(self, at: datetime) -> None:
        what = f"{self._provider.name} keys"
        answer = calls.get(self._transport, self._provider.jwks_uri, what)
        if answer.status != 200:
            raise faults.provider("login.provider-answer", f"{what}: {answer.status}")
        self._rows = _rows(calls.json_object(answer.body, what), self._provider.name)
        self._fetched = at

    def _fitting(self, key_id: str | None, algorithm: str) -> list[Mapping[str, Any]]:
        family = "OKP" if algorithm == "EdDSA" else _FAMILIES[algorithm[0]]
        return [
            row
            for row in self._rows
            if row.get("kty") == family
            and row.get("use") in (None, "sig")
            and row.get("alg") in (None, algorithm)
            and (key_id is None or row.get("kid") == key_id)
        ]


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = data.get("keys")
    if not isinstance(rows, list) or len(rows) > _MAX_KEYS:
        raise faults.provider("login.provider-answer", f"{name}: no proper key set")
    # Private parts have no business in a published set; nothing but public ones is taken over.
    public = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")
    return [
        {key: row[key] for key in public if isinstance(row.get(key), str)}
        for row in rows
        if isinstance(row, dict)
    ]
