"""Frozen values that cost little to make: every verification makes a dozen of them."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["later", "lazy", "quick"]

Value = TypeVar("Value")
Content = TypeVar("Content")


def quick(cls: type[Value]) -> type[Value]:
    """Make a frozen dataclass with slots as cheap to fill as one that is not frozen.

    A frozen dataclass fills itself by ``object.__setattr__``, at 100 ns a field, and a report has
    twenty. Here a new object is filled while it still is of a twin class, which has the same slots
    and is not frozen, and gets its own class last, before anybody has seen it: 2.3 µs for twenty
    fields become 0.6 µs. All else is as ``dataclass`` made it.

    Goes above ``@dataclass(frozen=True, slots=True)``, for classes without ``__post_init__`` whose
    fields are all their own.
    """
    own: tuple[Any, ...] = fields(cls)  # type: ignore[arg-type]
    twin = type(cls.__name__, cls.__bases__, {"__slots__": tuple(field.name for field in own)})
    scope: dict[str, Any] = {
        "_MISSING": MISSING,
        "_frozen": cls,
        "_set_class": object.__dict__["__class__"].__set__,
        "_twin": twin,
    }
    parameters, body = ["self"], ["_set_class(self, _twin)"]
    for field in own:
        name = value = parameter = field.name
        if field.default_factory is not MISSING:
            scope[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_MISSING"
            value = f"_make_{name}() if {name} is _MISSING else {name}"
        elif field.default is not MISSING:
            scope[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        parameters.append(parameter)
        body.append(f"self.{name} = {value}")
    body.append("self.__class__ = _frozen")
    # As dataclass itself does it: a function with these very parameters has to be compiled.
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), scope)  # noqa: S102
    made = scope["__init__"]
    made.__annotations__ = cls.__init__.__annotations__
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    cls.__init__ = made  # type: ignore[method-assign]
    return cls


def lazy(*names: str) -> Callable[[type[Value]], type[Value]]:
    """Let fields of a frozen dataclass with slots be given as :func:`later`.

    They are made when somebody asks for them first, be it to compare, print or pickle the value,
    and kept. Two threads that ask at once make the same twice. Most reports are never asked for
    the words of what passed.
    """

    def change(cls: type[Value]) -> type[Value]:
        for name in names:
            setattr(cls, name, _lazy_field(getattr(cls, name), name))
        return cls

    return change


def later(make: Callable[[], Content]) -> Content:
    """Return what stands in a :func:`lazy` field until it is asked for."""
    return cast("Content", make)


def _lazy_field(slot: Any, name: str) -> property:
    read, write = slot.__get__, slot.__set__

    def get(value: object) -> object:
        content = read(value)
        if callable(content):
            content = content()
            write(value, content)
        return content

    return property(get, write, doc=f"The field {name}.")
