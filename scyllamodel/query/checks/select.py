"""Checks of a SELECT before it is sent: whether the table can serve it.

In: the clauses of a select. Out: nothing, or `QueryNotSupported` with the columns that are missing and with advice.
Servers report the same errors later and in less detail; what is not checked here is left to them.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel._text import listed
from scyllamodel.errors import QueryNotSupported
from scyllamodel.model.expression import Condition, ElementTarget, Ordering, Target
from scyllamodel.query.checks.indexes import FULL_TEXT, index_suggestions, is_indexed, is_served_by_indexes
from scyllamodel.query.checks.restrictions import Restrictions, restrictions_of
from scyllamodel.query.targets import column_of, columns_in
from scyllamodel.types.cql_types import ListType


def check_selection(targets: Iterable[Target]) -> None:
    """Refuse elements of lists, which servers cannot select."""
    for target in targets:
        if isinstance(target, ElementTarget) and isinstance(column_of(target.base).type_mapping.type, ListType):
            raise _query_error(
                f"{target}: elements of maps can be selected, but not elements of lists.",
                (),
                [f"read {target.base}, and take the element from the result"],
            )


def check_filter(model: type, conditions: tuple[Condition, ...], *, filtering: bool, whole: bool) -> Restrictions:
    """Check that the keys and indexes of a table serve these conditions.

    Parameters:
        filtering: whether the query uses ``.allow_filtering()``.
        whole: whether the query uses ``.whole_table()`` or has a limit.
    """
    restrictions = restrictions_of(model, conditions)
    if filtering or (not restrictions.unserved and (restrictions.has_partition or restrictions.uses_token)):
        return restrictions
    if not conditions:
        if not whole:
            raise _query_error(
                f"A select of {model.__qualname__} without where() reads the whole table.",
                restrictions.keys.partition,
                [
                    f"name the partition key ({listed(restrictions.keys.partition)})",
                    "read it in parallel with repo.scan()",
                    "or use .whole_table()",
                ],
            )
        return restrictions
    if not is_served_by_indexes(model, restrictions.unserved):
        raise _query_error(
            _reason(model, restrictions),
            _missing_columns(restrictions),
            index_suggestions(model, restrictions.unserved, conditions),
        )
    return restrictions


def _reason(model: type, restrictions: Restrictions) -> str:
    """Explain why no key serves the conditions: first the partition key, then the clustering key, then others."""
    keys = restrictions.keys
    missing = [name for name in keys.partition if name not in restrictions.equal_columns]
    rest = listed(repr(condition) for condition in restrictions.unserved)
    if len(missing) < len(keys.partition) and missing:
        return (
            f"{rest}: {model.__qualname__} has the partition key ({', '.join(keys.partition)}), and "
            f"{listed(missing)} has neither == nor in_()."
        )
    if missing:
        return f"{rest}: {model.__qualname__} is queried by its partition key ({', '.join(keys.partition)})."
    skipped = [name for name in keys.clustering if name not in restrictions.equal_columns]
    if (
        any(getattr(condition.target, "column", None) in keys.clustering for condition in restrictions.unserved)
        and skipped
    ):
        return (
            f"{rest}: rows of {model.__qualname__} are ordered by ({', '.join(keys.clustering)}), "
            f"which conditions must follow from the first column, and {skipped[0]} has none."
        )
    return f"{rest}: neither a key of {model.__qualname__} nor an index serves it."


def _missing_columns(restrictions: Restrictions) -> tuple[str, ...]:
    missing = tuple(name for name in restrictions.keys.partition if name not in restrictions.equal_columns)
    return missing or tuple(name for name in restrictions.keys.clustering if name not in restrictions.equal_columns)


def check_order(model: type, restrictions: Restrictions, orderings: tuple[Ordering, ...], *, limited: bool) -> None:
    """Check that the table can return rows in this order."""
    nearest = [ordering for ordering in orderings if ordering.is_search]
    if nearest:
        _check_nearest(model, orderings, nearest[0], limited=limited)
        return
    if not orderings:
        return
    keys = restrictions.keys
    if not restrictions.has_partition:
        raise _query_error(
            f"{orderings[0]!r}: rows are ordered only within a partition.",
            tuple(name for name in keys.partition if name not in restrictions.equal_columns),
            ["use the whole partition key in where()", "or sort the result"],
        )
    if restrictions.spans_partitions:
        raise _query_error(
            f"{orderings[0]!r}: rows of several partitions cannot be ordered with paging.",
            (),
            ["read one partition after the other", "or omit order_by() and sort the result"],
        )
    names = [ordering.target.column for ordering in orderings]
    expected = [name for name in keys.clustering if name in names or name not in restrictions.equal_columns]
    if names != expected[: len(names)]:
        raise _query_error(
            f"{listed(map(repr, orderings))}: rows are stored in the order of ({', '.join(keys.clustering)}), "
            "and can be read in that order or in reverse.",
            tuple(expected[: len(names)]),
            [f"order by ({', '.join(expected)}) from the first column on" if expected else "omit order_by()"],
        )
    if len({ordering.descending is (ordering.target.column in keys.descending) for ordering in orderings}) > 1:
        raise _query_error(
            f"{listed(map(repr, orderings))}: the order of a table can be reversed only for all columns at once.",
            (),
            ["reverse all columns or none"],
        )


def _check_nearest(model: type, orderings: tuple[Ordering, ...], nearest: Ordering, *, limited: bool) -> None:
    if len(orderings) > 1:
        raise _query_error(f"{nearest!r} cannot be combined with other orderings.", (), ["omit the other orderings"])
    name, is_full_text = nearest.target.column, nearest.matching is not None
    if not is_indexed(model, name, using=FULL_TEXT if is_full_text else None):
        helps = [f"give {model.__qualname__} the index Index({name!r}, using={FULL_TEXT if is_full_text else 'sai'!r})"]
        helps += [] if is_full_text else ["on ScyllaDB using='vector_index'"]
        raise _query_error(f"{nearest!r}: no {'full-text ' if is_full_text else ''}index is on {name}.", (name,), helps)
    if not limited:
        raise _query_error(f"{nearest!r} requires a limit.", (), ["add .limit()"])


def check_group(restrictions: Restrictions, names: tuple[str, ...]) -> None:
    """Check that rows can be grouped this way: by a prefix of the primary key."""
    expected = [name for name in restrictions.keys.all if name in names or name not in restrictions.equal_columns]
    if list(names) != expected[: len(names)]:
        raise _query_error(
            f"GROUP BY {', '.join(names)}: rows are grouped by a prefix of the primary key "
            f"({', '.join(restrictions.keys.all)}).",
            tuple(expected[: len(names)]),
            [f"group by ({', '.join(expected)}) from the first column on"],
        )


def check_distinct(restrictions: Restrictions, names: Iterable[str], conditions: tuple[Condition, ...]) -> None:
    """Check that a DISTINCT can be served: it lists partitions, and supports only their keys and static columns."""
    selected = list(names)
    partition_columns = restrictions.keys.partition + tuple(restrictions.keys.static)
    row_conditions = [
        condition
        for condition in conditions
        if any(c.column not in partition_columns for c in columns_in([condition.target]))
    ]
    if row_conditions:
        raise _query_error(
            f"{listed(map(repr, row_conditions))}: DISTINCT lists partitions, by their key and static columns.",
            (),
            ["omit the condition", "or omit distinct()"],
        )
    extra = [
        name for name in selected if name not in restrictions.keys.partition and name not in restrictions.keys.static
    ]
    missing = [name for name in restrictions.keys.partition if name not in selected]
    if extra or missing:
        raise _query_error(
            f"DISTINCT lists partitions: select the whole partition key ({', '.join(restrictions.keys.partition)}), "
            "and otherwise only static columns.",
            tuple(missing),
            ["select these columns", "or omit distinct()"],
        )


def check_per_partition_limit(*, distinct: bool, aggregate: bool) -> None:
    """Check that a limit per partition can be applied."""
    if distinct or aggregate:
        raise _query_error(
            f"per_partition_limit() goes with neither {'distinct()' if distinct else 'aggregates'}: "
            "it counts rows before they are put together.",
            (),
            ["leave it out"],
        )


def _query_error(reason: str, needs: Iterable[str], suggestions: list[str]) -> QueryNotSupported:
    first, *more = suggestions
    return QueryNotSupported(
        f"{reason} Possible solutions: {'; '.join([first, *more])}.", needs=tuple(needs), helps=tuple(suggestions)
    )
