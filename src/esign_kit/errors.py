"""The exceptions of esign_kit.

An exception means that *the job could not be done*. A bad signature is no exception: it is a
verdict in a report.

    EsignError                          .code (stable, dotted)  .detail  .hint
    ├─ InputError                       not a signature, malformed, over a limit
    │  ├─ LimitError                    a size, depth or count above ``ValidationPolicy.limits``
    │  └─ UnsupportedError              well formed, but an algorithm or feature that we do not have
    ├─ KeyStoreError                    wrong password, no such key, token locked
    │  └─ CancelledError                the person at the key said no
    ├─ SigningError                     the signature value or the request does not fit the key
    ├─ EvidenceError                    fetch failed, time-stamp refused, answer too large
    ├─ ProfileError                     unknown profile, broken profile data
    ├─ IdentityError                    two candidates for one identifier, or an unreadable one
    ├─ SignatureRejected                by ``raise_for_status()`` and ``identify()``; has .report
    ├─ AssuranceError                   less assurance than ``identify(minimum=…)`` asked for
    └─ LoginError                       .detail for the log, .hint for the person at the browser
       ├─ LoginStateError               no login was begun here, too late, another browser, used
       ├─ LoginRefusedError             the person or the provider said no
       ├─ LoginProviderError            the provider cannot be reached or does not do its part
       └─ LoginAnswerError              an answer that must not be believed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esign_kit.model.report import SignatureReport, VerificationReport

__all__ = [
    "AssuranceError",
    "CancelledError",
    "EsignError",
    "EvidenceError",
    "IdentityError",
    "InputError",
    "KeyStoreError",
    "LimitError",
    "LoginAnswerError",
    "LoginError",
    "LoginProviderError",
    "LoginRefusedError",
    "LoginStateError",
    "ProfileError",
    "SignatureRejected",
    "SigningError",
    "UnsupportedError",
]


class EsignError(Exception):
    """The root of everything that esign_kit raises on purpose.

    Attributes:
        code: stable, dotted, for programs (``"input.not-a-signature"``).
        detail: one sentence for people.
        hint: what to do next; may be empty.
    """

    default_code = "error"

    def __init__(self, detail: str, *, code: str | None = None, hint: str = "") -> None:
        self.detail = detail
        self.code = code or self.default_code
        self.hint = hint
        super().__init__(detail)

    def __str__(self) -> str:
        return f"{self.detail} ({self.hint})" if self.hint else self.detail

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), dict(self.__dict__)))


def _rebuild(cls: type[EsignError], state: dict[str, object]) -> EsignError:
    error = cls.__new__(cls)
    Exception.__init__(error, state.get("detail", ""))
    error.__dict__.update(state)
    return error


class InputError(EsignError):
    """The input is no signature, is malformed, or is more than we are willing to read."""

    default_code = "input.malformed"


class LimitError(InputError):
    """The input is larger, deeper or more numerous than ``ValidationPolicy.limits`` allows."""

    default_code = "input.over-limit"


class UnsupportedError(InputError):
    """The input is well formed and asks for something that esign_kit does not have."""

    default_code = "input.unsupported"


class KeyStoreError(EsignError):
    """A key store, token or remote key did not do what was asked."""

    default_code = "keys.unavailable"


class CancelledError(KeyStoreError):
    """The person at the key cancelled."""

    default_code = "keys.cancelled"


class SigningError(EsignError):
    """A signature could not be made: the value, the key and the request do not fit each other."""

    default_code = "signing.failed"


class EvidenceError(EsignError):
    """Evidence (CRL, OCSP answer, time-stamp, certificate) that was asked for could not be had."""

    default_code = "evidence.unavailable"


class ProfileError(EsignError):
    """A national profile is unknown or its data are broken."""

    default_code = "profile.invalid"


class IdentityError(EsignError):
    """A certificate or a claim does not yield one clear identifier."""

    default_code = "identity.ambiguous"


class SignatureRejected(EsignError):
    """The signature did not pass, and the caller asked for an exception in that case.

    Attributes:
        report: the report that did not pass.
    """

    default_code = "signature.rejected"

    def __init__(
        self,
        detail: str,
        *,
        report: VerificationReport | SignatureReport,
        code: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(detail, code=code, hint=hint)
        self.report = report


class AssuranceError(EsignError):
    """The principal is known less surely than the caller demanded.

    Attributes:
        needed: what was demanded.
        found: what the evidence supports.
    """

    default_code = "identity.assurance"

    def __init__(
        self, detail: str, *, needed: object, found: object, code: str | None = None, hint: str = ""
    ) -> None:
        super().__init__(detail, code=code, hint=hint)
        self.needed = needed
        self.found = found


class LoginError(EsignError):
    """A login did not come about.

    ``detail`` says what happened and is for the log; ``hint`` says what to do next and is for the
    person at the browser. Neither holds a secret, a code or a token.
    """

    default_code = "login.failed"


class LoginStateError(LoginError):
    """The answer belongs to no login that this browser has begun, or came too late or twice."""

    default_code = "login.state"


class LoginRefusedError(LoginError):
    """The person cancelled, or the provider does not let the person in."""

    default_code = "login.refused"


class LoginProviderError(LoginError):
    """The provider cannot be reached, or its answer is none."""

    default_code = "login.provider"


class LoginAnswerError(LoginError):
    """The answer is complete and must not be believed: a signature, an audience, a time, a name."""

    default_code = "login.answer"
