"""The QR code and the deep link of the mobile application.

``siteId`` (4 hexadecimal digits), ``documentId`` (8), the digest of the text (64, GOST R 34.11-94
with the parameters of O'z DSt 1106), and the CRC-32 of the octets of all that (8).
"""

from __future__ import annotations

import re
from binascii import crc32
from dataclasses import dataclass

from esign_kit.algorithms import digest_algorithm
from esign_kit.errors import InputError

__all__ = ["MobileCode", "deep_link", "mobile_code", "read_code"]

_CODE = re.compile(
    r"(?P<site>[0-9A-Fa-f]{4})(?P<document>[0-9A-Fa-f]{8})(?P<digest>[0-9a-fA-F]{64})"
    r"(?P<crc>[0-9a-fA-F]{8})",
    re.ASCII,
)
_LINK = "eimzo://sign?qc="


@dataclass(frozen=True, slots=True)
class MobileCode:
    """What a code says.

    Attributes:
        digest: of the text, as the person sees it on both screens.
    """

    site: str
    document: str
    digest: str

    def fits(self, text: bytes) -> bool:
        """Tell whether the code is for this text."""
        return _digest(text) == self.digest.lower()


def mobile_code(site: str, document: str, text: bytes) -> str:
    """Return the code for a challenge or a document.

    Args:
        site: as the vendor's server gave it, 4 hexadecimal digits.
        document: likewise, 8.
        text: the challenge, or the document.

    Raises:
        InputError: a malformed number.
    """
    head = f"{site}{document}{_digest(text)}"
    if not re.fullmatch(r"[0-9A-Fa-f]{76}", head, re.ASCII):
        raise InputError("siteId has 4 and documentId 8 hexadecimal digits", code="agents.code")
    return f"{head}{crc32(bytes.fromhex(head)):08x}"


def deep_link(code: str) -> str:
    """Return the address that opens the application on the same device."""
    return _LINK + code


def read_code(text: str) -> MobileCode:
    """Read a code or a deep link.

    Raises:
        InputError: it is none, or its CRC is wrong.
    """
    match = _CODE.fullmatch(text.removeprefix(_LINK))
    if match is None:
        raise InputError("this is no code of E-IMZO", code="agents.code")
    head = match["site"] + match["document"] + match["digest"]
    if crc32(bytes.fromhex(head)) != int(match["crc"], 16):
        raise InputError("the CRC of this code is wrong", code="agents.code")
    return MobileCode(match["site"], match["document"], match["digest"].lower())


def _digest(text: bytes) -> str:
    return digest_algorithm("GOST34311-CP").hash(text).hex()
