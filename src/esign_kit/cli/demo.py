"""``esign demo``: a country's story, told step by step, with its refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from esign_kit.cli import exits
from esign_kit.testing.stories import STORIES, tell

if TYPE_CHECKING:
    from esign_kit.testing.stories import Sentence


@click.command("demo")
@click.argument("country", type=click.Choice(list(STORIES)))
def command(country: str) -> int:
    """Tell how a portal lets somebody in, has them sign, and decides for whom they may act.

    Everything is a fixture: the people, the authorities, the login systems. Nothing is fetched and
    nothing is written. The exit code is 0 only if every step and every refusal came out as told.
    """
    click.echo(click.style(STORIES[country], bold=True))
    told = tell(country, _say)
    steps = sum(item.kind == "step" for item in told.sentences)
    wrong = sum(not item.holds for item in told.sentences)
    click.echo(f"\n{steps} steps, {len(told.refusals)} refusals, {wrong} not as told")
    click.echo(f"docs/stories/{country}.md has the lines to copy")
    return exits.PASSED if told.holds else exits.FAILED


def _say(sentence: Sentence) -> None:
    if sentence.kind == "scene":
        click.echo("\n" + click.style("▸ " + sentence.text, bold=True))
        return
    if not sentence.holds:
        mark, colour = "NOT AS TOLD:", "red"
    elif sentence.kind == "refusal":
        mark, colour = "✗ refused:", "yellow"
    else:
        mark, colour = "✓", "green"
    click.echo(f"  {click.style(mark, fg=colour)} {sentence.text}")
    for detail in sentence.details:
        click.echo(click.style(f"      {detail}", dim=True))
