"""The one file that speaks to PKCS#11 modules.

A module is one thing per process: it is initialised once, told apart by its path, and used under
one lock, because python-pkcs11 initialises it for a single thread. A forked child inherits memory
that the module does not expect there and has to start it anew (PKCS#11 § 5.4, C_Initialize).
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from esign_kit.errors import CancelledError, EsignError, KeyStoreError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esign_kit.keys.pkcs11.direct import Direct
    from esign_kit.keys.pkcs11.mechanisms import Plan

__all__ = ["Module", "ObjectInfo", "TokenInfo", "is_stale", "translate"]

_COUNT_LOW, _FINAL_TRY, _LOCKED = 0x10000, 0x20000, 0x40000
_MAX_OBJECTS = 1024

_modules: dict[str, Module] = {}
_modules_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What a token says about itself (CK_TOKEN_INFO); ``native`` is the backend's object."""

    label: str
    serial: str
    manufacturer: str
    model: str
    slot_id: int
    flags: int
    native: Any

    @property
    def tries(self) -> str:
        """``few``, ``last`` or nothing, as far as the token says."""
        if self.flags & _FINAL_TRY:
            return "last"
        return "few" if self.flags & _COUNT_LOW else ""

    @property
    def locked(self) -> bool:
        """True if the token says that its PIN is locked."""
        return bool(self.flags & _LOCKED)

    @property
    def needs_login(self) -> bool:
        """True if private objects are hidden until somebody logs in."""
        return bool(self.flags & 0x4)

    @property
    def has_own_keypad(self) -> bool:
        """True if the PIN is entered at the device."""
        return bool(self.flags & 0x100)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectInfo:
    """An object on a token, as far as it lets itself be read; compared by identity.

    Attributes:
        kind: ``private``, ``public`` or ``certificate``.
        id: CKA_ID.
        label: CKA_LABEL.
        public: modulus of an RSA key, the point of an elliptic curve, else nothing.
        value: DER of a certificate.
        signs: CKA_SIGN.
        always_authenticate: the PIN is wanted for each signature.
    """

    kind: str
    id: bytes
    label: str
    public: bytes = b""
    value: bytes = b""
    signs: bool = True
    always_authenticate: bool = False


class Module:
    """A loaded PKCS#11 module; get it with :meth:`load`.

    Attributes:
        path: of the shared library.
        lock: held by whoever calls into the module.
        generation: changes whenever all sessions have become void.
    """

    def __init__(self, path: str, library: Any) -> None:
        self.path = path
        self.library = library
        self.lock = threading.RLock()
        self.generation = 0
        self._forked = False

    @cached_property
    def direct(self) -> Direct | None:
        """The short way to sign, where there is one."""
        from esign_kit.keys.pkcs11.direct import Direct

        try:
            return Direct(self.path)
        except OSError:
            return None

    @classmethod
    def load(cls, path: str) -> Module:
        """Return the module at a path; the same object for the same path.

        Raises:
            KeyStoreError: ``keys.no-pkcs11``: the extra is not installed; ``keys.module``: it
                cannot be loaded or does not start.
        """
        try:
            import pkcs11
        except ImportError:
            raise KeyStoreError(
                "tokens need an extra that is not installed",
                code="keys.no-pkcs11",
                hint="pip install 'esign-kit[pkcs11]'",
            ) from None
        with _modules_lock:
            found = _modules.get(path)
            if found is None:
                # Without this look the loader would search the system for a bare name.
                if not os.path.isfile(path):
                    raise KeyStoreError(f"there is no PKCS#11 module {path}", code="keys.module")
                try:
                    library = pkcs11.lib(path)
                except Exception as error:
                    raise _unusable(path, error) from error
                found = _modules[path] = cls(path, library)
            return found

    def ready(self) -> None:
        """Start the module again where this process did not start it.

        Raises:
            KeyStoreError: ``keys.module``.
        """
        if self._forked:
            self._forked = False
            self.restart()

    def restart(self) -> None:
        """Finish and start the module: every session of this process is void then.

        Raises:
            KeyStoreError: ``keys.module``: it did not start.
        """
        self.generation += 1
        # It may know that it is not initialised in this process, or have lost its token; what
        # counts is whether it starts.
        with suppress(Exception):
            self.library.finalize()
        try:
            self.library.initialize()
        except Exception as error:
            raise _unusable(self.path, error) from error

    def tokens(self) -> list[TokenInfo]:
        """Return the tokens that are in place and initialised.

        Raises:
            Exception: of the backend; see :func:`translate`.
        """
        if not self.library.initialized:
            self.library.initialize()
        found = []
        for slot in self.library.get_slots(token_present=True):
            try:
                token = slot.get_token()
            except Exception as error:
                # Pulled between the two calls, or not a token at all: not there.
                if type(error).__name__ in _ABSENT:
                    continue
                raise
            if not int(token.flags) & 0x400:
                continue
            found.append(
                TokenInfo(
                    token.label.rstrip("\0 "),
                    _text(token.serial),
                    _text(token.manufacturer_id),
                    _text(token.model),
                    int(slot.slot_id),
                    int(token.flags),
                    token,
                )
            )
        return found

    def mechanisms(self, token: TokenInfo) -> frozenset[str]:
        """Return the names of the mechanisms that a token offers."""
        import pkcs11

        names = set()
        for item in token.native.slot.get_mechanisms():
            try:
                names.add(pkcs11.Mechanism(item).name)
            except ValueError:
                continue
        return frozenset(names)

    def open(self, token: TokenInfo, pin: str | None) -> Any:
        """Open a session; ``pin`` is ``None`` to log nobody in, empty for a device's keypad."""
        from pkcs11.exceptions import UserAlreadyLoggedIn

        import pkcs11

        try:
            if pin is None:
                return token.native.open()
            if not pin:
                from pkcs11.types import PROTECTED_AUTH

                return token.native.open(user_pin=PROTECTED_AUTH)
            return token.native.open(user_pin=pin)
        except UserAlreadyLoggedIn:
            # Somebody else in this process did; a login counts for all of it.
            return token.native.open()
        except UnicodeEncodeError:
            raise pkcs11.exceptions.PinInvalid from None

    def objects(self, session: Any) -> Iterator[ObjectInfo]:
        """Yield private keys, public keys and certificates of a token."""
        from pkcs11 import Attribute, ObjectClass

        for kind, what in (
            ("certificate", ObjectClass.CERTIFICATE),
            ("public", ObjectClass.PUBLIC_KEY),
            ("private", ObjectClass.PRIVATE_KEY),
        ):
            for count, item in enumerate(list(session.get_objects({Attribute.CLASS: what}))):
                if count >= _MAX_OBJECTS:
                    break
                yield ObjectInfo(
                    kind,
                    bytes(_read(item, Attribute.ID) or b""),
                    str(_read(item, Attribute.LABEL) or ""),
                    b"" if kind == "certificate" else _public(item),
                    bytes(_read(item, Attribute.VALUE) or b"") if kind == "certificate" else b"",
                    kind != "private" or _read(item, Attribute.SIGN) is not False,
                    kind == "private" and bool(_read(item, Attribute.ALWAYS_AUTHENTICATE)),
                )

    def private_keys(self, session: Any, info: ObjectInfo) -> list[Any]:
        """Return handles of the private keys with that CKA_ID and label."""
        from pkcs11 import Attribute, ObjectClass

        wanted: dict[Any, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        if info.id:
            wanted[Attribute.ID] = info.id
        if info.label:
            wanted[Attribute.LABEL] = info.label
        found = list(session.get_objects(wanted))
        if len(found) > 1 and info.public:
            found = [item for item in found if _public(item) in (b"", info.public)]
        return found

    def arguments(self, plan: Plan) -> dict[str, Any]:
        """Return what the backend's ``_sign`` needs for a plan."""
        import pkcs11

        found: dict[str, Any] = {
            "mechanism": getattr(pkcs11.Mechanism, plan.mechanism),
            # Room for RSA keys of 8192 bits; the backend makes such a buffer for each signature.
            "buffer_size": 1024,
        }
        if plan.pss is not None:
            digest, mgf, salt = plan.pss
            found["mechanism_param"] = (
                getattr(pkcs11.Mechanism, digest),
                getattr(pkcs11.MGF, mgf),
                salt,
            )
        return found

    def __repr__(self) -> str:
        return f"<PKCS#11 module {self.path}>"


def _unusable(path: str, error: Exception) -> KeyStoreError:
    return KeyStoreError(
        f"the PKCS#11 module {path} cannot be used: {error or type(error).__name__}",
        code="keys.module",
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\0 ")
    return str(value).rstrip("\0 ")


def _read(item: Any, attribute: Any) -> Any:
    from pkcs11.exceptions import PKCS11Error

    try:
        return item[attribute]
    except (PKCS11Error, KeyError, ValueError, NotImplementedError):
        # Not every token knows every attribute.
        return None


def _public(item: Any) -> bytes:
    from pkcs11 import Attribute

    modulus = _read(item, Attribute.MODULUS)
    if modulus:
        return bytes(modulus).lstrip(b"\0")
    point = _read(item, Attribute.EC_POINT)
    if not point:
        return b""
    point = bytes(point)
    # An OCTET STRING around the point, which some tokens leave out.
    if point[:1] == b"\x04" and len(point) > 2:
        if point[1] == len(point) - 2:
            return point[2:]
        if point[1] == 0x81 and point[2] == len(point) - 3:
            return point[3:]
    return point


# ── what the return codes mean ────────────────────────────────────────────────────────────────

_ABSENT = frozenset({"TokenNotPresent", "TokenNotRecognised", "DeviceRemoved", "SlotIDInvalid"})
_STALE = frozenset(
    {
        "SessionHandleInvalid",
        "SessionClosed",
        "ObjectHandleInvalid",
        "KeyHandleInvalid",
        "UserNotLoggedIn",
        "OperationActive",
        "OperationNotInitialized",
    }
)
_MEANINGS: dict[str, tuple[type[EsignError], str, str]] = {
    "PinIncorrect": (KeyStoreError, "keys.pin-wrong", "the PIN is wrong"),
    "PinInvalid": (KeyStoreError, "keys.pin-wrong", "the PIN has characters no token takes"),
    "PinLenRange": (KeyStoreError, "keys.pin-wrong", "the PIN is too short or too long"),
    "PinExpired": (KeyStoreError, "keys.pin-expired", "the PIN has expired and must be changed"),
    "PinLocked": (KeyStoreError, "keys.pin-locked", "the PIN is locked"),
    "UserPinNotInitialized": (KeyStoreError, "keys.pin-not-set", "the token has no PIN yet"),
    "FunctionCancelled": (CancelledError, "keys.cancelled", "cancelled at the token"),
    "FunctionRejected": (CancelledError, "keys.cancelled", "refused at the token"),
    "MechanismInvalid": (UnsupportedError, "keys.mechanism", "the token does not sign this way"),
    "MechanismParamInvalid": (
        UnsupportedError,
        "keys.mechanism",
        "the token does not take these parameters",
    ),
    "DataLenRange": (UnsupportedError, "keys.mechanism", "the token does not take so many octets"),
    "KeySizeRange": (UnsupportedError, "keys.mechanism", "the key does not fit the mechanism"),
    "KeyTypeInconsistent": (UnsupportedError, "keys.mechanism", "the key is of another kind"),
    "SessionCount": (KeyStoreError, "keys.sessions", "the token has no session left"),
}


def is_stale(error: Exception) -> bool:
    """Tell whether a new session may help: this one, or an object of it, is no more."""
    # CKR_CRYPTOKI_NOT_INITIALIZED has no type of its own: somebody finished the module.
    return type(error).__name__ in _STALE or "(not initialized)" in str(error)


def translate(error: Exception, token: TokenInfo | None = None) -> EsignError:
    """Return our error for one of the backend's; its text is never repeated."""
    if isinstance(error, EsignError):
        return error
    name = type(error).__name__
    if name in _ABSENT:
        return removed(token)
    found = _MEANINGS.get(name)
    if found is not None:
        kind, code, detail = found
        hint = ""
        if code == "keys.pin-locked":
            hint = "it is unlocked with the PUK or by the office that issued the token"
        return kind(detail + _where(token), code=code, hint=hint)
    if str(error) == "Unmapped error code 0x1":  # CKR_CANCEL
        return CancelledError("cancelled at the token")
    return KeyStoreError(f"the token did not do it ({name})" + _where(token), code="keys.token")


def removed(token: TokenInfo | None) -> KeyStoreError:
    """Return the error for a token that was there and is no more."""
    return KeyStoreError(
        "the token was removed" + _where(token),
        code="keys.token-removed",
        hint="put it back; the next signature opens it again",
    )


def _where(token: TokenInfo | None) -> str:
    return f" (token {token.label!r})" if token is not None else ""


# ── fork ──────────────────────────────────────────────────────────────────────────────────────


def _before_fork() -> None:
    # A fork in the middle of a call of another thread would leave the child with half of it.
    _modules_lock.acquire()
    for module in _modules.values():
        module.lock.acquire()


def _after_in_parent() -> None:
    for module in _modules.values():
        module.lock.release()
    _modules_lock.release()


def _after_in_child() -> None:
    global _modules_lock
    _modules_lock = threading.RLock()
    for module in _modules.values():
        module.lock = threading.RLock()
        module.generation += 1
        module._forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_in_parent,
        after_in_child=_after_in_child,
    )
