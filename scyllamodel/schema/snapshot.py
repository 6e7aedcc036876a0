"""What models declare, as a file that is kept beside them: ``schema.lock.json``.

*In*: wanted facts of each repo. *Out*: text that changes by a line where the models change by a column, and back. A
snapshot knows no server, no environment and no time: the same models give the same bytes, and the keyspace that a repo
chooses, which differs between environments, stands there as null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from scyllamodel._json import check_document, read_json
from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.facts import Index, KeyspaceFacts, SchemaFacts, Table, TableColumn, UserType, View
from scyllamodel.schema.facts_json import column_dict, index_dict, plain, type_dict, view_dict
from scyllamodel.types.parse import parse_type

FILE: Final = "schema.lock.json"
FORMAT: Final = 1


def snapshot_dict(repos: Mapping[str, tuple[str, SchemaFacts]]) -> dict[str, Any]:
    """The snapshot as plain JSON values, by ``schemas/snapshot.schema.json``.

    Parameters:
        repos: by name of the repo its own keyspace, and what its models want.
    """
    found = [
        {"name": name, "keyspaces": [_keyspace(part, own) for part in facts]}
        for name, (own, facts) in sorted(repos.items())
    ]
    return {"format": FORMAT, "kind": "snapshot", "repos": found}


def snapshot_text(document: Mapping[str, Any]) -> str:
    """The document as it is written to its file: one line for each column, field, index and option."""
    return _written(document, 0) + "\n"


def read_snapshot(text: str, where: str) -> dict[str, Any]:
    """The document in the text of a file.

    Parameters:
        where: the file, for errors.

    Raises:
        ConfigurationError: it is no snapshot of this format.
    """
    try:
        found = read_json(text)
        kind, number = found["kind"], found["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(
            f"{where} holds no snapshot; write one with: scyllamodel snapshot", path=where
        ) from error
    if (kind, number) != ("snapshot", FORMAT):
        message = f"{where} holds a {kind} of format {number}, and a snapshot of format {FORMAT} is needed; write one "
        raise ConfigurationError(f"{message}with: scyllamodel snapshot", path=where)
    try:
        check_document(found, "snapshot")
    except ValueError as error:
        message = f"{where} was altered: {error}. Write it again with: scyllamodel snapshot"
        raise ConfigurationError(message, path=where) from error
    return cast("dict[str, Any]", found)


def snapshot_facts(document: Mapping[str, Any], repo: str, keyspace: str, where: str = FILE) -> SchemaFacts:
    """What the models of one repo were when the snapshot was taken.

    Parameters:
        keyspace: the repo's own, today.
        where: the file, for errors.

    Raises:
        ConfigurationError: the snapshot knows no such repo, or was altered into something that is no schema.
    """
    known = {found["name"]: found for found in document["repos"]}
    if repo not in known:
        listed = ", ".join(sorted(known)) or "none"
        message = f"{where} knows the repos {listed}, and not {repo!r}; write it again with: scyllamodel snapshot"
        raise ConfigurationError(message, path=where)
    try:
        return SchemaFacts(_facts(part, part["name"] or keyspace) for part in known[repo]["keyspaces"])
    except (ValueError, TypeError, KeyError) as error:
        message = f"{where} was altered: {type(error).__name__}: {error}. Write it again with: scyllamodel snapshot"
        raise ConfigurationError(message, path=where) from error


def _keyspace(found: KeyspaceFacts, own: str) -> dict[str, Any]:
    return {
        "name": None if found.name == own else found.name,
        "types": [type_dict(item) for item in found.types],
        "tables": [_table(item) for item in found.tables],
        "views": [view_dict(item) for item in found.views],
    }


def _table(found: Table) -> dict[str, Any]:
    return {
        "name": found.name,
        "columns": [column_dict(item) for item in found],
        "indexes": [{**index_dict(item), "named": item.named} for item in found.indexes],
        "options": plain(found.options),
        **({} if found.ttl_column is None else {"ttl_column": found.ttl_column}),
    }


def _facts(found: Mapping[str, Any], name: str) -> KeyspaceFacts:
    return KeyspaceFacts(
        name,
        types=[_type(item, name) for item in found["types"]],
        tables=[_read_table(item, name) for item in found["tables"]],
        views=[_view(item, name) for item in found["views"]],
    )


def _type(found: Mapping[str, Any], keyspace: str) -> UserType:
    return UserType(found["name"], tuple((f["name"], parse_type(f["type"])) for f in found["fields"]), keyspace)


def _read_table(found: Mapping[str, Any], keyspace: str) -> Table:
    return Table(
        name=found["name"],
        columns=[_column(item) for item in found["columns"]],
        keyspace=keyspace,
        options=found["options"],
        indexes=[Index(**item) for item in found["indexes"]],
        ttl_column=found.get("ttl_column"),
    )


def _view(found: Mapping[str, Any], keyspace: str) -> View:
    return View(
        name=found["name"],
        columns=[_column(item) for item in found["columns"]],
        base=found["of"],
        keyspace=keyspace,
        all_columns=found["all_columns"],
        where=found["where"],
        options=found["options"],
    )


def _column(found: Mapping[str, Any]) -> TableColumn:
    cql_type, mask = parse_type(found["type"]), found.get("masked_with")
    return TableColumn(found["name"], cql_type, found["kind"], found["descending"], mask=mask)


def _written(value: Any, depth: int) -> str:
    """JSON in which whatever holds no list stands on one line."""
    if isinstance(value, list) and value:
        items = [_written(item, depth + 1) for item in cast("Sequence[Any]", value)]
        return _spread("[", items, "]", depth)
    if isinstance(value, dict) and any(isinstance(item, list) for item in cast("dict[str, Any]", value).values()):
        known = cast("dict[str, Any]", value)
        items = [f"{json.dumps(key)}: {_written(item, depth + 1)}" for key, item in known.items()]
        return _spread("{", items, "}", depth)
    return json.dumps(value)


def _spread(begins: str, items: list[str], ends: str, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    return f"{begins}\n" + ",\n".join(inner + item for item in items) + f"\n{outer}{ends}"
