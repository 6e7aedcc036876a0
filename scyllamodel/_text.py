"""Text for people, safe to print: what a server, a file or a row holds is spelled out where it would steer the reader.

Control characters drive terminals, format characters change the order of what is read, and line breaks inside a value
forge lines of a log or a table. Everything that prints calls one of these functions.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from scyllamodel._cql import tokens

_ESCAPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls, formats such as bidirectional overrides, lone surrogates, and line separators."""


class _EscapeTable(dict[int, str]):
    """A table for `str.translate` that fills itself: each character that steers, as Python would escape it."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = (
            char.encode("unicode_escape").decode() if unicodedata.category(char) in _ESCAPED_CATEGORIES else char
        )
        return self[code]


_LINE_ESCAPES: Final = _EscapeTable()
_TEXT_ESCAPES: Final = _EscapeTable({9: "\t", 10: "\n"})


def printable(text: str) -> str:
    r"""A text of several lines with all that steers a terminal or a reader spelled out; its own line breaks stay.

    >>> printable("a\x1b[2J\n\u202eb")
    'a\\x1b[2J\n\\u202eb'
    """
    return text.translate(_TEXT_ESCAPES)


def printable_line(text: str) -> str:
    r"""A value that stands within a line, or the line itself: line breaks and tabs are spelled out too.

    >>> printable_line("Ann\nerror: forged")
    'Ann\\nerror: forged'
    """
    return text.translate(_LINE_ESCAPES)


def printable_cql(cql: str, indent: str = "") -> str:
    r"""A statement over its lines; a line break within a literal, a quoted name or a comment is spelled out.

    >>> printable_cql("ALTER TABLE t\n  ADD \"a\nb\" int")
    'ALTER TABLE t\n  ADD "a\\nb" int'
    """
    pieces = (
        printable(token.text.replace("\n", f"\n{indent}")) if token.kind == "space" else printable_line(token.text)
        for token in tokens(cql)
    )
    return indent + "".join(pieces)
