"""Text for messages: made safe to print, and phrased.

Control characters drive terminals, format characters reorder text, and line breaks inside a value forge lines of a log
or table. Everything that prints text of servers, files and rows calls one of the ``printable`` functions. The others
suggest, count and list names, and derive one name from another.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
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


_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Convert the name of a class to snake_case.

    >>> snake_case("OrderLine"), snake_case("HTTPLog"), snake_case("OrderV2")
    ('order_line', 'http_log', 'order_v2')
    """
    return _WORD_START.sub("_", name).lower()


def closest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that is most similar, ignoring case; None if none is similar.

    >>> closest("totl", ["id", "total"]), closest("TOTAL", ["id", "total"]), closest("zzz", ["id", "total"])
    ('total', 'total', None)
    """
    names = {known_name.lower(): known_name for known_name in known}
    matches = difflib.get_close_matches(name.lower(), names, 1, cutoff)
    return names[matches[0]] if matches else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'status'?`` if one of the known names is similar, else an empty text."""
    nearest = closest(name, known)
    return "" if nearest is None else f"; did you mean {nearest!r}?"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "step"), counted(3, "step")
    ('1 step', '3 steps')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[object]) -> str:
    """Join names for a message.

    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', 'nothing')
    """
    texts = [str(name) for name in names]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else "nothing"
