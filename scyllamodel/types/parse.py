"""CQL text of a type -> the type as a value; the inverse of ``.cql``.

*In*: text as servers store it or people write it. *Out*: a `CqlType` in normal form. Types nest, so they are read by a
cursor over tokens.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scyllamodel._cql import tokens
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

_PART: Final = re.compile(r"""[A-Za-z0-9_]+|[<>,.]|"(?:[^"]|"")*"|'(?:[^']|'')*'""")
DEEPEST: Final = 64
"""How deep types may nest: far deeper than any schema, and not as deep as the interpreter can call."""


@lru_cache(maxsize=4096)
def parse_type(text: str) -> CqlType:
    """The type that this CQL text means.

    >>> parse_type("FROZEN<LIST<LIST<VARCHAR>>>").cql
    'frozen<list<frozen<list<text>>>>'

    Raises:
        ValueError: the text is not a CQL type, or one nested more than `MAX_DEPTH` deep.
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
        self.tokens = [token.text for token in tokens(text) if token.kind != "space"]
        self.at = self.depth = 0
        odd = next((token for token in self.tokens if not _PART.fullmatch(token)), None)
        if odd is not None:
            raise self.fault(f"{_shown(odd)} cannot be read")

    def fault(self, why: str) -> ValueError:
        return ValueError(f"{_shown(self.text)} is not a CQL type: {why}")

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
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault(f"types nest at most {DEEPEST} deep")
        found = self.parameters(word)
        self.depth -= 1
        return found

    def parameters(self, word: str) -> CqlType:
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


def _shown(text: str) -> str:
    """The text for a message, of which a long one shows its beginning."""
    return repr(text if len(text) <= 200 else f"{text[:199]}…")


_MAKERS: Final[dict[str, Callable[[list[CqlType]], CqlType]]] = {
    "list": lambda inside: ListType(inside[0]),
    "set": lambda inside: SetType(inside[0]),
    "map": lambda inside: MapType(inside[0], inside[1]),
    "tuple": lambda inside: TupleType(tuple(inside)),
    "frozen": lambda inside: freeze(inside[0]),
}
