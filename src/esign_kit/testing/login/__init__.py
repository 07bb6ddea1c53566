"""Login systems and browser agents that a portal's own tests can talk to.

Each fake answers in memory (it is a ``Transport``) and, inside ``LoopbackLogin``, over HTTP on a
free port of this machine. A fake can lie in each field, to show that the portal notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.testing.login.agents import FakeEimzo, FakeNcaLayer
    from esign_kit.testing.login.egov import FakeEgovMobile
    from esign_kit.testing.login.eimzo_server import FakeEimzoServer
    from esign_kit.testing.login.oidc import FakeOidc
    from esign_kit.testing.login.oneid import FakeOneId
    from esign_kit.testing.login.saml import FakeSaml
    from esign_kit.testing.login.server import LoopbackLogin
    from esign_kit.testing.login.websocket import LoopbackAgent

__all__ = [
    "FakeEgovMobile",
    "FakeEimzo",
    "FakeEimzoServer",
    "FakeNcaLayer",
    "FakeOidc",
    "FakeOneId",
    "FakeSaml",
    "LoopbackAgent",
    "LoopbackLogin",
]

_HOMES = {
    "FakeEgovMobile": "egov",
    "FakeEimzo": "agents",
    "FakeEimzoServer": "eimzo_server",
    "FakeNcaLayer": "agents",
    "FakeOidc": "oidc",
    "FakeOneId": "oneid",
    "FakeSaml": "saml",
    "LoopbackAgent": "websocket",
    "LoopbackLogin": "server",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
