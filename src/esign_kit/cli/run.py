"""The command group: verbs are loaded when called, errors become words and an exit code."""

from __future__ import annotations

import contextlib
import errno
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
    _forgive_encodings()
    try:
        outcome: Any = group.main(arguments, prog_name="esign", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("esign: cancelled", err=True)
        sys.exit(exits.INTERRUPTED)
    except SystemExit as stop:
        # Only click ends so, where nobody reads its output any more; and with us 1 is a verdict.
        sys.exit(exits.UNAVAILABLE if stop.code == 1 else stop.code)
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
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NOT_WRITTEN:
            _say(f"esign: the output cannot be written: {error.strerror}")
            _let_go(sys.stdout)
            sys.exit(exits.UNAVAILABLE)
        # A defect of ours. It must not look like a verdict: Python's own exit code would be 1.
        _say(
            f"esign: internal error ({type(error).__name__}); please report it. "
            "Nothing was decided. ESIGN_DEBUG=1 shows where."
        )
        if os.environ.get("ESIGN_DEBUG"):
            raise
        sys.exit(exits.INTERNAL)
    sys.exit(outcome if isinstance(outcome, int) else exits.PASSED)


_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _forgive_encodings() -> None:
    """Names are in every script, terminals and pipes not: what cannot be shown is spelled out."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    try:
        click.echo(text, err=True)
    except OSError:
        _let_go(sys.stderr)


def _let_go(stream: Any) -> None:
    """Drop what could not be written, or Python's own exit code would come of it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
