"""Authorising a signature in the person's browser: OAuth2 with the scope ``credential``.

The access token that comes out is the authorisation: it is bound to the hashes that the person was
shown, and is used once. PKCE (RFC 7636) is always used.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from esign_kit.errors import KeyStoreError
from esign_kit.keys.csc.client import Authorization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.keys.csc.client import Credential
    from esign_kit.keys.csc.transport import Transport

__all__ = ["authorize_url", "exchange_code"]


def authorize_url(
    base: str,
    credential: Credential,
    hashes: Sequence[bytes],
    *,
    digest_oid: str,
    client_id: str,
    redirect_uri: str,
    state: str,
    version: int = 2,
) -> tuple[str, str]:
    """Return the address to send the browser to, and the verifier to keep for the second step.

    Args:
        base: the ``oauth2`` address of the service's ``info``.
        state: unguessable, bound to the browser; the caller compares it when the browser returns.
    """
    verifier = secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest())
    values = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": "credential",
        "state": state,
        "credentialID": credential.id,
        "numSignatures": str(len(hashes)),
        "code_challenge": challenge.decode("ascii").rstrip("="),
        "code_challenge_method": "S256",
    }
    encoded = [urlsafe_b64encode(item).decode("ascii") for item in hashes]
    if version == 1:
        values["hash"] = ",".join(encoded)
    else:
        values |= {"hashes": ",".join(encoded), "hashAlgorithmOID": digest_oid}
    return f"{base.rstrip('/')}/oauth2/authorize?{urlencode(values)}", verifier


def exchange_code(
    base: str,
    code: str,
    verifier: str,
    *,
    client_id: str,
    client_secret: str | None,
    redirect_uri: str,
    transport: Transport,
    now: float,
    seconds: float = 30.0,
) -> Authorization:
    """Trade the code that the browser brought for the authorisation.

    Args:
        now: the clock of the client that will use it.

    Raises:
        KeyStoreError: ``csc.token``: refused; ``csc.answer``.
    """
    values = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    if client_secret is not None:
        values["client_secret"] = client_secret
    answer = transport.post(
        f"{base.rstrip('/')}/oauth2/token",
        urlencode(values).encode("ascii"),
        media_type="application/x-www-form-urlencoded",
        headers={},
        seconds=seconds,
    )
    if answer.status != 200:
        raise KeyStoreError("the service refused the code", code="csc.token")
    token, expires = answer.body.get("access_token"), answer.body.get("expires_in", 300)
    if not isinstance(token, str) or not token or not isinstance(expires, (int, float)):
        raise KeyStoreError("the service answered with no token", code="csc.answer")
    return Authorization(token, now + float(expires))
