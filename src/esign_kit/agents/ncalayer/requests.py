"""Requests to the modules ``basics`` and ``commonUtils``, as JSON-able data."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ADDRESS",
    "STORAGES",
    "basics_sign",
    "change_locale",
    "create_cades",
    "create_cms",
    "get_active_tokens",
    "get_key_info",
    "sign_xml",
]

ADDRESS = "wss://127.0.0.1:13579/"
STORAGES = (
    "PKCS12", "JKS", "AKKaztokenStore", "AKKZIDCardStore", "AKEToken72KStore", "AKEToken5110Store",
    "AKJaCartaStore", "AKAKEYStore",
)  # fmt: skip
_BASICS = "kz.gov.pki.knca.basics"
_COMMON = "kz.gov.pki.knca.commonUtils"
_USAGES = {
    "sign": ("1.3.6.1.5.5.7.3.4",),
    "login": ("1.3.6.1.5.5.7.3.2",),
    # A GOST-2015 key serves both and bears the usage of signing only.
    "any": (),
}
_LOCALES = {"kk", "ru", "en"}


def basics_sign(
    data: bytes | str | Sequence[bytes | str],
    *,
    format: str = "cms",
    attached: bool = True,
    digested: bool = False,
    timestamp: bool = False,
    keys: str = "sign",
    roles: Sequence[str] = (),
    issuers: Sequence[bytes] = (),
    storages: Sequence[str] | None = None,
    locale: str = "ru",
) -> dict[str, Any]:
    """Return a request to sign, to the module ``basics``.

    Args:
        data: octets for CMS, text for XML; several for a series with one PIN.
        format: ``"cms"`` or ``"xml"``.
        attached: the content goes into the CMS.
        digested: ``data`` is a digest; what is signed cannot be shown to the person.
        timestamp: ask for a time-stamp.
        keys: which keys are offered: ``"sign"``, ``"login"`` or ``"any"``.
        roles: further extended key usages that a key must have.
        issuers: DER of issuing certificates; keys of others are not offered.
        storages: names of :data:`STORAGES`; any by default.
        locale: ``"kk"``, ``"ru"`` or ``"en"``.

    Raises:
        ValueError: an unknown word.
    """
    if format not in ("cms", "xml"):
        raise ValueError("format is cms or xml")
    if keys not in _USAGES:
        raise ValueError("keys is sign, login or any")
    _check_storages(storages or ())
    offered: str | list[str]
    if isinstance(data, (bytes, str)):
        offered = _text(data, format)
    else:
        offered = [_text(item, format) for item in data]
    parameters: dict[str, Any] = {}
    if format == "cms":
        parameters = {"decode": True, "encapsulate": attached, "digested": digested}
        if timestamp:
            parameters["tsaProfile"] = {}
    return {
        "module": _BASICS,
        "method": "sign",
        "args": {
            "allowedStorages": list(storages) if storages else None,
            "format": format,
            "data": offered,
            "signingParams": parameters,
            "signerParams": {
                "extKeyUsageOids": [*_USAGES[keys], *roles],
                "chain": [_base64(item) for item in issuers],
            },
            "locale": _locale(locale),
        },
    }


def get_active_tokens() -> dict[str, Any]:
    """Return a request for the tokens that are plugged in."""
    return _common("getActiveTokens")


def get_key_info(storage: str = "PKCS12") -> dict[str, Any]:
    """Return a request to let the person choose a key and to tell about it."""
    return _common("getKeyInfo", _storage(storage))


def create_cades(
    data: bytes, *, storage: str = "PKCS12", purpose: str = "SIGNATURE", attached: bool = True
) -> dict[str, Any]:
    """Return a request for a CMS without a time-stamp."""
    arguments = (_storage(storage), _purpose(purpose), _base64(data), attached)
    return _common("createCAdESFromBase64", *arguments)


def create_cms(
    data: bytes, *, storage: str = "PKCS12", purpose: str = "SIGNATURE", attached: bool = True
) -> dict[str, Any]:
    """Return a request for a CMS with a time-stamp."""
    arguments = (_storage(storage), _purpose(purpose), _base64(data), attached)
    return _common("createCMSSignatureFromBase64", *arguments)


def sign_xml(
    xml: str | Sequence[str], *, storage: str = "PKCS12", purpose: str = "SIGNATURE"
) -> dict[str, Any]:
    """Return a request for an enveloped XML signature, or for a series of them."""
    if isinstance(xml, str):
        return _common("signXml", _storage(storage), _purpose(purpose), xml, "", "")
    return _common("signXmls", _storage(storage), _purpose(purpose), list(xml), "", "")


def change_locale(locale: str) -> dict[str, Any]:
    """Return a request for another language of the windows."""
    return _common("changeLocale", _locale(locale))


def _common(method: str, *arguments: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"module": _COMMON, "method": method}
    if arguments:
        request["args"] = list(arguments)
    return request


def _text(item: bytes | str, format: str) -> str:
    if format == "xml":
        return item.decode("utf-8") if isinstance(item, bytes) else item
    return _base64(item.encode() if isinstance(item, str) else item)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _check_storages(names: Sequence[str]) -> None:
    for name in names:
        _storage(name)


def _storage(name: str) -> str:
    if name not in STORAGES:
        raise ValueError(f"no storage {name!r}; there are {', '.join(STORAGES)}")
    return name


def _purpose(name: str) -> str:
    if name not in ("SIGNATURE", "AUTHENTICATION"):
        raise ValueError("purpose is SIGNATURE or AUTHENTICATION")
    return name


def _locale(name: str) -> str:
    if name not in _LOCALES:
        raise ValueError("locale is kk, ru or en")
    return name
