"""What is not a table in Kazakh certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.model.principal import PersonName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["names"]


def names(attributes: Mapping[str, Sequence[str]]) -> PersonName | None:
    """Cut the given name out of CN: GIVENNAME holds the patronymic, or is absent."""
    full = " ".join((attributes.get("CN") or ("",))[0].split())
    if not full:
        return None
    family = " ".join((attributes.get("SN") or ("",))[0].split()) or None
    patronymic = " ".join((attributes.get("GN") or ("",))[0].split()) or None
    given = None
    if family and full.startswith(family + " "):
        given = full[len(family) + 1 :]
    return PersonName(full, family, given, patronymic)
