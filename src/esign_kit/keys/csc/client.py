"""The questions of the CSC API, one method each; both versions look the same from outside.

Version 1.0.4 names things otherwise than version 2 (``hash``/``hashes``, ``PIN``/``authData``); the
service's own ``info`` says which of them it speaks.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from esign_kit.errors import CancelledError, KeyStoreError
from esign_kit.keys.csc.transport import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from esign_kit.keys.csc.transport import Answer, Transport

__all__ = ["Authorization", "Credential", "CscClient"]

_MAX_PAGES = 64
_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Credential:
    """A key at the service.

    Attributes:
        id: the service's name for it.
        enabled: whether it may be used.
        algorithms: OIDs of what it can do.
        certificates: DER, the signer's first.
        mode: ``implicit``, ``explicit``, ``oauth2code``, …: how its use is authorised.
        pin, otp: whether authorising asks for them.
        pinned: whether the service binds an authorisation to the hashes (SCAL 2).
        multisign: how many signatures one authorisation may allow.
        authentication: names of what is asked for besides, version 2.
    """

    id: str
    enabled: bool
    algorithms: tuple[str, ...]
    certificates: tuple[bytes, ...]
    mode: str
    pin: bool
    otp: bool
    pinned: bool
    multisign: int
    otp_sent: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Authorization:
    """Signature activation data: the right to so many signatures, until a time.

    Attributes:
        sad: the secret; it never shows itself.
        until: on the client's clock, seconds; ``None`` if the service does not say.
    """

    sad: str = field(repr=False)
    until: float | None


class CscClient:
    """Speaks with one service.

    Args:
        url: up to and with the version, ``https://service.example/csc/v2``.
        token: the access token of the service (OAuth2 bearer), or something that returns one.
        transport: HTTP behind the default guard unless given.
        seconds: for one question, and for an asynchronous signature as a whole.
        clock, sleep: time; given in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str] | None = None,
        transport: Transport | None = None,
        seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._transport = transport or HttpTransport()
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._info: Mapping[str, Any] | None = None

    # ── what there is ─────────────────────────────────────────────────────────────────────────

    def info(self) -> Mapping[str, Any]:
        """Return what the service says about itself; asked once."""
        if self._info is None:
            self._info = self._ask("info", {})
        return self._info

    @property
    def version(self) -> int:
        """1 or 2, as the service says."""
        specs = str(self.info().get("specs", ""))
        if specs.startswith(("1.", "2.")):
            return int(specs[0])
        raise _answer("the service speaks no version of the API that we know")

    def offers(self, method: str) -> bool:
        """Tell whether the service lists a method."""
        methods = self.info().get("methods")
        return isinstance(methods, list) and method in methods

    def credentials(self) -> list[str]:
        """Return the names of all keys."""
        found: list[str] = []
        page: dict[str, Any] = {}
        for _ in range(_MAX_PAGES):
            answer = self._ask("credentials/list", page)
            names = answer.get("credentialIDs")
            if not isinstance(names, list) or not all(isinstance(item, str) for item in names):
                raise _answer("the list of credentials is none")
            found += names
            following = answer.get("nextPageToken")
            if not following:
                return found
            page = {"pageToken": str(following)}
        raise _answer("the list of credentials does not end")

    def credential(self, name: str) -> Credential:
        """Return one key with its certificates."""
        question: dict[str, Any] = {"credentialID": name, "certificates": "chain"}
        if self.version == 2:
            question["authInfo"] = True
        answer = self._ask("credentials/info", question)
        try:
            key = answer["key"]
            certificates = tuple(
                _octets(item) for item in (answer.get("cert") or {}).get("certificates") or ()
            )
            multisign = max(1, int(answer.get("multisign", 1)))
            algorithms = tuple(str(item) for item in key["algo"])
            mode, pin, otp, sent = self._authentication(answer)
            return Credential(
                name,
                key.get("status") == "enabled",
                algorithms,
                certificates,
                mode,
                pin,
                otp,
                str(answer.get("SCAL", "1")) == "2",
                min(multisign, 10_000),
                sent,
                str(answer.get("description", ""))[:200],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _answer("what the service says about a credential is incomplete") from error

    def _authentication(self, answer: Mapping[str, Any]) -> tuple[str, bool, bool, bool]:
        if self.version == 1:
            otp = answer.get("OTP") or {}
            pin = answer.get("PIN") or {}
            return (
                str(answer.get("authMode", "implicit")),
                str(pin.get("presence", "false")).lower() == "true",
                str(otp.get("presence", "false")).lower() == "true",
                otp.get("type") == "online",
            )
        auth = answer.get("auth") or {}
        objects = [item for item in auth.get("objects") or () if isinstance(item, dict)]
        names = {str(item.get("id", "")).upper(): item for item in objects}
        return (
            str(auth.get("mode", "implicit")),
            "PIN" in names,
            "OTP" in names,
            "OTP" in names and str(names["OTP"].get("type", "")) == "ChallengeResponse",
        )

    # ── authorising and signing ───────────────────────────────────────────────────────────────

    def send_otp(self, credential: Credential) -> None:
        """Let the service send a one-time password to the person."""
        method = (
            "credentials/sendOTP"
            if self.version == 1 or not self.offers("credentials/getChallenge")
            else "credentials/getChallenge"
        )
        self._ask(method, {"credentialID": credential.id})

    def authorize(
        self,
        credential: Credential,
        hashes: Sequence[bytes],
        *,
        digest_oid: str,
        pin: str | None = None,
        otp: str | None = None,
        description: str = "",
    ) -> Authorization:
        """Ask for the right to sign these hashes and no others.

        Raises:
            KeyStoreError: ``csc.pin csc.otp csc.locked csc.token csc.refused …``.
            CancelledError: ``csc.denied``: the person or the service said no.
        """
        encoded = [_text(item) for item in hashes]
        question: dict[str, Any] = {
            "credentialID": credential.id,
            "numSignatures": len(encoded),
        }
        if description:
            question["description"] = description[:500]
        if self.version == 1:
            question["hash"] = encoded
            question |= {k: v for k, v in (("PIN", pin), ("OTP", otp)) if v is not None}
        else:
            question |= {"hashes": encoded, "hashAlgorithmOID": digest_oid}
            question["authData"] = [
                {"id": k, "value": v} for k, v in (("PIN", pin), ("OTP", otp)) if v is not None
            ]
        began = self._clock()
        answer = self._ask("credentials/authorize", question)
        sad = answer.get("SAD")
        if not isinstance(sad, str) or not sad:
            raise _answer("the service authorised nothing")
        expires = answer.get("expiresIn", 3600)
        if isinstance(expires, bool) or not isinstance(expires, (int, float)):
            raise _answer("the service does not say until when it authorised")
        return Authorization(sad, began + float(expires))

    def sign_hashes(
        self,
        credential: Credential,
        authorization: Authorization | None,
        hashes: Sequence[bytes],
        *,
        digest_oid: str,
        algorithm_oid: str,
        parameters: bytes | None = None,
    ) -> list[bytes]:
        """Have hashes signed; the values are in the order of the hashes, still unverified.

        A service of version 2 that works asynchronously is asked again until it is done.

        Raises:
            KeyStoreError: ``csc.expired csc.hash csc.timeout csc.answer …``.
        """
        if (
            authorization is not None
            and authorization.until is not None
            and self._clock() >= authorization.until
        ):
            raise KeyStoreError(
                "the authorisation has expired",
                code="csc.expired",
                hint="authorise again; it has not been used",
            )
        question: dict[str, Any] = {"credentialID": credential.id, "signAlgo": algorithm_oid}
        if authorization is not None:
            question["SAD"] = authorization.sad
        if parameters is not None:
            question["signAlgoParams"] = _text(parameters)
        encoded = [_text(item) for item in hashes]
        if self.version == 1:
            question |= {"hash": encoded, "hashAlgo": digest_oid}
        else:
            question |= {"hashes": encoded, "hashAlgorithmOID": digest_oid}
            if self.info().get("asynchronousOperationMode") is True:
                question["operationMode"] = "A"
        answer = self._ask("signatures/signHash", question)
        if "signatures" not in answer and answer.get("responseID"):
            answer = self._poll(str(answer["responseID"]))
        values = answer.get("signatures")
        if not isinstance(values, list) or len(values) != len(hashes):
            raise _answer("the service did not answer with one value for each hash")
        return [_octets(item) for item in values]

    def _poll(self, response: str) -> Mapping[str, Any]:
        end = self._clock() + self._seconds
        pause = _PAUSE
        while True:
            left = end - self._clock()
            if left <= 0:
                raise KeyStoreError(
                    "the service did not sign in time",
                    code="csc.timeout",
                    hint="the person may not have confirmed",
                )
            self._sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            answer = self._send("signatures/signPolling", {"responseID": response})
            if answer.status == 202:
                continue
            return _good(answer)

    # ── one question ──────────────────────────────────────────────────────────────────────────

    def _ask(self, method: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        return _good(self._send(method, question))

    def _send(self, method: str, question: Mapping[str, Any]) -> Answer:
        headers = {}
        if method != "info" and self._token is not None:
            token = self._token() if callable(self._token) else self._token
            headers["Authorization"] = f"Bearer {token}"
        return self._transport.post(
            f"{self.url}/{method}",
            json.dumps(question).encode("ascii"),
            media_type="application/json",
            headers=headers,
            seconds=self._seconds,
        )

    def __repr__(self) -> str:
        return f"<CSC service at {self.url}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a client with a token is not pickled")


_ERRORS = {
    "invalid_pin": ("csc.pin", "the service refused the PIN"),
    "invalid_otp": ("csc.otp", "the service refused the one-time password"),
    "locked": ("csc.locked", "the credential is locked"),
    "credential_locked": ("csc.locked", "the credential is locked"),
    "invalid_token": ("csc.token", "the service refused the access token"),
    "unauthorized": ("csc.token", "the service refused the access token"),
    "expired_token": ("csc.token", "the access token has expired"),
    "temporarily_unavailable": ("csc.unavailable", "the service is not available now"),
    "server_error": ("csc.unavailable", "the service failed"),
}
_WORDS = (
    # Many services say invalid_request and put the reason into the description (1.0.4 § 11).
    (re.compile(r"\bPIN\b", re.I), "csc.pin", "the service refused the PIN"),
    (re.compile(r"\bOTP\b", re.I), "csc.otp", "the service refused the one-time password"),
    (re.compile(r"expired", re.I), "csc.expired", "the authorisation has expired"),
    (re.compile(r"hash", re.I), "csc.hash", "the service refused a hash that was not authorised"),
    (re.compile(r"SAD|authoriz", re.I), "csc.sad", "the service refused the authorisation"),
)


def _good(answer: Answer) -> Mapping[str, Any]:
    """Return the body of a good answer; the text of an error is weighed and never repeated."""
    if 200 <= answer.status < 300:
        return answer.body
    name = str(answer.body.get("error", ""))
    text = str(answer.body.get("error_description", ""))[:1000]
    if name == "access_denied":
        raise CancelledError("the person or the service refused", code="csc.denied")
    code, detail = _ERRORS.get(name, ("", ""))
    if not code:
        for pattern, found, meaning in _WORDS:
            if pattern.search(text):
                code, detail = found, meaning
                break
    if not code and answer.status == 401:
        code, detail = "csc.token", "the service refused the access token"
    if not code and (answer.status >= 500 or answer.status == 429):
        code, detail = "csc.unavailable", f"the service answered {answer.status}"
    shown = f", {name}" if re.fullmatch(r"[a-z_]{1,40}", name) else ""
    raise KeyStoreError(
        detail or f"the service refused ({answer.status}{shown})", code=code or "csc.refused"
    )


def _octets(value: Any) -> bytes:
    try:
        if not isinstance(value, str):
            raise ValueError
        return b64decode(value, validate=True)
    except (ValueError, Error):
        raise _answer("the service answered with something that is no Base64") from None


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _answer(detail: str) -> KeyStoreError:
    return KeyStoreError(detail, code="csc.answer")
