"""`ModelMeta` and the bare `Model`: a class statement becomes a table.

In: a class body. Out: a slotted class whose instances are rows, with ``__facts__`` for the schema, ``__load__`` and
``__bind__`` for data, and an entry in the registry. The public ``Model`` in a higher package adds the verbs
(``sync_all``), so that this module does not depend on a server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from typing_extensions import Self, dataclass_transform

from scyllamodel._text import snake_case
from scyllamodel.model._codegen import ROW, raw_slot_name
from scyllamodel.model.change_tracking import detach, inherit_row
from scyllamodel.model.class_keywords import (
    inherited_keyword,
    keyword_values,
    merged_options,
    own_keyword,
    unknown_keyword,
)
from scyllamodel.model.column import Column
from scyllamodel.model.field_declaration import FieldDeclarations
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.model.index import Index, index_facts
from scyllamodel.model.metaclass import TableMeta
from scyllamodel.model.nulls import loads_none
from scyllamodel.model.registry import registry
from scyllamodel.model.single_table import (
    create_family,
    discriminator_value,
    facts_of,
    join_family,
    joined_root,
    with_discriminator_value,
)
from scyllamodel.model.static_defaults import inherit_defaults
from scyllamodel.model.validation.names import check_column_names, check_hidden_names, check_object_name
from scyllamodel.model.validation.problems import Problems
from scyllamodel.model.validation.table import check_table
from scyllamodel.model.validation.user_types import user_types_of
from scyllamodel.schema.facts.masks import declared_mask
from scyllamodel.schema.facts.objects import FrozenMap, Table, TableColumn
from scyllamodel.schema.options import TableOptions
from scyllamodel.types.cql_types import COUNTER


@dataclass_transform(kw_only_default=True, field_specifiers=(column, partition_key, clustering_key))
class ModelMeta(TableMeta):
    """The metaclass of `Model`."""

    __keywords__ = frozenset(
        "table keyspace repo abstract indexes options renamed_from discriminator discriminator_value".split()
    )

    if TYPE_CHECKING:
        __facts__: Table

    def _finish(cls, columns: FieldDeclarations, problems: Problems) -> None:  # noqa: N805 - a metaclass
        root, value = joined_root(cls, problems), own_keyword(cls, "discriminator_value")
        if root is not None:
            value = discriminator_value(columns, root, value, problems)
            columns = with_discriminator_value(columns, root, value, problems)
        facts = _facts(cls, columns, problems, root)
        create_family(cls, columns, problems)
        problems.raise_any()
        cls.__facts__ = facts
        cls.__repo__ = inherited_keyword(cls, "repo", None) or "default"
        cls.__user_types__ = user_types_of(columns)
        cls._install_methods(columns, init=True)
        if root is None:
            registry.add(cls, facts.name)
        else:
            join_family(cls, root, facts, value, problems)


class Model(metaclass=ModelMeta):
    """The base of all tables; a subclass is a table unless it has ``abstract=True``.

    Class keywords:
        table: the CQL name; by default the name of the class in snake_case.
        keyspace: the keyspace; by default that of the repo; inherited.
        repo: the name of the repo, by default ``"default"``; inherited.
        abstract: whether the class has no table; subclasses inherit its columns, indexes and options. Any number of
            abstract bases can be combined.
        indexes: secondary indexes, in addition to those of the bases.
        options: table options; each overrides the same option of the bases.
        renamed_from: an earlier name of the table.
        discriminator: the column that determines the subclass of a row, if several classes share this table.
        discriminator_value: the value of that column in the rows of a subclass. Reading the base returns instances of
            the subclasses; rows with an unknown value are instances of the base.

    Annotated names in the body are columns, unless they are ``ClassVar``. Columns of bases come first, in method
    resolution order, from the last base to the first; a column that is declared again keeps its position.

    Instances are created with keyword arguments and compared by value; like other mutable attrs classes they are not
    hashable. A model with a table can be subclassed: the subclass is a separate table, with the same columns and more.

    Validators and converters run when an instance is created and when a value is assigned, not when a row is loaded.
    """

    __slots__ = (ROW, "__weakref__")

    if TYPE_CHECKING:
        # At run time these would be annotations, and get_type_hints() of every model would return them.
        __attrs_attrs__: ClassVar[tuple[attrs.Attribute[Any], ...]]
        __columns__: ClassVar[Mapping[str, Column[Any]]]
        __facts__: ClassVar[Table]
        __repo__: ClassVar[str]
        __user_types__: ClassVar[tuple[type, ...]]

        def __init_subclass__(
            cls,
            *,
            table: str | None = None,
            keyspace: str | None = None,
            repo: str | None = None,
            abstract: bool = False,
            indexes: Sequence[Index] = (),
            options: TableOptions | None = None,
            renamed_from: str | None = None,
            discriminator: str | None = None,
            discriminator_value: str | int | Enum | None = None,
        ) -> None: ...
        @staticmethod
        def __load__(row: Sequence[Any]) -> Any: ...
        def __bind__(self) -> tuple[Any, ...]: ...

    else:

        def __init__(self, **_: Any) -> None:
            raise TypeError(f"{type(self).__qualname__} is abstract; create instances of a subclass with a table")

        def __init_subclass__(cls, **unknown: Any) -> None:
            for name in unknown:
                raise unknown_keyword(cls, name, ModelMeta.__keywords__)
            super().__init_subclass__()

        def __reduce_ex__(self, protocol: Any) -> Any:
            # Pickle supports slots since protocol 2; this makes older protocols work too. The row is pickled
            # as Python values, since pickle cannot find some classes of the driver's values.
            detach(self)
            return super().__reduce_ex__(max(protocol, 2))

    def replace(self, **changes: Any) -> Self:
        """Return a copy with changed values; unchanged values are shared with this instance.

        A copy of a loaded instance with the same key is loaded too, and saving it sends the differences. With another
        key it is new.

        Columns with ``init=False`` keep their values too, where ``attrs.evolve`` would use the default.

        Raises:
            TypeError: a name is not a parameter of the constructor.
        """
        copy = attrs.evolve(self, **changes)  # type: ignore[misc]  # subclasses are attrs classes
        inherit_defaults(copy, self, changes)
        for field in self.__attrs_attrs__:
            if not field.init:
                setattr(copy, raw_slot_name(type(self), field.name), getattr(self, field.name))
        inherit_row(copy, self)
        return copy


def _facts(cls: type, columns: FieldDeclarations, problems: Problems, root: type | None) -> Table:
    """What the schema side sees; incomplete when there are problems."""
    name = own_keyword(cls, "table") or snake_case(cls.__name__) if root is None else facts_of(root).name
    keyspace = inherited_keyword(cls, "keyspace", None)
    check_object_name(name, "table", problems)
    if keyspace is not None:
        check_object_name(keyspace, "keyspace", problems)
    check_hidden_names(cls, columns, problems)
    check_column_names(columns, problems)
    user_types = user_types_of(columns)
    check_table(columns, user_types, problems)
    indexes = index_facts(name, _indexes(cls, columns), columns, user_types, problems)
    options = merged_options(cls, problems)
    _check_options(columns, options, problems)
    renamed_from = own_keyword(cls, "renamed_from")
    columns_with_masks = column_facts(columns, _masks(columns, keyspace, problems))
    return Table(
        name,
        columns_with_masks,
        keyspace=keyspace,
        options=options,
        indexes=indexes,
        renamed_from=renamed_from,
        ttl_column=next((column.db_name for column in columns.values() if column.spec.row_ttl), None),
        class_name=cls.__name__,
    )


def column_facts(columns: FieldDeclarations, masks: Mapping[str, str] = MappingProxyType({})) -> list[TableColumn]:
    """Return the facts of the columns with known types, with their masks by attribute."""
    return [
        TableColumn(
            c.db_name,
            c.type_mapping.type,
            c.spec.kind,
            c.spec.descending,
            c.spec.renamed_from,
            loads_none=not c.in_key and loads_none(c.type_mapping),
            attribute=name,
            mask=masks.get(name),
            has_default=c.field._default is not attrs.NOTHING,  # noqa: SLF001 - attrs shows it only once the class is made
        )
        for name, c in columns.items()
        if c.type_mapping is not None
    ]


def _masks(columns: FieldDeclarations, keyspace: str | None, problems: Problems) -> dict[str, str]:
    """Return the declared masks of columns, in the normal form of the schema."""
    masks: dict[str, str] = {}
    for name, declaration in columns.items():
        if declaration.spec.masked_with is not None and declaration.type_mapping is not None:
            try:
                masks[name] = declared_mask(declaration.spec.masked_with, declaration.type_mapping.type, keyspace)
            except ValueError as error:
                advice = 'Write it as in CQL, such as "DEFAULT" or "mask_inner(1, null)".'
                problems.add("MD118", f"masked_with= is not valid: {error}", advice, attribute=name)
    return masks


def _indexes(cls: type, columns: FieldDeclarations) -> list[Index]:
    declared = [index for indexes in reversed(keyword_values(cls, "indexes")) for index in indexes]
    return declared + [Index(name) for name, column in columns.items() if column.spec.index]


def _check_options(columns: FieldDeclarations, options: FrozenMap, problems: Problems) -> None:
    has_counters = any(column.type_mapping and column.type_mapping.type == COUNTER for column in columns.values())
    if has_counters and options.get("default_time_to_live"):
        problems.add("MD117", "counters cannot have a default_time_to_live", "Omit the option.", attribute="options")
