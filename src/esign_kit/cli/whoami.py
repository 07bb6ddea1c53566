"""``esign whoami``: the person, the organisation and the role behind a file or a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from esign_kit.asn1.names import printable
from esign_kit.cli import exits
from esign_kit.cli.files import document, file_argument
from esign_kit.cli.options import detached_option, lists_say, validation_options
from esign_kit.errors import EsignError, InputError

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.cli.options import Asked


@click.command("whoami")
@file_argument
@detached_option
@validation_options
def command(file: str, detached: tuple[str, ...], asked: Asked) -> int:
    """Name who signed FILE, or whom the certificate FILE names.

    What a certificate *says* is shown always; it counts only as far as the verdict beside it goes.
    """
    import esign_kit as ek

    given = document(file)
    certificate = _as_certificate(given.octets())
    if certificate is not None:
        answer = ek.validate_certificate(certificate, **asked.for_certificate())
        people = [_certificate(certificate, answer, asked)]
        code = exits.for_indication(answer.indication)
    else:
        report = ek.verify(given, **asked.for_file(detached))
        people = [_signature(item, asked) for item in report.signatures]
        code = exits.for_indication(report.indication)
    if asked.as_json:
        from esign_kit.cli.render import echo_json

        echo_json({"schema": "esign-kit/whoami/1", "signers": people})
    else:
        for person in people:
            _print(person)
    return code


def _as_certificate(data: bytes) -> Any:
    from esign_kit.asn1.certificate import load_certificates

    try:
        return load_certificates(data)[0]
    except InputError:
        return None


def _certificate(certificate: Any, report: Any, asked: Asked) -> dict[str, Any]:
    return {
        "indication": str(report.indication),
        "sub_indication": str(report.sub_indication) if report.sub_indication else None,
        "reason": _reason(report),
        **_claims(certificate, asked.profile),
        **_listed(report, asked, report.at),
    }


def _listed(report: Any, asked: Asked, at: datetime) -> dict[str, Any]:
    """What trusted lists say about the certificate; said, and no level is granted by it."""
    said = lists_say(report, asked.anchors, at)
    return {"listed": [item.to_dict() | {"text": str(item)} for item in said]} if said else {}


def _signature(report: Any, asked: Asked) -> dict[str, Any]:
    from esign_kit.asn1.certificate import Certificate

    der = report.signing_certificate_der or (report.chain_der[0] if report.chain_der else None)
    found: dict[str, Any] = {
        "signature": report.id,
        "indication": str(report.indication),
        "sub_indication": str(report.sub_indication) if report.sub_indication else None,
        "reason": _reason(report),
    }
    if der is None:
        return found
    profile = asked.profile
    if profile is not None and report.passed:
        import esign_kit as ek

        try:
            found["principal"] = ek.identify(report, profile=profile).to_dict()
        except EsignError as error:
            found["identity_error"] = error.detail
    return {
        **found,
        **_claims(Certificate.load(der), profile),
        **_listed(report, asked, report.best_signature_time),
    }


def _reason(report: Any) -> str:
    for check in report.checks:
        if check.sub_indication is not None and check.sub_indication == report.sub_indication:
            return str(check.detail)
    return ""


def _claims(certificate: Any, profile: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "subject": certificate.subject_text,
        "issuer": certificate.issuer_text,
        "valid": [certificate.not_before_time.isoformat(), certificate.not_after_time.isoformat()],
    }
    from esign_kit.eid.identity import describe

    # Without a profile the country in the subject decides how it is read; nothing is vouched for.
    try:
        subject = describe(certificate, profile)
    except EsignError as error:
        claims["identity_error"] = error.detail
    else:
        claims["claims"] = subject.to_dict()
        claims["name"] = str(subject)
    return claims


def _print(found: dict[str, Any]) -> None:
    verdict = {
        "TOTAL_PASSED": click.style("VALID", fg="green", bold=True),
        "TOTAL_FAILED": click.style("NOT VALID", fg="red", bold=True),
    }.get(found["indication"], click.style("NOT PROVEN", fg="yellow", bold=True))
    name = found.get("name") or found.get("subject") or "unknown signer"
    click.echo(f"{verdict}  {printable(name)}")
    if found["sub_indication"]:
        click.echo(f"       {found['sub_indication']}: {printable(found['reason'])}")
    if "identity_error" in found:
        click.echo(f"       identity: {printable(found['identity_error'])}")
    for label in ("subject", "issuer"):
        if label in found:
            click.echo(f"       {label:<8} {found[label]}")
    if "valid" in found:
        click.echo(f"       valid    {found['valid'][0][:10]} to {found['valid'][1][:10]}")
    for item in found.get("listed", ()):
        click.echo(f"       listed   {printable(item['text'])}")
    principal = found.get("principal")
    if principal:
        click.echo(f"       assured  {_assurance(principal.get('assurance') or {})}")


def _assurance(vector: dict[str, Any]) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in vector.items() if isinstance(value, str))
