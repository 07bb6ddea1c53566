"""The verbs that reach the network, and by which way."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner
from tests.unit.net.loopback import Loopback, http

from esign_kit.errors import EvidenceError, InputError
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.trustlist import ListedService, ListScheme, qualified

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


class Office:
    """Somebody who keeps the lists of a town fresh with the command, and looks at its answers."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.lists = folder / "lists"
        (folder / "pin.der").write_bytes(town.scheme.pinned[0].der)
        self.arguments = [
            "trust", "refresh", town.scheme.url, "--signer", str(folder / "pin.der"),
            "--announcement", town.scheme.announcement, "--folder", str(self.lists),
            "--json", "--allow", "127.0.0.1", "--only-allowed",
        ]  # fmt: skip

    def told(self, *more: str) -> tuple[int, list[tuple[str, str, int | None]]]:
        """Exit code, and action, code and number of each list."""
        code, output = esign(*self.arguments, *more)
        lists = json.loads(output)["lists"]
        return code, [(entry["action"], entry["code"], entry["sequence"]) for entry in lists]

    def kept(self) -> tuple[int, list[tuple[str, str, int | None]]]:
        return self.told("--offline")

    def in_a_process(self, before: str) -> subprocess.CompletedProcess[str]:
        """Run the command after some lines of Python that make its life short or hard."""
        script = f"{before}\nfrom esign_kit.cli.run import main\nmain({self.arguments!r})"
        return subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture
def office(town: Town, tmp_path: Path) -> Office:
    return Office(town, tmp_path)


def test_a_fresh_list_replaces_the_old_one(office: Office) -> None:
    assert office.told() == (0, [("NEW", "", 2), ("NEW", "", 1)])
    assert office.told() == (0, [("UNCHANGED", "", 2), ("UNCHANGED", "", 1)])
    office.town.scheme.renew()
    assert office.told() == (0, [("NEW", "", 3), ("NEW", "", 2)])
    assert office.kept() == (0, [("LOADED", "", 3), ("LOADED", "", 2)])


@pytest.mark.parametrize("which", ["list of lists", "list"])
@pytest.mark.parametrize("bad", ["tampered", "older", "expired", "cut", "a page"])
def test_a_bad_list_changes_nothing(office: Office, which: str, bad: str) -> None:
    scheme = office.town.scheme
    top = which == "list of lists"
    url = scheme.url if top else scheme.lists["XX"].url
    make = scheme.list_of_lists if top else lambda **more: scheme.list_file("XX", **more)
    early = make()
    scheme.renew()
    good = [("LOADED", "", 3), ("LOADED", "", 2)]
    assert office.told()[0] == 0
    now, day = scheme.pki.now, timedelta(days=1)
    data, code = {
        "tampered": (re.sub(rb"Number>\d+<", b"Number>9<", early), "trustlist.signature"),
        "older": (early, "trustlist.older"),
        "expired": (
            make(sequence=9, issued=now - 9 * day, next_update=now - day),
            "trustlist.expired",
        ),
        "cut": (early[:-40], "trustlist.malformed"),
        "a page": (b"<html>maintenance</html>", "trustlist.none"),
    }[bad]
    scheme.files[url] = data
    exit_code, told = office.told()
    assert exit_code == 3
    assert told[0 if top else 1][:2] == ("KEPT", code)
    assert told[1 if top else 0][:2] == ("UNCHANGED", "")
    assert office.kept() == (0, good)


def test_the_operator_changes_its_signer(office: Office) -> None:
    assert office.told()[0] == 0
    office.town.scheme.new_operator()
    office.town.scheme.new_operator()
    assert office.told() == (0, [("NEW", "", 6), ("NEW", "", 3)])
    assert office.kept() == (0, [("LOADED", "", 6), ("LOADED", "", 3)])
    # A pivot that nobody who is trusted has signed leads nowhere.
    stranger = office.town.pki.organisation()
    office.town.scheme.new_operator()
    last = office.town.scheme.pivots[-1]
    office.town.files[last] = office.town.scheme.list_of_lists(signer=stranger)
    code, told = office.told()
    assert (code, told[0]) == (3, ("KEPT", "trustlist.signature", 6))
    assert office.kept()[1][0] == ("LOADED", "", 6)


@pytest.mark.parametrize("write", [1, 2])
def test_the_command_is_killed_while_it_writes(office: Office, write: int) -> None:
    assert office.told()[0] == 0
    office.town.scheme.renew()
    done = office.in_a_process(
        "import os, signal\n"
        "real, calls = os.fsync, []\n"
        "def fsync(handle):\n"
        "    calls.append(handle)\n"
        f"    if len(calls) == {write}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(handle)\n"
        "os.fsync = fsync\n"
    )
    assert done.returncode == -9, done.stderr
    assert list(office.lists.glob("*.part"))
    assert office.kept() == (0, [("LOADED", "", 1 + write), ("LOADED", "", 1)])
    assert office.told()[0] == 0
    assert office.kept() == (0, [("LOADED", "", 3), ("LOADED", "", 2)])
    assert not list(office.lists.glob("*.part"))


def test_several_at_once(office: Office) -> None:
    """As cron does on a bad day: all of them end well, and what they leave is whole."""
    from concurrent.futures import ThreadPoolExecutor

    assert office.told()[0] == 0
    office.town.scheme.renew()
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(office.in_a_process, [""] * 3))
    for done in outcomes:
        assert done.returncode == 0, done.stderr
        assert {entry["action"] for entry in json.loads(done.stdout)["lists"]} <= {
            "NEW", "UNCHANGED"
        }  # fmt: skip
    assert office.kept() == (0, [("LOADED", "", 3), ("LOADED", "", 2)])
    assert not list(office.lists.glob("*.part"))


def test_the_disk_is_full(office: Office) -> None:
    assert office.told()[0] == 0
    office.town.scheme.renew()
    done = office.in_a_process(
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
    )
    assert done.returncode == 3, done.stderr
    entries = json.loads(done.stdout)["lists"]
    assert [entry["code"] for entry in entries] == ["trustlist.folder"] * 2
    assert "cannot be kept" in entries[0]["reason"]
    assert office.kept() == (0, [("LOADED", "", 2), ("LOADED", "", 1)])


def test_nothing_but_what_is_allowed_is_reached(office: Office) -> None:
    """In a closed network a list cannot send the command anywhere else."""
    url = office.town.scheme.lists["XX"].url
    elsewhere = url.replace("127.0.0.1", "192.0.2.7")
    office.town.scheme.lists["XX"].url = elsewhere
    office.town.scheme.renew()
    code, output = esign(*office.arguments)
    (_, entry) = json.loads(output)["lists"]
    assert (code, entry["code"], entry["url"]) == (5, "fetch.not-listed", elsewhere)
    del office.arguments[-1]
    with_public = json.loads(esign(*office.arguments)[1])["lists"][1]
    assert with_public["code"] == "fetch.address"


def test_words_for_people(office: Office) -> None:
    office.arguments.remove("--json")
    code, output = esign(*office.arguments, "--territory", "xx", "--territory", "qq")
    assert code == 3
    assert "✓ XX  NEW  1 anchors" in output
    assert "✗ QQ  MISSING  0 anchors\n    the list of lists points to no list of QQ" in output


def test_a_host_that_is_not_allowed_is_not_a_matter_of_waiting(town: Town, tmp_path: Path) -> None:
    file, root = tmp_path / "a.p7s", tmp_path / "root.cer"
    file.write_bytes(town.pki.person().sign(b"application"))
    root.write_bytes(town.pki.root.certificate_der)
    code, output = esign("verify", file, "--trust", root, "--online", "--only-allowed")
    assert code == 3
    assert "name the host that may be asked in --allow HOST" in output
    assert "try again later" not in output


def test_a_file_that_is_no_cache_is_not_touched(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "a.p7s"
    file.write_bytes(town.pki.person().sign(b"application"))
    before = file.read_bytes()
    with pytest.raises(click.UsageError, match="no cache"):
        esign("verify", file, "--online", "--cache", file)
    assert file.read_bytes() == before


def test_a_folder_of_lists_is_a_trust_store(office: Office, tmp_path: Path) -> None:
    town = office.town
    signs = '<q:KeyUsage><q:KeyUsageBit name="nonRepudiation">true</q:KeyUsageBit></q:KeyUsage>'
    said = qualified(signs, "QCForESig") + qualified("<q:New/>", "QCWithQSCD")
    service = ListedService.of(town.pki.issuing.certificate, qualifications=said)
    town.scheme.add("XX", [service])
    assert office.told()[0] == 0
    person = town.pki.person()
    file, card = tmp_path / "a.p7s", tmp_path / "card.cer"
    file.write_bytes(person.sign(b"application"))
    card.write_bytes(person.certificate_der)
    town.server.requests.clear()
    usual = ("--trust", office.lists, "--revocation", "not-checked")
    assert esign("verify", file, *usual)[0] == 0
    code, output = esign("whoami", file, *usual)
    assert code == 0
    assert "QCForESig; not decided: QCWithQSCD" in output
    for target in (file, card):
        (entry,) = json.loads(esign("whoami", target, *usual, "--json")[1])["signers"]
        (listed,) = entry["listed"]
        assert listed["qualifiers"][0].endswith("/QCForESig")
        assert listed["territory"] == "XX"
    assert "listed: XX, Fixture Trust Services" in esign("trust", "why", card, *usual)[1]
    # Without a path that holds there is nobody who says anything.
    code, output = esign("whoami", card, *usual, "--at", f"{town.pki.now.year + 3}-01-01")
    assert code == 3 and "listed" not in output
    stranger = FixturePKI(seed="stranger").person()
    card.write_bytes(stranger.certificate_der)
    code, output = esign("whoami", card, *usual)
    assert code == 3 and "listed" not in output
    assert "Fixture Trust Services" in esign("trust", "show", office.lists)[1]
    assert town.server.requests == []


def test_why_says_where_a_missing_issuer_should_be(town: Town, tmp_path: Path) -> None:
    card, root = tmp_path / "card.cer", tmp_path / "root.cer"
    card.write_bytes(town.pki.person().certificate_der)
    root.write_bytes(town.pki.root.certificate_der)
    usual = ("trust", "why", card, "--trust", root)
    code, output = esign(*usual)
    assert code == 3
    assert f"→ it should be at {town.server.url}/aia/issuing.crt; --online asks there" in output
    code, output = esign(*usual, "--online", "--allow", "127.0.0.1")
    assert code == 0 and "should be" not in output


def test_the_folder_knows_where_to_ask_again(office: Office) -> None:
    again = ("trust", "refresh", "--folder", office.lists, "--allow", "127.0.0.1")
    with pytest.raises(click.UsageError, match="address"):
        esign(*again)
    assert office.told()[0] == 0
    office.town.scheme.renew()
    code, output = esign(*again)
    assert code == 0 and "✓ XX  NEW  1 anchors" in output
    for more in (("--signer", office.lists / "source.json"), ("--territory", "XX")):
        with pytest.raises(click.UsageError, match="go with URL"):
            esign(*again, *more)
    with pytest.raises(click.UsageError, match="pin"):
        esign(*again, office.town.scheme.url)
    (office.lists / "source.json").write_bytes(b"{}")
    with pytest.raises(InputError, match=r"source\.json"):
        esign(*again)


def test_lists_that_do_not_count_are_no_trust_store(office: Office, tmp_path: Path) -> None:
    assert office.told()[0] == 0
    card = tmp_path / "card.cer"
    card.write_bytes(office.town.pki.person().certificate_der)
    usual = ("trust", "why", card, "--trust", office.lists)
    for file in office.lists.glob("*.xml"):
        file.write_bytes(file.read_bytes().replace(b"Number>", b"Number> ", 1))
    with pytest.raises(EvidenceError, match="do not count"):
        esign(*usual)
    (office.lists / "source.json").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"source\.json"):
        esign(*usual)
