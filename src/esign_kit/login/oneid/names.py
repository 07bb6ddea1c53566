"""Names in OneID: ``sur_name`` and ``mid_name`` change places between its clients.

Most sources have the family name in ``sur_name`` and the patronymic in ``mid_name``; another
states the contrary. So neither field is believed by its name: the full name, which stands in the
order family, given, patronymic, decides, and then the form of a patronymic. Where neither decides,
the parts are left out and the full name is all there is. Nothing but show hangs on it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from esign_kit.model.principal import PersonName

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["person_name"]

_PATRONYMIC = re.compile(
    r"(?:.+(?:OVICH|EVICH|YEVICH|ICH|OVNA|EVNA|YEVNA|ICHNA|ОВИЧ|ЕВИЧ|ЁВИЧ|ИЧ|ОВНА|ЕВНА|ИЧНА)"
    r"|.+[ -]?(?:O.?G.?LI|UGLI|QIZI|KIZI|ЎҒЛИ|УГЛИ|ҚИЗИ|КИЗИ))"
)


def person_name(data: Mapping[str, Any], notes: list[str]) -> PersonName | None:
    """Return the name; what was done about swapped fields is noted."""
    full, given, sur, mid = (
        " ".join(str(data.get(name) or "").split())[:256]
        for name in ("full_name", "first_name", "sur_name", "mid_name")
    )
    order = _order(full.upper(), sur.upper(), mid.upper())
    if not full:
        full = " ".join(part for part in (sur, given, mid) if part)
    if not full:
        return None
    if order == "stated":
        return PersonName(full, sur or None, given or None, mid or None)
    if order == "swapped":
        notes.append("OneID has the patronymic in sur_name and the family name in mid_name")
        return PersonName(full, mid or None, given or None, sur or None)
    if sur or mid:
        notes.append("OneID's sur_name and mid_name cannot be told apart: left out")
    return PersonName(full, None, given or None, None)


def _order(full: str, sur: str, mid: str) -> str:
    begins_sur = bool(sur) and (full + " ").startswith(sur + " ")
    begins_mid = bool(mid) and (full + " ").startswith(mid + " ")
    if begins_sur != begins_mid:
        return "stated" if begins_sur else "swapped"
    like_sur, like_mid = bool(_PATRONYMIC.fullmatch(sur)), bool(_PATRONYMIC.fullmatch(mid))
    if like_sur != like_mid:
        return "swapped" if like_sur else "stated"
    return ""
