"""Recognize statements that change roles or permissions, whose effect no schema shows."""

from __future__ import annotations

from itertools import islice, product
from typing import Final

from scyllamodel._cql import code_tokens

_VERBS: Final = ("GRANT", "REVOKE")
_STATEMENTS: Final = frozenset(product(("CREATE", "ALTER", "DROP", "ADD"), ("ROLE", "USER", "IDENTITY")))


def role_change_note(*statements: str | None) -> str:
    """An addition to the summary of a hand-written step that changes roles; empty for other steps."""
    is_role_change = any(cql is not None and changes_roles(cql) for cql in statements)
    return ", which changes roles or permissions" if is_role_change else ""


def changes_roles(cql: str) -> bool:
    """Whether a statement changes roles or permissions.

    >>> changes_roles("REVOKE MODIFY ON KEYSPACE shop FROM app"), changes_roles("/**/ alter role app WITH LOGIN = true")
    (True, True)
    >>> changes_roles("DROP TABLE role")
    False
    """
    keywords = tuple(token.text.upper() for token in islice(code_tokens(cql), 2))
    return keywords in _STATEMENTS or any(verb in _VERBS for verb in keywords[:1])
