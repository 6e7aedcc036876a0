"""JSON of other programs, read within limits and compared with the schemas of this package.

*In*: text of files, ledger rows and tokens. *Out*: plain values, or a `ValueError` that says what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final, NoReturn, cast

DEEPEST: Final = 64
"""How deep lists and objects may nest; documents of this package nest less than ten deep."""


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    >>> read_json('{"a": [1, null]}')
    {'a': [1, None]}

    Raises:
        ValueError: the text is not JSON, nests too deep, or holds NaN, infinity or half a surrogate pair.
    """
    try:
        found = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError(f"lists and objects nest more than {DEEPEST} deep") from None
    left = [(found, 1)]
    while left:
        value, depth = left.pop()
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, (dict, list)):
            if depth > DEEPEST:
                raise ValueError(f"lists and objects nest more than {DEEPEST} deep")
            left += [(inner, depth + 1) for inner in _inside(cast("dict[str, Any] | list[Any]", value))]
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON value")


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return value if isinstance(value, list) else [*value.keys(), *value.values()]


def check_document(document: Any, kind: str) -> None:
    """Compare a document with the schema of its kind, ``schemas/<kind>.schema.json``.

    Raises:
        ValueError: names the first place that does not fit, and what belongs there.
    """
    schema = _schema(kind)
    fault = next(_faults(document, schema, schema, "the document"), None)
    if fault is not None:
        raise ValueError(fault)


@lru_cache
def _schema(kind: str) -> Mapping[str, Any]:
    path = resources.files("scyllamodel") / "schemas" / f"{kind}.schema.json"
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _faults(value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], where: str) -> Iterator[str]:
    """What of a value does not fit, by the keywords that the schemas of this package use for structure."""
    inside: Any = value
    if "$ref" in schema:
        yield from _faults(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, where)
    kinds: Any = schema.get("type", ())
    if kinds and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{where} is not of type {kinds}"
        return
    words = [schema["const"]] if "const" in schema else schema.get("enum")
    if words is not None and not any(value == word and type(value) is type(word) for word in words):
        yield f"{where} is not {' or '.join(map(repr, words))}"
    if "minimum" in schema and isinstance(value, (int, float)) and value < schema["minimum"]:
        yield f"{where} is less than {schema['minimum']}"
    if isinstance(value, dict):
        yield from _object_faults(inside, schema, whole, where)
    elif isinstance(value, list) and "items" in schema:
        for at, item in enumerate(inside):
            yield from _faults(item, schema["items"], whole, f"{where}[{at}]")


def _object_faults(
    value: dict[str, Any], schema: Mapping[str, Any], whole: Mapping[str, Any], where: str
) -> Iterator[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    yield from (f"{where} has no {name!r}" for name in schema.get("required", ()) if name not in value)
    if schema.get("additionalProperties") is False:
        yield from (f"{where} has a strange {name!r}" for name in value if name not in properties)
    for name, inner in properties.items():
        if name in value:
            yield from _faults(value[name], inner, whole, f"{where}.{name}")


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def _is(value: Any, kind: str) -> bool:
    return type(value) in _TYPES[kind]
