"""How a verb reaches the network, for those that were told to."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.model.evidence import Fetcher

__all__ = ["fetcher", "online_options", "require_offline"]

_META = "esign_kit.online"
_HOST = re.compile(r"(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?")
_SQLITE = b"SQLite format 3\0"


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Put a setting where :func:`fetcher` finds it; the verb's own function need not know."""
    context.meta.setdefault(_META, {})[parameter.name] = value


def online_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how the network is reached."""
    for option in (
        click.option(
            "--cache",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            expose_value=False,
            callback=_keep,
            help="Remember verified answers in this file until the next ones are due.",
        ),
        click.option(
            "--proxy",
            metavar="URL",
            expose_value=False,
            callback=_keep,
            help="http://host:port; the word 'environment' takes it from there.",
        ),
        click.option(
            "--allow",
            multiple=True,
            metavar="HOST|NETWORK",
            expose_value=False,
            callback=_keep,
            help="May be reached although it is not public: a host (*.example for all below), "
            "or a network such as 10.1.0.0/16.",
        ),
        click.option(
            "--only-allowed",
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Reach nothing but what --allow names: for closed networks.",
        ),
    ):
        function = option(function)
    return function


def require_offline() -> None:
    """Refuse settings of a network that is not asked; raises ``click.UsageError``."""
    settings = click.get_current_context().meta.get(_META, {})
    for name, value in settings.items():
        if value:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --online")


def fetcher() -> Fetcher:
    """Return the fetcher that the options of the running verb describe."""
    from esign_kit.net import CachingFetcher, Guard, HttpFetcher, SqliteCache

    settings = click.get_current_context().meta.get(_META, {})
    hosts: list[str] = []
    networks: list[str] = []
    for item in settings.get("allow") or ():
        if _is_network(item):
            networks.append(item)
        elif _HOST.fullmatch(item):
            hosts.append(item)
        else:
            raise click.UsageError(f"--allow {item}: neither a host nor a network like 10.1.0.0/16")
    only = bool(settings.get("only_allowed"))
    guard = Guard.of(hosts=hosts, networks=networks, only_listed=only)
    proxy = settings.get("proxy")
    if proxy is not None and proxy != "environment" and not proxy.startswith("http://"):
        raise click.UsageError("--proxy is http://host:port, or the word environment")
    # A verb is one job: a host that does not answer once is not asked again in it.
    found = HttpFetcher(guard=guard, proxy=proxy, pause=60.0)
    cache = settings.get("cache")
    if cache:
        _require_cache(cache)
    return CachingFetcher(found, SqliteCache(cache)) if cache else found


def _require_cache(path: str) -> None:
    """Refuse a file that is something else, before it is opened for writing."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(len(_SQLITE))
    except FileNotFoundError:
        return
    except OSError as error:
        raise click.UsageError(f"--cache {path}: {error.strerror}") from error
    if head and head != _SQLITE:
        raise click.UsageError(f"--cache {path}: this file is no cache; name another one")


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
