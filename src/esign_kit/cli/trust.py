"""``esign trust``: what is trusted, until when, and why a certificate is or is not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from esign_kit.asn1.names import printable
from esign_kit.cli import exits
from esign_kit.cli.files import atomic_write
from esign_kit.cli.online import fetcher as online_fetcher, online_options
from esign_kit.cli.options import (
    LIST_SOURCE,
    TIME,
    country_from,
    lists_say,
    trust_from,
    validation_options,
)
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit import trustlist
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.cli.options import Asked
    from esign_kit.model.report import CertificateReport, PathAttempt
    from esign_kit.trust.store import TrustAnchor, TrustStore

__all__ = ["command"]


@click.group("trust")
def command() -> None:
    """Look after trust stores; say why a certificate is trusted, or not."""


def _store(paths: tuple[str, ...], profile: str | None) -> TrustStore:
    country = country_from(profile, None)
    store = trust_from(paths)
    if country is None and store is None:
        raise click.UsageError("name a store: PATH… or --profile NAME")
    if country is None:
        return store  # type: ignore[return-value]
    return country.trust if store is None else country.trust | store  # type: ignore[no-any-return]


def _certificates(file: str) -> tuple[Certificate, ...]:
    """Read the certificates of a file; what is wrong with it is said with its name."""
    from esign_kit.trust.files import read_certificates

    try:
        return read_certificates(Path(file).read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except InputError as error:
        raise InputError(f"{file}: {error.detail}", code=error.code, hint=error.hint) from error


# ── show and check ────────────────────────────────────────────────────────────────────────────


@command.command("show")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True))
@click.option("--profile", metavar="NAME", help="Anchors of a country; kz:test for its test CAs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(paths: tuple[str, ...], profile: str | None, as_json: bool) -> int:
    """List anchors: who, valid until when, for what; of a country also what is not supported."""
    store = _store(paths, profile)
    country = country_from(profile, None)
    rows = _rows(store, datetime.now(UTC), timedelta(days=30))
    if as_json:
        found = {"anchors": rows, "intermediates": [_facts(c) for c in store.intermediates]}
        if country is not None:
            found |= {
                "unsupported": list(country.unsupported),
                "overrides": list(country.overrides),
            }
        _echo_json(found)
        return exits.PASSED
    for row in rows:
        _print_anchor(row)
    if store.intermediates:
        click.echo(f"helpers, which are not trusted themselves: {len(store.intermediates)}")
    if not rows:
        click.echo("no anchors: nothing is trusted")
    if country is not None:
        click.echo(country.data.get("anchors_hint", ""))
        for line in country.unsupported:
            click.echo(f"not supported: {line}")
    return exits.PASSED


@command.command("check")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True))
@click.option("--profile", metavar="NAME", help="Anchors of a country.")
@click.option(
    "--days",
    type=click.IntRange(0, 36_500),
    default=30,
    show_default=True,
    help="Warn so long before the end.",
)
@click.option("--at", type=TIME, metavar="TIME", help="Look as of this time, not now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    paths: tuple[str, ...], profile: str | None, days: int, at: datetime | None, as_json: bool
) -> int:
    """Say which anchors are past their end, will be soon, or cannot be used.

    Ends with 0 if none is, 3 if one soon will be, 1 if one no longer serves. An anchor that was
    given an end of its own, as a country's former authorities are, is kept for the past.
    """
    rows = _rows(_store(paths, profile), at or datetime.now(UTC), timedelta(days=days))
    states = {row["state"] for row in rows}
    if as_json:
        _echo_json({"anchors": rows})
    else:
        for row in rows:
            if row["state"] not in ("good", "past"):
                _print_anchor(row)
        good = sum(row["state"] == "good" for row in rows)
        past = sum(row["state"] == "past" for row in rows)
        told = f"; {past} are kept for the past" if past else ""
        click.echo(f"{good} of {len(rows)} anchors are good for {days} days and more{told}")
    if states & {"expired", "not-yet", "unsupported"} or states == {"past"}:
        return exits.FAILED
    return exits.INDETERMINATE if "ends-soon" in states or not rows else exits.PASSED


def _rows(store: TrustStore, at: datetime, ahead: timedelta) -> list[dict[str, Any]]:
    return [_row(anchor, at, ahead) for anchor in store.anchors]


def _row(anchor: TrustAnchor, at: datetime, ahead: timedelta) -> dict[str, Any]:
    certificate = anchor.certificate
    row = _facts(certificate)
    until = min(filter(None, (certificate.not_after_time, anchor.until)))
    since = max(filter(None, (certificate.not_before_time, anchor.since)))
    unsupported = _unsupported(certificate)
    if unsupported:
        state = "unsupported"
    elif anchor.until is not None and at > anchor.until:
        state = "past"
    elif at > until:
        state = "expired"
    elif at < since:
        state = "not-yet"
    else:
        state = "ends-soon" if ahead > until - at else "good"
    return row | {
        "authority": _may_issue(certificate),
        "since": since.isoformat(),
        "until": until.isoformat(),
        "purposes": sorted(str(purpose) for purpose in anchor.purposes),
        "note": anchor.note,
        "state": state,
        "unsupported": unsupported or None,
    }


def _may_issue(certificate: Certificate) -> bool:
    """Tell whether it can be an issuer; those of version 1 say nothing about it."""
    try:
        constraints = certificate.basic_constraints
    except InputError:
        return True
    return constraints.ca if constraints is not None else certificate.self_issued


def _facts(certificate: Certificate) -> dict[str, Any]:
    return {
        "label": certificate.label,
        "subject": certificate.subject_text,
        "issuer": certificate.issuer_text,
        "serial": f"{certificate.serial:x}",
        "not_before": certificate.not_before_time.isoformat(),
        "not_after": certificate.not_after_time.isoformat(),
        "sha256": sha256(certificate.der).hexdigest(),
    }


def _unsupported(certificate: Certificate) -> str:
    from esign_kit.crypto import load_public_key

    try:
        load_public_key(certificate.spki)
    except InputError as error:
        return error.detail
    return ""


_WORDS = {
    "good": ("✓", "green", ""),
    "ends-soon": ("!", "yellow", "ends soon"),
    "past": ("·", "bright_black", "for the past only"),
    "expired": ("✗", "red", "is past its end"),
    "not-yet": ("✗", "red", "is not valid yet"),
    "unsupported": ("✗", "red", "cannot be used"),
}


def _print_anchor(row: dict[str, Any]) -> None:
    mark, colour, word = _WORDS[row["state"]]
    line = f"{click.style(mark, fg=colour)} {row['label']}"
    click.echo(f"{line}  {row['since'][:10]} … {row['until'][:10]}" + (f"  {word}" if word else ""))
    click.echo(f"    {row['subject']}")
    purposes = [] if row["purposes"] == ["ANY"] else row["purposes"]
    details = [f"sha256 {row['sha256'][:16]}…"]
    details += [f"for {', '.join(purposes)} only"] if purposes else []
    details += [printable(row["unsupported"])] if row["unsupported"] else []
    details += [] if row["authority"] else ["no authority: it vouches for itself alone"]
    details += [printable(row["note"])] if row["note"] else []
    click.echo(f"    {'; '.join(details)}")


# ── add and refresh ───────────────────────────────────────────────────────────────────────────


@command.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--to", "folder", required=True, type=click.Path(), help="The folder of anchors.")
@click.option("--intermediate", is_flag=True, help="As a helper that is not trusted itself.")
@click.option("--sha256", "fingerprint", metavar="HEX", help="Add it only if it has this digest.")
def add(file: str, folder: str, intermediate: bool, fingerprint: str | None) -> int:
    """Put the certificates of FILE into a folder that serves as a trust store.

    Compare the digest that is printed with one that the authority published elsewhere.
    """
    wanted = re.sub(r"[\s:]", "", fingerprint or "").lower()
    if fingerprint is not None and not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise click.UsageError("--sha256 takes the 64 hexadecimal digits of a SHA-256 digest")
    found = tuple(dict.fromkeys(_certificates(file)))
    place = Path(folder, "intermediates") if intermediate else Path(folder)
    if wanted:
        found = tuple(c for c in found if sha256(c.der).hexdigest() == wanted)
        if not found:
            raise InputError(
                f"no certificate in {file} has the digest {wanted}", code="trust.fingerprint"
            )
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {place}: {error.strerror}", code="output.write") from error
    present = {path.read_bytes() for path in place.glob("*.cer")}
    for certificate in found:
        digest = sha256(certificate.der).hexdigest()
        said = f"{certificate.label}, sha256 {digest}"
        if certificate.der in present:
            click.echo(f"already there: {said}")
            continue
        slug = re.sub(r"[^\w]+", "-", certificate.label.lower()).strip("-")[:40] or "certificate"
        atomic_write(str(place / f"{slug}-{digest[:8]}.cer"), certificate.der)
        click.echo(f"{'added as helper' if intermediate else 'trusted from now on'}: {said}")
        if not intermediate and not certificate.self_issued:
            click.echo("  it is not self-issued: what is above it is not asked any more")
    return exits.PASSED


@command.command("refresh")
@click.argument("url", required=False)
@click.option(
    "--signer",
    "signers",
    multiple=True,
    type=click.Path(exists=True),
    metavar="PATH",
    help="Certificate that may sign the list; pinned by you.",
)
@click.option("--folder", required=True, type=click.Path(), help="Where lists are kept.")
@click.option("--territory", "territories", multiple=True, metavar="CC", help="Only these.")
@click.option("--announcement", default="", metavar="URL", help="Where the signers are published.")
@click.option("--offline", is_flag=True, help="Only read what was kept; fetch nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@online_options
def refresh(
    url: str | None,
    signers: tuple[str, ...],
    folder: str,
    territories: tuple[str, ...],
    announcement: str,
    offline: bool,
    as_json: bool,
) -> int:
    """Fetch the trusted list (or list of lists) at URL and keep what is good.

    A list that cannot be had or does not verify changes nothing: the last good one stays in use.
    The folder is a trust store from then on, --trust FOLDER, and is refreshed without URL.

    Ends with 0 if every list is good, 3 if something is wrong with one and others serve, 5 if none
    does.
    """
    from esign_kit import trustlist

    if url is None:
        if signers or territories or announcement:
            raise click.UsageError("--signer, --territory and --announcement go with URL")
        source = _kept_source(folder)
    elif not signers:
        raise click.UsageError("pin the certificates that may sign the list: --signer PATH")
    else:
        source = trustlist.ListSource(
            url,
            signers,
            territories=frozenset(name.upper() for name in territories),
            announcement=announcement,
        )
    now = datetime.now(UTC)
    if offline:
        report = trustlist.load(source, folder, at=now)
    else:
        report = trustlist.refresh(source, online_fetcher(), folder, at=now)
        if len(report.trust):
            _keep_source(source, folder)
    if as_json:
        _echo_json(report.to_dict())
    else:
        for state in report.lists:
            mark = click.style("✗", fg="red") if state.reason else click.style("✓", fg="green")
            head = f"{mark} {state.territory or '--'}  {state.action}  {state.anchors} anchors"
            click.echo(f"{head}  {printable(state.url)}".rstrip())
            if state.reason:
                click.echo(f"    {printable(state.reason)}")
        click.echo(f"{len(report.trust)} anchors")
    if report.complete:
        return exits.PASSED
    return exits.INDETERMINATE if len(report.trust) else exits.UNAVAILABLE


def _kept_source(folder: str) -> trustlist.ListSource:
    """Read where trust began the last time; raises ``click.UsageError`` if it never did."""
    from esign_kit.trustlist import ListSource

    place = Path(folder, LIST_SOURCE)
    try:
        return ListSource.from_json(place.read_bytes())
    except FileNotFoundError:
        raise click.UsageError("name the address of the list, and --signer PATH") from None
    except OSError as error:
        raise InputError(f"cannot read {place}: {error.strerror}") from error
    except InputError as error:
        raise InputError(f"{place}: {error.detail}", code=error.code) from error


def _keep_source(source: trustlist.ListSource, folder: str) -> None:
    """Leave in the folder where trust begins, so that it serves as a store by itself."""
    place, data = Path(folder, LIST_SOURCE), source.to_json()
    try:
        if not place.exists() or place.read_bytes() != data:
            atomic_write(str(place), data)
    except (InputError, OSError) as error:
        click.echo(f"esign: the folder cannot serve as a trust store yet: {error}", err=True)


# ── why ───────────────────────────────────────────────────────────────────────────────────────


@command.command("why")
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False))
@validation_options
def why(certificate: str, asked: Asked) -> int:
    """Draw the paths that were tried for CERTIFICATE, and name what is missing.

    Of a file with several certificates it is the one that issued none of the others.
    """
    import esign_kit as ek

    found = _certificates(certificate)
    issuers = {one.issuer_text for one in found if not one.self_issued}
    ends = [one for one in found if one.subject_text not in issuers] or list(found)
    target = ends[0]
    others = [one for one in found if one is not target]
    if len(ends) > 1:
        click.echo(f"esign: of {len(ends)} certificates, {target.label} is asked about", err=True)
    report = ek.validate_certificate(target, **asked.for_certificate(others))
    if asked.as_json:
        _echo_json(report.to_dict())
    else:
        _draw(report)
        for line in lists_say(report, asked.anchors, report.at):
            click.echo(f"listed: {printable(str(line))}")
    return exits.for_indication(report.indication)


_VERDICTS = {"TOTAL_PASSED": "TRUSTED", "TOTAL_FAILED": "NOT TRUSTED"}


def _draw(report: CertificateReport) -> None:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.cli.render import spoken

    target = Certificate.load(report.certificate_der)
    word = _VERDICTS.get(str(report.indication), "NOT PROVEN")
    click.echo(f"{click.style(word, bold=True)}  {printable(target.subject_text)}")
    click.echo(f"       judged as of {report.at:%Y-%m-%d %H:%M:%S} UTC, policy {report.policy_id}")
    click.echo("")
    click.echo(target.label)
    _branches(list(report.attempts), 1, "")
    missing = [check for check in report.checks if str(check.status) in ("FAILED", "INDETERMINATE")]
    if missing:
        click.echo("")
    for item in missing:
        click.echo(f"{item.name}: {printable(item.detail)}")
        if item.hint:
            click.echo(f"  → {printable(spoken(item.hint))}")
        if item.name == "certificate-chain":
            for place in _places(report):
                click.echo(f"  → it should be at {place}; --online asks there")


def _places(report: CertificateReport) -> list[str]:
    """Where certificates say that a missing issuer is; nobody vouches for it."""
    from esign_kit.asn1.certificate import Certificate

    found: dict[str, None] = {}
    for attempt in report.attempts:
        if attempt.code == "chain.incomplete":
            try:
                urls = Certificate.load(attempt.certificates[-1]).issuer_urls
            except InputError:
                continue
            found.update(dict.fromkeys(urls[:3]))
    return [printable(url[:200]) for url in found][:3]


def _branches(attempts: list[PathAttempt], depth: int, indent: str) -> None:
    """Draw the attempts that share their first ``depth`` certificates, one branch for each next."""
    groups: dict[bytes, list[PathAttempt]] = {}
    for attempt in attempts:
        if len(attempt.certificates) > depth:
            groups.setdefault(attempt.certificates[depth], []).append(attempt)
        else:
            _verdict(attempt, indent)
    for number, found in enumerate(groups.values()):
        last = number == len(groups) - 1
        name = printable(found[0].subjects[depth])
        click.echo(f"{indent}{'└─' if last else '├─'} {name}{_dates(found[0].certificates[depth])}")
        _branches(found, depth + 1, indent + ("   " if last else "│  "))


def _verdict(attempt: PathAttempt, indent: str) -> None:
    if attempt.code:
        mark = click.style("✗", fg="red")
        click.echo(f"{indent}{mark} {printable(attempt.detail)}  [{attempt.code}]")
    else:
        click.echo(f"{indent}{click.style('✓', fg='green')} trust anchor: this path holds")


def _dates(der: bytes) -> str:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.asn1.times import shown

    view = Certificate.load(der)
    return f"  ({shown(view.not_before)[:10]} … {shown(view.not_after)[:10]})"


def _echo_json(data: dict[str, Any] | Iterable[Any]) -> None:
    from esign_kit.cli.render import echo_json

    echo_json(data)
