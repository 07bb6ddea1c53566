"""Object identifiers of Kazakhstan and Uzbekistan: what is known, and what is known only by name.

Sources: certificates of the two countries; where only a name is known (``UNSUPPORTED``), no public
sample proves the curve or the order of octets, and nothing is guessed.
"""

from __future__ import annotations

__all__ = ["KEYS", "UNSUPPORTED", "UZ_PARAMETERS", "KeyKind", "explain"]

from typing import NamedTuple

_KZ = "1.2.398.3.10.1."
_UZ = "1.2.860.3.15."


class KeyKind(NamedTuple):
    """A key algorithm: the scheme's key type and how its parameters look.

    Attributes:
        parameters: the parameter set that must be named first; empty for a set found by test.
        digest: prefix of the digest OID that may follow, empty for none.
        algorithm: name of the signature algorithm that a key of this kind prefers.
    """

    key_type: str
    parameters: str
    digest: str
    algorithm: str


KEYS = {
    _KZ + "1.1.1": KeyKind(
        "GOST34310-256", _KZ + "1.1.1.1", _KZ + "3.1", "GOST34310-GOST34311-TEST"
    ),
    _KZ + "1.2.2": KeyKind("GOST3410-512", _KZ + "1.2.2.1", _KZ + "3.3", "GOST3410-STREEBOG-512"),
    _UZ + "1.1.2.1": KeyKind("OZDST1092-256", "", "", "OZDST1092-GOST34311-CP"),
    _UZ + "2.1.2.1": KeyKind("OZDST1092-256", "", "", "OZMST286-GOST34311-CP-2024"),
}

UZ_PARAMETERS = {
    # The curve that real keys of the set lie on; a key of any set is tried on A, B and C, and a
    # difference from this table is remarked on, not refused.
    _UZ + "1.1.2.1.1": "CryptoPro-A",
    _UZ + "1.1.2.1.2": "CryptoPro-C",
}

UNSUPPORTED = {
    _KZ + "1.2.1": "GOST 34.10-2015 with 256 bits (Kazakhstan): no public key shows its curve",
    _KZ + "1.2.3.1": "GOST 34.10-2015 with 256 bits (Kazakhstan): no public key shows its curve",
    _UZ + "1.1.1.1": "O'zDSt 1092:2009 algorithm 1 (Uzbekistan): its parameters are not public",
    _UZ + "1.1.1.2.2.2": "O'zDSt 1092:2009 algorithm 1 (Uzbekistan): its parameters are not public",
}
_UNSUPPORTED_ARCS = {
    "1.3.6.1.4.1.6801.": "an algorithm of the first Kazakh authority (2011 to 2016)",
    "1.2.643.": "a Russian algorithm",
    _KZ: "an algorithm of the Kazakh arc that no public sample shows",
    _UZ: "an algorithm of the Uzbek arc that no public sample shows",
}


def explain(oid: str) -> str:
    """Return what is known of an algorithm that we do not compute; empty if nothing is."""
    if oid in KEYS:
        return ""
    named = UNSUPPORTED.get(oid)
    if named is not None:
        return named
    for arc, text in _UNSUPPORTED_ARCS.items():
        if oid.startswith(arc):
            return text
    return ""
