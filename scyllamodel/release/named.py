"""Models and columns by the names that people type: ``Order``, ``orders``, ``Order.total``, ``orders.total``.

*In*: the models of a repo, and a name; or a class or column, which is passed on. *Out*: the class, and the column if
one was named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from scyllamodel.errors import ConfigurationError
from scyllamodel.model.column import Column
from scyllamodel.model.names import closest
from scyllamodel.query.functions import is_table
from scyllamodel.query.parts import columns_of

Named: TypeAlias = "str | type[Any] | Column[Any]"


def named(models: Iterable[type[Any]], what: Named) -> tuple[type[Any], Column[Any] | None]:
    """The model that is meant, and its column if one is.

    Raises:
        ConfigurationError: there is no such model, or it has no such column.
        TypeError: it is neither a name nor a model nor a column of one.
    """
    if isinstance(what, str):
        return _by_name(list(models), what)
    if isinstance(what, Column):
        return what.model, what
    if is_table(what):
        return what, None
    raise TypeError(f"a model, a column such as Order.total, or the name of one is needed, not {what!r}")


def column_named(model: type[Any], name: str) -> Column[Any]:
    """The column of a model by the name of its attribute, or in the database.

    Raises:
        ConfigurationError: it has none of that name.
    """
    columns = columns_of(model)
    found = columns.get(name) or next((one for one in columns.values() if one.db_name == name), None)
    if found is None:
        raise ConfigurationError(f"{model.__qualname__} has no column {name!r}{closest(name, columns)}", name=name)
    return found


def _by_name(models: list[type[Any]], what: str) -> tuple[type[Any], Column[Any] | None]:
    head, _, rest = what.partition(".")
    for model in models:
        if is_table(model) and head in (model.__name__, model.__facts__.name):
            return model, column_named(model, rest) if rest else None
    known = [model.__name__ for model in models if is_table(model)]
    text = f"No model is called {head!r}{closest(head, known)}\nSay Order for a table, Order.total for a column."
    raise ConfigurationError(text, name=what)
