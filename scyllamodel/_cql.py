"""A lexer for CQL, used by every module that inspects or shows the text of a statement.

It follows ``Lexer.g`` of Cassandra and ``Cql.g`` of ScyllaDB: three kinds of comments, lines that end with a carriage
return or a line feed, and ``$$`` strings. Any text can be read, in one pass and in linear time; an unclosed string,
name or comment extends to the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias, cast

TokenKind: TypeAlias = Literal["space", "comment", "string", "name", "word", "constant", "symbol"]


class Token(NamedTuple):
    """A piece of CQL text.

    Attributes:
        kind: ``"name"`` is a name in double quotes, ``"word"`` a keyword or a bare name, ``"constant"`` a number, UUID,
            blob or duration.
        text: the piece as written, quotes included.
    """

    kind: TokenKind
    text: str


_TOKEN: Final = re.compile(
    r"""
    (?P<space> [ \t\r\n]+ )
  | (?P<comment> (?: -- | // ) [^\r\n]* | /\* .*? (?: \*/ | \Z ) )
  | (?P<string> ' (?: [^'] | '' )* (?: ' | \Z ) | \$\$ .*? (?: \$\$ | \Z ) )
  | (?P<name> " (?: [^"] | "" )* (?: " | \Z ) )
  | (?P<constant>
        [0-9A-Fa-f]{8} - [0-9A-Fa-f]{4} - [0-9A-Fa-f]{4} - [0-9A-Fa-f]{4} - [0-9A-Fa-f]{12} (?! [0-9A-Za-z_] )
      | P [0-9]{4} - [0-9]{2} - [0-9]{2} T [0-9]{2} : [0-9]{2} : [0-9]{2}
      | P [0-9T] [0-9YMDWTHS]* (?<= [YMDWHS] ) (?! [0-9A-Za-z_] )
      | 0 [xX] [0-9A-Fa-f]*
      | [0-9] (?: [0-9A-Za-z_.\u00b5] | (?<= [eE] ) [+-] (?= [0-9] ) )* )
  | (?P<word> [A-Za-z_] [A-Za-z0-9_]* )
  | (?P<symbol> . )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(cql: str) -> Iterator[Token]:
    """Yield all tokens of a text; joined, they are the text.

    >>> [token.text for token in tokens("DROP/*x*/TABLE a -- b")]
    ['DROP', '/*x*/', 'TABLE', ' ', 'a', ' ', '-- b']
    """
    for match in _TOKEN.finditer(cql):
        yield Token(cast("TokenKind", match.lastgroup), match.group())


def code_tokens(cql: str) -> Iterator[Token]:
    """Yield the tokens that a server parses: white space and comments are left out."""
    return (token for token in tokens(cql) if token.kind not in ("space", "comment"))


def one_line(cql: str) -> str:
    r"""Return a statement without comments and with single spaces; strings and quoted names are unchanged.

    >>> one_line("GRANT a -- first\n   TO 'b  c'")
    "GRANT a TO 'b  c'"
    """
    return _join_spaced("" if token.kind in ("space", "comment") else token.text for token in tokens(cql))


def without_literals(cql: str) -> str:
    """Return a statement on one line, with ``?`` for each literal and without comments.

    >>> without_literals("CREATE ROLE a WITH PASSWORD = 'x' -- 'y'"), without_literals("SELECT a FROM t2 LIMIT 10")
    ('CREATE ROLE a WITH PASSWORD = ?', 'SELECT a FROM t2 LIMIT ?')
    """
    replacements = {"space": "", "comment": "", "string": "?", "constant": "?"}
    return _join_spaced(replacements.get(token.kind, token.text) for token in tokens(cql))


def _join_spaced(pieces: Iterator[str]) -> str:
    """Join the pieces, with one space for each run of empty ones between them."""
    joined: list[str] = []
    for piece in pieces:
        if piece or (joined and joined[-1] != " "):
            joined.append(piece or " ")
    return "".join(joined).rstrip(" ")
