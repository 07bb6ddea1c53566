"""From an agent's file the server goes on by itself: compare, verify, identify."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from esign_kit.agents.answer import AgentAnswer, Outcome
from esign_kit.agents.wrapping import unwrap
from esign_kit.api import check
from esign_kit.arguments import to_evidence
from esign_kit.asn1.certificate import readable_certificates
from esign_kit.eid.identity import identify, subject_continuity
from esign_kit.errors import IdentityError, InputError, LoginRefusedError, SignatureRejected
from esign_kit.login.challenge.content import sole_content
from esign_kit.model.document import Document
from esign_kit.model.identifier import Identifier
from esign_kit.model.report import Check, CheckStatus
from esign_kit.model.signature import Packaging
from esign_kit.reading import read_signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from esign_kit.login.challenge import ChallengeLogin
    from esign_kit.login.result import Login
    from esign_kit.model.assurance import Assurance
    from esign_kit.model.evidence import Evidence, Fetcher
    from esign_kit.model.levels import Level
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import SignatureReport
    from esign_kit.model.signature import SignedDocument
    from esign_kit.profiles.data import Profile

__all__ = ["AgentJob", "Completed", "complete_agent", "complete_login"]

_SCHEMA = "esign-kit/agent-job/1"


@dataclass(frozen=True, slots=True)
class AgentJob:
    """What was offered to an agent; JSON, so that it waits in the session or in a queue.

    Attributes:
        forms: for each document the SHA-256 of every form in which it may come back: the octets
            themselves, and for XML its canonical forms.
        names: of the documents, for people.
        signer: who has to sign (URN); empty for anybody.
    """

    forms: tuple[tuple[str, ...], ...]
    names: tuple[str, ...] = ()
    signer: str = ""
    xml: bool = False

    @classmethod
    def of(
        cls,
        documents: Iterable[bytes | Document],
        *,
        xml: bool = False,
        signer: Identifier | None = None,
    ) -> AgentJob:
        """Make a job for documents that are offered.

        Args:
            documents: what the agent is asked to sign, octet for octet.
            xml: they are XML and come back with an enveloped signature.
            signer: who has to sign.

        Raises:
            InputError: no XML where XML was said, or no document at all.
        """
        items = [d if isinstance(d, Document) else Document(bytes(d)) for d in documents]
        if not items:
            raise InputError("nothing is offered for signing", code="agents.documents")
        return cls(
            tuple(_forms(item, xml) for item in items),
            tuple(item.name or f"document {n}" for n, item in enumerate(items, 1)),
            signer.urn() if signer else "",
            xml,
        )

    def to_json(self) -> str:
        """Return the job as JSON text."""
        return json.dumps(
            {
                "schema": _SCHEMA,
                "forms": self.forms,
                "names": self.names,
                "signer": self.signer,
                "xml": self.xml,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> AgentJob:
        """Read a job back.

        Raises:
            InputError: it is none, or of another version.
        """
        try:
            data = json.loads(text)
            if data["schema"] != _SCHEMA:
                raise ValueError
            return cls(
                tuple(tuple(str(form) for form in item) for item in data["forms"]),
                tuple(str(name) for name in data["names"]),
                str(data["signer"]),
                data["xml"] is True,
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError("this is no agent job", code="job.malformed") from None


@dataclass(frozen=True, slots=True)
class Completed:
    """A signed file that was verified, and who signed it.

    Attributes:
        file: the signed file without wrappings.
        checks: ``content`` (what was signed is what was offered) and ``subject-continuity``.
    """

    file: bytes = field(repr=False)
    report: SignatureReport
    principal: Principal
    checks: tuple[Check, ...] = ()


def complete_agent(
    job: AgentJob,
    answer: AgentAnswer | bytes | str,
    *,
    profile: Profile,
    at: datetime,
    documents: Sequence[bytes | Document] = (),
    evidence: Iterable[bytes] | Evidence = (),
    fetcher: Fetcher | None = None,
    minimum: Level | Assurance | None = None,
) -> tuple[Completed, ...]:
    """Take what an agent made; all of it is good, or there is an exception.

    Args:
        job: what was offered.
        answer: of the agent, or a signed file in any wrapping.
        documents: what was offered, for detached signatures.
        minimum: what is demanded of the signer's assurance.

    Raises:
        CancelledError: the person said no.
        KeyStoreError: the agent gave an error.
        InputError: another number of files, no signature, or other content than was offered
            (``agents.content``).
        SignatureRejected: a signature did not pass; carries the report.
        IdentityError: nobody clear, or somebody else (``identity.subject-continuity``).
        AssuranceError: less than ``minimum``.
    """
    if isinstance(answer, AgentAnswer):
        answer.raise_for_outcome()
        files: tuple[bytes, ...] = answer.results
    else:
        files = (answer.encode() if isinstance(answer, str) else answer,)
    if len(files) != len(job.forms):
        raise InputError(
            f"{len(files)} signed files for {len(job.forms)} documents", code="agents.results"
        )
    given = [d if isinstance(d, Document) else Document(bytes(d)) for d in documents]
    found = []
    for number, file in enumerate(files):
        octets = unwrap(file)
        own = (given[number],) if number < len(given) else ()
        parsed = _read(octets, own, profile)
        content = _content(parsed, job.forms[number], job.names[number])
        report = check(
            parsed,
            trust=profile.trust,
            helpers=readable_certificates(parsed.certificates),
            evidence=to_evidence(evidence, profile.policy),
            policy=profile.policy,
            at=at,
            fetcher=fetcher,
            profile=profile,
        ).signatures[0]
        if not report.passed:
            raise SignatureRejected("what the agent made did not pass", report=report)
        principal = identify(report, profile=profile, minimum=minimum)
        checks = (content, *_signer(principal, job.signer))
        found.append(Completed(octets, report, principal, checks))
    return tuple(found)


def complete_login(
    login: ChallengeLogin,
    pending: str | None,
    answer: AgentAnswer | bytes | str,
    *,
    session_secret: bytes,
    at: datetime,
    **options: Any,
) -> Login:
    """Take the signed challenge that an agent made; see ``ChallengeLogin.finish``.

    Raises:
        LoginRefusedError: the person cancelled, or the agent gave an error.
        LoginError: see the tree in ``esign_kit.errors``.
    """
    if isinstance(answer, AgentAnswer):
        if answer.outcome is not Outcome.OK or len(answer.results) != 1:
            cancelled = answer.outcome is Outcome.CANCELLED
            raise LoginRefusedError(
                "the person cancelled at the agent"
                if cancelled
                else f"the agent answered {answer.code or 'without one result'}: {answer.message}",
                code="login.cancelled" if cancelled else "login.agent",
                hint="log in again when you are ready"
                if cancelled
                else "look at the window of the agent; start it again if there is none",
            )
        answer = answer.results[0]
    octets = answer.encode() if isinstance(answer, str) else answer
    # Where there is nothing to unwrap, the login says what is wrong, and uses the challenge up.
    with suppress(InputError):
        octets = unwrap(octets)
    return login.finish(octets, pending, session_secret=session_secret, at=at, **options)


def _read(octets: bytes, documents: tuple[Document, ...], profile: Profile) -> SignedDocument:
    parsed = read_signed(octets, (), profile.policy, ())
    if any(item.packaging is Packaging.DETACHED for item in parsed.signatures):
        if not documents:
            raise InputError("a detached signature, and no document", code="agents.documents")
        parsed = read_signed(octets, documents, profile.policy, ())
    if len(parsed.signatures) != 1:
        raise InputError(
            f"{len(parsed.signatures)} signatures; one is expected", code="agents.signatures"
        )
    return parsed


def _content(parsed: SignedDocument, forms: tuple[str, ...], name: str) -> Check:
    content = sole_content(parsed.signatures[0])
    digest = ""
    if content is not None:
        octets = content.octets() if isinstance(content, Document) else content
        digest = sha256(octets).hexdigest()
    if digest not in forms:
        raise InputError(
            f"{name}: what was signed is not what was offered",
            code="agents.content",
            hint="offer the document again; do not use this file",
        )
    return Check("content", CheckStatus.PASSED, detail=f"{name}: as it was offered")


def _signer(principal: Principal, expected: str) -> tuple[Check, ...]:
    if not expected:
        return ()
    found = subject_continuity(signature=principal.identifier, payload=Identifier.parse(expected))
    if found.status is not CheckStatus.PASSED:
        raise IdentityError(
            found.detail or "the signer has no number", code="identity.subject-continuity"
        )
    return (found,)


def _forms(document: Document, xml: bool) -> tuple[str, ...]:
    octets = document.octets()
    found = {sha256(octets).hexdigest(): None}
    if xml:
        from esign_kit.model.limits import Limits
        from esign_kit.xmldsig import canonicalize, parse
        from esign_kit.xmldsig.c14n import canonicalization, canonicalize_document
        from esign_kit.xmldsig.names import (
            C14N_10,
            C14N_10_COMMENTS,
            C14N_11,
            C14N_EXCLUSIVE,
            C14N_EXCLUSIVE_COMMENTS,
        )

        root = parse(octets, Limits()).root
        for uri in (C14N_10, C14N_10_COMMENTS, C14N_11, C14N_EXCLUSIVE, C14N_EXCLUSIVE_COMMENTS):
            method = canonicalization(uri)
            if method is not None:
                for form in (canonicalize(root, method), canonicalize_document(root, method)):
                    found[sha256(form).hexdigest()] = None
    return tuple(found)
