"""API 1 and API 2: the application reads who asks, then fetches what is to be signed."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.login.secret import Secret
    from esign_kit.model.identifier import Identifier

__all__ = ["EgovDocument", "EgovOffer", "EgovOrganisation", "launch_link", "qr_text"]

METHODS = ("XML", "CMS_WITH_DATA", "CMS_SIGN_ONLY", "SIGN_BYTES_ARRAY")
_APPS = {
    "personal": ("https://mgovsign.page.link/", "1476128386", "kz.egov.mobile", "kz.mobile.mgov"),
    "business": (
        "https://egovbusiness.page.link/",
        "1597880144",
        "kz.egov.mobile",
        "kz.mobile.mgov.business",
    ),
}


def qr_text(url: str) -> str:
    """Return the text of the QR code for the address of API 1.

    Raises:
        InputError: not https.
    """
    if urlsplit(url).scheme != "https":
        raise InputError("the application asks by https only", code="agents.url")
    return f"mobileSign:{url}"


def launch_link(url: str, *, app: str = "personal") -> str:
    """Return the address that opens the application on the same device.

    Args:
        url: of API 1.
        app: ``"personal"`` or ``"business"``.
    """
    qr_text(url)
    base, store, bundle, package = _APPS[app]
    inner = "https://m.egov.kz/mobileSign/?" + urlencode({"link": url})
    return base + "?" + urlencode({"link": inner, "isi": store, "ibi": bundle, "apn": package})


@dataclass(frozen=True, slots=True)
class EgovOrganisation:
    """Who asks."""

    bin: str
    name_ru: str
    name_kz: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class EgovDocument:
    """One thing to be signed.

    Attributes:
        id: comes back unchanged.
        data: octets of a file, or of an XML.
        meta: what the person is shown beside it.
    """

    id: str
    data: bytes = field(repr=False)
    name_ru: str = ""
    name_kz: str = ""
    name_en: str = ""
    mime: str = "@file/pdf"
    meta: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EgovOffer:
    """What is offered to the application.

    Attributes:
        method: ``"XML"``, ``"CMS_WITH_DATA"``, ``"CMS_SIGN_ONLY"`` or ``"SIGN_BYTES_ARRAY"``.
        uri: of API 2.
        token: the application shows it at API 2; ``None`` where the address itself is the secret.
        signer: who has to sign.
        expires: afterwards nothing is given and nothing taken.
    """

    organisation: EgovOrganisation
    documents: tuple[EgovDocument, ...]
    uri: str
    expires: datetime
    method: str = "CMS_WITH_DATA"
    description: str = ""
    token: Secret | None = field(default=None, repr=False)
    signer: Identifier | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method is one of {', '.join(METHODS)}")
        if len({item.id for item in self.documents}) != len(self.documents) or not self.documents:
            raise ValueError("documents need ids of their own")
        if self.expires.tzinfo is None:
            raise ValueError("expires needs a time zone")

    def who_asks(self) -> dict[str, Any]:
        """Return the answer of API 1."""
        document: dict[str, Any] = {"uri": self.uri, "auth_type": "None", "auth_token": ""}
        if self.token is not None:
            document["auth_type"] = "Token"
            document["auth_token"] = self.token.reveal()
        return {
            "description": self.description,
            "expiry_date": self.expires.isoformat(timespec="seconds"),
            "organisation": {
                "nameRu": self.organisation.name_ru,
                "nameKz": self.organisation.name_kz,
                "nameEn": self.organisation.name_en,
                "bin": self.organisation.bin,
            },
            "document": document,
        }

    def what_is_signed(self, authorization: str = "", *, at: datetime) -> dict[str, Any]:
        """Return the answer of API 2.

        Args:
            authorization: the field of that name in the request.

        Raises:
            InputError: too late (``agents.expired``), or not the application
                (``agents.authorization``).
        """
        self.check_access(authorization, at=at)
        return {
            "signMethod": self.method,
            "version": 2,
            "documentsToSign": [self._row(item) for item in self.documents],
        }

    def check_access(self, authorization: str, *, at: datetime) -> None:
        """Check time and token; the same for fetching and for bringing back.

        Raises:
            InputError: too late, or not the application.
        """
        if at >= self.expires:
            raise InputError("the offer has expired", code="agents.expired")
        if self.token is not None:
            expected = f"Bearer {self.token.reveal()}".encode()
            if not hmac.compare_digest(authorization.encode(), expected):
                raise InputError("not the application", code="agents.authorization")

    def _row(self, item: EgovDocument) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": item.id,
            "nameRu": item.name_ru,
            "nameKz": item.name_kz,
            "nameEn": item.name_en,
            "meta": [{"name": name, "value": value} for name, value in item.meta],
        }
        if self.method == "XML":
            row["documentXml"] = item.data.decode("utf-8")
        else:
            data = b64encode(item.data).decode("ascii")
            row["document"] = {"file": {"mime": item.mime, "data": data}}
        return row

    def to_json(self, *, at: datetime, authorization: str = "") -> str:
        """Return the answer of API 2 as text."""
        return json.dumps(self.what_is_signed(authorization, at=at), ensure_ascii=False)


def rows_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the documents of what came back.

    Raises:
        InputError: there are none.
    """
    rows = data.get("documentsToSign")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("no documents came back", code="agents.answer")
    return rows
