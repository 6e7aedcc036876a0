"""An entity-relationship diagram in Mermaid, which GitHub, GitLab and most wikis render.

*In*: the facts of a keyspace. *Out*: text that begins with ``erDiagram``. Tables, views and user types are entities; a
line leads from a view to its table, and from a table or type to each user type it uses. CQL has no foreign keys, so
there are no other lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from scyllamodel.schema.export.literals import mermaid_comment, mermaid_label
from scyllamodel.schema.export.unsupported import unreadable_facts, unsupported_functions
from scyllamodel.schema.facts.objects import KeyspaceFacts, Table, TableColumn, View
from scyllamodel.types.cql_types import CqlType

_KEYS: Final = {"partition_key": "PK", "clustering": "CK"}
_INDENT: Final = "    "


def mermaid(facts: KeyspaceFacts) -> str:
    """The diagram of one keyspace.

    Key columns are marked ``PK``; clustering order, static columns, indexes and masks are in the comment of a column.
    """
    entity_ids = _entity_ids(facts)
    lines = ["erDiagram"]
    for table in facts.tables:
        lines += _entity(entity_ids["table", table.name], table.name, _columns(table, _indexed(table)))
    for view in facts.views:
        lines += _entity(entity_ids["view", view.name], f"{view.name} (view)", _columns(view, frozenset()))
    for item in facts.types:
        fields = [_attribute(name, cql_type, "", []) for name, cql_type in item.fields]
        lines += _entity(entity_ids["type", item.name], f"{item.name} (type)", fields)
    left_out = (
        *unreadable_facts(facts),
        *unsupported_functions(facts, "the diagram shows tables, views and user types only"),
    )
    comments = [_INDENT + mermaid_comment(str(unsupported)) for unsupported in left_out]
    return "\n".join([*lines, *_relations(facts, entity_ids), *comments]) + "\n"


def _entity_ids(facts: KeyspaceFacts) -> dict[tuple[str, str], str]:
    """A Mermaid identifier for each entity; the raw name is shown as its label."""
    kinds = (("table", facts.tables), ("view", facts.views), ("type", facts.types))
    named = [(kind, item.name) for kind, items in kinds for item in items]
    return {key: f"{key[0]}{number}" for number, key in enumerate(named, 1)}


def _entity(entity: str, label: str, attributes: Iterable[str]) -> list[str]:
    return [
        f'{_INDENT}{entity}["{mermaid_label(label)}"] {{',
        *(_INDENT * 2 + line for line in attributes),
        f"{_INDENT}}}",
    ]


def _indexed(table: Table) -> frozenset[str]:
    return frozenset(index.column for index in table.indexes)


def _columns(table_or_view: Table | View, indexed: frozenset[str]) -> Iterator[str]:
    for column in table_or_view:
        yield _attribute(column.name, column.type, _KEYS.get(column.kind, ""), _column_notes(column, indexed))


def _column_notes(column: TableColumn, indexed: frozenset[str]) -> list[str]:
    order = ("descending" if column.descending else "ascending") if column.kind == "clustering" else ""
    static = "static" if column.kind == "static" else ""
    others = ("indexed" if column.name in indexed else "", "masked" if column.mask else "")
    return [part for part in (order, static, *others) if part]


def _attribute(name: str, cql_type: CqlType, key: str, notes: list[str]) -> str:
    """``type name KEY "comment"``; a type or name that Mermaid's grammar does not accept goes into the comment."""
    plain_name, plain_type = _mermaid_word(name), _mermaid_word(cql_type.cql)
    comment_parts = [
        *([name] if plain_name != name else []),
        *([cql_type.cql] if plain_type != cql_type.cql else []),
        *notes,
    ]
    # Mermaid has only PK, FK and UK, so a clustering key is marked PK, with a comment.
    key, comment_parts = ("PK", ["clustering", *comment_parts]) if key == "CK" else (key, comment_parts)
    parts = [plain_type, plain_name, key, f'"{mermaid_label(", ".join(comment_parts))}"' if comment_parts else ""]
    return " ".join(part for part in parts if part)


def _mermaid_word(text: str) -> str:
    """A word that Mermaid accepts as a type or a name."""
    identifier = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return identifier if identifier[:1].isalpha() else f"c_{identifier}".rstrip("_")


def _relations(facts: KeyspaceFacts, ids: dict[tuple[str, str], str]) -> Iterator[str]:
    for view in facts.views:
        if ("table", view.base) in ids:
            yield f'{_INDENT}{ids["table", view.base]} ||--o{{ {ids["view", view.name]} : "shown by"'
    for kind, facts_with_types in (("table", facts.tables), ("type", facts.types)):
        for fact in facts_with_types:
            yield from _type_relations(ids[kind, fact.name], fact.user_types, ids)


def _type_relations(entity: str, names: Iterable[str], ids: dict[tuple[str, str], str]) -> Iterator[str]:
    for name in names:
        if ("type", name) in ids:
            yield f'{_INDENT}{entity} }}o--|| {ids["type", name]} : "holds"'
