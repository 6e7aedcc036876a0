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
from scyllamodel.model.family import discriminated_classes, root_of
from scyllamodel.query.memory import cache_for
from scyllamodel.query.parts import base_of, columns_of
from scyllamodel.query.tuning import not_supported

_UPSERT_WARNING: Final = "; where there is no row, that makes one without a class, unless it says .if_exists()"


@attrs.frozen
class Clauses:
    """Which rows a write is on: its WHERE, its IF, and whether it has an IF EXISTS."""

    conditions: tuple[Condition, ...]
    required: tuple[Condition, ...]
    exists: bool

    def for_class(
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
        class_condition = cache_for(model).class_condition
        if class_condition is None or not isinstance(class_condition.target, ColumnTarget):
            return self
        if columns_of(model)[class_condition.target.column].spec.kind in ("partition_key", "clustering"):
            return attrs.evolve(self, conditions=with_class_condition(model, self.conditions))
        for change in assignments:
            if _is_on(class_condition.target, change.target):
                _check_discriminator_values(model, class_condition, change, [change.value])
        if self.required or self.exists:
            return attrs.evolve(self, required=with_class_condition(model, self.required), exists=False)
        target_list = list(targets)
        only_static = target_list and all(_is_static(model, target) for target in target_list)
        if only_static or (verb == "update" and any(_is_on(class_condition.target, target) for target in target_list)):
            return self
        raise _class_blind_error(model, verb, class_condition)


def with_class_condition(model: type, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Conditions, and the one that finds the rows of a class in a table that others share, unless it is among them.

    Raises:
        QueryNotSupported: one asks for rows of other classes, which would be loaded as none.
    """
    class_condition = cache_for(model).class_condition
    if class_condition is None or not isinstance(class_condition.target, ColumnTarget):
        return conditions
    discriminator_conditions = [
        condition for condition in conditions if _is_on(class_condition.target, condition.target)
    ]
    for condition in discriminator_conditions:
        values = [condition.value] if condition.operator == "=" else condition.value
        _check_discriminator_values(
            model, class_condition, condition, values if condition.operator in ("=", "IN") else []
        )
    return conditions if discriminator_conditions else (*conditions, class_condition)


def _check_discriminator_values(
    model: type, class_condition: Condition, operation: Condition | Assignment, values: Sequence[Any]
) -> None:
    """Refuse values of the discriminator that are not of a class, or that are not known."""
    class_values = [class_condition.value] if class_condition.operator == "=" else list(class_condition.value)
    if values and all(value in class_values for value in values):
        return
    name, root = model.__qualname__, getattr(root_of(model), "__qualname__", "")
    is_change = isinstance(operation, Assignment)
    effect = "would make it a row of another class" if is_change else "asks for rows of other classes"
    advice = "Save an instance of that class" if is_change else "Name the class of these rows instead"
    raise not_supported(
        f"{operation!r} {effect}: those of {name} have {' or '.join(map(repr, class_values))} there.",
        f"{advice}, or say {root} for rows of any class.",
    )


def _is_on(discriminator: ColumnTarget, target: Target) -> bool:
    return isinstance(target, ColumnTarget) and target.column == discriminator.column


def _is_static(model: type, target: Target) -> bool:
    base = base_of(target)
    return base is not None and columns_of(model)[base.column].spec.kind == "static"


def _class_blind_error(model: type, verb: str, class_condition: Condition) -> Exception:
    name, root = model.__qualname__, getattr(root_of(model), "__qualname__", "")
    effect = (
        "change rows of other classes, and make rows of none" if verb == "update" else "delete rows of other classes"
    )
    alternative = "load the row and save() it" if verb == "update" else "read the rows and delete_many() them"
    return not_supported(
        f"This {verb} of {name} could {effect}: the table of {root} is shared, and CQL writes without looking at "
        f"{class_condition.target}.",
        f"Say .if_exists() or .if_(…), which then ask for {class_condition.target} too, {alternative}, or say "
        f"{verb}({root}) for rows "
        f"of any class{_UPSERT_WARNING if verb == 'update' else ''}.",
    )


def check_truncate(model: type) -> None:
    """Refuse to empty a table through one of the classes that share it.

    Raises:
        QueryNotSupported: other classes have rows there.
    """
    if cache_for(model).class_condition is not None:
        name, root = model.__qualname__, getattr(root_of(model), "__qualname__", "")
        raise not_supported(
            f"truncate({name}) would delete the rows of all classes that share the table of {root}.",
            f"Say truncate({root}) if that is meant; else read the rows of {name} and delete_many() them.",
        )


def check_keys_of_class(model: type) -> None:
    """Refuse to delete rows by key alone through a class that shares its table.

    Raises:
        QueryNotSupported: the key does not tell of which class a row is.
    """
    class_condition = cache_for(model).class_condition
    if class_condition is None or not isinstance(class_condition.target, ColumnTarget):
        return
    if columns_of(model)[class_condition.target.column].spec.kind not in ("partition_key", "clustering"):
        raise _class_blind_error(model, "delete", class_condition)


def check_class(row: Any) -> None:
    """Refuse to write an instance whose discriminator is that of another class.

    Raises:
        QueryNotSupported: its row would be loaded as the other class.
    """
    model: type[Any] = row.__class__
    discriminated = discriminated_classes(model)
    if discriminated is None:
        return
    name, classes = discriminated
    value = getattr(row, name)
    expected = classes.get(value, root_of(model))
    if expected is not model:
        raise not_supported(
            f"{model.__qualname__}.{name} is {value!r}, which is the value of {getattr(expected, '__qualname__', '')}: "
            f"the row would be loaded as that, and not as {model.__qualname__}.",
            f"Make an instance of {getattr(expected, '__qualname__', '')} with these values, save it, and delete this "
            "one if its key differs.",
        )


def check_json_class(model: type, text: str) -> None:
    """Refuse a row of JSON text whose discriminator is not that of the class.

    Raises:
        QueryNotSupported: the row would be of another class, or of none.
    """
    discriminated = discriminated_classes(model)
    if discriminated is None or cache_for(model).class_condition is None:
        return
    name, classes = discriminated
    column = columns_of(model)[name]
    raw = _column_values(text).get(column.db_name)
    value = column.type_mapping.load(raw) if column.type_mapping.load is not None and raw is not None else raw
    if classes.get(value) is not model:
        class_value = next(value for value, cls in classes.items() if cls is model)
        raise not_supported(
            f"The JSON text of this insert has no {column.db_name!r} of {model.__qualname__}: the row would be loaded "
            "as another class.",
            f"Put {column.db_name!r} into it, with the value {class_value!r}.",
        )


def _column_values(text: str) -> dict[str, Any]:
    """A row of JSON text by the names of its columns; of a text that is none, nothing, since servers say why."""
    try:
        document = read_json(text)
    except ValueError:
        return {}
    names = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    return {key[1:-1] if key[:1] == '"' else key.lower(): value for key, value in names.items()}
