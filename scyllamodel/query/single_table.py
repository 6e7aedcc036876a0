"""Writes to single-table inheritance: an update or delete of a class must not affect rows of other classes.

In: the clauses of an update or delete. Out: the clauses with the condition on the discriminator, where CQL allows one:
in WHERE if the discriminator is part of the key, in IF if the write is conditional. All other writes are refused, since
they would not check the class of their row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, cast

import attrs

from scyllamodel._json import read_json
from scyllamodel.model.expression import Assignment, ColumnTarget, Condition, Target
from scyllamodel.model.single_table import discriminated_classes, root_of
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.targets import base_of, columns_of

_UPSERT_WARNING: Final = "; if the row does not exist, that creates one without a class, unless it uses .if_exists()"


@attrs.frozen
class Clauses:
    """The clauses that select the row of a write: WHERE, IF, and IF EXISTS."""

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
        """Return these clauses, restricted to rows of one class.

        Parameters:
            targets: what changes; empty means whole rows.
            assignments: those of an update, which must not set the discriminator to another class.

        Raises:
            QueryNotSupported: the write would not check the class of the row, or names another class.
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
    """Return the conditions with one that selects the rows of this class of a shared table, unless they have one.

    Raises:
        QueryNotSupported: a condition selects rows of other classes.
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
    """Refuse values of the discriminator that belong to other classes or are unknown."""
    class_values = [class_condition.value] if class_condition.operator == "=" else list(class_condition.value)
    if values and all(value in class_values for value in values):
        return
    name, root = model.__qualname__, getattr(root_of(model), "__qualname__", "")
    is_change = isinstance(operation, Assignment)
    effect = "would change the class of the row" if is_change else "selects rows of other classes"
    advice = "Save an instance of that class" if is_change else "Use the class of these rows"
    raise not_supported(
        f"{operation!r} {effect}: rows of {name} have {' or '.join(map(repr, class_values))} there.",
        f"{advice}, or use {root} for rows of any class.",
    )


def _is_on(discriminator: ColumnTarget, target: Target) -> bool:
    return isinstance(target, ColumnTarget) and target.column == discriminator.column


def _is_static(model: type, target: Target) -> bool:
    base = base_of(target)
    return base is not None and columns_of(model)[base.column].spec.kind == "static"


def _class_blind_error(model: type, verb: str, class_condition: Condition) -> Exception:
    name, root = model.__qualname__, getattr(root_of(model), "__qualname__", "")
    effect = (
        "change rows of other classes or create rows without one"
        if verb == "update"
        else "delete rows of other classes"
    )
    alternative = "load the row and save() it" if verb == "update" else "read the rows and delete_many() them"
    return not_supported(
        f"This {verb} of {name} could {effect}: the table of {root} is shared, and the write does not check "
        f"{class_condition.target}.",
        f"Add .if_exists() or .if_(…), which then also check {class_condition.target}, {alternative}, or use "
        f"{verb}({root}) for rows of any class{_UPSERT_WARNING if verb == 'update' else ''}.",
    )


def check_truncate(model: type) -> None:
    """Refuse to truncate a table through one of several classes that share it.

    Raises:
        QueryNotSupported: other classes share the table.
    """
    if cache_for(model).class_condition is not None:
        name, root = model.__qualname__, getattr(root_of(model), "__qualname__", "")
        raise not_supported(
            f"truncate({name}) would delete the rows of all classes that share the table of {root}.",
            f"Use truncate({root}) to delete all of them; otherwise read the rows of {name} and delete_many() them.",
        )


def check_keys_of_class(model: type) -> None:
    """Refuse to delete rows by key alone through a class that shares its table.

    Raises:
        QueryNotSupported: the key does not determine the class of a row.
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
            f"the row would be loaded as that class, and not as {model.__qualname__}.",
            f"Save an instance of {getattr(expected, '__qualname__', '')} with these values, and delete this "
            "one if its key differs.",
        )


def check_json_class(model: type, text: str) -> None:
    """Refuse a row of JSON text whose discriminator does not belong to the class.

    Raises:
        QueryNotSupported: the row would belong to another class, or to none.
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
            f"Add {column.db_name!r} to the text, with the value {class_value!r}.",
        )


def _column_values(text: str) -> dict[str, Any]:
    """Return a row of JSON text by column name; empty for invalid text, which servers report."""
    try:
        document = read_json(text)
    except ValueError:
        return {}
    names = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    return {key[1:-1] if key[:1] == '"' else key.lower(): value for key, value in names.items()}
