"""Generation of the functions that create an instance from a row, and that return the values of an instance.

This module contains the only ``exec()`` of the package. Loading and binding are straight Python code, generated for
each class: no loop, no dictionary, and no call for a column that needs no conversion. The source is in `linecache`, so
that tracebacks show it. It is generated on first use.

For an ``Order`` with a text and a non-nullable list of dates this is generated::

    def __load__(row):
        self = new(cls)
        (
            self.status,
            v1,
        ) = self.__row__ = row
        self.days = empty_1() if v1 is None else load_1(v1)
        return self

    def __bind__(self):
        try:
            return (
                self.status,
                None if (v := self.days) is None else dump_1(v),
            )
        except Exception as error:
            fault = error
        raise blame(self, fault)
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar, cast

import attrs

from scyllamodel.errors import TypeMismatch, hide_frame
from scyllamodel.model.class_data import LazyAttribute, namespace_of
from scyllamodel.types.annotations import TypeMapping
from scyllamodel.types.display import Show, display_for, type_mismatch
from scyllamodel.types.identity import IN_PYTHON, NATIVE, Form, Identity, as_field_mapping, identity_of
from scyllamodel.types.loading import load_expression, loads_as_stored

T = TypeVar("T")
Load = Callable[[Sequence[Any]], T]
Bind = Callable[[T], tuple[Any, ...]]

ROW = "__row__"
"""The slot of a model instance that contains the row it was loaded from, which is not a column."""


@attrs.frozen
class Field:
    """An attribute of a class, and the conversion of its values.

    Attributes:
        name: the attribute.
        type_mapping: the type of the annotation.
        redact: whether values are hidden.
    """

    name: str
    type_mapping: TypeMapping
    redact: bool = False

    @property
    def show(self) -> Show:
        """The function that shows values in errors."""
        return display_for(redact=self.redact, secret=self.type_mapping.secret)


def install_row_functions(cls: type[Any], fields_of: Callable[[type[Any]], Sequence[Field]]) -> None:
    """Add the static method ``__load__(row)``, ``__bind__(self)``, and the identities of instances to a class.

    The identities are ``__identity__``, by stored form, and ``__equality__``, for ``==`` of containing values. Each is
    computed on first use.

    Parameters:
        cls: the class.
        fields_of: returns the fields of the class, in the order of a row.
    """
    for name, make in _ROW_FUNCTIONS.items():
        type.__setattr__(cls, name, LazyAttribute(cls, name, _make_row_function, make, fields_of))


def _make_row_function(
    cls: type[T], make: Callable[[type[T], Sequence[Field]], Any], fields_of: Callable[[type[T]], Sequence[Field]]
) -> Any:
    return make(cls, fields_of(cls))


def make_load(cls: type[T], fields: Sequence[Field]) -> Load[T]:
    """Return the function from a row, in the order of the fields, to an instance of the class.

    It checks nothing, since the database accepted the row: ``__init__``, converters and validators do not run. A null
    becomes None, or the empty collection for a collection field.

    Its attribute ``append_all`` takes rows and the ``append`` of a list, and does the same for each row without a call
    for each. When a row fails, those before it are in the list.
    """
    scope: dict[str, Any] = {"new": object.__new__, "cls": cls}
    assign = _assign_frozen_lines if cls.__setattr__ is not object.__setattr__ else _assign_lines
    body = ["    self = new(cls)", *assign(cls, fields, scope)]
    lines = [
        *("def __load__(row):", *body, "    return self"),
        *("def append_all(rows, append):", "    for row in rows:", *(f"    {line}" for line in body)),
        "        append(self)",
    ]
    text = "Return a row, in the order of the columns, as an instance."
    load: Any = _define_method(lines, cls, "__load__", text, scope)
    load.append_all = scope["append_all"]
    return cast("Load[T]", load)


def _assign_lines(cls: type, fields: Sequence[Field], scope: dict[str, Any]) -> list[str]:
    """Return lines that assign values without conversion from the row to their slots in one statement."""
    needs_no_work = [loads_as_stored(field.type_mapping) for field in fields]
    slots = [
        f"self.{raw_slot_name(cls, field.name)}" if is_plain else f"v{position}"
        for position, (field, is_plain) in enumerate(zip(fields, needs_no_work, strict=True))
    ]
    converted_lines = [
        f"    self.{raw_slot_name(cls, field.name)} = {_load_expression(position, cls, field, scope)}"
        for position, field in enumerate(fields)
        if not needs_no_work[position]
    ]
    return [*_unpack_lines(cls, slots), *converted_lines]


def _assign_frozen_lines(cls: type, fields: Sequence[Field], scope: dict[str, Any]) -> list[str]:
    """Return lines that fill the slots of a frozen class through their descriptors, since it refuses assignment."""
    lines = _unpack_lines(cls, [f"v{position}" for position in range(len(fields))])
    for position, field in enumerate(fields):
        scope[f"set_{position}"] = slot_of(cls, field.name).__set__
        lines.append(f"    set_{position}(self, {_load_expression(position, cls, field, scope)})")
    return lines


def _unpack_lines(cls: type, targets: list[str]) -> list[str]:
    """Return a statement that unpacks a row, one value per line, so that a traceback shows the right one.

    A model also keeps the row, for the comparison on `save`; in the same statement, since that is faster.
    """
    row = "self.__row__ = row" if hasattr(cls, ROW) else "row"
    return ["    (", *(f"        {target}," for target in targets), f"    ) = {row}"]


def slot_of(cls: type, name: str) -> Any:
    """Return the descriptor of a slot, as created by the class body, bypassing the metaclass."""
    for base in cls.__mro__:
        namespace = namespace_of(base)
        if name in namespace:
            return namespace[name]
    raise AttributeError(name)


def raw_slot_name_of_checked(name: str) -> str:
    """Return the name of the plain slot of a column that is checked on assignment."""
    return f"__slot_{name}__"


def raw_slot_name(cls: type, name: str) -> str:
    """Return the name under which a value is stored without validator and converter."""
    other = raw_slot_name_of_checked(name)
    return other if any(other in namespace_of(base) for base in cls.__mro__) else name


def _load_expression(position: int, cls: type, field: Field, scope: dict[str, Any]) -> str:
    load = field.type_mapping.load
    hiding = None if load is None or field.show is repr else _redacting(cls, field, load)
    return load_expression(field.type_mapping, position, scope, hiding)


def _redacting(cls: type, field: Field, load: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap the converter of a field with hidden values; its errors may quote them, and are replaced without context."""

    def hiding(value: Any) -> Any:
        try:
            return load(value)
        except Exception as error:  # noqa: BLE001 - any error of a converter may quote the value
            cause = error
        raise _mismatch(cls, field, value, cause)

    return hiding


def tuple_loader(type_mappings: Sequence[TypeMapping | None]) -> Callable[[Sequence[Any]], Any] | None:
    """Return a function from a row to a tuple of Python values; None if no value needs a conversion."""
    if all(type_mapping is None or loads_as_stored(type_mapping) for type_mapping in type_mappings):
        return None
    scope: dict[str, Any] = {}
    values = [
        f"v{position}" if type_mapping is None else load_expression(type_mapping, position, scope)
        for position, type_mapping in enumerate(type_mappings)
    ]
    names = ", ".join(f"v{position}" for position in range(len(type_mappings)))
    lines = ["def load(row):", f"    {names}, = row", f"    return ({', '.join(values)},)"]
    return define_function(lines, "load", "load of several values", scope)


def make_bind(cls: type[T], fields: Sequence[Field]) -> Bind[T]:
    """Return the function from an instance to a tuple of the driver's values, in the order of the fields.

    It raises `TypeMismatch` with the class and the column if a value cannot be converted.
    """
    scope: dict[str, Any] = {"blame": _error_locator(cls, fields)}
    values = [_dumped_expression(position, field, scope) for position, field in enumerate(fields)]
    lines = [
        "def __bind__(self):",
        "    try:",
        "        return (",
        *(f"            {value}," for value in values),
        "        )",
        "    except Exception as error:",
        "        fault = error",
        "    raise blame(self, fault)",
    ]
    return cast(
        "Bind[T]",
        _define_method(lines, cls, "__bind__", "Return the values in the order of the columns, for the driver.", scope),
    )


def _dumped_expression(position: int, field: Field, scope: dict[str, Any]) -> str:
    if field.type_mapping.dump is None:
        return f"self.{field.name}"
    scope[f"dump_{position}"] = field.type_mapping.dump
    return f"None if (v := self.{field.name}) is None else dump_{position}(v)"


def make_identity(cls: type, fields: Sequence[Field], natives: Mapping[str, Identity]) -> Identity:
    """Return the identity of instances: field by field, in order.

    Parameters:
        natives: `NATIVE` or `IN_PYTHON`.
    """
    field_identities = tuple([identity_of(as_field_mapping(field.type_mapping), natives) for field in fields])
    stored = _make_form(cls, "stored", fields, [identity.stored for identity in field_identities])
    cell = _make_form(cls, "cell", fields, [identity.cell for identity in field_identities])
    return Identity(lambda left, right: stored(left) == stored(right), stored, cell, field_identities)


def _make_form(cls: type, name: str, fields: Sequence[Field], forms: Sequence[Form | None]) -> Form:
    scope: dict[str, Any] = {f"form_{position}": form for position, form in enumerate(forms)}
    values = [
        f"self.{field.name}" if form is None else f"None if (v := self.{field.name}) is None else form_{position}(v)"
        for position, (field, form) in enumerate(zip(fields, forms, strict=True))
    ]
    lines = [f"def {name}(self):", "    return (", *(f"        {value}," for value in values), "    )"]
    return define_function(lines, name, f"{cls.__module__}.{cls.__qualname__}.__identity__.{name}", scope)


def _error_locator(cls: type, fields: Sequence[Field]) -> Callable[[Any, Exception], Exception]:
    """Return a function that finds which value was wrong.

    It is called outside of ``except``, so that a redacted value is not kept as context of its error.
    """

    def blame(self: Any, error: Exception) -> Exception:
        for field in fields:
            value = getattr(self, field.name)
            if field.type_mapping.dump is None or value is None:
                continue
            try:
                field.type_mapping.dump(value)
            except Exception as cause:  # noqa: BLE001 - any error of a converter is reported with its column
                return _mismatch(cls, field, value, cause)
        return error

    return blame


def _mismatch(cls: type, field: Field, value: Any, cause: Exception) -> TypeMismatch:
    cql_type, location = field.type_mapping.type.cql, f"{cls.__qualname__}.{field.name}"
    details = {"model": cls.__qualname__, "column": field.name, "cql_type": cql_type}
    return type_mismatch(location, cql_type, value, cause, show=field.show, details=details)


def define_function(lines: list[str], name: str, source_name: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """Return the function with this name that the lines define, and keep its source for tracebacks.

    Parameters:
        lines: source code with identifiers of this package only, never of input from users or servers.
        source_name: what tracebacks call it.
        scope: its globals.
    """
    source = "\n".join(lines) + "\n"
    scope["__tracebackhide__"] = hide_frame
    exec(compile(source, _add_to_linecache(source, source_name), "exec"), scope)  # noqa: S102 - see above
    return cast("Callable[..., Any]", scope[name])


def _define_method(lines: list[str], cls: type, name: str, doc: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """Return the function that the lines define, with the names of its class."""
    function: Any = define_function(lines, name, f"{cls.__module__}.{cls.__qualname__}.{name}", scope)
    function.__module__, function.__qualname__, function.__doc__ = cls.__module__, f"{cls.__qualname__}.{name}", doc
    return cast("Callable[..., Any]", function)


def _add_to_linecache(source: str, name: str) -> str:
    """Add the source to the cache of `traceback` and `inspect`; another class of the same name gets its own entry."""
    filename, number = f"<scyllamodel generated {name}>", 1
    lines, cache = source.splitlines(keepends=True), cast("dict[str, Any]", linecache.cache)
    # Without a modification time, linecache never looks for the file.
    while cache.setdefault(filename, (len(source), None, lines, filename))[2] != lines:
        number += 1
        filename = f"<scyllamodel generated {name} {number}>"
    return filename


_ROW_FUNCTIONS: Final[Mapping[str, Callable[[type[Any], Sequence[Field]], Any]]] = {
    "__load__": lambda cls, fields: staticmethod(make_load(cls, fields)),
    "__bind__": make_bind,
    "__identity__": partial(make_identity, natives=NATIVE),
    "__equality__": partial(make_identity, natives=IN_PYTHON),
}
"""The attributes of `install_row_functions`, each with its function from a class and its fields."""
