"""Three small pages without inline script or style; everything that is shown is escaped."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esign_kit.model.principal import Principal
    from esign_kit.web.portal import Agents

__all__ = ["agent_script", "content_security_policy", "login_page", "sign_page", "style_sheet"]

_SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{prefix}/esign.css">
<script src="{prefix}/esign-agent.js" defer></script>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_PANEL = """<section id="esign" data-esign="{purpose}" data-token="{token}" data-agents="{agents}"
 data-begin="{begin}" data-finish="{finish}" data-next="{next}">
{buttons}
<p><label for="esign-key" hidden>Key</label> <select id="esign-key" hidden></select></p>
<p id="esign-status" role="status" aria-live="polite"></p>
</section>
"""


@cache
def agent_script() -> bytes:
    """Return the script that talks to the agents."""
    return (files("esign_kit.web") / "static" / "esign-agent.js").read_bytes()


@cache
def style_sheet() -> bytes:
    """Return the style of the pages."""
    return (files("esign_kit.web") / "static" / "esign.css").read_bytes()


def content_security_policy(agents: Agents) -> str:
    """Return a policy under which only our script runs and only the agents are reached."""
    reached = " ".join(["'self'", *(url for url in (agents.ncalayer, agents.eimzo) if url)])
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {reached}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def login_page(prefix: str, token: str, agents: Agents, after: str) -> str:
    """Return the page where one logs in."""
    panel = _panel(prefix, "login", token, agents, f"{prefix}/challenge", f"{prefix}/login", after)
    text = "<p>You sign a short text that names this portal and the time. It is no document.</p>\n"
    return _SHELL.format(title="Log in with your key", prefix=escape(prefix), body=text + panel)


def sign_page(
    prefix: str,
    token: str,
    agents: Agents,
    name: str,
    document: bytes,
    principal: Principal,
    after: str,
) -> str:
    """Return the page where a document is read and signed."""
    try:
        shown = escape(document.decode("utf-8"))
    except UnicodeDecodeError:
        shown = f"{len(document)} octets, no text"
    here = f"{prefix}/sign/{name}"
    panel = _panel(prefix, "sign", token, agents, f"{here}/offer", here, after)
    body = (
        f"<p>Signed in as <strong>{escape(str(principal))}</strong>.</p>\n"
        f'<pre id="esign-document">{shown}</pre>\n{panel}'
    )
    return _SHELL.format(title="Read and sign", prefix=escape(prefix), body=body)


def _panel(
    prefix: str, purpose: str, token: str, agents: Agents, begin: str, finish: str, after: str
) -> str:
    del prefix
    known = {
        "ncalayer": agents.ncalayer,
        "eimzo": agents.eimzo,
        "eimzoKeys": [item for pair in agents.eimzo_keys for item in pair],
    }
    word = "Log in" if purpose == "login" else "Sign"
    titles = {"ncalayer": "NCALayer", "eimzo": "E-IMZO"}
    buttons = "\n".join(
        f'<button type="button" data-agent="{name}">{word} with {title}</button>'
        for name, title in titles.items()
        if known[name]
    )
    return _PANEL.format(
        purpose=purpose,
        token=escape(token),
        agents=escape(json.dumps(known)),
        begin=escape(begin),
        finish=escape(finish),
        next=escape(after),
        buttons=buttons,
    )
