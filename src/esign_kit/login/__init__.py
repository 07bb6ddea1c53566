"""Logins of the national systems: each ends in a :class:`~esign_kit.model.principal.Principal`.

Every login has two halves that run in different requests: ``begin`` (or ``issue``) gives an address
and a sealed text that the portal keeps in the browser's session; ``finish`` takes what came back
with that text. Nothing here asks a clock or opens a connection: time is an argument, and the way
to the provider is a :class:`~esign_kit.model.http.Transport`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.login.challenge import ChallengeLogin
    from esign_kit.login.matched import MatchedLogin, RegisterEntry
    from esign_kit.login.oidc import OidcClient, OidcLogin, OidcProvider
    from esign_kit.login.once import MemoryOnceStore, OnceStore, RedisOnceStore
    from esign_kit.login.oneid import OneIdClient, OneIdLogin
    from esign_kit.login.result import Login, Redirect
    from esign_kit.login.saml import SamlIdentityProvider, SamlLogin, SamlServiceProvider
    from esign_kit.login.secret import Secret
    from esign_kit.login.systems import with_login_system

__all__ = [
    "ChallengeLogin",
    "Login",
    "MatchedLogin",
    "MemoryOnceStore",
    "OidcClient",
    "OidcLogin",
    "OidcProvider",
    "OnceStore",
    "OneIdClient",
    "OneIdLogin",
    "Redirect",
    "RedisOnceStore",
    "RegisterEntry",
    "SamlIdentityProvider",
    "SamlLogin",
    "SamlServiceProvider",
    "Secret",
    "with_login_system",
]

_HOMES = {
    "ChallengeLogin": "challenge",
    "Login": "result",
    "MatchedLogin": "matched",
    "MemoryOnceStore": "once",
    "OidcClient": "oidc",
    "OidcLogin": "oidc",
    "OidcProvider": "oidc",
    "OnceStore": "once",
    "OneIdClient": "oneid",
    "OneIdLogin": "oneid",
    "Redirect": "result",
    "RedisOnceStore": "once",
    "RegisterEntry": "matched",
    "SamlIdentityProvider": "saml",
    "SamlLogin": "saml",
    "SamlServiceProvider": "saml",
    "Secret": "secret",
    "with_login_system": "systems",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'esign_kit.login' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"esign_kit.login.{home}"), name)
    globals()[name] = value
    return value
