"""`MaterializedView`: a class statement becomes a materialized view of a model.

In: a class body with columns of the model, and with its own keys. Out: a class whose instances are only loaded, never
created by users. A column inherits from the model what it does not declare: CQL name, converters and redaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs
from typing_extensions import Never

from scyllamodel._text import snake_case, suggestion
from scyllamodel.model.base import Model, ModelMeta, column_facts
from scyllamodel.model.class_body import mapping_of, read_columns
from scyllamodel.model.class_keywords import keyword_values, merged_options, own_keyword, unknown_keyword
from scyllamodel.model.column import Column
from scyllamodel.model.field_declaration import FieldDeclaration, FieldDeclarations
from scyllamodel.model.metaclass import TableMeta
from scyllamodel.model.registry import registry
from scyllamodel.model.validation.names import check_column_names, check_hidden_names, check_object_name
from scyllamodel.model.validation.problems import Problems
from scyllamodel.model.validation.table import check_type
from scyllamodel.model.validation.user_types import user_types_of
from scyllamodel.schema.facts.objects import FrozenMap, View
from scyllamodel.schema.options import TableOptions
from scyllamodel.types.cql_types import COUNTER


class ViewMeta(TableMeta):
    """The metaclass of `MaterializedView`; without ``dataclass_transform``, type checkers see no constructor."""

    __keywords__ = frozenset({"of", "view", "options", "abstract", "all_columns"})

    if TYPE_CHECKING:
        __facts__: View
        __of__: type[Model]

    @classmethod
    def _read_body(
        mcs, namespace: dict[str, Any], settings: Mapping[str, Any], problems: Problems
    ) -> FieldDeclarations:
        own_columns = read_columns(namespace, problems, types=False)
        return (
            {**own_columns, **_remaining_columns(own_columns, settings, problems)}
            if settings.get("all_columns")
            else own_columns
        )

    def _finish(cls, columns: FieldDeclarations, problems: Problems) -> None:  # noqa: N805 - a metaclass
        table = _base_model(cls, problems)
        columns = {name: _with_base_column(column, table, problems) for name, column in columns.items()}
        facts = _facts(cls, table, columns, problems)
        problems.raise_any()
        cls.__of__ = table
        cls.__facts__ = facts
        cls.__repo__ = table.__repo__
        cls.__user_types__ = user_types_of(columns)
        cls._install_methods(columns, init=False)
        registry.add(cls, facts.name)


class MaterializedView(metaclass=ViewMeta):
    """The base of all materialized views; a subclass is a view unless it has ``abstract=True``.

    Class keywords:
        of: the model whose rows the view contains.
        view: the CQL name; by default the name of the class in snake_case.
        options: options as for a table, where servers support them on views.
        abstract: whether the class is not a view; subclasses inherit its columns and options.
        all_columns: whether the view uses ``SELECT *``: it has all columns of the model, including those that the body
            does not list and those that are added to the table later. The table cannot have static columns.

    The columns are columns of the model, with the same attributes and types. The key contains all key columns of the
    model and at most one other column; rows where it is null are not in the view. The view is bound to the repo and
    keyspace of the model.
    """

    __slots__ = ("__weakref__",)

    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[tuple[attrs.Attribute[Any], ...]]
        __columns__: ClassVar[Mapping[str, Column[Any]]]
        __facts__: ClassVar[View]
        __of__: ClassVar[type[Model]]
        __repo__: ClassVar[str]
        __user_types__: ClassVar[tuple[type, ...]]

        def __init__(self, *, read_only: Never) -> None: ...
        def __init_subclass__(
            cls,
            *,
            of: type[Model] | None = None,
            view: str | None = None,
            options: TableOptions | None = None,
            abstract: bool = False,
            all_columns: bool = False,
        ) -> None: ...
        @staticmethod
        def __load__(row: Sequence[Any]) -> Any: ...
        def __bind__(self) -> tuple[Any, ...]: ...

    else:

        def __init__(self, *_: Any, **__: Any) -> None:
            table = getattr(type(self), "__of__", Model).__qualname__
            raise TypeError(
                f"{type(self).__qualname__} is a materialized view, which cannot be written: "
                f"save instances of {table} instead"
            )

        def __init_subclass__(cls, **unknown: Any) -> None:
            for name in unknown:
                raise unknown_keyword(cls, name, ViewMeta.__keywords__)
            super().__init_subclass__()

        def __reduce_ex__(self, protocol: Any) -> Any:
            # Pickle supports slots since protocol 2; this makes older protocols work too.
            return super().__reduce_ex__(max(protocol, 2))


def _base_model(cls: type, problems: Problems) -> type[Model]:
    model = next(iter(keyword_values(cls, "of")), None)
    if isinstance(model, ModelMeta) and model.__columns__:
        return cast("type[Model]", model)
    if model is None:
        problems.add("MD131", "a view requires of=", f"Write  class {cls.__name__}(MaterializedView, of=Order).")
    else:
        model_text = model.__qualname__ if isinstance(model, type) else repr(model)
        text = f"{model_text} is not a table, so it cannot have a view"
        problems.add("MD131", text, "Use a model that is neither a view nor abstract.")
    problems.raise_any()
    raise AssertionError("unreachable: there is a problem")  # pragma: no cover - for type checkers


def _remaining_columns(
    own_columns: FieldDeclarations, settings: Mapping[str, Any], problems: Problems
) -> FieldDeclarations:
    """Return the columns of the model that the body of a view with ``all_columns=True`` does not list."""
    table = settings.get("of")
    if not isinstance(table, ModelMeta):
        problems.add("MD131", "all_columns=True requires of=", "Write of= in the same class statement.")
        return {}
    static_columns = [name for name, column in table.__columns__.items() if column.spec.kind == "static"]
    if static_columns:
        text = f"a view with all columns would have {', '.join(static_columns)}, and views have no static columns"
        problems.add("MD135", text, "Omit all_columns, and list the columns.")
    types = {field.name: field.type for field in cast("type[Model]", table).__attrs_attrs__}
    return {
        name: FieldDeclaration(name, attrs.field(), types[name])
        for name in table.__columns__
        if name not in {*own_columns, *static_columns}
    }


def _with_base_column(column: FieldDeclaration, table: type[Model], problems: Problems) -> FieldDeclaration:
    """Return the column with the properties of its table column, and report differences."""
    table_column = table.__columns__.get(column.name)
    if table_column is None:
        text = f"{table.__qualname__} has no column {column.name!r}{suggestion(column.name, table.__columns__)}"
        problems.add("MD132", text, "Use only columns of the table.", attribute=column.name)
        return attrs.evolve(column, type_mapping=mapping_of(column, problems))
    own_spec = column.spec
    if own_spec.db_name not in (None, table_column.db_name):
        text = f"in {table.__qualname__} the column is {table_column.db_name!r}, not {own_spec.db_name!r}"
        problems.add("MD132", text, "Omit db_name.", attribute=column.name)
    if own_spec.kind == "static" or own_spec.index or own_spec.renamed_from or own_spec.masked_with or own_spec.row_ttl:
        text = "static, index, renamed_from, masked_with and row_ttl do not apply to views, which follow their table"
        problems.add("MD136", text, "Omit them.", attribute=column.name)
    converters = own_spec if own_spec.type or own_spec.load or own_spec.dump else table_column.spec
    spec = attrs.evolve(
        own_spec,
        db_name=table_column.db_name,
        redact=own_spec.redact or table_column.spec.redact,
        type=converters.type,
        load=converters.load,
        dump=converters.dump,
    )
    column = attrs.evolve(column, spec=spec)
    column = attrs.evolve(column, type_mapping=mapping_of(column, problems))
    if table_column.spec.null_as_default and column.type_mapping is not None and not column.type_mapping.nullable:
        column = attrs.evolve(
            column, type_mapping=attrs.evolve(column.type_mapping, empty=table_column.type_mapping.empty)
        )
    if column.type_mapping is not None and column.type_mapping.type != table_column.type_mapping.type:
        text = f"{column.type_mapping.type.cql} here, and {table_column.type_mapping.type.cql} in {table.__qualname__}"
        problems.add("MD132", text, "Write the same type.", attribute=column.name)
    return column


def _facts(cls: type, table: type[Model], columns: FieldDeclarations, problems: Problems) -> View:
    name = own_keyword(cls, "view") or snake_case(cls.__name__)
    check_object_name(name, "view", problems)
    if name == table.__facts__.name:
        text = f"the view has the name of its table, {name!r}: servers with such a view cannot restart"
        problems.add("MD131", text, "Choose another name with view=….")
    check_hidden_names(cls, columns, problems)
    check_column_names(columns, problems, constructor=False)
    _check_key(table, columns, problems)
    _check_columns(table, columns, problems)
    options = merged_options(cls, problems)
    _check_options(options, problems)
    return View(
        name,
        column_facts(columns),
        base=table.__facts__.name,
        keyspace=table.__facts__.keyspace,
        all_columns=bool(own_keyword(cls, "all_columns")),
        options=options,
        class_name=cls.__name__,
    )


def _check_key(table: type[Model], columns: FieldDeclarations, problems: Problems) -> None:
    key = {column.name for column in columns.values() if column.in_key}
    base_key = {name: column for name, column in table.__columns__.items() if table.__facts__[column.db_name].in_key}
    if not any(column.spec.kind == "partition_key" for column in columns.values()):
        problems.add("MD101", "no partition key", "Declare a column with partition_key().")
    for name in base_key:
        if name not in key:
            text = f"the key requires {name!r}, which is in the key of {table.__qualname__}"
            problems.add("MD133", text, "Declare it with partition_key() or clustering_key().", attribute=name)
    extra = [name for name in columns if name in key - base_key.keys() and name in table.__columns__]
    if len(extra) > 1:
        text = f"{' and '.join(extra)} are not in the key of {table.__qualname__}, and a view can have one such column"
        problems.add("MD134", text, "Keep one of them in the key.", attribute=extra[1])


def _check_columns(table: type[Model], columns: FieldDeclarations, problems: Problems) -> None:
    if any(column.type == COUNTER for column in table.__facts__):
        text = f"{table.__qualname__} has counters, which views do not support"
        problems.add("MD135", text, "Read the table itself.")
    for name, column in columns.items():
        table_column = table.__columns__.get(name)
        if table_column is not None and table_column.spec.kind == "static":
            problems.add("MD135", "a view cannot contain a static column", "Omit the column.", attribute=name)
        if column.type_mapping is not None:
            check_type(column, column.type_mapping.type, user_types_of(columns), problems)


def _check_options(options: FrozenMap, problems: Problems) -> None:
    if options.get("default_time_to_live"):
        text = "a view has no default_time_to_live: its rows expire with those of the table"
        problems.add("MD117", text, "Omit the option.", attribute="options")
