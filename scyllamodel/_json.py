"""Plain JSON values: makes them of values, reads them within limits, and checks them against this package's schemas.

*In*: values to write; text of files, ledger rows and tokens. *Out*: plain values, or a `ValueError` that says what is
wrong with a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NoReturn, cast

MAX_DEPTH: Final = 64
"""Maximum depth of lists and objects; documents of this package nest less than ten deep."""


def to_json(value: Any) -> Any:
    """Return a value as plain JSON values.

    Maps become dicts in the order of their names, sequences and sets lists, times ISO 8601, classes their names. An
    object with ``to_dict()`` becomes what that returns, and everything else text.

    >>> to_json({"b": ("x", 1), "a": {2, 1}, "c": int})
    {'a': [1, 2], 'b': ['x', 1], 'c': 'int'}
    """
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(name): to_json(item) for name, item in sorted(items, key=_name)}
    if isinstance(value, (list, tuple, set, frozenset)):
        values = [to_json(item) for item in cast("Iterable[object]", value)]
        return sorted(values, key=str) if isinstance(value, (set, frozenset)) else values
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, type):
        return value.__qualname__
    return value.to_dict() if hasattr(value, "to_dict") else str(value)


def _name(item: tuple[object, object]) -> str:
    return str(item[0])


def read_json(text: str | bytes) -> Any:
    """Parse a JSON text.

    >>> read_json('{"a": [1, null]}')
    {'a': [1, None]}

    Raises:
        ValueError: the text is not JSON, nests too deep, or holds NaN, infinity or half a surrogate pair.
    """
    try:
        document = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError(f"lists and objects nest more than {MAX_DEPTH} deep") from None
    pending = [(document, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, (dict, list)):
            if depth > MAX_DEPTH:
                raise ValueError(f"lists and objects nest more than {MAX_DEPTH} deep")
            pending += [(inner, depth + 1) for inner in _children(cast("dict[str, Any] | list[Any]", value))]
    return document


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON value")


def _children(value: dict[str, Any] | list[Any]) -> list[Any]:
    return value if isinstance(value, list) else [*value.keys(), *value.values()]


def check_document(document: Any, kind: str) -> None:
    """Compare a document with the schema of its kind, ``schemas/<kind>.schema.json``.

    Raises:
        ValueError: names the first place that does not fit, and the expected content.
    """
    schema = _schema(kind)
    fault = next(_schema_faults(document, schema, schema, "the document"), None)
    if fault is not None:
        raise ValueError(fault)


@lru_cache
def _schema(kind: str) -> Mapping[str, Any]:
    from importlib import resources  # noqa: PLC0415 - slow to import, and few programs check documents

    path = resources.files("scyllamodel") / "schemas" / f"{kind}.schema.json"
    schema: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _schema_faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], location: str) -> Iterator[str]:
    """Yield the parts of a value that do not fit a schema, by the keywords that this package's schemas use."""
    contents: Any = value
    if "$ref" in schema:
        yield from _schema_faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, location)
    kinds: Any = schema.get("type", ())
    if kinds and not any(_has_type(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{location} is not of type {kinds}"
        return
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed is not None and not any(value == choice and type(value) is type(choice) for choice in allowed):
        yield f"{location} is not {' or '.join(map(repr, allowed))}"
    if "minimum" in schema and isinstance(value, (int, float)) and value < schema["minimum"]:
        yield f"{location} is less than {schema['minimum']}"
    if isinstance(value, dict):
        yield from _object_faults(contents, schema, root, location)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(contents):
            yield from _schema_faults(item, schema["items"], root, f"{location}[{index}]")


def _object_faults(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], location: str
) -> Iterator[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    yield from (f"{location} has no {name!r}" for name in schema.get("required", ()) if name not in value)
    if schema.get("additionalProperties") is False:
        yield from (f"{location} has a strange {name!r}" for name in value if name not in properties)
    for name, inner in properties.items():
        if name in value:
            yield from _schema_faults(value[name], inner, root, f"{location}.{name}")


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def _has_type(value: Any, kind: str) -> bool:
    return type(value) in _TYPES[kind]
