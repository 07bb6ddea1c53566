"""SAML 2.0, the relying party: for SEN and for eIDAS nodes.

The Web Browser SSO profile with a begun request; what nobody asked for is refused. A response is
believed as far as it was signed and no further: the signed octets are read again on their own,
so that nothing beside them can be taken for them.
"""

from __future__ import annotations

from esign_kit.login.saml.flow import SamlLogin
from esign_kit.login.saml.parties import (
    EIDAS_ATTRIBUTES,
    SamlIdentityProvider,
    SamlServiceProvider,
)

__all__ = ["EIDAS_ATTRIBUTES", "SamlIdentityProvider", "SamlLogin", "SamlServiceProvider"]
