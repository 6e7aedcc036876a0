"""The texts in which servers store what an index is on and what a view leaves out, read as values.

*In*: ``indexes.options['target']`` and ``views.where_clause``. *Out*: column, part and locality of an index; the filter
of a view as far as it says more than a model does. Each server has spellings of its own (Scylla
``secondary_index.cc``, Cassandra ``IndexTarget.java``).
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
    """The column that an index is on, which part of it, and whether the index lives within a partition.

    >>> from scyllamodel.types.parser import parse_type
    >>> index_target("keys(tags)", {"tags": parse_type("set<text>")})  # how Scylla says values
    ('tags', 'values', False)
    >>> index_target('{"pk":["a"],"ck":["b"]}', {})
    ('b', 'values', True)

    Parameters:
        text: ``options['target']`` as stored; empty for a custom index on the rows of its table (``ON t ()``).
        types: of the table's columns, which tell what a server means.

    Raises:
        ValueError: the text is no target.
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
    """The part that a target without one means: a frozen collection is indexed as a whole."""
    found = types.get(name)
    return "full" if isinstance(found, (ListType, SetType, MapType)) and found.frozen else "values"


def _json_target(text: str, types: Mapping[str, CqlType]) -> tuple[str, IndexTarget, bool]:
    """Scylla: ``pk`` and ``ck`` of a local index; ``tc``, ``pk``, ``fc`` of a vector index; all names are raw."""
    try:
        document = read_json(text)
        columns = [*document["ck"]] if "ck" in document else [document["tc"], *document.get("fc", ())]
        name = ", ".join(columns)
        return name, _plain_part(name, types), bool(document.get("pk"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{text!r} is no index target") from error


def vector_partition(text: str, partition_key: Iterable[str]) -> tuple[str, ...]:
    """The columns within which a vector index searches; empty for the partition key, and for every other index.

    >>> vector_partition('{"tc":"v","pk":["lang"]}', ["a"]), vector_partition('{"tc":"v","pk":["a"]}', ["a"])
    (('lang',), ())

    An ordinary local index may hold an old name of a partition key column that was renamed; a vector index does not.
    """
    found: Mapping[str, list[str]] = read_json(text) if text.startswith("{") else {}
    columns = found.get("pk", []) if "tc" in found else []
    return () if columns == [*partition_key] else tuple(columns)


_NAME: Final = re.compile(r"""("(?:[^"]|"")+"|[^",\s()]+)(?:,\s*|$)""")


def _names(text: str) -> Iterator[str]:
    """The raw names in a list of columns, of which ordinary indexes have one."""
    offset = 0
    while offset < len(text):
        match = _NAME.match(text, offset)
        if match is None:
            raise ValueError(f"{text!r} is no index target")
        name = match.group(1)
        yield unquote(name) if name[0] == '"' else name
        offset = match.end()


def view_filter(text: str, keys: Iterable[str]) -> str:
    """The filter of a view; empty when all it says is that keys are not null, which is always so.

    >>> view_filter("a IS NOT null AND b IS NOT NULL", ["a", "b"])
    ''
    >>> view_filter("a IS NOT null AND b > 5", ["a", "b"])
    'a IS NOT NULL AND b > 5'
    """
    conditions = [(relation, not_null_column(relation)) for relation in relations(text)]
    if {column for _, column in conditions} <= set(keys):
        return ""
    return " AND ".join(text if column is None else f"{quote(column)} IS NOT NULL" for text, column in conditions)
