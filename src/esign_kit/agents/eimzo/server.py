"""A client of E-IMZO-SERVER, the vendor's service in the portal's own network.

The same number means different things at different addresses, so each has its own table.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from esign_kit.agents.answer import read_json, shown
from esign_kit.agents.eimzo.verification import CrossChecked, ServerVerification, cross_check
from esign_kit.agents.wrapping import unwrap
from esign_kit.api import check
from esign_kit.arguments import to_evidence
from esign_kit.asn1.certificate import readable_certificates
from esign_kit.errors import EvidenceError, InputError
from esign_kit.model.document import Document
from esign_kit.model.http import HttpRequest
from esign_kit.reading import read_signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from esign_kit.model.evidence import Evidence, Fetcher
    from esign_kit.model.http import Transport
    from esign_kit.profiles.data import Profile

__all__ = ["TABLES", "EimzoServer"]

_AUTH = {
    -1: "the state of the certificate is not available",
    -5: "the signing time is wrong; the user's clock",
    -10: "the signature is not valid",
    -11: "the certificate is not valid",
    -12: "the certificate was not valid at signing",
    -20: "the challenge is unknown or expired",
}
_VERIFY = {
    -1: "the state of the certificate is not available",
    -10: "the signature is not valid",
    -11: "the certificate is not valid",
    -12: "the certificate was not valid at signing",
    -20: "the state of the time-stamp's certificate is not available",
    -21: "the time-stamp is not valid",
    -22: "the time-stamp's certificate is not valid",
    -23: "the time-stamp's certificate was not valid at stamping",
}
_MOBILE = {
    0: "a bad answer of the mobile system",
    2: "not signed yet",
    -1: "its store does not answer",
    -2: "the document is unknown or expired",
    -4: "a malformed CMS",
    -5: "the signature is not valid",
    -6: "the certificate is not valid",
    -7: "the certificate was not valid at signing",
    -8: "the state of the certificate could not be checked",
    -9: "clocks differ too much",
}
TABLES: Mapping[str, Mapping[int, str]] = {
    "auth": _AUTH,
    "verify": _VERIFY,
    "mobile": _MOBILE,
    "other": {},
}
"""What a status means, by kind of address."""
_RETRY = {("auth", -1), ("verify", -1), ("verify", -20), ("mobile", -1), ("mobile", 2)}
_TASHKENT = timezone(timedelta(hours=5))


class EimzoServer:
    """The server's REST interface.

    Args:
        base_url: where it listens (``"http://eimzo.internal:8080"``).
        host: domain of the site; the server demands it in ``Host``.
        transport: the way to it; ``HttpClient(plain_http={"eimzo.internal"})``.
        zone: of the server's times, which name none; Tashkent unless the machine says otherwise.
    """

    def __init__(
        self,
        base_url: str,
        *,
        host: str,
        transport: Transport,
        zone: timezone = _TASHKENT,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._host = host
        self._transport = transport
        self._zone = zone

    def ping(self) -> Mapping[str, Any]:
        """Return what the server says of itself; ``vpnKeyInfo`` tells until when it works."""
        return self._call("GET", "/ping", None, "", "other", status=False)

    def time(self, text: str) -> datetime:
        """Return a time of the server's JSON as UTC-aware.

        Raises:
            InputError: it is none.
        """
        try:
            return datetime.fromisoformat(text.replace(".", "-")).replace(tzinfo=self._zone)
        except ValueError:
            raise InputError("no time of E-IMZO-SERVER", code="eimzo.answer") from None

    def challenge(self, *, user_ip: str) -> str:
        """Return a challenge, for pages that log in by the server's own means."""
        found = self._call("GET", "/frontend/challenge", None, user_ip, "other").get("challenge")
        if not isinstance(found, str) or not found:
            raise InputError("the server gave no challenge", code="eimzo.answer")
        return found

    def auth(self, cms: bytes, *, user_ip: str) -> Mapping[str, Any]:
        """Return ``subjectCertificateInfo`` of a signed challenge.

        The server's word alone: log people in with ``ChallengeLogin``, which verifies by itself.

        Raises:
            EvidenceError: it says no, or nothing (``eimzo.auth.<status>``).
        """
        answer = self._call("POST", "/backend/auth", _base64(cms), user_ip, "auth")
        found = answer.get("subjectCertificateInfo")
        return found if isinstance(found, dict) else {}

    def timestamp(self, cms: bytes, *, user_ip: str) -> bytes:
        """Return the CMS with a time-stamp by the server; one that has it comes back as it is."""
        answer = self._call("POST", "/frontend/timestamp/pkcs7", _base64(cms), user_ip, "other")
        return self._cms(answer)

    def make_attached(self, cms: bytes, content: bytes, *, user_ip: str) -> bytes:
        """Return a detached CMS with its content put in."""
        body = f"{_base64(content)}|{_base64(cms)}"
        return self._cms(
            self._call("POST", "/frontend/pkcs7/make-attached", body, user_ip, "other")
        )

    def join(self, first: bytes, second: bytes, *, user_ip: str) -> bytes:
        """Return one CMS of two attached ones over the same content."""
        body = f"{_base64(first)}|{_base64(second)}"
        return self._cms(self._call("POST", "/frontend/pkcs7/join", body, user_ip, "other"))

    def ask(self, cms: bytes, *, user_ip: str, content: bytes | None = None) -> ServerVerification:
        """Return the server's opinion; :meth:`verify` also forms our own.

        Raises:
            EvidenceError: the server cannot be asked.
        """
        if content is None:
            path, body = "/backend/pkcs7/verify/attached", _base64(cms)
        else:
            path = "/backend/pkcs7/verify/detached"
            body = f"{_base64(content)}|{_base64(cms)}"
        return ServerVerification.of(
            self._call("POST", path, body, user_ip, "verify", status=False)
        )

    def verify(
        self,
        cms: bytes,
        *,
        user_ip: str,
        profile: Profile,
        at: datetime,
        content: bytes | None = None,
        evidence: Iterable[bytes] | Evidence = (),
        fetcher: Fetcher | None = None,
    ) -> CrossChecked:
        """Ask the server, verify the CMS here too, and compare.

        Args:
            cms: octets, or in a wrapping.
            content: for a detached CMS.

        Raises:
            EvidenceError: the server cannot be asked.
            InputError: this is no CMS.
        """
        octets = unwrap(cms)
        server = self.ask(octets, user_ip=user_ip, content=content)
        documents = (Document(content),) if content is not None else ()
        policy = profile.policy
        parsed = read_signed(octets, documents, policy, ())
        # What the server looked at is signed by the authority, so it is evidence here too.
        seen = tuple(answer for signer in server.signers for answer in signer.evidence)
        given = to_evidence(evidence, policy) + to_evidence(_readable(seen), policy)
        report = check(
            parsed,
            trust=profile.trust,
            helpers=readable_certificates(parsed.certificates),
            evidence=given,
            policy=policy,
            at=at,
            fetcher=fetcher,
            profile=profile,
        )
        return CrossChecked(report, server, cross_check(server, parsed, report, profile))

    def mobile_auth(self, *, user_ip: str) -> tuple[str, str, str]:
        """Return siteId, documentId and challenge for a login by telephone."""
        answer = self._call("POST", "/frontend/mobile/auth", "", user_ip, "mobile")
        # The server spells it so; a later version may not.
        text = answer.get("challange") or answer.get("challenge")
        return _texts(answer.get("siteId"), answer.get("documentId"), text)

    def mobile_sign(self, *, user_ip: str) -> tuple[str, str]:
        """Return siteId and documentId for a signature by telephone."""
        answer = self._call("POST", "/frontend/mobile/sign", "", user_ip, "mobile")
        site, document, _ = _texts(answer.get("siteId"), answer.get("documentId"), "x")
        return site, document

    def mobile_done(self, document: str, *, user_ip: str) -> bool:
        """Tell whether the person has signed; ask about once a second.

        Raises:
            EvidenceError: the document is gone, or the server failed.
        """
        body = urlencode({"documentId": document})
        path = "/frontend/mobile/status"
        answer = self._call("POST", path, body, user_ip, "mobile", form=True, status=False)
        if answer.get("status") == 2:
            return False
        self._demand(answer, "mobile")
        return True

    def mobile_authenticate(self, document: str, *, user_ip: str) -> Mapping[str, Any]:
        """Return ``subjectCertificateInfo`` of a login by telephone.

        There is no CMS to verify here: nothing but the server's word stands behind it.
        """
        path = f"/backend/mobile/authenticate/{quote(document, safe='')}"
        found = self._call("GET", path, None, user_ip, "mobile").get("subjectCertificateInfo")
        return found if isinstance(found, dict) else {}

    def mobile_verify(self, document: str, content: bytes, *, user_ip: str) -> bytes:
        """Return the attached CMS of a signature by telephone, for our own verification."""
        body = urlencode({"documentId": document, "document": _base64(content)})
        answer = self._call("POST", "/backend/mobile/verify", body, user_ip, "mobile", form=True)
        return self._cms(answer, "pkcs7Attached")

    def _call(
        self,
        method: str,
        path: str,
        body: str | None,
        user_ip: str,
        table: str,
        *,
        form: bool = False,
        status: bool = True,
    ) -> Mapping[str, Any]:
        headers = {
            "Host": self._host,
            "X-Forwarded-Host": self._host,
            "X-Real-Host": self._host,
            "X-Real-IP": user_ip or "127.0.0.1",
            "Content-Type": "application/x-www-form-urlencoded"
            if form
            else "application/octet-stream",
        }
        octets = body.encode("ascii") if body is not None else None
        answer = self._transport.send(HttpRequest(method, self._base + path, headers, octets))
        if answer.status != 200:
            raise EvidenceError(
                f"E-IMZO-SERVER answered {answer.status} at {path.partition('?')[0]}",
                code="eimzo.unavailable" if answer.status >= 500 else "eimzo.request",
                hint="try again later" if answer.status >= 500 else "",
            )
        data = read_json(answer.body, "E-IMZO-SERVER")
        if status:
            self._demand(data, table)
        return data

    @staticmethod
    def _demand(data: Mapping[str, Any], table: str) -> None:
        status = data.get("status")
        if status == 1 and not isinstance(status, bool):
            return
        number = status if isinstance(status, int) else 0
        words = TABLES[table].get(number) or shown(data.get("message")) or "see the server's log"
        raise EvidenceError(
            f"E-IMZO-SERVER says {number}: {words}",
            code=f"eimzo.{table}.{number}",
            hint="try again later" if (table, number) in _RETRY else "",
        )

    @staticmethod
    def _cms(answer: Mapping[str, Any], name: str = "pkcs7b64") -> bytes:
        found = answer.get(name)
        if not isinstance(found, str):
            raise InputError("the server gave no CMS", code="eimzo.answer")
        return unwrap(found)


def _readable(items: tuple[bytes, ...]) -> tuple[bytes, ...]:
    from esign_kit.asn1.revocation import classify

    return tuple(item for item in items if classify(item) == "ocsp")


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _texts(*values: Any) -> tuple[str, str, str]:
    if not all(isinstance(value, str) and value for value in values):
        raise InputError("the server's answer lacks a part", code="eimzo.answer")
    first, second, third = values
    return first, second, third
