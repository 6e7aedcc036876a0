# ruff: noqa: B015 - the comparison is what is tested
"""Values that do not fit the annotations of `scyllamodel.types`."""

from __future__ import annotations

from scyllamodel import types as cql


def take(hits: cql.Counter, names: cql.Frozen[list[str]], number: cql.Int) -> None:
    """Parameters of three types."""


hits, names = cql.Counter(1), ["a"]
take(1, names, 1)  # error
take(hits, [1], 1)  # error
take(hits, names, "1")  # error
cql.Duration(months="1")  # error
cql.Duration(1) < cql.Duration(2)  # error
cql.Duration().days = 3  # error
cql.vector("3")  # error
