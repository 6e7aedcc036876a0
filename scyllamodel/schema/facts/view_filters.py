"""Filters of materialized views, split into relations.

*In*: the text after ``WHERE``, as servers store it. *Out*: its relations, and which of them only exclude nulls.
"""

from __future__ import annotations

from itertools import pairwise

from scyllamodel._cql import Token, code_tokens, tokens
from scyllamodel._identifiers import unquote


def relations(where: str) -> list[str]:
    """The texts between the ``AND`` keywords of a filter, outside parentheses.

    >>> relations("a IS NOT NULL AND b = 'x AND y'")
    ['a IS NOT NULL', "b = 'x AND y'"]
    """
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens(where):
        depth += (token.text == "(") - (token.text == ")")
        if depth <= 0 and token.kind == "word" and token.text.upper() == "AND":
            parts.append([])
        else:
            parts[-1].append(token.text)
    return [text for pieces in parts if (text := "".join(pieces).strip())]


def not_null_column(relation: str) -> str | None:
    """The column of a relation ``IS NOT NULL``; None for any other relation.

    >>> not_null_column('"At" is not null'), not_null_column("at > 5")
    ('At', None)
    """
    token_texts = [token.text for token in code_tokens(relation)]
    is_not_null = len(token_texts) == 4 and [text.upper() for text in token_texts[1:]] == ["IS", "NOT", "NULL"]
    return unquote(token_texts[0]) if is_not_null else None


def has_unescaped_quote(where: str, *, stored: bool = True) -> bool:
    """Whether a text constant of a filter contains a quote, which servers store without its escape.

    Parameters:
        stored: whether the text comes from a server, which stores ``'it''s'`` as ``'it's'``.

    >>> has_unescaped_quote("a = 'it's'"), has_unescaped_quote("a = 'its' AND b = 'x'")
    (True, False)
    >>> has_unescaped_quote("a = 'it''s'", stored=False)
    True
    """
    code = [token for token in tokens(where) if token.kind != "comment"]
    strings = [
        (token, following) for token, following in pairwise([*code, Token("space", "")]) if token.kind == "string"
    ]
    if not stored:
        return any("'" in token.text[1:-1] for token, _ in strings)
    return any(
        following.kind not in ("space", "symbol") or not _is_terminated(token.text) for token, following in strings
    )


def _is_terminated(text: str) -> bool:
    return text.startswith("$$") or (len(text) > 1 and text.endswith("'") and text.count("'") % 2 == 0)
