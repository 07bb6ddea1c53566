"""Reports for people: the verdict and the names first, then what was checked.

Every string that comes from a file or a certificate goes through :func:`printable`; colours are
used only on a terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.names import printable
from esign_kit.errors import EsignError
from esign_kit.model.report import CheckStatus, Indication

if TYPE_CHECKING:
    from esign_kit.model.report import Check, SignatureReport, VerificationReport
    from esign_kit.profiles import Profile

__all__ = ["echo_json", "reason", "render_report", "who"]

_VERDICT = {
    Indication.TOTAL_PASSED: ("VALID", "green"),
    Indication.TOTAL_FAILED: ("NOT VALID", "red"),
    Indication.INDETERMINATE: ("NOT PROVEN", "yellow"),
}
_MARK = {
    CheckStatus.PASSED: ("✓", "green"),
    CheckStatus.FAILED: ("✗", "red"),
    CheckStatus.INDETERMINATE: ("?", "yellow"),
    CheckStatus.NOT_RUN: ("·", "bright_black"),
}


_SPOKEN = (
    ("detached=[document]", "--detached DOC"),
    ("detached=[…]", "--detached DOC"),
    ("evidence=[…]", "--evidence PATH"),
    ("guard=…", "--allow HOST"),
    ("coverage=CoverageRule.ANY", "--accept-parts"),
    ("at=…", "--at TIME"),
    ("certificates=[signer]", "--certificate PATH"),
    ("certificates=[…]", "--certificate PATH"),
    ("trust=…", "--trust PATH"),
    ("profile=…", "--profile NAME"),
    ("give a fetcher", "say --online"),
)


def spoken(hint: str) -> str:
    """Return a hint of the library in the words of the command."""
    for argument, option in _SPOKEN:
        hint = hint.replace(argument, option)
    return hint


def echo_json(data: object) -> None:
    """Print plain data to standard output and nothing else."""
    import json
    import sys

    text = json.dumps(data, ensure_ascii=False, indent=2)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        # A stream of another script, or a file name that is no text: JSON has escapes of its own.
        text = json.dumps(data, indent=2)
    click.echo(text)


def render_report(
    report: VerificationReport, name: str, profile: Profile | None = None, *, verbose: bool = False
) -> None:
    """Print a report: one line that a clerk understands, then the checks for an auditor."""
    word, colour = _VERDICT[report.indication]
    count = len(report.signatures)
    signers = "; ".join(dict.fromkeys(who(item, profile) for item in report.signatures))
    first = click.style(word, fg=colour, bold=True) + f"  {printable(name)}"
    if signers:
        first += f", {'signed by' if report.indication is _PASSED else 'signature of'} {signers}"
    click.echo(first)
    if report.indication is not _PASSED:
        click.echo(f"       {reason(report)}")
    click.echo(f"       judged as of {report.at:%Y-%m-%d %H:%M:%S} UTC, policy {report.policy_id}")
    for note in report.notes:
        click.echo(f"       note: {printable(note)}")
    for number, item in enumerate(report.signatures, 1):
        click.echo("")
        _signature(
            item, f"Signature {number} of {count}" if count > 1 else "Signature", profile, ""
        )


_PASSED = Indication.TOTAL_PASSED


def reason(report: VerificationReport) -> str:
    """Return why a report did not pass, and what would help, in one line."""
    count = len(report.signatures)
    for number, item in enumerate(report.signatures, 1):
        if item.indication is report.indication:
            check = _deciding(item)
            if check is not None:
                which = f"signature {number} of {count}: " if count > 1 else ""
                hint = f" – {spoken(check.hint)}" if check.hint else ""
                return printable(f"{which}{check.detail}{hint}")
    return str(report.sub_indication or "")


def _deciding(item: SignatureReport) -> Check | None:
    """The check that gave the verdict its reason."""
    bad = [
        check
        for check in item.checks
        if check.status in (CheckStatus.FAILED, CheckStatus.INDETERMINATE)
    ]
    same = [check for check in bad if check.sub_indication == item.sub_indication]
    # Of several with the same reason, the one that says what to do.
    return next((check for check in same if check.hint), None) or next(iter(same or bad), None)


def who(item: SignatureReport, profile: Profile | None) -> str:
    """Return the signer's name for people, with the organisation where the certificate has one."""
    certificate = item.signing_certificate_der or (item.chain_der[0] if item.chain_der else None)
    if certificate is None:
        return "an unknown signer"
    view = Certificate.load(certificate)
    if profile is not None:
        from esign_kit.eid.identity import describe

        try:
            subject = describe(view, profile)
        except EsignError:
            return view.label
        return printable(str(subject))
    return view.label


def _signature(item: SignatureReport, title: str, profile: Profile | None, indent: str) -> None:
    _, colour = _VERDICT[item.indication]
    why = f" ({item.sub_indication})" if item.sub_indication else ""
    click.echo(
        f"{indent}{title}: {click.style(str(item.indication), fg=colour)}{why}"
        f"  {item.level}, {item.algorithm or 'unknown algorithm'}"
    )
    click.echo(f"{indent}  signer   {who(item, profile)}")
    if item.chain_der and len(item.chain_der) > 1:
        click.echo(f"{indent}  issuer   {Certificate.load(item.chain_der[1]).label}")
    if item.signing_time is not None:
        click.echo(f"{indent}  claimed  {item.signing_time:%Y-%m-%d %H:%M:%S} UTC")
    if item.best_signature_time < item.at:
        click.echo(f"{indent}  proven   {item.best_signature_time:%Y-%m-%d %H:%M:%S} UTC")
    for scope in item.signed:
        size = f", {len(scope.octets)} octets" if scope.octets is not None else ""
        click.echo(
            f"{indent}  covers   {printable(scope.name) or 'the content'} ({scope.coverage}{size})"
        )
    for check in item.checks:
        mark, colour = _MARK[check.status]
        line = f"{indent}  {click.style(mark, fg=colour)} {check.name:<20}"
        if check.status is CheckStatus.NOT_RUN:
            line += click.style(f"not run: {printable(check.detail)}", fg="bright_black")
        else:
            sub = f"{check.sub_indication}: " if check.sub_indication else ""
            line += f"{sub}{printable(check.detail)}"
        click.echo(line)
        if check.hint and check.status is not CheckStatus.PASSED:
            click.echo(f"{indent}      → {printable(spoken(check.hint))}")
    for note in item.notes:
        click.echo(f"{indent}  note: {printable(note)}")
    for fault in item.structure_faults or ():
        click.echo(f"{indent}  against the schema: {printable(fault)}")
    for number, counter in enumerate(item.counter_signatures, 1):
        _signature(counter, f"Counter-signature {number}", profile, indent + "    ")
