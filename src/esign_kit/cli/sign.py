"""``esign sign``: put a signature on a file."""

from __future__ import annotations

import os

import click

from esign_kit.cli.keyring import KeyPlace, is_elsewhere, open_elsewhere, without_scheme
from esign_kit.cli.options import atomic_write, read_password
from esign_kit.errors import KeyStoreError

_SUFFIX = {"cades": ".p7s", "xades": ".xml", "raw": ".sig"}


@click.command("sign")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--key",
    required=True,
    type=KeyPlace(),
    metavar="KEY",
    help="Key file (PKCS#12, or PEM/DER with --key-certificate), pkcs11: URI, or csc:URL[#KEY].",
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
@click.option("--output", "-o", metavar="OUT", help="Default: beside FILE.")
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
    """Sign FILE with a key that may sign; the password is asked for, never an argument."""
    import esign_kit as ek

    packaging = packaging or ("enveloped" if format_ == "xades" else "detached")
    target = output or _beside(file, format_, packaging)
    options = {"algorithm": algorithm} if algorithm else {}
    with _open(key, key_certificate, password_file) as store:
        chosen = store.find(purpose=ek.Purpose.SIGNING, serial=_serial(serial) if serial else None)
        signed = ek.sign(
            ek.Document.from_path(file, media_type=media_type),
            chosen,
            format=format_,
            packaging=packaging,
            level=level,
            profile=profile,
            existing=ek.Document.from_path(add_to) if add_to else None,
            **options,
        )
        signer = chosen.certificate_der
    atomic_write(target, signed)
    from esign_kit.asn1.certificate import Certificate

    click.echo(f"{target}: signed by {Certificate.load(signer).label}", err=True)
    return 0


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
    with open(without_scheme(key), "rb") as stream:
        data = stream.read(16 * 1024 * 1024)
    if certificate is not None or data.lstrip()[:5] == b"-----":
        try:
            return ek.KeyFile.open(data, certificate=certificate, password=None)
        except KeyStoreError as error:
            if error.code not in ("keys.wrong-password", "keys.password-needed"):
                raise
        return ek.KeyFile.open(data, certificate=certificate, password=read_password(password_file))
    return ek.Pkcs12.open(data, password=read_password(password_file))


def _beside(file: str, format_: str, packaging: str) -> str:
    if format_ == "xades":
        stem, _ = os.path.splitext(file)
        return f"{stem}.signed.xml"
    if format_ == "cades" and packaging in ("attached", "enveloping"):
        return file + ".p7m"
    return file + _SUFFIX[format_]
