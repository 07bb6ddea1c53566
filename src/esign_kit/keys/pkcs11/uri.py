"""PKCS#11 URIs: which token, which object (RFC 7512)."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Self
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from esign_kit.errors import KeyStoreError

__all__ = ["Pkcs11Uri"]

_SCHEME = "pkcs11:"
_MAX_LENGTH = 4096
_PATH = {
    "token": "token",
    "manufacturer": "manufacturer",
    "serial": "serial",
    "model": "model",
    "library-manufacturer": "library_manufacturer",
    "library-description": "library_description",
    "library-version": "library_version",
    "object": "object",
    "type": "type",
    "id": "id",
    "slot-id": "slot_id",
    "slot-description": "slot_description",
    "slot-manufacturer": "slot_manufacturer",
}
_QUERY = {"module-path": "module_path", "module-name": "module_name", "pin-source": "pin_source"}
_TYPES = frozenset({"private", "cert", "public", "secret-key", "data"})
_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PCHAR = re.compile(r"[A-Za-z0-9\-._~:\[\]@!$'()*+,=&%/?|]*")


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """A PKCS#11 URI, decoded; absent attributes are ``None`` and match anything.

    Attributes:
        token, manufacturer, serial, model: of the token, as its information says.
        object: label of the key or certificate.
        id: its CKA_ID.
        module_path: the shared library. It is loaded into this process, so a URI has to come from
            whoever configures the program, never from a request.
        pin_source: file whose first line is the PIN, as a path.
    """

    token: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    library_manufacturer: str | None = None
    library_description: str | None = None
    library_version: str | None = None
    object: str | None = None
    type: str | None = None
    id: bytes | None = None
    slot_id: int | None = None
    slot_description: str | None = None
    slot_manufacturer: str | None = None
    module_path: str | None = None
    module_name: str | None = None
    pin_source: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URI.

        A PIN inside it (``pin-value``) is refused: URIs end up in configuration, process lists
        and logs. No message repeats the text.

        Raises:
            KeyStoreError: ``keys.uri`` for one that is malformed or has an attribute that we do
                not know (§ 2.3 forbids to guess), ``keys.pin-in-uri``.
        """
        if text[:7].lower() != _SCHEME or len(text) > _MAX_LENGTH:
            raise _malformed("it starts with pkcs11: and is at most 4096 characters long")
        path, _, query = text[7:].partition("?")
        found: dict[str, Any] = {}
        for part in filter(None, path.split(";")):
            name, separator, value = part.partition("=")
            field = _PATH.get(name)
            if field is None or not separator:
                raise _malformed(f"there is no path attribute {_shown(name)}")
            _put(found, field, name, _decoded(field, name, value))
        for part in filter(None, query.split("&")):
            name, separator, value = part.partition("=")
            if name == "pin-value":
                raise KeyStoreError(
                    "a PIN does not belong into a URI",
                    code="keys.pin-in-uri",
                    hint="name a file with pin-source=, or let the program ask for the PIN",
                )
            field = _QUERY.get(name)
            if field is None:
                continue  # § 2.4: unknown query attributes are ignored
            if not separator:
                raise _malformed(f"{name} has no value")
            _put(found, field, name, _decoded(field, name, value))
        return cls(**found)

    def matches_token(self, token: Any) -> bool:
        """Tell whether this URI may mean a token (an object with the fields of CK_TOKEN_INFO)."""
        return (
            _same(self.token, token.label)
            and _same(self.serial, token.serial)
            and _same(self.manufacturer, token.manufacturer)
            and _same(self.model, token.model)
            and (self.slot_id is None or self.slot_id == token.slot_id)
        )

    def matches_object(self, label: str, identifier: bytes) -> bool:
        """Tell whether this URI may mean an object with that label and CKA_ID."""
        return _same(self.object, label) and (self.id is None or self.id == identifier)

    def __str__(self) -> str:
        """The URI again; it never holds a PIN."""
        path = [
            f"{name}={_encoded(getattr(self, field))}"
            for name, field in _PATH.items()
            if getattr(self, field) is not None
        ]
        query = [
            f"{name}={_encoded(getattr(self, field))}"
            for name, field in _QUERY.items()
            if getattr(self, field) is not None
        ]
        return _SCHEME + ";".join(path) + ("?" + "&".join(query) if query else "")

    def with_(self, **changes: Any) -> Self:
        """Return a copy with other attributes."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return type(self)(**{**values, **changes})


def _put(found: dict[str, Any], field: str, name: str, value: Any) -> None:
    if field in found:
        raise _malformed(f"{name} stands twice")
    found[field] = value


def _decoded(field: str, name: str, value: str) -> Any:
    if _ESCAPES.search(value) or not _PCHAR.fullmatch(value):
        raise _malformed(f"the value of {name} is not percent-encoded")
    if field == "id":
        return unquote_to_bytes(value)
    try:
        text = unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise _malformed(f"the value of {name} is not UTF-8") from None
    if field == "slot_id":
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            raise _malformed("slot-id is no number")
        return int(text)
    if field == "type" and text not in _TYPES:
        raise _malformed(f"there is no type {_shown(text)}")
    if field == "pin_source":
        return _file_of(text)
    return text


def _file_of(value: str) -> str:
    """§ 2.4: a file URI, or a path; commands (``|…``) are not run."""
    if value.startswith("|"):
        raise _malformed("pin-source names a command; only files are read")
    if not value.lower().startswith("file:"):
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        raise _malformed("pin-source is no file") from None
    if parts.netloc not in ("", "localhost"):
        raise _malformed("pin-source names a file of another machine")
    return unquote(parts.path)


def _encoded(value: Any) -> str:
    if isinstance(value, bytes):
        return "".join(f"%{octet:02X}" for octet in value)
    return quote(str(value), safe="-._~:[]@!$'()*+,/")


def _same(wanted: str | None, found: str) -> bool:
    return wanted is None or wanted.rstrip() == found.rstrip()


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9-]{1,32}", name) else "of that name"


def _malformed(reason: str) -> KeyStoreError:
    return KeyStoreError(f"this is no PKCS#11 URI that can be read: {reason}", code="keys.uri")
