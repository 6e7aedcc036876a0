"""Text that is sent and never shown.

A statement with a password in it passes through requests, errors, tracebacks and reports. `HiddenText` is a string that
none of these shows.
"""

from __future__ import annotations

import hashlib
from typing import Any

from typing_extensions import override

from scyllamodel._cql import without_literals

_ROUNDS = 200_000
"""Rounds of a digest: a guess at the password takes a tenth of a second."""


_DIGEST_PREFIX = "<secret statement, pbkdf2:"


class HiddenText(str):
    """A string that is shown as ``***`` wherever it is formatted, and that `pickle` replaces by None.

    >>> text = HiddenText("ALTER ROLE app WITH PASSWORD = 'x'")
    >>> text, f"{text}", "%s" % text, text.encode()[:10]
    (***, '***', '***', b'ALTER ROLE')
    """

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return "***"

    @override
    def __str__(self) -> str:
        return "***"

    @override
    def __format__(self, spec: str) -> str:
        return format("***", spec)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


def display_text(text: str) -> str:
    """Return the text for plans, ledgers and errors; of a hidden one a digest, which the next run compares.

    >>> display_text("SELECT 1"), display_text(HiddenText("ALTER ROLE app WITH PASSWORD = 'x'"))[:36]
    ('SELECT 1', '<secret statement, pbkdf2:57d15f8945')
    """
    return _digest(text) if isinstance(text, HiddenText) else text


def is_digest(text: str) -> bool:
    """Whether a text is the digest of a hidden one."""
    return text.startswith(_DIGEST_PREFIX)


def _digest(text: str) -> str:
    """Return a slow digest, salted with the public parts of the statement: two roles with one password differ."""
    raw, salt = text.encode("utf-8", "surrogatepass"), without_literals(text).encode("utf-8", "surrogatepass")
    return f"{_DIGEST_PREFIX}{hashlib.pbkdf2_hmac('sha256', raw, salt, _ROUNDS).hex()}>"
