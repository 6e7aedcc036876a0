"""Checks of the arguments of repo methods: a statement, a model, or an instance of one.

In: the name of a method and its argument. Out: nothing, or a `TypeError` that names the method, the argument, and what
to write. Messages show classes and not values, which may be secret.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final, NoReturn

from scyllamodel.query.functions import is_model, is_table
from scyllamodel.query.select import Select
from scyllamodel.query.statement import Statement

_SELECT_EXAMPLE: Final = "select(Order).where(Order.shop == …)"


def check_select(verb: str, query: object) -> None:
    """Refuse an argument that is not a select, for methods that read.

    Raises:
        TypeError: the argument is not a select.
    """
    untyped: Any = query
    if isinstance(query, Select):
        return
    if is_model(query):
        name = getattr(query, "__qualname__", "")
        advice = f"Write repo.{verb}(select({name}).where(…)), or .whole_table() for all of its rows."
    elif isinstance(query, Statement):
        advice = f"{untyped.__class__.__name__} is a write; use repo.execute(statement)."
    elif isinstance(query, str):
        advice = "Use repo.raw(cql, values) for CQL text."
    elif is_model(type(query)):
        name = type(query).__qualname__
        advice = f"Write repo.{verb}(select({name}).where(…)); repo.refresh(row) reads the row of an instance again."
    else:
        advice = f"Write {_SELECT_EXAMPLE}."
    raise TypeError(f"repo.{verb}() takes a select, not {description(untyped)}. {advice}")


def check_scannable(what: object) -> None:
    """Refuse an argument that is neither a model or view nor a select.

    Raises:
        TypeError: it is something else.
    """
    if not is_model(what) and not isinstance(what, Select):
        raise TypeError(f"repo.scan() takes a model or a select, not {description(what)}. Write repo.scan(Order).")


def check_statement(statement: object, verb: str = "repo.execute") -> None:
    """Refuse an argument that is not a statement.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(statement, Statement):
        return
    advice = f"Write {_SELECT_EXAMPLE}, update(…), insert(…) or delete(…)."
    if isinstance(statement, str):
        advice = "Use repo.raw(cql, values) for CQL text."
    elif is_table(type(statement)):
        advice = "Use repo.save(row), repo.insert(row) or repo.delete(row) for an instance."
    raise TypeError(f"{verb}() takes a statement, not {description(statement)}. {advice}")


def check_get_arguments(model: object, values: tuple[object, ...] = (), *, verb: str = "get") -> None:
    """Refuse arguments of ``get`` other than a model and its key by name.

    Raises:
        TypeError: the key is not given by name, or the model is missing.
    """
    untyped: Any = model
    if not values and isinstance(model, type):
        return  # a class that is not a model is refused on the lookup of its key
    if is_model(model):
        key = ", ".join(f"{name}=…" for name in _key(model))
        raise TypeError(
            f"repo.get() takes the key of a row by name: repo.get({getattr(model, '__qualname__', '')}, {key})."
        )
    if is_model(type(model)):
        name, key = type(model).__qualname__, ", ".join(f"{name}=…" for name in _key(type(model)))
        advice = f"Write repo.get({name}, {key}); repo.refresh(row) reads the row of an instance again."
    elif isinstance(model, Select):
        advice = "Write repo.one_or_none(query), or repo.all(query)."
    else:
        advice = f"Write repo.{verb}(Order, {'[key, …]' if verb == 'get_many' else 'shop=…'})."
    raise TypeError(f"repo.{verb}() takes a model and the key of a row, not {description(untyped)}. {advice}")


def check_scalar(query: Select[Any]) -> None:
    """Refuse a select of whole instances where one column is expected.

    Raises:
        TypeError: the select has no columns.
    """
    if not query.selection and "json" not in query.flags:
        name = getattr(query.model, "__qualname__", "Order")
        raise TypeError(
            f"repo.scalar() takes a select of one column, such as select({name}.id), not of whole rows. Write "
            "repo.first(query) for an instance."
        )


def check_many(verb: str, rows: object) -> None:
    """Refuse an argument that is not an iterable of rows or keys.

    Raises:
        TypeError: the argument is a class, one instance, or not iterable.
    """
    if isinstance(rows, (Iterable, AsyncIterable)) and not isinstance(rows, (str, bytes, type)):
        return
    advice = f"Write repo.{verb}([order, …])."
    if is_model(type(rows)):
        advice = f"For one instance, write repo.{verb.removesuffix('_many')}(row)."
    elif is_model(rows) and verb == "delete_many":
        advice = f"Write repo.delete_many({getattr(rows, '__qualname__', '')}, keys), or pass instances."
    elif verb == "get_many":
        advice = "Write repo.get_many(Order, [key, …])."
    raise TypeError(
        f"{verb}() takes an iterable of {'keys' if verb == 'get_many' else 'instances'}, not {description(rows)}. "
        f"{advice}"
    )


def check_row(verb: str, row: object) -> None:
    """Refuse an argument that is not an instance of a model or view.

    Raises:
        TypeError: the argument is not an instance.
    """
    if not is_model(type(row)):
        raise_not_a_row(verb, row)


def raise_not_a_row(verb: str, row: object) -> NoReturn:
    """Raise the error of `check_row`."""
    untyped: Any = row
    advice = f"Write repo.{verb}(order) with an instance."
    if is_model(row):
        name = getattr(row, "__qualname__", "")
        advice = f"Write repo.{verb}({name}(…)) with values." if verb in ("save", "insert") else advice
        if verb == "delete":
            advice = (
                f"Delete rows with repo.execute(delete({name}).where(…)), and all of them with repo.truncate({name})."
            )
    elif isinstance(row, Statement):
        advice = "Use repo.execute(statement) for a statement."
    elif isinstance(row, (list, tuple, set)) and verb in ("save", "delete"):
        advice = f"For several instances, write repo.{verb}_many(rows)."
    raise TypeError(f"{verb}() takes an instance of a model, not {description(untyped)}. {advice}")


def description(value: object) -> str:
    """Describe an argument without its value."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__qualname__}"
    name = type(value).__qualname__
    return f"an instance of {name}" if is_model(type(value)) else f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def _key(model: Any) -> list[str]:
    kinds = ("partition_key", "clustering")
    return [name for kind in kinds for name, column in model.__columns__.items() if column.spec.kind == kind]
