"""``esign bundle``: keep a verdict with all that it rests on, and ask again in twenty years."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from esign_kit.asn1.names import printable
from esign_kit.cli import exits
from esign_kit.cli.files import deliver, document, file_argument
from esign_kit.cli.options import detached_option, trust_from, validation_options

if TYPE_CHECKING:
    from esign_kit.cli.options import Asked


@click.group("bundle")
def command() -> None:
    """Evidence bundles: one file from which the verdict is computed again, offline."""


@command.command("make")
@file_argument
@detached_option
@click.option(
    "--attach",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    metavar="PATH",
    help="Keep this with the proof: a login statement, a scanned form.",
)
@click.option(
    "--output", "-o", metavar="OUT", help="Default: FILE.bundle.zip; - is standard output."
)
@validation_options
def make(
    file: str, detached: tuple[str, ...], attach: tuple[str, ...], output: str | None, asked: Asked
) -> int:
    """Judge FILE and keep the verdict with everything that it rests on.

    The exit code is that of the verdict; a refusal is kept as well.
    """
    import os

    import esign_kit as ek
    from esign_kit.bundle import Attachment, make as make_bundle, verify

    target = output or (file if file == "-" else file + ".bundle.zip")
    if target == "-" and asked.as_json:
        raise click.UsageError("standard output cannot be both the bundle and --json: name -o OUT")
    data = make_bundle(
        document(file),
        **asked.for_file(detached),
        attachments=[
            Attachment("attachment", os.path.basename(path), ek.Document.from_path(path).octets())
            for path in attach
        ],
    )
    deliver(target, data)
    answer = verify(data)
    if asked.as_json:
        from esign_kit.cli.render import echo_json

        echo_json(answer.to_dict())
    else:
        words = f"{answer.report.indication}  kept in {printable(target)}, {len(data)} octets"
        if exits.for_indication(answer.report.indication) != exits.PASSED:
            from esign_kit.cli.render import reason

            words += f"\n       {reason(answer.report)}"
        click.echo(words, err=target == "-")
    return exits.for_indication(answer.report.indication)


@command.command("verify")
@file_argument
@click.option(
    "--trust",
    multiple=True,
    type=click.Path(exists=True),
    metavar="PATH",
    help="Anchors that you vouch for; a bundle brings its own, and a forged one forged ones.",
)
@click.option("--profile", metavar="NAME", help="Vouch for the anchors of a country.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify_(file: str, trust: tuple[str, ...], profile: str | None, as_json: bool) -> int:
    """Compute the verdict of a bundle again, offline, and compare.

    Exit code 0 only if the verdict passed, came out again as it was kept, and you vouch for the
    anchors; 1 if it does not come out again or failed; 3 otherwise.
    """
    import esign_kit as ek
    from esign_kit.bundle import verify

    store = trust_from(trust)
    if profile is not None:
        anchors = ek.profile(profile).trust
        store = anchors if store is None else store | anchors
    answer = verify(document(file), trust=store)
    code = exits.for_indication(answer.report.indication)
    if not answer.identical:
        code = exits.FAILED
    elif code == exits.PASSED and not answer.anchors_vouched:
        code = exits.INDETERMINATE
    if as_json:
        from esign_kit.cli.render import echo_json

        echo_json(answer.to_dict())
        return code
    word = {exits.PASSED: "VALID", exits.FAILED: "NOT VALID"}.get(code, "NOT PROVEN")
    click.echo(
        f"{word}  {printable(file)}: {answer.report.indication} as of {answer.made_at:%Y-%m-%d}"
    )
    click.echo(
        "       the same report and the same principals come out again"
        if answer.identical
        else "       " + "; ".join(answer.differences)
    )
    for anchor in answer.anchors:
        click.echo(f"       anchor   {anchor}")
    if answer.anchors_vouched is None:
        click.echo("       you vouched for no anchors: say --trust or --profile")
    elif not answer.anchors_vouched:
        click.echo("       an anchor of the bundle is not one that you vouched for")
    from esign_kit.cli.render import who

    for item in answer.report.signatures:
        click.echo(f"       {item.indication}  {who(item, None)}")
    for kept in answer.attachments:
        click.echo(f"       kept     {kept.kind}: {printable(kept.name)}, {len(kept.data)} octets")
    return code


verify_.name = "verify"
