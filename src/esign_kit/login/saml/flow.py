"""The flow: send the browser with a request, take the posted answer, believe what was signed."""

from __future__ import annotations

from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING

from esign_kit.login import faults
from esign_kit.login.pending import LIFETIME, aware, begin, parameter, resume, seal
from esign_kit.login.result import Login, Redirect, conclude, passed
from esign_kit.login.saml.assertion import check_assertion, read_subject
from esign_kit.login.saml.request import build_request, post_fields, redirect_query
from esign_kit.login.saml.response import signed_assertion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from esign_kit.login.once import OnceStore
    from esign_kit.login.saml.parties import SamlIdentityProvider, SamlServiceProvider
    from esign_kit.model.assurance import Assurance
    from esign_kit.model.identifier import Identifier
    from esign_kit.model.levels import Level
    from esign_kit.profiles.data import Profile

__all__ = ["SamlLogin"]


class SamlLogin:
    """Login through one SAML identity provider.

    The answer is posted from the provider's page: the session's cookie must be ``SameSite=None``
    (and ``Secure``), or it does not come along and the login ends with ``login.state-missing``.

    Args:
        provider: see :class:`SamlIdentityProvider`.
        portal: see :class:`SamlServiceProvider`.
        profile: whose identity and assurance rules hold.
        once: remembers which logins were finished and which assertions were seen.
        lifetime: how long the person may take.
    """

    protocol = "saml"

    def __init__(
        self,
        provider: SamlIdentityProvider,
        portal: SamlServiceProvider,
        *,
        profile: Profile,
        once: OnceStore,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        self._provider = provider
        self._portal = portal
        self._profile = profile
        self._once = once
        self._lifetime = lifetime

    def begin(
        self, *, session_secret: bytes, at: datetime, expected: Identifier | None = None
    ) -> Redirect:
        """Return where the browser goes; with the form binding there are fields to post.

        Args:
            session_secret: of this browser's session, 16 octets or more.
            expected: who has to come back (a step-up in a running session).
        """
        provider = self._provider
        identifier = f"_{token_hex(20)}"
        pending = begin(
            self.protocol,
            provider.entity_id,
            at=at,
            lifetime=self._lifetime,
            extra={"request": identifier, "expected": expected.urn() if expected else ""},
        )
        request = build_request(identifier, provider, self._portal, at=aware(at))
        sealed = seal(pending, session_secret)
        if provider.binding == "post":
            fields = post_fields(request, identifier, pending.state, self._portal)
            return Redirect(provider.sso_url, sealed, fields)
        query = redirect_query(request, pending.state, self._portal)
        sign = "&" if "?" in provider.sso_url else "?"
        return Redirect(f"{provider.sso_url}{sign}{query}", sealed)

    def finish(
        self,
        form: Mapping[str, str | Sequence[str]],
        pending: str | None,
        *,
        session_secret: bytes,
        at: datetime,
        minimum: Level | Assurance | None = None,
    ) -> Login:
        """Check the answer and return who came.

        Args:
            form: the posted fields.
            pending: what ``begin`` gave to this session.
            minimum: what is demanded at least.

        Raises:
            LoginError: see the tree in ``esign_kit.errors``.
            AssuranceError: less than ``minimum``.
        """
        moment = aware(at)
        begun = resume(
            pending,
            session_secret,
            form,
            "RelayState",
            protocol=self.protocol,
            provider=self._provider.entity_id,
            once=self._once,
            at=moment,
        )
        request_id = begun.extra["request"]
        assertion, octets = signed_assertion(
            parameter(form, "SAMLResponse"),
            self._provider,
            acs_url=self._portal.acs_url,
            request_id=request_id,
            key=self._portal.decryption_key,
        )
        statement = check_assertion(
            assertion,
            self._provider,
            audience=self._portal.entity_id,
            recipient=self._portal.acs_url,
            request_id=request_id,
            at=moment,
        )
        name = f"{self._provider.entity_id} {statement.id}"
        key = f"saml-assertion:{sha256(name.encode()).hexdigest()}"
        until = statement.expires + self._provider.skew
        if not self._once.use(key, until=until, at=moment):
            raise faults.answer("login.saml-replay", "this assertion was used before")
        return conclude(
            read_subject(statement, self._provider, at=moment),
            self._profile,
            at=moment,
            evidence=octets,
            checks=(
                passed("state", "begun in this browser, used once"),
                passed("saml-signature", "one element, by its Id; nothing else was read"),
                *statement.checks,
            ),
            minimum=minimum,
            expected=begun.extra["expected"] or None,
            claims={name: list(values) for name, values in statement.attributes.items()},
        )
