"""The functions that declare columns in a class body: `column`, `partition_key` and `clustering_key`.

In: the parameters of a column. Out: an ``attrs.field`` with a `ColumnSpec`, from which attrs creates the constructor
and this package the column. For type checkers each returns a ``Column[T]``, with ``T`` from the default or from the
annotation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from typing import Any, Final, TypeAlias, TypedDict, TypeVar, overload

import attrs
from typing_extensions import Unpack

from scyllamodel.model.column import Column, ColumnSpec
from scyllamodel.model.field_declaration import DEFAULT_SPEC

T = TypeVar("T")

SPEC_KEY: Final = "scyllamodel.spec"
"""The key of a `ColumnSpec` in the metadata of an attrs field; absent if all parameters have their defaults."""

FieldPlaceholder: Final[type[Any]] = attrs.field().__class__
"""The class of the result of ``attrs.field()`` in a class body."""

Validator: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], Any]
Converter: TypeAlias = Callable[[Any], Any]


class _CommonParameters(TypedDict, total=False):
    """The parameters that all three functions share, besides the default."""

    validator: Validator | Sequence[Validator] | None
    converter: Converter | Sequence[Converter] | None
    db_name: str | None
    init: bool
    alias: str | None
    repr: bool | Callable[[Any], str]
    redact: bool
    renamed_from: str | None
    masked_with: str | None
    type: Any
    load: Callable[[Any], Any] | None
    dump: Callable[[Any], Any] | None


@overload
def column(
    *,
    default: T,
    static: bool = ...,
    index: bool = ...,
    null_as_default: bool = ...,
    row_ttl: bool = ...,
    **settings: Unpack[_CommonParameters],
) -> Column[T]: ...
@overload
def column(
    *,
    factory: Callable[[], T],
    static: bool = ...,
    index: bool = ...,
    null_as_default: bool = ...,
    row_ttl: bool = ...,
    **settings: Unpack[_CommonParameters],
) -> Column[T]: ...
@overload
def column(
    *, static: bool = ..., index: bool = ..., row_ttl: bool = ..., **settings: Unpack[_CommonParameters]
) -> Column[Any]: ...
def column(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    static: bool = False,
    index: bool = False,
    null_as_default: bool = False,
    row_ttl: bool = False,
    validator: Any = None,
    converter: Any = None,
    db_name: str | None = None,
    init: bool = True,
    alias: str | None = None,
    repr: bool | Callable[[Any], str] = True,  # noqa: A002 - the name in attrs
    redact: bool = False,
    renamed_from: str | None = None,
    masked_with: str | None = None,
    type: Any = None,
    load: Callable[[Any], Any] | None = None,
    dump: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare a column outside the primary key.

    Parameters:
        default: the value of a new instance without one; never set by the server.
        factory: returns the default, once for each instance; required for lists, sets and dicts.
        static: whether all rows of a partition share one value; the table requires a clustering key.
        index: adds ``Index("<this column>")`` to the indexes of the model.
        null_as_default: whether a null in the database, such as in a row that is older than the column, loads as the
            default instead of None; a factory must then return equal values. The default is not written, so that a
            filter on it does not match such rows.
        row_ttl: whether the row expires at the time in this column: a ``datetime``, or seconds since 1970 as
            ``cql.BigInt`` or ``cql.Int``; ScyllaDB 2026.2 and later, which deletes expired rows some time later.
        validator: as in ``attrs.field``; runs when an instance is created or a value assigned, not on loading.
        converter: as in ``attrs.field``; runs before the validator.
        db_name: the exact name in CQL; by default the name of the attribute.
        init: False omits the column from the constructor; a default is then required.
        alias: the name of the constructor parameter.
        repr: whether the value is part of the instance's ``repr``, or a function that formats it.
        redact: whether to hide the value in reprs, logs and errors.
        renamed_from: the earlier name in CQL of a renamed column.
        masked_with: the mask that roles without UNMASK see, as in ``MASKED WITH`` of CQL:
            ``"DEFAULT"``, ``"mask_inner(1, null)"``; Cassandra 5.0 and later.
        type: the CQL type, such as ``cql.Int`` or ``cql.parse_type("int")``; None: the type of the annotation.
        load: converts the driver's value to the annotated type; together with ``dump``, supports any Python class.
        dump: converts a value of the annotated type to the driver's value.
    """
    spec = ColumnSpec(
        kind="static" if static else "regular",
        index=index,
        null_as_default=null_as_default,
        row_ttl=row_ttl,
        db_name=db_name,
        redact=redact,
        renamed_from=renamed_from,
        masked_with=masked_with,
        type=type,
        load=load,
        dump=dump,
    )
    return _attrs_field(
        spec, default, factory, validator=validator, converter=converter, init=init, alias=alias, repr=repr
    )


@overload
def partition_key(*, default: T, **settings: Unpack[_CommonParameters]) -> Column[T]: ...
@overload
def partition_key(*, factory: Callable[[], T], **settings: Unpack[_CommonParameters]) -> Column[T]: ...
@overload
def partition_key(**settings: Unpack[_CommonParameters]) -> Column[Any]: ...
def partition_key(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    validator: Any = None,
    converter: Any = None,
    db_name: str | None = None,
    init: bool = True,
    alias: str | None = None,
    repr: bool | Callable[[Any], str] = True,  # noqa: A002 - the name in attrs
    redact: bool = False,
    renamed_from: str | None = None,
    masked_with: str | None = None,
    type: Any = None,
    load: Callable[[Any], Any] | None = None,
    dump: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare a column of the partition key; several form a composite key, in the order of declaration.

    The parameters are those of `column`.
    """
    spec = ColumnSpec(
        kind="partition_key",
        db_name=db_name,
        redact=redact,
        renamed_from=renamed_from,
        masked_with=masked_with,
        type=type,
        load=load,
        dump=dump,
    )
    return _attrs_field(
        spec, default, factory, validator=validator, converter=converter, init=init, alias=alias, repr=repr
    )


@overload
def clustering_key(*, default: T, descending: bool = ..., **settings: Unpack[_CommonParameters]) -> Column[T]: ...
@overload
def clustering_key(
    *, factory: Callable[[], T], descending: bool = ..., **settings: Unpack[_CommonParameters]
) -> Column[T]: ...
@overload
def clustering_key(*, descending: bool = ..., **settings: Unpack[_CommonParameters]) -> Column[Any]: ...
def clustering_key(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    descending: bool = False,
    validator: Any = None,
    converter: Any = None,
    db_name: str | None = None,
    init: bool = True,
    alias: str | None = None,
    repr: bool | Callable[[Any], str] = True,  # noqa: A002 - the name in attrs
    redact: bool = False,
    renamed_from: str | None = None,
    masked_with: str | None = None,
    type: Any = None,
    load: Callable[[Any], Any] | None = None,
    dump: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare a column of the clustering key; the rows of a partition are stored in the order of these columns.

    Parameters:
        descending: whether rows are stored in descending order; CQL cannot change the order later.

    The other parameters are those of `column`.
    """
    spec = ColumnSpec(
        kind="clustering",
        descending=descending,
        db_name=db_name,
        redact=redact,
        renamed_from=renamed_from,
        masked_with=masked_with,
        type=type,
        load=load,
        dump=dump,
    )
    return _attrs_field(
        spec, default, factory, validator=validator, converter=converter, init=init, alias=alias, repr=repr
    )


_parameters_of: Final[Callable[[ColumnSpec], tuple[Any, ...]]] = attrgetter(
    *(field.name for field in attrs.fields(ColumnSpec))
)
_DEFAULT_PARAMETERS: Final = _parameters_of(DEFAULT_SPEC)


def _attrs_field(spec: ColumnSpec, default: Any, factory: Callable[[], Any] | None, **settings: Any) -> Any:
    if factory is not None:
        if default is not attrs.NOTHING:
            raise TypeError("a column has a default or a factory, not both")
        default = attrs.Factory(factory)
    metadata = None if all(map(is_, _parameters_of(spec), _DEFAULT_PARAMETERS)) else {SPEC_KEY: spec}
    return attrs.field(default=default, metadata=metadata, **settings)
