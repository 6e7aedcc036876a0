"""Makes text of servers, files and rows safe to print.

Control characters drive terminals, format characters reorder text, and line breaks inside a value forge lines of a log
or table. Everything that prints calls one of these functions.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from scyllamodel._cql import tokens

_ESCAPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls, formats such as bidirectional overrides, lone surrogates, and line separators."""


class _EscapeTable(dict[int, str]):
    """A table for `str.translate` that fills itself: each unsafe character, as Python escapes it."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = (
            char.encode("unicode_escape").decode() if unicodedata.category(char) in _ESCAPED_CATEGORIES else char
        )
        return self[code]


_LINE_ESCAPES: Final = _EscapeTable()
_TEXT_ESCAPES: Final = _EscapeTable({9: "\t", 10: "\n"})


def printable(text: str) -> str:
    r"""Escape the unsafe characters of a text of several lines; its line breaks stay.

    >>> printable("a\x1b[2J\n\u202eb")
    'a\\x1b[2J\n\\u202eb'
    """
    return text.translate(_TEXT_ESCAPES)


def printable_line(text: str) -> str:
    r"""Escape the unsafe characters of a value within a line, or of the line itself, with line breaks and tabs.

    >>> printable_line("Ann\nerror: forged")
    'Ann\\nerror: forged'
    """
    return text.translate(_LINE_ESCAPES)


def printable_cql(cql: str, indent: str = "") -> str:
    r"""Format a statement over several lines; a line break inside a literal, quoted name or comment is escaped.

    >>> printable_cql("ALTER TABLE t\n  ADD \"a\nb\" int")
    'ALTER TABLE t\n  ADD "a\\nb" int'
    """
    pieces = (
        printable(token.text.replace("\n", f"\n{indent}")) if token.kind == "space" else printable_line(token.text)
        for token in tokens(cql)
    )
    return indent + "".join(pieces)
