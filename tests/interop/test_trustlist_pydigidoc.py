"""Our lists read by libdigidocpp, the library behind a national signing application."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from esign_kit.net.fetcher import HttpFetcher
from esign_kit.net.guard import Guard
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.trustlist import QTST, WITHDRAWN, ListedService, ListScheme
from esign_kit.trustlist import refresh
from tests.unit.net.loopback import Loopback, http

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

# In a process of its own: the library keeps global state, and its log is what it says.
READER = """
import sys
import pydigidoc
url, certificate, cache, log = sys.argv[1:]
settings = pydigidoc.DigiDocConf(cache)
settings.set_tslurl(url)
settings.set_tslcert(open(certificate, "rb").read())
settings.set_log_file(log)
settings.set_log_level(4)
pydigidoc.Conf.init(settings)
settings.thisown = False
pydigidoc.initialize("lists")
"""


@pytest.fixture
def scheme() -> Iterator[ListScheme]:
    try:
        import pydigidoc  # noqa: F401
    except ImportError:
        message = "pydigidoc is not installed (dependency group: peers)"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    files: dict[str, bytes] = {}

    def answer(connection: socket.socket, head: bytes) -> None:
        body = files.get(server.url + head.split(b" ")[1].decode("ascii"))
        connection.sendall(http(body) if body else http(b"", status="404 Gone"))

    server = Loopback(answer)
    # The other reader asks the clock.
    pki = FixturePKI(at=datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    made = ListScheme(pki, base_url=server.url, files=files)
    made.add(
        "XX",
        [
            ListedService.of(pki.issuing.certificate),
            ListedService.of(pki.tsa.certificate, type=QTST, additional=()),
            ListedService.of(pki.root.certificate).then(WITHDRAWN, "2024-01-01T00:00:00Z"),
        ],
    )
    made.add("YY", [ListedService.of(pki.issuing.certificate)])
    yield made
    server.close()


def other_reader(scheme: ListScheme, folder: Path) -> str:
    """Let the other library fetch everything into a fresh cache; return what it says."""
    import pydigidoc

    assert pydigidoc.__file__ is not None
    cache = folder / "cache"
    shutil.copytree(os.path.join(os.path.dirname(pydigidoc.__file__), "schema"), cache)
    for territory in scheme.lists:
        # It reads only lists that it holds already; anything will do as the first one.
        (cache / f"{territory}.xml").write_text(" ")
    (folder / "pinned.der").write_bytes(scheme.pinned[0].der)
    log = folder / "log"
    subprocess.run(
        [sys.executable, "-c", READER, scheme.url, folder / "pinned.der", cache, log],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return log.read_text()


def our_reader(scheme: ListScheme, folder: Path) -> list[tuple[str, int]]:
    fetcher = HttpFetcher(guard=Guard.of(networks=["127.0.0.0/8"]), seconds=10)
    report = refresh(scheme.source, fetcher, folder / "ours", at=scheme.pki.now)
    return [(str(state.action), state.anchors) for state in report.lists]


def test_both_readers_read_the_same_lists(scheme: ListScheme, tmp_path: Path) -> None:
    log = other_reader(scheme, tmp_path)
    assert f"TSL lotl.xml ({scheme.sequence}) signature is valid" in log
    assert "TSL XX.xml (2) signature is valid" in log
    assert "TSL YY.xml (1) signature is valid" in log
    # It counts services, the withdrawn one with its history; we count anchors by certificate.
    assert "Loaded 4 certificates" in log
    assert our_reader(scheme, tmp_path) == [("NEW", 0), ("NEW", 3), ("NEW", 1)]


def test_both_readers_follow_a_pivot(scheme: ListScheme, tmp_path: Path) -> None:
    scheme.new_operator()
    log = other_reader(scheme, tmp_path)
    assert f"TSL lotl.xml ({scheme.sequence}) signature is valid" in log
    assert "TSL XX.xml (3) signature is valid" in log
    assert [action for action, _ in our_reader(scheme, tmp_path)] == ["NEW"] * 3


def test_both_readers_refuse_a_tampered_list(scheme: ListScheme, tmp_path: Path) -> None:
    url = scheme.lists["XX"].url
    scheme.files[url] = scheme.files[url].replace(b"granted", b"Granted", 1)
    log = other_reader(scheme, tmp_path)
    assert "TSL XX.xml Failed to validate list" in log
    assert "signature is valid" in log
    assert "TSL XX.xml (2) signature is valid" not in log
    assert our_reader(scheme, tmp_path)[1] == ("MISSING", 0)


def test_both_readers_refuse_an_expired_list(scheme: ListScheme, tmp_path: Path) -> None:
    now = scheme.pki.now
    scheme.files[scheme.lists["XX"].url] = scheme.list_file(
        "XX", issued=now - timedelta(days=9), next_update=now - timedelta(days=1)
    )
    assert "TSL XX.xml (2) is expired" in other_reader(scheme, tmp_path)
    assert our_reader(scheme, tmp_path)[1] == ("MISSING", 0)
