"""A change as plain JSON values, and back, so that what a statement did can be proved and undone by another process.

*In*: a change. *Out*: dicts, lists, text and numbers; and from those an equal change. The text of a statement says what
was sent, not what the schema has to look like afterwards: only the change knows that. Defaults are left
out, and so are attributes that do not count for equality, except whether an index was named and the options of the
view behind it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs

from scyllamodel._json import read_json
from scyllamodel.schema.changes import Change
from scyllamodel.schema.facts import FrozenMap, Index, Keyspace, Table, TableColumn, UserType, View
from scyllamodel.types import parse_type
from scyllamodel.types.values import CqlType

_TYPES: Final = get_args(CqlType)
_CLASSES: Final[Mapping[str, type[Any]]] = {
    found.__name__: found for found in (*get_args(Change), Index, Keyspace, Table, TableColumn, UserType, View)
}
_KEPT: Final = ("named", "view_options")


def change_text(change: Change) -> str:
    """The change as one line of JSON, the same for equal changes.

    >>> from scyllamodel.schema.changes import AddField
    >>> change_text(AddField("shop", "address", "city", parse_type("text")))
    '{"=":"AddField","field_type":{"cql":"text"},"keyspace":"shop","name":"city","type":"address"}'
    """
    return json.dumps(_plain(change), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def change_from(text: str | None) -> Change | None:
    """The change of `change_text`; None when there is none, or one that this release does not know.

    >>> change_from('{"=": "BendTime"}') is None
    True
    """
    try:
        found = _value(read_json(text or "null"))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return cast("Change", found) if isinstance(found, get_args(Change)) else None


def _plain(value: Any) -> Any:
    if isinstance(value, _TYPES):
        return {"cql": value.cql}
    kind: Any = value.__class__
    if attrs.has(kind):
        return {"=": kind.__name__, **{name: _plain(part) for name, part in _said(value)}}
    if isinstance(value, FrozenMap):
        return {"map": {name: _plain(part) for name, part in value.items()}}
    if isinstance(value, tuple):
        return [_plain(part) for part in cast("Sequence[Any]", value)]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _said(value: Any) -> Iterator[tuple[str, Any]]:
    kind: Any = value.__class__
    for field in attrs.fields(kind):
        found = getattr(value, field.name)
        if (field.eq or field.name in _KEPT) and found != _default(field):
            yield field.name, found


def _default(field: Any) -> Any:
    """What the field has when nobody says; a factory's default equals another made by it."""
    return field.default.factory() if hasattr(field.default, "factory") else field.default


def _value(found: Any) -> Any:
    if isinstance(found, list):
        return tuple(_value(part) for part in cast("Sequence[Any]", found))
    if not isinstance(found, dict):
        return found
    parts = cast("Mapping[str, Any]", found)
    if "cql" in parts and "=" not in parts:
        return parse_type(parts["cql"])
    if "map" in parts and "=" not in parts:
        return FrozenMap({name: _value(part) for name, part in parts["map"].items()})
    cls: Any = _CLASSES[parts["="]]
    made = cls(**{name: _value(part) for name, part in parts.items() if name != "="})
    odd = [name for name, hint in _hints(cls).items() if not _fits(getattr(made, name), hint)]
    if odd:
        raise TypeError(f"{parts['=']} has a strange {odd[0]}")
    return made


@functools.lru_cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is what a field of changes or facts is annotated with."""
    kind, inside = get_origin(hint), get_args(hint)
    if kind is Literal:
        return value in inside
    if kind in (Union, UnionType):
        return any(_fits(value, one) for one in inside)
    if kind is tuple:
        return type(value) is tuple and _fit(value, inside)
    if isinstance(value, FrozenMap):
        return hint in (FrozenMap, Any) and all(_fits(part, FrozenMap) or _is_plain(part) for part in value.values())
    return hint is Any or type(value) is (kind or hint)


def _fit(values: Any, hints: Any) -> bool:
    """Whether the values of a tuple are those of its annotation."""
    whole = hints[:1] * len(values) if hints[-1] is Ellipsis else hints
    return len(values) == len(whole) and all(map(_fits, values, whole))


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (str, int, float, bool)
