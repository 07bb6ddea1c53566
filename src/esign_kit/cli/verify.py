"""``esign verify``: is this good, and who stands behind it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from esign_kit.cli import exits
from esign_kit.cli.online import fetcher as online_fetcher
from esign_kit.cli.options import (
    country_from,
    policy_from,
    read_paths,
    trust_from,
    validation_options,
)

if TYPE_CHECKING:
    from datetime import datetime


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--detached",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    metavar="DOC",
    help="The signed document, where it is not in FILE; may be given several times.",
)
@validation_options
def command(
    file: str,
    detached: tuple[str, ...],
    trust: tuple[str, ...],
    certificates: tuple[str, ...],
    evidence: tuple[str, ...],
    profile: str | None,
    online: bool,
    at: datetime | None,
    as_json: bool,
    revocation: str | None,
) -> int:
    """Check the signatures of FILE.

    Exit codes: 0 passed, 1 failed, 3 not proven, 4 no signature or unreadable.
    """
    import esign_kit as ek
    from esign_kit.cli.render import echo_json, progress, render_report

    country = country_from(profile, trust)
    fetcher = None
    if online:
        progress("asking the certification authorities …")
        fetcher = online_fetcher()
    report = ek.verify(
        ek.Document.from_path(file),
        detached=[ek.Document.from_path(path) for path in detached],
        profile=country,
        trust=trust_from(trust),
        certificates=certificates,
        evidence=read_paths(evidence),
        policy=policy_from(profile, revocation),
        fetcher=fetcher,
        at=at,
    )
    if as_json:
        echo_json(report.to_dict())
    else:
        render_report(report, file, country)
    return exits.for_indication(report.indication)
