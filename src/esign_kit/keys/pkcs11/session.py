"""One session per token and process, shared by all who use it, opened again when it is lost.

All threads take turns: PKCS#11 promises nothing for two at once in one session, and a login counts
for the whole process. A fork, a module that was started anew and a token that was pulled and put
back make the session void; the next signature opens a new one.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from esign_kit.errors import CancelledError, EsignError, KeyStoreError
from esign_kit.keys.pkcs11.module import Module, is_stale, removed, translate
from esign_kit.keys.pkcs11.pin import PinPrompt, WrongPinError

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.keys.pkcs11.mechanisms import Plan
    from esign_kit.keys.pkcs11.module import ObjectInfo, TokenInfo
    from esign_kit.keys.pkcs11.pin import Pin
    from esign_kit.keys.pkcs11.uri import Pkcs11Uri

__all__ = ["TokenSession"]

_sessions: dict[tuple[str, str, str], TokenSession] = {}
_lock = threading.RLock()
_PAUSES = (0.0, 0.02, 0.1, 0.2)
"""Seconds; a token that is really gone is reported after their sum."""

_PASSING = frozenset({"GeneralError", "FunctionFailed"})
"""What may be over a moment later."""

_Found = TypeVar("_Found")


class TokenSession:
    """The session of this process with one token; get it with :meth:`acquire`."""

    def __init__(self, module: Module, token: TokenInfo, pin: Pin) -> None:
        self._module = module
        self._token = token
        self._pin = pin
        self._session: Any = None
        self._generation = -1
        self._users = 0
        self._handles: dict[ObjectInfo, Any] = {}
        self._quick: dict[int, tuple[Callable[[bytes], bytes | None], dict[str, Any]]] = {}
        self.mechanisms: frozenset[str] = frozenset()

    @classmethod
    def acquire(cls, module: Module, wanted: Pkcs11Uri, pin: Pin) -> TokenSession:
        """Return the session with the one token that is meant, logged in.

        Raises:
            KeyStoreError: ``keys.token-absent keys.token-ambiguous keys.pin-… keys.module
                keys.token``.
            CancelledError: nobody entered a PIN.
        """
        with module.lock:
            token = _the_token(module, wanted)
            name = (module.path, token.serial, token.label)
            with _lock:
                found = _sessions.get(name)
            if found is None:
                found = cls(module, token, pin)
            elif not found._pin.same(pin, found._prompt()):
                raise WrongPinError("this process has this token open with another PIN")
            found._live()
            with _lock:
                _sessions[name] = found
            found._users += 1
            return found

    def release(self) -> None:
        """Say that one user is done; the last one closes the session."""
        with self._module.lock:
            self._users -= 1
            if self._users > 0:
                return
            with _lock:
                _sessions.pop((self._module.path, self._token.serial, self._token.label), None)
            session, self._session = self._session, None
            self._handles.clear()
            self._quick.clear()
            self._pin.forget()
            if session is not None and self._generation == self._module.generation:
                with suppress(Exception):  # a token that is gone needs no goodbye
                    session.close()

    @property
    def token(self) -> TokenInfo:
        """The token as it was when the session was last opened."""
        return self._token

    def objects(self) -> list[ObjectInfo]:
        """Return what is on the token.

        Raises:
            KeyStoreError: it cannot be read.
        """
        with self._module.lock:
            try:
                return list(self._module.objects(self._live()))
            except EsignError:
                raise
            except Exception as error:
                self._drop()
                raise translate(error, self._token) from error

    def arguments(self, plan: Plan) -> dict[str, Any]:
        """Return what :meth:`sign` needs for a plan."""
        return self._module.arguments(plan)

    def sign(self, key: ObjectInfo, data: bytes, arguments: dict[str, Any]) -> bytes:
        """Let a private key do one operation.

        A session that turns out to be void is opened again, once, and the operation repeated;
        nothing has been signed then.

        Raises:
            KeyStoreError: ``keys.token-removed`` and others; see the module's ``translate``.
            CancelledError: refused at the token.
            UnsupportedError: the token does not do this.
        """
        module = self._module
        with module.lock:
            if self._generation == module.generation:
                # The usual way, without a detour: what is spent here is paid by each signature.
                quick = self._quick.get(id(arguments))
                if quick is not None:
                    value = quick[0](data)
                    if value is not None:
                        return value
                    # The slow way says why.
                    self._quick.clear()
            for last in (False, True):
                try:
                    return self._once(key, data, arguments)
                except EsignError:
                    raise
                except Exception as error:
                    self._lost(error)
                    if last:
                        raise translate(error, self._token) from error
            raise AssertionError("unreachable")

    def _lost(self, error: Exception) -> None:
        """Drop the session if a new one may help; raise ours otherwise."""
        if is_stale(error):
            self._drop()
            return
        translated = translate(error, self._token)
        if isinstance(translated, KeyStoreError) and not isinstance(translated, CancelledError):
            self._drop()
        if translated.code == "keys.token-removed":
            self._pin.forget()
        raise translated from error

    def _once(self, key: ObjectInfo, data: bytes, arguments: dict[str, Any]) -> bytes:
        session = self._live()
        handle = self._handles.get(key)
        if handle is None:
            found = self._module.private_keys(session, key)
            if not found:
                # A module that looks at its tokens only when it starts shows what is no more.
                with suppress(EsignError):
                    self._module.restart()
                found = self._module.private_keys(self._live(), key)
            if not found:
                raise KeyStoreError(
                    f"the key is no longer on the token {self._token.label!r}",
                    code="keys.no-such-key",
                )
            handle = self._handles[key] = found[0]
        if not key.always_authenticate:
            value: bytes = handle._sign(data, **arguments)
            self._prepare(handle, arguments)
            return value
        pin = self._pin.value(self._prompt(key.label or "key"))
        try:
            return handle._sign(data, pin=pin, **arguments)  # type: ignore[no-any-return]
        except Exception as error:
            self._judge_login(error, pin)
            raise

    def _prepare(self, handle: Any, arguments: dict[str, Any]) -> None:
        """Make the next signatures of this kind short, where nobody is asked at the device."""
        if "mechanism_param" in arguments or self._token.has_own_keypad:
            return
        direct = self._module.direct
        if direct is not None:
            # The dictionary is kept with it, so that its identity stays its own.
            signer = direct.signer(
                int(self._session.handle), int(handle.handle), int(arguments["mechanism"])
            )
            self._quick[id(arguments)] = (signer, arguments)

    # ── opening ───────────────────────────────────────────────────────────────────────────────

    def _live(self) -> Any:
        """Return a session that is believed to work, the lock being held."""
        module = self._module
        module.ready()
        if self._session is not None and self._generation == module.generation:
            return self._session
        known = self._generation >= 0
        self._drop()
        token = self._seen()
        if known:
            token = token or _look_again(module, self._seen)
        if token is None:
            self._pin.forget()
            raise removed(self._token)
        self._token = token
        for pause in (*_PAUSES[1:], None):
            try:
                self._session = self._login(self._token)
                self.mechanisms = module.mechanisms(self._token)
                break
            except EsignError:
                raise
            except Exception as error:
                if pause is None or type(error).__name__ not in _PASSING:
                    raise translate(error, self._token) from error
                # Two processes at the same login: SoftHSM gives one of them this. No PIN was
                # refused, so no try is lost.
                time.sleep(pause)
                with suppress(EsignError):
                    module.restart()
                self._token = self._seen() or self._token
        self._generation = module.generation
        return self._session

    def _login(self, token: TokenInfo) -> Any:
        module = self._module
        if token.locked:
            raise KeyStoreError(
                f"the PIN of the token {token.label!r} is locked",
                code="keys.pin-locked",
                hint="it is unlocked with the PUK or by the office that issued the token",
            )
        if not token.needs_login:
            return module.open(token, None)
        if token.has_own_keypad and not self._pin.given:
            return module.open(token, "")
        pin = self._pin.value(self._prompt())
        try:
            return module.open(token, pin)
        except Exception as error:
            self._judge_login(error, pin)
            raise

    def _judge_login(self, error: Exception, pin: str) -> None:
        """Turn a refused PIN into our error, with the tries that are left."""
        translated = translate(error, self._token)
        if translated.code not in ("keys.pin-wrong", "keys.pin-locked"):
            return
        self._pin.refuse(pin)
        now = self._seen()
        if translated.code == "keys.pin-locked" or (now is not None and now.locked):
            raise KeyStoreError(
                f"the PIN of the token {self._token.label!r} is locked",
                code="keys.pin-locked",
                hint="it is unlocked with the PUK or by the office that issued the token",
            ) from None
        tries = now.tries if now is not None else ""
        hint = {
            "last": "one more wrong PIN locks the token",
            "few": "a wrong PIN was entered before; a few more lock the token",
        }.get(tries, "")
        raise WrongPinError(translated.detail, tries=tries, hint=hint) from None

    def _seen(self) -> TokenInfo | None:
        """The token as it is now; ``None`` if it cannot be seen."""
        try:
            tokens = self._module.tokens()
        except Exception:
            return None
        mine = (self._token.serial, self._token.label)
        return next((item for item in tokens if (item.serial, item.label) == mine), None)

    def _prompt(self, key: str = "") -> PinPrompt:
        return PinPrompt(self._token.label, self._token.serial, key, self._token.tries)

    def _drop(self) -> None:
        session, self._session = self._session, None
        self._handles.clear()
        self._quick.clear()
        if session is not None and self._generation == self._module.generation:
            with suppress(Exception):  # it is void already
                session.close()
        self._generation = min(self._generation, 0)

    def __repr__(self) -> str:
        return f"<session with the token {self._token.label!r}>"


def _look_again(module: Module, look: Callable[[], _Found | None]) -> _Found | None:
    """Look for a token that is not seen, after a new start of the module; the lock is held.

    Some modules list their tokens only when they start. SoftHSM then leaves out a token whose
    files another process is just writing, as every login does; so we look more than once.
    """
    for pause in _PAUSES:
        time.sleep(pause)
        with suppress(Exception):
            module.restart()
            found = look()
            if found:
                return found
    return None


def _the_token(module: Module, wanted: Pkcs11Uri) -> TokenInfo:
    """Return the one token that is meant; the lock is held."""
    module.ready()
    try:
        tokens = module.tokens()
    except EsignError:
        raise
    except Exception as error:
        try:
            module.restart()
            tokens = module.tokens()
        except EsignError:
            raise
        except Exception:
            raise translate(error) from error
    found = [token for token in tokens if wanted.matches_token(token)]
    if not found and not any(path == module.path for path, _, _ in _sessions):
        # Nobody's session is lost by looking harder.
        def look() -> list[TokenInfo]:
            return [token for token in module.tokens() if wanted.matches_token(token)]

        found = _look_again(module, look) or []
    there = ", ".join(f"{item.label!r} (serial {item.serial})" for item in tokens)
    if not found:
        raise KeyStoreError(
            "the token is not in place",
            code="keys.token-absent",
            hint=f"in place: {there}" if there else "no token is in place",
        )
    if len(found) > 1:
        raise KeyStoreError(
            f"{len(found)} tokens fit; say which",
            code="keys.token-ambiguous",
            hint=f"choose by label or serial: {there}",
        )
    return found[0]
