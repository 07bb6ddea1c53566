"""Where a PIN comes from. It is asked for as rarely as possible and never shows itself.

A PIN that a token refused is not tried a second time: three such tries lock a card.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esign_kit.errors import CancelledError, EsignError, KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pin", "PinPrompt", "WrongPinError"]


class WrongPinError(KeyStoreError):
    """The token refused the PIN.

    Attributes:
        tries: ``"last"`` if one more wrong PIN locks the token, ``"few"`` if somebody was wrong
            before, empty where the token does not say.
    """

    default_code = "keys.pin-wrong"

    def __init__(self, detail: str, *, tries: str = "", hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.tries = tries


@dataclass(frozen=True, slots=True)
class PinPrompt:
    """What a callback is told when it is asked for a PIN.

    Attributes:
        token: label of the token.
        serial: its serial number.
        key: label of the key, where the token wants the PIN for each of its signatures.
        tries: ``"few"`` if somebody was wrong before, ``"last"`` if this is the last try, else
            empty.
    """

    token: str
    serial: str
    key: str = ""
    tries: str = ""


class Pin:
    """A source of the PIN: the PIN itself, a callback, a file or a variable.

    What a callback answered is kept while the token stays in place, so that a forked worker or a
    lost session does not ask again; :meth:`forget` ends that. A file or a variable is read anew
    each time.
    """

    __slots__ = ("_ask", "_file", "_kept", "_refused", "_salt", "_variable")

    def __init__(
        self,
        value: str | Callable[[PinPrompt], str | None] | None = None,
        *,
        file: str | os.PathLike[str] | None = None,
        variable: str | None = None,
    ) -> None:
        if sum(item is not None for item in (value, file, variable)) > 1:
            raise TypeError("give a PIN in one way only")
        self._ask = value if callable(value) else None
        self._kept: str | None = value if isinstance(value, str) else None
        self._file = file
        self._variable = variable
        self._salt = os.urandom(16)
        self._refused: set[bytes] = set()

    @property
    def given(self) -> bool:
        """False if there is no source at all."""
        return (
            self._kept is not None
            or self._ask is not None
            or self._file is not None
            or self._variable is not None
        )

    def value(self, prompt: PinPrompt) -> str:
        """Return the PIN.

        Raises:
            CancelledError: a callback answered ``None`` or nothing.
            KeyStoreError: ``keys.pin-needed``: there is no source, or it is empty;
                ``keys.pin-source``: it cannot be read; ``keys.pin-wrong``: the token has refused
                this very PIN before.
        """
        found = self._read(prompt)
        if not found:
            raise KeyStoreError(
                "the token needs a PIN and none is given",
                code="keys.pin-needed",
                hint="give pin=, pin_file= or pin_variable=",
            )
        if self._mark(found) in self._refused:
            raise WrongPinError(
                "the token has refused this PIN before; it is not tried again",
                tries=prompt.tries,
                hint="every wrong try brings the token closer to being locked",
            )
        return found

    def _read(self, prompt: PinPrompt) -> str:
        # A key that wants its PIN for each signature wants a person for each signature.
        if self._kept is not None and not (prompt.key and self._ask is not None):
            return self._kept
        if self._ask is not None:
            return self._asked(self._ask, prompt)
        if self._file is not None:
            try:
                with open(self._file, encoding="utf-8-sig") as stream:
                    return stream.readline(4096).rstrip("\r\n")
            except (OSError, ValueError):
                raise KeyStoreError(
                    "the file with the PIN cannot be read", code="keys.pin-source"
                ) from None
        if self._variable is not None:
            return os.environ.get(self._variable, "")
        return ""

    def _asked(self, ask: Callable[[PinPrompt], str | None], prompt: PinPrompt) -> str:
        try:
            answer = ask(prompt)
        except EsignError:
            raise
        except Exception as error:
            # Its text may quote what was typed.
            raise KeyStoreError(
                f"asking for the PIN failed: {type(error).__name__}", code="keys.pin-source"
            ) from None
        if not answer:
            raise CancelledError("no PIN was entered")
        if not prompt.key:
            self._kept = answer
        return answer

    def refuse(self, value: str) -> None:
        """Remember that the token said no to this one."""
        self._refused.add(self._mark(value))
        if self._ask is not None:
            self._kept = None

    def forget(self) -> None:
        """Forget what a person typed; a PIN that was given in code or in a file stays."""
        if self._ask is not None:
            self._kept = None

    def same(self, other: Pin, prompt: PinPrompt) -> bool:
        """Tell whether both hold the same PIN, as far as they know one without asking."""
        mine = self._kept if self._ask is not None else self._read(prompt)
        theirs = other._kept if other._ask is not None else other._read(prompt)
        return not mine or not theirs or hmac.compare_digest(mine.encode(), theirs.encode())

    def _mark(self, value: str) -> bytes:
        return hmac.digest(self._salt, value.encode("utf-8", "surrogatepass"), "sha256")

    def __repr__(self) -> str:
        return "Pin(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a PIN is not pickled")
