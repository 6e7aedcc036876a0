"""Parse the CQL text of a type into a type value; the inverse of ``.cql``.

*In*: text as stored by servers or written by users. *Out*: a `CqlType` in normal form. Types nest, so the parser is a
cursor over tokens.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scyllamodel._cql import tokens
from scyllamodel._identifiers import unquote
from scyllamodel.types.cql_types import (
    NATIVE_NAMES,
    CqlType,
    CustomType,
    ListType,
    MapType,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    freeze,
    native,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN: Final = re.compile(r"""[A-Za-z0-9_]+|[<>,.]|"(?:[^"]|"")*"|'(?:[^']|'')*'""")
MAX_DEPTH: Final = 64
"""The maximum nesting of types: far deeper than any schema, and less than the recursion limit of the interpreter."""


@lru_cache(maxsize=4096)
def parse_type(text: str) -> CqlType:
    """Parse the CQL text of a type.

    >>> parse_type("FROZEN<LIST<LIST<VARCHAR>>>").cql
    'frozen<list<frozen<list<text>>>>'

    Raises:
        ValueError: the text is not a CQL type, or one nested more than `MAX_DEPTH` deep.
    """
    reader = _TypeReader(text)
    cql_type = reader.type()
    if reader.peek():
        raise reader.error("unexpected text after the type")
    return cql_type


class _TypeReader:
    """A cursor over the tokens of one type text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [token.text for token in tokens(text) if token.kind != "space"]
        self.position = self.depth = 0
        unexpected = next((token for token in self.tokens if not _TOKEN.fullmatch(token)), None)
        if unexpected is not None:
            raise self.error(f"{_truncated(unexpected)} is not valid here")

    def error(self, reason: str) -> ValueError:
        return ValueError(f"{_truncated(self.text)} is not a CQL type: {reason}")

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if not token or (expected is not None and token != expected):
            raise self.error(f"{expected or 'a type'!r} expected, got {token or 'the end'!r}")
        self.position += 1
        return token

    def type(self) -> CqlType:
        token = self.take()
        if token[0] == "'":
            return CustomType(token[1:-1].replace("''", "'"))
        if token in {"<", ">", ",", "."}:
            raise self.error(f"a type expected, got {token!r}")
        name = token.lower()
        if self.peek() == "<":
            return self.parametrised(name)
        if self.peek() == ".":  # keyspace.type: a type belongs to the keyspace of the table that uses it
            self.take()
            return UserTypeName(unquote(self.take()))
        return native(name) if name in NATIVE_NAMES or name == "varchar" else UserTypeName(unquote(token))

    def parametrised(self, name: str) -> CqlType:
        self.take("<")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"types can nest at most {MAX_DEPTH} deep")
        cql_type = self.parameters(name)
        self.depth -= 1
        return cql_type

    def parameters(self, name: str) -> CqlType:
        if name == "vector":
            element = self.type()
            self.take(",")
            dimension = self.take()
            self.take(">")
            if not dimension.isdecimal():
                raise self.error(f"the dimension of a vector must be a number, not {dimension!r}")
            return VectorType(element, int(dimension))
        parameters = [self.type()]
        while self.peek() == ",":
            self.take()
            parameters.append(self.type())
        self.take(">")
        factory = _FACTORIES.get(name)
        if factory is None or (name != "tuple" and len(parameters) != (2 if name == "map" else 1)):
            raise self.error(f"{name}<…> does not take {len(parameters)} parameters")
        return factory(parameters)


def _truncated(text: str) -> str:
    """Return the quoted text for a message, truncated if it is long."""
    return repr(text if len(text) <= 200 else f"{text[:199]}…")


_FACTORIES: Final[dict[str, Callable[[list[CqlType]], CqlType]]] = {
    "list": lambda arguments: ListType(arguments[0]),
    "set": lambda arguments: SetType(arguments[0]),
    "map": lambda arguments: MapType(arguments[0], arguments[1]),
    "tuple": lambda arguments: TupleType(tuple(arguments)),
    "frozen": lambda arguments: freeze(arguments[0]),
}
