"""What is known of a provider beforehand: addresses, keys, algorithms, and its dialect."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from esign_kit.login import faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.login.secret import Secret

__all__ = ["ALGORITHMS", "OidcClient", "OidcProvider", "mygovid", "vn_portal", "vneid"]

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures with a private key. ``none`` and MACs are in no list that can be given."""


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What the provider gave at registration.

    Attributes:
        client_secret: ``None`` for a public client (PKCE alone).
        authentication: how the client shows itself at the token address: ``"post"`` (in the form)
            or ``"basic"``.
    """

    client_id: str
    redirect_uri: str
    client_secret: Secret | None = field(default=None, repr=False)
    authentication: str = "post"


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A provider.

    Attributes:
        name: for people and in sealed states.
        issuer: literally as in the token; ``None`` where tokens name no issuer, then the keys alone
            say whose they are.
        algorithms: accepted signatures; a subset of :data:`ALGORITHMS`.
        keys: the JSON Web Key Set itself, where it is not to be fetched from ``jwks_uri``.
        login: row of the profile's login systems, for providers without an issuer.
        dialect: how claims become a subject: ``"standard"``, ``"vn-portal"``, ``"vneid"``,
            ``"mygovid"``.
        identifiers: claim to ``"<country>/<scheme>"``, for ``"standard"``; the first that is
            there counts.
        acr_values: what to ask for; what was given stands in the token.
        require_audience, require_nonce, require_at_hash: what a token must have; what it has is
            compared in any case.
        resource_url: a further resource of the dialect (certificates).
        skew: how far clocks may differ.
        max_age: how old the provider's own login may be.
    """

    name: str
    issuer: str | None
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str = ""
    keys: Mapping[str, Any] | None = field(default=None, repr=False)
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    resource_url: str = ""
    algorithms: frozenset[str] = frozenset({"RS256", "PS256", "ES256"})
    scopes: tuple[str, ...] = ("openid",)
    login: str = ""
    dialect: str = "standard"
    identifiers: Mapping[str, str] = field(default_factory=dict)
    acr_values: tuple[str, ...] = ()
    require_audience: bool = True
    require_nonce: bool = True
    require_at_hash: bool = False
    skew: timedelta = timedelta(seconds=60)
    max_age: timedelta | None = None

    def __post_init__(self) -> None:
        outside = self.algorithms - ALGORITHMS
        if outside or not self.algorithms:
            raise ValueError(f"not for id_tokens: {', '.join(sorted(outside)) or 'nothing'}")
        if not self.jwks_uri and self.keys is None:
            raise ValueError("a provider needs jwks_uri or keys")

    @classmethod
    def from_discovery(
        cls, data: Mapping[str, Any], *, name: str, issuer: str, **options: Any
    ) -> OidcProvider:
        """Make one from OpenID discovery data that the deployer has.

        Args:
            data: the JSON object of ``/.well-known/openid-configuration``.
            issuer: the expected one; the data must state it literally.
            options: other attributes.

        Raises:
            LoginProviderError: another issuer, or addresses are missing.
        """
        if data.get("issuer") != issuer:
            raise faults.provider(
                "login.provider-answer", f"the discovery data of {name} name another issuer"
            )
        try:
            provider = cls(
                name,
                issuer,
                data["authorization_endpoint"],
                data["token_endpoint"],
                jwks_uri=data["jwks_uri"],
                userinfo_endpoint=data.get("userinfo_endpoint", ""),
                end_session_endpoint=data.get("end_session_endpoint", ""),
                **options,
            )
        except KeyError as error:
            raise faults.provider(
                "login.provider-answer", f"the discovery data of {name} lack {error.args[0]}"
            ) from None
        offered = data.get("id_token_signing_alg_values_supported")
        if isinstance(offered, list) and "algorithms" not in options:
            common = provider.algorithms & {str(item) for item in offered}
            return replace(provider, algorithms=common or provider.algorithms)
        return provider


def vneid(
    *,
    issuer: str = "http://sso.dancuquocgia.gov.vn:8080/auth/realms/citizen",
    authorization_endpoint: str,
    token_endpoint: str,
    **options: Any,
) -> OidcProvider:
    """Return VNeID (Keycloak). The issuer is a text to compare: it tells no address."""
    return OidcProvider(
        "vneid", issuer, authorization_endpoint, token_endpoint,
        **{"dialect": "vneid", "algorithms": frozenset({"RS256"}), **options},
    )  # fmt: skip


def vn_portal(
    *,
    issuer: str = "https://xacthuc.dichvucong.gov.vn/oauth2/token",
    base: str = "https://xacthuc.dichvucong.gov.vn/oauth2",
    **options: Any,
) -> OidcProvider:
    """Return the identity provider of Viet Nam's National Public Service Portal."""
    return OidcProvider(
        "vn-portal", issuer, f"{base}/authorize", f"{base}/token",
        **{
            "jwks_uri": f"{base}/jwks",
            "userinfo_endpoint": f"{base}/userinfo",
            "dialect": "vn-portal",
            "algorithms": frozenset({"RS256"}),
            "acr_values": ("LoA1",),
            **options,
        },
    )  # fmt: skip


def mygovid(
    *,
    authorization_endpoint: str = "https://mygovid.gov.az/grant-permission",
    base: str,
    certificates: bool = False,
    **options: Any,
) -> OidcProvider:
    """Return mygov ID (ASAN Login, Digital Login) of Azerbaijan.

    Its tokens name no issuer and no method, and may lack audience and nonce; what is there is
    compared. They come straight from the token address, over TLS, for a code that PKCE binds.

    Args:
        base: of the API host; it is given at registration.
        certificates: also ask which organisations the person stands for.
    """
    scopes = ("openid", "user", "certificate") if certificates else ("openid", "user")
    return OidcProvider(
        "mygovid", None, authorization_endpoint, f"{base}/ssoauth/oauth2/token",
        **{
            "jwks_uri": f"{base}/ssoauth/oauth2/jwks",
            "resource_url": f"{base}/sso-oauth-resource/certificates" if certificates else "",
            "dialect": "mygovid",
            "login": "mygovid",
            "algorithms": frozenset({"RS256"}),
            "scopes": scopes,
            "require_audience": False,
            "require_nonce": False,
            **options,
        },
    )  # fmt: skip
