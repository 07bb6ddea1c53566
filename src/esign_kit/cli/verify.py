"""``esign verify``: is this good, and who stands behind it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from esign_kit.cli import exits
from esign_kit.cli.files import document, file_argument
from esign_kit.cli.options import detached_option, validation_options

if TYPE_CHECKING:
    from esign_kit.cli.options import Asked


@click.command("verify")
@file_argument
@detached_option
@validation_options
def command(file: str, detached: tuple[str, ...], asked: Asked) -> int:
    """Check the signatures of FILE; - is standard input.

    Exit codes: 0 passed, 1 failed, 3 not proven, 4 no signature or unreadable.
    """
    import esign_kit as ek
    from esign_kit.cli.render import echo_json, render_report

    report = ek.verify(document(file), **asked.for_file(detached))
    if asked.as_json:
        echo_json(report.to_dict())
    else:
        render_report(report, file, asked.profile)
    return exits.for_indication(report.indication)
