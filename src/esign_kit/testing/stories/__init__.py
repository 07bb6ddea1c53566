"""Five stories, one for each country: login, signature, acting for somebody, from start to end.

Each is what the back end of a portal would do, against fakes that behave like the real services:
deterministic, without network, with its refusals. ``esign demo kz`` tells one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from esign_kit.testing.stories.telling import Sentence, Telling

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["STORIES", "Sentence", "Telling", "tell"]

STORIES = {
    "kz": "Kazakhstan: registered as unemployed",
    "uz": "Uzbekistan: the cabinet of an organisation, and a worker who is let in",
    "mk": "North Macedonia: an employer's access without a token",
    "vn": "Viet Nam: six procedures under delegation, and a notice with two signatures",
    "az": "Azerbaijan: a request by document number and FIN",
}
"""Titles by country."""


def tell(country: str, listener: Callable[[Sentence], None] | None = None) -> Telling:
    """Tell a story to its end and return what was said; look at ``holds``.

    Args:
        country: a name of :data:`STORIES`.
        listener: hears each sentence as it is said.

    Raises:
        KeyError: no such story.
    """
    telling = Telling(STORIES[country], listener)
    import_module(f"esign_kit.testing.stories.{country}").tell(telling)
    return telling
