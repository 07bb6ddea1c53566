"""Both examples in a real browser: log in, read, sign; with NCALayer and with E-IMZO."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI
from esign_kit.testing.login import FakeEimzo, FakeNcaLayer, LoopbackAgent

if TYPE_CHECKING:
    from collections.abc import Iterator

if os.environ.get("CI") != "true":
    pytest.importorskip("playwright")

from examples.agents import stand_in
from playwright.sync_api import Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

if BROWSER is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium here: the pages are not tried", allow_module_level=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    assert BROWSER is not None, "CI needs Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)  # a machine with one core and many tests
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    yield page
    context.close()
    # The script writes nothing; Chromium tells refused requests and connections itself.
    known = ("Failed to load resource", "WebSocket connection to", "Access to fetch")
    assert [text for text in problems if not any(word in text for word in known)] == []


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def example(framework: str, folder: Path, *options: str) -> Iterator[str]:
    port = free_port()
    log = (folder / "server.log").open("wb")
    command = [sys.executable, str(PROJECT / "examples" / framework / "app.py")]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--keep", str(folder / "kept"), *options],
        stdout=log,
        stderr=log,
    )
    try:
        for _ in range(200):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
        log.close()
        # Shown by pytest where a test fails.
        sys.stdout.write((folder / "server.log").read_text())


def country(name: str) -> FixturePKI:
    return FixturePKI(name, at=datetime.now(UTC))


def log_in(page: Page, url: str, button: str) -> None:
    page.goto(url + "/esign/login")
    page.get_by_role("button", name=f"Log in with {button}").click()


@pytest.mark.parametrize("framework", ["asgi", "django"])
@pytest.mark.parametrize("kind", ["NCALayer", "E-IMZO"])
def test_log_in_and_sign(framework: str, kind: str, page: Page, tmp_path: Path) -> None:
    name, code = ("ncalayer", "kz") if kind == "NCALayer" else ("eimzo", "uz")
    with (
        LoopbackAgent(stand_in(code)) as agent,
        example(framework, tmp_path, "--country", code, f"--{name}", agent.url) as url,
    ):
        log_in(page, url, kind)
        expect(page.locator("#who")).to_be_visible()
        who = page.locator("#who").inner_text()
        page.get_by_role("link", name="Sign your application").click()
        shown = page.locator("#esign-document").inner_text()
        page.get_by_role("button", name=f"Sign with {kind}").click()
        expect(page.locator("#who")).to_be_visible()
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        session = cookies["esign" if framework == "asgi" else "sessionid"]
        assert (session["httpOnly"], session["sameSite"]) == (True, "Lax")
    pki = country(code)
    kept = (tmp_path / "kept" / "application.p7m").read_bytes()
    report = ek.verify(kept, profile=pki.profile, evidence=pki.evidence()).only
    assert report.passed, report.checks
    assert str(ek.identify(report, profile=pki.profile)) == who
    assert report.signed[0].octets is not None
    assert report.signed[0].octets.decode().split() == shown.split()
    written = (tmp_path / "server.log").read_text()
    number = ek.identify(report, profile=pki.profile).identifier
    assert number is not None
    assert number.value not in written
    assert session["value"] not in written


class Babble:
    """Connects, and says nothing that anybody understands."""

    greeting = '{"result": {"version": "1.4"}}'

    def answer(self, _: str) -> str:
        return "this is no JSON"


def test_what_ncalayer_may_say(page: Page, tmp_path: Path) -> None:
    agent = stand_in("kz")
    assert isinstance(agent, FakeNcaLayer)
    with LoopbackAgent(agent) as served, example("asgi", tmp_path, "--ncalayer", served.url) as url:
        page.goto(url + "/esign/login")
        button = page.get_by_role("button", name="Log in with NCALayer")
        status = page.locator("#esign-status[data-state=error]")

        def told(text: str) -> None:
            button.click()
            expect(status).to_contain_text(text)
            assert status.locator("b").count() == 0  # text, never markup

        agent.cancels = True
        told("You cancelled in NCALayer.")
        agent.error = "<b>storage</b> is locked"
        told("NCALayer: <b>storage</b> is locked")
        agent.error, agent.cancels, agent.lies = "", False, {"content"}
        told("the key signed something else than this login")
        served.agent = Babble()
        told("NCALayer answered something that is no JSON.")
        served.agent = agent
        agent.lies = {"array", "pem-in-base64"}
        button.click()
        expect(page.locator("#who")).to_be_visible()


def test_what_eimzo_may_say_and_a_choice_of_keys(page: Page, tmp_path: Path) -> None:
    agent = stand_in("uz", keys=2)
    assert isinstance(agent, FakeEimzo)
    with (
        LoopbackAgent(agent) as served,
        example(
            "django",
            tmp_path,
            "--country",
            "uz",
            "--eimzo",
            served.url,
            "--eimzo-key",
            "127.0.0.1",
            "KEY-OF-VENDOR",
        ) as url,
    ):
        agent.status = -5000
        log_in(page, url, "E-IMZO")
        status = page.locator("#esign-status[data-state=error]")
        expect(status).to_have_text("You cancelled in E-IMZO.")
        agent.status = -9999
        page.get_by_role("button", name="Log in with E-IMZO").click()
        expect(status).to_have_text("E-IMZO: fixture")
        agent.status, agent.lies = 0, {"content"}
        page.get_by_role("button", name="Log in with E-IMZO").click()
        page.locator("#esign-key").select_option("1")
        expect(status).to_contain_text("the key signed something else than this login")
        agent.lies = set()
        page.get_by_role("button", name="Log in with E-IMZO").click()
        page.locator("#esign-key").select_option("1")
        expect(page.locator("#who")).to_contain_text("UZ/PINFL/")
    assert agent.requests[0] == {"name": "apikey", "arguments": ["127.0.0.1", "KEY-OF-VENDOR"]}


def test_an_agent_that_is_not_running(page: Page, tmp_path: Path) -> None:
    nobody = f"ws://127.0.0.1:{free_port()}"
    with example("asgi", tmp_path, "--ncalayer", nobody) as url:
        log_in(page, url, "NCALayer")
        expect(page.locator("#esign-status")).to_contain_text("NCALayer is not running")


@pytest.mark.parametrize("framework", ["asgi", "django"])
def test_another_site_cannot_act_in_the_session(framework: str, page: Page, tmp_path: Path) -> None:
    """A page of another origin has the browser send what it can; none of it counts."""
    with (
        LoopbackAgent(stand_in("kz")) as agent,
        example(framework, tmp_path, "--ncalayer", agent.url) as url,
    ):
        log_in(page, url, "NCALayer")
        expect(page.locator("#who")).to_be_visible()
        with example("asgi", tmp_path, "--ncalayer", agent.url) as other:
            # The same machine under another name is another site for the browser.
            page.goto(other.replace("127.0.0.1", "localhost"))
            answers = page.evaluate(
                """async (url) => {
                    const found = [];
                    for (const path of ["logout", "challenge", "sign/application"]) {
                        for (const mode of ["no-cors", "cors"]) {
                            try {
                                const response = await fetch(url + "/esign/" + path, {
                                    method: "POST", mode: mode, credentials: "include",
                                    headers: mode === "cors"
                                        ? {"Content-Type": "application/json"} : {},
                                    body: "{}"});
                                found.push(response.status);
                            } catch (error) { found.push("refused"); }
                        }
                    }
                    return found;
                }""",
                url,
            )
            assert set(answers) <= {0, 403, "refused"}
        page.goto(url)
        expect(page.locator("#who")).to_be_visible()
