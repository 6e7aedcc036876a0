"""Parsers for stored index targets and view filters.

*In*: ``indexes.options['target']`` and ``views.where_clause``. *Out*: column, part and locality of an index; the filter
of a view, empty if it only excludes null keys. The servers differ in their spelling (Scylla ``secondary_index.cc``,
Cassandra ``IndexTarget.java``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from scyllamodel._identifiers import quote, unquote
from scyllamodel._json import read_json
from scyllamodel.schema.facts.objects import IndexTarget
from scyllamodel.schema.facts.view_filters import not_null_column, relations
from scyllamodel.types.cql_types import CqlType, ListType, MapType, SetType

_TARGET: Final = re.compile(r"(keys|values|entries|full)\((.*)\)", re.DOTALL)


def index_target(text: str, types: Mapping[str, CqlType]) -> tuple[str, IndexTarget, bool]:
    """Parse an index target: the column, the part of it, and whether the index is local to a partition.

    >>> from scyllamodel.types.parser import parse_type
    >>> index_target("keys(tags)", {"tags": parse_type("set<text>")})  # Scylla's spelling of values
    ('tags', 'values', False)
    >>> index_target('{"pk":["a"],"ck":["b"]}', {})
    ('b', 'values', True)

    Parameters:
        text: ``options['target']`` as stored; empty for a custom index on the rows of its table (``ON t ()``).
        types: the types of the table's columns, which decide what a spelling means.

    Raises:
        ValueError: the text is not an index target.
    """
    if text.startswith("{"):
        return _json_target(text, types)
    match = _TARGET.fullmatch(text)
    if match is None:
        name = ", ".join(_names(text))
        return name, _plain_part(name, types), False
    part, name = cast("IndexTarget", match.group(1)), ", ".join(_names(match.group(2)))
    return name, "values" if part == "keys" and isinstance(types.get(name), SetType) else part, False


def _plain_part(name: str, types: Mapping[str, CqlType]) -> IndexTarget:
    """The part that a target without a keyword means: a frozen collection is indexed as a whole."""
    cql_type = types.get(name)
    return "full" if isinstance(cql_type, (ListType, SetType, MapType)) and cql_type.frozen else "values"


def _json_target(text: str, types: Mapping[str, CqlType]) -> tuple[str, IndexTarget, bool]:
    """Parse Scylla's JSON: ``pk`` and ``ck`` of a local index; ``tc``, ``pk``, ``fc`` of a vector index; raw names."""
    try:
        document = read_json(text)
        columns = [*document["ck"]] if "ck" in document else [document["tc"], *document.get("fc", ())]
        name = ", ".join(columns)
        return name, _plain_part(name, types), bool(document.get("pk"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{text!r} is not an index target") from error


def vector_partition(text: str, partition_key: Iterable[str]) -> tuple[str, ...]:
    """The columns within which a vector index searches; empty for the partition key, and for other indexes.

    >>> vector_partition('{"tc":"v","pk":["lang"]}', ["a"]), vector_partition('{"tc":"v","pk":["a"]}', ["a"])
    (('lang',), ())

    A vector index follows a renamed partition key column; an ordinary local index may still store the old name.
    """
    document: Mapping[str, list[str]] = read_json(text) if text.startswith("{") else {}
    columns = document.get("pk", []) if "tc" in document else []
    return () if columns == [*partition_key] else tuple(columns)


_NAME: Final = re.compile(r"""("(?:[^"]|"")+"|[^",\s()]+)(?:,\s*|$)""")


def _names(text: str) -> Iterator[str]:
    """Yield the raw names in a list of columns; an ordinary index has one."""
    offset = 0
    while offset < len(text):
        match = _NAME.match(text, offset)
        if match is None:
            raise ValueError(f"{text!r} is not an index target")
        name = match.group(1)
        yield unquote(name) if name[0] == '"' else name
        offset = match.end()


def view_filter(text: str, keys: Iterable[str]) -> str:
    """The filter of a view; empty if it only excludes null keys, as every view does.

    >>> view_filter("a IS NOT null AND b IS NOT NULL", ["a", "b"])
    ''
    >>> view_filter("a IS NOT null AND b > 5", ["a", "b"])
    'a IS NOT NULL AND b > 5'
    """
    conditions = [(relation, not_null_column(relation)) for relation in relations(text)]
    if {column for _, column in conditions} <= set(keys):
        return ""
    return " AND ".join(text if column is None else f"{quote(column)} IS NOT NULL" for text, column in conditions)
