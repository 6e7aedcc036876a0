"""`UserType`: a class statement becomes a CQL user type.

In: a class body with annotations. Out: a frozen attrs class, hashable and compared by value, for columns and other user
types. This module adds the attributes by which `scyllamodel.types` recognizes user types: ``__cql_name__``,
``__fields_by_cql__``, ``__hashable__``, ``__load__`` and ``__bind__``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
from typing_extensions import dataclass_transform

from scyllamodel._text import snake_case
from scyllamodel.model._codegen import Field, install_row_functions
from scyllamodel.model.base_metaclass import BaseMeta
from scyllamodel.model.cached_slots import cached_slot_names, install_cached_slots
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
    slot_names,
)
from scyllamodel.model.class_keywords import (
    check_foreign_settings,
    inherited_keyword,
    own_keyword,
    unknown_keyword,
    valid_keywords,
)
from scyllamodel.model.column import AnyUserType, ColumnSpec
from scyllamodel.model.field_declaration import FieldDeclaration, FieldDeclarations
from scyllamodel.model.fields import column
from scyllamodel.model.redaction import redact_field
from scyllamodel.model.registry import declared_types
from scyllamodel.model.type_parameters import bind_variables, check_variables_bound, type_arguments_of_bases
from scyllamodel.model.validation.names import check_column_names, check_hidden_names, check_object_name
from scyllamodel.model.validation.problems import Problems
from scyllamodel.model.validation.user_types import user_types_of
from scyllamodel.schema.facts.objects import UserType as UserTypeFacts
from scyllamodel.types.cql_types import COUNTER, UserTypeName, freeze
from scyllamodel.types.display import Show
from scyllamodel.types.identity import as_field_mapping

_KEYWORDS: Final = frozenset({"name", "keyspace", "abstract"})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(attrs.field, column))
class UserTypeMeta(BaseMeta, type):
    """The metaclass of `UserType`."""

    if TYPE_CHECKING:
        __attrs_attrs__: tuple[attrs.Attribute[Any], ...]
        __attrs_types_resolved__: type
        __cql_name__: str
        __facts__: UserTypeFacts
        __fields_by_cql__: tuple[str, ...]
        __hashable__: bool
        __secrets__: Mapping[str, Show]
        __user_types__: tuple[type, ...]

    else:
        # Type checkers read class keywords from `__init_subclass__`, also those of users, unless they see a `__new__`.

        def __new__(
            mcs, class_name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **keywords: Any
        ) -> UserTypeMeta:
            """Create one class, in one pass."""
            return mcs._create_class(class_name, bases, namespace, keywords)

    @classmethod
    def _create_class(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], keywords: dict[str, Any]
    ) -> UserTypeMeta:
        if not any(isinstance(base, UserTypeMeta) for base in bases):
            namespace[BODY_ATTRIBUTE] = ClassBody()
            return super().__new__(mcs, name, bases, namespace)
        problems = Problems(f"{namespace['__module__']}.{namespace.get('__qualname__', name)}")
        settings = valid_keywords({key: keywords.pop(key) for key in list(keywords) if key in _KEYWORDS}, problems)
        concrete = not settings.get("abstract", False)
        own_body = ClassBody(
            read_columns(namespace, problems), settings, frozenset(ATTRS_METHODS & namespace.keys()), concrete
        )
        ancestors = list(dict.fromkeys(cls for base in bases for cls in base.__mro__))
        check_mixins(ancestors, problems)
        check_foreign_settings([namespace, *(vars(cls) for cls in ancestors if class_body_of(cls) is None)], problems)
        type_arguments = type_arguments_of_bases(namespace.get("__orig_bases__", bases))
        inherited = {
            cls: bind_variables(body.columns, type_arguments.get(cls), problems)
            for cls in ancestors
            if (body := class_body_of(cls)) is not None
        }
        namespace[BODY_ATTRIBUTE] = own_body
        namespace["__slots__"] = slot_names(
            namespace, merge_columns(ancestors, inherited) | own_body.columns if concrete else {}, ancestors
        )
        if concrete:
            namespace["__slots__"] += cached_slot_names(namespace, ancestors)
        cls = super().__new__(mcs, name, bases, namespace, **keywords)
        if concrete:
            install_cached_slots(cls)
            fields = merge_columns(cls.__mro__, {**inherited, cls: own_body.columns})
            check_variables_bound(fields, problems)
            _finish_class(cls, fields, problems)
        problems.raise_any()
        return cls


class UserType(AnyUserType, metaclass=UserTypeMeta):
    """The base of all user types; annotated names in the body are fields, in order, unless they are ``ClassVar``.

    ::

        class Address(UserType, name="address"):
            street: str
            zip_code: str | None = None

    Class keywords:
        name: the CQL name; by default the name of the class in snake_case.
        keyspace: the keyspace; by default that of the table that uses the type.
        abstract: whether the class is not a type; subclasses inherit its fields. Any number of abstract bases can be
            combined.

    A migration creates a type in the packages of a repo like a table, even if no column uses it, unless it has no
    ``name=`` and is only a base. A subclass is a separate type, with the fields of its base first. ``attrs.field(…)``
    accepts validators, converters and defaults; ``street: Column[str] = column(db_name=…)`` also sets the CQL name,
    follows a rename with ``renamed_from=``, or hides values with ``redact=True``. Nested user types are frozen, as CQL
    requires. Collections are as declared; with non-frozen collections, the type can only be used as ``Frozen``.
    """

    __slots__ = ("__weakref__",)

    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[tuple[attrs.Attribute[Any], ...]]
        __cql_name__: ClassVar[str]
        __facts__: ClassVar[UserTypeFacts]
        __fields_by_cql__: ClassVar[tuple[str, ...]]
        __user_types__: ClassVar[tuple[type, ...]]

        def __init_subclass__(
            cls, *, name: str | None = None, keyspace: str | None = None, abstract: bool = False
        ) -> None: ...
        @staticmethod
        def __load__(values: Sequence[Any]) -> Any: ...
        def __bind__(self) -> tuple[Any, ...]: ...

    else:

        def __init__(self, **_: Any) -> None:
            raise TypeError(f"{type(self).__qualname__} is abstract; create instances of a subclass that is a type")

        def __init_subclass__(cls, **unknown: Any) -> None:
            for name in unknown:
                raise unknown_keyword(cls, name, _KEYWORDS)
            super().__init_subclass__()

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in self.__attrs_attrs__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)


def _finish_class(cls: UserTypeMeta, declared: FieldDeclarations, problems: Problems) -> None:
    """Check the fields, and complete the class."""
    fields = {name: _with_frozen_user_type(field) for name, field in declared.items()}
    facts = _facts(cls, fields, problems)
    problems.raise_any()
    cls.__facts__ = facts
    cls.__cql_name__ = facts.name
    cls.__fields_by_cql__ = tuple(name for name, _ in facts.fields)
    cls.__secrets__ = {name: field.show for name, field in fields.items() if field.show is not repr}
    cls.__user_types__ = user_types_of(fields)
    _install_methods(cls, fields)
    declared_types.add(cls, facts.name)


def _with_frozen_user_type(field: FieldDeclaration) -> FieldDeclaration:
    """Freeze a nested user type, as CQL requires."""
    if field.type_mapping is None or not isinstance(field.type_mapping.type, UserTypeName):
        return field
    return attrs.evolve(field, type_mapping=attrs.evolve(field.type_mapping, type=freeze(field.type_mapping.type)))


def _facts(cls: type, fields: FieldDeclarations, problems: Problems) -> UserTypeFacts:
    name = own_keyword(cls, "name") or snake_case(cls.__name__)
    keyspace = inherited_keyword(cls, "keyspace", None)
    check_object_name(name, "type", problems)
    if keyspace is not None:
        check_object_name(keyspace, "keyspace", problems)
    if not fields:
        problems.add("MD141", "a user type requires at least one field", "Annotate one:  street: str.")
    check_hidden_names(cls, fields, problems)
    check_column_names(fields, problems)
    for field in fields.values():
        _check_field(field, problems)
    field_types = tuple(
        (field.db_name, field.type_mapping.type) for field in fields.values() if field.type_mapping is not None
    )
    renamed = {field.db_name: field.spec.renamed_from for field in fields.values() if field.spec.renamed_from}
    return UserTypeFacts(name, field_types, keyspace, renamed)


def _check_field(field: FieldDeclaration, problems: Problems) -> None:
    spec = field.spec
    allowed = ColumnSpec(
        db_name=spec.db_name,
        redact=spec.redact,
        renamed_from=spec.renamed_from,
        type=spec.type,
        load=spec.load,
        dump=spec.dump,
        null_as_default=spec.null_as_default,
    )
    if spec != allowed:
        text = "a field cannot be a key, static, indexed or masked"
        problems.add("MD141", text, "Omit these parameters.", attribute=field.name)
    if field.type_mapping is not None and field.type_mapping.type == COUNTER:
        problems.add("MD141", "a user type cannot contain counters", "Write cql.BigInt.", attribute=field.name)


def _install_methods(cls: UserTypeMeta, fields: FieldDeclarations) -> None:
    """Add the methods that attrs generates; frozen by ``on_setattr``, since ``frozen=True`` requires a ``__dict__``."""
    class_name, attrs_options = cls.__qualname__, attrs_options_left(cls, init=True)

    def typed(_: type, attributes: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
        evolved = [field.evolve(type=fields[field.name].annotation) for field in attributes]
        for field in evolved:
            type_mapping = fields[field.name].type_mapping
            compare_as_stored(field, type_mapping and as_field_mapping(type_mapping))
        return [redact_field(class_name, field, fields[field.name].show) for field in evolved]

    attrs.define(
        cls,
        these={name: field.field for name, field in fields.items()},
        slots=False,
        kw_only=True,
        on_setattr=attrs.setters.frozen,
        field_transformer=typed,
        **{"unsafe_hash": True, **attrs_options},
    )
    cls.__attrs_types_resolved__ = cls  # attrs.resolve_types() would restore db_name= and Column[…] in the annotations
    cls.__hashable__ = "unsafe_hash" in attrs_options or all(
        _is_hashable(field, fields) for field in cls.__attrs_attrs__
    )
    install_row_functions(
        cls,
        lambda _: [
            Field(name, field.type_mapping, field.spec.redact) for name, field in fields.items() if field.type_mapping
        ],
    )


def _is_hashable(field: attrs.Attribute[Any], fields: FieldDeclarations) -> bool:
    """Whether a field does not prevent hashing its instance: it is hashable, or not part of the hash."""
    type_mapping, is_hashed = fields[field.name].type_mapping, field.eq if field.hash is None else field.hash
    return type_mapping is None or type_mapping.hashable or not is_hashed
