"""How ``Principal.may`` decides: every mandate is tried, and every check of it is told."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from esign_kit.model.mandate import Decision, DecisionStep, Mandate, covers_unit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from esign_kit.model.identifier import Identifier
    from esign_kit.model.mandate import Sector

__all__ = ["check_mandate", "decide"]


def decide(
    right: str,
    *,
    holders: Iterable[Identifier],
    mandates: Iterable[Mandate],
    on_behalf_of: Identifier,
    at: datetime,
    unit: str | None = None,
    procedure: str | None = None,
    territory: str | None = None,
    sector: Sector | None = None,
) -> Decision:
    """Decide whether one of the holders may use ``right`` for ``on_behalf_of`` at ``at``.

    Deny is the default; the first mandate of which every check passes grants.
    """
    if at.tzinfo is None:
        raise ValueError("at without a time zone")
    own = frozenset(holders)
    best: tuple[int, Mandate | None, tuple[DecisionStep, ...]] = (-1, None, ())
    for mandate in mandates:
        if mandate.root.grantor != on_behalf_of and mandate.grantor != on_behalf_of:
            continue
        steps = check_mandate(
            mandate,
            right,
            holders=own,
            at=at,
            unit=unit,
            procedure=procedure,
            territory=territory,
            sector=sector,
        )
        passed = sum(step.passed for step in steps)
        if passed == len(steps):
            return Decision(True, right, at, on_behalf_of, "", mandate, steps)
        if passed > best[0]:
            best = (passed, mandate, steps)
    if best[1] is None:
        step = DecisionStep("mandate", False, f"no mandate to act for {on_behalf_of}")
        return Decision(False, right, at, on_behalf_of, "mandate-missing", None, (step,))
    code = next(step.name for step in best[2] if not step.passed)
    return Decision(False, right, at, on_behalf_of, f"mandate-{code}", best[1], best[2])


def check_mandate(
    mandate: Mandate,
    right: str,
    *,
    holders: frozenset[Identifier],
    at: datetime,
    unit: str | None = None,
    procedure: str | None = None,
    territory: str | None = None,
    sector: Sector | None = None,
) -> tuple[DecisionStep, ...]:
    """Return every check of one mandate, those of the chain above it included."""
    scope = mandate.scope
    steps = [
        DecisionStep("holder", mandate.holder in holders, f"granted to {mandate.holder}"),
        _right(mandate, right, procedure),
        _limit(
            "unit",
            scope.units is None or (unit is not None and covers_unit(scope.units, unit)),
            unit,
            scope.units,
        ),
        _limit(
            "procedure",
            scope.procedures is None or procedure in scope.procedures,
            procedure,
            scope.procedures,
        ),
        _limit(
            "territory",
            scope.territory is None or territory in scope.territory,
            territory,
            scope.territory,
        ),
        DecisionStep(
            "sector",
            scope.sector is None or sector is None or scope.sector == sector,
            f"mandate for {scope.sector or 'any'} employers",
        ),
    ]
    if right.partition(":")[2].partition(":")[0] == "seal":
        steps.append(DecisionStep("seal", mandate.seal, "the right of seal is stated on its own"))
    steps += _chain(mandate, at)
    return tuple(steps)


def _right(mandate: Mandate, right: str, procedure: str | None) -> DecisionStep:
    asked = {right} if procedure is None else {right, f"{right}:{procedure}"}
    granted = ", ".join(sorted(mandate.rights)) or "none"
    return DecisionStep("right", bool(asked & mandate.rights), f"asked {right}; granted {granted}")


def _limit(
    name: str, passed: bool, asked: str | None, allowed: frozenset[str] | None
) -> DecisionStep:
    if allowed is None:
        return DecisionStep(name, passed, "no limit")
    return DecisionStep(
        name, passed, f"asked {asked or 'nothing'}; allowed {', '.join(sorted(allowed)) or 'none'}"
    )


def _chain(mandate: Mandate, at: datetime) -> list[DecisionStep]:
    """Check times, preconditions and, link by link, that nobody passed on more than they had."""
    steps = []
    links = list(mandate.chain())
    for distance, link in enumerate(links):
        where = "" if distance == 0 else f" ({distance} above)"
        begun = link.valid_from is None or at >= link.valid_from
        ended = link.valid_until is not None and at >= link.valid_until
        steps.append(
            DecisionStep(
                "time",
                begun and not ended,
                f"from {link.valid_from or 'ever'} until {link.valid_until or 'ever'}{where}",
            )
        )
        gone = link.revoked_at is not None and at >= link.revoked_at
        steps.append(
            DecisionStep(
                "revocation",
                not gone,
                (f"revoked at {link.revoked_at}" if link.revoked_at else "in force") + where,
            )
        )
        if link.unmet:
            steps.append(DecisionStep("precondition", False, ", ".join(link.unmet) + where))
    for child, parent in pairwise(links):
        steps.append(
            DecisionStep(
                "chain",
                child.grantor == parent.holder,
                f"{child.grantor} passed on what {parent.holder} holds",
            )
        )
        more = child.rights - parent.rights
        steps.append(
            DecisionStep(
                "subset",
                not more,
                f"not held above: {', '.join(sorted(more))}" if more else "rights held above",
            )
        )
        wider = child.scope.within(parent.scope)
        steps.append(
            DecisionStep(
                "scope",
                not wider,
                f"wider than above: {', '.join(wider)}" if wider else "inside the one above",
            )
        )
        depth = parent.may_sub_delegate > child.may_sub_delegate
        steps.append(
            DecisionStep("depth", depth, f"may be passed on {parent.may_sub_delegate} times")
        )
        if child.seal and not parent.seal:
            steps.append(DecisionStep("seal", False, "the right of seal is not held above"))
    return steps
