"""``esign sign``: put a signature on a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from esign_kit.asn1.names import printable
from esign_kit.cli.files import deliver, document, file_argument
from esign_kit.cli.keyring import KeyPlace, is_elsewhere, open_elsewhere, without_scheme
from esign_kit.cli.options import read_password
from esign_kit.errors import UnsupportedError

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate

_SUFFIX = {"cades": ".p7s", "xades": ".xml", "raw": ".sig"}


@click.command("sign")
@file_argument
@click.option(
    "--key",
    required=True,
    type=KeyPlace(),
    metavar="KEY",
    help="Key file (PKCS#12, Java key store, PEM; a bare key with --key-certificate), "
    "pkcs11: URI, or csc:URL[#KEY].",
)
@click.option(
    "--key-certificate",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="The certificate that belongs to a bare PEM or DER key.",
)
@click.option(
    "--password-file", metavar="FILE", help="First line is the password or PIN; - for stdin."
)
@click.option("--serial", metavar="HEX", help="Choose the key by its certificate's serial number.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["cades", "xades", "raw"]),
    default="cades",
    show_default=True,
)
@click.option(
    "--packaging",
    type=click.Choice(["attached", "detached", "enveloped", "enveloping", "internally-detached"]),
    help="Where the signed data are (default: detached for cades and raw, enveloped for xades).",
)
@click.option("--level", type=click.Choice(["B"]), default="B", show_default=True)
@click.option("--algorithm", metavar="NAME", help="For example RSA-PSS-SHA256.")
@click.option("--profile", metavar="NAME", help="Conventions of a country.")
@click.option(
    "--add-to",
    type=click.Path(exists=True, dir_okay=False),
    metavar="SIGNED",
    help="Add the signature to this signed file instead of making a new one.",
)
@click.option("--media-type", metavar="TYPE", help="Of the document, for example text/xml.")
@click.option("--output", "-o", metavar="OUT", help="Default: beside FILE; - is standard output.")
def command(
    file: str,
    key: str,
    key_certificate: str | None,
    password_file: str | None,
    serial: str | None,
    format_: str,
    packaging: str | None,
    level: str,
    algorithm: str | None,
    profile: str | None,
    add_to: str | None,
    media_type: str | None,
    output: str | None,
) -> int:
    """Sign FILE with a key that may sign; the password is asked for, never an argument.

    FILE may be - for standard input; the signature goes to standard output then.
    """
    import esign_kit as ek

    packaging = packaging or ("enveloped" if format_ == "xades" else "detached")
    target = output or (file if file == "-" else _beside(file, format_, packaging))
    _refuse_nonsense(file, key, target, format_, packaging, algorithm)
    if file == "-" == password_file:
        raise click.UsageError("standard input cannot be both the document and the password")
    options = {"algorithm": algorithm} if algorithm else {}
    with _open(key, key_certificate, password_file) as store:
        chosen = store.find(purpose=ek.Purpose.SIGNING, serial=_serial(serial) if serial else None)
        signed = ek.sign(
            document(file, media_type),
            chosen,
            format=format_,
            packaging=packaging,
            level=level,
            profile=profile,
            existing=ek.Document.from_path(add_to) if add_to else None,
            **options,
        )
        signer = chosen.certificate_der
    deliver(target, signed)
    from esign_kit.asn1.certificate import Certificate

    view = Certificate.load(signer)
    click.echo(f"{printable(target)}: signed by {view.label}", err=True)
    for doubt in _doubts(view, algorithm, len(signed)):
        click.echo(f"  but {doubt}", err=True)
    return 0


def _refuse_nonsense(
    file: str, key: str, target: str, format_: str, packaging: str, algorithm: str | None
) -> None:
    """Refuse what can be seen to be a mistake before a key is asked for its password."""
    if format_ == "raw" and packaging != "detached":
        raise click.UsageError("a raw signature is always detached")
    if algorithm is not None:
        from esign_kit.algorithms import signature_algorithm

        try:
            signature_algorithm(algorithm)
        except UnsupportedError as error:
            raise click.BadParameter(error.detail, param_hint="--algorithm") from None
    kept = {"the key": without_scheme(key)}
    if packaging == "detached":  # else the document is inside what replaces it
        kept["the document"] = file
    for what, path in kept.items():
        there = target != "-" and os.path.isfile(target) and os.path.isfile(path)
        if there and os.path.samefile(target, path):
            raise click.UsageError(f"-o {target} would overwrite {what}")


def _doubts(view: Certificate, algorithm: str | None, size: int) -> list[str]:
    """Say now what `esign verify` will say about this signature anyway."""
    from datetime import UTC, datetime

    from esign_kit.algorithms import signature_algorithm
    from esign_kit.model.limits import Limits
    from esign_kit.trust.policy import AlgorithmPolicy

    now = datetime.now(UTC)
    found = []
    if now > view.not_after_time:
        found.append(f"the certificate expired on {view.not_after_time:%Y-%m-%d}")
    if now < view.not_before_time:
        found.append(f"the certificate is not valid before {view.not_before_time:%Y-%m-%d}")
    digest = signature_algorithm(algorithm).digest if algorithm else None
    if digest is not None and (problem := AlgorithmPolicy().digest_problem(digest, now)):
        found.append(problem)
    if size > Limits().signature_size:
        found.append(
            f"it has {size} octets and verifiers read {Limits().signature_size}: sign detached"
        )
    return found


def _serial(text: str) -> int:
    try:
        return int(text.replace(":", ""), 16)
    except ValueError:
        raise click.BadParameter("a serial number is hexadecimal") from None


def _open(key: str, certificate: str | None, password_file: str | None):  # type: ignore[no-untyped-def]
    """Open the key file, token or service; what it needs is asked for only where it needs it."""
    import esign_kit as ek

    if is_elsewhere(key):
        given: tuple[bytes, ...] = ()
        if certificate is not None:
            from esign_kit.trust.store import as_certificates

            given = tuple(item.der for item in as_certificates(certificate))
        return open_elsewhere(key, password_file, given)
    from esign_kit.keys.opening import kind_of, open_keys

    with open(without_scheme(key), "rb") as stream:
        data = stream.read(16 * 1024 * 1024)
    if kind_of(data) == "pkcs12":
        # It has a password as good as always: trying it without costs as much as opening it.
        return ek.Pkcs12.open(data, password=read_password(password_file))
    return open_keys(data, certificate=certificate, password=lambda: read_password(password_file))


def _beside(file: str, format_: str, packaging: str) -> str:
    if format_ == "xades":
        stem, _ = os.path.splitext(file)
        return f"{stem}.signed.xml"
    if format_ == "cades" and packaging in ("attached", "enveloping"):
        return file + ".p7m"
    return file + _SUFFIX[format_]
