"""Facts -> an entity-relationship diagram in Mermaid, which GitHub, GitLab and most wikis draw.

*In*: what a keyspace holds. *Out*: text that begins with ``erDiagram``. Tables, views and user types are entities; a
line leads from a view to its table, and from whoever holds a user type to the type. CQL knows no foreign keys, so no
other lines are drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from scyllamodel.schema.facts import KeyspaceFacts, Table, TableColumn, View
from scyllamodel.schema.left_out import functions, unreadable
from scyllamodel.schema.writers import mermaid_comment, mermaid_label
from scyllamodel.types.values import CqlType

_KEYS: Final = {"partition_key": "PK", "clustering": "CK"}
_INDENT: Final = "    "


def mermaid(facts: KeyspaceFacts) -> str:
    """The diagram of one keyspace.

    Partition keys are marked ``PK``; the order of a clustering key, static columns and indexes stand beside the column.
    """
    ids = _entity_ids(facts)
    lines = ["erDiagram"]
    for table in facts.tables:
        lines += _entity(ids["table", table.name], table.name, _columns(table, _indexed(table)))
    for view in facts.views:
        lines += _entity(ids["view", view.name], f"{view.name} (view)", _columns(view, frozenset()))
    for item in facts.types:
        fields = [_attribute(name, cql_type, "", []) for name, cql_type in item.fields]
        lines += _entity(ids["type", item.name], f"{item.name} (type)", fields)
    left_out = (*unreadable(facts), *functions(facts, "the diagram shows what holds rows"))
    missing = [_INDENT + mermaid_comment(str(found)) for found in left_out]
    return "\n".join([*lines, *_relations(facts, ids), *missing]) + "\n"


def _entity_ids(facts: KeyspaceFacts) -> dict[tuple[str, str], str]:
    """Mermaid wants plain identifiers; the raw name is shown beside each."""
    kinds = (("table", facts.tables), ("view", facts.views), ("type", facts.types))
    named = [(what, item.name) for what, items in kinds for item in items]
    return {key: f"{key[0]}{number}" for number, key in enumerate(named, 1)}


def _entity(entity: str, label: str, attributes: Iterable[str]) -> list[str]:
    return [
        f'{_INDENT}{entity}["{mermaid_label(label)}"] {{',
        *(_INDENT * 2 + line for line in attributes),
        f"{_INDENT}}}",
    ]


def _indexed(table: Table) -> frozenset[str]:
    return frozenset(index.column for index in table.indexes)


def _columns(found: Table | View, indexed: frozenset[str]) -> Iterator[str]:
    for column in found:
        yield _attribute(column.name, column.type, _KEYS.get(column.kind, ""), _told(column, indexed))


def _told(column: TableColumn, indexed: frozenset[str]) -> list[str]:
    order = ("descending" if column.descending else "ascending") if column.kind == "clustering" else ""
    static = "static" if column.kind == "static" else ""
    others = ("indexed" if column.name in indexed else "", "masked" if column.mask else "")
    return [word for word in (order, static, *others) if word]


def _attribute(name: str, cql_type: CqlType, key: str, told: list[str]) -> str:
    """``type name KEY "comment"``; what Mermaid's grammar does not take in the first two stands in the comment."""
    plain, shown = _word(name), _word(cql_type.cql)
    said = [*([name] if plain != name else []), *([cql_type.cql] if shown != cql_type.cql else []), *told]
    # Mermaid knows PK, FK and UK alone, so a clustering key is part of the primary key and says so in words.
    key, said = ("PK", ["clustering", *said]) if key == "CK" else (key, said)
    parts = [shown, plain, key, f'"{mermaid_label(", ".join(said))}"' if said else ""]
    return " ".join(part for part in parts if part)


def _word(text: str) -> str:
    """A word that Mermaid takes for a type or a name."""
    made = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return made if made[:1].isalpha() else f"c_{made}".rstrip("_")


def _relations(facts: KeyspaceFacts, ids: dict[tuple[str, str], str]) -> Iterator[str]:
    for view in facts.views:
        if ("table", view.base) in ids:
            yield f'{_INDENT}{ids["table", view.base]} ||--o{{ {ids["view", view.name]} : "shown by"'
    for what, holders in (("table", facts.tables), ("type", facts.types)):
        for holder in holders:
            yield from _holding(ids[what, holder.name], holder.user_types, ids)


def _holding(holder: str, names: Iterable[str], ids: dict[tuple[str, str], str]) -> Iterator[str]:
    for name in names:
        if ("type", name) in ids:
            yield f'{_INDENT}{holder} }}o--|| {ids["type", name]} : "holds"'
