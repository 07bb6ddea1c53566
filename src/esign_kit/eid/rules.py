"""The check named ``profile``: does this signing certificate fit the country's rules?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.errors import IdentityError, InputError
from esign_kit.model.report import Check, CheckStatus, SubIndication

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.signature import ParsedSignature
    from esign_kit.profiles.data import Profile

__all__ = ["check_profile"]


def check_profile(
    profile: Profile, certificate: Any, parsed: ParsedSignature | None, at: datetime
) -> Check:
    """Check a signing certificate against the rules of a profile.

    It fails for a key that the country gives out for something else than signing, and for a
    subject that does not tell clearly who is meant. What is only recalled never fails.
    """
    from esign_kit.trust.store import as_certificates

    view = as_certificates(certificate)[0]
    # What is found hangs on nothing else, so it is remembered.
    found: Check = profile.remembered(("check", view.der), lambda: _check(profile, view))
    return found


def _check(profile: Profile, certificate: Certificate) -> Check:
    from esign_kit.eid.identity import describe

    try:
        subject = describe(certificate, profile)
    except (IdentityError, InputError) as error:
        return _failed(error.detail, error.code, error.hint, profile)
    facts = {
        "profile": profile.name,
        "environment": profile.environment,
        "kind": str(subject.kind),
        "purposes": sorted(subject.purposes),
        "roles": [role.name or role.oid for role in subject.roles],
        "notes": list(subject.notes),
        "overrides": list(profile.overrides),
    }
    if profile.purposes and "SIGNING" not in subject.purposes:
        used = ", ".join(sorted(subject.purposes)).lower() or "nothing that the profile knows"
        return Check(
            "profile",
            CheckStatus.FAILED,
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            detail=f"the key is given out for {used}, not for signing",
            hint="ask for a signature with the signing key of the same person",
            code="profile.key-purpose",
            facts=facts,
        )
    detail = f"{profile.title}: {str(subject.kind).lower()}"
    if subject.notes:
        detail += " (" + "; ".join(subject.notes) + ")"
    return Check("profile", CheckStatus.PASSED, detail=detail, facts=facts)


def _failed(detail: str, code: str, hint: str, profile: Profile) -> Check:
    return Check(
        "profile",
        CheckStatus.FAILED,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
        detail=f"the certificate does not say clearly who signed: {detail}",
        hint=hint,
        code=code,
        facts={"profile": profile.name, "environment": profile.environment},
    )
