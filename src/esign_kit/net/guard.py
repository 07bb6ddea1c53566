"""Where a fetcher may go: addresses come from certificates, and certificates from anybody.

A URL inside an uploaded file is an attempt to make this machine knock on doors of its own network.
So every address of a host is judged *before* a connection and the connection goes to the judged
address, not to the name, which could answer differently the second time.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from esign_kit.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Guard", "Target", "split_url"]

_MAX_URL = 2048
_MAX_ADDRESSES = 16
_PORTS = {"http": 80, "https": 443}

_REFUSED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::ffff:0:0/96", "an IPv4 address in IPv6 clothes"),
        ("::ffff:0:0:0/96", "an IPv4 address in IPv6 clothes"),
        ("::/96", "an IPv4 address in IPv6 clothes"),
        # Python 3.11 calls these global; behind a translator they lead to any IPv4 address.
        ("64:ff9b::/96", "an IPv4 address behind NAT64"),
        ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),
        ("2002::/16", "a 6to4 address"),
        ("2001::/32", "a Teredo address"),
        ("fec0::/10", "a site-local address"),
        ("100::/64", "a discard address"),
    )
)
_REFUSED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "an address of this network"),
        ("100.64.0.0/10", "an address behind a carrier's NAT"),
        ("192.0.0.0/24", "a special-purpose address"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_NUMERIC_HOST = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*\.?", re.ASCII)
_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_.])?", re.ASCII)

Resolver = "Callable[[str, int], Sequence[str]]"


class Target(NamedTuple):
    """A URL taken apart and found acceptable in form."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and, unless it is the usual one, port; as the Host field has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def split_url(url: str) -> Target:
    """Take a URL apart.

    Raises:
        EvidenceError: ``fetch.url`` if it is none or has a user in it, ``fetch.scheme`` if it is
            neither http nor https, ``fetch.host`` if the host is spelled to deceive.
    """
    if len(url) > _MAX_URL or any(_is_unwritable(ord(c)) for c in url):
        raise EvidenceError(f"not a usable address: {url[:80]!r}", code="fetch.url")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise EvidenceError(f"not a usable address: {url[:80]!r}", code="fetch.url") from error
    if parts.scheme not in _PORTS:
        raise EvidenceError(
            f"{parts.scheme or 'an address without scheme'}: only http and https are fetched",
            code="fetch.scheme",
        )
    if not host or parts.username is not None or parts.password is not None or port == 0:
        raise EvidenceError(f"not a usable address: {url[:80]!r}", code="fetch.url")
    path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*[]")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:=&~+!$,;'@()*[]?")
    return Target(parts.scheme, _host(host), port or _PORTS[parts.scheme], path)


def _is_unwritable(code: int) -> bool:
    """Control characters, and halves of pairs, which no encoding can write."""
    return code < 0x20 or code == 0x7F or 0xD800 <= code < 0xE000


def _host(host: str) -> str:
    if ":" in host:
        try:
            address = IPv6Address(host)
            if address.scope_id is not None:
                # A zone says which of this machine's own interfaces to use (RFC 6874).
                raise ValueError("a zone")
            return str(address)
        except ValueError as error:
            raise EvidenceError(f"no such host: {host[:80]!r}", code="fetch.host") from error
    try:
        name = host.encode("idna").decode("ascii").lower() if not host.isascii() else host.lower()
    except UnicodeError as error:
        raise EvidenceError(f"no such host: {host[:80]!r}", code="fetch.host") from error
    if _NUMERIC_HOST.fullmatch(name):
        # 2130706433, 0x7f.1 and 0177.0.0.1 all mean 127.0.0.1 to the resolver.
        try:
            return str(IPv4Address(name))
        except ValueError as error:
            raise EvidenceError(
                f"the host {host[:80]!r} is an address in disguise", code="fetch.host"
            ) from error
    if not _HOST_NAME.fullmatch(name) or ".." in name:
        raise EvidenceError(f"no such host: {host[:80]!r}", code="fetch.host")
    return name


@dataclass(frozen=True, slots=True)
class Guard:
    """Says which addresses may be connected to.

    Attributes:
        hosts: names that may lead anywhere, private addresses included (a responder inside a
            closed network), lower case; ``*.example`` stands for all names below.
        networks: networks whose addresses are allowed although they are private.
        only_listed: nothing but ``hosts`` and ``networks`` may be reached (closed networks).
        resolve: how names become addresses; the system's resolver unless given.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    only_listed: bool = False
    resolve: Callable[[str, int], Sequence[str]] | None = None

    @classmethod
    def of(
        cls,
        *,
        hosts: Iterable[str] = (),
        networks: Iterable[str] = (),
        only_listed: bool = False,
        resolve: Callable[[str, int], Sequence[str]] | None = None,
    ) -> Guard:
        """Make a guard from plain text; raises ``ValueError`` for a malformed network."""
        return cls(
            frozenset(host.lower().rstrip(".") for host in hosts),
            tuple(ip_network(network) for network in networks),
            only_listed,
            resolve,
        )

    def listed(self, host: str) -> bool:
        """Tell whether the host is on the allow-list by name."""
        name = host.rstrip(".")
        if name in self.hosts:
            return True
        return any(
            pattern.startswith("*.") and name.endswith(pattern[1:]) for pattern in self.hosts
        )

    def check_host(self, host: str) -> None:
        """Refuse a host that may not be asked, before it is resolved.

        Raises:
            EvidenceError: ``fetch.not-listed``, or ``fetch.address`` for a literal address.
        """
        try:
            literal = ip_address(host)
        except ValueError:
            # A name may still turn out to lie in a listed network.
            if self.only_listed and not self.networks and not self.listed(host):
                raise _not_listed(host) from None
            return
        self._check_address(host, literal)

    def check_proxied(self, host: str) -> None:
        """Refuse a host that may not be asked by way of a proxy, which resolves names itself.

        Raises:
            EvidenceError: as :meth:`check_host`; a name counts by itself here, for nobody sees in
                which network it lies.
        """
        self.check_host(host)
        if self.only_listed and not _is_literal(host) and not self.listed(host):
            raise _not_listed(host)

    def addresses(self, host: str, port: int, seconds: float) -> tuple[str, ...]:
        """Return the addresses to connect to; every one of the host's has been found acceptable.

        Raises:
            EvidenceError: ``fetch.dns`` if there is none, ``fetch.timeout``, ``fetch.address`` if
                *any* of them may not be reached, ``fetch.not-listed``.
        """
        try:
            ip_address(host)
            found: Sequence[str] = (host,)
        except ValueError:
            found = self._resolved(host, port, seconds)
        if not found:
            raise EvidenceError(f"{host} has no address", code="fetch.dns")
        for text in found[:_MAX_ADDRESSES]:
            try:
                address = ip_address(text)
            except ValueError as error:
                raise EvidenceError(f"{host} has no usable address", code="fetch.dns") from error
            self._check_address(host, address)
        return tuple(found[:_MAX_ADDRESSES])

    def _check_address(self, host: str, address: IPv4Address | IPv6Address) -> None:
        if self.listed(host) or any(address in network for network in self.networks):
            return
        if self.only_listed:
            raise _not_listed(host)
        reason = refusal(address)
        if reason:
            raise EvidenceError(
                f"{host} leads to {address}, {reason}",
                code="fetch.address",
                hint="a responder inside your own network has to be allowed by name",
            )

    def _resolved(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Resolve in a thread of its own: the system's resolver knows no deadline."""
        outcome: list[Sequence[str] | OSError | UnicodeError] = []
        resolve = self.resolve or _system_resolver
        # The one that was taken is given back: a fork puts another in its place.
        turns = _turns
        end = time.monotonic() + seconds
        if not turns.acquire(timeout=max(0.0, seconds)):
            raise EvidenceError("too many names are being resolved", code="fetch.timeout")

        def run() -> None:
            try:
                outcome.append(resolve(host, port))
            except (OSError, UnicodeError) as error:
                outcome.append(error)
            finally:
                turns.release()

        thread = threading.Thread(target=run, name="esign-kit-resolver", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            turns.release()
            raise EvidenceError(f"{host} cannot be resolved", code="fetch.dns") from error
        thread.join(max(0.0, end - time.monotonic()))
        if not outcome:
            raise EvidenceError(f"{host} was not resolved in time", code="fetch.timeout")
        if isinstance(outcome[0], (OSError, UnicodeError)):
            raise EvidenceError(f"{host} cannot be resolved", code="fetch.dns") from outcome[0]
        return outcome[0]


_MAX_RESOLVING = 64
"""Names that are being resolved at once: a slow name server keeps so many threads, and no more."""

_turns = threading.BoundedSemaphore(_MAX_RESOLVING)


def _new_turns() -> None:
    """A child process has none of the threads that its parent was waiting for."""
    global _turns
    _turns = threading.BoundedSemaphore(_MAX_RESOLVING)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_turns)


def refusal(address: IPv4Address | IPv6Address) -> str:
    """Return why an address is not one of the public network; empty if it is."""
    rules: Iterable[tuple[IPv4Network | IPv6Network, str]] = (
        _REFUSED_V4 if isinstance(address, IPv4Address) else _REFUSED_V6
    )
    if address.is_loopback:
        return "a loopback address"
    if address.is_unspecified:
        return "an unspecified address"
    for network, reason in rules:
        if address in network:
            return reason
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_private:
        return "a private address"
    if isinstance(address, IPv6Address) and _is_isatap(address):
        return "an IPv4 address in IPv6 clothes"
    if address.is_reserved or not address.is_global:
        return "no public address"
    return ""


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_isatap(address: IPv6Address) -> bool:
    """RFC 5214 § 6.1: an interface identifier that carries an IPv4 address."""
    return int(address) >> 32 & 0xFDFFFFFF == 0x5EFE


def _system_resolver(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(item[4][0]) for item in found))


def _not_listed(host: str) -> EvidenceError:
    return EvidenceError(f"{host} is not on the allow-list", code="fetch.not-listed")
