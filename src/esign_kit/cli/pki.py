"""``esign pki``: a fixture country in a folder, for tests and for trying things out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from esign_kit.cli.options import TIME, read_password
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.folder import CountryFolder

__all__ = ["command"]

_PORT = 8099
_KINDS = ("person", "employee", "organisation", "system")
_folder = click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
_at = click.option("--at", type=TIME, metavar="TIME", help="When it happens (default: now).")


def _now() -> datetime:
    return datetime.now(UTC)


def _open(folder: str) -> CountryFolder:
    from esign_kit.testing.folder import CountryFolder

    return CountryFolder(folder)


@click.group("pki")
def command() -> None:
    """Make a country for tests: authorities, people, organisations.

    Its keys follow from public rules and are worth nothing: never trust its root anywhere else.
    """


@command.command("new")
@_folder
@click.option("--country", default="xx", show_default=True, help="xx, eidas, kz, …")
@click.option("--key", "key_kind", metavar="KIND", help="ec, rsa, p384, ed25519, …")
@click.option(
    "--base-url",
    metavar="URL",
    default=f"http://127.0.0.1:{_PORT}",
    show_default=True,
    help="Where certificates say that OCSP, CRLs and time-stamps are; `serve` answers there.",
)
@click.option("--seed", default="", help="Another seed, other keys under the same names.")
@_at
def new(
    folder: str,
    country: str,
    key_kind: str | None,
    base_url: str,
    seed: str,
    at: datetime | None,
) -> int:
    """Make a country in DIR: its root, its issuing authority, a trust folder, CRLs."""
    from esign_kit.testing.folder import CountryFolder

    made = CountryFolder.new(
        folder, country=country, at=at or _now(), key=key_kind, base_url=base_url, seed=seed
    )
    click.echo(f"{made.pki.country.title}: {made.pki.root.certificate.label}", err=True)
    click.echo(f"trust it with   --trust {os.path.join(folder, 'trust')}", err=True)
    click.echo(f"evidence        --evidence {os.path.join(folder, 'crl')}", err=True)
    click.echo(f"somebody to sign: esign pki issue {folder}", err=True)
    return 0


@command.command("issue")
@_folder
@click.option("--kind", type=click.Choice(_KINDS), help="Default: what the other options suggest.")
@click.option("--person", metavar="ID", help="National identifier of the person.")
@click.option(
    "--organisation", "--organization", "organisation", metavar="ID", help="Of the organisation."
)
@click.option("--role", metavar="ROLE", help="What an employee may do: head, sign, employee, …")
@click.option("--system", metavar="NAME", help="Name of an information system.")
@click.option("--surname")
@click.option("--given-name")
@click.option("--organisation-name")
@click.option(
    "--purpose",
    type=click.Choice(["signing", "authentication"]),
    default="signing",
    show_default=True,
)
@click.option("--valid-from", type=TIME, metavar="TIME")
@click.option("--valid-until", type=TIME, metavar="TIME")
@click.option("--output", "-o", metavar="FILE", help="PKCS#12 to write (default: in DIR).")
@click.option("--password-file", metavar="FILE", help="First line is the new password.")
@_at
def issue(
    folder: str,
    kind: str | None,
    purpose: str,
    valid_from: datetime | None,
    valid_until: datetime | None,
    output: str | None,
    password_file: str | None,
    at: datetime | None,
    **details: str | None,
) -> int:
    """Give somebody a key and a certificate, as a PKCS#12 file.

    The password comes from --password-file or ESIGN_PASSWORD, or is asked for.
    """
    password = read_password(password_file, prompt="Password for the new key file")
    country = _open(folder)
    chosen = kind or _suggested(details)
    for name, value in (("valid_from", valid_from), ("valid_until", valid_until)):
        details[name] = value.isoformat() if value is not None else None
    details["purpose"] = purpose.upper()
    holder = country.issue(chosen, details, at or _now())
    target = output or os.path.join(folder, f"{chosen}-{holder.serial:x}"[:48] + ".p12")
    try:
        holder.export_p12(target, password)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}", code="pki.write") from error
    click.echo(_line(holder), err=True)
    click.echo(target)
    return 0


def _suggested(details: dict[str, str | None]) -> str:
    if details["system"]:
        return "system"
    if details["role"] or (details["person"] and details["organisation"]):
        return "employee"
    return "organisation" if details["organisation"] or details["organisation_name"] else "person"


@command.command("revoke")
@_folder
@click.argument("who", metavar="SERIAL|CERTIFICATE|KEYFILE")
@click.option(
    "--reason",
    default="keyCompromise",
    show_default=True,
    help="As in RFC 5280; certificateHold suspends, removeFromCRL ends that.",
)
@click.option("--password-file", metavar="FILE", help="First line is the password of a key file.")
@_at
def revoke(
    folder: str, who: str, reason: str, password_file: str | None, at: datetime | None
) -> int:
    """Revoke a certificate and write fresh CRLs."""
    from esign_kit.testing.der import REASONS

    if reason not in REASONS:
        raise click.BadParameter("there are " + ", ".join(REASONS), param_hint="--reason")
    holder = _open(folder).revoke(_serial(who, password_file), reason, at or _now())
    click.echo(f"revoked: {_line(holder)}", err=True)
    return 0


def _serial(who: str, password_file: str | None) -> int:
    if os.path.isfile(who):
        from esign_kit.asn1.certificate import load_certificates
        from esign_kit.keys.opening import kind_of

        with open(who, "rb") as stream:
            data = stream.read(1024 * 1024)
        if kind_of(data) == "pkcs12":
            from esign_kit.keys.pkcs12 import Pkcs12

            with Pkcs12.open(data, password=read_password(password_file)) as store:
                return store.find().view.serial
        return load_certificates(data)[0].serial
    try:
        return int(who.replace(":", ""), 16)
    except ValueError:
        raise click.BadParameter(
            "neither a file nor a serial number in hexadecimal", param_hint="SERIAL"
        ) from None


@command.command("list")
@_folder
def list_(folder: str) -> int:
    """List who has a certificate."""
    country = _open(folder)
    now = _now()
    for holder in country.holders:
        state = country.pki.state(holder.issuer, holder.serial, now)
        note = f"  revoked {state[0]:%Y-%m-%d} {state[1] or ''}" if state is not None else ""
        click.echo(f"{holder.serial:x}  {_line(holder)}{note}")
    return 0


@command.command("crl")
@_folder
@_at
def crl(folder: str, at: datetime | None) -> int:
    """Write fresh CRLs into DIR/crl."""
    _open(folder).publish(at or _now())
    click.echo(os.path.join(folder, "crl"))
    return 0


@command.command("serve")
@_folder
@click.option("--port", type=click.IntRange(0, 65535), help="Default: as the certificates say.")
def serve(folder: str, port: int | None) -> int:
    """Answer OCSP, CRL, issuer and time-stamp requests on this machine until interrupted."""
    import signal
    from urllib.parse import urlsplit

    from esign_kit.testing.folder import LiveCountry
    from esign_kit.testing.http import LoopbackServer

    country = LiveCountry(folder, _now)
    base = country.folder.pki.base_url
    wanted = port if port is not None else urlsplit(base).port or _PORT
    try:
        server = LoopbackServer(country, port=wanted)
    except OSError as error:
        raise InputError(f"cannot listen on port {wanted}: {error.strerror}") from error
    click.echo(f"answering at {server.url}", err=True)
    if server.url != base:
        click.echo(f"note: the certificates name {base}", err=True)
    # Who runs it in the background ends it with SIGTERM; a shell may have it ignore SIGINT there.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    return 0


def _line(holder: Entity) -> str:
    certificate = holder.certificate
    return f"{holder.kind}: {certificate.subject_text}, until {certificate.not_after_time:%Y-%m-%d}"
