"""Trusted lists of ETSI TS 119 612 (v5 and v6): read, verified, kept, turned into trust anchors.

A list of lists is trusted because its signer's certificate was pinned by the caller; a list,
because a list of lists names its signer's certificate. Nothing in a list counts that its signature
does not cover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.trustlist.anchors import Selection, anchors_of
    from esign_kit.trustlist.model import Period, Pointer, Service, TrustList
    from esign_kit.trustlist.qualifiers import Listed, Listing, Qualification, listed
    from esign_kit.trustlist.updating import ListSource, ListState, RefreshReport, load, refresh
    from esign_kit.trustlist.verify import verify_list

__all__ = [
    "ListSource",
    "ListState",
    "Listed",
    "Listing",
    "Period",
    "Pointer",
    "Qualification",
    "RefreshReport",
    "Selection",
    "Service",
    "TrustList",
    "anchors_of",
    "listed",
    "load",
    "refresh",
    "verify_list",
]

_HOMES = {
    "ListSource": "updating",
    "ListState": "updating",
    "Listed": "qualifiers",
    "Listing": "qualifiers",
    "Period": "model",
    "Pointer": "model",
    "Qualification": "qualifiers",
    "RefreshReport": "updating",
    "Selection": "anchors",
    "Service": "model",
    "TrustList": "model",
    "anchors_of": "anchors",
    "listed": "qualifiers",
    "load": "updating",
    "refresh": "updating",
    "verify_list": "verify",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'esign_kit.trustlist' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"esign_kit.trustlist.{home}"), name)
    globals()[name] = value
    return value
