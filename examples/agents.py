"""Stand-ins for NCALayer and E-IMZO on a loopback port, with keys of a fixture country.

They answer without asking anybody: they hold keys that are public knowledge, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import threading
from base64 import b64decode, b64encode, encodebytes
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from websockets.sync.server import serve

from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    from esign_kit.testing import Entity

_LOGIN_USAGE = "1.3.6.1.5.5.7.3.2"


class Agent:
    """Serves one connection after the other; a context manager.

    Attributes:
        says: what it does: ``"sign"``, ``"cancel"``, ``"error"``, ``"nonsense"``, ``"other"``.
        asked: every request, in order.
    """

    path = ""

    def __init__(self) -> None:
        self.says = "sign"
        self.asked: list[dict[str, Any]] = []
        self.problems: list[BaseException] = []
        self._server = serve(self._guarded, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}{self.path}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        assert self.problems == []

    def _guarded(self, connection: Any) -> None:
        try:
            self.talk(connection)
        except Exception as error:
            self.problems.append(error)

    def talk(self, connection: Any) -> None:
        """Answer one connection."""
        raise NotImplementedError

    def octets(self, data: str) -> bytes:
        """Return what is signed: what was asked for, unless this one cheats."""
        return b"something else" if self.says == "other" else b64decode(data)


class NcaLayer(Agent):
    """Says its version, then answers one request of the module basics."""

    def __init__(self, login: Entity, signing: Entity) -> None:
        self.keys = {True: login, False: signing}
        super().__init__()

    def talk(self, connection: Any) -> None:
        """Answer one connection."""
        connection.send(json.dumps({"result": {"version": "1.4"}}))
        request = json.loads(connection.recv(timeout=20))
        self.asked.append(request)
        arguments = request["args"]
        assert (request["module"], request["method"]) == ("kz.gov.pki.knca.basics", "sign")
        assert arguments["format"] == "cms"
        assert arguments["signingParams"]["encapsulate"] is True
        if self.says == "cancel":
            answer: dict[str, Any] = {"status": True, "body": {}}
        elif self.says == "error":
            answer = {"status": False, "code": "500", "message": "<b>storage</b> is locked"}
        elif self.says == "nonsense":
            connection.send("this is no JSON")
            return
        else:
            logs_in = arguments["signerParams"]["extKeyUsageOids"] == [_LOGIN_USAGE]
            signed = self.keys[logs_in].sign(
                self.octets(arguments["data"]), authentication_key=True, signing_time=None
            )
            text = f"-----BEGIN CMS-----\n{encodebytes(signed).decode()}-----END CMS-----\n"
            answer = {"status": True, "body": {"result": [text]}}
        connection.send(json.dumps(answer))


class Eimzo(Agent):
    """One request for each connection, as CAPIWS does it."""

    path = "/service/cryptapi"

    def __init__(self, *keys: Entity) -> None:
        self.keys = keys
        super().__init__()

    def talk(self, connection: Any) -> None:
        """Answer one connection."""
        request = json.loads(connection.recv(timeout=20))
        self.asked.append(request)
        connection.send(json.dumps(self.answer(request)))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one call."""
        arguments = request["arguments"]
        assert all(isinstance(item, str) for item in arguments)
        good: dict[str, Any] = {"success": True, "status": 1}
        name = request["name"]
        if name == "list_all_certificates":
            rows = [
                {
                    "disk": "/",
                    "path": "DSKEYS",
                    "name": f"DS{number}",
                    "alias": f"cn={key.values['surname']}, {number},uid=1,o=none",
                }
                for number, key in enumerate(self.keys)
            ]
            return {**good, "certificates": rows}
        if name == "load_key":
            if self.says == "cancel":
                return {"success": False, "status": -5000, "reason": "cancelled"}
            if self.says == "error":
                return {"success": False, "status": -9999, "reason": "<b>disk</b> is missing"}
            return {**good, "keyId": arguments[2].removeprefix("DS")}
        assert name == "create_pkcs7"
        data, number, detached = arguments
        assert detached == "no"
        signed = self.keys[int(number)].sign(
            self.octets(data), profile_conventions="uz", signing_time=None
        )
        return {**good, "pkcs7_64": b64encode(signed).decode()}


def stand_in(country: str, keys: int = 1) -> NcaLayer | Eimzo:
    """Return the program of that country, with keys of fixture people."""
    pki = FixturePKI(country, at=datetime.now(UTC))
    if country == "uz":
        return Eimzo(*(pki.person(pki.country.person_number(n + 8)) for n in range(keys)))
    person = "900101300017"
    return NcaLayer(pki.person(person, purpose="AUTHENTICATION"), pki.person(person))


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for NCALayer or E-IMZO.")
    parser.add_argument("--country", choices=("kz", "uz"), default="kz")
    with stand_in(parser.parse_args().country) as agent:
        print(agent.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
