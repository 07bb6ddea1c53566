"""A fixture country that lives in a folder, for people who do not write Python.

``country.json`` holds how the country was made and all that happened since; reading it again makes
the same authorities, keys and certificates. Each certificate's digest stands there too, so that a
folder that no longer gives what it gave is noticed. RSA keys that are costly to compute are kept
under ``keys``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from esign_kit.errors import InputError
from esign_kit.testing import export, keys
from esign_kit.testing.pki import FixturePKI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from esign_kit.testing.entity import Entity
    from esign_kit.testing.keys import AnyKey

__all__ = ["CountryFolder", "LiveCountry"]

_FILE, _VERSION = "country.json", 1
KINDS = (
    *("ec", "rsa", "p384", "p521", "brainpool", "ed25519", "ed448"),
    *("gost", "gost-2004", "ozdst", "ozmst"),
)
"""Kinds of keys that give the same signature every time, which reading again depends on."""


class CountryFolder:
    """The country in a folder.

    Attributes:
        path: the folder.
        pki: the country.
        holders: everybody who was issued a certificate, in order.
        state: what ``country.json`` holds.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read a country from its folder.

        Raises:
            InputError: there is none, it cannot be read, or it gives other certificates now.
        """
        self.path = os.fspath(path)
        self.state = self._load()
        self.pki = self._country()
        self.holders: list[Entity] = []
        for event in self.state["events"]:
            self._replay(event)

    @classmethod
    def new(
        cls,
        path: str | os.PathLike[str],
        *,
        country: str,
        at: datetime,
        key: str | None = None,
        base_url: str | None = None,
        seed: str = "",
    ) -> CountryFolder:
        """Make a country and its folder.

        Raises:
            InputError: the folder holds one already, or cannot be written.
            UnsupportedError: no such country or kind of key.
        """
        folder = os.fspath(path)
        file = os.path.join(folder, _FILE)
        if os.path.exists(file):
            raise InputError(f"{folder} holds a country already", code="pki.exists")
        if key is not None and key not in KINDS:
            raise InputError(f"no keys of kind {key!r} here", code="pki.key", hint=", ".join(KINDS))
        state = {
            "version": _VERSION,
            "country": country,
            "key": key,
            "start": at.isoformat(),
            "base_url": base_url,
            "seed": seed,
            "root": "",
            "events": [],
        }
        with _written(folder):
            os.makedirs(folder, exist_ok=True)
        made = cls.__new__(cls)
        made.path, made.state, made.holders = folder, state, []
        made.pki = made._country()
        state["root"] = _digest(made.pki.root.certificate.der)
        made._save()
        made.publish(at)
        return made

    # ── what can be done ──────────────────────────────────────────────────────────────────────

    def issue(self, kind: str, details: dict[str, Any], at: datetime) -> Entity:
        """Issue a certificate and remember it; details as in ``FixturePKI.issue``."""
        event: dict[str, Any] = {"do": "issue", "kind": kind, "at": at.isoformat()}
        event["details"] = {name: value for name, value in details.items() if value is not None}
        with self._locked():
            holder = self._replay(event)
            event["sha256"] = _digest(holder.certificate.der)
            self.state["events"].append(event)
            self._save()
        return holder

    def revoke(self, serial: int, reason: str | None, at: datetime) -> Entity:
        """Revoke (or hold, or release) by serial number.

        Raises:
            InputError: nobody has a certificate with that serial number.
        """
        event = {"do": "revoke", "serial": f"{serial:x}", "reason": reason, "at": at.isoformat()}
        with self._locked():
            holder = self._replay(event)
            self.state["events"].append(event)
            self._save()
        self.publish(at)
        return holder

    def publish(self, at: datetime) -> None:
        """Write ``trust`` and fresh revocation lists under ``crl``."""
        with _written(self.path):
            export.write_trust(self.pki, os.path.join(self.path, "trust"))
            lists = os.path.join(self.path, "crl")
            os.makedirs(lists, exist_ok=True)
            for slug, authority in self.pki.authorities.items():
                export.write(os.path.join(lists, f"{slug}.crl"), authority.crl(at=at))

    # ── how it is kept ────────────────────────────────────────────────────────────────────────

    def _load(self) -> dict[str, Any]:
        try:
            with open(os.path.join(self.path, _FILE), encoding="utf-8") as stream:
                state = json.load(stream)
            if state["version"] != _VERSION or not isinstance(state["events"], list):
                raise ValueError
        except OSError as error:
            raise InputError(
                f"there is no country in {self.path}",
                code="pki.none",
                hint="make one: esign pki new DIR",
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.path}/{_FILE} cannot be read", code="pki.broken") from error
        return dict(state)

    def _save(self) -> None:
        text = json.dumps(self.state, ensure_ascii=False, indent=1) + "\n"
        with _written(self.path):
            export.write(os.path.join(self.path, _FILE), text.encode("utf-8"))

    def _country(self) -> FixturePKI:
        state = self.state
        pki = _Country(
            state["country"],
            at=state["start"],
            key=state["key"],
            base_url=state["base_url"],
            seed=state["seed"],
            cache=os.path.join(self.path, "keys"),
        )
        if state["root"] and state["root"] != _digest(pki.root.certificate.der):
            raise _changed(self.path)
        return pki

    def _replay(self, event: dict[str, Any]) -> Entity:
        self.pki.travel_to(event["at"])
        if event["do"] == "issue":
            holder = self.pki.issue(event["kind"], **event["details"])
            if event.get("sha256", _digest(holder.certificate.der)) != _digest(
                holder.certificate.der
            ):
                raise _changed(self.path)
            self.holders.append(holder)
            return holder
        serial = int(event["serial"], 16)
        for holder in self.holders:
            if holder.serial == serial:
                if event["reason"] == "removeFromCRL":
                    self.pki.release(holder)
                else:
                    self.pki.revoke(holder, reason=event["reason"])
                return holder
        raise InputError(
            f"nobody here has a certificate with serial number {serial:x}", code="pki.no-such"
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time change the folder, and only in its latest state."""
        with _lock(os.path.join(self.path, ".lock")):
            if self._load()["events"] != self.state["events"]:
                raise InputError(
                    "another process changed the country just now; try again", code="pki.busy"
                )
            yield


class _Country(FixturePKI):
    """A country that keeps costly keys in a folder."""

    def __init__(self, *args: Any, cache: str, **options: Any) -> None:
        self._cache = cache
        super().__init__(*args, **options)

    def new_key(
        self, label: str, kind: str | AnyKey | None = None, slot: int | None = None
    ) -> AnyKey:
        name = kind if isinstance(kind, str) else self.key_kind
        number = slot if slot is not None else self._slot
        named = kind is None or isinstance(kind, str)
        if named and name.startswith("rsa") and not keys.is_shipped(name, number):
            path = os.path.join(self._cache, f"{name}-{number}.der")
            if os.path.exists(path):
                if slot is None:
                    self._slot += 1
                with open(path, "rb") as stream:
                    return keys.from_pkcs8(stream.read())
            made = super().new_key(label, kind, slot)
            with _written(self._cache):
                os.makedirs(self._cache, exist_ok=True)
                export.write(path, made.pkcs8, 0o600)
            return made
        return super().new_key(label, kind, slot)


class LiveCountry:
    """The country of a folder as a server shows it: always the latest state, at the present time.

    Args:
        path: the folder.
        clock: gives the present time.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], datetime]) -> None:
        self._path = os.fspath(path)
        self._clock = clock
        self._seen: tuple[int, int] | None = None
        self.folder = CountryFolder(path)

    def serve(self, path: str, body: bytes | None = None) -> tuple[bytes, str] | None:
        """Answer as ``FixturePKI.serve``."""
        status = os.stat(os.path.join(self._path, _FILE))
        seen = (status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            self.folder = CountryFolder(self._path)
            self._seen = seen
        self.folder.pki.travel_to(self._clock())
        return self.folder.pki.serve(path, body)


def _digest(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _changed(path: str) -> InputError:
    return InputError(
        f"the country in {path} would have other certificates now",
        code="pki.changed",
        hint="it was made by another version of esign_kit, or its file was edited; make it anew",
    )


@contextlib.contextmanager
def _written(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write into {path}: {error.strerror}", code="pki.write") from error


@contextlib.contextmanager
def _lock(path: str) -> Iterator[None]:
    """Hold an exclusive lock on a file, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with _written(path):
        stream = open(path, "w", encoding="ascii")  # noqa: SIM115 - closed below
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
