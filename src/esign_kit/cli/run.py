"""The command group: verbs are loaded when called, errors become words and an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from esign_kit.cli import VERBS, exits
from esign_kit.errors import EsignError

__all__ = ["main"]


class _Verbs(click.Group):
    """A group whose commands live in ``esign_kit.cli.<verb>`` and are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"esign_kit.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Help must not import every verb.
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="esign-kit", prog_name="esign")
def group() -> None:
    """Sign files, check signatures, and say who stands behind them.

    Nothing is fetched unless --online is given, and nothing is trusted unless you say what.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with one of the codes of ``esign_kit.cli.exits``."""
    try:
        outcome: Any = group.main(arguments, prog_name="esign", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("esign: cancelled", err=True)
        sys.exit(exits.UNAVAILABLE)
    except click.ClickException as error:
        error.show()
        sys.exit(exits.USAGE)
    except EsignError as error:
        from esign_kit.asn1.names import printable

        # Words of an error may quote a file; nothing in them may steer a terminal.
        click.echo(f"esign: {printable(error.detail)}", err=True)
        if error.hint:
            from esign_kit.cli.render import spoken

            click.echo(f"       {printable(spoken(error.hint))}", err=True)
        sys.exit(exits.for_error(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(exits.UNAVAILABLE)
    except Exception as error:
        # A defect of ours. It must not look like a verdict: Python's own exit code would be 1.
        click.echo(
            f"esign: internal error ({type(error).__name__}); please report it. "
            "Nothing was decided. ESIGN_DEBUG=1 shows where.",
            err=True,
        )
        if os.environ.get("ESIGN_DEBUG"):
            raise
        sys.exit(exits.INTERNAL)
    sys.exit(outcome if isinstance(outcome, int) else exits.PASSED)
