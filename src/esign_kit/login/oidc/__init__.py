"""OpenID Connect as the national systems speak it: code flow with PKCE, and the token checked.

Discovery data are given, not fetched: an issuer may be a text that is no address. The checks of
the token are those of OpenID Connect Core § 3.1.3.7 and the OAuth 2.0 security practice (RFC 9700).
"""

from __future__ import annotations

from esign_kit.login.oidc.flow import OidcLogin
from esign_kit.login.oidc.keys import KeyRing
from esign_kit.login.oidc.provider import OidcClient, OidcProvider, mygovid, vn_portal, vneid

__all__ = [
    "KeyRing",
    "OidcClient",
    "OidcLogin",
    "OidcProvider",
    "mygovid",
    "vn_portal",
    "vneid",
]
