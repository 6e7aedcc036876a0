"""What vector and full-text indexes of ScyllaDB take: their columns, options and values (seen on 2026.3).

*In*: an index, its class as the server spells it, its table. *Out*: what the server would refuse, and what to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.server import index_family
from scyllamodel.types.values import Native, VectorType

if TYPE_CHECKING:
    from scyllamodel.schema.facts import Index, Table

Fault = tuple[str, str]
"""What is wrong, and what to do."""

_VECTOR: Final = "vector_index"
_ANALYZERS: Final = (
    "standard", "english", "german", "french", "spanish", "italian", "portuguese", "russian", "simple", "whitespace",
)  # fmt: skip


def _one_of(*allowed: str) -> Callable[[str], str | None]:
    return lambda value: None if value.lower() in allowed else f"one of {', '.join(allowed)}"


def _between(least: float, most: float) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        try:
            return None if least <= float(value) <= most else f"from {least:g} to {most:g}"
        except ValueError:
            return f"a number from {least:g} to {most:g}"

    return check


def _anything(_: str) -> None:
    """Left to the server."""


_OPTIONS: Final[Mapping[str, Mapping[str, Callable[[str], str | None]]]] = {
    _VECTOR: {
        "similarity_function": _one_of("cosine", "euclidean", "dot_product"),
        "maximum_node_connections": _between(1, 512),
        "construction_beam_width": _anything,
        "search_beam_width": _anything,
        "quantization": _anything,
        "oversampling": _between(1, 100),
        "rescoring": _anything,
        "source_model": _anything,
    },
    "fulltext_index": {"analyzer": _one_of(*_ANALYZERS), "positions": _one_of("true", "false")},
}


def viewless_faults(index: Index, using: str, table: Table) -> Iterator[Fault]:
    """What the server refuses of an index of such a class."""
    family = index_family(using)
    yield from _column_faults(index, family, table)
    known = _OPTIONS[family]
    for name, value in index.options.items():
        if name not in known:
            yield f"an index of the class {family} has no option {name!r}", f"It takes {', '.join(known)}."
        elif (wanted := known[name](str(value))) is not None:
            yield f"the option {name!r} of {family} cannot be {str(value)!r}", f"Write {wanted}."


def _column_faults(index: Index, family: str, table: Table) -> Iterator[Fault]:
    first, *others = index.names(table) or ("",)
    column = table.get(first)
    kind = None if column is None else column.type
    if family == _VECTOR:
        if kind is not None and not (isinstance(kind, VectorType) and kind.element == Native("float")):
            yield f"a vector index is on vectors of floats, and {first} is {kind.cql}", "Index a vector<float, n>."
        vectors = [name for name in others if name in table and isinstance(table[name].type, VectorType)]
        if vectors:
            yield f"a vector index does not filter by vectors, such as {vectors[0]}", "Leave them out of filtering."
    elif kind is not None and kind not in {Native("text"), Native("ascii")}:
        yield f"a full-text index is on texts, and {first} is {kind.cql}", "Index a column of type text."
    elif others:
        yield "a full-text index is on one column", "Leave filtering out."
