"""Fetching lists, keeping them, and falling back on the last good one.

A folder holds the last list of each address that was verified. A new one takes its place in one
step, and only after its signature, its age and its number were found good; whatever happens in
between, the old one stays. What is read from the folder is verified again: the folder is a way to
spare a journey, never a reason to believe.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EsignError, EvidenceError, InputError
from esign_kit.model.evidence import FetchPurpose, FetchRequest
from esign_kit.trust.store import TrustStore, as_certificates
from esign_kit.trustlist.anchors import Selection, anchors_of
from esign_kit.trustlist.folder import Folder
from esign_kit.trustlist.pivots import signers_now
from esign_kit.trustlist.verify import check_age, verify_list

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from esign_kit.model.evidence import Fetcher
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustAnchor
    from esign_kit.trustlist.model import Pointer, TrustList

__all__ = ["Action", "ListSource", "ListState", "RefreshReport", "load", "refresh"]

_SCHEMA = "esign-kit/list-source/1"
_MAX_LISTS = 128
_NOTHING_YET = "there is no list yet"
_TOO_MANY = f"only {_MAX_LISTS} lists of a list of lists are read"


class Action(StrEnum):
    """What became of one list."""

    NEW = "NEW"
    """Fetched, verified, and kept from now on."""
    UNCHANGED = "UNCHANGED"
    """Fetched, and the same as before."""
    KEPT = "KEPT"
    """The one that was there stays in use; ``reason`` says what was wrong with the new one."""
    LOADED = "LOADED"
    """Read from the folder."""
    MISSING = "MISSING"
    """There is no list that counts; ``reason`` says why."""


@dataclass(frozen=True, slots=True)
class ListState:
    """One list after a refresh or a load.

    Attributes:
        url: of the list; empty for a territory to which nothing points.
        territory: two letters, as the list (or the pointer to it) says.
        sequence: TSLSequenceNumber; ``None`` where there is no list that counts.
        issued, next_update: aware times; ``None`` likewise.
        anchors: how many it has brought.
        code, reason: stable reason for programs, and words, where something is wrong.
    """

    url: str
    action: Action
    territory: str = ""
    sequence: int | None = None
    issued: datetime | None = None
    next_update: datetime | None = None
    anchors: int = 0
    code: str = ""
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "url": self.url,
            "action": str(self.action),
            "territory": self.territory,
            "sequence": self.sequence,
            "issued": self.issued.isoformat() if self.issued else None,
            "next_update": self.next_update.isoformat() if self.next_update else None,
            "anchors": self.anchors,
            "code": self.code,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh or a load brought.

    Attributes:
        trust: anchors of all lists that count.
        lists: the list of lists first, then its lists.
    """

    trust: TrustStore
    lists: tuple[ListState, ...]

    @property
    def complete(self) -> bool:
        """Every list is there and nothing had to be said about any."""
        return all(state.reason == "" for state in self.lists)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"anchors": len(self.trust), "lists": [state.to_dict() for state in self.lists]}


@dataclass(frozen=True, slots=True)
class ListSource:
    """Where trust begins: the address of a list and the certificates that may sign it.

    Attributes:
        url: of a list of lists, or of one list.
        signers: pinned certificates, as :func:`esign_kit.trust.store.as_certificates` reads them.
        territories: only these lists of a list of lists; empty means all.
        selection: which services become anchors.
        announcement: SchemeInformationURI at which pivots end: where the pinned certificates were
            published (§ 5.3.7 and the European implementing decision).
        policy: algorithms and limits for the signatures of lists.
    """

    url: str
    signers: tuple[Any, ...]
    territories: frozenset[str] = frozenset()
    selection: Selection = field(default_factory=Selection)
    announcement: str = ""
    policy: ValidationPolicy | None = None

    @property
    def pinned(self) -> tuple[Certificate, ...]:
        """The pinned certificates; raises ``InputError`` if one cannot be read."""
        return tuple(dict.fromkeys(c for item in self.signers for c in as_certificates(item)))

    def to_json(self) -> bytes:
        """Return what is needed to load the lists again; selection and policy are the caller's."""
        import json

        data = {
            "schema": _SCHEMA,
            "url": self.url,
            "signers": [b2a_base64(c.der, newline=False).decode("ascii") for c in self.pinned],
            "territories": sorted(self.territories),
            "announcement": self.announcement,
        }
        return json.dumps(data, indent=1).encode("utf-8")

    @classmethod
    def from_json(cls, data: bytes) -> ListSource:
        """Read what :meth:`to_json` wrote; raises ``InputError`` for anything else."""
        import json

        try:
            found = json.loads(data)
            if found["schema"] != _SCHEMA:
                raise ValueError(found["schema"])
            return cls(
                str(found["url"]),
                tuple(Certificate.load(a2b_base64(item)) for item in found["signers"]),
                territories=frozenset(map(str, found["territories"])),
                announcement=str(found["announcement"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InputError("not a source of lists", code="trustlist.source") from error


def refresh(
    source: ListSource, fetcher: Fetcher, folder: str | os.PathLike[str], *, at: datetime
) -> RefreshReport:
    """Fetch all lists of a source and keep what is good.

    Args:
        source: where trust begins.
        fetcher: the way to the network.
        folder: where lists are kept; made if it is not there.
        at: the present, for the age of lists.

    Returns:
        The anchors and, for each list, what became of it. A list that could not be had or did not
        hold is no exception: the last good one stays in use as long as it is in force. A folder
        that cannot be written is no exception either; the reason then says so.
    """
    return _Run(source, Folder(folder), at, fetcher).run()


def load(source: ListSource, folder: str | os.PathLike[str], *, at: datetime) -> RefreshReport:
    """Read what the last refresh kept; nothing is fetched, everything is verified again."""
    return _Run(source, Folder(folder), at, None).run()


class _Run:
    """One refresh (or load, without a fetcher)."""

    def __init__(
        self, source: ListSource, folder: Folder, at: datetime, fetcher: Fetcher | None
    ) -> None:
        self._source = source
        self._folder = folder
        self._at = at
        self._fetcher = fetcher
        self._states: list[ListState] = []
        self._anchors: list[TrustAnchor] = []
        self._fetched: dict[str, bytes] = {}
        self._former: dict[str, tuple[Certificate, ...]] = {}

    def run(self) -> RefreshReport:
        top = self._list(self._source.url, self._source.pinned, "", is_top=True)
        if top is not None and top.is_list_of_lists:
            chosen = self._chosen(top)
            for pointer in chosen[:_MAX_LISTS]:
                self._list(pointer.url, pointer.identity.certificates, pointer.territory)
            for pointer in chosen[_MAX_LISTS:]:
                self._missing(pointer.url, pointer.territory, _refusal("too-many", _TOO_MANY))
            for name in sorted(self._source.territories - {p.territory for p in chosen}):
                words = f"the list of lists points to no list of {name}"
                self._missing("", name, _refusal("territory", words))
        return RefreshReport(TrustStore(self._anchors), tuple(self._states))

    def _chosen(self, top: TrustList) -> list[Pointer]:
        wanted = self._source.territories
        found = []
        for pointer in top.pointers:
            if pointer.type.lower().endswith("listofthelists"):
                continue
            if pointer.media_type and "xml" not in pointer.media_type:
                # The same list for people, as a PDF.
                continue
            if not wanted or pointer.territory in wanted:
                found.append(pointer)
        return found

    def _list(
        self, url: str, signers: tuple[Certificate, ...], territory: str, *, is_top: bool = False
    ) -> TrustList | None:
        """Say which list of an address counts from now on, and keep it."""
        seen = self._folder.read(url)
        known, old, problem = self._kept(seen, url, signers, territory, is_top=is_top)
        if self._fetcher is None:
            return self._settle(url, territory, old, Action.LOADED, problem)
        self._fetched.clear()
        try:
            data = self._fetch(url)
            new = self._verified(data, url, signers, territory, is_top=is_top)
            check_age(new, self._at)
            _refuse_older(new, known)
        except EsignError as error:
            return self._settle(url, territory, old, Action.KEPT, error)
        if is_top:
            for pivot, octets in self._fetched.items():
                self._keep(pivot, octets, None, lambda _: None)
        if seen == data:
            return self._settle(url, territory, new, Action.UNCHANGED, None)

        def allow(present: bytes) -> None:
            """Another process was here meanwhile: what it kept may be newer still."""
            found, _, _ = self._kept(present, url, signers, territory, is_top=is_top)
            _refuse_older(new, found)

        refused = self._keep(url, data, seen, allow)
        if refused is not None and refused.code == "trustlist.older":
            present = self._folder.read(url)
            _, old, _ = self._kept(present, url, signers, territory, is_top=is_top)
            return self._settle(url, territory, old, Action.KEPT, refused)
        return self._settle(url, territory, new, Action.NEW, refused)

    def _keep(
        self, url: str, data: bytes, seen: bytes | None, allow: Callable[[bytes], None]
    ) -> EvidenceError | None:
        """Keep a list that was found good; a full disk is told, and changes nothing else."""
        try:
            self._folder.put(url, data, seen, allow)
        except EvidenceError as error:
            return error
        return None

    def _missing(self, url: str, territory: str, error: EsignError) -> None:
        self._states.append(
            ListState(url, Action.MISSING, territory, code=error.code, reason=error.detail)
        )

    def _settle(
        self,
        url: str,
        territory: str,
        found: TrustList | None,
        action: Action,
        error: EsignError | None,
    ) -> TrustList | None:
        if found is None:
            self._missing(url, territory, error or _refusal("missing", _NOTHING_YET))
            return None
        reason, code = (error.detail, error.code) if error is not None else ("", "")
        anchors = anchors_of(found, self._source.selection)
        self._anchors += anchors
        self._states.append(
            ListState(
                url,
                action,
                found.territory,
                found.sequence,
                found.issued,
                found.next_update,
                len(anchors),
                code,
                reason,
            )
        )
        return found

    def _kept(
        self,
        data: bytes | None,
        url: str,
        signers: tuple[Certificate, ...],
        territory: str,
        *,
        is_top: bool,
    ) -> tuple[TrustList | None, TrustList | None, EsignError | None]:
        """Judge what the folder holds.

        Returns:
            The list whose number bars the way back: its signature holds, by those who may sign
            today or might before, and it may have expired meanwhile. Then the list that may be
            used, and why there is none.
        """
        if data is None:
            return None, None, _refusal("missing", _NOTHING_YET)
        try:
            found = self._verified(data, url, signers, territory, is_top=is_top)
        except EsignError as error:
            return self._formerly_good(data, url, territory), None, error
        if is_top:
            self._former = {p.url: p.identity.certificates for p in found.pointers}
        try:
            check_age(found, self._at)
        except EsignError as error:
            return found, None, error
        return found, found, None

    def _formerly_good(self, data: bytes, url: str, territory: str) -> TrustList | None:
        """The signer of a list has changed: what the one before has signed still has a number."""
        signers = self._former.get(url, ())
        try:
            return self._verified(data, url, signers, territory, is_top=False)
        except EsignError:
            return None

    def _verified(
        self,
        data: bytes,
        url: str,
        signers: tuple[Certificate, ...],
        territory: str,
        *,
        is_top: bool,
    ) -> TrustList:
        policy = self._source.policy
        if is_top:
            signers = signers_now(
                data,
                url,
                signers,
                self._pivots,
                announcement=self._source.announcement,
                policy=policy,
            )
        found = verify_list(data, signers, policy=policy)
        if territory and found.territory != territory:
            raise _refusal(
                "territory",
                f"the list is of {found.territory}, where one of {territory} belongs",
            )
        if not is_top and found.is_list_of_lists:
            raise _refusal("type", "a list of lists in place of a list")
        return found

    def _fetch(self, url: str) -> bytes:
        if self._fetcher is None:
            raise EvidenceError("nothing is fetched here", code="evidence.offline")
        return self._fetcher.fetch(FetchRequest(FetchPurpose.TRUST_LIST, url)).body

    def _pivots(self, url: str) -> Iterator[bytes]:
        """A pivot never changes: one that was kept and holds spares the journey."""
        kept = self._folder.read(url)
        if kept is not None:
            yield kept
        data = self._fetch(url)
        self._fetched[url] = data
        yield data


def _refuse_older(new: TrustList, old: TrustList | None) -> None:
    if old is None:
        return
    if (new.sequence, new.issued) < (old.sequence, old.issued) or new.issued < old.issued:
        raise _refusal(
            "older",
            f"the list has number {new.sequence} of {new.issued:%Y-%m-%d}, "
            f"number {old.sequence} of {old.issued:%Y-%m-%d} is known already",
        )


def _refusal(code: str, words: str) -> EvidenceError:
    return EvidenceError(words, code=f"trustlist.{code}")
