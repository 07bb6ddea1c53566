"""A remote signing service that speaks the CSC API, version 2 or 1.0.4, and misbehaves on demand.

It answers in the process (it is a ``Transport``) or over HTTP on the loopback address. It keeps to
the rules that protect the person: an authorisation holds for its hashes, its number and its time.
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode, b64encode
from binascii import Error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from esign_kit.keys.csc.transport import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.testing.entity import Entity

__all__ = ["FakeCsc"]

_PSS = "1.2.840.113549.1.1.10"


class FakeCsc:
    """A service with the keys of some holders; a ``Transport``, and a context manager for HTTP.

    Attributes:
        pin, otp: what authorises; ``None`` if not asked for.
        token: the access token that it demands; ``None`` for none.
        misbehave: names of what it does wrong: ``expired`` (authorisations are over at once),
            ``changed-hash`` (signs another hash), ``wrong-key`` (signs with another key),
            ``wrong-certificate`` (names another holder's), ``slow`` (answers after
            ``delay`` seconds), ``cut`` (breaks off in the answer), ``rubbish`` (no JSON),
            ``fewer`` (one value too few), ``never`` (asynchronous, never done), ``denied``,
            ``echo`` (repeats the question in its errors), ``plain`` (ECDSA as r ‖ s).
        asked: methods in the order in which they were asked.
        now: its clock, seconds.
    """

    def __init__(
        self,
        *entities: Entity,
        version: int = 2,
        pin: str | None = "4711",
        otp: str | None = None,
        token: str | None = None,
        asynchronous: int = 0,
        multisign: int = 10,
        misbehave: set[str] | None = None,
        delay: float = 0.5,
        mode: str = "explicit",
    ) -> None:
        """Make a service.

        Args:
            entities: holders; their keys are called ``key-1``, ``key-2``, ….
            version: 1 or 2.
            asynchronous: how often it says "not yet"; 0 answers at once.
            multisign: signatures of one authorisation.
            mode: ``explicit`` or ``oauth2code``.
        """
        self.entities = {f"key-{n}": item for n, item in enumerate(entities, 1)}
        self.version = version
        self.pin = pin
        self.otp = otp
        self.token = token
        self.asynchronous = asynchronous
        self.multisign = multisign
        self.misbehave = misbehave if misbehave is not None else set()
        self.delay = delay
        self.mode = mode
        self.asked: list[str] = []
        self.questions: list[Mapping[str, Any]] = []
        self.now = 1000.0
        self.otp_sent = 0
        self._grants: dict[str, tuple[str, frozenset[bytes], int, float]] = {}
        self._pending: dict[str, tuple[int, list[str]]] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Address of the service; of the loopback server once it runs."""
        host = (
            f"http://127.0.0.1:{self._server.server_address[1]}"
            if self._server is not None
            else "https://csc.example"
        )
        return f"{host}/csc/v{self.version}"

    # ── in the process ────────────────────────────────────────────────────────────────────────

    def post(
        self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """Answer as a transport would."""
        from esign_kit.errors import KeyStoreError

        if "slow" in self.misbehave and self.delay > seconds:
            raise KeyStoreError("the service did not answer in time", code="csc.timeout")
        if "cut" in self.misbehave:
            raise KeyStoreError("the answer of the service was cut off", code="csc.cut")
        if "rubbish" in self.misbehave:
            raise KeyStoreError("the answer of the service is no JSON", code="csc.answer")
        status, answer = self.answer(
            url.partition(f"/v{self.version}/")[2], body, headers.get("Authorization", "")
        )
        return Answer(status, answer)

    def answer(self, method: str, body: bytes, authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer one question: status and JSON."""
        with self._lock:
            self.asked.append(method)
            try:
                question = json.loads(body)
                self.questions.append(question)
                if (
                    method != "info"
                    and self.token is not None
                    and authorization != f"Bearer {self.token}"
                ):
                    raise _Refusal(401, "invalid_token", "")
                handler = self._methods().get(method)
                if handler is None:
                    raise _Refusal(404, "not_found", "")
                found: tuple[int, dict[str, Any]] = handler(question)
                return found
            except _Refusal as refusal:
                text = refusal.text
                if "echo" in self.misbehave:
                    text += " " + body.decode("utf-8", "replace")
                return refusal.status, {"error": refusal.name, "error_description": text}
            except (KeyError, TypeError, ValueError, Error):
                return 400, {"error": "invalid_request", "error_description": "Malformed request"}

    def _methods(self) -> dict[str, Any]:
        return {
            "info": self._info,
            "credentials/list": self._list,
            "credentials/info": self._credential,
            "credentials/authorize": self._authorize,
            "credentials/sendOTP": self._send_otp,
            "credentials/getChallenge": self._send_otp,
            "signatures/signHash": self._sign,
            "signatures/signPolling": self._poll,
        }

    def _info(self, question: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        first = self.version == 1
        hidden = "credentials/getChallenge" if first else "credentials/sendOTP"
        found: dict[str, Any] = {
            "specs": "1.0.4.0" if first else "2.0.0.2",
            "name": "fixture",
            "region": "XX",
            "lang": "en",
            "authType": ["external"],
            "methods": [name for name in self._methods() if name != hidden],
        }
        if not first:
            found["asynchronousOperationMode"] = bool(
                self.asynchronous or "never" in self.misbehave
            )
        return 200, found

    def _list(self, question: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        names = list(self.entities)
        page = int(question.get("pageToken", 0))
        found: dict[str, Any] = {"credentialIDs": names[page : page + 2]}
        if page + 2 < len(names):
            found["nextPageToken"] = str(page + 2)
        return 200, found

    def _entity(self, question: Mapping[str, Any]) -> Entity:
        found = self.entities.get(question["credentialID"])
        if found is None:
            raise _Refusal(400, "invalid_request", "Invalid parameter credentialID")
        return found

    def _credential(self, question: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        entity = self._entity(question)
        shown = entity
        if "wrong-certificate" in self.misbehave:
            shown = next(item for item in self.entities.values() if item is not entity)
        oids = [oid for row in entity.key.algorithms for oid in row.oids[:1]]
        if any(row.family == "RSA-PSS" for row in entity.key.algorithms):
            oids.append(_PSS)
        found: dict[str, Any] = {
            "description": "a key of the fixture",
            "key": {"status": "enabled", "algo": oids, "len": 256},
            "cert": {
                "status": "valid",
                "certificates": [_text(shown.certificate_der), *map(_text, shown.chain_der)],
            },
            "multisign": self.multisign,
            "SCAL": "2",
        }
        if self.version == 1:
            found["authMode"] = self.mode
            found["PIN"] = {"presence": "true" if self.pin is not None else "false"}
            found["OTP"] = {
                "presence": "true" if self.otp is not None else "false",
                "type": "online",
            }
        else:
            objects = []
            if self.pin is not None:
                objects.append({"type": "Password", "id": "PIN"})
            if self.otp is not None:
                objects.append({"type": "ChallengeResponse", "id": "OTP"})
            found["auth"] = {"mode": self.mode, "objects": objects}
        return 200, found

    def _send_otp(self, question: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        self._entity(question)
        self.otp_sent += 1
        return 204, {}

    def _authorize(self, question: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        entity = self._entity(question)
        if self.version == 1:
            given = {name: question.get(name) for name in ("PIN", "OTP")}
            hashes = question["hash"]
        else:
            given = {item["id"]: item["value"] for item in question.get("authData", [])}
            hashes = question["hashes"]
        for name, wanted in (("PIN", self.pin), ("OTP", self.otp)):
            if wanted is not None and given.get(name) != wanted:
                raise _Refusal(400, f"invalid_{name.lower()}", f"The {name} is invalid")
        if self.otp is not None and not self.otp_sent:
            raise _Refusal(400, "invalid_otp", "No OTP was sent")
        if "denied" in self.misbehave:
            raise _Refusal(403, "access_denied", "The user refused")
        number = int(question["numSignatures"])
        if number != len(hashes) or not 1 <= number <= self.multisign:
            raise _Refusal(400, "invalid_request", "Invalid parameter numSignatures")
        return 200, {"SAD": self.grant(entity, [_octets(item) for item in hashes]), "expiresIn": 60}

    def grant(self, entity: Entity, hashes: list[bytes]) -> str:
        """Authorise, as a browser flow would; returns the secret."""
        name = next(key for key, item in self.entities.items() if item is entity)
        secret = f"sad-{len(self._grants) + 1}"
        until = self.now + (-1 if "expired" in self.misbehave else 60)
        self._grants[secret] = (name, frozenset(hashes), len(hashes), until)
        return secret

    def _sign(self, question: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        entity = self._entity(question)
        granted = self._grants.get(str(question.get("SAD")))
        hashes = [_octets(i) for i in question["hash" if self.version == 1 else "hashes"]]
        if granted is None or granted[0] != question["credentialID"]:
            raise _Refusal(400, "invalid_request", "Invalid parameter SAD")
        if self.now >= granted[3]:
            raise _Refusal(400, "invalid_request", "The SAD is expired")
        if not set(hashes) <= granted[1]:
            raise _Refusal(400, "invalid_request", "Hash is not authorized by the SAD")
        if len(hashes) > granted[2]:
            raise _Refusal(400, "invalid_request", "Too many hashes")
        self._grants[str(question["SAD"])] = (*granted[:2], granted[2] - len(hashes), granted[3])
        signer = entity
        if "wrong-key" in self.misbehave:
            signer = next(item for item in self.entities.values() if item is not entity)
        values = [_text(self._value(signer, question, item)) for item in hashes]
        if "fewer" in self.misbehave:
            values = values[:-1]
        if question.get("operationMode") == "A":
            name = f"response-{len(self._pending) + 1}"
            self._pending[name] = (self.asynchronous, values)
            return 200, {"responseID": name}
        return 200, {"signatures": values}

    def _value(self, entity: Entity, question: Mapping[str, Any], digest: bytes) -> bytes:
        from esign_kit import crypto
        from esign_kit.algorithms import digest_by_oid, signature_by_oid
        from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm
        from esign_kit.asn1.reader import SEQUENCE, encode, encode_oid
        from esign_kit.crypto.backend import backend_for

        oid = question["signAlgo"]
        hash_oid = question.get("hashAlgo" if self.version == 1 else "hashAlgorithmOID")
        if question.get("signAlgoParams"):
            identifier = encode(SEQUENCE, encode_oid(oid), _octets(question["signAlgoParams"]))
            algorithm = decode_signature_algorithm(identifier)
        else:
            algorithm = signature_by_oid(oid)
        named = digest_by_oid(str(hash_oid))
        if algorithm is None or named is None or algorithm.digest != named.name:
            raise _Refusal(400, "invalid_request", "Invalid parameter signAlgo")
        if len(digest) != named.size:
            raise _Refusal(400, "invalid_request", "Invalid parameter hash")
        if "changed-hash" in self.misbehave:
            digest = bytes(octet ^ 1 for octet in digest)
        private = crypto.load_private_key(entity.private_key.pkcs8, trusted_source=True)
        value = backend_for(algorithm.family).sign_digest(private, algorithm, digest)
        if "plain" in self.misbehave and algorithm.family == "ECDSA":
            value = crypto.der_to_plain(value, (private.public_key.bits + 7) // 8)
        return value

    def _poll(self, question: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        name = str(question["responseID"])
        if name not in self._pending:
            raise _Refusal(400, "invalid_request", "Invalid parameter responseID")
        left, values = self._pending[name]
        if left > 0 or "never" in self.misbehave:
            self._pending[name] = (left - 1, values)
            return 202, {}
        return 200, {"signatures": values}

    # ── over HTTP ─────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.owner = self  # type: ignore[attr-defined]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Refusal(Exception):
    def __init__(self, status: int, name: str, text: str) -> None:
        super().__init__(name)
        self.status = status
        self.name = name
        self.text = text


class _Handler(BaseHTTPRequestHandler):
    server_version = "fixture"
    timeout = 10

    def do_POST(self) -> None:
        owner: FakeCsc = self.server.owner  # type: ignore[attr-defined]
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), 1024 * 1024))
        status, answer = owner.answer(
            self.path.partition(f"/v{owner.version}/")[2],
            body,
            self.headers.get("Authorization", ""),
        )
        data = b"<html>" if "rubbish" in owner.misbehave else json.dumps(answer).encode()
        if status == 204:
            data = b""
        if "slow" in owner.misbehave:
            time.sleep(owner.delay)
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if "cut" in owner.misbehave else data)
        except OSError:
            # The asker did not wait.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent; ``asked`` keeps what was asked."""


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _octets(value: str) -> bytes:
    return b64decode(value, validate=True)
