"""What is not a table in Vietnamese certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["kind"]


def kind(attributes: Mapping[str, Sequence[str]]) -> str | None:
    """Tell an authority from an official where no number stands (state bodies).

    An official's certificate names the office in O and OU and the person in CN; an authority's CN
    is an office itself. What is neither stays a person without a number.
    """
    if attributes.get("UID"):
        return None
    common = " ".join((attributes.get("CN") or ("",))[0].casefold().split())
    offices = [*attributes.get("O", ()), *attributes.get("OU", ())]
    if common and any(common == " ".join(office.casefold().split()) for office in offices):
        return "ORGANISATION"
    # "Chi cục Thuế …", "Sở …": the first word of an office, as it is written in CN.
    heads = ("chi cục", "cục", "tổng cục", "sở", "bộ", "ủy ban", "uỷ ban", "trung tâm")
    return "ORGANISATION" if common.startswith(tuple(h + " " for h in heads)) else None
