"""The AuthnRequest, by redirect or by form, signed or not."""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from esign_kit.login.saml import names
from esign_kit.login.saml.signing import preferred, sign_element, signature_value

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.login.saml.parties import SamlIdentityProvider, SamlServiceProvider

__all__ = ["build_request", "escape", "instant", "post_fields", "redirect_query"]


def escape(text: str) -> str:
    """Return text for an element or an attribute in double quotes."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text


def instant(at: datetime) -> str:
    """Return a time as SAML writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def build_request(
    identifier: str, provider: SamlIdentityProvider, portal: SamlServiceProvider, *, at: datetime
) -> bytes:
    """Return an AuthnRequest (Core § 3.4.1), unsigned."""
    parts = [
        f'<samlp:AuthnRequest xmlns:samlp="{names.SAMLP}" xmlns:saml="{names.SAML}"',
        f' ID="{identifier}" Version="2.0" IssueInstant="{instant(at)}"',
        f' Destination="{escape(provider.sso_url)}" ProtocolBinding="{names.POST}"',
        f' AssertionConsumerServiceURL="{escape(portal.acs_url)}"',
        ' ForceAuthn="true"' if portal.force else "",
        ">",
        f"<saml:Issuer>{escape(portal.entity_id)}</saml:Issuer>",
        _extensions(portal),
        f'<samlp:NameIDPolicy AllowCreate="true" Format="{names.UNSPECIFIED}"/>',
    ]
    if portal.context:
        listed = "".join(
            f"<saml:AuthnContextClassRef>{escape(item)}</saml:AuthnContextClassRef>"
            for item in portal.context
        )
        parts.append(
            f'<samlp:RequestedAuthnContext Comparison="{escape(portal.comparison)}">{listed}'
            "</samlp:RequestedAuthnContext>"
        )
    parts.append("</samlp:AuthnRequest>")
    return "".join(parts).encode()


def _extensions(portal: SamlServiceProvider) -> str:
    if not portal.sector and not portal.requested:
        return ""
    form = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
    rows = "".join(
        f'<eidas:RequestedAttribute Name="{escape(name)}" NameFormat="{form}" isRequired="true"/>'
        for name in portal.requested
    )
    sector = f"<eidas:SPType>{escape(portal.sector)}</eidas:SPType>" if portal.sector else ""
    listed = f"<eidas:RequestedAttributes>{rows}</eidas:RequestedAttributes>" if rows else ""
    return f'<samlp:Extensions xmlns:eidas="{names.EIDAS}">{sector}{listed}</samlp:Extensions>'


def redirect_query(request: bytes, state: str, portal: SamlServiceProvider) -> str:
    """Return the query of the redirect binding (Bindings § 3.4.4.1), signed if there is a key."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = b64encode(packer.compress(request) + packer.flush()).decode("ascii")
    query = urlencode({"SAMLRequest": packed, "RelayState": state})
    if portal.key is None:
        return query
    algorithm = preferred(portal.key)
    query += "&" + urlencode({"SigAlg": algorithm.uri})
    value = signature_value(portal.key, query.encode("ascii"), algorithm)
    return query + "&" + urlencode({"Signature": b64encode(value).decode("ascii")})


def post_fields(
    request: bytes, identifier: str, state: str, portal: SamlServiceProvider
) -> dict[str, str]:
    """Return the fields of the form binding, with an enveloped signature if there is a key."""
    if portal.key is not None:
        request = sign_element(request, identifier, portal.key, place=b"</saml:Issuer>")
    return {"SAMLRequest": b64encode(request).decode("ascii"), "RelayState": state}
