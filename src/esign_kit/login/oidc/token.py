"""The id_token: its signature, and every claim that says for whom, from whom, when and for what.

OpenID Connect Core § 3.1.3.7, RFC 7519, RFC 8725. joserfc does the signature; what may be signed
how, by which key, and what it must say is decided here.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import new as new_hash
from hmac import compare_digest
from math import isfinite
from typing import TYPE_CHECKING, Any

from esign_kit.errors import UnsupportedError
from esign_kit.login import faults
from esign_kit.login.result import passed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.login.oidc.keys import KeyRing
    from esign_kit.login.oidc.provider import OidcProvider
    from esign_kit.model.report import Check

__all__ = ["check_claims", "check_token_hash", "verify_token"]

_MAX_TOKEN = 64 * 1024
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 16384


def verify_token(
    token: str, ring: KeyRing, provider: OidcProvider, *, at: datetime
) -> tuple[dict[str, Any], str]:
    """Return the claims of a token whose signature is good, and its algorithm.

    Raises:
        LoginAnswerError: malformed, an algorithm that is not on the list, or a bad signature.
        UnsupportedError: joserfc is not installed.
    """
    header = _header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in provider.algorithms:
        raise faults.answer(
            "login.token-algorithm",
            f"the token is signed by {faults.shown(algorithm, 20)!r}; accepted are "
            f"{', '.join(sorted(provider.algorithms))}",
        )
    for forbidden in ("crit", "b64", "zip"):
        if forbidden in header:
            raise faults.answer("login.token-header", f"the token's header has {forbidden}")
    key_id = header.get("kid")
    if key_id is not None and not isinstance(key_id, str):
        raise faults.answer("login.token-header", "the key id is no text")
    # jku, x5u, jwk and x5c are not looked at: a token does not bring its own key.
    row = ring.find(key_id, algorithm, at=at)
    _verify(token, row, algorithm)
    return _object(token.split(".")[1], "payload"), algorithm


def _verify(token: str, row: Mapping[str, Any], algorithm: str) -> None:
    try:
        from joserfc import jwk, jws
        from joserfc.errors import JoseError
    except ImportError:
        raise UnsupportedError(
            "OpenID Connect needs joserfc",
            code="login.joserfc",
            hint="install esign-kit[eid]",
        ) from None
    if row["kty"] == "RSA" and not _MIN_RSA_BITS <= _bits(row.get("n", "")) <= _MAX_RSA_BITS:
        raise faults.answer("login.token-key", "the provider's RSA key has an unacceptable size")
    try:
        key = jwk.import_key(dict(row))
        jws.deserialize_compact(token.encode("ascii"), key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError, KeyError, UnicodeError) as error:
        # Without its cause: what the other library raises may hold parts of the token.
        raise faults.answer(
            "login.token-signature", f"the token's signature is not good ({type(error).__name__})"
        ) from None


def _bits(number: str) -> int:
    return len(_decode(number)) * 8


def _header(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(token) > _MAX_TOKEN or not token.isascii():
        raise faults.answer("login.token-malformed", "the token is too long or no text")
    if len(parts) == 5:
        raise faults.answer("login.token-encrypted", "the token is encrypted; that is not read")
    if len(parts) != 3:
        raise faults.answer("login.token-malformed", "this is no signed token")
    return _object(parts[0], "header")


def _object(part: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(_decode(part), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise faults.answer("login.token-malformed", f"the token's {what} is no JSON") from None
    if not isinstance(found, dict):
        raise faults.answer("login.token-malformed", f"the token's {what} is no object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def check_claims(
    claims: Mapping[str, Any],
    provider: OidcProvider,
    *,
    client_id: str,
    nonce: str,
    begun: datetime,
    at: datetime,
) -> tuple[Check, ...]:
    """Check what a token says.

    Args:
        nonce: of this login.
        begun: when this login began; a token from before belongs to another one.

    Raises:
        LoginAnswerError: the first that does not hold.
    """
    if provider.issuer is not None and claims.get("iss") != provider.issuer:
        raise faults.answer("login.token-issuer", f"issued by {faults.shown(claims.get('iss'))!r}")
    if "aud" in claims or provider.require_audience:
        _check_audience(claims, client_id)
    _check_times(claims, provider, begun, at)
    stated = claims.get("nonce")
    if stated is None and provider.require_nonce:
        raise faults.answer("login.token-nonce", "the token has no nonce")
    if stated is not None and not (
        isinstance(stated, str) and compare_digest(stated.encode(), nonce.encode())
    ):
        raise faults.answer("login.token-nonce", "the token has the nonce of another login")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise faults.answer("login.token-subject", "the token names no subject")
    told = "compared" if stated is not None else "not in the token; allowed for this provider"
    return (
        passed("token-issuer", provider.issuer or "no issuer stated; known by its keys"),
        passed("token-audience", client_id),
        passed("token-times", "in time"),
        passed("token-nonce", told),
    )


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    stated = claims.get("aud")
    audience = stated if isinstance(stated, list) else [stated]
    if client_id not in audience or not all(isinstance(item, str) for item in audience):
        raise faults.answer("login.token-audience", "the token is for another client")
    party = claims.get("azp")
    if len(audience) > 1 and party is None:
        raise faults.answer("login.token-audience", "several audiences, and no authorised party")
    if party is not None and party != client_id:
        raise faults.answer("login.token-audience", "the token was given to another client")


def _check_times(
    claims: Mapping[str, Any], provider: OidcProvider, begun: datetime, at: datetime
) -> None:
    skew = provider.skew
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expires is None or issued is None:
        raise faults.answer("login.token-times", "the token lacks exp or iat")
    if at >= expires + skew:
        raise faults.answer("login.token-expired", f"the token expired at {expires.isoformat()}")
    if issued > at + skew:
        raise faults.answer("login.token-times", f"issued in the future: {issued.isoformat()}")
    if issued < begun - skew:
        raise faults.answer("login.token-times", "the token is older than this login")
    before = _time(claims, "nbf")
    if before is not None and at < before - skew:
        raise faults.answer("login.token-times", "the token does not hold yet")
    if provider.max_age is not None:
        moment = _time(claims, "auth_time")
        if moment is None or at - moment > provider.max_age + skew:
            raise faults.answer("login.token-age", "the login at the provider is too old")


def _time(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise faults.answer("login.token-times", f"{name} is no time")
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
    except OverflowError:
        raise faults.answer("login.token-times", f"{name} is no time") from None


def check_token_hash(
    claims: Mapping[str, Any], name: str, value: str, algorithm: str, *, required: bool
) -> None:
    """Check ``at_hash`` or ``c_hash``: the left half of the value's hash (Core § 3.1.3.6).

    Raises:
        LoginAnswerError: it is another's, or absent where it is required.
    """
    stated = claims.get(name)
    if stated is None:
        if required:
            raise faults.answer("login.token-hash", f"the token has no {name}")
        return
    size = "512" if algorithm == "EdDSA" else algorithm[2:]
    digest = new_hash(f"sha{size}", value.encode("ascii", "replace")).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(stated, str) or not compare_digest(stated.encode(), expected):
        raise faults.answer("login.token-hash", f"{name} is of another value")
