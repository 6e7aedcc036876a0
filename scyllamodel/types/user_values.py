"""Values of user types: what the driver returns for one -> an instance of its class -> a tuple for the driver.

The class lives floors above; it is known by what it offers: ``__cql_name__``, ``__fields_by_cql__`` (the field names as
CQL has them, in the order of declaration), ``__load__(values)`` and ``__bind__()``. With ``__hashable__ = False`` it
says that its instances cannot be hashed.

A server may hold more fields than the class, in another order, or not yet the last ones: values are matched by name,
and the match is worked out once for each class of values that the driver returns.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from keyword import iskeyword
from operator import itemgetter
from typing import Any, NewType, Protocol, cast

from typing_extensions import TypeAliasType, TypeIs


class UserTypeClass(Protocol):
    """What a class must offer to be a user type."""

    __cql_name__: str
    __fields_by_cql__: tuple[str, ...]
    __load__: Callable[[Sequence[Any]], Any]

    def __bind__(self) -> tuple[Any, ...]: ...


def is_user_type(hint: object) -> TypeIs[type[UserTypeClass]]:
    """Whether this is a class that stands for a CQL user type."""
    return isinstance(hint, type) and hasattr(hint, "__cql_name__") and hasattr(hint, "__fields_by_cql__")


def mentioned(hints: Iterable[Any]) -> Iterator[type[UserTypeClass]]:
    """The classes of user types that these annotations name."""
    for hint in hints:
        if is_user_type(hint):
            yield hint
        elif isinstance(hint, TypeAliasType):
            yield from mentioned((hint.__value__,))
        elif isinstance(hint, NewType):
            yield from mentioned((hint.__supertype__,))
        else:
            yield from mentioned(typing.get_args(hint))


def is_hashable(cls: type[UserTypeClass]) -> bool:
    """Whether instances can be elements of a set and keys of a dict: not those with a list in a field, for example."""
    return bool(getattr(cls, "__hashable__", True))


def load_user_type(cls: type[UserTypeClass]) -> Callable[[Any], Any]:
    """A function from what the driver returns for the type to an instance of the class."""
    known = _Readers(cls)
    return lambda value: known[value.__class__](value)


def dump_user_type(cls: type[UserTypeClass]) -> Callable[[Any], tuple[Any, ...]]:
    """A function from an instance to a tuple in the order of declaration, which the driver takes."""

    def dump(value: Any) -> tuple[Any, ...]:
        if isinstance(value, cls):
            return value.__bind__()
        raise TypeError(f"a {cls.__qualname__} is needed, not {type(value).__qualname__}")

    return dump


class _Readers(dict[type, Callable[[Any], Any]]):
    """A reader for each class of values seen so far.

    An altered type gives the driver a new class, so the old ones are forgotten once in a while.
    """

    LIMIT = 64

    def __init__(self, cls: type[UserTypeClass]) -> None:
        self.cls = cls

    def __missing__(self, made: type) -> Callable[[Any], Any]:
        if len(self) >= self.LIMIT:
            self.clear()
        self[made] = reader = self._reader(made)
        return reader

    def _reader(self, made: type) -> Callable[[Any], Any]:
        load, names = self.cls.__load__, self.cls.__fields_by_cql__
        if issubclass(made, cast("type", self.cls)):
            return lambda value: value
        if issubclass(made, tuple):
            return _positions(load, _order(getattr(cast("type", made), "_fields", None), names))
        # An application may have registered a class of its own, or dict, with the session that it lends.
        if issubclass(made, dict):
            return lambda value: load([value.get(name) for name in names])
        return lambda value: load([getattr(value, name, None) for name in names])


def _positions(load: Callable[[Sequence[Any]], Any], order: tuple[int | None, ...]) -> Callable[[Any], Any]:
    """A reader of tuples that takes these positions; None where the server has no such field."""
    if order == tuple(range(len(order))):
        return _prefix(load, len(order))
    if len(order) > 1 and None not in order:
        take = itemgetter(*order)
        return lambda value: load(take(value))
    return lambda value: load([None if at is None else value[at] for at in order])


def _prefix(load: Callable[[Sequence[Any]], Any], count: int) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if len(value) != count:
            value = (*value[:count], *(None,) * (count - len(value)))
        return load(value)

    return read


def _order(found: Sequence[str] | None, wanted: Sequence[str]) -> tuple[int | None, ...]:
    """Where each wanted field is among those found; by position when the driver gave no names.

    The driver renames what no namedtuple takes (``class``, ``_x``, ``a b``) to ``field_<position>_``; such fields are
    matched in order of appearance.
    """
    if found is None:
        return tuple(range(len(wanted)))
    at = {name: index for index, name in enumerate(found)}
    hidden = iter([index for index, name in enumerate(found) if name == f"field_{index}_" and name not in wanted])
    return tuple(next(hidden, None) if _is_hidden(name) else at.get(name) for name in wanted)


def _is_hidden(name: str) -> bool:
    return not name.isidentifier() or iskeyword(name) or name.startswith("_")
