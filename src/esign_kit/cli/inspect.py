"""``esign inspect``: what is in this file, without judgement."""

from __future__ import annotations

from typing import Any

import click

from esign_kit.asn1.names import printable
from esign_kit.cli.files import document, file_argument


@click.command("inspect")
@file_argument
@click.option("--json", "as_json", is_flag=True, help="Print the structure as JSON.")
def command(file: str, as_json: bool) -> int:
    """Show signers, certificates, attributes and time-stamps of FILE; nothing is judged."""
    import esign_kit as ek
    from esign_kit.cli.render import echo_json

    structure = ek.inspect(document(file))
    if as_json:
        echo_json(structure)
        return 0
    click.echo(f"{printable(file)}: {structure['format']}, nothing here is checked")
    for finding in structure["findings"]:
        click.echo(f"  remark: {printable(finding['detail'])}")
    for item in structure["signatures"]:
        _signature(item, "  ")
    return 0


def _signature(item: dict[str, Any], indent: str) -> None:
    click.echo(
        f"{indent}{printable(item['id'])}  {item['level']}, "
        f"{item['algorithm'] or printable(item['algorithm_label'])}, {item['packaging']}"
    )
    inner = indent + "  "
    if item["claimed_signing_time"]:
        click.echo(f"{inner}claimed signing time  {item['claimed_signing_time']}")
    for certificate in item["certificates"]:
        if "error" in certificate:
            click.echo(f"{inner}certificate  unreadable: {certificate['error']}")
            continue
        click.echo(f"{inner}certificate  {certificate['subject']}")
        click.echo(f"{inner}             issued by {certificate['issuer']}")
        click.echo(
            f"{inner}             {certificate['not_before'][:10]} to "
            f"{certificate['not_after'][:10]}, serial {certificate['serial']}"
        )
    for reference in item["references"]:
        label = reference["uri"] if reference["uri"] is not None else reference["id"]
        click.echo(
            f"{inner}covers       {printable(label) or '(whole document)'}, "
            f"{reference['kind'].lower()}, {reference['digest_algorithm']}"
        )
    for name, value in item["signed_attributes"].items():
        click.echo(f"{inner}signed       {printable(name)} = {printable(str(value))[:200]}")
    for stamp in item["timestamps"]:
        click.echo(f"{inner}time-stamp   {stamp['kind'].lower()}, {stamp['size']} octets")
    if item["crls"] or item["ocsp_responses"]:
        click.echo(
            f"{inner}evidence     {item['crls']} CRLs, {item['ocsp_responses']} OCSP answers"
        )
    for finding in item["findings"]:
        click.echo(f"{inner}remark       {printable(finding['detail'])}")
    for counter in item["counter_signatures"]:
        click.echo(f"{inner}countersigned by")
        _signature(counter, inner + "  ")
