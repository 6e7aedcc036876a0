"""Checks the bind markers of raw CQL text against the values given.

In: the text and values of `Repo.raw`. Out: nothing, or a `TypeError` that says what to give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from scyllamodel._cql import tokens
from scyllamodel.query.checks.arguments import description
from scyllamodel.query.statement import Statement


def has_markers(cql: str) -> bool:
    """Whether a text has a ``?`` outside literals and comments.

    >>> has_markers("SELECT * FROM a WHERE b = ?"), has_markers("SELECT * FROM a WHERE b = '?' -- ?")
    (True, False)
    """
    return "?" in cql and any(token.text == "?" for token in tokens(cql))


def check_text(cql: object) -> None:
    """Refuse anything but text.

    Raises:
        TypeError: it is a statement or another object.
    """
    value: Any = cql
    if not isinstance(cql, str):
        advice = " Send a statement with repo.execute(statement)." if isinstance(cql, Statement) else ""
        raise TypeError(f"repo.raw() takes CQL text, got {description(value)}.{advice}")


def check_values(names: Sequence[str], values: object) -> None:
    """Refuse values that do not match the markers one to one; for missing ones the driver would leave columns unset.

    Parameters:
        names: the names of the markers.

    Raises:
        TypeError: too few or too many values, or an unknown name.
    """
    markers = f"the text has {len(names)} ({', '.join(names)})" if names else "the text has none"
    if isinstance(values, Mapping):
        given_names = set(map(str, cast("Mapping[object, object]", values)))
        if given_names != set(names):
            wrong_names = sorted(set(names) - given_names) or sorted(given_names - set(names))
            problem = f"{', '.join(wrong_names)} {'is' if len(wrong_names) == 1 else 'are'}"
            raise TypeError(
                f"repo.raw() takes one value for each marker, and {markers}: {problem} "
                f"{'missing' if set(names) - given_names else 'not among them'}. None is a null."
            )
        return
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise TypeError(f"repo.raw() takes values as a list or tuple, got {description(values)}.")
    count = len(cast("Sequence[object]", values))
    if count != len(names):
        raise TypeError(f"repo.raw() takes one value for each marker: {count} given, and {markers}. None is a null.")
