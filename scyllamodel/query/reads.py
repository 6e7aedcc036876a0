"""What a SELECT must be so that servers serve it, checked before it is sent.

Comes in: the parts of a select. Goes out: nothing, or `QueryNotSupported` that says what it would need and what helps.
Servers say the same later and in fewer words; whatever is not refused here is theirs to refuse.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel.errors import QueryNotSupported
from scyllamodel.model.expression import Condition, ElementTarget, Ordering, Target
from scyllamodel.query.indexes import FULL_TEXT, index_suggestions, is_indexed, is_served_by_indexes
from scyllamodel.query.parts import column_of, columns_in
from scyllamodel.query.restrictions import Restrictions, joined_names, restrictions_of
from scyllamodel.types.values import ListType


def check_selection(targets: Iterable[Target]) -> None:
    """Refuse elements of lists, which no server selects."""
    for target in targets:
        if isinstance(target, ElementTarget) and isinstance(column_of(target.base).type_mapping.type, ListType):
            raise _query_error(
                f"{target}: a SELECT takes elements of maps, and not of lists.",
                (),
                [f"select {target.base}, and take the element of what comes"],
            )


def check_filter(model: type, conditions: tuple[Condition, ...], *, filtering: bool, whole: bool) -> Restrictions:
    """Whether the keys and indexes of a table serve these conditions.

    Parameters:
        filtering: the author said ``.allow_filtering()``.
        whole: the author said that the whole table is meant, or how many rows at most.
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
                    f"name the partition key ({joined_names(restrictions.keys.partition)})",
                    "read it in parallel with repo.scan()",
                    "or say .whole_table()",
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
    """In the order in which a reader would look: the partition key, the clustering key, other columns."""
    keys = restrictions.keys
    missing = [name for name in keys.partition if name not in restrictions.equal_columns]
    rest = joined_names(repr(condition) for condition in restrictions.unserved)
    if len(missing) < len(keys.partition) and missing:
        return (
            f"{rest}: {model.__qualname__} has the partition key ({', '.join(keys.partition)}), and "
            f"{joined_names(missing)} "
            "is named by neither == nor in_()."
        )
    if missing:
        return f"{rest}: {model.__qualname__} is looked up by its partition key ({', '.join(keys.partition)})."
    skipped = [name for name in keys.clustering if name not in restrictions.equal_columns]
    if (
        any(getattr(condition.target, "column", None) in keys.clustering for condition in restrictions.unserved)
        and skipped
    ):
        return (
            f"{rest}: rows of {model.__qualname__} are in the order of ({', '.join(keys.clustering)}), "
            f"which has to be followed from its beginning, and {skipped[0]} comes before."
        )
    return f"{rest}: it is on no key of {model.__qualname__}, and no index serves it."


def _missing_columns(restrictions: Restrictions) -> tuple[str, ...]:
    missing = tuple(name for name in restrictions.keys.partition if name not in restrictions.equal_columns)
    return missing or tuple(name for name in restrictions.keys.clustering if name not in restrictions.equal_columns)


def check_order(model: type, restrictions: Restrictions, orderings: tuple[Ordering, ...], *, limited: bool) -> None:
    """Whether rows can be had in this order."""
    nearest = [ordering for ordering in orderings if ordering.is_search]
    if nearest:
        _check_nearest(model, orderings, nearest[0], limited=limited)
        return
    if not orderings:
        return
    keys = restrictions.keys
    if not restrictions.has_partition:
        raise _query_error(
            f"{orderings[0]!r}: rows have an order within their partition only.",
            tuple(name for name in keys.partition if name not in restrictions.equal_columns),
            ["name the whole partition key in where()", "or sort what comes"],
        )
    if restrictions.spans_partitions:
        raise _query_error(
            f"{orderings[0]!r}: rows of several partitions are not sorted page by page.",
            (),
            ["read one partition after the other", "or leave order_by() out and sort what comes"],
        )
    names = [ordering.target.column for ordering in orderings]
    expected = [name for name in keys.clustering if name in names or name not in restrictions.equal_columns]
    if names != expected[: len(names)]:
        raise _query_error(
            f"{joined_names(map(repr, orderings))}: rows are kept in the order of ({', '.join(keys.clustering)}), and "
            "can be "
            "read in that order or against it.",
            tuple(expected[: len(names)]),
            [f"order by ({', '.join(expected)}) from the first on" if expected else "leave order_by() out"],
        )
    if len({ordering.descending is (ordering.target.column in keys.descending) for ordering in orderings}) > 1:
        raise _query_error(
            f"{joined_names(map(repr, orderings))}: the order of a table is kept or reversed for all columns at once.",
            (),
            ["turn all of them or none"],
        )


def _check_nearest(model: type, orderings: tuple[Ordering, ...], nearest: Ordering, *, limited: bool) -> None:
    if len(orderings) > 1:
        raise _query_error(f"{nearest!r} is an order by itself.", (), ["leave the other orderings out"])
    name, words = nearest.target.column, nearest.matching is not None
    if not is_indexed(model, name, using=FULL_TEXT if words else None):
        helps = [f"give {model.__qualname__} the index Index({name!r}, using={FULL_TEXT if words else 'sai'!r})"]
        helps += [] if words else ["on ScyllaDB using='vector_index'"]
        raise _query_error(f"{nearest!r}: no {'full-text ' if words else ''}index is on {name}.", (name,), helps)
    if not limited:
        raise _query_error(f"{nearest!r} needs to know how many rows to find.", (), ["say .limit()"])


def check_group(restrictions: Restrictions, names: tuple[str, ...]) -> None:
    """Whether rows can be grouped so: along the primary key, from its beginning."""
    expected = [name for name in restrictions.keys.all if name in names or name not in restrictions.equal_columns]
    if list(names) != expected[: len(names)]:
        raise _query_error(
            f"GROUP BY {', '.join(names)}: groups go along the primary key ({', '.join(restrictions.keys.all)}).",
            tuple(expected[: len(names)]),
            [f"group by ({', '.join(expected)}) from the first on"],
        )


def check_distinct(restrictions: Restrictions, names: Iterable[str], conditions: tuple[Condition, ...]) -> None:
    """Whether a DISTINCT can be answered: it lists partitions, so it shows their keys and what is of static columns."""
    selected = list(names)
    partition_columns = restrictions.keys.partition + tuple(restrictions.keys.static)
    row_conditions = [
        condition
        for condition in conditions
        if any(c.column not in partition_columns for c in columns_in([condition.target]))
    ]
    if row_conditions:
        raise _query_error(
            f"{joined_names(map(repr, row_conditions))}: DISTINCT lists partitions, by their key and static columns.",
            (),
            ["leave the condition out", "or leave distinct() out"],
        )
    extra = [
        name for name in selected if name not in restrictions.keys.partition and name not in restrictions.keys.static
    ]
    missing = [name for name in restrictions.keys.partition if name not in selected]
    if extra or missing:
        raise _query_error(
            f"DISTINCT lists partitions: select the whole partition key ({', '.join(restrictions.keys.partition)}), "
            "with "
            "static columns at most.",
            tuple(missing),
            ["select these columns", "or leave distinct() out"],
        )


def check_per_partition_limit(*, distinct: bool, aggregate: bool) -> None:
    """Whether some rows of each partition can be asked for."""
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
        f"{reason} To have it answered, {'; '.join([first, *more])}.", needs=tuple(needs), helps=tuple(suggestions)
    )
