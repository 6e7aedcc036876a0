"""What a write must be so that servers take it, checked before it is sent.

Comes in: the parts of an update, delete or insert. Goes out: nothing, or `QueryNotSupported` with what is missing.
Rules: Cassandra ``ModificationStatement``, Scylla ``cql3/statements/modification_statement.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel.model.expression import (
    Assignment,
    ColumnTarget,
    Condition,
    ElementTarget,
    FieldTarget,
    Target,
)
from scyllamodel.query.conditions import check_if
from scyllamodel.query.parts import base_of, columns_of
from scyllamodel.query.restrictions import Restrictions, quoted, restrictions_of
from scyllamodel.query.tuning import refuse
from scyllamodel.types.values import COUNTER, is_multi_cell


def check_update(
    model: type,
    assignments: tuple[Assignment, ...],
    conditions: tuple[Condition, ...],
    required: tuple[Condition, ...] = (),
    *,
    conditional: bool = False,
) -> None:
    """Whether an update names what to change and the rows to change.

    Parameters:
        required: the conditions of IF.
        conditional: whether there is an IF at all.
    """
    name = model.__qualname__
    if not assignments:
        raise refuse(f"This update of {name} changes nothing.", "Say .set(Order.status.to('paid')).")
    for change in assignments:
        _check_assignment(model, change)
    _check_counters(model, assignments)
    _check_together(assignments)
    found, targets = restrictions_of(model, conditions), [change.target for change in assignments]
    _check_rows(model, "update", found, [*targets, *(condition.target for condition in required)])
    if conditional:
        _check_conditional(model, "update", conditions, required)


def _check_assignment(model: type, change: Assignment) -> None:
    base = base_of(change.target)
    if base is None:
        raise refuse(f"{change!r} changes no column.", "Say .set(Order.status.to('paid')).")
    if columns_of(model)[base.column].spec.kind in ("partition_key", "clustering"):
        raise refuse(
            f"{change!r}: {base.column} is in the primary key, which tells the row and cannot change.",
            "Insert a row under the new key, and delete the old one.",
        )

    _check_whole(model, change.target, change.operation, repr(change))


def _check_whole(model: type, target: Target, operation: str, shown: str) -> None:
    """Whether a part is written of what has parts in storage."""
    base = base_of(target)
    in_parts = isinstance(target, (ElementTarget, FieldTarget)) or operation in ("add", "remove", "append", "prepend")
    if base is not None and in_parts and not is_multi_cell(columns_of(model)[base.column].hint.type):
        raise refuse(
            f"{shown}: {base.column} is frozen, and is written as a whole.",
            f"Say {base}.to(…) with the whole value, or declare the column without frozen.",
        )


def _check_together(assignments: tuple[Assignment, ...]) -> None:
    """Whether each place is set once: of two values of one time, none is the later."""
    for at, change in enumerate(assignments):
        for other in assignments[:at]:
            whole = any(a.operation == "set" and isinstance(a.target, ColumnTarget) for a in (change, other))
            fields = isinstance(change.target, FieldTarget) and change.target == other.target
            if base_of(change.target) == base_of(other.target) and (whole or fields):
                raise refuse(
                    f"{other!r} and {change!r} set one column in one statement, and neither is the later one.",
                    "Say once what it is to be.",
                )


def _check_conditional(
    model: type, verb: str, conditions: tuple[Condition, ...], required: tuple[Condition, ...]
) -> None:
    """Whether a conditional write names one row, or one partition for its static columns."""
    check_if(required)
    several = [condition for condition in conditions if condition.operator != "="]
    if several:
        raise refuse(
            f"{quoted(map(repr, several))}: a conditional {verb} of {model.__qualname__} names one row, each column of "
            "its key by ==.",
            "Send one statement for each row, or leave the condition out.",
        )


def _check_counters(model: type, assignments: tuple[Assignment, ...]) -> None:
    for change in assignments:
        base = base_of(change.target)
        counts = base is not None and columns_of(model)[base.column].hint.type == COUNTER
        if counts and change.operation not in ("increment", "decrement"):
            raise refuse(f"{change!r}: a counter has no value to be set to.", "Say .increment() or .decrement().")
        if not counts and change.operation in ("increment", "decrement"):
            raise refuse(f"{change!r}: only counters are counted by the server.", "Read it, and write it with if_().")


def check_delete(
    model: type,
    targets: tuple[Target, ...],
    conditions: tuple[Condition, ...],
    required: tuple[Condition, ...] = (),
    *,
    whole: bool,
    conditional: bool = False,
) -> None:
    """Whether a delete names its rows.

    Parameters:
        required: the conditions of IF.
        conditional: whether there is an IF at all.
        targets: what is deleted of a row; nothing is all of it.
        whole: the author said that whole partitions are meant.
    """
    found, name = restrictions_of(model, conditions), model.__qualname__
    for target in targets:
        base = base_of(target)
        if base is None or columns_of(model)[base.column].spec.kind in ("partition_key", "clustering"):
            raise refuse(f"{target} is in the primary key: rows lose other columns.", "Delete the row.")
        _check_whole(model, target, "delete", f"delete({target})")
    if conditional:
        _check_conditional(model, "delete", conditions, required)
    if targets:
        _check_rows(model, "delete", found, [*targets, *(condition.target for condition in required)])
        return
    if conditional and found.missing:
        raise refuse(
            f"This conditional delete of {name} lacks {quoted(found.missing)} in where(): it takes one row.",
            "Name the whole primary key, or leave the condition out.",
            needs=found.missing,
        )
    _check_located(model, "delete", found)
    if found.keys.clustering and not found.followed and not whole:
        raise refuse(
            f"This delete of {name} takes whole partitions, with all their rows.",
            f"Name the clustering key too ({', '.join(found.keys.clustering)}), or say .whole_partition().",
            needs=found.keys.clustering,
        )


def _check_located(model: type, verb: str, found: Restrictions) -> None:
    if found.rest and not any(getattr(c.target, "column", None) in found.keys.all for c in found.rest):
        raise refuse(
            f"{quoted(map(repr, found.rest))}: rows to {verb} are named by their key.",
            "Say .if_() for a condition on the row, or read the keys first.",
        )
    missing = tuple(name for name in found.keys.partition if name not in found.equal)
    if missing or found.rest or found.by_token:
        raise refuse(
            f"This {verb} of {model.__qualname__} lacks {quoted(missing or found.missing)} in where(): a write names "
            f"its partition, and follows the clustering key ({', '.join(found.keys.all)}).",
            needs=missing or found.missing,
        )


def _check_rows(model: type, verb: str, found: Restrictions, targets: Iterable[Target]) -> None:
    """Whether single rows are named; a partition is enough where only static columns change."""
    _check_located(model, verb, found)
    static = all((base := base_of(target)) is not None and base.column in found.keys.static for target in targets)
    if static and found.followed:
        raise refuse(
            f"This {verb} of {model.__qualname__} changes static columns only, which a whole partition shares.",
            f"Name the partition key alone ({', '.join(found.keys.partition)}).",
        )
    if not static and found.missing:
        raise refuse(
            f"This {verb} of {model.__qualname__} lacks {quoted(found.missing)} in where(): the whole primary key "
            f"({', '.join(found.keys.all)}) names a row.",
            needs=found.missing,
        )


def check_using(model: type, *, ttl: bool, timestamp: bool, conditional: bool) -> None:
    """Whether a write may have a time to live and a timestamp."""
    counts = any(column.hint.type == COUNTER for column in columns_of(model).values())
    if counts and (ttl or timestamp):
        raise refuse(f"Counters of {model.__qualname__} have neither ttl nor timestamp.", "Leave it out.")
    if counts and conditional:
        raise refuse(f"Counters of {model.__qualname__} are changed without conditions.", "Leave them out.")
    if timestamp and conditional:
        raise refuse("A conditional write has the time of its agreement, and takes no other.", "Leave timestamp() out.")


def check_insert(model: type) -> None:
    """Whether rows of a table are inserted at all."""
    if any(column.hint.type == COUNTER for column in columns_of(model).values()):
        raise refuse(
            f"Rows of {model.__qualname__} are made by counting.",
            "Say update(…).where(…).set(Hits.count.increment()).",
        )
