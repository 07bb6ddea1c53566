"""``esign pki`` and ``esign keys``: a country for people who do not write Python."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import esign_kit as ek
from esign_kit.cli import run
from esign_kit.testing import FixturePKI
from esign_kit.testing.export import pkcs12

SECRET = "қүпия-s3cr3t"


class _Desk:
    """A folder, and the command run in it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys
        (path / "password").write_text(SECRET + "\n", encoding="utf-8")

    def esign(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            run.main(list(arguments))
        out, err = self._capsys.readouterr()
        assert caught.value.code == code, out + err
        assert SECRET not in out + err
        return out, err


@pytest.fixture
def desk(tmp_path: Path, capsys, monkeypatch) -> _Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ESIGN_PASSWORD", raising=False)
    return _Desk(tmp_path, capsys)


def _issue(desk: _Desk, *options: str) -> str:
    out, _ = desk.esign("pki", "issue", "land", "--password-file", "password", *options)
    return out.strip()


def test_from_country_to_verdict(desk: _Desk) -> None:
    desk.esign("pki", "new", "land", "--country", "kz", "--key", "ec")
    key = _issue(
        desk, "--person", "900101300017", "--organisation", "150240000006", "--role", "head"
    )
    assert os.stat(key).st_mode & 0o777 == 0o600
    Path("a.txt").write_bytes(b"payload")
    desk.esign("sign", "a.txt", "--key", key, "--password-file", "password", "-o", "a.p7s")
    trusted = ("--trust", "land/trust", "--evidence", "land/crl", "--profile", "kz")
    out, _ = desk.esign("verify", "a.p7s", "--detached", "a.txt", "--json", *trusted)
    assert json.loads(out)["indication"] == "TOTAL_PASSED"
    serial = f"{ek.Pkcs12.open(key, password=SECRET).find().view.serial:x}"
    desk.esign("pki", "revoke", "land", serial)
    out, _ = desk.esign("verify", "a.p7s", "--detached", "a.txt", "--json", *trusted, code=3)
    assert json.loads(out)["signatures"][0]["sub_indication"] == "REVOKED_NO_POE"
    assert "revoked" in desk.esign("pki", "list", "land")[0]


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
def test_the_folder_gives_the_same_country_again(desk: _Desk, kind: str) -> None:
    from esign_kit.testing.folder import CountryFolder

    desk.esign("pki", "new", "land", "--key", kind, "--seed", "7", "--at", "2026-03-01")
    first = _issue(desk, "--at", "2026-03-02")
    second = _issue(desk, "--system", "Portal", "--at", "2026-03-03")
    stored = [ek.Pkcs12.open(f, password=SECRET).find().certificate_der for f in (first, second)]
    again = CountryFolder("land")
    assert [holder.certificate.der for holder in again.holders] == stored
    assert [holder.kind for holder in again.holders] == ["person", "system"]


def test_an_edited_folder_is_noticed(desk: _Desk) -> None:
    desk.esign("pki", "new", "land")
    _issue(desk, "--person", "1")
    state = Path("land/country.json")
    good = state.read_text()
    state.write_text(good.replace('"seed": ""', '"seed": "x"'))
    assert "other certificates" in desk.esign("pki", "list", "land", code=4)[1]
    state.write_text(good.replace('"person": "1"', '"person": "2"'))
    assert "other certificates" in desk.esign("pki", "list", "land", code=4)[1]
    for broken in ("", "{}", "[]", good[:-5], good.replace('"version": 1', '"version": 9')):
        state.write_text(broken)
        assert "cannot be read" in desk.esign("pki", "list", "land", code=4)[1]


def test_clear_words(desk: _Desk) -> None:
    desk.esign("pki", "new", "land")
    assert "already" in desk.esign("pki", "new", "land", code=4)[1]
    assert "no country" in desk.esign("pki", "list", "nowhere", code=4)[1]
    assert "atlantis" in desk.esign("pki", "new", "l2", "--country", "atlantis", code=4)[1]
    assert "no keys of kind" in desk.esign("pki", "new", "l2", "--key", "ml-dsa-65", code=4)[1]
    assert not Path("l2").exists() or not list(Path("l2").iterdir())
    _, err = desk.esign(
        "pki", "issue", "land", "--role", "king", "--password-file", "password", code=4
    )
    assert "king" in err and "head" in err
    assert "nobody here" in desk.esign("pki", "revoke", "land", "1f", code=4)[1]
    desk.esign("pki", "revoke", "land", "no hex", code=2)
    desk.esign("pki", "revoke", "land", "1f", "--reason", "whim", code=2)
    desk.esign("pki", "issue", "land", code=5)


def test_revoke_by_certificate_and_hold(desk: _Desk) -> None:
    from esign_kit.testing.folder import CountryFolder

    desk.esign("pki", "new", "land")
    key = _issue(desk)
    view = ek.Pkcs12.open(key, password=SECRET).find().view
    Path("c.cer").write_bytes(view.der)
    for reason, state in (("certificateHold", True), ("removeFromCRL", False)):
        desk.esign("pki", "revoke", "land", "c.cer", "--reason", reason)
        country = CountryFolder("land").pki
        assert (country.state(country.issuing, view.serial, country.now) is not None) is state


def test_serve(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "esign_kit.cli", "pki"]
    subprocess.run([*command, "new", "land"], cwd=tmp_path, check=True, timeout=180)
    server = subprocess.Popen(
        [*command, "serve", "land", "--port", "0"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", server.stderr.readline())
        assert found
        # Generous limits: on a machine that is busy with something else, minutes are short.
        with closing(
            http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        ) as connection:
            connection.request("GET", "/crl/issuing.crl")
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.read()[:1] == b"\x30"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            code = server.wait(timeout=60)
        finally:
            server.kill()
            server.wait()
            server.stderr.close()
    assert code == 0


# ── esign keys ────────────────────────────────────────────────────────────────────────────────


def test_keys(desk: _Desk) -> None:
    pki = FixturePKI("kz", key="ec")
    login = pki.person("900101300017", purpose="AUTHENTICATION")
    Path("three.p12").write_bytes(pkcs12([login, pki.employee(role="head")], SECRET))
    out, _ = desk.esign("keys", "three.p12", "--password-file", "password")
    assert "2 keys" in out
    assert "for logging in, not for signing" in out and "for signing" in out
    assert "IIN900101300017" in out and "ECDSA-SHA256" in out
    out, _ = desk.esign("keys", "three.p12", "--password-file", "password", "--json")
    (file,) = json.loads(out)["files"]
    assert [key["purpose"] for key in file["keys"]] == ["AUTHENTICATION", "SIGNING"]
    assert file["keys"][0]["serial"] == f"{login.serial:x}"
    assert len(file["certificates"]) == 3


def test_keys_tells_what_is_wrong_and_goes_on(desk: _Desk) -> None:
    person = FixturePKI().person()
    Path("good.p12").write_bytes(pkcs12(person, SECRET))
    Path("other.p12").write_bytes(pkcs12(person, "other"))
    Path("text").write_bytes(b"hello")
    person.export_pem("pem")
    names = ("other.p12", "text", "absent", "pem/key.pem", "good.p12")
    out, err = desk.esign("keys", *names, "--password-file", "password", code=5)
    assert "password is wrong" in err
    assert "no key file" in err
    assert "No such file" in err
    assert "no certificate fits" in out
    assert "good.p12: 1 key" in out
    out, _ = desk.esign("keys", "pem/key.pem", "--certificate", "pem/chain.pem")
    assert "for signing" in out


def test_a_password_is_asked_for_only_where_needed(desk: _Desk) -> None:
    person = FixturePKI().person()
    Path("open.p12").write_bytes(pkcs12(person, "", scheme="none", mac=""))
    Path("closed.p12").write_bytes(pkcs12(person, SECRET))
    desk.esign("keys", "open.p12")
    assert "nobody to ask" in desk.esign("keys", "closed.p12", code=5)[1]


def test_expiry_is_told(desk: _Desk) -> None:
    pki = FixturePKI(at="2020-01-01")
    Path("old.p12").write_bytes(pkcs12(pki.person(), SECRET))
    assert "EXPIRED" in desk.esign("keys", "old.p12", "--password-file", "password")[0]
