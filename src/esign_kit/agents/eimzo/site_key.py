"""The API key of a site: the vendor's signature over its domain, checked before anybody logs in.

Hash of the hash of the domain's name, by O'z DSt 1106; signed with one fixed key of the vendor,
printed in the agent's own public scripts. A wrong key shows only in the person's browser; here it
shows when the portal starts.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from esign_kit import crypto
from esign_kit.algorithms import digest_algorithm, signature_algorithm
from esign_kit.asn1.reader import encode, encode_oid

if TYPE_CHECKING:
    from esign_kit.crypto import PublicKey

__all__ = ["check_api_key"]

_KEY_TYPE = "1.2.860.3.15.1.1.2.1"
_PARAMETERS = "1.2.860.3.15.1.1.2.1.1"
_X = "29c7371abeb628c21dea54d24e6f17ad5de119bc495dcd402b27e642efa78cbd"
_Y = "be1401d23a79d1270d13332a0b4b1aefa533d2f75133c3cbc0061d8e47869749"


def check_api_key(domain: str, key: str) -> bool:
    """Tell whether a configured API key is the vendor's signature over this domain.

    Args:
        domain: as the browser names it, without scheme and port.
        key: 128 hexadecimal digits.
    """
    try:
        value = bytes.fromhex(key)
    except ValueError:
        return False
    if len(value) != 64:
        return False
    algorithm = signature_algorithm("OZDST1092-GOST34311-CP")
    hashed = digest_algorithm("GOST34311-CP").hash(domain.encode("utf-8"))
    return crypto.verify(_vendor(), algorithm, value, hashed)


@cache
def _vendor() -> PublicKey:
    point = bytes.fromhex(_X)[::-1] + bytes.fromhex(_Y)[::-1]
    kind = encode(0x30, encode_oid(_KEY_TYPE) + encode(0x30, encode_oid(_PARAMETERS)))
    return crypto.load_public_key(encode(0x30, kind + encode(0x03, b"\0" + encode(0x04, point))))
