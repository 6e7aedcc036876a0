"""RB: obstacles to undoing a change, read from the schema.

*In*: the change that undoes, and the facts of its keyspace. *Out*: diagnostics. A server would refuse most of these
only halfway through a rollback; others it would accept, and drop another client's object of the same name.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddIndex,
    AddTable,
    AddType,
    AddView,
    Change,
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    RenameFields,
    RenameKeyColumns,
    SetMask,
    SetTtlColumn,
)
from scyllamodel.schema.changes.postconditions import is_applied, keyspace_of
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.schema_diff import SchemaPair
from scyllamodel.schema.rules.evaluation import RuleContext, evaluate
from scyllamodel.schema.rules.user_types import used_by
from scyllamodel.types.cql_types import COUNTER, user_type_names

if TYPE_CHECKING:
    from collections.abc import Collection

    from scyllamodel.schema.facts.objects import Addition, KeyspaceFacts
    from scyllamodel.schema.server.profile import ServerProfile


_NAME_TAKEN: Final = "another object has its name"
_DROPPED_FACTS: Final[Mapping[type, str]] = {DropTable: "table", DropType: "type", DropView: "view", DropIndex: "index"}
_DROP_CHANGES: Final = (DropTable, DropColumns, DropType, DropIndex, DropView)


def with_recorded_facts(change: Change, recorded: KeyspaceFacts) -> Change | None:  # noqa: PLR0911 - a table of kinds
    """A drop or mask change with the recorded fact, so that `evaluate_change` detects later changes of the object.

    Parameters:
        recorded: the keyspace as recorded in the ledger.

    Returns:
        None if the ledger records no such object, so that it belongs to another client; other changes unchanged.
    """
    if isinstance(change, DropColumns):
        table = recorded.table(change.table)
        known = [table.get(column.name) for column in change.columns] if table is not None else [None]
        columns = tuple(column for column in known if column is not None)
        return attrs.evolve(change, columns=columns) if len(columns) == len(change.columns) else None
    if isinstance(change, DropTable):
        recorded_table = recorded.table(change.table.name)
        return None if recorded_table is None else attrs.evolve(change, table=recorded_table)
    if isinstance(change, DropType):
        recorded_type = recorded.type(change.type.name)
        return None if recorded_type is None else attrs.evolve(change, type=recorded_type)
    if isinstance(change, DropView):
        recorded_view = recorded.view(change.view.name)
        return None if recorded_view is None else attrs.evolve(change, view=recorded_view)
    if isinstance(change, DropIndex):
        indexes = [index for table in recorded.tables for index in table.indexes if index.name == change.index.name]
        return attrs.evolve(change, index=indexes[0]) if indexes else None
    if isinstance(change, SetMask):
        masked_table = recorded.table(change.table)
        column = None if masked_table is None else masked_table.get(change.column)
        return attrs.evolve(change, before=change.before if column is None else column.mask)
    if isinstance(change, SetTtlColumn):
        recorded_table = recorded.table(change.table)
        return attrs.evolve(change, before=change.before if recorded_table is None else recorded_table.ttl_column)
    return change


def with_unwritten(change: Change, facts: KeyspaceFacts) -> Change:
    """A drop with the names of the dependent objects that this release cannot restore; other changes unchanged.

    These are triggers, and data that a newer server stores with the schema, such as constraints and security labels.
    """
    if not isinstance(change, (DropTable, DropColumns, DropType, DropView)):
        return change
    return attrs.evolve(change, unwritten=tuple(_unwritten(change, facts)))


def _unwritten(change: Change, facts: KeyspaceFacts) -> Iterator[str]:
    if isinstance(change, DropColumns):
        paths = [f"{facts.name}.{change.table}.{column.name}" for column in change.columns]
        yield from (_phrase(item) for item in facts.additions if item.name in paths)
    elif isinstance(change, (DropTable, DropType, DropView)):
        path = f"{facts.name}.{getattr(change, _DROPPED_FACTS[type(change)]).name}"
        yield from (_phrase(item) for item in facts.additions if f"{item.name}.".startswith(f"{path}."))
    if isinstance(change, DropTable) and (table := facts.table(change.table.name)) is not None:
        yield from (f"trigger {item.name} of {facts.name}.{table.name} ({item.using})" for item in table.triggers)


def _phrase(item: Addition) -> str:
    return f"{item.what} of {item.name} ({item.value})"


def name_taken(change: Change) -> Iterator[Diagnostic]:
    """The refusal of a drop for which `with_recorded_facts` returns None: another object has the name."""
    if isinstance(change, DropColumns):
        yield from (_not_as_recorded(change, f"{change.table}.{c.name}", "column", _NAME_TAKEN) for c in change.columns)
    elif (kind := _DROPPED_FACTS.get(type(change))) is not None:
        yield _not_as_recorded(change, getattr(change, kind).name, kind, _NAME_TAKEN)


def evaluate_change(
    change: Change, facts: KeyspaceFacts, server: ServerProfile, allow: Collection[str] = ()
) -> tuple[Diagnostic, ...]:
    """Return all diagnostics for this change: what it would lose, what depends on it, what replaced it.

    Parameters:
        allow: codes, or ``code:object``, of refusals that are allowed.
    """
    obstacles = tuple(_undo_obstacles(change, facts, server))
    if obstacles and not isinstance(change, _DROP_CHANGES):
        return obstacles  # the objects that the rules read may be missing
    context = RuleContext(SchemaPair.of(facts, facts, server), (change,), None, frozenset(allow))
    obstacles += tuple(_unrestored(change, facts))
    return (*obstacles, *(finding.diagnostic for finding in evaluate(context) if finding.change is change))


def _unrestored(change: Change, facts: KeyspaceFacts) -> Iterator[Diagnostic]:
    """RB111 for a drop that removes more than its undo restores."""
    for phrase in _unwritten(change, facts):
        fix = "Save its statement if you may have to restore it after a rollback."
        yield Diagnostic("RB111", "warn", keyspace_of(change), f"a rollback does not restore the {phrase}", fix)


@functools.singledispatch
def _undo_obstacles(change: Change, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    """No obstacles: options can always be set back."""
    yield from ()


@_undo_obstacles.register(DropTable)
def _drop_table(change: DropTable, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:
    bare = attrs.evolve(change.table, columns=[c for c in change.table if c.in_key], options={}, indexes=())
    if not is_applied(AddTable(change.keyspace, bare), facts, server):
        yield _not_as_recorded(change, change.table.name, "table", "it has another key")
    live = facts.table(change.table.name)
    extra = [c.name for c in live if c.name not in change.table] if live is not None else []
    if extra:
        text = f"the columns {', '.join(extra)} were added later, and are dropped with the table"
        yield Diagnostic("RB104", "warn", f"{change.keyspace}.{change.table.name}", text)


@_undo_obstacles.register(DropColumns)
def _drop_columns(change: DropColumns, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    live = facts.table(change.table)
    if live is None:
        return
    for column in change.columns:
        stored = live[column.name]
        if attrs.evolve(stored, mask=column.mask) != column:
            name = f"{change.table}.{column.name}"
            yield _not_as_recorded(change, name, "column", f"it is {stored.type.cql} ({stored.kind})")
        indexes = [index.name for index in live.indexes if column.name in index.names(live)]
        if indexes:
            yield _has_dependents(change, f"{change.table}.{column.name}", [f"the index {index}" for index in indexes])
        if user_type_names(column.type) or column.type == COUNTER:
            text = f"a dropped column of type {column.type.cql} cannot be added again under its name"
            yield Diagnostic("RB109", "warn", f"{change.keyspace}.{change.table}.{column.name}", text)


@_undo_obstacles.register(DropType)
def _drop_type(change: DropType, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:
    name = change.type.name
    if not is_applied(AddType(change.keyspace, change.type), facts, server):
        yield _not_as_recorded(change, name, "type", "its fields have changed")
    if users := used_by(name, facts):
        yield _has_dependents(change, name, users)


@_undo_obstacles.register(DropIndex)
def _drop_index(change: DropIndex, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:
    if not is_applied(AddIndex(change.keyspace, change.table, change.index), facts, server):
        yield _not_as_recorded(change, change.index.name, "index", "its target, class or options differ")


@_undo_obstacles.register(DropView)
def _drop_view(change: DropView, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:
    if not is_applied(AddView(change.keyspace, attrs.evolve(change.view, options={})), facts, server):
        yield _not_as_recorded(change, change.view.name, "view", "its table, key, columns or filter differ")


@_undo_obstacles.register(RenameKeyColumns)
def _rename(change: RenameKeyColumns, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    live = facts.table(change.table)
    missing = [old for old, new in change.names if live is None or old not in live or new in live]
    if missing:
        yield _not_as_recorded(change, f"{change.table}.{missing[0]}", "column", "it was renamed or dropped later")


@_undo_obstacles.register(RenameFields)
def _rename_fields(change: RenameFields, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    live = facts.type(change.type)
    names = dict(live.fields) if live is not None else {}
    missing = [old for old, new in change.names if old not in names or new in names]
    if missing:
        yield _not_as_recorded(change, f"{change.type}.{missing[0]}", "field", "it was renamed later")


@_undo_obstacles.register(SetMask)
def _set_mask(change: SetMask, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    live = facts.table(change.table)
    if live is not None and change.column in live and (stored := live[change.column].mask) != change.before:
        yield _not_as_recorded(
            change, f"{change.table}.{change.column}", "mask", f"it is {stored}" if stored else "it was dropped"
        )


@_undo_obstacles.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    live = facts.table(change.table)
    if live is None or live.ttl_column != change.before or (change.column is not None and change.column not in live):
        difference = "it no longer exists" if live is None else f"its TTL column is {live.ttl_column}"
        yield _not_as_recorded(change, change.table, "table", difference)


@_undo_obstacles.register(AddType)
def _add_type(change: AddType, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    if facts.type(change.type.name) is not None:
        yield _not_as_recorded(change, change.type.name, "type", _NAME_TAKEN)


@_undo_obstacles.register(AddTable)
@_undo_obstacles.register(AddView)
def _add_table(change: AddTable | AddView, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    name = change.table.name if isinstance(change, AddTable) else change.view.name
    if facts.table(name) is not None or facts.view(name) is not None:
        yield _not_as_recorded(change, name, "table or view", _NAME_TAKEN)
    if isinstance(change, AddView) and facts.table(change.view.base) is None:
        yield _not_as_recorded(change, change.view.base, "table", "it no longer exists")


@_undo_obstacles.register(AddColumns)
@_undo_obstacles.register(AddIndex)
def _add_to_table(change: AddColumns | AddIndex, facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:  # noqa: ARG001
    name = change.table if isinstance(change, AddColumns) else change.table.name
    live = facts.table(name)
    if live is None:
        yield _not_as_recorded(change, name, "table", "it no longer exists")
    elif isinstance(change, AddColumns):
        for column in change.columns:
            if column.name in live:
                yield _not_as_recorded(change, f"{name}.{column.name}", "column", _NAME_TAKEN)


def _not_as_recorded(change: Change, name: str, kind: str, difference: str) -> Diagnostic:
    path = f"{keyspace_of(change)}.{name}"
    text = f"the {kind} differs from the one that this version left: {difference}"
    return Diagnostic("RB104", "error", path, text, f"Compare {path} with the history, and restore it manually.")


_DEPENDENTS_FIX: Final = (
    "Drop what depends on {} first: with scyllamodel contract --allow CODE:NAME if no model declares it any more "
    "(`scyllamodel check` lists it), else in cqlsh."
)


def _has_dependents(change: Change, name: str, dependents: list[str]) -> Diagnostic:
    path = f"{keyspace_of(change)}.{name}"
    verb = "depends" if len(dependents) == 1 else "depend"
    return Diagnostic("RB103", "error", path, f"{', '.join(dependents)} {verb} on it", _DEPENDENTS_FIX.format(path))
