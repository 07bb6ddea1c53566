"""The verbs that reach the network, and by which way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.unit.net.loopback import Loopback, http

from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.trustlist import ListedService, ListScheme

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Town:
    """A country whose addresses are on loopback, with its lists."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.server = Loopback(self._answer)
        now = datetime.now(UTC).replace(microsecond=0)
        self.pki = FixturePKI(at=now, base_url=self.server.url)
        self.scheme = ListScheme(self.pki, base_url=self.server.url + "/lists", files=self.files)
        self.scheme.add("XX", [ListedService.of(self.pki.issuing.certificate)])

    def _answer(self, connection: Any, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        path = head.split(b" ")[1].decode("ascii")
        data = self.files.get(self.server.url + path)
        if data is None:
            found = self.pki.serve(path, body or None)
            data = found[0] if found else None
        connection.sendall(http(data) if data else http(b"", status="404 Gone"))


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town()
    yield made
    made.server.close()


def esign(*arguments: object) -> tuple[int, str]:
    from esign_kit.cli.run import group

    done = CliRunner().invoke(group, [str(a) for a in arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout


def test_verify_online_with_a_cache(town: Town, tmp_path: Path) -> None:
    (tmp_path / "root.der").write_bytes(town.pki.root.certificate.der)
    file = tmp_path / "a.p7s"
    file.write_bytes(town.pki.person().sign(b"application", include_chain=False))
    usual = ("verify", file, "--trust", tmp_path / "root.der")
    assert esign(*usual)[0] == 3
    assert town.server.requests == []
    # Loopback is no place for a responder, unless somebody says so.
    code, output = esign(*usual, "--online")
    assert code == 3
    assert town.server.requests == []
    assert "loopback" in output
    online = (*usual, "--online", "--allow", "127.0.0.0/8", "--cache", tmp_path / "cache.db")
    assert esign(*online)[0] == 0
    asked = len(town.server.requests)
    assert asked == 3
    assert esign(*online)[0] == 0
    assert len(town.server.requests) == asked


def test_refresh_of_trusted_lists(town: Town, tmp_path: Path) -> None:
    (tmp_path / "pin.der").write_bytes(town.scheme.pinned[0].der)
    usual = (
        "trust", "refresh", town.scheme.url, "--signer", tmp_path / "pin.der",
        "--folder", tmp_path / "lists", "--json",
    )  # fmt: skip
    code, output = esign(*usual, "--allow", "127.0.0.1")
    assert code == 0
    told = json.loads(output)
    assert told["anchors"] == 1
    assert [entry["action"] for entry in told["lists"]] == ["NEW", "NEW"]
    town.server.close()
    code, output = esign(*usual, "--allow", "127.0.0.1")
    assert code == 3
    assert [entry["action"] for entry in json.loads(output)["lists"]] == ["KEPT", "KEPT"]
    assert esign(*usual, "--offline")[0] == 0


def test_refresh_refuses_what_is_not_pinned(town: Town, tmp_path: Path) -> None:
    (tmp_path / "pin.der").write_bytes(town.pki.root.certificate.der)
    code, output = esign(
        "trust", "refresh", town.scheme.url, "--signer", tmp_path / "pin.der",
        "--folder", tmp_path / "lists", "--json", "--allow", "127.0.0.1",
    )  # fmt: skip
    assert code == 5
    (entry,) = json.loads(output)["lists"]
    assert (entry["action"], entry["code"]) == ("MISSING", "trustlist.signature")
