"""What the application brings back (PUT): compared with what was offered, verified, identified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.agents.answer import AgentAnswer, Outcome, read_json
from esign_kit.agents.complete import AgentJob, Completed, complete_agent
from esign_kit.agents.egov_qr.offer import rows_of
from esign_kit.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from esign_kit.agents.egov_qr.offer import EgovOffer
    from esign_kit.model.assurance import Assurance
    from esign_kit.model.evidence import Evidence, Fetcher
    from esign_kit.model.levels import Level
    from esign_kit.profiles.data import Profile

__all__ = ["take"]


def take(
    offer: EgovOffer,
    body: str | bytes | Mapping[str, Any],
    *,
    profile: Profile,
    at: datetime,
    authorization: str = "",
    evidence: Iterable[bytes] | Evidence = (),
    fetcher: Fetcher | None = None,
    minimum: Level | Assurance | None = None,
) -> tuple[Completed, ...]:
    """Take what came back; answer 200 to the application if this returns, else 403.

    Ids and their order, their number, the method, the content of each, and the signer must be as
    offered.

    Raises:
        InputError: too late, not the application, or something else than was offered.
        SignatureRejected, IdentityError, AssuranceError: as of ``complete_agent``.
    """
    offer.check_access(authorization, at=at)
    data = read_json(body, "eGov Mobile")
    if data.get("signMethod") != offer.method:
        raise InputError("another method than was offered", code="agents.method")
    if offer.method == "SIGN_BYTES_ARRAY":
        raise UnsupportedError("signed digests are not read", code="agents.method")
    rows = rows_of(data)
    if [row.get("id") for row in rows] != [item.id for item in offer.documents]:
        raise InputError("other documents than were offered", code="agents.ids")
    xml = offer.method == "XML"
    offered = [item.data for item in offer.documents]
    answer = AgentAnswer(Outcome.OK, tuple(_signed(row, xml) for row in rows))
    return complete_agent(
        AgentJob.of(offered, xml=xml, signer=offer.signer),
        answer,
        profile=profile,
        at=at,
        documents=offered,
        evidence=evidence,
        fetcher=fetcher,
        minimum=minimum,
    )


def _signed(row: Mapping[str, Any], xml: bool) -> bytes:
    if xml:
        found = row.get("documentXml")
    else:
        document = row.get("document")
        file = document.get("file") if isinstance(document, dict) else None
        found = file.get("data") if isinstance(file, dict) else None
    if not isinstance(found, str):
        raise InputError("a document came back without its data", code="agents.answer")
    return found.encode("utf-8")
