"""``esign keys``: what is in a key file, valid until when, for what, with which algorithms."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from esign_kit.cli import exits
from esign_kit.cli.keyring import is_elsewhere, open_elsewhere, without_scheme
from esign_kit.cli.options import read_password
from esign_kit.errors import EsignError

if TYPE_CHECKING:
    from esign_kit.keys.store import FileStore, KeyEntry

__all__ = ["command"]

_PURPOSES = {
    "SIGNING": "for signing",
    "AUTHENTICATION": "for logging in, not for signing",
    "TIMESTAMPING": "for time-stamps",
    "OCSP_SIGNING": "for answers about revocation",
    "CRL_SIGNING": "for issuing certificates",
    "ENCRYPTION": "for encryption, not for signing",
    "ANY": "its certificate restricts nothing",
}


@click.command("keys")
@click.argument("files", metavar="KEY...", nargs=-1, required=True)
@click.option(
    "--password-file", metavar="FILE", help="First line is the password or PIN; - for stdin."
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="The certificate that belongs to a bare PEM or DER key.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    files: tuple[str, ...], password_file: str | None, certificate: str | None, as_json: bool
) -> int:
    """Say which keys there are: whose, for what, until when, with which algorithms.

    KEY is a key file, a token as PKCS#11 URI (pkcs11:token=…?module-path=…), or a remote signing
    service (csc:https://service.example/csc/v2). A password is asked for only where one is needed.
    """
    from esign_kit.keys.opening import look

    password = cache(lambda: read_password(password_file))
    rows: list[dict[str, Any]] = []
    outcome = exits.PASSED
    for name in files:
        try:
            with (
                open_elsewhere(name, password_file)
                if is_elsewhere(name)
                else look(without_scheme(name), password=password, certificate=certificate)
            ) as store:
                rows.append({"file": name, **_describe(store)})
        except EsignError as error:
            outcome = exits.UNAVAILABLE
            problem = {"code": error.code, "detail": error.detail, "hint": error.hint}
            rows.append({"file": name, "error": problem})
    if as_json:
        click.echo(json.dumps({"files": rows}, ensure_ascii=False, indent=2))
    else:
        _print(rows)
    return outcome


def _describe(store: FileStore) -> dict[str, Any]:
    return {
        "keys": [_key(entry) for entry in store.entries],
        "certificates": [
            {
                "subject": found.subject_text,
                "serial": f"{found.serial:x}",
                "not_after": found.not_after_time.isoformat(),
            }
            for found in store.certificates
        ],
    }


def _key(entry: KeyEntry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "usable": entry.key is not None,
        "name": entry.name,
        "key_algorithm": entry.algorithm,
        "purpose": str(entry.purpose) if entry.purpose is not None else None,
        "problem": entry.problem or None,
        "code": entry.code or None,
    }
    if entry.certificate is not None:
        found = entry.certificate
        row |= {
            "label": found.label,
            "subject": found.subject_text,
            "issuer": found.issuer_text,
            "serial": f"{found.serial:x}",
            "not_before": found.not_before_time.isoformat(),
            "not_after": found.not_after_time.isoformat(),
        }
    if entry.key is not None:
        row["algorithms"] = [algorithm.name for algorithm in entry.key.algorithms]
        row["chain"] = len(entry.key.chain_der)
    return row


def _print(rows: list[dict[str, Any]]) -> None:
    from esign_kit.asn1.names import printable

    now = datetime.now(UTC).isoformat()
    for row in rows:
        if "error" in row:
            click.echo(f"{row['file']}: {row['error']['detail']}", err=True)
            if row["error"]["hint"]:
                click.echo(f"  {row['error']['hint']}", err=True)
            continue
        found = row["keys"]
        click.echo(f"{row['file']}: {len(found)} key{'' if len(found) == 1 else 's'}")
        if not found:
            click.echo(f"  no private key, {len(row['certificates'])} certificates")
        for key in found:
            click.echo(f"  {printable(key.get('label') or key['name'] or 'a key')}")
            for label, value in _lines(key, now):
                click.echo(f"      {label:<11} {value}")


def _lines(key: dict[str, Any], now: str) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    if key["purpose"]:
        lines.append(("purpose", _PURPOSES[key["purpose"]]))
    if "subject" in key:
        note = ""
        if key["not_after"] < now:
            note = "   EXPIRED"
        elif key["not_before"] > now:
            note = "   NOT YET VALID"
        lines += [
            ("subject", key["subject"]),
            ("issuer", key["issuer"]),
            ("valid", f"{key['not_before'][:10]} to {key['not_after'][:10]}{note}"),
            ("serial", key["serial"]),
        ]
    if key["usable"]:
        lines.append(("algorithms", _short(key["algorithms"])))
    else:
        lines.append(("unusable", key["problem"]))
    return lines


def _short(names: list[str]) -> str:
    """The first algorithms; what no policy accepts any more is left to ``--json``."""
    current = [name for name in names if not name.endswith(("MD5", "SHA1", "SHA224", "SHA3-224"))]
    shown = ", ".join(current[:4])
    return f"{shown} and {len(current) - 4} more" if len(current) > 4 else shown
