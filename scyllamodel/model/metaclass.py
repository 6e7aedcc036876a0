"""The metaclass of models and views, which creates the class; attrs generates its methods.

For each class statement, the columns are moved from the body to slots, ``type.__new__`` creates the class, and attrs
adds ``__init__``, ``__repr__`` and ``__eq__``. On the class a column is a `Column`, which ``__getattribute__`` of the
metaclass returns instead of the slot; on an instance it is the plain value in its slot, at the speed of a slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from scyllamodel._text import suggestion
from scyllamodel.errors import UnknownColumn
from scyllamodel.model._codegen import Field, install_row_functions
from scyllamodel.model.base_metaclass import BaseMeta
from scyllamodel.model.cached_slots import cached_slot_names, install_cached_slots
from scyllamodel.model.change_tracking import install_change_tracking
from scyllamodel.model.checked_slots import check_on_assignment
from scyllamodel.model.class_annotations import defining_frame
from scyllamodel.model.class_body import (
    ATTRS_METHODS,
    BODY_ATTRIBUTE,
    ClassBody,
    attrs_options_left,
    check_mixins,
    class_body_of,
    compare_as_stored,
    merge_columns,
    read_columns,
    read_mixin,
    slot_names,
    static_columns_with_default,
)
from scyllamodel.model.class_keywords import check_foreign_settings, valid_keywords
from scyllamodel.model.column import Column
from scyllamodel.model.field_declaration import FieldDeclarations
from scyllamodel.model.redaction import redact_field
from scyllamodel.model.static_defaults import record_defaults
from scyllamodel.model.type_parameters import bind_variables, check_variables_bound, type_arguments_of_bases
from scyllamodel.model.validation.problems import Problems

_getattribute: Final = type.__getattribute__
_NO_COLUMNS: Final[Mapping[str, Column[Any]]] = MappingProxyType({})


class TableMeta(BaseMeta, type):
    """The metaclass of classes with columns and rows."""

    __keywords__: ClassVar[frozenset[str]] = frozenset()
    """The class keywords; others are passed to ``__init_subclass__``."""

    if TYPE_CHECKING:
        __columns__: Mapping[str, Column[Any]]
        """The columns by attribute, in the order in which rows are loaded."""
        __attrs_attrs__: tuple[attrs.Attribute[Any], ...]
        __attrs_types_resolved__: type
        __repo__: str
        """The name of the repo to which the class is bound."""
        __user_types__: tuple[type, ...]
        """The classes of the required user types, each after those that it requires."""

        def _finish(cls, columns: FieldDeclarations, problems: Problems) -> None:
            """Check the columns and the settings, and complete the class; implemented by each metaclass."""

    if not TYPE_CHECKING:
        # Type checkers read class keywords from `__init_subclass__`, including those of users. Pyright checks none,
        # since `ABCMeta` has a `__new__`; wrong keywords are errors at run time.

        def __new__(
            mcs, class_name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **keywords: Any
        ) -> TableMeta:
            """Create one class, in one pass."""
            return mcs._create_class(class_name, bases, namespace, keywords)

    @classmethod
    def _create_class(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], keywords: dict[str, Any]
    ) -> TableMeta:
        namespace.setdefault("__module__", _calling_module())
        problems = Problems(f"{namespace['__module__']}.{namespace.get('__qualname__', name)}")
        if not any(isinstance(base, TableMeta) for base in bases):
            namespace[BODY_ATTRIBUTE], namespace["__columns__"] = ClassBody(), _NO_COLUMNS
            return super().__new__(mcs, name, bases, namespace)
        if "__attrs_attrs__" in namespace:
            problems.add("MD115", "models and views are attrs classes already", "Remove the decorator.")
            problems.raise_any()
        class_keywords = {key: keywords.pop(key) for key in list(keywords) if key in mcs.__keywords__}
        settings = valid_keywords(class_keywords, problems)
        own_body = ClassBody(
            columns=mcs._read_body(namespace, settings, problems),
            settings=settings,
            methods=frozenset(ATTRS_METHODS & namespace.keys()),
            concrete=not settings.get("abstract", False),
        )
        ancestors = list(dict.fromkeys(cls for base in bases for cls in base.__mro__))
        type_arguments = type_arguments_of_bases(namespace.get("__orig_bases__", bases))
        inherited = {
            cls: bind_variables(_declared_columns(cls, problems), type_arguments.get(cls), problems)
            for cls in ancestors
        }
        check_foreign_settings([namespace, *(vars(cls) for cls in ancestors if class_body_of(cls) is None)], problems)
        _check_bases(ancestors, problems)
        columns = {**merge_columns(ancestors, inherited), **own_body.columns}
        namespace[BODY_ATTRIBUTE], namespace["__columns__"] = own_body, _NO_COLUMNS
        namespace["__slots__"] = slot_names(namespace, columns if own_body.concrete else {}, ancestors)
        if own_body.concrete:
            namespace["__slots__"] += cached_slot_names(namespace, ancestors)
        cls = super().__new__(mcs, name, bases, namespace, **keywords)
        if own_body.concrete:
            install_cached_slots(cls)
            all_columns = merge_columns(cls.__mro__, {**inherited, cls: own_body.columns})
            check_variables_bound(all_columns, problems)
            cls._finish(all_columns, problems)
        problems.raise_any()
        return cls

    @classmethod
    def _read_body(
        mcs,
        namespace: dict[str, Any],
        settings: Mapping[str, Any],  # noqa: ARG003 - views read them
        problems: Problems,
    ) -> FieldDeclarations:
        """Return the columns of a class body with these class keywords."""
        return read_columns(namespace, problems)

    def _install_methods(cls, columns: FieldDeclarations, *, init: bool) -> None:
        """Add the methods to a class with valid columns, and make the columns class attributes."""
        annotations = {name: column.annotation for name, column in columns.items()}

        def typed(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
            for field in fields:  # not shared any more; a copy of each would take a tenth of the time of the class
                object.__setattr__(field, "type", annotations[field.name])
                compare_as_stored(field, columns[field.name].type_mapping)
            return [redact_field(cls.__qualname__, field, columns[field.name].show) for field in fields]

        defaulted_static = static_columns_with_default(columns)
        attrs_options = attrs_options_left(cls, init=init)
        attrs.define(
            cls,
            these={name: column.field for name, column in columns.items()},
            slots=False,
            kw_only=True,
            on_setattr=attrs.setters.NO_OP,
            field_transformer=typed,
            **attrs_options,
        )
        if defaulted_static and attrs_options["init"]:
            record_defaults(cls, defaulted_static)
        columns_by_name = {
            name: Column[Any](cls, name, column.db_name, column.type_mapping, column.spec)
            for name, column in columns.items()
            if column.type_mapping is not None
        }
        for field in cls.__attrs_attrs__:
            check_on_assignment(cls, field)
        cls.__columns__ = MappingProxyType(columns_by_name)
        cls.__attrs_types_resolved__ = cls  # attrs.resolve_types() would put Column[…] back
        install_change_tracking(cls)
        install_row_functions(cls, _fields_of)

    if not TYPE_CHECKING:  # type checkers use the annotations of the columns

        def __getattribute__(cls, name: str) -> Any:
            if name[:2] == "__":  # no column, and asked for by the thousand when a schema is compared
                return _getattribute(cls, name)
            column = _getattribute(cls, "__columns__").get(name)
            return _getattribute(cls, name) if column is None else column

        def __setattr__(cls, name: str, value: Any) -> None:
            _refuse_column_change(cls, name)
            super().__setattr__(name, value)

        def __delattr__(cls, name: str) -> None:
            _refuse_column_change(cls, name)
            super().__delattr__(name)

        def __getattr__(cls, name: str) -> Any:
            if name.startswith("_") or not cls.__columns__:  # those of `typing`, and many others, are only asked for
                raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
            text = f"{cls.__qualname__} has no column {name!r}{suggestion(name, cls.__columns__)}"
            raise UnknownColumn(text, model=cls.__qualname__, column=name)


def _fields_of(cls: Any) -> list[Field]:
    return [Field(name, column.type_mapping, column.spec.redact) for name, column in cls.__columns__.items()]


def _refuse_column_change(cls: TableMeta, name: str) -> None:
    """Refuse a change of a column on the class, which would replace the slot of all instances."""
    if name in cls.__columns__:
        raise AttributeError(f"{cls.__qualname__}.{name} is a column; set values on instances, not on the class")


def _calling_module() -> str:
    frame = defining_frame(None, "")
    return "__main__" if frame is None else frame.f_globals.get("__name__", "__main__")


def _declared_columns(cls: type, problems: Problems) -> FieldDeclarations:
    """Return the columns that a base class declares itself, including plain mixins."""
    body = class_body_of(cls)
    if body is not None:
        return body.columns
    return {} if cls is object else read_mixin(cls, problems)


def _check_bases(ancestors: list[type], problems: Problems) -> None:
    """Refuse bases with two tables, whose instances would have two storages."""
    check_mixins(ancestors, problems)
    concrete = [cls for cls in ancestors if (body := class_body_of(cls)) is not None and body.concrete]
    for other in concrete[1:]:
        if not issubclass(concrete[0], other):
            text = f"both {concrete[0].__qualname__} and {other.__qualname__} are separate tables or views"
            problems.add("MD115", text, "Move the common columns to a base with abstract=True.")
            problems.raise_any()
