"""A reader for the tokens of a statement, from left to right.

*In*: the text of a statement. *Out*: names, values, options and lists, in the order in which a parser reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scyllamodel._cql import Token, code_tokens
from scyllamodel._identifiers import unquote


class StatementSyntaxError(ValueError):
    """A statement that cannot be parsed."""


class StatementReader:
    """The tokens of a statement, and a position in them."""

    def __init__(self, cql: str) -> None:
        self._tokens = [token for token in code_tokens(cql) if token.text != ";"]
        self._position = 0

    def peek(self, ahead: int = 0) -> str:
        """The text of a token that is still to be read; empty after the last one."""
        position = self._position + ahead
        return self._tokens[position].text if position < len(self._tokens) else ""

    @property
    def is_done(self) -> bool:
        """Whether all tokens were read."""
        return self._position >= len(self._tokens)

    def next(self) -> Token:
        """Read one token.

        Raises:
            StatementSyntaxError: there is none left. The methods below raise it for a token that they do not expect.
        """
        if self.is_done:
            raise StatementSyntaxError("the statement is incomplete")
        self._position += 1
        return self._tokens[self._position - 1]

    def accept(self, *keywords: str) -> bool:
        """Read these keywords or symbols if they come next, and return whether they did; ``A|B`` is a choice."""
        matches = [self.peek(n).upper() in keyword.split("|") for n, keyword in enumerate(keywords)]
        self._position += len(keywords) if all(matches) else 0
        return all(matches)

    def expect(self, keyword: str) -> None:
        """Read this keyword or symbol."""
        if not self.accept(keyword):
            raise StatementSyntaxError(f"{keyword} is expected at {self.peek()!r}")

    def name(self) -> str:
        """Read a name, and return it raw."""
        token = self.next()
        if token.kind not in ("name", "word"):
            raise StatementSyntaxError(f"a name is expected at {token.text!r}")
        return unquote(token.text)

    def qualified(self) -> tuple[str | None, str]:
        """Read a name with or without its keyspace."""
        first = self.name()
        return (first, self.name()) if self.accept(".") else (None, first)

    def text_until(self, *stops: str, nested: str = "()") -> str:
        """Read up to one of these keywords or symbols outside brackets; returns the tokens joined by spaces.

        Parameters:
            nested: the brackets, opening ones before closing ones; ``<`` is a bracket only in a type.
        """
        opening, closing = nested[: len(nested) // 2], nested[len(nested) // 2 :]
        depth, pieces = 0, list[str]()
        while not self.is_done and not (depth == 0 and self.peek().upper() in stops):
            token = self.next().text
            depth += (token in opening) - (token in closing)
            pieces.append(token)
        return " ".join(pieces)

    def literal(self) -> Any:
        """Read a constant, map or list as a Python value."""
        token = self.next()
        if token.kind == "string":
            return token.text[2:-2] if token.text.startswith("$$") else token.text[1:-1].replace("''", "'")
        if token.text in "+-" and self.peek():
            value = self.literal()
            return -value if token.text == "-" else value
        if token.kind == "constant":
            return _number(token.text)
        if token.text == "{":
            return self._items("}", self._pair)
        if token.text == "[":
            return tuple(self._items("]", lambda: (self.literal(), None)))
        if token.kind == "word":
            return {"TRUE": True, "FALSE": False, "NULL": None}.get(token.text.upper(), token.text)
        raise StatementSyntaxError(f"a value is expected at {token.text!r}")

    def _items(self, end: str, read: Callable[[], tuple[Any, Any]]) -> dict[Any, Any]:
        items: dict[Any, Any] = {}
        while not self.accept(end):
            key, value = read()
            items[key] = value
            if self.peek() != end:
                self.expect(",")
        return items

    def _pair(self) -> tuple[str, Any]:
        key = str(self.literal())
        self.expect(":")
        return key, self.literal()

    def options(self) -> dict[str, Any]:
        """Read the options after ``WITH``; clustering orders and storage flags are skipped."""
        options_by_name: dict[str, Any] = {}
        if not self.peek():
            raise StatementSyntaxError("no option follows")
        while not self.is_done:
            if self.accept("CLUSTERING", "ORDER", "BY"):
                self.parenthesised()
            elif not self.accept("COMPACT", "STORAGE"):
                name = self.name()
                self.expect("=")
                options_by_name[name] = self.literal()
            if not self.is_done:
                self.expect("AND")
        return options_by_name

    def parenthesised(self) -> list[str]:
        """Read the texts between the commas of ``( … )``."""
        self.expect("(")
        texts = list[str]()
        while not self.accept(")"):
            texts.append(self.text_until(",", ")", nested="(<)>"))
            if not self.accept(",") and self.peek() != ")":
                raise StatementSyntaxError("a parenthesis is not closed")
        return texts


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
