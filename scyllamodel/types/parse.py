"""CQL text of a type -> the type as a value; the inverse of ``.cql``.

*In*: text as servers store it or people write it. *Out*: a `CqlType` in normal form. Types nest to any depth, so they
are read by a cursor over tokens; a pattern could not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scyllamodel._identifiers import unquote
from scyllamodel.types.values import (
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

_TOKEN: Final = re.compile(r"""\s*(?:("(?:[^"]|"")*")|('(?:[^']|'')*')|([A-Za-z0-9_]+)|([<>,.]))""")


@lru_cache(maxsize=4096)
def parse_type(text: str) -> CqlType:
    """The type that this CQL text means.

    >>> parse_type("FROZEN<LIST<LIST<VARCHAR>>>").cql
    'frozen<list<frozen<list<text>>>>'

    Raises:
        ValueError: the text is no CQL type.
    """
    reader = _Reader(text)
    found = reader.type()
    if reader.peek():
        raise reader.fault("something follows the type")
    return found


class _Reader:
    """A cursor over the tokens of one type text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self.fault(f"{text[at:]!r} cannot be read")
            self.tokens.append(match.group().strip())
            at = match.end()
        self.at = 0

    def fault(self, why: str) -> ValueError:
        return ValueError(f"{self.text!r} is no CQL type: {why}")

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        if not token or (wanted is not None and token != wanted):
            raise self.fault(f"{wanted or 'a type'!r} expected, {token or 'the end'!r} found")
        self.at += 1
        return token

    def type(self) -> CqlType:
        token = self.take()
        if token[0] == "'":
            return CustomType(token[1:-1].replace("''", "'"))
        if token in {"<", ">", ",", "."}:
            raise self.fault(f"a type expected, {token!r} found")
        word = token.lower()
        if self.peek() == "<":
            return self.parametrised(word)
        if self.peek() == ".":  # keyspace.type: a type lives in the keyspace of what uses it
            self.take()
            return UserTypeName(unquote(self.take()))
        return native(word) if word in NATIVE_NAMES or word == "varchar" else UserTypeName(unquote(token))

    def parametrised(self, word: str) -> CqlType:
        self.take("<")
        if word == "vector":
            element = self.type()
            self.take(",")
            dimension = self.take()
            self.take(">")
            if not dimension.isdecimal():
                raise self.fault(f"the dimension of a vector is a number, not {dimension!r}")
            return VectorType(element, int(dimension))
        inside = [self.type()]
        while self.peek() == ",":
            self.take()
            inside.append(self.type())
        self.take(">")
        make = _MAKERS.get(word)
        if make is None or (word != "tuple" and len(inside) != (2 if word == "map" else 1)):
            raise self.fault(f"{word}<…> does not take {len(inside)} parameters")
        return make(inside)


_MAKERS: Final[dict[str, Callable[[list[CqlType]], CqlType]]] = {
    "list": lambda inside: ListType(inside[0]),
    "set": lambda inside: SetType(inside[0]),
    "map": lambda inside: MapType(inside[0], inside[1]),
    "tuple": lambda inside: TupleType(tuple(inside)),
    "frozen": lambda inside: freeze(inside[0]),
}
