"""Options that several verbs share, so that they are spelled and explained alike."""

from __future__ import annotations

import functools
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from esign_kit.asn1.names import printable
from esign_kit.cli.files import document, read_paths
from esign_kit.cli.online import fetcher, online_options, require_offline
from esign_kit.errors import EvidenceError, InputError, KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esign_kit.trust.store import TrustStore
    from esign_kit.trustlist import Listed

__all__ = [
    "Asked",
    "country_from",
    "detached_option",
    "lists_say",
    "read_password",
    "time_option",
    "trust_from",
    "validation_options",
]


class _Time(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        if value == "now":
            return datetime.now(UTC)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time; write 2026-11-21, 2026-11-21T12:00:00Z or now", param, ctx
            )
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


TIME = _Time()
time_option = click.option(
    "--at", type=TIME, metavar="TIME", help="Judge as of this time (UTC unless it names a zone)."
)


class Asked:
    """What the options of a verb ask for, in the words of ``verify()``.

    Attributes:
        profile: the country, with the anchors given beside it as its anchors; or ``None``.
        trust: the anchors given by ``--trust``; ``None`` where there are none.
        as_json: print data, not words.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.as_json: bool = options.pop("as_json")
        self.trust = trust_from(options["trust"])
        self.profile = country_from(options["profile"], self.trust)
        if self.profile is not None and not len(self.profile.trust):
            named = options["profile"]
            click.echo(f"esign: {named} comes without anchors: give --trust PATH", err=True)
        self._options = options

    @property
    def anchors(self) -> TrustStore:
        """The anchors that count: given ones, else the country's, else none."""
        if self.trust is not None:
            return self.trust
        if self.profile is not None:
            store: TrustStore = self.profile.trust
            return store
        from esign_kit.trust.store import TrustStore

        return TrustStore.empty()

    def for_file(self, detached: tuple[str, ...]) -> dict[str, Any]:
        """Return the arguments of ``verify()``."""
        return {
            "detached": [document(path) for path in detached],
            "profile": self.profile,
            "trust": self.trust,
            "certificates": self._helpers(),
            "policy": self._policy(),
            **self._circumstances(),
        }

    def for_certificate(self, helpers: Iterable[Any] = ()) -> dict[str, Any]:
        """Return the arguments of ``validate_certificate()``."""
        policy = self._policy()
        if policy is None and self.profile is not None:
            policy = self.profile.policy
        return {
            "trust": self.anchors,
            "intermediates": [*helpers, *self._helpers()],
            "policy": policy,
            **self._circumstances(),
        }

    def _helpers(self) -> list[Any]:
        from esign_kit.trust.store import TrustStore

        found: list[Any] = []
        for path in self._options["certificates"]:
            if not os.path.isdir(path):
                found.append(path)
                continue
            store = TrustStore.from_path(path)
            found += [*(anchor.certificate for anchor in store), *store.intermediates]
        return found

    def _circumstances(self) -> dict[str, Any]:
        given = self._options
        if not given["online"]:
            require_offline()
        if given["online"] and sys.stderr.isatty():
            click.echo("asking the certification authorities …", err=True)
        return {
            "evidence": _evidence(given["evidence"]),
            "fetcher": fetcher() if given["online"] else None,
            "at": given["at"],
        }

    def _policy(self) -> Any:
        """The policy with what was asked for replaced; ``None`` to leave it to the verb."""
        from esign_kit.trust.policy import CoverageRule, Revocation, ValidationPolicy

        changes: dict[str, Any] = {}
        if self._options["revocation"] is not None:
            rule = self._options["revocation"].upper().replace("-", "_")
            changes["revocation"] = Revocation[rule]
        if self._options["accept_parts"]:
            changes["coverage"] = CoverageRule.ANY
        until = self._options["evidence_until"]
        if until is not None:
            at = self._options["at"]
            if at is None or until < at:
                raise click.UsageError("--evidence-until names a time after the one of --at")
            changes["evidence_until"] = until
        if not changes:
            return None
        base = self.profile.policy if self.profile is not None else ValidationPolicy()
        return base.with_(**changes)


_ASKED = (
    "accept_parts",
    "as_json",
    "at",
    "evidence_until",
    "online",
    "profile",
    "evidence",
    "certificates",
    "trust",
    "revocation",
)


def validation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options by which a verb is told what to trust; it gets them as ``asked``."""

    @functools.wraps(function)
    def collected(**options: Any) -> Any:
        own = {name: options.pop(name) for name in _ASKED}
        return function(**options, asked=Asked(own))

    return _validation_options(online_options(collected))


def detached_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--detached``."""
    return click.option(
        "--detached",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, allow_dash=True),
        metavar="DOC",
        help="The signed document, where it is not in FILE; may be given several times.",
    )(function)


def _validation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        time_option,
        click.option(
            "--evidence-until",
            type=TIME,
            metavar="TIME",
            help="With --at: count CRLs and OCSP answers made after it too, up to this time.",
        ),
        click.option(
            "--accept-parts",
            is_flag=True,
            help="Let a signature pass that covers a part of the document only (WS-Security).",
        ),
        click.option(
            "--online", is_flag=True, help="Fetch revocation answers and missing issuers."
        ),
        click.option(
            "--profile",
            metavar="NAME",
            help="Rules and anchors of a country: kz, kz:test, eidas …",
        ),
        click.option(
            "--evidence",
            multiple=True,
            type=click.Path(exists=True, dir_okay=True),
            metavar="PATH",
            help="CRL, OCSP answer or time-stamp; a file or a folder of them.",
        ),
        click.option(
            "--certificate",
            "certificates",
            multiple=True,
            type=click.Path(exists=True),
            metavar="PATH",
            help="A certificate that the signature lacks, or a folder of them; none is trusted.",
        ),
        click.option(
            "--trust",
            multiple=True,
            type=click.Path(exists=True),
            metavar="PATH",
            help="Anchors: a certificate, a bundle, a folder of them, or one of trusted lists; "
            "with --profile in place of the country's own.",
        ),
        click.option(
            "--revocation",
            type=click.Choice(
                ["required", "target-only", "if-declared", "if-available", "not-checked"]
            ),
            help="What must be known about revocation (default: as the policy says, required).",
        ),
    ):
        function = option(function)
    return function


def trust_from(paths: tuple[str, ...]) -> TrustStore | None:
    """Merge the stores at these paths; ``None`` where there are none."""
    if not paths:
        return None
    from esign_kit.trust.store import TrustStore

    store = TrustStore.empty()
    for path in paths:
        found = _from_lists(path) or TrustStore.from_path(path)
        if not len(found):
            click.echo(f"esign: {printable(path)}: no anchor in this folder", err=True)
        store = store | found
    return store


LIST_SOURCE = "source.json"
"""The file in a folder of trusted lists that says where trust in them begins."""


def _from_lists(path: str) -> TrustStore | None:
    """Return the anchors of a folder that ``esign trust refresh`` keeps; ``None`` for others.

    Raises:
        EvidenceError: no list in it counts today.
    """
    place = os.path.join(path, LIST_SOURCE)
    if not os.path.isfile(place):
        return None
    from esign_kit.trustlist import ListSource, load

    (data,) = read_paths((place,))
    try:
        report = load(ListSource.from_json(data), path, at=datetime.now(UTC))
    except InputError as error:
        raise InputError(f"{place}: {error.detail}", code=error.code) from error
    bad = [state for state in report.lists if state.reason]
    if not len(report.trust):
        why = bad[0].reason if bad else "they hold no service that is trusted"
        raise EvidenceError(f"the trusted lists in {path} do not count: {why}", code="trust.lists")
    for state in bad:
        name = printable(state.territory or state.url)
        click.echo(f"esign: trusted list {name}: {printable(state.reason)}", err=True)
    return report.trust


def lists_say(report: Any, trust: TrustStore, at: datetime) -> list[Listed]:
    """Return what trusted lists say about the signer or certificate of a report, if a path holds.

    Args:
        report: of a signature or a certificate.
        trust: the anchors that were asked with.
        at: the time in question.
    """
    if not any(anchor.listing for anchor in trust):
        return []
    from esign_kit.model.signature import Purpose
    from esign_kit.trustlist import listed

    held = [check for check in report.checks if check.name == "certificate-chain"]
    if not held or str(held[0].status) != "PASSED":
        return []
    return list(listed(report.chain_der, trust, purpose=Purpose.SIGNING, at=at))


def country_from(name: str | None, store: TrustStore | None) -> Any:
    """Return the profile of that name; anchors given beside it are that country's anchors then."""
    if name is None:
        return None
    from esign_kit.profiles import profile

    country = profile(name)
    if store is not None:
        return country.with_trust(store, environment="given by --trust")
    return country


def _evidence(paths: tuple[str, ...]) -> list[bytes]:
    """Read evidence; a file that was named and is none is a mistake, in a folder it is passed over.

    Raises:
        InputError: it is neither a CRL nor an OCSP answer, time-stamp or certificate.
    """
    from esign_kit.arguments import to_evidence
    from esign_kit.model.evidence import Evidence
    from esign_kit.trust.policy import ValidationPolicy

    found: list[bytes] = []
    for path in paths:
        items = read_paths((path,))
        found += items
        if to_evidence(items, ValidationPolicy()) == Evidence():
            if os.path.isdir(path):
                click.echo(f"esign: {printable(path)}: no evidence in this folder", err=True)
                continue
            what = "neither a revocation list nor an OCSP answer, time-stamp or certificate"
            raise InputError(f"{path}: {what}", code="input.no-evidence")
    return found


def read_password(password_file: str | None, *, prompt: str = "Password of the key") -> str:
    """Return the secret: from the file, from ESIGN_PASSWORD, or asked for at the terminal.

    Raises:
        KeyStoreError: the file cannot be read, or there is nobody to ask.
    """
    if password_file is not None:
        try:
            if password_file == "-":  # noqa: S105 - the name of a stream
                return sys.stdin.readline().rstrip("\r\n")
            with open(password_file, encoding="utf-8-sig") as stream:
                return stream.readline().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyStoreError(
                f"cannot read the password file {password_file}", code="keys.password-file"
            ) from error
    value = os.environ.get("ESIGN_PASSWORD")
    if value is not None:
        return value
    if not sys.stdin.isatty():
        raise KeyStoreError(
            "the key needs a password and there is nobody to ask",
            code="keys.no-password",
            hint="give --password-file FILE or set ESIGN_PASSWORD",
        )
    answer: str = click.prompt(prompt, hide_input=True, err=True, default="", show_default=False)
    return answer
