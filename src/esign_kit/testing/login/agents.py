"""FakeNcaLayer and FakeEimzo: agents that hold the keys of fixture people."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.testing.entity import Entity

__all__ = ["FakeEimzo", "FakeNcaLayer"]


def _pem(octets: bytes) -> str:
    body = b64encode(octets).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN CMS-----\n{lines}\n-----END CMS-----\n"


class FakeNcaLayer:
    """NCALayer with one person in front of it; ``answer`` takes and gives JSON text.

    Attributes:
        cancels: the person cancels.
        error: the message of an error to give instead.
        lies: ``"content"`` signs something else, ``"pem-in-base64"`` and ``"array"`` answer in
            other shapes, ``"missing"`` forgets one of several.
    """

    def __init__(self, entity: Entity, *, login_key: Entity | None = None) -> None:
        """Make one; keys for logins are offered where the request asks for them."""
        self._entity = entity
        self._login = login_key
        self.cancels = False
        self.error = ""
        self.lies: set[str] = set()
        self.requests: list[dict[str, Any]] = []

    @property
    def greeting(self) -> str:
        """What it says when a page connects."""
        return json.dumps({"result": {"version": "1.4"}})

    def answer(self, text: str) -> str:
        """Answer one request."""
        request = json.loads(text)
        self.requests.append(request)
        if request.get("module") == "kz.gov.pki.knca.basics":
            return json.dumps(self._basics(request["args"]))
        return json.dumps(self._common(request["method"], request.get("args", [])))

    def _basics(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.error:
            return {"status": False, "code": "500", "message": self.error, "details": None}
        if self.cancels:
            return {"status": True, "body": {}}
        data = arguments["data"]
        items = data if isinstance(data, list) else [data]
        usages = arguments["signerParams"]["extKeyUsageOids"]
        login = "1.3.6.1.5.5.7.3.2" in usages
        found = []
        for item in items:
            if arguments["format"] == "xml":
                found.append(self._sign(item.encode(), "xades", login=login).decode())
            else:
                attached = arguments["signingParams"]["encapsulate"]
                signed = self._sign(b64decode(item), "cades", attached=attached, login=login)
                found.append(self._wrapped(signed))
        if "missing" in self.lies:
            found.pop()
        several = isinstance(data, list) or "array" in self.lies
        return {"status": True, "body": {"result": found if several else found[0]}}

    def _common(self, method: str, arguments: Sequence[Any]) -> dict[str, Any]:
        if self.error:
            return {"code": "500", "message": self.error}
        if self.cancels:
            return {"code": "500", "message": "action.canceled"}
        if method == "getActiveTokens":
            return {"code": "200", "responseObject": ["AKKaztokenStore"]}
        if method == "changeLocale":
            return {"code": "200", "responseObject": None}
        login = len(arguments) > 1 and arguments[1] == "AUTHENTICATION"
        if method == "getKeyInfo":
            certificate = self._entity.certificate
            info = {"alias": "1", "subjectDn": certificate.label, "keyId": "1"}
            return {"code": "200", "responseObject": info}
        if method in ("signXml", "signXmls"):
            items = arguments[2] if isinstance(arguments[2], list) else [arguments[2]]
            made = [self._sign(item.encode(), "xades", login=login).decode() for item in items]
            value = made if method == "signXmls" else made[0]
            return {"code": "200", "responseObject": value}
        signed = self._sign(b64decode(arguments[2]), "cades", attached=arguments[3], login=login)
        return {"code": "200", "responseObject": b64encode(signed).decode()}

    def _wrapped(self, signed: bytes) -> str:
        text = _pem(signed)
        return b64encode(text.encode()).decode() if "pem-in-base64" in self.lies else text

    def _sign(self, data: bytes, format: str, *, attached: bool = True, login: bool) -> bytes:
        if "content" in self.lies:
            data = b"<other/>" if format == "xades" else b"something else"
        options: dict[str, Any] = {}
        if format == "cades":
            options["packaging"] = "attached" if attached else "detached"
        entity = self._entity
        if login and self._login is not None:
            entity, options["authentication_key"] = self._login, True
        return entity.sign(data, format=format, **options)


class FakeEimzo:
    """The local service of E-IMZO with keys in files; ``answer`` takes and gives JSON text.

    Attributes:
        status: a negative number to answer with, such as -5000 for a cancelling person.
        lies: ``"content"`` signs something else.
    """

    def __init__(self, *entities: Entity) -> None:
        """Make one with the keys of these people."""
        self._entities = entities
        self._loaded: dict[str, Entity] = {}
        self.status = 0
        self.lies: set[str] = set()
        self.requests: list[dict[str, Any]] = []

    def answer(self, text: str) -> str:
        """Answer one request."""
        request = json.loads(text)
        self.requests.append(request)
        name = request.get("name")
        arguments = request.get("arguments", [])
        if self.status:
            return json.dumps({"success": False, "status": self.status, "reason": "fixture"})
        if name == "version":
            return json.dumps({"success": True, "major": "4", "minor": "86"})
        if name == "apikey":
            return json.dumps({"success": True, "status": 1})
        if name == "list_all_certificates":
            rows = [self._row(item, number) for number, item in enumerate(self._entities)]
            return json.dumps({"success": True, "status": 1, "certificates": rows})
        if name == "load_key":
            number = int(arguments[2].removeprefix("DS"))
            key = f"key-{number}"
            self._loaded[key] = self._entities[number]
            return json.dumps({"success": True, "status": 1, "keyId": key})
        if name == "create_pkcs7":
            return json.dumps(self._signed(*arguments))
        return json.dumps({"success": False, "status": 0, "reason": "no such function"})

    def _signed(self, data: str, key: str, detached: str) -> dict[str, Any]:
        entity = self._loaded.get(key)
        if entity is None:
            return {"success": False, "status": -1010, "reason": "keyId"}
        content = b"something else" if "content" in self.lies else b64decode(data)
        packaging = "detached" if detached == "yes" else "attached"
        signed = entity.sign(content, packaging=packaging)
        return {
            "success": True,
            "status": 1,
            "pkcs7_64": b64encode(signed).decode(),
            "signer_serial_number": format(entity.serial, "x"),
            "signature_hex": "",
        }

    @staticmethod
    def _row(entity: Entity, number: int) -> dict[str, str]:
        values = entity.values
        parts = {
            "cn": str(values.get("name") or "test testov").lower(),
            "c": "uz",
            "o": "sinov, savdo mchj" if values.get("organisation") else "не указано",
            "1.2.860.3.16.1.2": str(values.get("person") or ""),
            "1.2.860.3.16.1.1": str(values.get("organisation") or ""),
            "serialnumber": format(entity.serial, "x"),
        }
        alias = ",".join(f"{name}={value}" for name, value in parts.items() if value)
        return {"disk": "D:\\", "path": "DSKEYS", "name": f"DS{number}", "alias": alias}
