"""Where a key is, as people write it: a file, a token (``pkcs11:…``), a service (``csc:…``)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from esign_kit.cli.options import read_password
from esign_kit.errors import KeyStoreError

if TYPE_CHECKING:
    from esign_kit.keys.store import FileStore

__all__ = ["KeyPlace", "is_elsewhere", "open_elsewhere", "without_scheme"]


class KeyPlace(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A PKCS#11 URI, ``csc:`` and the address of a service, or a file that exists."""

    name = "KEY"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Return the text if it means something."""
        text = str(value)
        if not is_elsewhere(text) and not os.path.isfile(without_scheme(text)):
            self.fail(f"there is no file {text!r}; nor is it a pkcs11: or csc: address", param, ctx)
        return text


def is_elsewhere(place: str) -> bool:
    """Tell whether the key is on a token or at a service."""
    return place[:7].lower() == "pkcs11:" or place[:4].lower() == "csc:"


def without_scheme(place: str) -> str:
    """Return the path of a file that may be written with ``file:``."""
    return place[5:] if place[:5].lower() == "file:" else place


def open_elsewhere(
    place: str, password_file: str | None, certificates: tuple[bytes, ...] = ()
) -> FileStore:
    """Open a token or a service; what it asks for comes from a file, a variable or a person.

    Raises:
        KeyStoreError: as :meth:`Pkcs11.open` and :meth:`Csc.open`.
    """
    if place[:7].lower() == "pkcs11:":
        return _token(place, password_file, certificates)
    return _service(place[4:], password_file)


def _token(place: str, password_file: str | None, certificates: tuple[bytes, ...]) -> FileStore:
    from esign_kit.keys.pkcs11 import PinPrompt, Pkcs11, Pkcs11Uri

    uri = Pkcs11Uri.parse(place)
    if uri.pin_source is not None and password_file is None:
        return Pkcs11.open(uri, certificates=certificates)

    def ask(prompt: PinPrompt) -> str:
        words = f"PIN of the token {prompt.token}"
        if prompt.key:
            words += f" for a signature with {prompt.key}"
        if prompt.tries == "last":
            words += " (LAST TRY)"
        return read_password(password_file, prompt=words)

    return Pkcs11.open(uri, pin=ask, certificates=certificates)


def _service(address: str, password_file: str | None) -> FileStore:
    from esign_kit.keys.csc import Csc, HttpTransport
    from esign_kit.net import Guard

    url, _, credential = address.partition("#")
    hosts = os.environ.get("ESIGN_CSC_HOSTS", "").replace(",", " ").split()
    return Csc.open(
        url,
        token=os.environ.get("ESIGN_CSC_TOKEN"),
        credential=credential or None,
        pin=lambda: read_password(password_file, prompt="PIN of the remote key"),
        otp=_one_time_password,
        transport=HttpTransport(guard=Guard.of(hosts=hosts)),
    )


def _one_time_password() -> str:
    value = os.environ.get("ESIGN_OTP")
    if value is not None:
        return value
    if not sys.stdin.isatty():
        raise KeyStoreError(
            "the service asks for a one-time password and there is nobody to ask",
            code="keys.no-password",
            hint="set ESIGN_OTP",
        )
    answer: str = click.prompt("One-time password", hide_input=True, err=True, default="")
    return answer
