"""Looks up models and columns by the names that users type: ``Order``, ``orders``, ``Order.total``, ``orders.total``.

*In*: the models of a repo, and a name, class or column. *Out*: the class, and the column if one is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from scyllamodel._text import suggestion
from scyllamodel.errors import ConfigurationError
from scyllamodel.model.column import Column
from scyllamodel.query.functions import is_table
from scyllamodel.query.targets import columns_of

ModelOrColumn: TypeAlias = "str | type[Any] | Column[Any]"


def find_model_or_column(
    models: Iterable[type[Any]], name_or_object: ModelOrColumn
) -> tuple[type[Any], Column[Any] | None]:
    """Return the model, and the column if one is named.

    Raises:
        ConfigurationError: there is no such model or column.
        TypeError: it is not a name, a model or a column.
    """
    if isinstance(name_or_object, str):
        return _find_by_name(list(models), name_or_object)
    if isinstance(name_or_object, Column):
        return name_or_object.model, name_or_object
    if is_table(name_or_object):
        return name_or_object, None
    raise TypeError(f"expected a model, a column such as Order.total, or a name, got {name_or_object!r}")


def find_column(model: type[Any], name: str) -> Column[Any]:
    """Return the column of a model by attribute or database name.

    Raises:
        ConfigurationError: it has none of that name.
    """
    columns = columns_of(model)
    column = columns.get(name) or next((candidate for candidate in columns.values() if candidate.db_name == name), None)
    if column is None:
        raise ConfigurationError(f"{model.__qualname__} has no column {name!r}{suggestion(name, columns)}", name=name)
    return column


def _find_by_name(models: list[type[Any]], name: str) -> tuple[type[Any], Column[Any] | None]:
    model_name, _, column_name = name.partition(".")
    for model in models:
        if is_table(model) and model_name in (model.__name__, model.__facts__.name):
            return model, find_column(model, column_name) if column_name else None
    model_names = [model.__name__ for model in models if is_table(model)]
    message = f"No model is named {model_name!r}{suggestion(model_name, model_names)}\n"
    message += "Write Order for a table, Order.total for a column."
    raise ConfigurationError(message, name=name)
