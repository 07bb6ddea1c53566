"""Making a bundle: the question is asked, and all that the answer rests on is kept."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from esign_kit import api
from esign_kit._version import __version__
from esign_kit.arguments import (
    STRICT,
    all_certificates,
    to_certificates,
    to_documents,
    to_evidence,
    to_octets,
    to_profile,
    with_embedded,
)
from esign_kit.bundle.archive import write
from esign_kit.bundle.mandates import mandate_from_data
from esign_kit.bundle.model import SCHEMA
from esign_kit.bundle.policy import policy_from_data, policy_to_data
from esign_kit.bundle.question import Question, canonical
from esign_kit.errors import InputError
from esign_kit.model.document import Document
from esign_kit.trust.store import TrustStore

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from esign_kit.arguments import AnyCertificate, Octets
    from esign_kit.bundle.model import Attachment
    from esign_kit.model.evidence import Evidence, Fetcher
    from esign_kit.model.mandate import Mandate
    from esign_kit.profiles import Profile
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["make"]

_KIND = re.compile(r"[a-z][a-z-]{0,30}", re.ASCII)


def make(
    signature: Octets,
    *,
    detached: Iterable[Octets] | Octets = (),
    profile: Profile | str | None = None,
    trust: TrustStore | None = None,
    certificates: Iterable[AnyCertificate] = (),
    evidence: Iterable[bytes] | Evidence = (),
    policy: ValidationPolicy | None = None,
    fetcher: Fetcher | None = None,
    at: datetime | None = None,
    mandates: Iterable[Mandate] = (),
    attachments: Iterable[Attachment] = (),
) -> bytes:
    """Judge a signed file and return the evidence bundle.

    The arguments are those of :func:`esign_kit.verify`; whatever a fetcher brings is kept. A bundle
    is made whatever the verdict: a refusal has to be shown later as well.

    Args:
        mandates: what the signers hold beside their certificates; kept as a snapshot.
        attachments: login statements, forms, register answers.

    Raises:
        InputError: as ``verify``; or something that cannot be kept (a document of which only a
            digest is known, a mandate with data that do not survive).
    """
    when = api.moment(at)
    country = to_profile(profile)
    if policy is None:
        policy = country.policy if country is not None else STRICT
    store = trust if trust is not None else country.trust if country else TrustStore.empty()
    data = to_octets(signature, policy)
    documents = tuple(_in_memory(document) for document in to_documents(detached))
    helpers = to_certificates(certificates)
    gathered = to_evidence(evidence, policy)
    if fetcher is not None:
        from esign_kit.net import gather

        parsed = api.parse(data, detached=documents, certificates=helpers, policy=policy)
        gathered = gather(
            all_certificates(parsed, helpers),
            trust=store,
            evidence=with_embedded(parsed, gathered),
            at=when,
            policy=policy,
            fetcher=fetcher,
        )
    question = Question(
        signature=data,
        detached=documents,
        trust=store,
        helpers=helpers,
        evidence=replace(gathered, failures=()),
        policy=policy_from_data(policy_to_data(policy)),
        at=when,
        profile=country.with_trust(store, environment=country.environment) if country else None,
        mandates=tuple(mandate_from_data(item.to_dict()) for item in mandates),
    )
    return write(_files(question, tuple(attachments)))


def _files(question: Question, attachments: tuple[Attachment, ...]) -> dict[str, bytes]:
    report, principals = question.ask()
    files: dict[str, bytes] = {"signature/0": question.signature}
    documents = []
    for number, document in enumerate(question.detached):
        documents.append(_document(document, f"documents/{number}", files))
    anchors = []
    for number, anchor in enumerate(question.trust.anchors):
        name = f"anchors/{number}.cer"
        files[name] = anchor.certificate.der
        anchors.append(
            {
                "file": name,
                "purposes": sorted(map(str, anchor.purposes)),
                "since": anchor.since.isoformat() if anchor.since else None,
                "until": anchor.until.isoformat() if anchor.until else None,
                "note": anchor.note,
            }
        )
    for folder, items in (
        ("intermediates", [item.der for item in question.trust.intermediates]),
        ("helpers", [item.der for item in question.helpers]),
        ("certificates", question.evidence.certificates),
        ("crls", question.evidence.crls),
        ("ocsp", question.evidence.ocsp_responses),
        ("timestamps", question.evidence.timestamps),
    ):
        for number, octets in enumerate(items):
            files[f"{folder}/{number}"] = octets
    for number, mandate in enumerate(question.mandates):
        files[f"mandates/{number}.json"] = canonical(mandate.to_dict())
    kept = [_attachment(item, number, files) for number, item in enumerate(attachments)]
    files["report.json"] = canonical(report.to_dict())
    files["principals.json"] = canonical(list(principals))
    manifest = {
        "schema": SCHEMA,
        "made_with": f"esign_kit {__version__}",
        "at": question.at.isoformat(),
        "policy": policy_to_data(question.policy),
        "profile": _profile(question.profile),
        "documents": documents,
        "anchors": anchors,
        "attachments": kept,
        "files": {
            name: {"sha256": sha256(octets).hexdigest(), "size": len(octets)}
            for name, octets in files.items()
        },
    }
    return {"manifest.json": canonical(manifest), **files}


def _in_memory(document: Document) -> Document:
    """The document as the bundle will hold it; a report tells files and octets apart."""
    if not document.has_octets:
        raise InputError(
            "a bundle needs the documents themselves; of one only a digest is known",
            code="bundle.digest-only",
        )
    return Document(document.octets(), document.name, document.media_type)


def _document(document: Document, name: str, files: dict[str, bytes]) -> dict[str, Any]:
    files[name] = document.octets()
    return {"file": name, "name": document.name, "media_type": document.media_type}


def _attachment(item: Attachment, number: int, files: dict[str, bytes]) -> dict[str, Any]:
    if not _KIND.fullmatch(item.kind):
        raise InputError(f"no kind of attachment: {item.kind!r}", code="bundle.attachment")
    name = f"attachments/{number}"
    files[name] = item.data
    return {
        "file": name,
        "kind": item.kind,
        "name": item.name,
        "media_type": item.media_type,
        "facts": dict(item.facts),
    }


def _profile(profile: Profile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "name": profile.name,
        "version": profile.version,
        "environment": profile.environment,
        "overrides": list(profile.overrides),
    }
