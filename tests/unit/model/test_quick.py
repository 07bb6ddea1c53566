"""A quick frozen value is what ``dataclass`` makes, at less cost."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from esign_kit.model.quick import later, lazy, quick


class Marked:
    __slots__ = ()
    mark = "x"


@dataclass(frozen=True, slots=True)
class Plain(Marked):
    name: str
    size: int = 3
    facts: dict[str, Any] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class Quick(Marked):
    name: str
    size: int = 3
    facts: dict[str, Any] = field(default_factory=dict)


def test_it_is_filled_by_position_name_and_default() -> None:
    assert Quick("a") == Quick(name="a", size=3, facts={})
    assert (Quick("a", 5).size, Quick("a").mark) == (5, "x")
    assert Quick("a").facts is not Quick("a").facts
    with pytest.raises(TypeError):
        Quick()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Quick("a", colour="red")  # type: ignore[call-arg]


def test_it_is_frozen_and_has_no_dictionary() -> None:
    value = Quick("a")
    assert type(value) is Quick
    with pytest.raises(FrozenInstanceError):
        value.size = 4  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del value.size
    assert not hasattr(value, "__dict__")


def test_it_is_a_value() -> None:
    value = Quick("a", 4, {"b": 1})
    assert value == Quick("a", 4, {"b": 1}) != Quick("a", 4)
    assert repr(value) == repr(Plain("a", 4, {"b": 1})).replace("Plain", "Quick")
    assert pickle.loads(pickle.dumps(value)) == value == copy.deepcopy(value)
    assert replace(value, size=9) == Quick("a", 9, {"b": 1})
    assert list(inspect.signature(Quick).parameters) == list(inspect.signature(Plain).parameters)


def test_a_factory_that_fails_leaves_nothing_half_made() -> None:
    def fail() -> int:
        raise LookupError

    @quick
    @dataclass(frozen=True, slots=True)
    class Failing:
        size: int = field(default_factory=fail)

    with pytest.raises(LookupError):
        Failing()
    assert Failing(1).size == 1


@quick
@lazy("facts")
@dataclass(frozen=True, slots=True)
class Slow:
    name: str
    facts: dict[str, Any] = field(default_factory=dict)


def test_what_is_made_later_is_made_once_when_it_is_asked_for() -> None:
    made: list[int] = []

    def make() -> dict[str, Any]:
        made.append(1)
        return {"n": len(made)}

    value = Slow("a", later(make))
    assert not made and value.name == "a"
    assert value.facts == value.facts == {"n": 1}
    assert (Slow("a").facts, Slow("a", {"b": 1}).facts) == ({}, {"b": 1})
    with pytest.raises(FrozenInstanceError):
        value.facts = {}  # type: ignore[misc]


def test_what_is_made_later_belongs_to_the_value() -> None:
    def value() -> Slow:
        return Slow("a", later(lambda: {"b": 1}))

    assert value() == value() == Slow("a", {"b": 1}) != Slow("a")
    assert repr(value()) == "Slow(name='a', facts={'b': 1})"
    assert pickle.loads(pickle.dumps(value())) == copy.deepcopy(value()) == value()
    assert replace(value(), name="c") == Slow("c", {"b": 1})
