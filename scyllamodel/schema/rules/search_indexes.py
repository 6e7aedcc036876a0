"""Columns, options and values that ScyllaDB's vector and full-text indexes support (observed on 2026.3).

*In*: an index, its class as the server spells it, its table. *Out*: what the server would refuse, and the fix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.server.profile import index_family
from scyllamodel.types.cql_types import Native, VectorType

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Index, Table

Fault = tuple[str, str]
"""The problem and the fix."""

_VECTOR: Final = "vector_index"
_ANALYZERS: Final = (
    "standard", "english", "german", "french", "spanish", "italian", "portuguese", "russian", "simple", "whitespace",
)  # fmt: skip


def _one_of(*allowed: str) -> Callable[[str], str | None]:
    return lambda value: None if value.lower() in allowed else f"one of {', '.join(allowed)}"


def _number_between(minimum: float, maximum: float) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        try:
            return None if minimum <= float(value) <= maximum else f"from {minimum:g} to {maximum:g}"
        except ValueError:
            return f"a number from {minimum:g} to {maximum:g}"

    return check


def _not_checked(_: str) -> None:
    """Accept any value; the server checks it."""


_OPTIONS: Final[Mapping[str, Mapping[str, Callable[[str], str | None]]]] = {
    _VECTOR: {
        "similarity_function": _one_of("cosine", "euclidean", "dot_product"),
        "maximum_node_connections": _number_between(1, 512),
        "construction_beam_width": _not_checked,
        "search_beam_width": _not_checked,
        "quantization": _not_checked,
        "oversampling": _number_between(1, 100),
        "rescoring": _not_checked,
        "source_model": _not_checked,
    },
    "fulltext_index": {"analyzer": _one_of(*_ANALYZERS), "positions": _one_of("true", "false")},
}


def viewless_faults(index: Index, using: str, table: Table) -> Iterator[Fault]:
    """The faults for which the server refuses an index of such a class."""
    family = index_family(using)
    yield from _column_faults(index, family, table)
    options = _OPTIONS[family]
    for name, value in index.options.items():
        if name not in options:
            yield f"an index of the class {family} has no option {name!r}", f"Its options are {', '.join(options)}."
        elif (allowed := options[name](str(value))) is not None:
            yield f"the option {name!r} of {family} cannot be {str(value)!r}", f"Use {allowed}."


def _column_faults(index: Index, family: str, table: Table) -> Iterator[Fault]:
    first, *filter_columns = index.names(table) or ("",)
    column = table.get(first)
    cql_type = None if column is None else column.type
    if family == _VECTOR:
        if cql_type is not None and not (isinstance(cql_type, VectorType) and cql_type.element == Native("float")):
            yield f"a vector index needs a vector of floats, but {first} is {cql_type.cql}", "Index a vector<float, n>."
        vectors = [name for name in filter_columns if name in table and isinstance(table[name].type, VectorType)]
        if vectors:
            yield f"a vector index cannot filter by vectors, such as {vectors[0]}", "Remove them from filtering."
    elif cql_type is not None and cql_type not in {Native("text"), Native("ascii")}:
        yield f"a full-text index needs a text column, but {first} is {cql_type.cql}", "Index a column of type text."
    elif filter_columns:
        yield "a full-text index has exactly one column", "Omit filtering."
