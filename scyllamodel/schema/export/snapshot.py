"""The declared schema as a file that is kept beside the models: ``schema.lock.json``.

*In*: the desired facts of each repo. *Out*: text in which each column has a line of its own, and the facts read back
from it. A snapshot depends on no server, environment or time: equal models give equal bytes, and the keyspace of a
repo, which differs between environments, is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from scyllamodel._json import check_document, read_json, to_json
from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.export.facts_json import column_dict, index_dict, type_dict, view_dict
from scyllamodel.schema.facts.objects import Index, KeyspaceFacts, SchemaFacts, Table, TableColumn, UserType, View
from scyllamodel.types.parser import parse_type

FILE: Final = "schema.lock.json"
FORMAT: Final = 1


def snapshot_document(repos: Mapping[str, tuple[str, SchemaFacts]]) -> dict[str, Any]:
    """The snapshot as plain JSON values, by ``schemas/snapshot.schema.json``.

    Parameters:
        repos: the keyspace and the desired facts of each repo, by its name.
    """
    repo_documents = [
        {"name": name, "keyspaces": [_keyspace(keyspace, repo_keyspace) for keyspace in facts]}
        for name, (repo_keyspace, facts) in sorted(repos.items())
    ]
    return {"format": FORMAT, "kind": "snapshot", "repos": repo_documents}


def snapshot_text(document: Mapping[str, Any]) -> str:
    """The text of the file: one line for each column, field, index and option map."""
    return _format_json(document, 0) + "\n"


def read_snapshot(text: str, path: str) -> dict[str, Any]:
    """Parse the text of a snapshot file.

    Parameters:
        path: the file, for error messages.

    Raises:
        ConfigurationError: the text is not a snapshot of this format.
    """
    try:
        document = read_json(text)
        kind, format_number = document["kind"], document["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(
            f"{path} is not a snapshot; write one with: scyllamodel snapshot", path=path
        ) from error
    if (kind, format_number) != ("snapshot", FORMAT):
        message = (
            f"{path} contains a {kind} of format {format_number}, expected a snapshot of format {FORMAT}; write one "
        )
        raise ConfigurationError(f"{message}with: scyllamodel snapshot", path=path)
    try:
        check_document(document, "snapshot")
    except ValueError as error:
        message = f"{path} was altered: {error}. Write it again with: scyllamodel snapshot"
        raise ConfigurationError(message, path=path) from error
    return cast("dict[str, Any]", document)


def facts_from_snapshot(document: Mapping[str, Any], repo: str, keyspace: str, path: str = FILE) -> SchemaFacts:
    """The models of one repo when the snapshot was taken.

    Parameters:
        keyspace: the current keyspace of the repo.
        path: the file, for error messages.

    Raises:
        ConfigurationError: the snapshot does not contain this repo, or was altered.
    """
    repo_documents = {repo_document["name"]: repo_document for repo_document in document["repos"]}
    if repo not in repo_documents:
        repo_names = ", ".join(sorted(repo_documents)) or "none"
        message = f"{path} contains the repos {repo_names}, not {repo!r}; write it again with: scyllamodel snapshot"
        raise ConfigurationError(message, path=path)
    try:
        return SchemaFacts(
            _keyspace_facts(keyspace_document, keyspace_document["name"] or keyspace)
            for keyspace_document in repo_documents[repo]["keyspaces"]
        )
    except (ValueError, TypeError, KeyError) as error:
        message = f"{path} was altered: {type(error).__name__}: {error}. Write it again with: scyllamodel snapshot"
        raise ConfigurationError(message, path=path) from error


def _keyspace(facts: KeyspaceFacts, repo_keyspace: str) -> dict[str, Any]:
    return {
        "name": None if facts.name == repo_keyspace else facts.name,
        "types": [type_dict(item) for item in facts.types],
        "tables": [_table(item) for item in facts.tables],
        "views": [view_dict(item) for item in facts.views],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "columns": [column_dict(item) for item in table],
        "indexes": [{**index_dict(item), "named": item.named} for item in table.indexes],
        "options": to_json(table.options),
        **({} if table.ttl_column is None else {"ttl_column": table.ttl_column}),
    }


def _keyspace_facts(document: Mapping[str, Any], name: str) -> KeyspaceFacts:
    return KeyspaceFacts(
        name,
        types=[_user_type(item, name) for item in document["types"]],
        tables=[_read_table(item, name) for item in document["tables"]],
        views=[_view(item, name) for item in document["views"]],
    )


def _user_type(document: Mapping[str, Any], keyspace: str) -> UserType:
    return UserType(
        document["name"], tuple((field["name"], parse_type(field["type"])) for field in document["fields"]), keyspace
    )


def _read_table(document: Mapping[str, Any], keyspace: str) -> Table:
    return Table(
        name=document["name"],
        columns=[_column(item) for item in document["columns"]],
        keyspace=keyspace,
        options=document["options"],
        indexes=[Index(**item) for item in document["indexes"]],
        ttl_column=document.get("ttl_column"),
    )


def _view(document: Mapping[str, Any], keyspace: str) -> View:
    return View(
        name=document["name"],
        columns=[_column(item) for item in document["columns"]],
        base=document["of"],
        keyspace=keyspace,
        all_columns=document["all_columns"],
        where=document["where"],
        options=document["options"],
    )


def _column(document: Mapping[str, Any]) -> TableColumn:
    cql_type, mask = parse_type(document["type"]), document.get("masked_with")
    return TableColumn(document["name"], cql_type, document["kind"], document["descending"], mask=mask)


def _format_json(value: Any, depth: int) -> str:
    """JSON with every value that contains no list on one line."""
    if isinstance(value, list) and value:
        items = [_format_json(item, depth + 1) for item in cast("Sequence[Any]", value)]
        return _format_multiline("[", items, "]", depth)
    if isinstance(value, dict) and any(isinstance(item, list) for item in cast("dict[str, Any]", value).values()):
        known = cast("dict[str, Any]", value)
        items = [f"{json.dumps(key)}: {_format_json(item, depth + 1)}" for key, item in known.items()]
        return _format_multiline("{", items, "}", depth)
    return json.dumps(value)


def _format_multiline(opening: str, items: list[str], closing: str, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    return f"{opening}\n" + ",\n".join(inner + item for item in items) + f"\n{outer}{closing}"
