"""Reader of the tokens of a statement, from left to right.

*In*: the text of a statement. *Out*: names, values, options and lists, in the order in which a parser asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scyllamodel._cql import Token, code_tokens
from scyllamodel._identifiers import unquote


class StatementSyntaxError(ValueError):
    """A statement that cannot be read as one of its kind."""


class StatementReader:
    """Tokens of a statement, read from left to right."""

    def __init__(self, cql: str) -> None:
        self._tokens = [token for token in code_tokens(cql) if token.text != ";"]
        self._position = 0

    def peek(self, ahead: int = 0) -> str:
        """The text of a coming token; empty after the last one."""
        position = self._position + ahead
        return self._tokens[position].text if position < len(self._tokens) else ""

    @property
    def is_done(self) -> bool:
        """Whether all tokens were read."""
        return self._position >= len(self._tokens)

    def next(self) -> Token:
        """Read one token.

        Raises:
            StatementSyntaxError: there is none left; so do the methods below where something else is expected.
        """
        if self.is_done:
            raise StatementSyntaxError("it ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def accept(self, *words: str) -> bool:
        """Whether these keywords or symbols come next, which are then read; ``A|B`` is a choice."""
        matches = [self.peek(n).upper() in word.split("|") for n, word in enumerate(words)]
        self._position += len(words) if all(matches) else 0
        return all(matches)

    def expect(self, word: str) -> None:
        """Read this keyword or symbol."""
        if not self.accept(word):
            raise StatementSyntaxError(f"{word} is expected at {self.peek()!r}")

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
        """The tokens up to one of these keywords or symbols outside of brackets, with single spaces.

        Parameters:
            nested: the brackets that count, opening ones before closing ones; ``<`` is one in a type only.
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
        """The options after ``WITH``; orders and storage flags are left out."""
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
        """The texts between the commas of ``( … )``."""
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
