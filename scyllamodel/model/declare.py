"""What stands after ``=`` in a class body: `column`, `partition_key` and `clustering_key`.

Comes in: what the author says of a column. Goes out: an ``attrs.field`` that carries a `ColumnSpec`, so that attrs
makes the constructor and the rest of the package sees the column. To a checker each returns a ``Column[T]``, with ``T``
taken from the default or from the annotation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypedDict, TypeVar, overload

import attrs
from typing_extensions import Unpack

from scyllamodel.model.column import Column, ColumnSpec

T = TypeVar("T")

SPEC_KEY: Final = "scyllamodel.spec"
"""The key of a `ColumnSpec` in the metadata of an attrs field."""

FieldPlaceholder: Final[type[Any]] = attrs.field().__class__
"""What ``attrs.field()`` returns inside a class body."""

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
    repr: bool | Callable[[Any], str] = True,  # noqa: A002 - attrs calls it so
    redact: bool = False,
    renamed_from: str | None = None,
    masked_with: str | None = None,
    type: Any = None,
    load: Callable[[Any], Any] | None = None,
    dump: Callable[[Any], Any] | None = None,
) -> Any:
    """A column outside the primary key.

    Parameters:
        default: the value of an instance that names none; never written by the server.
        factory: makes that value, once for each instance; needed for lists, sets and dicts.
        static: one value for a whole partition; the table needs a clustering key.
        index: the same as ``Index("<this column>")`` among the indexes of the model.
        null_as_default: a null of the database, such as that of a row from before the column was added, loads as the
            default instead of None; a factory has to give equal values each time then. Nothing is written for it, and
            no filter finds such a row by the default.
        row_ttl: the row expires at the time that this column holds: a ``datetime``, or seconds since 1970 as
            ``cql.BigInt`` or ``cql.Int``; ScyllaDB 2026.2 and later, which deletes expired rows some time after.
        validator: as of ``attrs.field``; runs when an instance is made or a value assigned, not when a row is loaded.
        converter: as of ``attrs.field``; runs before the validator.
        db_name: the name in CQL, exactly as given; the name of the attribute by default.
        init: False leaves the column out of the constructor; it needs a default then.
        alias: the name of the constructor's parameter.
        repr: whether the value is part of the instance's ``repr``, or how it is printed.
        redact: the value never appears in a repr, a log or an error.
        renamed_from: the earlier name in CQL, when the column has been renamed.
        masked_with: what roles without UNMASK see instead of the values, as after ``MASKED WITH`` in CQL:
            ``"DEFAULT"``, ``"mask_inner(1, null)"``; Cassandra 5.0 and later.
        type: the CQL type, such as ``cql.Int`` or ``cql.parse_type("int")``; None means what the annotation says.
        load: from what the driver returns to a value of the annotation; with ``dump`` for a Python type of your own.
        dump: from a value of the annotation to what the driver takes.
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
    repr: bool | Callable[[Any], str] = True,  # noqa: A002 - attrs calls it so
    redact: bool = False,
    renamed_from: str | None = None,
    masked_with: str | None = None,
    type: Any = None,
    load: Callable[[Any], Any] | None = None,
    dump: Callable[[Any], Any] | None = None,
) -> Any:
    """A column of the partition key; several of them make a composite key, in order of declaration.

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
    repr: bool | Callable[[Any], str] = True,  # noqa: A002 - attrs calls it so
    redact: bool = False,
    renamed_from: str | None = None,
    masked_with: str | None = None,
    type: Any = None,
    load: Callable[[Any], Any] | None = None,
    dump: Callable[[Any], Any] | None = None,
) -> Any:
    """A column of the clustering key; rows of a partition are kept in the order of these, as declared.

    Parameters:
        descending: whether rows are kept in descending order of it; CQL cannot change that later.

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


def _attrs_field(spec: ColumnSpec, default: Any, factory: Callable[[], Any] | None, **settings: Any) -> Any:
    if factory is not None:
        if default is not attrs.NOTHING:
            raise TypeError("a column has a default or a factory, not both")
        default = attrs.Factory(factory)
    return attrs.field(default=default, metadata={SPEC_KEY: spec}, **settings)
