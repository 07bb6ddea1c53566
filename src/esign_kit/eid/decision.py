"""Several signers, several subjects, one decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.model.mandate import Decision, DecisionStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from esign_kit.model.principal import Principal

__all__ = ["all_of", "any_of", "signed_by"]


def all_of(name: str, decisions: Iterable[Decision]) -> Decision:
    """Return one decision that is granted only if every one is; no decision is a refusal.

    Args:
        name: what it is about, for people (``"tax notice"``).
        decisions: each with its own reasons, all of which are kept.
    """
    items = tuple(decisions)
    return _joined(name, items, bool(items) and all(item.granted for item in items))


def any_of(name: str, decisions: Iterable[Decision]) -> Decision:
    """Return one decision that is granted if at least one is; no decision is a refusal."""
    items = tuple(decisions)
    return _joined(name, items, any(item.granted for item in items))


def signed_by(
    principals: Iterable[Principal], wanted: Mapping[str, Callable[[Principal], bool]]
) -> Decision:
    """Decide whether every wanted signer is there, each a principal of its own.

    A tax notice needs the head of the authority *and* the authority: one principal never fills two
    places.

    Args:
        principals: of the signatures that passed, in any order.
        wanted: a test for each place by name (``"head": lambda p: p.kind == "PERSON"``).

    Raises:
        ValueError: no principals, so that nobody knows for which moment to decide.
    """
    left: list[Principal] = []
    for principal in principals:
        # Who signs twice is one signer.
        if not any(principal.holders & other.holders for other in left):
            left.append(principal)
    if not left:
        raise ValueError("no principals: nobody signed")
    at = max(principal.at for principal in left)
    steps = tuple(
        DecisionStep(name, seat is not None, str(seat) if seat else "nobody signed as it")
        for name, seat in _seats(left, wanted).items()
    )
    granted = bool(steps) and all(step.passed for step in steps)
    code = "" if granted else "signer-missing"
    return Decision(granted, "signed-by", at, None, code, None, steps)


def _seats(
    principals: list[Principal], wanted: Mapping[str, Callable[[Principal], bool]]
) -> dict[str, Principal | None]:
    """Seat principals so that as many places as possible are filled (augmenting paths)."""
    holder: dict[int, str] = {}

    def seat(name: str, tried: set[int]) -> bool:
        for number, principal in enumerate(principals):
            if number in tried or not wanted[name](principal):
                continue
            tried.add(number)
            if number not in holder or seat(holder[number], tried):
                holder[number] = name
                return True
        return False

    for name in wanted:
        seat(name, set())
    found: dict[str, Principal | None] = dict.fromkeys(wanted)
    for number, name in holder.items():
        found[name] = principals[number]
    return found


def _joined(name: str, items: tuple[Decision, ...], granted: bool) -> Decision:
    if not items:
        raise ValueError("nothing to decide")
    steps = tuple(DecisionStep(item.right, item.granted, "; ".join(item.reasons)) for item in items)
    code = "" if granted else next((item.code for item in items if not item.granted), "refused")
    at = max(item.at for item in items)
    return Decision(granted, name, at, None, code, None, steps)
