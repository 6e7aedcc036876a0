"""The metaclass under models and views: it owns the class object, and attrs owns its methods.

One class statement goes through here once: the columns leave the body and become slots, ``type.__new__`` makes the
class, attrs writes ``__init__``, ``__repr__`` and ``__eq__`` on it. On the class a column is a `Column`, which
``__getattribute__`` of the metaclass puts before the slot; on an instance it is the plain value in its slot, at the
speed of a slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from scyllamodel.errors import UnknownColumn
from scyllamodel.model._codegen import Field, install
from scyllamodel.model.annotations import defining_frame
from scyllamodel.model.assignment import check_on_assignment
from scyllamodel.model.cached import cached_slots, keep_cached
from scyllamodel.model.column import Column
from scyllamodel.model.compatible import CompatibleMeta
from scyllamodel.model.definition import (
    BODY,
    METHODS,
    Body,
    Columns,
    body_of,
    check_mixins,
    compare_as_stored,
    merged,
    read_columns,
    read_mixin,
    slots,
    static_defaults,
    unwritten,
)
from scyllamodel.model.generic import arguments, bound, check_bound
from scyllamodel.model.names import closest
from scyllamodel.model.problems import Problems
from scyllamodel.model.redaction import redacted
from scyllamodel.model.settings import check_body, usable_settings
from scyllamodel.model.state import install_state
from scyllamodel.model.static_defaults import record_defaults

_getattribute: Final = type.__getattribute__
_NO_COLUMNS: Final[Mapping[str, Column[Any]]] = MappingProxyType({})


class TableMeta(CompatibleMeta, type):
    """Metaclass of whatever has columns and rows."""

    KEYWORDS: ClassVar[frozenset[str]] = frozenset()
    """The class keywords; others go to ``__init_subclass__``."""

    if TYPE_CHECKING:
        __columns__: Mapping[str, Column[Any]]
        """The columns by the name of the attribute, in the order in which rows are loaded."""
        __attrs_attrs__: tuple[attrs.Attribute[Any], ...]
        __attrs_types_resolved__: type
        __repo__: str
        """The name of the repo it is bound to."""
        __user_types__: tuple[type, ...]
        """The classes of the user types it needs, those that others need first."""

        def _finish(cls, columns: Columns, problems: Problems) -> None:
            """Check the columns and the settings, and make the rest of the class; each metaclass has its own."""

    if not TYPE_CHECKING:
        # Checkers read class keywords off `__init_subclass__`, an author's own included. Pyright checks none of them,
        # since `ABCMeta` has a `__new__` for it; what is wrong is an error when the class is made.

        def __new__(
            mcs, class_name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **keywords: Any
        ) -> TableMeta:
            """Make one class, in one pass."""
            return mcs._make(class_name, bases, namespace, keywords)

    @classmethod
    def _make(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], keywords: dict[str, Any]
    ) -> TableMeta:
        namespace.setdefault("__module__", _caller())
        problems = Problems(f"{namespace['__module__']}.{namespace.get('__qualname__', name)}")
        if not any(isinstance(base, TableMeta) for base in bases):
            namespace[BODY], namespace["__columns__"] = Body(), _NO_COLUMNS
            return super().__new__(mcs, name, bases, namespace)
        if "__attrs_attrs__" in namespace:
            problems.add("MD115", "a class of ours is an attrs class by itself", "Take the decorator away.")
            problems.raise_any()
        given = {key: keywords.pop(key) for key in list(keywords) if key in mcs.KEYWORDS}
        settings = usable_settings(given, problems)
        own = Body(
            columns=mcs._read(namespace, settings, problems),
            settings=settings,
            methods=frozenset(METHODS & namespace.keys()),
            concrete=not settings.get("abstract", False),
        )
        ancestors = list(dict.fromkeys(cls for base in bases for cls in base.__mro__))
        variables = arguments(namespace.get("__orig_bases__", bases))
        inherited = {cls: bound(_columns_of(cls, problems), variables.get(cls), problems) for cls in ancestors}
        check_body([namespace, *(vars(cls) for cls in ancestors if body_of(cls) is None)], problems)
        _check_bases(ancestors, problems)
        columns = {**merged(ancestors, inherited), **own.columns}
        namespace[BODY], namespace["__columns__"] = own, _NO_COLUMNS
        namespace["__slots__"] = slots(namespace, columns if own.concrete else {}, ancestors)
        if own.concrete:
            namespace["__slots__"] += cached_slots(namespace, ancestors)
        cls = super().__new__(mcs, name, bases, namespace, **keywords)
        if own.concrete:
            keep_cached(cls)
            whole = merged(cls.__mro__, {**inherited, cls: own.columns})
            check_bound(whole, problems)
            cls._finish(whole, problems)
        problems.raise_any()
        return cls

    @classmethod
    def _read(mcs, namespace: dict[str, Any], settings: Mapping[str, Any], problems: Problems) -> Columns:  # noqa: ARG003 - views read them
        """The columns of a class body with these class keywords."""
        return read_columns(namespace, problems)

    def _equip(cls, columns: Columns, *, init: bool) -> None:
        """Give a class whose columns are right its methods, and its columns their places."""
        types = {name: column.annotation for name, column in columns.items()}

        def typed(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
            for field in fields:  # they are ours alone by now, and a copy of each would cost a tenth of the class
                object.__setattr__(field, "type", types[field.name])
                compare_as_stored(field, columns[field.name].hint)
            return [redacted(cls.__qualname__, f, columns[f.name].show) for f in fields]

        unfilled = static_defaults(columns)
        left = unwritten(cls, init=init)
        attrs.define(
            cls,
            these={name: column.field for name, column in columns.items()},
            slots=False,
            kw_only=True,
            on_setattr=attrs.setters.NO_OP,
            field_transformer=typed,
            **left,
        )
        if unfilled and left["init"]:
            record_defaults(cls, unfilled)
        found = {
            name: Column[Any](cls, name, column.db_name, column.hint, column.spec)
            for name, column in columns.items()
            if column.hint is not None
        }
        for field in cls.__attrs_attrs__:
            check_on_assignment(cls, field)
        cls.__columns__ = MappingProxyType(found)
        cls.__attrs_types_resolved__ = cls  # attrs.resolve_types() would put Column[…] back
        install_state(cls)
        install(cls, [Field(name, column.hint, column.spec.redact) for name, column in found.items()])

    if not TYPE_CHECKING:  # checkers know the columns by their annotations, and no others

        def __getattribute__(cls, name: str) -> Any:
            found = _getattribute(cls, "__columns__").get(name)
            return _getattribute(cls, name) if found is None else found

        def __setattr__(cls, name: str, value: Any) -> None:
            _check_no_column(cls, name)
            super().__setattr__(name, value)

        def __delattr__(cls, name: str) -> None:
            _check_no_column(cls, name)
            super().__delattr__(name)

        def __getattr__(cls, name: str) -> Any:
            if name.startswith("__") or not cls.__columns__:
                raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
            text = f"{cls.__qualname__} has no column {name!r}{closest(name, cls.__columns__)}"
            raise UnknownColumn(text, model=cls.__qualname__, column=name)


def _check_no_column(cls: TableMeta, name: str) -> None:
    """Behind a column is the slot of all instances, which would be lost."""
    if name in cls.__columns__:
        raise AttributeError(f"{cls.__qualname__}.{name} is a column; a value is set on an instance, not on the class")


def _caller() -> str:
    frame = defining_frame(None, "")
    return "__main__" if frame is None else frame.f_globals.get("__name__", "__main__")


def _columns_of(cls: type, problems: Problems) -> Columns:
    """What a base class declares itself, whether it is ours or a plain mixin."""
    body = body_of(cls)
    if body is not None:
        return body.columns
    return {} if cls is object else read_mixin(cls, problems)


def _check_bases(ancestors: list[type], problems: Problems) -> None:
    """Two tables cannot be one: their instances would have two storages."""
    check_mixins(ancestors, problems)
    concrete = [cls for cls in ancestors if (body := body_of(cls)) is not None and body.concrete]
    for one in concrete[1:]:
        if not issubclass(concrete[0], one):
            text = f"both {concrete[0].__qualname__} and {one.__qualname__} are tables or views of their own"
            problems.add("MD115", text, "Put what they share into a base with abstract=True.")
            problems.raise_any()
