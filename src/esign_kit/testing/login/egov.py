"""FakeEgovMobile: the telephone application, which fetches, signs and brings back."""

from __future__ import annotations

import copy
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.testing.entity import Entity

__all__ = ["FakeEgovMobile"]


class FakeEgovMobile:
    """The application with one person's key.

    Attributes:
        lies: ``"content"``, ``"ids"``, ``"order"``, ``"drops"``, ``"adds"``, ``"method"``,
            ``"unsigned"``.
    """

    def __init__(self, entity: Entity) -> None:
        """Make one."""
        self._entity = entity
        self.lies: set[str] = set()

    @staticmethod
    def authorization(who_asks: dict[str, Any]) -> str:
        """Return the field that it sends to API 2, as API 1 told it."""
        document = who_asks["document"]
        return f"Bearer {document['auth_token']}" if document["auth_type"] == "Token" else ""

    def sign(self, offered: dict[str, Any]) -> dict[str, Any]:
        """Return what it brings back for the answer of API 2."""
        lies = self.lies
        found = copy.deepcopy(offered)
        rows = found["documentsToSign"]
        for row in rows:
            if "unsigned" in lies:
                continue
            if "documentXml" in row:
                octets = b"<other/>" if "content" in lies else row["documentXml"].encode()
                row["documentXml"] = self._entity.sign(octets, format="xades").decode()
            else:
                file = row["document"]["file"]
                octets = b"other" if "content" in lies else b64decode(file["data"])
                attached = found["signMethod"] == "CMS_WITH_DATA"
                packaging = "attached" if attached else "detached"
                signed = self._entity.sign(octets, packaging=packaging)
                file["data"] = b64encode(signed).decode()
        if "ids" in lies:
            rows[0]["id"] = "another"
        if "order" in lies:
            rows.reverse()
        if "drops" in lies:
            rows.pop()
        if "adds" in lies:
            rows.append(copy.deepcopy(rows[0]))
        if "method" in lies:
            found["signMethod"] = "SIGN_BYTES_ARRAY"
        return found
