"""FakeEimzoServer: the vendor's REST service, which judges by our own verification and may lie."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from esign_kit import api
from esign_kit.asn1.certificate import Certificate
from esign_kit.eid.identity import describe
from esign_kit.errors import EsignError
from esign_kit.model.http import HttpResponse
from esign_kit.model.signature import ReferenceKind

if TYPE_CHECKING:
    from esign_kit.model.http import HttpRequest
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.pki import FixturePKI

__all__ = ["FakeEimzoServer"]


class FakeEimzoServer:
    """An E-IMZO-SERVER in memory, over a fixture country.

    Attributes:
        lies: ``"accepts"`` (says yes to all), ``"rejects"``, ``"pinfl"``, ``"stir"``, ``"serial"``,
            ``"digest"``, ``"drops-signer"``, ``"status-only"`` (1 without any signer),
            ``"down"``.
        phone: who signs on the telephone.
    """

    def __init__(self, pki: FixturePKI, *, phone: Entity | None = None) -> None:
        """Make one that trusts the country."""
        self._pki = pki
        self.phone = phone
        self.lies: set[str] = set()
        self.requests: list[HttpRequest] = []
        self._challenges: set[str] = set()
        self._waiting: dict[str, str] = {}
        self._count = 0

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        self.requests.append(request)
        fields = {name.lower(): value for name, value in request.headers.items()}
        if "down" in self.lies:
            return HttpResponse(503)
        if not fields.get("x-real-ip") or not fields.get("host"):
            return HttpResponse(400)
        path = urlsplit(request.url).path
        body = (request.body or b"").decode()
        return _json(self._answer(path, body))

    def _answer(self, path: str, body: str) -> dict[str, Any]:
        if path == "/ping":
            now = self._local(self._pki.now.timestamp())
            return {"serverDateTime": now, "yourIP": "127.0.0.1", "vpnKeyInfo": {}}
        if path == "/frontend/challenge":
            self._count += 1
            text = f"fixture-challenge-{self._count}"
            self._challenges.add(text)
            return {"challenge": text, "ttl": 120, "status": 1, "message": ""}
        if path == "/backend/auth":
            return self._auth(b64decode(body))
        if path.startswith("/backend/pkcs7/verify/"):
            first, _, second = body.partition("|")
            content = b64decode(first) if second else None
            return self._verify(b64decode(second or first), content)
        if path == "/frontend/timestamp/pkcs7":
            answer = {"pkcs7b64": body, "timestampedSignerList": [], "status": 1, "message": ""}
            return answer
        if "/mobile/" in path:
            return self._mobile(path, body)
        return {"status": -99, "message": "not in this fake"}

    def _auth(self, cms: bytes) -> dict[str, Any]:
        try:
            parsed = api.parse(cms)
            (covered,) = [octets for octets, _ in parsed.signatures[0].references[0].resolve()]
        except (EsignError, ValueError):
            return {"status": -10, "message": "signature"}
        octets = covered if isinstance(covered, bytes) else covered.octets()
        text = octets.decode("utf-8", "replace")
        if text not in self._challenges:
            return {"status": -20, "message": "challenge not found or expired"}
        self._challenges.discard(text)
        report = api.verify(
            cms, profile=self._pki.profile, evidence=self._pki.evidence(), at=self._pki.now
        )
        der = report.signatures[0].signing_certificate_der
        if not report.signatures[0].passed or der is None:
            return {"status": -11, "message": "certificate"}
        return {"status": 1, "message": "", "subjectCertificateInfo": self._info(der)}

    def _verify(self, cms: bytes, content: bytes | None) -> dict[str, Any]:
        if "status-only" in self.lies:
            return {"status": 1, "message": ""}
        try:
            documents = [content] if content is not None else []
            report = api.verify(
                cms,
                detached=documents,
                profile=self._pki.profile,
                evidence=self._pki.evidence(),
                at=self._pki.now,
            )
            parsed = api.parse(cms, detached=documents)
        except EsignError:
            return {"status": -10, "message": "no CMS"}
        rows = []
        for own, signature in zip(report.signatures, parsed.signatures, strict=True):
            good = (own.passed or "accepts" in self.lies) and "rejects" not in self.lies
            digest = next(
                (r.digest_value.hex() for r in signature.references
                 if r.kind is ReferenceKind.DATA), "",
            )  # fmt: skip
            rows.append(self._row(own.signing_certificate_der, digest, good=good))
        if "drops-signer" in self.lies:
            rows = rows[1:]
        good = all(row["verified"] for row in rows)
        return {"status": 1 if good else -10, "message": "", "pkcs7Info": {"signers": rows}}

    def _row(self, der: bytes | None, digest: str, *, good: bool) -> dict[str, Any]:
        info: dict[str, Any] = {"serialNumber": "0", "subjectName": {}}
        if der:
            info = self._info(der)
        subject: dict[str, Any] = {**info["subjectName"]}
        serial = info["serialNumber"]
        changes = {"pinfl": "1.2.860.3.16.1.2", "stir": "1.2.860.3.16.1.1"}
        for lie, name in changes.items():
            if lie in self.lies:
                subject[name] = "99999999999999"
        if "serial" in self.lies:
            serial = "deadbeef"
        if "digest" in self.lies:
            digest = "00" * 32
        return {
            "signerId": {"issuer": "", "subjectSerialNumber": serial},
            "digest": digest,
            "certificate": [{"subjectInfo": subject, "serialNumber": serial}],
            "OCSPResponse": b64encode(self._pki.ocsp(Certificate.load(der))).decode()
            if der
            else "",
            "verified": good,
            "certificateVerified": good,
            "certificateValidAtSigningTime": good,
        }

    def _info(self, der: bytes) -> dict[str, Any]:
        certificate = Certificate.load(der)
        subject = describe(certificate, self._pki.profile)
        names: dict[str, str] = {"CN": certificate.label}
        if subject.person and subject.person.identifier:
            names["1.2.860.3.16.1.2"] = subject.person.identifier.value
        if subject.organisation and subject.organisation.identifier:
            names["1.2.860.3.16.1.1"] = subject.organisation.identifier.value
        return {"serialNumber": format(certificate.serial, "x"), "subjectName": names}

    def _mobile(self, path: str, body: str) -> dict[str, Any]:
        fields = {name: values[0] for name, values in parse_qs(body).items()}
        if path in ("/frontend/mobile/auth", "/frontend/mobile/sign"):
            self._count += 1
            document = f"{self._count:08X}"
            self._waiting[document] = path.rpartition("/")[2]
            answer = {"status": 1, "siteId": "0000", "documentId": document}
            if path.endswith("auth"):
                answer["challange"] = f"FIXTURE{self._count:08X}"
            return answer
        document = fields.get("documentId") or path.rpartition("/")[2]
        if document not in self._waiting:
            return {"status": -2, "message": "not found"}
        if self.phone is None:
            return {"status": 2}
        if path == "/frontend/mobile/status":
            return {"status": 1}
        del self._waiting[document]
        info = self._info(self.phone.certificate_der)
        answer = {"status": 1, "subjectCertificateInfo": info}
        if path == "/backend/mobile/verify":
            signed = self.phone.sign(b64decode(fields["document"]))
            answer["pkcs7Attached"] = b64encode(signed).decode()
        return answer

    @staticmethod
    def _local(seconds: float) -> str:
        from datetime import UTC, datetime, timedelta

        there = datetime.fromtimestamp(seconds, UTC) + timedelta(hours=5)
        return there.strftime("%Y-%m-%d %H:%M:%S")


def _json(data: dict[str, Any]) -> HttpResponse:
    return HttpResponse(200, json.dumps(data).encode(), "application/json")
