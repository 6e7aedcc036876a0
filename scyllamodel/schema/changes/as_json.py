"""Changes as JSON, so that another process can verify or undo what a statement did.

*In*: a change. *Out*: JSON, and from that an equal change. A change describes the schema after the statement, which
the text of the statement does not. Fields at their default are left out, and so are fields that are not compared,
except whether an index was named and the options of the view behind it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs

from scyllamodel._json import read_json, to_json
from scyllamodel.schema.changes.kinds import Change
from scyllamodel.schema.facts.objects import FrozenMap, Index, Keyspace, Table, TableColumn, UserType, View
from scyllamodel.types import parse_type
from scyllamodel.types.cql_types import CqlType

_TYPES: Final = get_args(CqlType)
_CLASSES: Final[Mapping[str, type[Any]]] = {
    change_class.__name__: change_class
    for change_class in (*get_args(Change), Index, Keyspace, Table, TableColumn, UserType, View)
}
_ALWAYS_STORED: Final = ("named", "view_options")


def change_to_json(change: Change) -> str:
    """The change as one line of JSON, equal for equal changes.

    >>> from scyllamodel.schema.changes.kinds import AddField
    >>> change_to_json(AddField("shop", "address", "city", parse_type("text")))
    '{"=":"AddField","field_type":{"cql":"text"},"keyspace":"shop","name":"city","type":"address"}'
    """
    return json.dumps(_tagged(change), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def change_from_json(text: str | None) -> Change | None:
    """The change that `change_to_json` wrote; None for None, and for a change that this release does not know.

    >>> change_from_json('{"=": "BendTime"}') is None
    True
    """
    try:
        change = _from_json(read_json(text or "null"))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return cast("Change", change) if isinstance(change, get_args(Change)) else None


def _tagged(value: Any) -> Any:
    if isinstance(value, _TYPES):
        return {"cql": value.cql}
    value_class: Any = value.__class__
    if attrs.has(value_class):
        return {"=": value_class.__name__, **{name: _tagged(part) for name, part in _stored_fields(value)}}
    if isinstance(value, FrozenMap):
        return {"map": {name: _tagged(part) for name, part in value.items()}}
    if isinstance(value, tuple):
        return [_tagged(part) for part in cast("Sequence[Any]", value)]
    return to_json(value)


def _stored_fields(value: Any) -> Iterator[tuple[str, Any]]:
    kind: Any = value.__class__
    for field in attrs.fields(kind):
        field_value = getattr(value, field.name)
        if (field.eq or field.name in _ALWAYS_STORED) and field_value != _default(field):
            yield field.name, field_value


def _default(field: Any) -> Any:
    """The default value of a field; a factory is called."""
    return field.default.factory() if hasattr(field.default, "factory") else field.default


def _from_json(document: Any) -> Any:
    if isinstance(document, list):
        return tuple(_from_json(part) for part in cast("Sequence[Any]", document))
    if not isinstance(document, dict):
        return document
    parts = cast("Mapping[str, Any]", document)
    if "cql" in parts and "=" not in parts:
        return parse_type(parts["cql"])
    if "map" in parts and "=" not in parts:
        return FrozenMap({name: _from_json(part) for name, part in parts["map"].items()})
    change_class: Any = _CLASSES[parts["="]]
    instance = change_class(**{name: _from_json(part) for name, part in parts.items() if name != "="})
    mismatched = [
        name for name, hint in _field_annotations(change_class).items() if not _fits(getattr(instance, name), hint)
    ]
    if mismatched:
        raise TypeError(f"{parts['=']} has a value of another type in {mismatched[0]}")
    return instance


@functools.lru_cache
def _field_annotations(fact_class: Any) -> dict[str, Any]:
    return get_type_hints(fact_class)


def _fits(value: Any, annotation: Any) -> bool:
    """Whether a value has the annotated type of its field."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return value in arguments
    if origin in (Union, UnionType):
        return any(_fits(value, option) for option in arguments)
    if origin is tuple:
        return type(value) is tuple and _elements_fit(value, arguments)
    if isinstance(value, FrozenMap):
        return annotation in (FrozenMap, Any) and all(
            _fits(part, FrozenMap) or _is_plain(part) for part in value.values()
        )
    return annotation is Any or type(value) is (origin or annotation)


def _elements_fit(values: Any, annotations: Any) -> bool:
    """Whether the values of a tuple have the annotated types."""
    element_annotations = annotations[:1] * len(values) if annotations[-1] is Ellipsis else annotations
    return len(values) == len(element_annotations) and all(map(_fits, values, element_annotations))


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (str, int, float, bool)
