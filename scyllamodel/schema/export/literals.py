"""Literals for generated Python, shell commands and Mermaid.

*In*: texts from a server, which may contain anything. *Out*: literals that read back as the same text and contain no
terminal control characters. CQL literals are in `scyllamodel._identifiers`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Final

from scyllamodel._text import printable_line

_LABEL: Final = re.compile(r"[^\w .,()/=+*'!?-]")
_ENTITIES: Final = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;"}


def python_text(text: str) -> str:
    r"""A text as a Python literal, in double quotes unless it contains quotes.

    >>> print(python_text("DS103:t.a"), python_text('a"b\n'))
    "DS103:t.a" 'a"b\n'
    """
    literal = repr(text)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in text and "'" not in text else literal


def python_set(texts: Iterable[str]) -> str:
    """A set of texts as a Python literal, in their order.

    >>> python_set(["DS103:t.a", "DS102:t"])
    '{"DS103:t.a", "DS102:t"}'
    """
    return f"{{{', '.join(map(python_text, texts))}}}"


def shell_word(text: str) -> str:
    r"""One word of a shell command.

    A text with control or format characters is written as ``$'…'`` (bash, zsh, POSIX 2024), so that the command stays
    on one line.

    >>> print(shell_word("DS103:t.a"), shell_word("a b"), shell_word("it's"), shell_word("a\n'b"))
    DS103:t.a 'a b' 'it'"'"'s' $'a\n\'b'
    """
    if printable_line(text) == text:
        return shlex.quote(text)
    quoted = "".join(f"\\{char}" if char in "\\'" else printable_line(char) for char in text)
    return f"$'{quoted}'"


def shell_line(*arguments: str) -> str:
    """A shell command of these words."""
    return " ".join(map(shell_word, arguments))


def mermaid_label(text: str) -> str:
    """The inside of a quoted text in Mermaid; characters with a meaning for its lexer or a browser become entities.

    >>> mermaid_label('%%{init: {"theme": "dark"}}%%')[:12], mermaid_label("map<text, int>")
    ('#37;#37;#123', 'map#lt;text, int#gt;')
    """
    return _LABEL.sub(lambda match: _ENTITIES.get(match[0], f"#{ord(match[0])};"), printable_line(text))


def mermaid_comment(text: str) -> str:
    """A comment line in Mermaid, which reads directives in comments, too."""
    return "%% " + re.sub(r"[%{}]", lambda match: f"\\x{ord(match[0]):02x}", printable_line(text))
