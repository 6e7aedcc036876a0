"""Checks of writes before they are sent: whether servers support them.

In: the clauses of an update, delete or insert. Out: nothing, or `QueryNotSupported` with what is missing. Sources:
Cassandra ``ModificationStatement``, ScyllaDB ``cql3/statements/modification_statement.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel._text import listed
from scyllamodel.model.expression import (
    Assignment,
    ColumnTarget,
    Condition,
    ElementTarget,
    FieldTarget,
    Target,
)
from scyllamodel.query.checks.conditions import check_if
from scyllamodel.query.checks.restrictions import Restrictions, restrictions_of
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.targets import base_of, columns_of
from scyllamodel.types.cql_types import COUNTER, is_multi_cell


def check_update(
    model: type,
    assignments: tuple[Assignment, ...],
    conditions: tuple[Condition, ...],
    required: tuple[Condition, ...] = (),
    *,
    conditional: bool = False,
) -> None:
    """Check that an update has assignments and selects rows by key.

    Parameters:
        required: the conditions of IF.
        conditional: whether there is an IF at all.
    """
    name = model.__qualname__
    if not assignments:
        raise not_supported(f"This update of {name} changes nothing.", "Add .set(Order.status.to('paid')).")
    for change in assignments:
        _check_assignment(model, change)
    _check_counters(model, assignments)
    _check_duplicate_targets(assignments)
    restrictions, targets = restrictions_of(model, conditions), [change.target for change in assignments]
    _check_primary_key(model, "update", restrictions, [*targets, *(condition.target for condition in required)])
    if conditional:
        _check_conditional(model, "update", conditions, required)


def _check_assignment(model: type, change: Assignment) -> None:
    base = base_of(change.target)
    if base is None:
        raise not_supported(f"{change!r} changes no column.", "Add .set(Order.status.to('paid')).")
    if columns_of(model)[base.column].spec.kind in ("partition_key", "clustering"):
        raise not_supported(
            f"{change!r}: {base.column} is in the primary key, which is immutable.",
            "Insert a row with the new key, and delete the old one.",
        )

    _check_not_frozen(model, change.target, change.operation, repr(change))


def _check_not_frozen(model: type, target: Target, operation: str, operation_text: str) -> None:
    """Check that elements and fields are written only in a non-frozen column."""
    base = base_of(target)
    is_partial = isinstance(target, (ElementTarget, FieldTarget)) or operation in ("add", "remove", "append", "prepend")
    if base is not None and is_partial and not is_multi_cell(columns_of(model)[base.column].type_mapping.type):
        raise not_supported(
            f"{operation_text}: {base.column} is frozen, and can only be written as a whole.",
            f"Use {base}.to(…) with the whole value, or declare the column without frozen.",
        )


def _check_duplicate_targets(assignments: tuple[Assignment, ...]) -> None:
    """Check that each column or field is set once: the order of two values with one timestamp is undefined."""
    for position, change in enumerate(assignments):
        for other in assignments[:position]:
            sets_column = any(
                assignment.operation == "set" and isinstance(assignment.target, ColumnTarget)
                for assignment in (change, other)
            )
            sets_field = isinstance(change.target, FieldTarget) and change.target == other.target
            if base_of(change.target) == base_of(other.target) and (sets_column or sets_field):
                raise not_supported(
                    f"{other!r} and {change!r} set one column in one statement, in undefined order.",
                    "Set it once.",
                )


def _check_conditional(
    model: type, verb: str, conditions: tuple[Condition, ...], required: tuple[Condition, ...]
) -> None:
    """Check that a conditional write selects one row, or one partition for its static columns."""
    check_if(required)
    not_equal = [condition for condition in conditions if condition.operator != "="]
    if not_equal:
        raise not_supported(
            f"{listed(map(repr, not_equal))}: a conditional {verb} of {model.__qualname__} selects one row, "
            "with == on each column of its key.",
            "Send one statement for each row, or omit the condition.",
        )


def _check_counters(model: type, assignments: tuple[Assignment, ...]) -> None:
    for change in assignments:
        base = base_of(change.target)
        is_counter = base is not None and columns_of(model)[base.column].type_mapping.type == COUNTER
        if is_counter and change.operation not in ("increment", "decrement"):
            raise not_supported(f"{change!r}: a counter cannot be set to a value.", "Use .increment() or .decrement().")
        if not is_counter and change.operation in ("increment", "decrement"):
            raise not_supported(
                f"{change!r}: only counters can be incremented by the server.",
                "Read the value, and write it with if_().",
            )


def check_delete(
    model: type,
    targets: tuple[Target, ...],
    conditions: tuple[Condition, ...],
    required: tuple[Condition, ...] = (),
    *,
    allows_whole_partition: bool,
    conditional: bool = False,
) -> None:
    """Check that a delete selects its rows by key.

    Parameters:
        required: the conditions of IF.
        conditional: whether there is an IF at all.
        targets: the columns and elements to delete; empty for whole rows.
        allows_whole_partition: whether the delete uses ``.whole_partition()``.
    """
    restrictions, name = restrictions_of(model, conditions), model.__qualname__
    for target in targets:
        base = base_of(target)
        if base is None or columns_of(model)[base.column].spec.kind in ("partition_key", "clustering"):
            raise not_supported(f"{target} is in the primary key, and cannot be deleted alone.", "Delete the row.")
        _check_not_frozen(model, target, "delete", f"delete({target})")
    if conditional:
        _check_conditional(model, "delete", conditions, required)
    if targets:
        _check_primary_key(model, "delete", restrictions, [*targets, *(condition.target for condition in required)])
        return
    if conditional and restrictions.missing:
        raise not_supported(
            f"This conditional delete of {name} lacks {listed(restrictions.missing)} in where(): it takes one row.",
            "Use the whole primary key, or omit the condition.",
            needs=restrictions.missing,
        )
    _check_partition_key(model, "delete", restrictions)
    if restrictions.keys.clustering and not restrictions.clustering_prefix and not allows_whole_partition:
        raise not_supported(
            f"This delete of {name} deletes whole partitions, with all their rows.",
            f"Use the clustering key too ({', '.join(restrictions.keys.clustering)}), or add .whole_partition().",
            needs=restrictions.keys.clustering,
        )


def _check_partition_key(model: type, verb: str, restrictions: Restrictions) -> None:
    if restrictions.unserved and not any(
        getattr(c.target, "column", None) in restrictions.keys.all for c in restrictions.unserved
    ):
        raise not_supported(
            f"{listed(map(repr, restrictions.unserved))}: rows to {verb} are selected by their key.",
            "Use .if_() for a condition on the row, or read the keys first.",
        )
    missing = tuple(name for name in restrictions.keys.partition if name not in restrictions.equal_columns)
    if missing or restrictions.unserved or restrictions.uses_token:
        raise not_supported(
            f"This {verb} of {model.__qualname__} lacks {listed(missing or restrictions.missing)} in where(): a "
            "write names "
            f"its partition, and follows the clustering key ({', '.join(restrictions.keys.all)}).",
            needs=missing or restrictions.missing,
        )


def _check_primary_key(model: type, verb: str, restrictions: Restrictions, targets: Iterable[Target]) -> None:
    """Check that single rows are selected; a partition is enough if only static columns change."""
    _check_partition_key(model, verb, restrictions)
    only_static = all(
        (base := base_of(target)) is not None and base.column in restrictions.keys.static for target in targets
    )
    if only_static and restrictions.clustering_prefix:
        raise not_supported(
            f"This {verb} of {model.__qualname__} changes static columns only, which a whole partition shares.",
            f"Use the partition key alone ({', '.join(restrictions.keys.partition)}).",
        )
    if not only_static and restrictions.missing:
        raise not_supported(
            f"This {verb} of {model.__qualname__} lacks {listed(restrictions.missing)} in where(): the whole "
            "primary key "
            f"({', '.join(restrictions.keys.all)}) selects a row.",
            needs=restrictions.missing,
        )


def check_using(model: type, *, ttl: bool, timestamp: bool, conditional: bool) -> None:
    """Check that a write may have a TTL and a timestamp."""
    has_counters = any(column.type_mapping.type == COUNTER for column in columns_of(model).values())
    if has_counters and (ttl or timestamp):
        raise not_supported(f"Counters of {model.__qualname__} have neither TTL nor timestamp.", "Omit it.")
    if has_counters and conditional:
        raise not_supported(f"Counters of {model.__qualname__} do not support conditions.", "Omit them.")
    if timestamp and conditional:
        raise not_supported("The server sets the timestamp of a conditional write.", "Omit timestamp().")


def check_insert(model: type) -> None:
    """Check that rows of a table can be inserted."""
    if any(column.type_mapping.type == COUNTER for column in columns_of(model).values()):
        raise not_supported(
            f"Rows of {model.__qualname__} are created by incrementing a counter.",
            "Use update(…).where(…).set(Hits.count.increment()).",
        )
