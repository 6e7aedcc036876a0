"""Writes through a class that shares its table with others: to rows of its own kind, and to no others.

Comes in: the clauses of an update or delete. Goes out: the clauses with the condition on the discriminator where CQL
has a place for it: in WHERE when the discriminator is part of the key, in IF when the write is conditional. Any other
write would be blind to the kind of its row, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, cast

import attrs

from scyllamodel._json import read_json
from scyllamodel.model.expression import Assignment, ColumnTarget, Condition, Target
from scyllamodel.model.family import family_of, head_of
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import base_of, columns_of
from scyllamodel.query.tuning import refuse

_UPSERT: Final = "; where there is no row, that makes one without a class, unless it says .if_exists()"


@attrs.frozen
class Clauses:
    """Which rows a write is on: its WHERE, its IF, and whether it has an IF EXISTS."""

    conditions: tuple[Condition, ...]
    required: tuple[Condition, ...]
    exists: bool

    def of_kind(
        self,
        model: type,
        verb: Literal["update", "delete"],
        targets: Iterable[Target],
        assignments: Iterable[Assignment] = (),
    ) -> Clauses:
        """These clauses, for rows of one class alone.

        Parameters:
            targets: what changes; nothing is whole rows.
            assignments: of an update, which write no value of another class to the discriminator.

        Raises:
            QueryNotSupported: the write would not see of which class a row is, or is about another class.
        """
        own = memory_of(model).own
        if own is None or not isinstance(own.target, ColumnTarget):
            return self
        if columns_of(model)[own.target.column].spec.kind in ("partition_key", "clustering"):
            return attrs.evolve(self, conditions=with_own(model, self.conditions))
        for change in assignments:
            if _is_on(own.target, change.target):
                _check_within(model, own, change, [change.value])
        if self.required or self.exists:
            return attrs.evolve(self, required=with_own(model, self.required), exists=False)
        changed = list(targets)
        shared = changed and all(_is_static(model, target) for target in changed)
        if shared or (verb == "update" and any(_is_on(own.target, target) for target in changed)):
            return self
        raise _blind(model, verb, own)


def with_own(model: type, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Conditions, and the one that finds the rows of a class in a table that others share, unless it is among them.

    Raises:
        QueryNotSupported: one asks for rows of other classes, which would be loaded as none.
    """
    own = memory_of(model).own
    if own is None or not isinstance(own.target, ColumnTarget):
        return conditions
    named = [condition for condition in conditions if _is_on(own.target, condition.target)]
    for condition in named:
        values = [condition.value] if condition.operator == "=" else condition.value
        _check_within(model, own, condition, values if condition.operator in ("=", "IN") else [])
    return conditions if named else (*conditions, own)


def _check_within(model: type, own: Condition, given: Condition | Assignment, values: Sequence[Any]) -> None:
    """Refuse values of the discriminator that are not of a class, or that are not known."""
    known = [own.value] if own.operator == "=" else list(own.value)
    if values and all(value in known for value in values):
        return
    name, head = model.__qualname__, getattr(head_of(model), "__qualname__", "")
    is_change = isinstance(given, Assignment)
    what = "would make it a row of another class" if is_change else "asks for rows of other classes"
    advice = "Save an instance of that class" if is_change else "Name the class of these rows instead"
    raise refuse(
        f"{given!r} {what}: those of {name} have {' or '.join(map(repr, known))} there.",
        f"{advice}, or say {head} for rows of any class.",
    )


def _is_on(column: ColumnTarget, target: Target) -> bool:
    return isinstance(target, ColumnTarget) and target.column == column.column


def _is_static(model: type, target: Target) -> bool:
    base = base_of(target)
    return base is not None and columns_of(model)[base.column].spec.kind == "static"


def _blind(model: type, verb: str, own: Condition) -> Exception:
    name, head = model.__qualname__, getattr(head_of(model), "__qualname__", "")
    what = "change rows of other classes, and make rows of none" if verb == "update" else "delete rows of other classes"
    instead = "load the row and save() it" if verb == "update" else "read the rows and delete_many() them"
    return refuse(
        f"This {verb} of {name} could {what}: the table of {head} is shared, and CQL writes without looking at "
        f"{own.target}.",
        f"Say .if_exists() or .if_(…), which then ask for {own.target} too, {instead}, or say {verb}({head}) for rows "
        f"of any class{_UPSERT if verb == 'update' else ''}.",
    )


def check_truncate(model: type) -> None:
    """Refuse to empty a table through one of the classes that share it.

    Raises:
        QueryNotSupported: other classes have rows there.
    """
    if memory_of(model).own is not None:
        name, head = model.__qualname__, getattr(head_of(model), "__qualname__", "")
        raise refuse(
            f"truncate({name}) would delete the rows of all classes that share the table of {head}.",
            f"Say truncate({head}) if that is meant; else read the rows of {name} and delete_many() them.",
        )


def check_keys_of_kind(model: type) -> None:
    """Refuse to delete rows by key alone through a class that shares its table.

    Raises:
        QueryNotSupported: the key does not tell of which class a row is.
    """
    own = memory_of(model).own
    if own is None or not isinstance(own.target, ColumnTarget):
        return
    if columns_of(model)[own.target.column].spec.kind not in ("partition_key", "clustering"):
        raise _blind(model, "delete", own)


def check_kind(row: Any) -> None:
    """Refuse to write an instance whose discriminator is that of another class.

    Raises:
        QueryNotSupported: its row would be loaded as the other class.
    """
    model: type[Any] = row.__class__
    found = family_of(model)
    if found is None:
        return
    name, family = found
    value = getattr(row, name)
    expected = family.get(value, head_of(model))
    if expected is not model:
        raise refuse(
            f"{model.__qualname__}.{name} is {value!r}, which is the value of {getattr(expected, '__qualname__', '')}: "
            f"the row would be loaded as that, and not as {model.__qualname__}.",
            f"Make an instance of {getattr(expected, '__qualname__', '')} with these values, save it, and delete this "
            "one if its key differs.",
        )


def check_json(model: type, text: str) -> None:
    """Refuse a row of JSON text whose discriminator is not that of the class.

    Raises:
        QueryNotSupported: the row would be of another class, or of none.
    """
    found = family_of(model)
    if found is None or memory_of(model).own is None:
        return
    name, family = found
    column = columns_of(model)[name]
    given = _plain_names(text).get(column.db_name)
    value = column.hint.load(given) if column.hint.load is not None and given is not None else given
    if family.get(value) is not model:
        own = next(value for value, cls in family.items() if cls is model)
        raise refuse(
            f"The JSON text of this insert has no {column.db_name!r} of {model.__qualname__}: the row would be loaded "
            "as another class.",
            f"Put {column.db_name!r} into it, with the value {own!r}.",
        )


def _plain_names(text: str) -> dict[str, Any]:
    """A row of JSON text by the names of its columns; of a text that is none, nothing, since servers say why."""
    try:
        found = read_json(text)
    except ValueError:
        return {}
    names = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {key[1:-1] if key[:1] == '"' else key.lower(): value for key, value in names.items()}
