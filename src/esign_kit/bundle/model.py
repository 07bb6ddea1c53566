"""What goes into a bundle beside the signature, and what comes out of checking one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.model.report import VerificationReport

__all__ = ["SCHEMA", "Attachment", "BundleReport"]

SCHEMA = "esign-kit/bundle/1"


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something kept with the proof: a login statement, a scanned form, a register's answer.

    Attributes:
        kind: ``"login"``, ``"mandate"``, ``"form"``, …; lower case letters and hyphens.
        name: file name, for people.
        data: the octets as they came.
        facts: what the portal knows about it (issuer, validated claims, …), plain data.
    """

    kind: str
    name: str
    data: bytes
    media_type: str = "application/octet-stream"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class BundleReport:
    """What came of asking the same question again.

    Attributes:
        identical: the report and the principals came out again octet for octet.
        differences: what did not, in words.
        intact: every file has the digest that the manifest states, and no other file is there.
        anchors_vouched: every anchor in the bundle is one that the caller trusts; ``None`` if the
            caller named no anchors. A verdict is worth what its anchors are worth.
        report: the verdict as computed now, from the bundle's octets alone.
        principals: the principals as computed now, plain data, one per signature (or ``None``).
        made_at: when the bundle was made, by its own word.
        made_with: version of the library that made it.
    """

    identical: bool
    differences: tuple[str, ...]
    intact: bool
    anchors_vouched: bool | None
    report: VerificationReport
    principals: tuple[Mapping[str, Any] | None, ...]
    mandates: tuple[Mapping[str, Any], ...]
    attachments: tuple[Attachment, ...]
    made_at: datetime
    made_with: str
    anchors: tuple[str, ...]

    def __bool__(self) -> bool:
        raise TypeError("a BundleReport has no truth value; read .identical and .report.indication")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "schema": "esign-kit/bundle-report/1",
            "identical": self.identical,
            "differences": list(self.differences),
            "intact": self.intact,
            "anchors_vouched": self.anchors_vouched,
            "anchors": list(self.anchors),
            "made_at": self.made_at.isoformat(),
            "made_with": self.made_with,
            "report": self.report.to_dict(),
            "principals": [dict(item) if item else None for item in self.principals],
            "mandates": [dict(item) for item in self.mandates],
            "attachments": [
                {
                    "kind": item.kind,
                    "name": item.name,
                    "media_type": item.media_type,
                    "size": len(item.data),
                    "facts": dict(item.facts),
                }
                for item in self.attachments
            ],
        }
